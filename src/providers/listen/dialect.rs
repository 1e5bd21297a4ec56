//! What WebSocket protocols of speech recognition differ in. Everything else about them is the same: see `stream.rs`.

use super::assembly::Key;
use crate::channels::redact::clean;
use crate::providers::{ProviderError, Service};
use crate::talk::Verdict;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::time::Duration;
use url::Url;

/// The words of one protocol. It holds no state: one serves many conversations.
pub(super) trait Dialect: Send + Sync {
    /// How much sound is sent at once.
    fn batch(&self) -> Batch;

    /// What asks for all words now, where the protocol has such a thing.
    fn finalize(&self) -> Option<&'static str>;

    /// What keeps an idle connection.
    fn keep_alive(&self) -> KeepAlive;

    /// What says that no more sound comes.
    fn goodbye(&self) -> &'static str;

    /// Whether sound alone makes the service talk, words or not: then its silence means that it is gone.
    fn is_chatty(&self) -> bool;

    /// What a message says; nothing where it is of no interest. Errors: what the service complains of, or no message of
    /// this protocol.
    fn read(&self, text: &str) -> Result<Vec<Said>, ProviderError>;
}

/// Amounts of sound, in bytes of mu-law.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Batch {
    /// No message is smaller; what is left over waits for more.
    pub least: usize,
    /// A message is sent as soon as there is so much.
    pub usual: usize,
    /// No message is larger.
    pub most: usize,
}

/// How an idle connection is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum KeepAlive {
    /// By this message.
    Text(&'static str),
    /// By sound of a silent caller.
    Silence,
}

/// What a service said. Times are seconds on its own clock, which stands at zero where the connection's sound begins.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said {
    /// It is ready for sound.
    Ready,
    /// Words, or their absence.
    Heard(Passage),
    /// The turn before this ended, or seems to: all words of it are told. This answers a flush.
    Flushed,
    /// All sound up to here was listened to, and the words in it are told. This answers the flushes before it.
    Settled { until: f64 },
    /// What it thinks of the pause at the end of this turn.
    Verdict { turn: u64, verdict: Verdict },
}

/// A part of what was said, with times on the service's own clock.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Passage {
    pub key: Key,
    pub start: f64,
    pub end: f64,
    pub text: String,
    /// Start, end and text of each word, where it is told.
    pub words: Vec<(f64, f64, String)>,
    pub last: bool,
}

/// Where a service is reached, and how long is waited for it.
#[derive(Debug, Clone)]
pub(super) struct Access {
    pub url: Url,
    /// Names and values.
    pub headers: Vec<(String, String)>,
    pub connect: Duration,
    /// The longest wait for the answer to a flush.
    pub answer: Duration,
}

impl Access {
    /// `url` with `defaults` and the service's options as its query; the service's model and language are up to the
    /// defaults. `authorization` is put before the key. Errors: the service's own address without a key.
    pub(super) fn new(
        service: &Service,
        mut url: Url,
        defaults: &[(&str, Option<String>)],
        authorization: &str,
    ) -> Result<Self, ProviderError> {
        if service.key.is_none() && service.base_url.is_none() {
            return Err(ProviderError::Auth {
                detail: "no API key is configured".to_owned(),
            });
        }
        ask(&mut url, service, defaults);
        let key = service.key.as_ref().map(ExposeSecret::expose_secret);
        let key = key.map(|key| ("authorization".to_owned(), format!("{authorization}{key}")));
        Ok(Self {
            url,
            headers: key.into_iter().chain(service.headers.clone()).collect(),
            connect: service.patience.connect,
            answer: service.patience.gap,
        })
    }
}

/// Options take the place of defaults of the same name; null takes a default away, a list stands for a repeated parameter.
fn ask(url: &mut Url, service: &Service, defaults: &[(&str, Option<String>)]) {
    let plain = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let mut query = url.query_pairs_mut();
    for (name, value) in defaults {
        if let Some(value) = value.as_ref().filter(|_| !service.options.contains_key(*name)) {
            query.append_pair(name, value);
        }
    }
    for (name, value) in &service.options {
        match value {
            Value::Null => {}
            Value::Array(values) => {
                query.extend_pairs(values.iter().map(|value| (name, plain(value))));
            }
            value => {
                query.append_pair(name, &plain(value));
            }
        }
    }
}

/// An error that a service told in a message of its own. Codes differ between services, the words in them hardly.
pub(super) fn complaint(code: &str, said: &str) -> ProviderError {
    let detail = clean(format!("{code} {said}").trim());
    let code = format!("{code} {said}").to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| code.contains(word));
    if says(&["auth", "forbidden", "permission", "credential", "api key"]) {
        ProviderError::Auth { detail }
    } else if says(&[
        "quota",
        "rate limit",
        "rate_limit",
        "too many",
        "fund",
        "balance",
        "payment",
    ]) {
        ProviderError::Quota {
            retry_after: None,
            detail,
        }
    } else if says(&["invalid", "unsupported", "bad request", "bad_request", "unparsable"]) {
        ProviderError::BadRequest { detail }
    } else {
        ProviderError::Transient { detail }
    }
}

/// A message that is not of the protocol.
pub(super) fn unreadable(error: &serde_json::Error) -> ProviderError {
    ProviderError::Protocol {
        detail: format!(
            "line {}, column {}: not a message of speech recognition",
            error.line(),
            error.column()
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::ErrorClass;
    use serde_json::json;

    #[test]
    fn options_replace_remove_repeat_and_add_parameters() {
        let Value::Object(options) =
            json!({"model": "x", "a": null, "keyterm": ["Ann", "tea & cake"], "n": 3, "on": true})
        else {
            unreachable!("it is written as an object");
        };
        let service = Service {
            options,
            base_url: Some("http://h".to_owned()),
            ..Service::default()
        };
        let url = Url::parse("ws://h/listen?gateway=1").expect("a URL");
        let defaults = [
            ("model", Some("nova".to_owned())),
            ("a", Some("1".to_owned())),
            ("b", Some("2".to_owned())),
            ("language", None),
        ];
        let access = Access::new(&service, url, &defaults, "Token ").expect("it needs no key");
        let mut query: Vec<String> = access
            .url
            .query_pairs()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        query.sort();
        assert_eq!(
            query,
            [
                "b=2",
                "gateway=1",
                "keyterm=Ann",
                "keyterm=tea & cake",
                "model=x",
                "n=3",
                "on=true"
            ]
        );
        assert!(access.headers.is_empty());
    }

    #[test]
    fn complaints_fall_into_classes() {
        use ErrorClass::*;
        for (code, said, class) in [
            ("", "Not Authorized", Auth),
            ("INVALID_AUTH", "", Auth),
            ("", "Too many concurrent sessions", Quota),
            ("UNPARSABLE_CLIENT_MESSAGE", "", BadRequest),
            ("", "Invalid sample rate", BadRequest),
            ("INTERNAL_SERVER_ERROR", "boom", Transient),
            ("", "", Transient),
        ] {
            assert_eq!(complaint(code, said).class(), class, "{code} {said}");
        }
    }
}
