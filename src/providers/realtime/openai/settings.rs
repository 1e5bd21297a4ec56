//! How the service is reached and what its session is told first.

use super::super::Setup;
use crate::providers::socket::socket_url;
use crate::providers::think::Tool;
use crate::providers::{ProviderError, Service};
use secrecy::{ExposeSecret, SecretString};
use serde_json::{Map, Value, json};
use url::Url;

const BASE_URL: &str = "wss://api.openai.com/v1";
const DEFAULT_MODEL: &str = "gpt-realtime";
const DEFAULT_TRANSCRIPTION: &str = "gpt-4o-mini-transcribe";

/// Options of the turn detection that stand beside it.
const DETECTION: [&str; 7] = [
    "threshold",
    "prefix_padding_ms",
    "silence_duration_ms",
    "eagerness",
    "create_response",
    "interrupt_response",
    "idle_timeout_ms",
];

/// Options that have a place of their own and are not passed on.
const OWN: [&str; 7] = [
    "path",
    "query",
    "key_header",
    "turn_detection",
    "transcription",
    "noise_reduction",
    "speed",
];

/// The address of a service and its session.
pub(super) struct Settings {
    url: Url,
    key: Option<(String, SecretString)>,
    headers: Vec<(String, String)>,
    session: Map<String, Value>,
}

impl Settings {
    /// Reads what the service says. Errors: no address, no key for OpenAI itself, a turn detection that is none.
    pub fn new(service: &Service) -> Result<Self, ProviderError> {
        let base = service.base_url.as_deref().unwrap_or(BASE_URL);
        let path = service.option("path");
        let mut url = socket_url(base, path.as_deref().unwrap_or("realtime").trim_start_matches('/'))?;
        for (name, value) in service
            .options
            .get("query")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            url.query_pairs_mut().append_pair(name, &text);
        }
        // Azure names a deployment instead.
        if !url
            .query_pairs()
            .any(|(name, _)| name == "model" || name == "deployment")
        {
            let model = service.model.as_deref().unwrap_or(DEFAULT_MODEL);
            url.query_pairs_mut().append_pair("model", model);
        }
        if service.key.is_none() && url.host_str() == Some("api.openai.com") {
            return Err(ProviderError::Auth {
                detail: "no API key is configured".to_owned(),
            });
        }
        let key_header = service
            .option("key_header")
            .unwrap_or_else(|| "authorization".to_owned());
        Ok(Self {
            url,
            key: service.key.clone().map(|key| (key_header, key)),
            headers: service.headers.clone(),
            session: session(service)?,
        })
    }

    /// Where to connect, and with which headers.
    pub fn address(&self) -> (Url, Vec<(&str, String)>) {
        let mut headers = Vec::new();
        if let Some((name, key)) = &self.key {
            let key = key.expose_secret();
            let bearer = name.eq_ignore_ascii_case("authorization");
            let value = if bearer {
                format!("Bearer {key}")
            } else {
                key.to_owned()
            };
            headers.push((name.as_str(), value));
        }
        headers.extend(self.headers.iter().map(|(name, value)| (name.as_str(), value.clone())));
        (self.url.clone(), headers)
    }

    /// The `session.update` of a conversation.
    pub fn update(&self, setup: &Setup) -> Value {
        let mut session = self.session.clone();
        session.insert("instructions".to_owned(), setup.instructions.clone().into());
        if setup.tools.is_empty() {
            session.remove("tool_choice");
        } else {
            let tools: Vec<Value> = setup.tools.iter().map(tool).collect();
            session.insert("tools".to_owned(), tools.into());
            session.entry("tool_choice").or_insert("auto".into());
        }
        json!({"type": "session.update", "session": session})
    }
}

fn session(service: &Service) -> Result<Map<String, Value>, ProviderError> {
    let own = |name: &str| OWN.contains(&name) || DETECTION.contains(&name);
    let options = service.options.iter().filter(|(name, _)| !own(name));
    let mut session: Map<String, Value> = options.map(|(name, value)| (name.clone(), value.clone())).collect();
    let format = json!({"type": "audio/pcmu"});
    let mut input = json!({
        "format": format,
        "transcription": transcription(service),
        "turn_detection": detection(service)?,
    });
    if let Some(reduction) = service.options.get("noise_reduction") {
        input["noise_reduction"] = match reduction {
            Value::String(kind) => json!({"type": kind}),
            Value::Bool(false) => Value::Null,
            other => other.clone(),
        };
    }
    let mut output = json!({"format": format});
    if let Some(voice) = &service.voice {
        output["voice"] = voice.clone().into();
    }
    if let Some(speed) = service.options.get("speed") {
        output["speed"] = speed.clone();
    }
    session.insert("type".to_owned(), "realtime".into());
    session.insert("output_modalities".to_owned(), json!(["audio"]));
    session.insert("audio".to_owned(), json!({"input": input, "output": output}));
    Ok(session)
}

/// The caller's words are wanted for the record unless that is switched off.
fn transcription(service: &Service) -> Value {
    let mut transcription = match service.options.get("transcription") {
        None | Some(Value::Bool(true)) => json!({"model": DEFAULT_TRANSCRIPTION}),
        Some(Value::String(model)) => json!({ "model": model }),
        Some(Value::Object(fields)) => fields.clone().into(),
        Some(_) => return Value::Null,
    };
    if let (Some(code), None) = (service.language_code(), transcription.get("language")) {
        transcription["language"] = code.into();
    }
    transcription
}

fn detection(service: &Service) -> Result<Value, ProviderError> {
    let mut detection = match service.options.get("turn_detection") {
        None => json!({"type": "server_vad"}),
        Some(Value::String(kind)) if kind == "none" => return Ok(Value::Null),
        Some(Value::Null | Value::Bool(false)) => return Ok(Value::Null),
        Some(Value::String(kind)) if kind == "server_vad" || kind == "semantic_vad" => json!({ "type": kind }),
        Some(Value::Object(fields)) => fields.clone().into(),
        Some(_) => {
            return Err(ProviderError::BadRequest {
                detail: "`turn_detection` is none of `server_vad`, `semantic_vad`, `none` and a map".to_owned(),
            });
        }
    };
    for name in DETECTION {
        if let Some(value) = service.options.get(name) {
            detection[name] = value.clone();
        }
    }
    Ok(detection)
}

/// Flat, unlike in chat completions.
fn tool(tool: &Tool) -> Value {
    json!({
        "type": "function",
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(options: Value) -> Service {
        Service {
            key: Some("k".into()),
            options: options.as_object().expect("a map").clone(),
            ..Service::default()
        }
    }

    fn input(options: Value) -> Value {
        let service = Service {
            language: Some("he-IL".to_owned()),
            ..service(options)
        };
        session(&service).expect("a session")["audio"]["input"].clone()
    }

    #[test]
    fn the_turn_detection_is_a_word_a_map_or_none() {
        let cases = [
            (json!({}), json!({"type": "server_vad"})),
            (json!({"turn_detection": "none"}), Value::Null),
            (
                json!({"turn_detection": "semantic_vad", "eagerness": "low", "interrupt_response": false}),
                json!({"type": "semantic_vad", "eagerness": "low", "interrupt_response": false}),
            ),
            (
                json!({"turn_detection": {"type": "server_vad", "threshold": 0.4}, "silence_duration_ms": 300}),
                json!({"type": "server_vad", "threshold": 0.4, "silence_duration_ms": 300}),
            ),
        ];
        for (options, expected) in cases {
            assert_eq!(input(options)["turn_detection"], expected);
        }
        for wrong in [json!({"turn_detection": "sometimes"}), json!({"turn_detection": 3})] {
            assert!(Settings::new(&service(wrong)).is_err());
        }
    }

    #[test]
    fn words_are_wanted_unless_switched_off() {
        let cases = [
            (json!({}), json!({"model": DEFAULT_TRANSCRIPTION, "language": "he"})),
            (
                json!({"transcription": "whisper-1"}),
                json!({"model": "whisper-1", "language": "he"}),
            ),
            (
                json!({"transcription": {"model": "m", "language": "en"}}),
                json!({"model": "m", "language": "en"}),
            ),
            (json!({"transcription": false}), Value::Null),
        ];
        for (options, expected) in cases {
            assert_eq!(input(options)["transcription"], expected);
        }
    }

    #[test]
    fn addresses_of_openai_and_of_others() {
        let address = |service: &Service| {
            let settings = Settings::new(service).expect("settings");
            let (url, headers) = settings.address();
            let headers: Vec<String> = headers
                .into_iter()
                .map(|(name, value)| format!("{name}: {value}"))
                .collect();
            (url.to_string(), headers.join("; "))
        };
        let (url, headers) = address(&service(json!({})));
        assert_eq!(url, "wss://api.openai.com/v1/realtime?model=gpt-realtime");
        assert_eq!(headers, "authorization: Bearer k");
        let azure = Service {
            base_url: Some("https://r.example/openai".to_owned()),
            headers: vec![("x-a".to_owned(), "b".to_owned())],
            ..service(json!({"query": {"api-version": "1", "deployment": "d"}, "key_header": "api-key"}))
        };
        let (url, headers) = address(&azure);
        assert_eq!(url, "wss://r.example/openai/realtime?api-version=1&deployment=d");
        assert_eq!(headers, "api-key: k; x-a: b");
        let none = Service {
            key: None,
            ..service(json!({}))
        };
        assert!(Settings::new(&none).is_err());
    }
}
