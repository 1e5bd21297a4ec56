//! Speech to text while the caller speaks. One file per protocol; [`KINDS`] is the registry.

mod assembly;
mod assemblyai;
mod captions;
mod command;
mod deepgram;
mod deepgram_flux;
mod dialect;
mod google;
mod openai;
mod session;
mod stream;
mod tape;
mod timeline;
mod utterance;

use super::{ProviderError, Service};
use crate::audio::mulaw::FRAME;
use crate::talk::Verdict;
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
    /// Makes a listener; nothing is contacted yet. Errors: the service's settings cannot be used.
    pub make: fn(&Service) -> Result<Arc<dyn Listener>, ProviderError>,
}

/// All protocols.
pub const KINDS: &[Kind] = &[
    assemblyai::KIND,
    command::KIND,
    deepgram::KIND,
    deepgram_flux::KIND,
    openai::KIND,
    google::KIND,
];

/// Hears one conversation after the other; many at once.
pub trait Listener: Send + Sync {
    /// Listens until `orders` ends, which is no error. What it hears goes to `heard`; where nobody takes it any more, it ends.
    /// Connects at once, keeps the connection alive through silence, and ends with the first error that it cannot mend itself:
    /// whoever runs it decides about another try or another provider.
    fn listen(
        self: Arc<Self>,
        orders: mpsc::Receiver<Hear>,
        heard: mpsc::Sender<Heard>,
    ) -> BoxFuture<'static, Result<(), ProviderError>>;
}

/// At most 20 ms of the caller: mu-law at 8 kHz.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Frame {
    bytes: [u8; FRAME],
    length: u8,
}

impl Frame {
    /// The first 160 bytes of `sound`.
    pub fn new(sound: &[u8]) -> Self {
        let length = sound.len().min(FRAME);
        let mut bytes = [crate::audio::mulaw::SILENCE; FRAME];
        bytes[..length].copy_from_slice(&sound[..length]);
        Self {
            bytes,
            length: length as u8,
        }
    }

    /// The sound.
    pub fn sound(&self) -> &[u8] {
        &self.bytes[..usize::from(self.length)]
    }
}

/// An order to a listener. Sound and orders share one queue, so their order is the truth about time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Hear {
    /// The caller's next sound, speech or not.
    Sound(Frame),
    /// The caller began to speak, `before` milliseconds of sound ago.
    Begin { utterance: u32, before: u32 },
    /// The words of this utterance so far are wanted as soon as can be; answered by [`Heard::Words`] with the same `flush`,
    /// even where there are none.
    Flush { utterance: u32, flush: u32 },
    /// The utterance is over; nothing more of it is wanted, and words of it that still come are dropped, never given to the next.
    End { utterance: u32 },
}

/// What a listener heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Heard {
    /// It is ready for sound.
    Ready,
    /// All words of the utterance so far: each replaces the ones before. `flush` is set where this answers one.
    /// `utterance` is none where words came outside of every utterance.
    Words {
        utterance: Option<u32>,
        text: String,
        flush: Option<u32>,
    },
    /// What the service thinks of the caller's pause.
    Verdict { utterance: Option<u32>, verdict: Verdict },
}

/// The listener of this service. Errors: no such kind, or settings that cannot be used.
pub fn listener(service: &Service) -> Result<Arc<dyn Listener>, ProviderError> {
    let kind = KINDS.iter().find(|kind| kind.name == service.kind);
    let kind = kind.ok_or_else(|| ProviderError::BadRequest {
        detail: format!("no listener speaks `{}`", service.kind),
    })?;
    (kind.make)(service)
}
