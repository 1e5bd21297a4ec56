//! What went wrong with a request, in the carrier's codes.

use bytes::{Bytes, BytesMut};
use url::Url;

use super::exchange::Failure;

/// Reads a body of at most `limit` bytes (11750 beyond).
pub(crate) async fn body(mut response: reqwest::Response, limit: usize, url: &Url) -> Result<Bytes, Failure> {
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => {
                return Err(Failure::new(11750, url.as_str(), format!("more than {limit} bytes")));
            }
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body.freeze()),
            Err(error) => return Err(Failure::new(11205, url.as_str(), root_cause(&error))),
        }
    }
}

/// The carrier's code for a request that came to nothing.
pub(crate) fn diagnose(url: &Url, error: &reqwest::Error) -> Failure {
    let cause = root_cause(error);
    let lower = cause.to_ascii_lowercase();
    let code = if error.is_timeout() && error.is_connect() {
        11201
    } else if lower.contains("refused") {
        11202
    } else if lower.contains("lookup") || lower.contains("name or service") {
        11210
    } else if lower.contains("certificate") || lower.contains("tls") || lower.contains("handshake") {
        11220
    } else if lower.contains("invalid http") || lower.contains("parse") {
        11206
    } else {
        11205
    };
    Failure::new(code, url.as_str(), cause)
}

fn root_cause(error: &dyn std::error::Error) -> String {
    let mut last = error;
    while let Some(source) = last.source() {
        last = source;
    }
    last.to_string()
}
