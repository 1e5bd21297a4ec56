//! Requests to the engine and their answers, as the carrier and its report speak of them.

use std::time::Duration;

use bytes::Bytes;
use url::Url;

use super::errors::Code;

/// `GET` or `POST`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Method {
    /// Parameters go into the query.
    Get,
    /// Parameters go into a form; the default everywhere.
    #[default]
    Post,
}

impl Method {
    /// Reads a `method` attribute; absent or unknown is `POST`.
    #[must_use]
    pub fn read(text: Option<&str>) -> Self {
        if text.is_some_and(|text| text.eq_ignore_ascii_case("get")) {
            Self::Get
        } else {
            Self::Post
        }
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
        }
    }
}

/// Names and values in the order in which they are sent.
pub type Params = Vec<(String, String)>;

/// One request to the engine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) purpose: String,
    pub(crate) url: String,
    pub(crate) method: Method,
    pub(crate) params: Params,
}

/// The engine's answer, after redirects.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    /// Where it came from, for relative addresses in it.
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    pub(crate) chunked: bool,
    pub(crate) body: Bytes,
}

/// A request that got no usable answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) code: Code,
    pub(crate) url: String,
    pub(crate) detail: String,
}

impl Failure {
    pub(crate) fn new(code: Code, url: &str, detail: impl Into<String>) -> Self {
        Self {
            code,
            url: url.to_owned(),
            detail: detail.into(),
        }
    }
}

/// A request as the report keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange {
    /// What the request was for (`voice`, `action Record`, `status callback`, …).
    pub purpose: String,
    /// `GET` or `POST`.
    pub method: Method,
    /// The URL as configured.
    pub url: String,
    /// What was sent.
    pub params: Params,
    /// The HTTP status, where there was an answer.
    pub status: Option<u16>,
    /// The answer's `Content-Type`.
    pub content_type: Option<String>,
    /// The answer's body as text, empty for sound.
    pub body: String,
    /// Real time from the request to the last byte of the answer.
    pub took: Duration,
    /// The error code, where the request failed.
    pub error: Option<Code>,
}
