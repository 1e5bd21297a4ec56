//! What a service's own error object means: its status where it has one, else the words it uses.

use crate::channels::redact::clean;
use crate::providers::ProviderError;
use http::{HeaderMap, StatusCode};
use serde_json::Value;

/// Where services keep the number and the words.
const STATUSES: &[&str] = &[
    "/status_code",
    "/status",
    "/code",
    "/error/status_code",
    "/error/code",
    "/error/status",
];
const WORDS: &[&str] = &[
    "/error/message",
    "/message",
    "/err_msg",
    "/description",
    "/detail/message",
    "/detail",
    "/error",
    "/title",
    "/error_code",
    "/code",
    "/err_code",
    "/detail/status",
    "/error/type",
    "/error/code",
];

/// The class of an error object such as `{"error":"quota_exceeded","message":"…"}`; `otherwise` makes an error of what fits no class.
pub(super) fn fault(value: &Value, otherwise: fn(String) -> ProviderError) -> ProviderError {
    let mut said: Vec<&str> = WORDS
        .iter()
        .filter_map(|place| value.pointer(place)?.as_str())
        .collect();
    said.dedup();
    let words = said.join(" ").to_lowercase();
    let detail = clean(&said.into_iter().take(2).collect::<Vec<_>>().join(", "));
    let status = STATUSES.iter().find_map(|place| {
        let value = value.pointer(place)?;
        let number = value.as_u64().or_else(|| value.as_str()?.parse().ok())?;
        let status = StatusCode::from_u16(u16::try_from(number).ok()?).ok()?;
        (status.as_u16() >= 400 && status.as_u16() < 600).then_some(status)
    });
    let has = |any: &[&str]| any.iter().any(|word| words.contains(word));
    if let Some(status) = status {
        let body = serde_json::json!({ "message": detail }).to_string();
        return ProviderError::from_answer(status, &HeaderMap::new(), body.as_bytes());
    }
    if has(&[
        "quota",
        "rate limit",
        "rate_limit",
        "too many",
        "concurren",
        "credit",
        "payment",
        "excessive",
        "exceeded",
    ]) {
        return ProviderError::Quota {
            retry_after: None,
            detail,
        };
    }
    if has(&["api key", "api_key", "auth", "forbidden", "permission", "token"]) {
        return ProviderError::Auth { detail };
    }
    if has(&[
        "invalid",
        "not found",
        "not_found",
        "unsupported",
        "bad request",
        "bad_request",
        "does not exist",
        "validation",
    ]) {
        return ProviderError::BadRequest { detail };
    }
    otherwise(detail)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ErrorClass::{self, *};
    use serde_json::json;

    #[test]
    fn statuses_come_first_then_words() {
        let cases: [(Value, ErrorClass); 9] = [
            (json!({"error": {"code": 429, "message": "slow down"}}), Quota),
            (json!({"type": "error", "status_code": 401, "message": "x"}), Auth),
            (json!({"error": {"message": "bad voice", "code": "400"}}), BadRequest),
            (
                json!({"message": "This request exceeds your quota", "error": "quota_exceeded", "code": 1008}),
                Quota,
            ),
            (
                json!({"message": "Invalid API key", "error": "invalid_api_key", "code": 1008}),
                Auth,
            ),
            (
                json!({"detail": {"status": "voice_not_found", "message": "A voice is missing"}}),
                BadRequest,
            ),
            (json!({"status_code": 500}), Transient),
            (json!({"error": "overloaded"}), Protocol),
            (json!({}), Protocol),
        ];
        for (value, class) in cases {
            let error = fault(&value, |detail| ProviderError::Protocol { detail });
            assert_eq!(error.class(), class, "{value}: {error}");
        }
    }
}
