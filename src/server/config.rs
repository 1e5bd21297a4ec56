//! What the server must be told before it starts.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::origin::{PublicBase, TrustedProxies};

/// The server's settings. The default verifies signatures and therefore, without a token, refuses every webhook.
#[derive(Debug, Clone)]
pub struct ServerConfig {
    /// What the carrier calls this server; without it, the request's own origin is used.
    pub public_base: Option<PublicBase>,
    /// Whose `X-Forwarded-…` headers are believed. Default: processes of this machine.
    pub trusted_proxies: TrustedProxies,
    /// The account's primary auth token, which signs webhooks.
    pub auth_token: Option<SecretString>,
    /// False lets unsigned webhooks in, which is logged loudly at start.
    pub verify_signatures: bool,
    /// True refuses a media socket that is not rightly signed, an unsigned one included.
    pub enforce_ws_signature: bool,
    /// True also accepts a media socket whose signature was made over `https://` in place of `wss://`.
    pub ws_signed_as_https: bool,
    /// Names this deployment in `/version`.
    pub deploy_id: Option<String>,
    /// Connections open at once, media sockets included; further ones wait in the listener's queue.
    pub max_connections: usize,
    /// Folders behind `/static/`; the first that holds the file wins. Searched after the line's own.
    pub static_roots: Vec<PathBuf>,
    /// The document that answers a call where no other can: it must need nothing else to work.
    pub safe_document: String,
    /// How long the line may take to answer a webhook. The carrier gives up after 15 s.
    pub answer_within: Duration,
    /// How long a new connection may take to send its first complete request head.
    pub first_request_within: Duration,
    /// How long a connection may idle between requests. Longer than a load balancer's usual 60 s, so that it is the
    /// balancer that closes first and no webhook meets a closing connection.
    pub idle_within: Duration,
    /// How long requests and media sockets may take to finish once the server was told to stop.
    pub stop_within: Duration,
}

impl Default for ServerConfig {
    fn default() -> Self {
        ServerConfig {
            public_base: None,
            trusted_proxies: TrustedProxies::loopback(),
            auth_token: None,
            verify_signatures: true,
            enforce_ws_signature: false,
            ws_signed_as_https: false,
            deploy_id: None,
            max_connections: 4096,
            static_roots: Vec::new(),
            safe_document: include_str!("safe.twiml").to_owned(),
            answer_within: Duration::from_secs(8),
            first_request_within: Duration::from_secs(10),
            idle_within: Duration::from_secs(75),
            stop_within: Duration::from_secs(10),
        }
    }
}
