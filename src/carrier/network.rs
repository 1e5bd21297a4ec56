//! The carrier as a whole: starts the REST server and holds the account that calls are placed on.

use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::task::AbortHandle;

use super::account::{Account, Message, Recording};
use super::clock::Clock;
use super::exchange::{Method, Request};
use super::faults::{Fault, Faults};
use super::front::Front;
use super::http::Client;
use super::ids;
use super::rest;
use super::timeline::Timeline;

/// How long a webhook's connection may take where its URL says nothing else.
pub(crate) const CONNECT: Duration = Duration::from_secs(5);

/// How a carrier is set up.
#[derive(Debug, Clone, Default)]
pub struct CarrierConfig {
    /// The account's sid; made up where absent. An engine that runs already knows its own.
    pub account_sid: Option<String>,
    /// The account's token; made up where absent.
    pub auth_token: Option<String>,
    /// The REST server's port on 127.0.0.1; 0 takes any that is free.
    pub port: u16,
    /// What goes wrong on purpose, for every call and for REST.
    pub faults: Vec<Fault>,
}

/// A running carrier. Its REST server stops when it is dropped.
#[derive(Debug)]
pub struct Carrier {
    /// Address of the REST API, without a slash at its end: the engine's `TWILIO_API_URL`.
    pub rest_url: String,
    /// The account's sid.
    pub account_sid: String,
    /// The account's token.
    pub auth_token: String,
    account: Arc<Account>,
    http: reqwest::Client,
    server: AbortHandle,
}

/// Why a carrier does not start.
#[derive(Debug)]
pub enum CarrierError {
    /// The REST server's port cannot be had.
    Listen(std::io::Error),
    /// The web client cannot be set up.
    Client(reqwest::Error),
}

impl std::fmt::Display for CarrierError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Listen(error) => write!(f, "the carrier's REST server cannot listen: {error}"),
            Self::Client(error) => write!(f, "the carrier's web client cannot be set up: {error}"),
        }
    }
}

impl std::error::Error for CarrierError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Listen(error) => Some(error),
            Self::Client(error) => Some(error),
        }
    }
}

impl Carrier {
    /// Starts the REST server.
    ///
    /// # Errors
    /// [`CarrierError`].
    pub async fn start(config: CarrierConfig) -> Result<Self, CarrierError> {
        // Refused where the process has chosen its provider already, which serves as well.
        let _chosen = rustls::crypto::ring::default_provider().install_default();
        let account = Arc::new(Account::new(
            config.account_sid.unwrap_or_else(|| ids::sid("AC")),
            config.auth_token.unwrap_or_else(|| ids::sid("")),
            config.faults.into_iter().collect(),
        ));
        let http = web_client(CONNECT).map_err(CarrierError::Client)?;
        let listener = TcpListener::bind(("127.0.0.1", config.port))
            .await
            .map_err(CarrierError::Listen)?;
        let address = listener.local_addr().map_err(CarrierError::Listen)?;
        let server = tokio::spawn(rest::serve(listener, account.clone(), http.clone())).abort_handle();
        Ok(Self {
            rest_url: format!("http://{address}"),
            account_sid: account.sid.clone(),
            auth_token: account.token.clone(),
            account,
            http,
            server,
        })
    }

    /// The messages the engine has sent so far.
    #[must_use]
    pub fn messages(&self) -> Vec<Message> {
        self.account.state().messages.clone()
    }

    /// The recordings made so far.
    #[must_use]
    pub fn recordings(&self) -> Vec<Recording> {
        self.account.state().recordings.values().cloned().collect()
    }

    /// Sends a message to the engine's webhook, as if `from` had written `body` to `to`, and so opens the 24-hour
    /// window for answers. Returns the HTTP status and the body of the engine's answer, or the carrier's error code.
    ///
    /// # Errors
    /// The code, where the webhook could not be asked.
    pub async fn write_message(&self, url: &str, from: &str, to: &str, body: &str) -> Result<(u16, String), u32> {
        self.account.state().windows.insert((to.to_owned(), from.to_owned()));
        let sid = ids::sid("SM");
        let timeline = Timeline::new(&sid, Clock::start(1.0), None);
        let client = Client::new(
            self.http(),
            &self.auth_token,
            self.account.faults.clone(),
            fronts(url),
            timeline,
        );
        let pairs = [
            ("MessageSid", sid.as_str()),
            ("SmsMessageSid", &sid),
            ("AccountSid", &self.account_sid),
            ("From", from),
            ("To", to),
            ("Body", body),
            ("NumMedia", "0"),
            ("NumSegments", "1"),
            ("ApiVersion", "2010-04-01"),
        ];
        let request = Request {
            purpose: "message".to_owned(),
            url: url.to_owned(),
            method: Method::Post,
            params: pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
        };
        let reply = client.send(&request).await.map_err(|failure| failure.code)?;
        Ok((reply.status, String::from_utf8_lossy(&reply.body).into_owned()))
    }

    pub(crate) fn account(&self) -> Arc<Account> {
        self.account.clone()
    }

    pub(crate) fn http(&self) -> reqwest::Client {
        self.http.clone()
    }
}

impl Drop for Carrier {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// The front a webhook's own address implies.
fn fronts(url: &str) -> Vec<Front> {
    url::Url::parse(url)
        .ok()
        .as_ref()
        .and_then(super::front::implied)
        .into_iter()
        .collect()
}

/// A client that follows nothing by itself and gives up connecting after `connect`.
pub(crate) fn web_client(connect: Duration) -> Result<reqwest::Client, reqwest::Error> {
    reqwest::Client::builder()
        .redirect(reqwest::redirect::Policy::none())
        .connect_timeout(connect)
        .tcp_nodelay(true)
        .http1_only()
        .build()
}

/// Client for callbacks that belong to no call.
pub(crate) fn detached(http: reqwest::Client, account: &Account, name: &str, url: &str) -> Client {
    let faults: Faults = account.faults.clone();
    Client::new(
        http,
        &account.token,
        faults,
        fronts(url),
        Timeline::new(name, Clock::start(1.0), None),
    )
}
