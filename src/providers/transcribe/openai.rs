//! Transcription over the protocol of OpenAI's `audio/transcriptions`, which many servers speak.

use std::fmt;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::multipart::{Form, Part};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;

use super::{Audio, Transcriber, Transcript, file_name, language_code};
use crate::channels::client::{self, BodyFault, Fault, http_client};
use crate::providers::ProviderError;
use crate::providers::endpoint::endpoint;

/// Where OpenAI's own service answers.
pub const DEFAULT_BASE_URL: &str = "https://api.openai.com/v1";

/// The largest answer that is read.
const ANSWER_LIMIT: usize = 4 * 1024 * 1024;

/// How to reach the service.
#[derive(Debug, Clone)]
pub struct OpenAiConfig {
    /// Up to and including the version, as in `https://api.openai.com/v1`.
    pub base_url: String,
    /// Local servers often need none.
    pub api_key: Option<SecretString>,
    pub model: String,
    /// Names and words that the recording may hold, as a hint for their spelling.
    pub prompt: Option<String>,
    /// From connecting to the last byte of the answer.
    pub timeout: Duration,
}

impl Default for OpenAiConfig {
    fn default() -> Self {
        OpenAiConfig {
            base_url: DEFAULT_BASE_URL.to_owned(),
            api_key: None,
            model: "whisper-1".to_owned(),
            prompt: None,
            timeout: Duration::from_secs(120),
        }
    }
}

pub(super) struct OpenAi {
    config: OpenAiConfig,
}

/// The `json` answer; `usage` differs between models and is optional on all of them.
#[derive(Deserialize)]
struct Answer {
    text: String,
    usage: Option<Usage>,
}

#[derive(Deserialize)]
struct Usage {
    seconds: Option<f64>,
}

impl OpenAi {
    pub fn new(config: OpenAiConfig) -> Self {
        OpenAi { config }
    }

    async fn request(&self, audio: Audio, language: Option<String>) -> Result<Transcript, ProviderError> {
        let url = endpoint(&self.config.base_url, "audio/transcriptions")?;
        if self.config.api_key.is_none() && url.host_str() == Some("api.openai.com") {
            return Err(ProviderError::Auth {
                detail: "no API key is configured".to_owned(),
            });
        }
        let client = http_client().map_err(|error| ProviderError::BadRequest {
            detail: error.to_string(),
        })?;
        let mut request = client
            .post(url)
            .multipart(self.form(audio, language)?)
            .timeout(self.config.timeout);
        if let Some(key) = &self.config.api_key {
            request = request.bearer_auth(key.expose_secret());
        }
        let response = request
            .send()
            .await
            .map_err(|error| self.unanswered(Fault::of(&error)))?;
        let status = response.status();
        let headers = response.headers().clone();
        let body = client::read_limited(response, ANSWER_LIMIT).await;
        if !status.is_success() {
            // A broken body does not hide what the status already says.
            return Err(ProviderError::from_answer(status, &headers, &body.unwrap_or_default()));
        }
        let body = body.map_err(|fault| match fault {
            BodyFault::TooLarge => ProviderError::Protocol {
                detail: format!("more than {ANSWER_LIMIT} bytes"),
            },
            BodyFault::Broken(fault) => self.unanswered(fault),
        })?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| ProviderError::Protocol {
            detail: format!("line {}, column {}: not a transcription", error.line(), error.column()),
        })?;
        Ok(Transcript {
            text: answer.text.trim().to_owned(),
            seconds: answer.usage.and_then(|usage| usage.seconds),
        })
    }

    fn form(&self, audio: Audio, language: Option<String>) -> Result<Form, ProviderError> {
        let length = audio.bytes.len() as u64;
        let file = Part::stream_with_length(audio.bytes, length)
            .file_name(file_name(&audio.mime))
            .mime_str(&audio.mime)
            .map_err(|_| ProviderError::BadRequest {
                detail: "the recording's media type cannot be read".to_owned(),
            })?;
        let mut form = Form::new()
            .part("file", file)
            .text("model", self.config.model.clone())
            .text("response_format", "json");
        if let Some(language) = language {
            form = form.text("language", language);
        }
        if let Some(prompt) = &self.config.prompt {
            form = form.text("prompt", prompt.clone());
        }
        Ok(form)
    }

    fn unanswered(&self, fault: Fault) -> ProviderError {
        match fault {
            Fault {
                timed_out: true,
                sent: true,
            } => ProviderError::Timeout {
                limit: self.config.timeout,
            },
            Fault { sent: false, .. } => ProviderError::Transient {
                detail: "the service cannot be reached".to_owned(),
            },
            Fault { sent: true, .. } => ProviderError::Transient {
                detail: "the connection broke before the answer was complete".to_owned(),
            },
        }
    }
}

impl Transcriber for OpenAi {
    fn transcribe(&self, audio: Audio, language: Option<&str>) -> BoxFuture<'_, Result<Transcript, ProviderError>> {
        let language = language.map(language_code).transpose();
        async move { self.request(audio, language?).await }.boxed()
    }
}

impl fmt::Debug for OpenAi {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.config.fmt(f)
    }
}
