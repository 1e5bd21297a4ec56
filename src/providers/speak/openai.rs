//! The protocol of OpenAI's `audio/speech`, which many servers speak: PCM at 24 kHz, streamed.

use super::http::{ask, post};
use super::requests::{Requests, Sound, Source};
use super::{Kind, Speaker};
use crate::audio::resample::Resampler;
use crate::audio::stream::StreamFormat;
use crate::providers::endpoint::endpoint;
use crate::providers::{ProviderError, Service};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use url::Url;

pub(super) const KIND: Kind = Kind {
    name: "openai",
    about: "OpenAI's speech API and servers like it",
    key_env: Some("OPENAI_API_KEY"),
    make,
};

const BASE_URL: &str = "https://api.openai.com/v1";
/// Longer inputs are refused.
const LIMIT: usize = 4096;
/// Of the `pcm` format.
const RATE: u32 = 24_000;

struct OpenAi {
    service: Service,
    url: Url,
    raw: StreamFormat,
    /// What every request says; its `input` is added.
    body: Map<String, Value>,
}

/// Options: `sample_rate` of servers whose PCM has another one; anything else, such as `instructions` or `speed`, is sent along.
fn make(service: &Service) -> Result<Arc<dyn Speaker>, ProviderError> {
    let url = endpoint(service.base_url.as_deref().unwrap_or(BASE_URL), "audio/speech")?;
    if service.key.is_none() && url.host_str() == Some("api.openai.com") {
        return Err(ProviderError::Auth {
            detail: "no API key is configured".to_owned(),
        });
    }
    let rate = match service.option("sample_rate") {
        None => RATE,
        Some(rate) => rate.parse().map_err(|_| ProviderError::BadRequest {
            detail: format!("`sample_rate` is a number such as 24000, not `{rate}`"),
        })?,
    };
    Resampler::new(rate).map_err(|error| ProviderError::BadRequest {
        detail: format!("`sample_rate`: {error}"),
    })?;
    let mut body = service.options.clone();
    body.remove("sample_rate");
    body.insert(
        "model".to_owned(),
        json!(service.model.as_deref().unwrap_or("gpt-4o-mini-tts")),
    );
    body.insert("voice".to_owned(), json!(service.voice.as_deref().unwrap_or("alloy")));
    body.entry("response_format").or_insert_with(|| json!("pcm"));
    Ok(Arc::new(Requests(OpenAi {
        service: service.clone(),
        url,
        raw: StreamFormat::Pcm16(rate),
        body,
    })))
}

impl Source for OpenAi {
    fn limit(&self) -> usize {
        LIMIT
    }

    fn service(&self) -> &Service {
        &self.service
    }

    fn ask<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Box<dyn Sound>, ProviderError>> {
        async move {
            let mut body = self.body.clone();
            body.insert("input".to_owned(), json!(text));
            let mut request = post(self.url.clone(), &self.service)?.json(&body);
            if let Some(key) = &self.service.key {
                request = request.bearer_auth(key.expose_secret());
            }
            ask(request, self.raw).await
        }
        .boxed()
    }
}
