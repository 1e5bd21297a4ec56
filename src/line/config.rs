//! Where and as whom the engine runs: `engine.yaml`, with the environment above it. Running without the file works.

use super::engine_yaml::{
    CarrierForm, DEFAULT_RETRIES, EngineForm, SecretSource, TranscribeProvider, WHISPER, WhatsappForm,
};
use super::providers::{self, Directory, google_credentials};
use crate::channels::twilio::{Credentials, TwilioConfig};
use crate::flow::{Finding, Findings, FromYaml, Located, Reader, Source, parse};
use crate::server::{PublicBase, ServerConfig, TrustedProxies};
use secrecy::SecretString;
use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

/// What the running engine needs to know.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// `https://host`, as the carrier reaches the engine; else each request's own origin counts.
    pub public_url: Option<String>,
    /// The connection override that document URLs carry, so that the carrier tries again while the engine restarts.
    pub retries: Option<String>,
    /// Where the sound of conversations is kept that a flow wants recorded.
    pub recordings: PathBuf,
    /// Folders with the files behind `/static/`.
    pub static_roots: Vec<PathBuf>,
    /// The sender of WhatsApp messages.
    pub whatsapp_from: Option<String>,
    /// The carrier's ids of message templates, by name.
    pub content_sids: BTreeMap<String, String>,
}

/// All of `engine.yaml` and the environment.
#[derive(Debug)]
pub struct Settings {
    /// For the engine itself.
    pub config: Config,
    /// For the web server.
    pub server: ServerConfig,
    /// For the carrier's REST API.
    pub carrier: TwilioConfig,
    /// Who listens, thinks and speaks for agents.
    pub providers: Directory,
    /// Who turns recordings into text.
    pub transcribe: Option<TranscribeSettings>,
    /// Where to listen.
    pub listen: SocketAddr,
    /// The store's address.
    pub database: String,
    /// Flow files by the number that was called.
    pub numbers: HashMap<String, String>,
    /// How long conversations may go on once the engine was told to stop.
    pub drain: std::time::Duration,
}

/// Who turns recordings into text.
#[derive(Clone, Debug)]
pub enum TranscribeSettings {
    /// An OpenAI-compatible endpoint.
    Openai {
        base_url: String,
        api_key: Option<SecretString>,
        model: String,
    },
    /// Google's Speech-to-Text.
    Google {
        base_url: Option<String>,
        /// An API key, or the JSON of a service account.
        key: Option<SecretString>,
        model: Option<String>,
    },
    /// A command of this machine.
    Command {
        run: Vec<String>,
        timeout: std::time::Duration,
    },
}

/// Why the settings cannot be used.
#[derive(Debug)]
pub enum ConfigError {
    /// `engine.yaml` has faults.
    Findings(Findings),
    /// A file that is there cannot be read: `engine.yaml`, or one that holds a secret.
    Unreadable { path: PathBuf, error: String },
    /// A setting holds what cannot be used.
    Setting { name: &'static str, problem: String },
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Findings(_) => f.write_str("engine.yaml has faults"),
            Self::Unreadable { path, error } => write!(f, "`{}` cannot be read: {error}", path.display()),
            Self::Setting { name, problem } => write!(f, "the setting `{name}` {problem}"),
        }
    }
}

impl std::error::Error for ConfigError {}

/// The environment, as a function from a name to its value.
pub type Environment<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Reads `engine.yaml` of the project, where there is one, and the environment above it.
pub fn load(root: &Path, env: Environment<'_>) -> Result<Settings, ConfigError> {
    let path = root.join("engine.yaml");
    let form = match std::fs::read_to_string(&path) {
        Ok(text) => read("engine.yaml", &text)?,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
        Err(error) => {
            return Err(ConfigError::Unreadable {
                path,
                error: error.to_string(),
            });
        }
    };
    let form = match form {
        Some(form) => form,
        None => read("engine.yaml", "{}")?.ok_or(ConfigError::Findings(Findings::default()))?,
    };
    settings(form, root, env)
}

/// Reads the text of an `engine.yaml`.
pub fn read(name: &str, text: &str) -> Result<Option<EngineForm>, ConfigError> {
    let source = Source::new(name, text);
    let mut findings = Findings::default();
    let document = parse(&source, &mut findings);
    let Some(root) = &document.root else {
        return if findings.has_errors() {
            Err(ConfigError::Findings(findings))
        } else {
            Ok(None)
        };
    };
    let mut cx = Reader::new(&document);
    let form = EngineForm::from_yaml(root, &mut cx);
    findings.extend(cx.into_findings());
    if let Some(form) = &form {
        providers::faults(&form.providers, &mut findings);
    }
    if findings.has_errors() {
        Err(ConfigError::Findings(findings))
    } else {
        Ok(form)
    }
}

fn settings(form: EngineForm, root: &Path, env: Environment<'_>) -> Result<Settings, ConfigError> {
    let set = |name: &str| env(name).filter(|value| !value.trim().is_empty());
    let secret = |source: &Option<SecretSource>| match source {
        None => None,
        Some(SecretSource::Env(name)) => set(name).map(SecretString::from),
        Some(SecretSource::File(path)) => {
            let text = std::fs::read_to_string(root.join(path));
            text.inspect_err(|error| tracing::warn!(path, %error, "the file of a secret cannot be read"))
                .ok()
                .map(|text| SecretString::from(text.trim_end().to_owned()))
        }
    };
    let carrier = form.carrier.unwrap_or(CarrierForm {
        account_sid: None,
        auth_token: None,
        api_url: None,
        verify_signatures: true,
        enforce_stream_signature: false,
        retries: DEFAULT_RETRIES.to_owned(),
    });
    let auth_token = set("TWILIO_AUTH_TOKEN")
        .map(SecretString::from)
        .or_else(|| secret(&carrier.auth_token));
    let public = match set("PUBLIC_BASE_URL").or_else(|| set("PUBLIC_HOST")) {
        Some(text) => Some(("PUBLIC_BASE_URL", text)),
        None => form.public_url.map(|url| ("public_url", url.value)),
    };
    let public_base: Option<PublicBase> = match &public {
        None => None,
        Some((name, text)) => Some(text.parse().map_err(|error| ConfigError::Setting {
            name,
            problem: format!("cannot be used: {error}"),
        })?),
    };
    let proxies = match &form.trusted_proxies {
        None => TrustedProxies::loopback(),
        Some(list) => {
            let list: Vec<&str> = list.iter().map(|entry| entry.value.as_str()).collect();
            TrustedProxies::parse(&list).map_err(|error| ConfigError::Setting {
                name: "trusted_proxies",
                problem: format!("cannot be used: {error}"),
            })?
        }
    };
    let static_roots = vec![root.join("static")];
    let mut twilio = TwilioConfig {
        account_sid: set("TWILIO_ACCOUNT_SID").or(carrier.account_sid),
        credentials: auth_token.clone().map(Credentials::AuthToken),
        ..TwilioConfig::default()
    };
    if let Some(url) = set("TWILIO_API_URL").or(carrier.api_url) {
        twilio.api_url = url;
    }
    let whatsapp = form.whatsapp.unwrap_or(WhatsappForm {
        from: None,
        templates: Vec::new(),
    });
    let openai_key = set("OPENAI_API_KEY").map(SecretString::from);
    let base_url = set("OPENAI_BASE_URL");
    let transcribe = match form.transcribe {
        Some(form) if form.provider == TranscribeProvider::Command => Some(TranscribeSettings::Command {
            run: form.run,
            timeout: form.timeout.into(),
        }),
        Some(form) if form.provider == TranscribeProvider::Google => Some(TranscribeSettings::Google {
            base_url: form.base_url,
            key: secret(&form.api_key).or_else(|| google_credentials(&set)),
            model: Some(form.model).filter(|model| model != WHISPER),
        }),
        Some(form) => Some(TranscribeSettings::Openai {
            base_url: base_url.or(form.base_url).unwrap_or_else(|| OPENAI.to_owned()),
            api_key: openai_key.or_else(|| secret(&form.api_key)),
            model: form.model,
        }),
        None if openai_key.is_some() || base_url.is_some() => Some(TranscribeSettings::Openai {
            base_url: base_url.unwrap_or_else(|| OPENAI.to_owned()),
            api_key: openai_key,
            model: WHISPER.to_owned(),
        }),
        None => None,
    };
    let named = form
        .providers
        .into_iter()
        .map(|(name, form)| (name.value, form))
        .collect();
    let providers = Directory::new(named, &|source| secret(&Some(source.clone())), &set);
    let database = set("DATABASE_URL")
        .or(form.database)
        .unwrap_or_else(|| format!("sqlite:{}", root.join("engine.db").display()));
    let recordings = beside(&database);
    Ok(Settings {
        listen: listen(set("PORT"), form.listen)?,
        numbers: form
            .numbers
            .into_iter()
            .map(|(number, flow)| (number.value, flow))
            .collect(),
        drain: form.drain.into(),
        database,
        providers,
        transcribe,
        carrier: twilio,
        config: Config {
            public_url: public_base.as_ref().map(ToString::to_string),
            retries: Some(carrier.retries).filter(|retries| !retries.is_empty()),
            recordings,
            static_roots: static_roots.clone(),
            whatsapp_from: set("TWILIO_WHATSAPP_FROM").or(whatsapp.from),
            content_sids: whatsapp
                .templates
                .into_iter()
                .map(|(name, sid)| (name.value, sid))
                .collect(),
        },
        server: ServerConfig {
            public_base,
            trusted_proxies: proxies,
            auth_token,
            verify_signatures: carrier.verify_signatures,
            enforce_ws_signature: carrier.enforce_stream_signature,
            deploy_id: set("DEPLOY_ID").or(form.deploy_id),
            static_roots,
            ..ServerConfig::default()
        },
    })
}

/// The folder for recordings: beside the database.
fn beside(database: &str) -> PathBuf {
    let path = Path::new(database.strip_prefix("sqlite:").unwrap_or(database));
    path.parent().unwrap_or(Path::new("")).join("recordings")
}

/// OpenAI's own endpoint.
const OPENAI: &str = "https://api.openai.com/v1";

fn listen(port: Option<String>, form: Option<Located<String>>) -> Result<SocketAddr, ConfigError> {
    if let Some(port) = port {
        let port: u16 = port.trim().parse().map_err(|_| ConfigError::Setting {
            name: "PORT",
            problem: format!("is `{port}`, which is no port; write a number from 1 to 65535"),
        })?;
        return Ok(SocketAddr::from(([0, 0, 0, 0], port)));
    }
    let Some(text) = form else {
        return Ok(SocketAddr::from(([0, 0, 0, 0], 5000)));
    };
    text.value.parse().map_err(|_| {
        let finding = Finding::error(
            "wrong-type",
            text.place.clone(),
            format!("`{}` is no address", text.value),
        )
        .label("an address and a port")
        .help("write `listen: 0.0.0.0:5000`");
        let mut findings = Findings::default();
        findings.push(finding);
        ConfigError::Findings(findings)
    })
}
