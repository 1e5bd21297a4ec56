//! What is there and what is missing, by name, for `/readyz`; and the seam to the web server.

use super::engine::Engine;
use super::media;
use crate::server::{Health, Hook, Line, MediaSocket, MessageHook, RunningFlow, StaticRoots, VoiceReply, VoiceRequest};
use crate::talk::Stage;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;

/// The engine as the web server sees it.
pub struct Front(pub Arc<Engine>);

impl Line for Front {
    fn voice(&self, hook: Hook, request: VoiceRequest) -> BoxFuture<'_, VoiceReply> {
        self.0.voice_webhook(hook, request).boxed()
    }

    fn message(&self, hook: MessageHook, request: VoiceRequest) -> BoxFuture<'_, VoiceReply> {
        self.0.message_webhook(hook, request).boxed()
    }

    fn media(&self, socket: MediaSocket) -> BoxFuture<'static, ()> {
        media::serve(Arc::clone(&self.0), socket).boxed()
    }

    fn ready(&self) -> BoxFuture<'_, Vec<(String, Health)>> {
        self.0.health().boxed()
    }

    fn running(&self, origin: &str) -> Vec<RunningFlow> {
        self.0.running(origin)
    }

    fn static_files(&self) -> StaticRoots {
        StaticRoots(self.0.config.static_roots.clone())
    }
}

impl Engine {
    /// Whether recordings and conversations are turned into words.
    fn listeners(&self) -> Health {
        match self.stage(Stage::Listen) {
            Health::Disabled if self.transcriber.is_some() => Health::Ok,
            health => health,
        }
    }

    /// Whether every agent that needs this stage has somebody for it. Nobody is asked: what is configured is looked at.
    fn stage(&self, stage: Stage) -> Health {
        let mut health = Health::Disabled;
        for version in self.flows.current() {
            for agent in version.flow.agents.values() {
                // A speech-to-speech model does the work of all three.
                for stage in [stage, Stage::Live] {
                    let spec = agent.providers().and_then(|providers| providers.spec(stage));
                    match spec.map(|spec| self.providers.usable(stage, spec)) {
                        None => {}
                        Some(Ok(())) => health = Health::Ok,
                        Some(Err(error)) => return Health::Problem(error),
                    }
                }
            }
        }
        health
    }

    async fn health(&self) -> Vec<(String, Health)> {
        let db = match self.store.ping().await {
            Ok(()) => Health::Ok,
            Err(error) => Health::Problem(error.to_string()),
        };
        let configured = |there: bool| if there { Health::Ok } else { Health::Disabled };
        let flows = if self.flows.current().is_empty() {
            Health::Problem("no flow is loaded".to_owned())
        } else {
            Health::Ok
        };
        vec![
            ("db".to_owned(), db),
            ("flows".to_owned(), flows),
            ("carrier".to_owned(), configured(self.carrier.is_configured())),
            ("stt".to_owned(), self.listeners()),
            ("tts".to_owned(), self.stage(Stage::Speak)),
            ("llm".to_owned(), self.stage(Stage::Think)),
            ("whatsapp".to_owned(), configured(self.carrier.is_configured())),
        ]
    }
}
