//! The one HTTP client of the process, and the rules that every outbound request shares.

use std::fmt;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use reqwest::{Client, ClientBuilder, Response};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};

/// A host that does not accept a connection within this time counts as unreachable. It is shorter than every total
/// limit in this crate, so that "nothing was sent" can be told from "no answer came".
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);

/// The process-wide HTTP client: one pool of connections, TLS through rustls with ring, no automatic redirects.
///
/// It is built at the first call and cloned (cheaply) after that, so nothing is loaded at start. Redirects are left to
/// the callers, because each has its own rule about where credentials may go. Total time limits are per request.
pub fn http_client() -> Result<Client, ClientError> {
    static CLIENT: OnceLock<Client> = OnceLock::new();
    if let Some(client) = CLIENT.get() {
        return Ok(client.clone());
    }
    install_crypto();
    // Without a certificate store on the machine, as in a bare container image, the first form cannot be built.
    let built = match builder().build() {
        Ok(client) => client,
        Err(error) => {
            tracing::warn!(%error, "no usable certificate store on this machine; using the bundled one");
            with_bundled_roots()?
        }
    };
    Ok(CLIENT.get_or_init(|| built).clone())
}

/// Makes ring the process's cryptography provider unless one was chosen already. Safe to call any number of times.
///
/// A TLS client that is built without it panics in reqwest, and fails in tokio-tungstenite.
pub fn install_crypto() {
    if rustls::crypto::CryptoProvider::get_default().is_none() {
        // The only failure is that another thread was faster, which is as good.
        let _already_installed = ring::default_provider().install_default();
    }
}

/// The HTTP client could not be set up on this machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientError {
    detail: String,
}

impl fmt::Display for ClientError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the HTTP client cannot be set up: {}", self.detail)
    }
}

impl std::error::Error for ClientError {}

/// What is known about a request that got no complete answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// A time limit struck, rather than the connection failing.
    pub timed_out: bool,
    /// The request may have reached the other side, and may have been carried out.
    pub sent: bool,
}

impl Fault {
    /// Judges an error of the client. In doubt, the request counts as sent.
    pub fn of(error: &reqwest::Error) -> Fault {
        Fault {
            timed_out: error.is_timeout(),
            sent: !(error.is_connect() || error.is_builder()),
        }
    }
}

/// Why a body could not be read to its end.
#[derive(Debug)]
pub(crate) enum BodyFault {
    /// It is longer than the limit; reading stopped there.
    TooLarge,
    /// The connection failed or a time limit struck on the way.
    Broken(Fault),
}

/// Reads a body of at most `limit` bytes. A declared length over the limit is refused before anything is read.
pub(crate) async fn read_limited(mut response: Response, limit: usize) -> Result<Bytes, BodyFault> {
    let declared = response.content_length().unwrap_or(0);
    if declared > limit as u64 {
        return Err(BodyFault::TooLarge);
    }
    let mut body = BytesMut::new();
    loop {
        match response.chunk().await {
            Ok(Some(chunk)) if body.len() + chunk.len() > limit => return Err(BodyFault::TooLarge),
            Ok(Some(chunk)) => body.extend_from_slice(&chunk),
            Ok(None) => return Ok(body.freeze()),
            Err(error) => {
                return Err(BodyFault::Broken(Fault {
                    timed_out: error.is_timeout(),
                    sent: true,
                }));
            }
        }
    }
}

/// A redirect that can be followed: the status says so and the target is a readable URL.
pub(crate) fn redirect_target(response: &Response) -> Option<url::Url> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return None;
    }
    let location = response.headers().get(http::header::LOCATION)?;
    response.url().join(location.to_str().ok()?).ok()
}

fn builder() -> ClientBuilder {
    Client::builder()
        .user_agent(concat!("engine/", env!("CARGO_PKG_VERSION")))
        .redirect(reqwest::redirect::Policy::none())
        .referer(false)
        .connect_timeout(CONNECT_TIMEOUT)
        .pool_idle_timeout(Duration::from_secs(60))
        .tcp_keepalive(Duration::from_secs(30))
}

fn with_bundled_roots() -> Result<Client, ClientError> {
    let failed = |detail: String| ClientError { detail };
    let roots = RootCertStore {
        roots: webpki_roots::TLS_SERVER_ROOTS.to_vec(),
    };
    let mut tls = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(|error| failed(error.to_string()))?
        .with_root_certificates(roots)
        .with_no_client_auth();
    tls.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    builder()
        .tls_backend_preconfigured(tls)
        .build()
        .map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_client_can_be_built_from_many_threads_at_once() {
        let threads: Vec<_> = (0..8).map(|_| std::thread::spawn(http_client)).collect();
        for thread in threads {
            thread.join().expect("no panic").expect("a client");
        }
    }

    #[test]
    fn a_machine_without_certificates_still_gets_a_client() {
        with_bundled_roots().expect("a client");
    }
}
