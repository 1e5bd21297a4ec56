//! What a model wishes for, done by the call machine: committed before it is performed, as everything else.

use super::engine::Engine;
use crate::call::{CallId, Event, Pii};
use crate::pipeline::Doer;
use crate::talk::ActionCall;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// The wishes of one conversation.
pub(super) struct Wishes {
    pub engine: Arc<Engine>,
    pub call: CallId,
    pub stream_sid: String,
    /// How many there were: models use their own ids again.
    pub count: AtomicU32,
}

impl Doer for Wishes {
    fn act(&self, call: &ActionCall) -> BoxFuture<'static, Result<String, String>> {
        let engine = Arc::clone(&self.engine);
        let id = self.call.clone();
        let number = self.count.fetch_add(1, Ordering::Relaxed);
        let wish = format!("{}/{number}", self.stream_sid);
        let event = Event::Wished {
            stream_sid: self.stream_sid.clone(),
            id: wish.clone(),
            action: call.name.to_string(),
            arguments: Pii::new(call.arguments.to_string()),
        };
        async move {
            let result = engine.sockets.await_wish(&id, &wish);
            if let Err(error) = engine.apply(&id, event).await {
                tracing::error!(call_sid = %id, ?error, "a wish could not be taken down");
                return Err("it could not be done now".to_owned());
            }
            result
                .await
                .unwrap_or_else(|_| Err("the conversation is over".to_owned()))
        }
        .boxed()
    }
}
