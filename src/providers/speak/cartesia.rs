//! Cartesia's WebSocket: one context an answer, each part flushed so that its end is told, mu-law in base64 back.

use super::fault::fault;
use super::live::Live;
use super::text::spaced;
use super::wire::{Heard, Protocol, Wire};
use super::{Kind, Speaker};
use crate::providers::socket::socket_url;
use crate::providers::{ProviderError, Service};
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

pub(super) const KIND: Kind = Kind {
    name: "cartesia",
    about: "Cartesia Sonic over a WebSocket",
    key_env: Some("CARTESIA_API_KEY"),
    make,
};

const BASE_URL: &str = "https://api.cartesia.ai";
const VERSION: &str = "2026-03-01";
const LIMIT: usize = 2000;
/// Options that belong into `generation_config`.
const GENERATION: [&str; 3] = ["speed", "volume", "emotion"];

struct Cartesia {
    service: Service,
    url: Url,
    /// What every message says.
    frame: Map<String, Value>,
}

/// Options: `speed`, `volume`, `emotion`, and any other field of a request, such as `max_buffer_delay_ms`.
fn make(service: &Service) -> Result<Arc<dyn Speaker>, ProviderError> {
    let url = socket_url(service.base_url.as_deref().unwrap_or(BASE_URL), "tts/websocket")?;
    if service.key.is_none() && url.host_str() == Some("api.cartesia.ai") {
        return Err(ProviderError::Auth {
            detail: "no API key is configured".to_owned(),
        });
    }
    let voice = service.voice.as_deref().ok_or_else(|| ProviderError::BadRequest {
        detail: "the id of a voice is needed".to_owned(),
    })?;
    let (generation, mut frame): (Map<_, _>, Map<_, _>) = service
        .options
        .clone()
        .into_iter()
        .partition(|(name, _)| GENERATION.contains(&name.as_str()));
    if !generation.is_empty() {
        frame.insert("generation_config".to_owned(), generation.into());
    }
    frame.insert(
        "model_id".to_owned(),
        json!(service.model.as_deref().unwrap_or("sonic-3")),
    );
    frame.insert("voice".to_owned(), json!({ "mode": "id", "id": voice }));
    frame.insert(
        "output_format".to_owned(),
        json!({ "container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000 }),
    );
    if let Some(language) = service.language_code() {
        frame.insert("language".to_owned(), json!(language));
    }
    Ok(Arc::new(Live(Cartesia {
        service: service.clone(),
        url,
        frame,
    })))
}

impl Protocol for Cartesia {
    fn service(&self) -> &Service {
        &self.service
    }

    fn limit(&self) -> usize {
        LIMIT
    }

    fn address(&self) -> Result<Url, ProviderError> {
        Ok(self.url.clone())
    }

    fn headers(&self) -> Vec<(&str, String)> {
        let key = self.service.key.as_ref();
        let key = key.map(|key| ("x-api-key", key.expose_secret().to_owned()));
        let more = self.service.headers.iter();
        [("cartesia-version", VERSION.to_owned())]
            .into_iter()
            .chain(key)
            .chain(more.map(|(name, value)| (name.as_str(), value.clone())))
            .collect()
    }

    fn wire(&self) -> Box<dyn Wire> {
        Box::new(State {
            frame: self.frame.clone(),
            contexts: 0,
            context: None,
        })
    }
}

struct State {
    frame: Map<String, Value>,
    /// Contexts opened on this connection.
    contexts: u32,
    context: Option<Context>,
}

struct Context {
    id: String,
    /// The flush that the last sound belonged to, until its end was told.
    flush: Option<i64>,
    /// The last flush whose end was told.
    ended: Option<i64>,
    /// No more parts come.
    closed: bool,
}

impl State {
    fn message(&self, id: &str, fields: Value) -> String {
        let mut message = self.frame.clone();
        message.insert("context_id".to_owned(), json!(id));
        if let Value::Object(fields) = fields {
            message.extend(fields);
        }
        Value::Object(message).to_string()
    }
}

impl Wire for State {
    fn say(&mut self, text: &str, send: &mut Vec<String>) {
        let id = match &self.context {
            Some(context) if !context.closed => context.id.clone(),
            _ => {
                self.contexts += 1;
                let id = format!("answer-{}", self.contexts);
                self.context = Some(Context {
                    id: id.clone(),
                    flush: None,
                    ended: None,
                    closed: false,
                });
                id
            }
        };
        // Transcripts of a context are joined as they are.
        send.push(self.message(&id, json!({ "transcript": spaced(text), "continue": true })));
        send.push(self.message(&id, json!({ "transcript": "", "continue": true, "flush": true })));
    }

    fn finish(&mut self, send: &mut Vec<String>) {
        let Some(context) = self.context.as_mut().filter(|context| !context.closed) else {
            return;
        };
        context.closed = true;
        let id = context.id.clone();
        send.push(self.message(&id, json!({ "transcript": "", "continue": false })));
    }

    fn cancel(&mut self, send: &mut Vec<String>) {
        if let Some(context) = self.context.take() {
            send.push(json!({ "context_id": context.id, "cancel": true }).to_string());
        }
    }

    fn read(&mut self, message: Message, heard: &mut Vec<Heard>) -> Result<(), ProviderError> {
        let Message::Text(text) = message else {
            return Ok(());
        };
        let protocol = |detail: &str| ProviderError::Protocol {
            detail: detail.to_owned(),
        };
        let value: Value = serde_json::from_str(&text).map_err(|_| protocol("a message that is no JSON"))?;
        let id = value["context_id"].as_str();
        let kind = value["type"].as_str();
        let Some(context) = self.context.as_mut().filter(|context| id == Some(&context.id)) else {
            // What is said of a context that was given up is late; what is said of none is said of the connection.
            return match (kind, id) {
                (Some("error"), None) => Err(fault(&value, |detail| ProviderError::Transient { detail })),
                _ => Ok(()),
            };
        };
        let flush = value["flush_id"].as_i64();
        match kind {
            Some("chunk") => {
                if let (Some(before), Some(now)) = (context.flush, flush)
                    && now > before
                {
                    context.ended = Some(before);
                    heard.push(Heard::Part);
                }
                context.flush = flush;
                let data = value["data"].as_str().unwrap_or_default();
                let ulaw = base64_simd::forgiving_decode_to_vec(data.as_bytes())
                    .map_err(|_| protocol("sound that is no base64"))?;
                heard.push(Heard::Sound(ulaw.into()));
            }
            Some("flush_done") if flush.is_none() || flush > context.ended => {
                context.ended = flush.max(context.ended);
                context.flush = None;
                heard.push(Heard::Part);
            }
            Some("done") => {
                self.context = None;
                heard.push(Heard::All);
            }
            Some("error") => {
                self.context = None;
                return Err(fault(&value, |detail| ProviderError::Transient { detail }));
            }
            _ => {}
        }
        Ok(())
    }
}
