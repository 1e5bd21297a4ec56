//! How one provider is reached and set up, whatever its protocol: what an agent and `engine.yaml` say about it together.

use secrecy::SecretString;
use serde_json::{Map, Value};
use std::time::Duration;

/// One configured provider. Fields that its protocol does not know are ignored.
#[derive(Debug, Clone, Default)]
pub struct Service {
    /// What the configuration calls it, for logs and the store: `backup`.
    pub name: String,
    /// Which protocol it speaks: a name of the stage's registry, such as `deepgram`.
    pub kind: String,
    /// In place of the protocol's own default: `https://api.groq.com/openai/v1`. WebSocket protocols take `ws(s)` and `http(s)`.
    pub base_url: Option<String>,
    /// Local servers often need none.
    pub key: Option<SecretString>,
    /// The model; each protocol has a default where the service has one.
    pub model: Option<String>,
    /// The voice.
    pub voice: Option<String>,
    /// A tag such as `he` or `he-IL`; `None` lets the service find out, where it can.
    pub language: Option<String>,
    /// The program and its arguments, for commands.
    pub run: Vec<String>,
    /// More request headers, such as a gateway's own key.
    pub headers: Vec<(String, String)>,
    /// Settings of this protocol alone, such as `temperature` or `endpointing`; passed on as they are.
    pub options: Map<String, Value>,
    /// How long is waited for it.
    pub patience: Patience,
}

/// How long a provider is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Patience {
    /// For a connection.
    pub connect: Duration,
    /// From a request to the first part of its answer.
    pub first: Duration,
    /// Between two parts of an answer.
    pub gap: Duration,
    /// For the whole of one answer.
    pub whole: Duration,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(3),
            first: Duration::from_secs(4),
            gap: Duration::from_secs(4),
            whole: Duration::from_secs(60),
        }
    }
}

impl Service {
    /// An option as text, where it is given as text or a number.
    pub fn option(&self, name: &str) -> Option<String> {
        match self.options.get(name)? {
            Value::String(text) => Some(text.clone()),
            Value::Number(number) => Some(number.to_string()),
            Value::Bool(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// The language without its region: `he` for `he-IL`.
    pub fn language_code(&self) -> Option<&str> {
        self.language.as_deref().and_then(|tag| tag.split(['-', '_']).next())
    }
}
