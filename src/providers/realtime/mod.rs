//! Speech to speech: one model that hears and answers. One file per protocol; [`KINDS`] is the registry.

mod openai;

use super::listen::Frame;
use super::think::Tool;
use super::{ProviderError, Service};
use crate::talk::{LiveOrder, LiveSignal};
use futures_util::future::BoxFuture;
use std::sync::Arc;
use tokio::sync::mpsc;

/// A protocol of this stage.
pub struct Kind {
    /// Its name in the configuration.
    pub name: &'static str,
    /// What it is, in a few words.
    pub about: &'static str,
    /// The environment variable that holds its key by custom.
    pub key_env: Option<&'static str>,
    /// Makes a model; nothing is contacted yet. Errors: the service's settings cannot be used.
    pub make: fn(&Service) -> Result<Arc<dyn Duplex>, ProviderError>,
}

/// All protocols.
pub const KINDS: &[Kind] = &[openai::KIND];

/// Talks; many conversations at once.
pub trait Duplex: Send + Sync {
    /// Talks until `orders` ends, which is no error.
    fn run(
        self: Arc<Self>,
        setup: Setup,
        orders: mpsc::Receiver<ToModel>,
        told: mpsc::Sender<LiveSignal>,
    ) -> BoxFuture<'static, Result<(), ProviderError>>;
}

/// What the model is told once.
#[derive(Debug, Clone, Default)]
pub struct Setup {
    /// Who it is and what it is for.
    pub instructions: String,
    /// What it may wish for.
    pub tools: Arc<[Tool]>,
}

/// What goes to the model; sound and orders share one queue.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ToModel {
    /// The caller's next sound.
    Sound(Frame),
    /// An order.
    Order(LiveOrder),
}

/// The model of this service. Errors: no such kind, or settings that cannot be used.
pub fn duplex(service: &Service) -> Result<Arc<dyn Duplex>, ProviderError> {
    let kind = KINDS.iter().find(|kind| kind.name == service.kind);
    let kind = kind.ok_or_else(|| ProviderError::BadRequest {
        detail: format!("no speech-to-speech model speaks `{}`", service.kind),
    })?;
    (kind.make)(service)
}
