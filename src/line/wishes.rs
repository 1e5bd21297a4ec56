//! What a model wishes for, done by the call machine: it hears of it in line with everything else that the conversation
//! finds out, commits it before it is performed, and tells what came of it.

use super::engine::Engine;
use crate::call::CallId;
use crate::pipeline::Doer;
use crate::talk::ActionCall;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Waits for what comes of the wishes of one conversation.
pub(super) struct Wishes {
    pub engine: Arc<Engine>,
    pub call: CallId,
    pub names: Names,
}

/// Names the wishes of one stream. The call and the one who waits see the same wishes in the same order, so that both
/// come to the same names.
pub(super) struct Names {
    stream_sid: String,
    /// How often there was one of this id: models use theirs again.
    known: Mutex<HashMap<String, u32>>,
}

impl Names {
    pub fn new(stream_sid: impl Into<String>) -> Self {
        Self {
            stream_sid: stream_sid.into(),
            known: Mutex::default(),
        }
    }

    /// The next wish of this id.
    pub fn next(&self, id: &str) -> String {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let count = known.entry(id.to_owned()).or_default();
        let name = format!("{}/{id}/{count}", self.stream_sid);
        *count += 1;
        name
    }
}

/// Whether this is the name of a wish of the stream.
pub(super) fn is_of(wish: &str, stream_sid: &str) -> bool {
    wish.strip_prefix(stream_sid).is_some_and(|rest| rest.starts_with('/'))
}

impl Doer for Wishes {
    fn act(&self, call: &ActionCall) -> BoxFuture<'static, Result<String, String>> {
        let wish = self.names.next(&call.id);
        let result = self.engine.sockets.await_wish(&self.call, &wish);
        async move {
            result
                .await
                .unwrap_or_else(|_| Err("the conversation is over".to_owned()))
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_used_again_has_another_name_and_both_sides_the_same() {
        let (call, waiting) = (Names::new("MZ1"), Names::new("MZ1"));
        let ids = ["call_0", "call_1", "call_0"];
        let names = ids.map(|id| call.next(id));
        assert_eq!(names, ["MZ1/call_0/0", "MZ1/call_1/0", "MZ1/call_0/1"]);
        assert_eq!(names, ids.map(|id| waiting.next(id)));
        assert!(is_of(&names[0], "MZ1") && !is_of(&names[0], "MZ") && !is_of("MZ12/a/0", "MZ1"));
    }
}
