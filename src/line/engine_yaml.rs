//! `engine.yaml` as it is written: one form, from which it is read and its schema is made.

use crate::flow::{Duration, Finding, FromYaml, Located, Node, Reader, form, words};
use serde_json::{Value, json};

/// A secret: never its text, always where it is.
#[derive(Clone, Debug, PartialEq)]
pub enum SecretSource {
    /// An environment variable's name.
    Env(String),
    /// A file's path.
    File(String),
}

impl FromYaml for SecretSource {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        form! {
            /// Where a secret is.
            struct Reference {
                /// The environment variable that holds it.
                env: Option<String>,
                /// The file that holds it.
                file: Option<String>,
            }
        }
        if node.scalar().is_some() {
            cx.report(
                Finding::error(
                    "secret-in-plain-text",
                    cx.place_of(node),
                    "a secret stands here as text",
                )
                .label("everybody who reads this file has it")
                .help("put it into the environment and write `{env: NAME}`, or into a file: `{file: path}`"),
            );
            return None;
        }
        let reference = Reference::from_yaml(node, cx)?;
        match (reference.env, reference.file) {
            (Some(name), None) => Some(Self::Env(name)),
            (None, Some(path)) => Some(Self::File(path)),
            _ => {
                cx.report(
                    Finding::error("missing-key", cx.place_of(node), "a secret is at one place")
                        .label("`env` or `file`")
                        .help("write `{env: NAME}` or `{file: path}`"),
                );
                None
            }
        }
    }

    fn schema() -> Value {
        json!({
            "type": "object",
            "properties": {"env": {"type": "string"}, "file": {"type": "string"}},
            "additionalProperties": false,
            "description": "Where the secret is: {env: NAME} or {file: path}.",
        })
    }

    fn expected() -> &'static str {
        "{env: NAME}"
    }

    fn what() -> &'static str {
        "a reference to a secret"
    }
}

words! {
    /// Who turns recordings into text.
    pub enum TranscribeProvider {
        /// An OpenAI-compatible endpoint.
        Openai = "openai",
        /// Google's Speech-to-Text.
        Google = "google",
        /// A command of this machine.
        Command = "command",
    }
}

form! {
    /// The carrier's account.
    pub struct CarrierForm {
        /// `AC` and 32 hex digits.
        account_sid: Option<String>,
        /// The account's primary auth token.
        auth_token: Option<SecretSource>,
        /// The REST API. Default: Twilio's own.
        api_url: Option<String>,
        /// Whether webhooks must be signed.
        verify_signatures: bool = true,
        /// Whether a media stream's handshake must be signed too.
        enforce_stream_signature: bool = false,
        /// How the carrier tries a document URL again, as a connection override; empty for its own default.
        retries: String = DEFAULT_RETRIES.to_owned(),
    }
}

form! {
    /// WhatsApp through the carrier.
    pub struct WhatsappForm {
        /// The sender's number.
        from: Option<String>,
        /// The carrier's ids of the templates, by name: `{followup_he: HX…}`.
        templates: Vec<(Located<String>, String)> = Vec::new(),
    }
}

form! {
    /// Turning recordings into text.
    pub struct TranscribeForm {
        /// Who does it.
        provider: TranscribeProvider,
        /// The endpoint, up to `/v1`.
        base_url: Option<String>,
        /// Its key.
        api_key: Option<SecretSource>,
        /// Its model.
        model: String = WHISPER.to_owned(),
        /// A command and its arguments; `{file}` and `{language}` are filled in.
        run: Vec<String> = Vec::new(),
        /// How long the command may take.
        timeout: Duration = Duration::from_millis(120_000),
    }
}

form! {
    /// What a provider costs, in any one currency.
    pub struct PriceForm {
        /// A million tokens read.
        input: f64 = 0.0,
        /// A million tokens written.
        output: f64 = 0.0,
        /// A minute of sound listened to.
        minute: f64 = 0.0,
        /// A million characters spoken.
        characters: f64 = 0.0,
    }
}

form! {
    /// A provider that agents can name.
    pub struct ProviderForm {
        /// Its protocol: a name of `engine list providers`. Default: the name it is declared under.
        kind: Option<Located<String>>,
        /// Where it is, in place of its usual address.
        base_url: Option<String>,
        /// Its key. Default: the environment variable that is usual for it.
        api_key: Option<SecretSource>,
        /// Its model.
        model: Option<String>,
        /// Its voice.
        voice: Option<String>,
        /// The language, such as `he-IL`.
        language: Option<String>,
        /// How long the first part of an answer may take.
        timeout: Option<Duration>,
        /// More request headers.
        headers: Vec<(Located<String>, String)> = Vec::new(),
        /// For `command`: the program and its arguments.
        run: Vec<String> = Vec::new(),
        /// Settings of the protocol alone, passed on as they are.
        options: Vec<(Located<String>, Value)> = Vec::new(),
        /// Who takes over when it fails.
        fallback: Option<Located<String>>,
        /// What it costs, for the estimate in `call_turn`.
        price: Option<PriceForm>,
    }
}

form! {
    /// Where and as whom the engine runs.
    pub struct EngineForm {
        /// The address to listen on, such as `0.0.0.0:5000`.
        listen: Option<Located<String>>,
        /// How the carrier reaches the engine: `https://voice.example.com`.
        public_url: Option<Located<String>>,
        /// The store: `sqlite:engine.db`.
        database: Option<String>,
        /// Names this deployment in `/version`.
        deploy_id: Option<String>,
        /// Whose forwarded headers are believed: addresses, networks, or `loopback`.
        trusted_proxies: Option<Vec<Located<String>>>,
        /// The carrier's account.
        carrier: Option<CarrierForm>,
        /// WhatsApp through the carrier.
        whatsapp: Option<WhatsappForm>,
        /// Turning recordings into text.
        transcribe: Option<TranscribeForm>,
        /// Who listens, thinks and speaks for agents, by name.
        providers: Vec<(Located<String>, ProviderForm)> = Vec::new(),
        /// Flow files by the number that was called.
        numbers: Vec<(Located<String>, String)> = Vec::new(),
        /// How long conversations may go on once the engine was told to stop.
        drain: Duration = Duration::from_millis(30_000),
    }
}

/// OpenAI's model for recordings.
pub(super) const WHISPER: &str = "whisper-1";

/// Twilio's connection override: five more tries on any failure, within its own 15 seconds.
pub(super) const DEFAULT_RETRIES: &str = "rc=5&rp=all";
