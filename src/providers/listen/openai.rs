//! Utterances over the protocol of OpenAI's `audio/transcriptions`, which many servers speak; its answer may come in pieces.

use super::utterance::{Scribe, SoFar, Utterances};
use super::{Kind, Listener};
use crate::channels::client::{Fault, http_client};
use crate::channels::redact::clean;
use crate::providers::endpoint::endpoint;
use crate::providers::{Patience, ProviderError, Service};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use reqwest::Response;
use reqwest::multipart::{Form, Part};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::Value;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::timeout;
use url::Url;

pub(super) const KIND: Kind = Kind {
    name: "openai",
    about: "transcription of whole utterances, by OpenAI or any server that speaks its protocol",
    key_env: Some("OPENAI_API_KEY"),
    make,
};

const BASE_URL: &str = "https://api.openai.com/v1";
const MODEL: &str = "gpt-4o-mini-transcribe";
/// The largest answer that is read, in bytes.
const LIMIT: usize = 1024 * 1024;

fn make(service: &Service) -> Result<Arc<dyn Listener>, ProviderError> {
    if service.key.is_none() && service.base_url.is_none() {
        return Err(ProviderError::Auth {
            detail: "no API key is configured".to_owned(),
        });
    }
    let base = service.base_url.as_deref().unwrap_or(BASE_URL);
    let mut fields = vec![
        (
            "model".to_owned(),
            service.model.clone().unwrap_or_else(|| MODEL.to_owned()),
        ),
        ("response_format".to_owned(), "json".to_owned()),
    ];
    if let Some(language) = service.language_code() {
        fields.push(("language".to_owned(), language.to_ascii_lowercase()));
    }
    for (name, value) in &service.options {
        fields.retain(|(field, _)| field != name);
        match value {
            Value::Null => {}
            Value::String(text) => fields.push((name.clone(), text.clone())),
            Value::Array(values) => {
                let plain = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                fields.extend(values.iter().map(|value| (format!("{name}[]"), plain(value))));
            }
            other => fields.push((name.clone(), other.to_string())),
        }
    }
    Ok(Arc::new(Utterances::new(OpenAi {
        url: endpoint(base, "audio/transcriptions")?,
        key: service.key.clone(),
        headers: service.headers.clone(),
        fields,
        patience: service.patience,
    })))
}

struct OpenAi {
    url: Url,
    key: Option<SecretString>,
    headers: Vec<(String, String)>,
    /// Names and values of the form beside the sound.
    fields: Vec<(String, String)>,
    patience: Patience,
}

impl Scribe for OpenAi {
    fn write<'a>(&'a self, wav: Bytes, so_far: SoFar<'a>) -> BoxFuture<'a, Result<String, ProviderError>> {
        async move {
            let limit = self.patience.whole;
            let ask = self.ask(wav, so_far);
            timeout(limit, ask)
                .await
                .unwrap_or(Err(ProviderError::Timeout { limit }))
        }
        .boxed()
    }

    fn patience(&self) -> Duration {
        self.patience.first / 2
    }
}

impl OpenAi {
    async fn ask(&self, wav: Bytes, so_far: SoFar<'_>) -> Result<String, ProviderError> {
        let client = http_client().map_err(|error| ProviderError::BadRequest {
            detail: error.to_string(),
        })?;
        let mut request = client.post(self.url.clone()).multipart(self.form(wav)?);
        if let Some(key) = &self.key {
            request = request.bearer_auth(key.expose_secret());
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        let limit = self.patience.first;
        let answer = timeout(limit, request.send()).await;
        let response = answer
            .map_err(|_| ProviderError::Timeout { limit })?
            .map_err(|error| unanswered(Fault::of(&error)))?;
        let status = response.status();
        if !status.is_success() {
            let headers = response.headers().clone();
            let mut body = Vec::new();
            // A broken body does not hide what the status already says.
            let _broken = self.keep(response, &mut body).await;
            return Err(ProviderError::from_answer(status, &headers, &body));
        }
        let kind = response.headers().get(http::header::CONTENT_TYPE);
        let streams = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/event-stream"));
        if streams {
            let mut events = Events::default();
            self.read(response, |piece| events.take(piece, so_far)).await?;
            return events.end();
        }
        let mut body = Vec::new();
        self.keep(response, &mut body).await?;
        let answer: Answer = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
        Ok(answer.text)
    }

    fn form(&self, wav: Bytes) -> Result<Form, ProviderError> {
        let length = wav.len() as u64;
        let file = Part::stream_with_length(wav, length)
            .file_name("utterance.wav")
            .mime_str("audio/wav")
            .map_err(|error| ProviderError::BadRequest {
                detail: error.to_string(),
            })?;
        let form = Form::new().part("file", file);
        let fields = self.fields.iter().cloned();
        Ok(fields.fold(form, |form, (name, value)| form.text(name, value)))
    }

    async fn keep(&self, response: Response, body: &mut Vec<u8>) -> Result<(), ProviderError> {
        let take = |piece: &[u8]| {
            body.extend_from_slice(piece);
            Ok(())
        };
        self.read(response, take).await
    }

    /// Reads a body piece by piece, each within the patience for one.
    async fn read(
        &self,
        mut response: Response,
        mut take: impl FnMut(&[u8]) -> Result<(), ProviderError>,
    ) -> Result<(), ProviderError> {
        let limit = self.patience.gap;
        let mut length = 0;
        loop {
            let piece = timeout(limit, response.chunk()).await;
            let piece = piece.map_err(|_| ProviderError::Timeout { limit })?;
            let Some(piece) = piece.map_err(|error| {
                unanswered(Fault {
                    sent: true,
                    ..Fault::of(&error)
                })
            })?
            else {
                return Ok(());
            };
            length += piece.len();
            if length > LIMIT {
                return Err(ProviderError::Protocol {
                    detail: format!("more than {LIMIT} bytes"),
                });
            }
            take(&piece)?;
        }
    }
}

#[derive(Deserialize)]
struct Answer {
    text: String,
}

/// An answer in pieces: `transcript.text.delta` again and again, then `transcript.text.done`.
#[derive(Debug, Default)]
struct Events {
    line: Vec<u8>,
    text: String,
    whole: Option<String>,
}

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "type", default)]
    kind: String,
    delta: Option<String>,
    text: Option<String>,
    error: Option<Value>,
}

impl Events {
    /// Takes some bytes, which may end anywhere, even within a letter.
    fn take(&mut self, piece: &[u8], so_far: SoFar<'_>) -> Result<(), ProviderError> {
        for &byte in piece {
            match byte {
                b'\n' | b'\r' => self.close(so_far)?,
                byte => self.line.push(byte),
            }
        }
        Ok(())
    }

    /// The whole text. Errors: the answer broke off before it was complete.
    fn end(mut self) -> Result<String, ProviderError> {
        // A last line may lack its end.
        self.close(&|_| ())?;
        self.whole.ok_or_else(|| ProviderError::Transient {
            detail: "the transcription broke off".to_owned(),
        })
    }

    fn close(&mut self, so_far: SoFar<'_>) -> Result<(), ProviderError> {
        let line = std::mem::take(&mut self.line);
        let data = line.strip_prefix(b"data:").map(<[u8]>::trim_ascii);
        let Some(data) = data.filter(|data| !data.is_empty() && *data != b"[DONE]") else {
            return Ok(());
        };
        let event: Event = serde_json::from_slice(data).map_err(|error| unreadable(&error))?;
        if let Some(error) = event.error.filter(|error| !error.is_null()) {
            let said = error.pointer("/message").or(Some(&error)).and_then(Value::as_str);
            return Err(ProviderError::Transient {
                detail: clean(said.unwrap_or("the service reports an error")),
            });
        }
        match (event.kind.as_str(), event.delta, event.text) {
            ("transcript.text.delta", Some(delta), _) => {
                self.text.push_str(&delta);
                so_far(&self.text);
            }
            ("transcript.text.done", _, text) => {
                self.whole = Some(text.unwrap_or_else(|| std::mem::take(&mut self.text)));
            }
            _ => {}
        }
        Ok(())
    }
}

fn unanswered(fault: Fault) -> ProviderError {
    let detail = match fault.sent {
        false => "the service cannot be reached",
        true => "the connection broke before the answer was complete",
    };
    ProviderError::Transient {
        detail: detail.to_owned(),
    }
}

fn unreadable(error: &serde_json::Error) -> ProviderError {
    ProviderError::Protocol {
        detail: format!("line {}, column {}: not a transcription", error.line(), error.column()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[test]
    fn events_may_be_cut_anywhere() {
        let stream = "event: x\r\ndata: {\"type\":\"transcript.text.delta\",\"delta\":\"של\"}\r\n\r\n: ping\n\
            data:{\"type\":\"transcript.text.delta\",\"delta\":\"ום\"}\n\ndata: {\"type\":\"other\"}\n\n\
            data: {\"type\":\"transcript.text.done\",\"text\":\"שלום.\"}\n\ndata: [DONE]";
        for size in 1..20 {
            let told = Mutex::new(Vec::new());
            let so_far = |text: &str| told.lock().expect("one thread").push(text.to_owned());
            let mut events = Events::default();
            for piece in stream.as_bytes().chunks(size) {
                assert_eq!(events.take(piece, &so_far), Ok(()));
            }
            assert_eq!(events.end(), Ok("שלום.".to_owned()));
            assert_eq!(*told.lock().expect("one thread"), ["של", "שלום"]);
        }
    }

    #[test]
    fn an_answer_that_breaks_off_or_complains_is_no_text() {
        let broken = b"data: {\"type\":\"transcript.text.delta\",\"delta\":\"two\"}\n\n";
        let mut events = Events::default();
        assert_eq!(events.take(broken, &|_| ()), Ok(()));
        assert!(events.end().is_err());
        for line in [&b"data: {\"error\":{\"message\":\"overloaded\"}}\n"[..], b"data: {\n"] {
            assert!(Events::default().take(line, &|_| ()).is_err());
        }
    }
}
