//! The carrier's REST API (Twilio's 2010-04-01): live calls, messages and recordings.

mod address;
mod calls;
mod error;
mod messages;
mod search;
mod wire;

use std::fmt;
use std::time::Duration;

use secrecy::SecretString;
use url::Url;

use super::recording::{self, Recording, RecordingError};

pub use address::{Address, AddressProblem};
pub use calls::{CallStatus, CarrierCall, Redirect, TWIML_LIMIT};
pub use error::CarrierError;
pub use messages::{BODY_LIMIT, Channel, Content, Message, MessageProblem, MessageSid, Sender};
pub use search::MessageQuery;

/// Where Twilio's own API answers.
pub const DEFAULT_API_URL: &str = "https://api.twilio.com";

/// What is needed to speak for an account. Everything may be missing; that is an error only when a request is made.
#[derive(Debug, Clone)]
pub struct TwilioConfig {
    /// `AC…`; it is part of every path, also where an API key signs in.
    pub account_sid: Option<String>,
    pub credentials: Option<Credentials>,
    /// Scheme, host and optional port and path prefix; the API's own path is appended.
    pub api_url: String,
    pub timeouts: Timeouts,
    /// Hosts that hold this carrier's recordings besides the API's own and `*.twilio.com`.
    pub recording_hosts: Vec<String>,
    /// The largest recording that is fetched, in bytes.
    pub recording_limit: usize,
}

impl Default for TwilioConfig {
    fn default() -> Self {
        TwilioConfig {
            account_sid: None,
            credentials: None,
            api_url: DEFAULT_API_URL.to_owned(),
            timeouts: Timeouts::default(),
            recording_hosts: Vec::new(),
            recording_limit: recording::DEFAULT_LIMIT,
        }
    }
}

/// How the account signs in (HTTP Basic).
#[derive(Debug, Clone)]
pub enum Credentials {
    /// User is the account's SID, password its auth token.
    AuthToken(SecretString),
    /// User is the key's SID (`SK…`), password its secret.
    ApiKey { sid: String, secret: SecretString },
}

/// How long reading or changing a live call may take, where nothing else is set: a caller is waiting.
pub const CALLS_WITHIN: Duration = Duration::from_secs(5);

/// Total time limits per request, from connecting to the last byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Reading or changing a live call, where a caller is waiting.
    pub calls: Duration,
    pub messages: Duration,
    pub recordings: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            calls: CALLS_WITHIN,
            messages: Duration::from_secs(15),
            recordings: Duration::from_secs(120),
        }
    }
}

/// A client for one account. Making one touches nothing: no credential is checked and no connection opened.
#[derive(Clone)]
pub struct TwilioClient {
    config: TwilioConfig,
}

impl TwilioClient {
    pub fn new(config: TwilioConfig) -> Self {
        TwilioClient { config }
    }

    /// Whether an account and its credentials are there. Says nothing about whether the carrier accepts them.
    pub fn is_configured(&self) -> bool {
        self.sign_in().is_ok()
    }

    /// Fetches a recording from the carrier, WAV where the URL leaves the format open. See [`recording::fetch`].
    pub async fn fetch_recording(&self, recording_url: &str) -> Result<Recording, RecordingError> {
        let sign_in = self.sign_in().ok();
        let api = Url::parse(&self.config.api_url).map_err(|_| RecordingError::BadUrl)?;
        let source = recording::Source {
            api: &api,
            more_hosts: &self.config.recording_hosts,
            sign_in: sign_in.as_ref().map(|s| (s.user, s.password)),
            limit: self.config.recording_limit,
            timeout: self.config.timeouts.recordings,
        };
        recording::fetch(&source, recording_url).await
    }

    fn sign_in(&self) -> Result<SignIn<'_>, CarrierError> {
        let missing = |what| CarrierError::MissingCredentials { what };
        let account = self
            .config
            .account_sid
            .as_deref()
            .filter(|sid| !sid.is_empty())
            .ok_or(missing("account SID"))?;
        let (user, password) = match &self.config.credentials {
            Some(Credentials::AuthToken(token)) => (account, token),
            Some(Credentials::ApiKey { sid, secret }) => (sid.as_str(), secret),
            None => return Err(missing("auth token or API key")),
        };
        Ok(SignIn {
            account,
            user,
            password,
        })
    }
}

impl fmt::Debug for TwilioClient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TwilioClient")
            .field("account_sid", &self.config.account_sid)
            .field("api_url", &self.config.api_url)
            .finish_non_exhaustive()
    }
}

/// The account of a request and the Basic user and password that go with it.
struct SignIn<'a> {
    account: &'a str,
    user: &'a str,
    password: &'a SecretString,
}
