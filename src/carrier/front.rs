//! Where a public address leads: the tunnel or proxy that stands before an engine which listens elsewhere.

use std::fmt;

use url::{Host, Url};

/// Sends everything addressed to a public origin to a server in plain HTTP, as a proxy that ends TLS would.
///
/// Requests keep the public `Host`, are signed for the public URL and carry `X-Forwarded-Proto` and `-Host`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Front {
    /// Public host and, where it is not the scheme's default, port.
    public: String,
    /// Host and port of the server.
    target: String,
}

/// Why an address cannot be used as a front.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FrontError(String);

impl fmt::Display for FrontError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "`{}` is no address of a web server", self.0)
    }
}

impl std::error::Error for FrontError {}

impl Front {
    /// `public` and `target` are URLs; only their hosts and ports count.
    ///
    /// # Errors
    /// One of them is no URL with a host.
    pub fn new(public: &str, target: &str) -> Result<Self, FrontError> {
        let read = |text: &str| {
            Url::parse(text)
                .ok()
                .filter(Url::has_host)
                .ok_or_else(|| FrontError(text.to_owned()))
        };
        let (public, target) = (read(public)?, read(target)?);
        let port = target.port_or_known_default().unwrap_or(80);
        Ok(Self {
            public: authority(&public),
            target: format!("{}:{port}", target.host_str().unwrap_or_default()),
        })
    }

    /// Where `url` really leads, if it is one of this front's: host and port to connect to in plain.
    #[must_use]
    pub fn target(&self, url: &Url) -> Option<&str> {
        (authority(url) == self.public).then_some(self.target.as_str())
    }
}

/// The front that every engine on plain HTTP has without saying so: an engine whose webhooks are plain
/// but whose TwiML names `https` and `wss` URLs on the same host and port means itself.
#[must_use]
pub(crate) fn implied(voice_url: &Url) -> Option<Front> {
    (voice_url.scheme() == "http").then(|| Front {
        public: authority(voice_url),
        target: format!(
            "{}:{}",
            voice_url.host_str().unwrap_or_default(),
            voice_url.port_or_known_default().unwrap_or(80)
        ),
    })
}

/// Host and port as in a `Host` header.
pub(crate) fn authority(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port().map_or(host.to_owned(), |port| format!("{host}:{port}"))
}

/// Whether `url` leads to this machine, where encryption proves nothing.
pub(crate) fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_front_takes_its_own_addresses_only() {
        let front = Front::new("https://voice.example.com", "http://127.0.0.1:8080").expect("two addresses");
        let target = |url: &str| front.target(&Url::parse(url).expect("a URL")).map(str::to_owned);
        assert_eq!(target("wss://voice.example.com/ws"), Some("127.0.0.1:8080".to_owned()));
        assert_eq!(target("https://other.example.com/"), None);
        assert_eq!(target("https://voice.example.com:8443/"), None);
        assert!(Front::new("voice", "http://h").is_err());
    }

    #[test]
    fn a_plain_engine_is_its_own_front() {
        let front = implied(&Url::parse("http://127.0.0.1:5000/webhook").expect("a URL")).expect("plain");
        let stream = Url::parse("wss://127.0.0.1:5000/ws").expect("a URL");
        assert_eq!(front.target(&stream), Some("127.0.0.1:5000"));
        assert!(implied(&Url::parse("https://h.example/").expect("a URL")).is_none());
    }
}
