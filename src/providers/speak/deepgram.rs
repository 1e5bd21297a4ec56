//! Deepgram's `v1/speak` over a WebSocket: text in, mu-law in binary frames out; each part is flushed and its `Flushed` ends it.

use super::fault::fault;
use super::live::Live;
use super::wire::{Heard, Protocol, Wire};
use super::{Kind, Speaker};
use crate::providers::socket::socket_url;
use crate::providers::{ProviderError, Service};
use secrecy::ExposeSecret;
use serde_json::{Value, json};
use std::sync::Arc;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

pub(super) const KIND: Kind = Kind {
    name: "deepgram",
    about: "Deepgram Aura over a WebSocket",
    key_env: Some("DEEPGRAM_API_KEY"),
    make,
};

const BASE_URL: &str = "https://api.deepgram.com/v1";
/// Of one `Speak` message.
const LIMIT: usize = 2000;

struct Deepgram {
    service: Service,
    url: Url,
}

/// Options go into the query, such as `mip_opt_out`.
fn make(service: &Service) -> Result<Arc<dyn Speaker>, ProviderError> {
    let mut url = socket_url(service.base_url.as_deref().unwrap_or(BASE_URL), "speak")?;
    if service.key.is_none() && url.host_str() == Some("api.deepgram.com") {
        return Err(ProviderError::Auth {
            detail: "no API key is configured".to_owned(),
        });
    }
    // A voice is a model here.
    let model = service
        .voice
        .as_deref()
        .or(service.model.as_deref())
        .unwrap_or("aura-2-thalia-en");
    let mut query = url.query_pairs_mut();
    query
        .append_pair("model", model)
        .append_pair("encoding", "mulaw")
        .append_pair("sample_rate", "8000");
    for name in service.options.keys() {
        if let Some(value) = service.option(name) {
            query.append_pair(name, &value);
        }
    }
    drop(query);
    Ok(Arc::new(Live(Deepgram {
        service: service.clone(),
        url,
    })))
}

impl Protocol for Deepgram {
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
        let key = key.map(|key| ("authorization", format!("Token {}", key.expose_secret())));
        let more = self.service.headers.iter();
        key.into_iter()
            .chain(more.map(|(name, value)| (name.as_str(), value.clone())))
            .collect()
    }

    fn wire(&self) -> Box<dyn Wire> {
        Box::new(State::default())
    }
}

#[derive(Default)]
struct State {
    /// Flushes that were not confirmed.
    flushes: usize,
    /// Clears that were not confirmed: whatever comes before the last confirmation belongs to what was cancelled.
    clears: usize,
}

impl Wire for State {
    fn say(&mut self, text: &str, send: &mut Vec<String>) {
        send.push(json!({ "type": "Speak", "text": text }).to_string());
        send.push(json!({ "type": "Flush" }).to_string());
        self.flushes += 1;
    }

    fn finish(&mut self, _send: &mut Vec<String>) {}

    fn cancel(&mut self, send: &mut Vec<String>) {
        if self.flushes > 0 {
            send.push(json!({ "type": "Clear" }).to_string());
            self.clears += 1;
            self.flushes = 0;
        }
    }

    fn read(&mut self, message: Message, heard: &mut Vec<Heard>) -> Result<(), ProviderError> {
        let text = match &message {
            Message::Binary(ulaw) => {
                if self.clears == 0 {
                    heard.push(Heard::Sound(ulaw.clone()));
                }
                return Ok(());
            }
            Message::Text(text) => text,
            _ => return Ok(()),
        };
        let value: Value = serde_json::from_str(text).map_err(|_| ProviderError::Protocol {
            detail: "a message that is no JSON".to_owned(),
        })?;
        match value["type"].as_str() {
            Some("Flushed") if self.clears == 0 && self.flushes > 0 => {
                self.flushes -= 1;
                heard.push(Heard::Part);
            }
            Some("Cleared") => self.clears = self.clears.saturating_sub(1),
            Some("Error") => return Err(fault(&value, |detail| ProviderError::Transient { detail })),
            Some("Warning") => return warning(&value),
            _ => {}
        }
        Ok(())
    }
}

/// Most warnings are for the log; one about too many flushes (20 a minute) means that the last one will not be answered.
fn warning(value: &Value) -> Result<(), ProviderError> {
    let error = fault(value, |detail| ProviderError::Transient { detail });
    if matches!(error, ProviderError::Quota { .. }) || value.to_string().to_lowercase().contains("flush") {
        return Err(ProviderError::Quota {
            retry_after: None,
            detail: error.to_string(),
        });
    }
    tracing::debug!(%error, "deepgram warns");
    Ok(())
}
