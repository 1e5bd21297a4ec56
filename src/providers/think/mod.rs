//! Language models. One file per protocol; [`KINDS`] is the registry.

mod anthropic;
pub(in crate::providers) mod fault;
mod history;
mod http;
mod openai;
mod relay;
mod scripted;
mod sse;
mod words;

use super::{ProviderError, Service};
use crate::talk::{ActionCall, Message, Usage};
use futures_util::future::BoxFuture;
use serde_json::Value;
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
    /// Makes a thinker; nothing is contacted yet. Errors: the service's settings cannot be used.
    pub make: fn(&Service) -> Result<Arc<dyn Thinker>, ProviderError>,
}

/// All protocols.
pub const KINDS: &[Kind] = &[openai::KIND, anthropic::KIND, scripted::KIND];

/// What rules of the protocol `scripted` answer, and what they wish; none where they cannot be read.
pub fn by_rules(
    options: &serde_json::Map<String, Value>,
    messages: &[Message],
) -> Option<(String, Option<ActionCall>)> {
    scripted::by_rules(options, messages)
}

/// Answers; many conversations at once.
pub trait Thinker: Send + Sync {
    /// Answers one request, word by word. Dropping the future cancels it at the service. An error after the first thought
    /// means that the answer was cut short. Does not try again by itself.
    fn think(
        self: Arc<Self>,
        request: Request,
        thoughts: mpsc::Sender<Thought>,
    ) -> BoxFuture<'static, Result<Usage, ProviderError>>;

    /// Opens a connection, so that the first request is quicker. Failing does not matter.
    fn warm(self: Arc<Self>) -> BoxFuture<'static, ()> {
        Box::pin(std::future::ready(()))
    }
}

/// What is to be answered.
#[derive(Debug, Clone)]
pub struct Request {
    /// Everything said so far.
    pub messages: Arc<[Message]>,
    /// What the model may do.
    pub tools: Arc<[Tool]>,
}

/// Something that a model may wish for.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Letters, digits, `_` and `-`; at most 64.
    pub name: String,
    /// When it is to be used.
    pub description: String,
    /// JSON Schema of its arguments: an object.
    pub parameters: Value,
}

/// A part of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Thought {
    /// More words.
    Text(String),
    /// A wish, complete.
    Wish(ActionCall),
}

/// The thinker of this service. Errors: no such kind, or settings that cannot be used.
pub fn thinker(service: &Service) -> Result<Arc<dyn Thinker>, ProviderError> {
    let kind = KINDS.iter().find(|kind| kind.name == service.kind);
    let kind = kind.ok_or_else(|| ProviderError::BadRequest {
        detail: format!("no model speaks `{}`", service.kind),
    })?;
    (kind.make)(service)
}
