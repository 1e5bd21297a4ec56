//! The engine's public origin: what the carrier calls this server, whatever proxies stand between.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

use http::HeaderMap;
use http::header::HOST;

/// The public address from the configuration: scheme, host, port and an optional path prefix, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicBase(String);

impl std::fmt::Display for PublicBase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// The proxies whose `X-Forwarded-…` headers are believed.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct TrustedProxies(Vec<Network>);

/// The address of the connection's other end, as a request extension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// Where a request was addressed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origins {
    /// The origin that URLs in answers begin with; never ends in a slash.
    pub public: String,
    /// Every origin under which the carrier may have signed the request, likeliest first.
    pub signed: Vec<String>,
}

/// Why a public address or a proxy cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OriginError {
    /// The public address is neither a host nor an http(s) URL, or has a query or fragment.
    PublicBase(String),
    /// The proxy is neither `loopback`, an IP address nor a CIDR network.
    Proxy(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Network {
    Loopback,
    Block { base: IpAddr, prefix: u8 },
}

impl PublicBase {
    /// The base as text, such as `https://voice.example.com`.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for PublicBase {
    type Err = OriginError;

    /// Takes a URL or a bare host, which means https. User, password and doubled slashes are dropped.
    fn from_str(text: &str) -> Result<Self, OriginError> {
        let refuse = || OriginError::PublicBase(text.to_owned());
        let trimmed = text.trim();
        let (scheme, rest) = match trimmed.split_once("://") {
            Some((scheme, rest)) => (scheme.to_ascii_lowercase(), rest),
            None => ("https".to_owned(), trimmed),
        };
        if !matches!(scheme.as_str(), "http" | "https") || rest.contains(['?', '#']) {
            return Err(refuse());
        }
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let host = authority.rsplit('@').next().unwrap_or(authority);
        let host = clean_host(host).ok_or_else(refuse)?;
        if path.contains(|c: char| c.is_whitespace() || c.is_control()) {
            return Err(refuse());
        }
        let mut base = format!("{scheme}://{host}");
        for segment in path.split('/').filter(|segment| !segment.is_empty()) {
            base.push('/');
            base.push_str(segment);
        }
        Ok(PublicBase(base))
    }
}

impl TrustedProxies {
    /// Trusts processes of the same machine only, such as a tunnel or a local nginx.
    pub fn loopback() -> Self {
        TrustedProxies(vec![Network::Loopback])
    }

    /// Reads `loopback`, addresses (`10.0.0.7`, `::1`) and networks (`10.0.0.0/8`).
    pub fn parse<S: AsRef<str>>(list: &[S]) -> Result<Self, OriginError> {
        list.iter()
            .map(|item| network(item.as_ref().trim()))
            .collect::<Result<_, _>>()
            .map(TrustedProxies)
    }

    /// True if headers from `peer` are believed.
    pub fn trusts(&self, peer: IpAddr) -> bool {
        let peer = peer.to_canonical();
        self.0.iter().any(|network| network.holds(peer))
    }
}

impl Network {
    fn holds(&self, peer: IpAddr) -> bool {
        match (*self, peer) {
            (Network::Loopback, peer) => peer.is_loopback(),
            (
                Network::Block {
                    base: IpAddr::V4(base),
                    prefix,
                },
                IpAddr::V4(peer),
            ) => {
                let mask = u32::MAX.checked_shl(32 - u32::from(prefix)).unwrap_or(0);
                base.to_bits() & mask == peer.to_bits() & mask
            }
            (
                Network::Block {
                    base: IpAddr::V6(base),
                    prefix,
                },
                IpAddr::V6(peer),
            ) => {
                let mask = u128::MAX.checked_shl(128 - u32::from(prefix)).unwrap_or(0);
                base.to_bits() & mask == peer.to_bits() & mask
            }
            _ => false,
        }
    }
}

/// Works out where a request came in.
///
/// A configured base always is the public origin. Signatures are then checked against it and against what a trusted
/// proxy forwarded, but not against a `Host` that anybody may choose: the same account also signs requests to others.
/// Without a base, the request's own host is all there is; as TLS always ends before this process, https is tried too.
pub fn origins(
    base: Option<&PublicBase>,
    proxies: &TrustedProxies,
    peer: Option<IpAddr>,
    headers: &HeaderMap,
) -> Origins {
    let host = first(headers, HOST.as_str()).and_then(clean_host);
    let forwarded = peer
        .is_some_and(|peer| proxies.trusts(peer))
        .then(|| forwarded(headers, host));
    let forwarded = forwarded.flatten();
    let mut signed = Vec::new();
    let public = match base {
        Some(base) => {
            signed.push(base.0.clone());
            signed.extend(forwarded);
            base.0.clone()
        }
        None => {
            let host = host.unwrap_or("localhost");
            signed.extend(forwarded);
            signed.push(format!("http://{host}"));
            signed.push(format!("https://{host}"));
            signed[0].clone()
        }
    };
    Origins { public, signed }
}

/// The WebSocket form of an http(s) origin.
pub fn websocket_origin(origin: &str) -> String {
    match origin.strip_prefix("http") {
        Some(rest) => format!("ws{rest}"),
        None => origin.to_owned(),
    }
}

fn forwarded(headers: &HeaderMap, host: Option<&str>) -> Option<String> {
    let forwarded_host = first(headers, "x-forwarded-host").and_then(clean_host);
    let scheme = first(headers, "x-forwarded-proto").and_then(clean_scheme);
    if forwarded_host.is_none() && scheme.is_none() {
        return None;
    }
    Some(format!("{}://{}", scheme.unwrap_or("http"), forwarded_host.or(host)?))
}

/// The first value of a header that may be repeated or hold a comma list: the one nearest to the carrier.
fn first<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()?.split(',').next().map(str::trim)
}

fn clean_scheme(text: &str) -> Option<&'static str> {
    match text.to_ascii_lowercase().as_str() {
        "https" | "wss" => Some("https"),
        "http" | "ws" => Some("http"),
        _ => None,
    }
}

/// A host with an optional port and nothing else, else nothing.
fn clean_host(text: &str) -> Option<&str> {
    let (host, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (inside, after) = rest.split_once(']')?;
            inside.parse::<std::net::Ipv6Addr>().ok()?;
            (inside, after.strip_prefix(':').or(after.is_empty().then_some("0")))
        }
        None => match text.split_once(':') {
            Some((host, port)) => (host, Some(port)),
            None => (text, Some("0")),
        },
    };
    let named = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_');
    let sound = text.starts_with('[') || (!host.is_empty() && host.chars().all(named));
    let digits = port?;
    let numeric = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    (sound && numeric && digits.parse::<u16>().is_ok()).then_some(text)
}

fn network(text: &str) -> Result<Network, OriginError> {
    if text.eq_ignore_ascii_case("loopback") {
        return Ok(Network::Loopback);
    }
    let refuse = || OriginError::Proxy(text.to_owned());
    let (address, prefix) = match text.split_once('/') {
        Some((address, prefix)) => (address, Some(prefix)),
        None => (text, None),
    };
    let base = address.parse::<IpAddr>().map_err(|_| refuse())?.to_canonical();
    let longest = if base.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => longest,
        Some(prefix) => prefix.parse::<u8>().ok().filter(|p| *p <= longest).ok_or_else(refuse)?,
    };
    Ok(Network::Block { base, prefix })
}

impl fmt::Display for OriginError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OriginError::PublicBase(text) => write!(
                f,
                "`{text}` is not a public address; help: write `https://voice.example.com`, or the host alone"
            ),
            OriginError::Proxy(text) => write!(
                f,
                "`{text}` is not a proxy; help: write `loopback`, an address such as `10.0.0.7`, or a network such as `10.0.0.0/8`"
            ),
        }
    }
}

impl std::error::Error for OriginError {}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};
    use proptest::prelude::*;

    use super::*;

    fn headers(list: &[(&str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in list {
            let name = HeaderName::from_bytes(name.as_bytes()).expect("name");
            map.append(name, HeaderValue::from_str(value).expect("value"));
        }
        map
    }

    fn seen(base: Option<&str>, peer: &str, list: &[(&str, &str)]) -> Origins {
        let base = base.map(|base| base.parse::<PublicBase>().expect("base"));
        let peer = peer.parse::<IpAddr>().ok();
        origins(base.as_ref(), &TrustedProxies::loopback(), peer, &headers(list))
    }

    #[test]
    fn a_public_base_is_read_and_tidied() {
        for (text, expected) in [
            ("voice.example.com", "https://voice.example.com"),
            (" https://voice.example.com/ ", "https://voice.example.com"),
            ("http://localhost:5000", "http://localhost:5000"),
            ("https://u:p@voice.example.com//a//b/", "https://voice.example.com/a/b"),
            ("HTTPS://voice.example.com:8443", "https://voice.example.com:8443"),
            ("http://[::1]:80", "http://[::1]:80"),
        ] {
            assert_eq!(
                text.parse::<PublicBase>().map(|b| b.0),
                Ok(expected.to_owned()),
                "{text}"
            );
        }
        for text in [
            "",
            "wss://h.example",
            "https://",
            "https://h.example?x=1",
            "a b",
            "h.example#f",
            "https://h:99999",
        ] {
            let error = text.parse::<PublicBase>().expect_err(text);
            assert!(error.to_string().contains("help: write `https://"), "{error}");
        }
    }

    #[test]
    fn the_configured_base_wins() {
        let all = [
            ("host", "10.0.0.2:5000"),
            ("x-forwarded-host", "other.example"),
            ("x-forwarded-proto", "https"),
        ];
        let found = seen(Some("voice.example.com"), "127.0.0.1", &all);
        assert_eq!(found.public, "https://voice.example.com");
        assert_eq!(found.signed, ["https://voice.example.com", "https://other.example"]);
        let stranger = seen(Some("voice.example.com"), "192.0.2.1", &all);
        assert_eq!(stranger.signed, ["https://voice.example.com"]);
    }

    #[test]
    fn forwarded_headers_count_from_trusted_proxies_only() {
        let all = [
            ("host", "inner:5000"),
            ("x-forwarded-host", "voice.example.com, inner"),
            ("x-forwarded-host", "second.example"),
            ("x-forwarded-proto", "https,http"),
        ];
        assert_eq!(seen(None, "127.0.0.1", &all).public, "https://voice.example.com");
        assert_eq!(seen(None, "::ffff:127.0.0.1", &all).public, "https://voice.example.com");
        assert_eq!(seen(None, "192.0.2.1", &all).public, "http://inner:5000");
        assert_eq!(
            seen(None, "192.0.2.1", &all).signed,
            ["http://inner:5000", "https://inner:5000"]
        );
        assert_eq!(seen(None, "", &all).public, "http://inner:5000");
        let proto = [("host", "h.example"), ("x-forwarded-proto", "https")];
        assert_eq!(seen(None, "::1", &proto).public, "https://h.example");
    }

    #[test]
    fn junk_is_ignored() {
        for junk in [
            "",
            "a/b",
            "user@evil",
            "evil.example\t",
            "h:port",
            "[::1",
            "[zz]",
            "a b",
            "h:",
            "h:1:2",
        ] {
            let found = seen(
                None,
                "127.0.0.1",
                &[("host", "good.example"), ("x-forwarded-host", junk)],
            );
            let expected = if junk == "evil.example\t" {
                "http://evil.example"
            } else {
                "http://good.example"
            };
            assert_eq!(found.public, expected, "{junk:?}");
        }
        let scheme = seen(
            None,
            "127.0.0.1",
            &[("host", "good.example"), ("x-forwarded-proto", "javascript")],
        );
        assert_eq!(scheme.public, "http://good.example");
        assert_eq!(seen(None, "127.0.0.1", &[]).public, "http://localhost");
    }

    #[test]
    fn proxies_are_addresses_networks_or_loopback() {
        let list =
            TrustedProxies::parse(&["loopback", "10.0.0.0/8", "192.0.2.7", "fd00::/8", "0.0.0.0/32"]).expect("list");
        for (address, trusted) in [
            ("127.0.0.9", true),
            ("::1", true),
            ("10.255.0.1", true),
            ("11.0.0.1", false),
            ("192.0.2.7", true),
            ("192.0.2.8", false),
            ("fd12::1", true),
            ("fe80::1", false),
            ("::ffff:10.1.1.1", true),
        ] {
            assert_eq!(list.trusts(address.parse().expect("address")), trusted, "{address}");
        }
        let all = TrustedProxies::parse(&["0.0.0.0/0", "::/0"]).expect("everything");
        assert!(all.trusts("8.8.8.8".parse().expect("v4")) && all.trusts("2001:db8::1".parse().expect("v6")));
        for wrong in ["10.0.0.0/33", "::/129", "proxy.example", "", "10.0.0.0/-1"] {
            assert_eq!(
                TrustedProxies::parse(&[wrong]),
                Err(OriginError::Proxy(wrong.to_owned())),
                "{wrong}"
            );
        }
    }

    #[test]
    fn websocket_origins() {
        assert_eq!(websocket_origin("https://h.example"), "wss://h.example");
        assert_eq!(websocket_origin("http://h.example:5000"), "ws://h.example:5000");
    }

    proptest! {
        #[test]
        fn an_origin_never_ends_in_a_slash_or_holds_two(text in ".{0,40}") {
            if let Ok(base) = text.parse::<PublicBase>() {
                let rest = base.as_str().split_once("://").expect("scheme").1;
                prop_assert!(!rest.contains("//") && !rest.ends_with('/') && !rest.is_empty());
            }
        }
    }
}
