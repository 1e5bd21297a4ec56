//! What a WebSocket protocol of speech has to say for itself: its address, what it sends for an order, what a message means.

use crate::providers::{ProviderError, Service};
use bytes::Bytes;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

/// A WebSocket protocol.
pub(super) trait Protocol: Send + Sync + 'static {
    fn service(&self) -> &Service;
    /// The longest text it takes at once, in characters.
    fn limit(&self) -> usize;
    /// Where to connect to, query included.
    fn address(&self) -> Result<Url, ProviderError>;
    /// What the handshake carries, the key among it.
    fn headers(&self) -> Vec<(&str, String)>;
    /// A new connection's state.
    fn wire(&self) -> Box<dyn Wire>;
}

/// One connection: what is sent for an order, and what a message means. Parts of at most one answer are under way at any time.
pub(super) trait Wire: Send {
    /// Another part of the answer; the first one of an answer opens it.
    fn say(&mut self, text: &str, send: &mut Vec<String>);
    /// The answer has no more parts.
    fn finish(&mut self, send: &mut Vec<String>);
    /// Nothing more of the answer is wanted; whatever still comes of it is not reported by [`Wire::read`].
    fn cancel(&mut self, send: &mut Vec<String>);
    /// What a message says. Errors: the service's own, or nothing that can be read.
    fn read(&mut self, message: Message, heard: &mut Vec<Heard>) -> Result<(), ProviderError>;
    /// Some sound of the part came, then nothing for long: whether the part may be taken as complete.
    fn quiet(&mut self) -> bool {
        false
    }
    /// What keeps an idle connection open, and how often it is sent.
    fn keep_alive(&self) -> Option<(Duration, String)> {
        None
    }
}

/// What a message told.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// Sound of the first part that is not complete: mu-law at 8 kHz.
    Sound(Bytes),
    /// The first part that is not complete is.
    Part,
    /// Everything that was asked for is complete.
    All,
    /// The same, and the sound of all of it came as that of the first part: the service does not say where one ends.
    AllAsOne,
}
