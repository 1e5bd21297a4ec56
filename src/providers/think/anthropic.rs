//! Anthropic's Messages, streamed.
//!
//! Options of this protocol: `path`, `query`, `key_header`, `version` (the API's), `max_tokens` (which the service demands; 1024
//! unless said). Every other option goes into the request as it is.

mod body;
mod stream;

use super::http::{Custom, Reach};
use super::{Kind, Request, Thinker, Thought};
use crate::providers::{ProviderError, Service};
use crate::talk::Usage;
use body::Shape;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use stream::Turn;
use tokio::sync::mpsc;

pub(super) const KIND: Kind = Kind {
    name: "anthropic",
    about: "Anthropic's Messages",
    key_env: Some("ANTHROPIC_API_KEY"),
    make,
};

const CUSTOM: Custom = Custom {
    base_url: "https://api.anthropic.com/v1",
    path: "messages",
    key_header: "x-api-key",
};

/// The version of the API that is spoken here.
const VERSION: &str = "2023-06-01";

struct Anthropic {
    reach: Reach,
    shape: Shape,
}

fn make(service: &Service) -> Result<Arc<dyn Thinker>, ProviderError> {
    let mut service = service.clone();
    let version = service.option("version").unwrap_or_else(|| VERSION.to_owned());
    service.headers.insert(0, ("anthropic-version".to_owned(), version));
    let reach = Reach::new(&service, &CUSTOM)?;
    let shape = Shape::new(&service);
    Ok(Arc::new(Anthropic { reach, shape }))
}

impl Thinker for Anthropic {
    fn think(
        self: Arc<Self>,
        request: Request,
        thoughts: mpsc::Sender<Thought>,
    ) -> BoxFuture<'static, Result<Usage, ProviderError>> {
        async move {
            let body = self.shape.body(&request).to_string();
            let turn = Turn::new(body.len(), request.messages.len());
            super::relay::relay(&self.reach, body, turn, thoughts).await
        }
        .boxed()
    }

    fn warm(self: Arc<Self>) -> BoxFuture<'static, ()> {
        async move { self.reach.warm().await }.boxed()
    }
}
