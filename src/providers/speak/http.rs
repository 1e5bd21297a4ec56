//! Requests over HTTP whose answer is sound, streamed as it comes.

use super::decode::Decoder;
use super::requests::Sound;
use crate::audio::stream::StreamFormat;
use crate::channels::client::{Fault, http_client, read_limited};
use crate::providers::{ProviderError, Service};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::header::CONTENT_TYPE;
use reqwest::{RequestBuilder, Response};
use url::Url;

/// What is read of an error.
const ERROR_LIMIT: usize = 64 * 1024;

/// A POST with the service's own headers.
pub(super) fn post(url: Url, service: &Service) -> Result<RequestBuilder, ProviderError> {
    let client = http_client().map_err(|error| ProviderError::BadRequest {
        detail: error.to_string(),
    })?;
    let headers = service.headers.iter();
    Ok(headers.fold(client.post(url), |request, (name, value)| request.header(name, value)))
}

/// Sends it. `raw` is what the sound is where it has no header. Errors: no answer, or one that says why there is no sound.
pub(super) async fn ask(request: RequestBuilder, raw: StreamFormat) -> Result<Box<dyn Sound>, ProviderError> {
    let response = request.send().await.map_err(|error| match error.is_builder() {
        true => ProviderError::BadRequest {
            detail: "the request cannot be made: its key or a header has characters that no header may have".to_owned(),
        },
        false => broken(&error),
    })?;
    let status = response.status();
    if !status.is_success() {
        let headers = response.headers().clone();
        // A broken body does not hide what the status already says.
        let body = read_limited(response, ERROR_LIMIT).await.unwrap_or_default();
        return Err(ProviderError::from_answer(status, &headers, &body));
    }
    let media = response
        .headers()
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let text = media.is_some_and(|media| media.starts_with("application/json") || media.starts_with("text/"));
    Ok(Box::new(Answer {
        decoder: if text { Decoder::text() } else { Decoder::new(raw) },
        response,
        over: false,
    }))
}

struct Answer {
    response: Response,
    decoder: Decoder,
    over: bool,
}

impl Sound for Answer {
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, ProviderError>> {
        async move {
            if self.over {
                return Ok(None);
            }
            let mut out = Vec::new();
            match self.response.chunk().await {
                Ok(Some(bytes)) => self.decoder.push(&bytes, &mut out)?,
                Ok(None) => {
                    self.over = true;
                    self.decoder.finish(&mut out)?;
                }
                Err(error) => return Err(broken(&error)),
            }
            Ok(Some(out.into()))
        }
        .boxed()
    }
}

fn broken(error: &reqwest::Error) -> ProviderError {
    ProviderError::Transient {
        detail: match Fault::of(error).sent {
            false => "the service cannot be reached".to_owned(),
            true => "the connection broke before the sound was complete".to_owned(),
        },
    }
}
