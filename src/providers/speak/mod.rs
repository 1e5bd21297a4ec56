//! Text to speech. One file per protocol; [`KINDS`] is the registry.

mod azure;
pub mod cache;
mod cartesia;
mod command;
mod decode;
mod deepgram;
mod elevenlabs;
mod fault;
mod google;
mod http;
mod line;
mod live;
mod meter;
mod openai;
mod outlet;
mod requests;
mod secret;
mod text;
mod watch;
mod wire;

use super::{ProviderError, Service};
use bytes::Bytes;
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
    /// Makes a speaker; nothing is contacted yet. Errors: the service's settings cannot be used.
    pub make: fn(&Service) -> Result<Arc<dyn Speaker>, ProviderError>,
}

/// All protocols.
pub const KINDS: &[Kind] = &[
    openai::KIND,
    elevenlabs::KIND,
    cartesia::KIND,
    deepgram::KIND,
    azure::KIND,
    command::KIND,
    google::KIND,
];

/// Speaks for one conversation after the other; many at once.
pub trait Speaker: Send + Sync {
    /// Speaks until `orders` ends, which is no error. The sound of pieces leaves in their order, that of the next being made while
    /// the one before is still on its way, where the protocol allows it. Ends with an error where the connection is of no use any more:
    /// then every piece that was not [`Spoken::Done`] is still to be spoken by somebody.
    fn speak(
        self: Arc<Self>,
        orders: mpsc::Receiver<Say>,
        spoken: mpsc::Sender<Spoken>,
    ) -> BoxFuture<'static, Result<(), ProviderError>>;
}

/// An order to a speaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Say {
    /// Speak these words: a sentence, or a part of one. Pieces of one answer belong together and are numbered from 0.
    Piece {
        generation: u32,
        piece: u32,
        text: Arc<str>,
    },
    /// The answer has no more pieces.
    Finish { generation: u32 },
    /// Nothing of this answer and those before it is wanted any more. Sound of theirs that comes later is dropped here.
    Cancel { generation: u32 },
}

/// What a speaker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spoken {
    /// Sound of a piece: mu-law at 8 kHz, in order, in lumps of any length.
    Sound { generation: u32, piece: u32, ulaw: Bytes },
    /// All sound of this piece was given. A piece without any is an error, unless its words cannot be spoken at all (`…`).
    Done { generation: u32, piece: u32 },
    /// This piece cannot be spoken; the connection may still be good for others.
    Failed {
        generation: u32,
        piece: u32,
        error: ProviderError,
    },
}

/// The speaker of this service. Errors: no such kind, or settings that cannot be used.
pub fn speaker(service: &Service) -> Result<Arc<dyn Speaker>, ProviderError> {
    let kind = KINDS.iter().find(|kind| kind.name == service.kind);
    let kind = kind.ok_or_else(|| ProviderError::BadRequest {
        detail: format!("no voice speaks `{}`", service.kind),
    })?;
    (kind.make)(service)
}
