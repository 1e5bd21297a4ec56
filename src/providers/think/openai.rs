//! Chat completions as OpenAI streams them, and with it many others: Groq, OpenRouter, vLLM, Ollama, llama.cpp, Azure.
//!
//! Options of this protocol: `path`, `query` and `key_header` (Azure: `key_header: api-key`), `include_usage: false` for servers that
//! refuse `stream_options`, `max_tokens` with `max_tokens_field` where its name differs, `system_role: developer`. Every other
//! option, such as `temperature`, goes into the request as it is.

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
use stream::Completion;
use tokio::sync::mpsc;

pub(super) const KIND: Kind = Kind {
    name: "openai",
    about: "chat completions of OpenAI and of servers compatible with it",
    key_env: Some("OPENAI_API_KEY"),
    make,
};

const CUSTOM: Custom = Custom {
    base_url: "https://api.openai.com/v1",
    path: "chat/completions",
    key_header: "authorization",
};

struct OpenAi {
    reach: Reach,
    shape: Shape,
}

fn make(service: &Service) -> Result<Arc<dyn Thinker>, ProviderError> {
    let reach = Reach::new(service, &CUSTOM)?;
    let shape = Shape::new(service, reach.is_own(&CUSTOM));
    Ok(Arc::new(OpenAi { reach, shape }))
}

impl Thinker for OpenAi {
    fn think(
        self: Arc<Self>,
        request: Request,
        thoughts: mpsc::Sender<Thought>,
    ) -> BoxFuture<'static, Result<Usage, ProviderError>> {
        async move {
            let body = self.shape.body(&request).to_string();
            let completion = Completion::new(body.len(), request.messages.len());
            super::relay::relay(&self.reach, body, completion, thoughts).await
        }
        .boxed()
    }

    fn warm(self: Arc<Self>) -> BoxFuture<'static, ()> {
        async move { self.reach.warm().await }.boxed()
    }
}
