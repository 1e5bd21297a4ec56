//! Calls to services that a flow's `http` step names: bounded in size and time, with errors that say what happened.

use std::fmt;
use std::time::Duration;

use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method};
use reqwest::Response;
use serde_json::Value;
use url::Url;

use super::client::{self, BodyFault, Fault, http_client};

/// How many redirects are followed.
const MAX_HOPS: usize = 5;

/// The headers of an answer that a flow can see.
const VISIBLE: [HeaderName; 5] = [
    header::CONTENT_TYPE,
    header::ETAG,
    header::LAST_MODIFIED,
    header::LOCATION,
    header::RETRY_AFTER,
];

/// One call to a service.
#[derive(Debug, Clone)]
pub struct HttpCall {
    pub method: Method,
    /// http or https.
    pub url: String,
    pub headers: Vec<(String, String)>,
    pub body: HttpBody,
    /// From connecting to the last byte, redirects included.
    pub timeout: Duration,
    /// The largest answer that is read, in bytes.
    pub max_bytes: usize,
}

impl HttpCall {
    /// A call without headers or body, 5 s and 256 KiB at most.
    pub fn new(method: Method, url: impl Into<String>) -> Self {
        HttpCall {
            method,
            url: url.into(),
            headers: Vec::new(),
            body: HttpBody::Empty,
            timeout: Duration::from_secs(5),
            max_bytes: 256 * 1024,
        }
    }
}

/// What a call carries. A `Content-Type` among the call's headers takes precedence over the one given here.
#[derive(Debug, Clone, PartialEq)]
pub enum HttpBody {
    Empty,
    Json(Value),
    Form(Vec<(String, String)>),
    Text(String),
}

/// A complete answer, whatever its status.
#[derive(Debug, Clone, PartialEq)]
pub struct HttpReply {
    pub status: u16,
    /// Lower-case names; only `content-type`, `etag`, `last-modified`, `location` and `retry-after`.
    pub headers: Vec<(String, String)>,
    pub body: ReplyBody,
}

#[derive(Debug, Clone, PartialEq)]
pub enum ReplyBody {
    Empty,
    /// The answer declared `application/json` or `…+json`.
    Json(Value),
    Text(String),
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HttpError {
    /// Not an http(s) URL. Nothing was sent.
    BadUrl,
    /// A header that HTTP does not allow. Nothing was sent.
    BadHeader {
        name: String,
    },
    Unreachable,
    /// The connection broke after the request may have arrived.
    Broken,
    Timeout {
        sent: bool,
    },
    TooLarge {
        limit: usize,
    },
    /// A redirect to another scheme, or one that would carry a body to another host.
    RedirectRefused,
    TooManyRedirects,
    /// Declared as JSON, but is not; or not UTF-8.
    Unreadable {
        media_type: String,
    },
    /// The HTTP client cannot be set up.
    Client {
        detail: String,
    },
}

impl HttpError {
    /// Whether the same call may succeed later without anyone changing anything.
    pub fn is_retryable(&self) -> bool {
        matches!(
            self,
            HttpError::Unreachable | HttpError::Broken | HttpError::Timeout { .. }
        )
    }

    /// Whether the service may have acted on the call. A call that is not repeatable must not be sent again then.
    pub fn may_have_happened(&self) -> bool {
        match self {
            HttpError::BadUrl | HttpError::BadHeader { .. } | HttpError::Unreachable | HttpError::Client { .. } => {
                false
            }
            HttpError::Timeout { sent } => *sent,
            HttpError::Broken
            | HttpError::TooLarge { .. }
            | HttpError::RedirectRefused
            | HttpError::TooManyRedirects
            | HttpError::Unreadable { .. } => true,
        }
    }
}

impl fmt::Display for HttpError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            HttpError::BadUrl => f.write_str("the address is not an http or https URL"),
            HttpError::BadHeader { name } => write!(f, "the header `{name}` cannot be sent"),
            HttpError::Unreachable => f.write_str("the service cannot be reached"),
            HttpError::Broken => f.write_str("the connection broke before the answer was complete"),
            HttpError::Timeout { .. } => f.write_str("the service did not answer in time"),
            HttpError::TooLarge { limit } => write!(f, "the answer is larger than {limit} bytes"),
            HttpError::RedirectRefused => f.write_str("the service redirects to where this call must not follow"),
            HttpError::TooManyRedirects => write!(f, "more than {MAX_HOPS} redirects"),
            HttpError::Unreadable { media_type } => {
                write!(f, "the answer is not readable `{media_type}`")
            }
            HttpError::Client { detail } => f.write_str(detail),
        }
    }
}

impl std::error::Error for HttpError {}

/// Makes the call once. Every complete answer is a reply, also 4xx and 5xx: what they mean is the flow's to say.
///
/// Redirects stay on their scheme. To another host only reads are followed, and without the call's own headers, which
/// may hold keys.
pub async fn send(call: &HttpCall) -> Result<HttpReply, HttpError> {
    let url = Url::parse(&call.url).map_err(|_| HttpError::BadUrl)?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(HttpError::BadUrl);
    }
    let headers = header_map(&call.headers)?;
    match tokio::time::timeout(call.timeout, follow(call, url, headers)).await {
        Ok(outcome) => outcome,
        // The connection limit may be the longer one, so this does not tell whether anything was sent.
        Err(_elapsed) => Err(HttpError::Timeout { sent: true }),
    }
}

async fn follow(call: &HttpCall, mut url: Url, mut headers: HeaderMap) -> Result<HttpReply, HttpError> {
    let client = http_client().map_err(|error| HttpError::Client {
        detail: error.to_string(),
    })?;
    let mut method = call.method.clone();
    let mut body = &call.body;
    for _ in 0..=MAX_HOPS {
        let request = client.request(method.clone(), url.clone());
        let request = match body {
            HttpBody::Empty => request,
            HttpBody::Json(value) => request.json(value),
            HttpBody::Form(pairs) => request.form(pairs),
            HttpBody::Text(text) => request
                .header(header::CONTENT_TYPE, "text/plain; charset=utf-8")
                .body(text.clone()),
        };
        let response = request
            .headers(headers.clone())
            .send()
            .await
            .map_err(|error| unanswered(Fault::of(&error)))?;
        let Some(target) = client::redirect_target(&response) else {
            return read(response, call.max_bytes).await;
        };
        let status = response.status().as_u16();
        // What browsers do: 303 always becomes a read, 301 and 302 do for POST, 307 and 308 repeat the call.
        if status == 303 || (matches!(status, 301 | 302) && method == Method::POST) {
            if method != Method::HEAD {
                method = Method::GET;
            }
            body = &HttpBody::Empty;
            headers.remove(header::CONTENT_TYPE);
        }
        let reads = matches!(method, Method::GET | Method::HEAD) && *body == HttpBody::Empty;
        let elsewhere = target.origin() != url.origin();
        if target.scheme() != url.scheme() || (elsewhere && !reads) {
            return Err(HttpError::RedirectRefused);
        }
        if elsewhere {
            headers.clear();
        }
        url = target;
    }
    Err(HttpError::TooManyRedirects)
}

async fn read(response: Response, limit: usize) -> Result<HttpReply, HttpError> {
    let status = response.status().as_u16();
    let headers: Vec<(String, String)> = VISIBLE
        .iter()
        .filter_map(|name| {
            let value = response.headers().get(name)?.to_str().ok()?;
            Some((name.as_str().to_owned(), value.to_owned()))
        })
        .collect();
    let media_type = headers
        .iter()
        .find(|(name, _)| name == "content-type")
        .map(|(_, value)| value.split(';').next().unwrap_or("").trim().to_ascii_lowercase())
        .unwrap_or_default();
    let bytes = client::read_limited(response, limit)
        .await
        .map_err(|fault| match fault {
            BodyFault::TooLarge => HttpError::TooLarge { limit },
            BodyFault::Broken(fault) => unanswered(fault),
        })?;
    let body = if bytes.is_empty() {
        ReplyBody::Empty
    } else if media_type == "application/json" || media_type.ends_with("+json") {
        let value = serde_json::from_slice(&bytes).map_err(|_| HttpError::Unreadable { media_type })?;
        ReplyBody::Json(value)
    } else {
        let text = String::from_utf8(bytes.into()).map_err(|_| HttpError::Unreadable { media_type })?;
        ReplyBody::Text(text)
    };
    Ok(HttpReply { status, headers, body })
}

fn header_map(pairs: &[(String, String)]) -> Result<HeaderMap, HttpError> {
    let mut headers = HeaderMap::new();
    for (name, value) in pairs {
        let bad = || HttpError::BadHeader { name: name.clone() };
        let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| bad())?;
        // These describe the connection; a flow that sets them would break the framing of the request.
        if matches!(
            parsed,
            header::HOST | header::CONTENT_LENGTH | header::TRANSFER_ENCODING | header::CONNECTION
        ) {
            return Err(bad());
        }
        // UTF-8 is passed through, as services that take names in headers expect; control characters are refused.
        let value = HeaderValue::from_bytes(value.as_bytes()).map_err(|_| bad())?;
        headers.append(parsed, value);
    }
    Ok(headers)
}

fn unanswered(fault: Fault) -> HttpError {
    match fault {
        Fault { timed_out: true, sent } => HttpError::Timeout { sent },
        Fault { sent: true, .. } => HttpError::Broken,
        Fault { sent: false, .. } => HttpError::Unreachable,
    }
}
