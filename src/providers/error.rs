//! Why a provider did not do what was asked, in the classes that decide what happens next.

use std::fmt;
use std::time::{Duration, SystemTime};

use http::{HeaderMap, StatusCode};
use serde_json::Value;

use crate::channels::redact::clean;
use crate::channels::retry_after::retry_after;

/// A failed request to a provider. Details hold no keys or numbers and are safe to log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProviderError {
    /// The key is missing, wrong or not allowed this. Another provider may do.
    Auth { detail: String },
    /// Too many requests or no credit left. Wait, or use another provider.
    Quota {
        retry_after: Option<Duration>,
        detail: String,
    },
    /// The request or the configuration is wrong; the same request fails again.
    BadRequest { detail: String },
    /// The network or the provider failed for the moment.
    Transient { detail: String },
    /// No complete result within the limit.
    Timeout { limit: Duration },
    /// An answer that does not follow the protocol.
    Protocol { detail: String },
}

/// The kinds of [`ProviderError`], for counting and for choosing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    Auth,
    Quota,
    BadRequest,
    Transient,
    Timeout,
    Protocol,
}

impl ErrorClass {
    /// The name in logs, metrics and the store.
    pub fn name(self) -> &'static str {
        match self {
            ErrorClass::Auth => "auth",
            ErrorClass::Quota => "quota",
            ErrorClass::BadRequest => "bad_request",
            ErrorClass::Transient => "transient",
            ErrorClass::Timeout => "timeout",
            ErrorClass::Protocol => "protocol",
        }
    }
}

impl ProviderError {
    pub fn class(&self) -> ErrorClass {
        match self {
            ProviderError::Auth { .. } => ErrorClass::Auth,
            ProviderError::Quota { .. } => ErrorClass::Quota,
            ProviderError::BadRequest { .. } => ErrorClass::BadRequest,
            ProviderError::Transient { .. } => ErrorClass::Transient,
            ProviderError::Timeout { .. } => ErrorClass::Timeout,
            ProviderError::Protocol { .. } => ErrorClass::Protocol,
        }
    }

    /// Whether the same request may succeed later without anyone changing anything.
    pub fn is_retryable(&self) -> bool {
        match self.class() {
            ErrorClass::Quota | ErrorClass::Transient | ErrorClass::Timeout | ErrorClass::Protocol => true,
            ErrorClass::Auth | ErrorClass::BadRequest => false,
        }
    }

    /// The wait that the provider asked for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            ProviderError::Quota { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// What an HTTP answer other than 2xx means. `body` may hold `{"error":{"message":…}}`, `{"error":"…"}`,
    /// `{"message":…}`, `{"detail":…}` or anything else.
    pub(crate) fn from_answer(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> ProviderError {
        let said = message_of(body);
        let detail = match said.is_empty() {
            true => format!("status {}", status.as_u16()),
            false => format!("status {}: {said}", status.as_u16()),
        };
        match status.as_u16() {
            401 | 403 => ProviderError::Auth { detail },
            402 | 429 => ProviderError::Quota {
                retry_after: retry_after(headers, SystemTime::now()),
                detail,
            },
            408 | 409 | 425 | 500..=599 => ProviderError::Transient { detail },
            400..=499 => ProviderError::BadRequest { detail },
            _ => ProviderError::Protocol { detail },
        }
    }
}

impl fmt::Display for ProviderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ProviderError::Auth { detail } => {
                write!(f, "the provider does not accept the key: {detail}")
            }
            ProviderError::Quota { detail, .. } => {
                write!(f, "the provider's quota is used up: {detail}")
            }
            ProviderError::BadRequest { detail } => {
                write!(f, "the request cannot be served: {detail}")
            }
            ProviderError::Transient { detail } => write!(f, "the provider failed: {detail}"),
            ProviderError::Timeout { limit } => {
                write!(f, "no result within {} ms", limit.as_millis())
            }
            ProviderError::Protocol { detail } => {
                write!(f, "the provider's answer cannot be read: {detail}")
            }
        }
    }
}

impl std::error::Error for ProviderError {}

/// The human part of an error body.
fn message_of(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else {
        return clean(&String::from_utf8_lossy(&body[..body.len().min(2000)]));
    };
    let places = ["/error/message", "/error", "/message", "/detail"];
    let text = places.iter().find_map(|place| value.pointer(place)?.as_str());
    clean(text.unwrap_or(""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_fall_into_classes() {
        use ErrorClass::*;
        let cases = [
            (400, BadRequest, false),
            (401, Auth, false),
            (402, Quota, true),
            (403, Auth, false),
            (404, BadRequest, false),
            (408, Transient, true),
            (413, BadRequest, false),
            (429, Quota, true),
            (500, Transient, true),
            (529, Transient, true),
            (302, Protocol, true),
        ];
        for (status, class, retryable) in cases {
            let status = StatusCode::from_u16(status).expect("a status");
            let error = ProviderError::from_answer(status, &HeaderMap::new(), b"");
            assert_eq!((error.class(), error.is_retryable()), (class, retryable), "{status}");
        }
    }

    #[test]
    fn messages_are_found_and_cleaned() {
        let cases: [(&[u8], &str); 6] = [
            (br#"{"error":{"message":"Bad key sk-abc"}}"#, "Bad key sk-…"),
            (br#"{"error":"model not found"}"#, "model not found"),
            (br#"{"detail":"too long"}"#, "too long"),
            (br#"{"error":{"code":1}}"#, ""),
            (b"upstream\nfailed", "upstream failed"),
            (b"", ""),
        ];
        for (body, expected) in cases {
            assert_eq!(message_of(body), expected);
        }
    }
}
