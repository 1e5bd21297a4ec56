//! Checking a request's signature against the configuration.

use http::HeaderMap;
use secrecy::ExposeSecret;

use super::config::ServerConfig;
use super::signature::{SignedBody, UrlKind, candidates, matching};

/// The header that carries the signature.
const SIGNATURE: &str = "x-twilio-signature";

/// Sent along by the carrier where the signature was made with a shared key and SHA-256 instead of the auth token.
const SHARED_KEY: &str = "x-twilio-webhooks-signature-settings";

/// What the check found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Signed by the account, or checking is off.
    Pass,
    /// Refuse; says why and which URLs were checked.
    Refuse { reason: &'static str, checked: String },
}

/// Checks a webhook. `target` is the raw path and query as received.
pub(super) fn webhook(
    config: &ServerConfig,
    origins: &[String],
    target: &str,
    headers: &HeaderMap,
    body: SignedBody<'_>,
) -> Verdict {
    if !config.verify_signatures {
        return Verdict::Pass;
    }
    check(config, origins, target, headers, body, UrlKind::Webhook)
}

/// Checks the handshake of a WebSocket; `origins` already have their `ws` form. Nothing where it carries no signature.
pub(super) fn handshake(
    config: &ServerConfig,
    origins: &[String],
    target: &str,
    headers: &HeaderMap,
) -> Option<Verdict> {
    headers.get(SIGNATURE)?;
    let kind = UrlKind::WebSocket {
        also_https: config.ws_signed_as_https,
    };
    Some(check(config, origins, target, headers, SignedBody::Nothing, kind))
}

/// The URL under which a webhook is rightly signed, whether or not that is asked for; and every URL that was checked.
pub(super) fn matched(
    config: &ServerConfig,
    origins: &[String],
    target: &str,
    headers: &HeaderMap,
    body: SignedBody<'_>,
) -> (Option<String>, Vec<String>) {
    let urls = spellings(origins, target, UrlKind::Webhook);
    let header = headers.get(SIGNATURE).and_then(|value| value.to_str().ok());
    let matched = match (&config.auth_token, header) {
        (Some(token), Some(header)) => matching(token.expose_secret(), header, &urls, body).map(str::to_owned),
        _ => None,
    };
    (matched, urls)
}

fn spellings(origins: &[String], target: &str, kind: UrlKind) -> Vec<String> {
    let mut urls = Vec::new();
    for origin in origins {
        for url in candidates(&format!("{origin}{target}"), kind) {
            if !urls.contains(&url) {
                urls.push(url);
            }
        }
    }
    urls
}

fn check(
    config: &ServerConfig,
    origins: &[String],
    target: &str,
    headers: &HeaderMap,
    body: SignedBody<'_>,
    kind: UrlKind,
) -> Verdict {
    let urls = spellings(origins, target, kind);
    let refuse = |reason| Verdict::Refuse {
        reason,
        checked: loggable(&urls),
    };
    let Some(token) = &config.auth_token else {
        return refuse("no auth token is configured to verify with; help: set TWILIO_AUTH_TOKEN");
    };
    let Some(header) = headers.get(SIGNATURE).and_then(|value| value.to_str().ok()) else {
        return refuse("the signature is missing");
    };
    if matching(token.expose_secret(), header, &urls, body).is_some() {
        return Verdict::Pass;
    }
    if headers.contains_key(SHARED_KEY) {
        return refuse("it is signed with a shared key, and the auth token's is expected");
    }
    refuse("the signature does not match; help: compare the URL with PUBLIC_BASE_URL and with the number's webhook")
}

/// The URLs as a log may show them: a query can hold callers' numbers, so its values are left out.
pub(super) fn loggable(urls: &[String]) -> String {
    let mut shown: Vec<String> = Vec::new();
    for url in urls {
        let url = match url.split_once('?') {
            Some((path, query)) => format!("{path}?{}", names_only(query)),
            None => url.clone(),
        };
        shown.push(url);
    }
    shown.join(" ")
}

/// `n=2&From=+1` as `n=2&From=…`.
fn names_only(query: &str) -> String {
    let pairs = query.split('&').map(|pair| match pair.split_once('=') {
        Some((name, _)) if name != "n" => format!("{name}=…"),
        _ => pair.to_owned(),
    });
    pairs.collect::<Vec<_>>().join("&")
}
