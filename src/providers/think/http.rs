//! One streamed HTTP answer with all its time limits. Dropping it closes the connection, so the service stops writing.

use super::sse::{Event, Events, TooLong};
use crate::channels::client::{CONNECT_TIMEOUT, http_client, read_limited};
use crate::providers::endpoint::endpoint;
use crate::providers::{Patience, ProviderError, Service};
use http::{HeaderMap, HeaderName, HeaderValue, header};
use reqwest::Response;
use secrecy::ExposeSecret;
use serde_json::Value;
use std::time::Duration;
use tokio::time::{Instant, timeout, timeout_at};
use url::Url;

/// The largest error body that is read.
const ERROR_LIMIT: usize = 64 * 1024;

/// How long the numbers after a complete answer are waited for.
const TAIL: Duration = Duration::from_secs(1);

/// Where a service answers, and how it is addressed.
pub(super) struct Reach {
    url: Url,
    headers: HeaderMap,
    patience: Patience,
}

/// What a protocol does unless the service says otherwise.
pub(super) struct Custom {
    pub base_url: &'static str,
    pub path: &'static str,
    /// The header that holds the key.
    pub key_header: &'static str,
}

impl Reach {
    /// Reads the address, the key and the headers. Options: `path`, `query` (a map), `key_header`. Errors: one of these cannot be
    /// sent, or there is no key for the protocol's own service.
    pub fn new(service: &Service, custom: &Custom) -> Result<Self, ProviderError> {
        let base = service.base_url.as_deref().unwrap_or(custom.base_url);
        let path = service.option("path");
        let mut url = endpoint(base, path.as_deref().unwrap_or(custom.path).trim_start_matches('/'))?;
        let query = service.options.get("query").and_then(Value::as_object);
        if let Some(query) = query.filter(|query| !query.is_empty()) {
            let mut pairs = url.query_pairs_mut();
            for (name, value) in query {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                pairs.append_pair(name, &text);
            }
        }
        let mut headers = HeaderMap::new();
        match &service.key {
            Some(key) => {
                let key_header = service.option("key_header");
                let name = key_header.as_deref().unwrap_or(custom.key_header);
                let key = key.expose_secret();
                match name.eq_ignore_ascii_case("authorization") {
                    true => insert(&mut headers, name, &format!("Bearer {key}"))?,
                    false => insert(&mut headers, name, key)?,
                }
            }
            None if own_host(&url, custom.base_url) => {
                return Err(ProviderError::Auth {
                    detail: "no API key is configured".to_owned(),
                });
            }
            None => {}
        }
        for (name, value) in &service.headers {
            insert(&mut headers, name, value)?;
        }
        let patience = service.patience;
        Ok(Self { url, headers, patience })
    }

    /// Whether the answers come from the protocol's own service and not from a compatible one.
    pub fn is_own(&self, custom: &Custom) -> bool {
        own_host(&self.url, custom.base_url)
    }

    /// Sends a request and waits for the head of its answer. Errors: what the service refused with, or that it did not answer.
    pub async fn post(&self, body: String) -> Result<Answer, ProviderError> {
        let started = Instant::now();
        let request = http_client()
            .map_err(|error| ProviderError::BadRequest {
                detail: error.to_string(),
            })?
            .post(self.url.clone())
            .header(header::CONTENT_TYPE, "application/json")
            .header(header::ACCEPT, "text/event-stream")
            .headers(self.headers.clone())
            .body(body);
        let limit = self.patience.first.min(self.patience.whole);
        let response = timeout(limit, request.send())
            .await
            .map_err(|_| ProviderError::Timeout { limit })?
            .map_err(|error| unreachable_because(&error))?;
        if !response.status().is_success() || is_json(&response) {
            return Err(self.refusal(response).await);
        }
        Ok(Answer {
            response,
            events: Events::default(),
            patience: self.patience,
            started,
            phase: Phase::Waiting,
        })
    }

    /// Opens a connection and leaves it to the pool. The key is not sent: any answer will do.
    pub async fn warm(&self) {
        let Ok(client) = http_client() else { return };
        // Whoever cannot be reached now is told of by the first request.
        let _any_answer = timeout(self.patience.first, client.head(self.url.clone()).send()).await;
    }

    async fn refusal(&self, response: Response) -> ProviderError {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = timeout(self.patience.gap, read_limited(response, ERROR_LIMIT)).await;
        // A broken body does not hide what the status already says.
        let body = body.ok().and_then(Result::ok).unwrap_or_default();
        if !status.is_success() {
            return ProviderError::from_answer(status, &headers, &body);
        }
        let value: Option<Value> = serde_json::from_slice(&body).ok();
        match value.as_ref().and_then(|value| value.get("error")) {
            Some(error) if !error.is_null() => super::fault::error_of(error),
            _ => ProviderError::Protocol {
                detail: "the answer is not a stream of events".to_owned(),
            },
        }
    }
}

/// An answer on its way.
pub(super) struct Answer {
    response: Response,
    events: Events,
    patience: Patience,
    started: Instant,
    phase: Phase,
}

/// How far an answer has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Nothing of use has come.
    Waiting,
    /// It is coming.
    Coming,
    /// It is complete; only numbers follow.
    Complete,
    /// Nothing follows.
    Over,
}

impl Answer {
    /// The next event; `None` at the end. Comments and events that say nothing do not count as a first part of the answer:
    /// that is for whoever reads them to say, with [`Answer::came`].
    pub async fn next(&mut self) -> Result<Option<Event>, ProviderError> {
        // Time that the reader takes for itself is not the service's.
        let asked = Instant::now();
        loop {
            if let Some(event) = self.events.next() {
                return Ok(Some(event));
            }
            if self.phase == Phase::Over {
                return Ok(None);
            }
            let (by, limit) = self.limit(asked);
            let came = match by > Instant::now() {
                true => timeout_at(by, self.response.chunk()).await.ok(),
                // A stream that always has something ready would never let the timer have its say.
                false => None,
            };
            match came {
                Some(Ok(Some(bytes))) => self.events.feed(&bytes).map_err(too_long)?,
                Some(Ok(None)) => {
                    self.phase = Phase::Over;
                    self.events.finish().map_err(too_long)?;
                }
                _ if self.phase == Phase::Complete => self.phase = Phase::Over,
                Some(Err(_)) => {
                    return Err(ProviderError::Transient {
                        detail: "the connection broke before the answer was complete".to_owned(),
                    });
                }
                None => return Err(ProviderError::Timeout { limit }),
            }
        }
    }

    /// A part of the answer itself came.
    pub fn came(&mut self) {
        if self.phase == Phase::Waiting {
            self.phase = Phase::Coming;
        }
    }

    /// The answer is complete: what follows is not waited for long, and its failing does not matter.
    pub fn complete(&mut self) {
        if self.phase != Phase::Over {
            self.phase = Phase::Complete;
        }
    }

    /// The answer was read to its last event. The end of its body may come later: it is read away on the side, or else the
    /// connection would be closed, and the next turn would wait for another one. Returns at once.
    pub fn release(self) {
        let mut response = self.response;
        tokio::spawn(async move {
            let rest = async { while let Ok(Some(_)) = response.chunk().await {} };
            // One that does not end is closed after all.
            let _ended = timeout(TAIL, rest).await;
        });
    }

    fn limit(&self, asked: Instant) -> (Instant, Duration) {
        let patience = self.patience;
        let whole = (self.started + patience.whole, patience.whole);
        let next = match self.phase {
            Phase::Waiting => (self.started + patience.first, patience.first),
            Phase::Coming => (asked + patience.gap, patience.gap),
            Phase::Complete | Phase::Over => (asked + TAIL, TAIL),
        };
        if next.0 < whole.0 { next } else { whole }
    }
}

fn insert(headers: &mut HeaderMap, name: &str, value: &str) -> Result<(), ProviderError> {
    let bad = || ProviderError::BadRequest {
        detail: format!("the header `{name}` cannot be sent: it has characters that no header may have"),
    };
    let name = HeaderName::try_from(name).map_err(|_| bad())?;
    let mut value = HeaderValue::try_from(value).map_err(|_| bad())?;
    value.set_sensitive(true);
    headers.insert(name, value);
    Ok(())
}

fn own_host(url: &Url, base: &str) -> bool {
    Url::parse(base).is_ok_and(|base| base.host_str() == url.host_str())
}

/// A success of JSON instead of events: an error in disguise, or a server that does not stream.
fn is_json(response: &Response) -> bool {
    let kind = response.headers().get(header::CONTENT_TYPE);
    let kind = kind.and_then(|kind| kind.to_str().ok()).unwrap_or("");
    kind.trim_start().to_ascii_lowercase().starts_with("application/json")
}

fn unreachable_because(error: &reqwest::Error) -> ProviderError {
    match (error.is_connect(), error.is_timeout()) {
        (true, true) => ProviderError::Timeout { limit: CONNECT_TIMEOUT },
        (true, false) => ProviderError::Transient {
            detail: "the service cannot be reached".to_owned(),
        },
        _ => ProviderError::Transient {
            detail: "the connection broke before there was an answer".to_owned(),
        },
    }
}

fn too_long(_: TooLong) -> ProviderError {
    ProviderError::Protocol {
        detail: "one event of the answer has no end".to_owned(),
    }
}
