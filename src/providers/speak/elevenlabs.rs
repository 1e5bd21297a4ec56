//! ElevenLabs' WebSocket for many contexts: one context an answer, mu-law in base64 back. The service does not tell where a part
//! ends; the characters that it reports with the sound do.

use super::fault::fault;
use super::live::Live;
use super::text::spaced;
use super::wire::{Heard, Protocol, Wire};
use super::{Kind, Speaker};
use crate::providers::socket::socket_url;
use crate::providers::{ProviderError, Service};
use bytes::Bytes;
use secrecy::ExposeSecret;
use serde_json::{Map, Value, json};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;
use url::Url;

pub(super) const KIND: Kind = Kind {
    name: "elevenlabs",
    about: "ElevenLabs over a WebSocket",
    key_env: Some("ELEVENLABS_API_KEY"),
    make,
};

const BASE_URL: &str = "https://api.elevenlabs.io/v1";
const LIMIT: usize = 2000;
/// Seconds after which an idle connection is closed: the longest that can be asked for.
const INACTIVITY: u64 = 180;
/// Options that belong into `voice_settings`; all others go into the query.
const VOICE: [&str; 5] = ["stability", "similarity_boost", "style", "use_speaker_boost", "speed"];
/// Nobody speaks a character in less, in bytes of mu-law: 20 ms.
const LEAST_PER_CHARACTER: usize = 160;

struct ElevenLabs {
    service: Service,
    url: Url,
    voice_settings: Map<String, Value>,
    keep_alive: Duration,
}

/// Options: `stability`, `similarity_boost`, `style`, `use_speaker_boost` and `speed` of the voice, and the query's own, such as
/// `apply_text_normalization`; `inactivity_timeout` in seconds, up to 180.
fn make(service: &Service) -> Result<Arc<dyn Speaker>, ProviderError> {
    let bad = |detail: &str| ProviderError::BadRequest {
        detail: detail.to_owned(),
    };
    let voice = service
        .voice
        .as_deref()
        .ok_or_else(|| bad("the id of a voice is needed"))?;
    if voice.is_empty() || !voice.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_') {
        return Err(bad("a voice is named by its id: letters and digits"));
    }
    let path = format!("text-to-speech/{voice}/multi-stream-input");
    let mut url = socket_url(service.base_url.as_deref().unwrap_or(BASE_URL), &path)?;
    if service.key.is_none() && url.host_str() == Some("api.elevenlabs.io") {
        return Err(ProviderError::Auth {
            detail: "no API key is configured".to_owned(),
        });
    }
    let inactivity = match service.option("inactivity_timeout") {
        None => INACTIVITY,
        Some(seconds) => seconds
            .parse()
            .ok()
            .filter(|seconds| (1..=INACTIVITY).contains(seconds))
            .ok_or_else(|| bad("`inactivity_timeout` is a number of seconds up to 180"))?,
    };
    let (voice_settings, others): (Map<_, _>, Map<_, _>) = service
        .options
        .clone()
        .into_iter()
        .partition(|(name, _)| VOICE.contains(&name.as_str()));
    let mut query = url.query_pairs_mut();
    query
        .append_pair("model_id", service.model.as_deref().unwrap_or("eleven_flash_v2_5"))
        .append_pair("output_format", "ulaw_8000")
        .append_pair("inactivity_timeout", &inactivity.to_string())
        .append_pair("sync_alignment", "true");
    if let Some(language) = service.language_code() {
        query.append_pair("language_code", language);
    }
    for name in others.keys().filter(|name| *name != "inactivity_timeout") {
        if let Some(value) = service.option(name) {
            query.append_pair(name, &value);
        }
    }
    drop(query);
    Ok(Arc::new(Live(ElevenLabs {
        service: service.clone(),
        url,
        voice_settings,
        keep_alive: Duration::from_secs(inactivity) / 2,
    })))
}

impl Protocol for ElevenLabs {
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
        let key = key.map(|key| ("xi-api-key", key.expose_secret().to_owned()));
        let more = self.service.headers.iter();
        key.into_iter()
            .chain(more.map(|(name, value)| (name.as_str(), value.clone())))
            .collect()
    }

    fn wire(&self) -> Box<dyn Wire> {
        Box::new(State {
            voice_settings: self.voice_settings.clone(),
            keep_alive: self.keep_alive,
            contexts: 0,
            context: None,
        })
    }
}

struct State {
    voice_settings: Map<String, Value>,
    keep_alive: Duration,
    /// Contexts opened on this connection.
    contexts: u32,
    context: Option<Context>,
}

struct Context {
    id: String,
    parts: VecDeque<Part>,
    /// The service reports characters with the sound.
    aligned: bool,
    /// Bytes of sound since the last end of a part.
    bytes: usize,
    /// No more parts come.
    closed: bool,
}

/// How many characters of a part were said, spaces left out.
struct Part {
    said: usize,
    characters: usize,
}

impl Wire for State {
    fn say(&mut self, text: &str, send: &mut Vec<String>) {
        let context = match &mut self.context {
            Some(context) if !context.closed => context,
            other => {
                self.contexts += 1;
                let id = format!("answer-{}", self.contexts);
                let mut begin = json!({ "text": " ", "context_id": id });
                if !self.voice_settings.is_empty() {
                    begin["voice_settings"] = self.voice_settings.clone().into();
                }
                send.push(begin.to_string());
                other.insert(Context {
                    id,
                    parts: VecDeque::new(),
                    aligned: false,
                    bytes: 0,
                    closed: false,
                })
            }
        };
        context.parts.push_back(Part {
            said: 0,
            characters: text.chars().filter(|c| !c.is_whitespace()).count(),
        });
        send.push(json!({ "text": spaced(text), "context_id": context.id, "flush": true }).to_string());
    }

    fn finish(&mut self, send: &mut Vec<String>) {
        if let Some(context) = self.context.as_mut().filter(|context| !context.closed) {
            context.closed = true;
            send.push(json!({ "context_id": context.id, "close_context": true }).to_string());
        }
    }

    fn cancel(&mut self, send: &mut Vec<String>) {
        if let Some(context) = self.context.take() {
            send.push(json!({ "context_id": context.id, "close_context": true }).to_string());
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
        let failed = value["error"].is_string() || value["error"].is_object() || value["code"].is_number();
        let id = ["contextId", "context_id"].iter().find_map(|name| value[name].as_str());
        let Some(context) = self.context.as_mut().filter(|context| id == Some(&context.id)) else {
            // What is said of a context that was given up is late; what is said of none is said of the connection.
            return match (failed, id) {
                (true, None) => Err(fault(&value, |detail| ProviderError::Transient { detail })),
                _ => Ok(()),
            };
        };
        if failed {
            self.context = None;
            return Err(fault(&value, |detail| ProviderError::Transient { detail }));
        }
        if let Some(data) = value["audio"].as_str().filter(|data| !data.is_empty()) {
            let ulaw = base64_simd::forgiving_decode_to_vec(data.as_bytes())
                .map_err(|_| protocol("sound that is no base64"))?;
            context.sound(ulaw.into(), &value["alignment"], heard);
        }
        if ["isFinal", "is_final"].iter().any(|name| value[name] == true) {
            heard.push(context.rest());
            self.context = None;
        }
        Ok(())
    }

    fn quiet(&mut self) -> bool {
        let Some(context) = &mut self.context else {
            return false;
        };
        let complete = context.parts.front().is_some_and(|part| match context.aligned {
            // Texts are normalised on the way, so that a few characters may go unreported.
            true => part.said * 5 >= part.characters * 4,
            false => context.bytes >= part.characters * LEAST_PER_CHARACTER,
        });
        if complete {
            context.parts.pop_front();
            context.bytes = 0;
        }
        complete
    }

    fn keep_alive(&self) -> Option<(Duration, String)> {
        let id = self.context.as_ref().map_or("idle", |context| &context.id);
        Some((self.keep_alive, json!({ "text": "", "context_id": id }).to_string()))
    }
}

impl Context {
    /// Gives out sound, cut where the characters that came with it pass from one part to the next.
    fn sound(&mut self, ulaw: Bytes, alignment: &Value, heard: &mut Vec<Heard>) {
        self.bytes += ulaw.len();
        let characters = alignment["chars"].as_array().map_or(&[][..], Vec::as_slice);
        let starts = alignment["charStartTimesMs"].as_array().map_or(&[][..], Vec::as_slice);
        self.aligned |= !characters.is_empty();
        let mut rest = ulaw.clone();
        let mut given = 0;
        for (index, character) in characters.iter().enumerate() {
            if character.as_str().is_none_or(|character| character.trim().is_empty()) {
                continue;
            }
            if self.full() && self.parts.len() > 1 {
                // The part before ended ahead of this character, which is the first of another.
                let at = starts.get(index).and_then(Value::as_u64).unwrap_or(0);
                let at = usize::try_from(at * 8).unwrap_or(usize::MAX).clamp(given, ulaw.len());
                let before = rest.split_to(at - given);
                given = at;
                heard.push(Heard::Sound(before));
                heard.push(Heard::Part);
                self.parts.pop_front();
                self.bytes = ulaw.len() - given;
            }
            if let Some(part) = self.parts.front_mut() {
                part.said += 1;
            }
        }
        heard.push(Heard::Sound(rest));
        if self.full() {
            heard.push(Heard::Part);
            self.parts.pop_front();
            self.bytes = 0;
        }
    }

    /// Every character of the first part was said.
    fn full(&self) -> bool {
        self.parts.front().is_some_and(|part| part.said >= part.characters)
    }

    /// What the end of the context means for the parts that have not ended.
    fn rest(&self) -> Heard {
        let characters: usize = self.parts.iter().map(|part| part.characters).sum();
        match !self.aligned && self.bytes >= characters * LEAST_PER_CHARACTER {
            true => Heard::AllAsOne,
            false => Heard::All,
        }
    }
}
