//! The contract's log words, each one structured line. Numbers of callers never appear.

use crate::call::{Call, Effect, Log};

/// Logs what the machine wants logged.
pub(super) fn say(call: &Call, effects: &[Effect]) {
    let call_sid = call.facts.id.as_str();
    for effect in effects {
        let Effect::Log(Log { word, detail, bad }) = effect else {
            continue;
        };
        match *word {
            "WATCHDOG_REDIRECT" => tracing::warn!(call_sid, reason = detail.as_str(), "WATCHDOG_REDIRECT"),
            // The carrier came by itself, so that no redirect was needed.
            "WATCHDOG" => tracing::warn!(call_sid, reason = detail.as_str(), "WATCHDOG"),
            "WATCHDOG_REDIRECT_FAIL" => tracing::error!(call_sid, error = detail.as_str(), "WATCHDOG_REDIRECT_FAIL"),
            "CALL_STATUS" => tracing::info!(call_sid, status = detail.as_str(), "CALL_STATUS"),
            word if *bad => tracing::warn!(call_sid, detail = detail.as_str(), "{word}"),
            word => tracing::info!(call_sid, detail = detail.as_str(), "{word}"),
        }
    }
}
