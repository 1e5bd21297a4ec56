//! Who serves an agent: its providers, made once for a version of the flow and shared by its calls.

use super::engine::Engine;
use super::providers;
use crate::call;
use crate::pipeline::{Named, Staff};
use crate::providers::speak::cache::Cached;
use crate::providers::{Service, listen, realtime, speak, think};
use crate::talk::Stage;
use crate::talk::agent::{Plan, TAKING_OVER, Waits};
use std::sync::Arc;

/// The providers of an agent, and how long they may take.
pub(super) struct Serving {
    /// Who they are; nobody does actions yet.
    pub staff: Staff,
    /// The longest time to a transcript, to the first words and to the first sound, fallbacks included, in milliseconds.
    longest: (u64, u64, u64),
}

impl Serving {
    /// How long the conversation waits: at least as long as all those who take over from each other may take.
    pub fn waits(&self, own: &Waits) -> Waits {
        let (transcript, first_token, first_audio) = self.longest;
        Waits {
            transcript: own.transcript.max(transcript),
            first_token: own.first_token.max(first_token),
            first_audio: own.first_audio.max(first_audio),
        }
    }
}

impl Engine {
    /// The providers of an agent. Errors: a stage for which nobody can be used.
    pub(super) fn serving(&self, agent: &call::Providers) -> Result<Serving, String> {
        let services = |stage: Stage| {
            let spec = agent.spec(stage);
            spec.map(|spec| self.providers.services(stage, spec))
                .unwrap_or_default()
        };
        let listen = providers::all(services(Stage::Listen), listen::listener)?;
        let think = providers::all(services(Stage::Think), think::thinker)?;
        let speak = providers::all(services(Stage::Speak), speak::speaker)?;
        let live = providers::all(services(Stage::Live), realtime::duplex)?;
        self.warm(&speak, &agent.plan);
        let longest = (longest(&listen), longest(&think), longest(&speak));
        let speak = speak.into_iter().map(|(named, service)| {
            let cached = Cached::new(named.provider, &service, Arc::clone(&self.spoken));
            Named {
                name: named.name,
                patience: named.patience,
                provider: Arc::new(cached) as Arc<dyn speak::Speaker>,
            }
        });
        let tools = agent.actions.iter().map(|action| think::Tool {
            name: action.name.clone(),
            description: action.description.clone(),
            parameters: action.parameters.clone(),
        });
        Ok(Serving {
            staff: Staff {
                speak: speak.collect(),
                listen: listen.into_iter().map(|(named, _)| named).collect(),
                think: think.into_iter().map(|(named, _)| named).collect(),
                live: live.into_iter().map(|(named, _)| named).collect(),
                tools: tools.collect(),
                doer: None,
            },
            longest,
        })
    }

    /// Has the agent's fixed words spoken ahead, by its first voice.
    fn warm(&self, voices: &[(Named<dyn speak::Speaker>, Service)], plan: &Plan) {
        let Some((voice, service)) = voices.first() else { return };
        let texts: Vec<String> = plan.texts().map(str::to_owned).collect();
        let (cache, service, voice) = (Arc::clone(&self.spoken), service.clone(), Arc::clone(&voice.provider));
        tokio::spawn(async move {
            let texts: Vec<&str> = texts.iter().map(String::as_str).collect();
            // Whoever needs them asks again and hears what is wrong.
            if let Err(error) = cache.prefetch(voice, &service, &texts).await {
                tracing::warn!(provider = service.name, %error, "the agent's fixed words are not prepared");
            }
        });
    }
}

fn longest<P: ?Sized>(chain: &[(Named<P>, Service)]) -> u64 {
    let all: u128 = chain
        .iter()
        .map(|(_, service)| service.patience.first.as_millis())
        .sum();
    u64::try_from(all).unwrap_or(u64::MAX).saturating_add(TAKING_OVER)
}
