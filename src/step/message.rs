//! What `whatsapp` and `sms` share: a message goes out through the outbox, once.

use crate::call::{Back, Cx, Next, Outcome, StepError, TaskKind, TaskOutput};
use serde_json::json;

/// How long a message may take to be accepted while a caller waits, in milliseconds.
const ACCEPT_MS: u64 = 30_000;

pub(super) fn sent_or_failed() -> Vec<Outcome> {
    super::outcomes(&["sent", "failed"])
}

pub(super) fn send(cx: &mut Cx<'_>, message: TaskKind) -> Next {
    cx.wait_for(message, ACCEPT_MS)
}

pub(super) fn resume(cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
    let Back::Task(result) = back else {
        return Err(StepError::Unexpected);
    };
    match result {
        Ok(TaskOutput::Sent { sid }) => {
            cx.set_result(json!({"sid": sid, "error": ""}));
            Ok(Next::go("sent"))
        }
        Ok(_) => Err(StepError::Unexpected),
        Err(error) => {
            cx.set_result(json!({"sid": "", "error": error}));
            Ok(Next::go("failed"))
        }
    }
}
