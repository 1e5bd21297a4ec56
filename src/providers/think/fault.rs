//! Errors that come inside an answer, where no HTTP status tells their class: `{"type", "code", "message"}` objects.

use crate::channels::redact::clean;
use crate::providers::ProviderError;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// What the object under `error` means. `code` may be a word or an HTTP status, and all parts may be missing.
pub(in crate::providers) fn error_of(error: &Value) -> ProviderError {
    let word = |name: &str| error.get(name).and_then(Value::as_str).unwrap_or("");
    let said = error.as_str().unwrap_or(word("message"));
    let (code, kind) = (word("code"), word("type"));
    let status = error.get("code").and_then(Value::as_u64);
    let status = status
        .or_else(|| code.parse().ok())
        .and_then(|code| u16::try_from(code).ok());
    if let Some(status) = status.filter(|status| (400..600).contains(status))
        && let Ok(status) = StatusCode::from_u16(status)
    {
        let body = serde_json::json!({ "message": said }).to_string();
        return ProviderError::from_answer(status, &HeaderMap::new(), body.as_bytes());
    }
    let named: Vec<&str> = [code, kind].into_iter().filter(|word| !word.is_empty()).collect();
    let detail = clean(&format!("{} {said}", named.join(", ")));
    // The code is the narrower of the two: OpenAI calls a wrong key an `invalid_request_error` of code `invalid_api_key`.
    let classes = [code, kind].map(class_of);
    match classes.into_iter().flatten().next() {
        Some(Class::Auth) => ProviderError::Auth { detail },
        Some(Class::Quota) => ProviderError::Quota {
            retry_after: None,
            detail,
        },
        Some(Class::BadRequest) => ProviderError::BadRequest { detail },
        Some(Class::Transient) | None => ProviderError::Transient { detail },
    }
}

#[derive(Clone, Copy)]
enum Class {
    Auth,
    Quota,
    BadRequest,
    Transient,
}

fn class_of(word: &str) -> Option<Class> {
    let any = |parts: &[&str]| parts.iter().any(|part| word.contains(part));
    if any(&["api_key", "authentication", "permission", "unauthorized"]) {
        Some(Class::Auth)
    } else if any(&["rate_limit", "quota", "billing", "too_many"]) {
        Some(Class::Quota)
    } else if any(&[
        "server_error",
        "api_error",
        "overloaded",
        "timeout",
        "expired",
        "unavailable",
    ]) {
        Some(Class::Transient)
    } else if any(&[
        "invalid",
        "not_found",
        "exceeded",
        "too_large",
        "unsupported",
        "unknown_parameter",
        "filter",
    ]) {
        Some(Class::BadRequest)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ErrorClass::{self, *};
    use serde_json::json;

    #[test]
    fn words_and_numbers_fall_into_classes() {
        let cases: [(Value, ErrorClass); 12] = [
            (
                json!({"type": "invalid_request_error", "code": "invalid_api_key"}),
                Auth,
            ),
            (json!({"type": "authentication_error", "message": "x"}), Auth),
            (json!({"code": 401, "message": "User not found."}), Auth),
            (
                json!({"type": "insufficient_quota", "code": "insufficient_quota"}),
                Quota,
            ),
            (json!({"type": "rate_limit_error"}), Quota),
            (json!({"code": "429"}), Quota),
            (json!({"type": "invalid_request_error", "code": null}), BadRequest),
            (
                json!({"type": "invalid_request_error", "code": "context_length_exceeded"}),
                BadRequest,
            ),
            (
                json!({"type": "invalid_request_error", "code": "session_expired"}),
                Transient,
            ),
            (json!({"type": "overloaded_error", "message": "Overloaded"}), Transient),
            (json!("something broke"), Transient),
            (json!({"code": 502}), Transient),
        ];
        for (error, class) in cases {
            assert_eq!(error_of(&error).class(), class, "{error}");
        }
    }

    #[test]
    fn the_message_is_kept_and_cleaned() {
        let error = error_of(&json!({"type": "server_error", "message": "key sk-abc\nbroke"}));
        assert_eq!(error.to_string(), "the provider failed: server_error key sk-… broke");
        assert_eq!(error_of(&json!("gone")).to_string(), "the provider failed: gone");
    }
}
