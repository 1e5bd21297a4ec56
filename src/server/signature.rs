//! `X-Twilio-Signature`: what the carrier signed, under which spellings of the URL, and whether it matches.
//!
//! Pure functions. The signature is base64(HMAC-SHA1(auth token, URL followed by the sorted form parameters)); a body
//! that is no form is covered by its SHA-256 in the query parameter `bodySHA256` instead.

use std::collections::{BTreeMap, BTreeSet};

use base64_simd::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Digest, Sha256};

/// What of the request, beside its URL, the signature covers.
#[derive(Debug, Clone, Copy)]
pub enum SignedBody<'a> {
    /// A GET request or a WebSocket handshake: the URL alone.
    Nothing,
    /// The decoded pairs of an `application/x-www-form-urlencoded` body, in any order.
    Form(&'a [(String, String)]),
    /// A body of another type, whose lower-case hex SHA-256 stands in the URL as `bodySHA256`.
    Raw(&'a [u8]),
}

/// How a URL may have been spelled when it was signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UrlKind {
    /// A webhook: with the port, without it, with the scheme's default port.
    Webhook,
    /// A WebSocket handshake: also with the slash at the end of the path toggled.
    WebSocket {
        /// Also try `https` for `wss` (and `http` for `ws`), which some relays sign.
        also_https: bool,
    },
}

/// The signature of `url` and its form parameters under `token`: 28 characters of base64.
pub fn sign(token: &str, url: &str, params: &[(String, String)]) -> String {
    STANDARD.encode_to_string(keyed(token, url, params).finalize().into_bytes())
}

/// The first of `candidates` whose signature is `header`, if any. The comparison takes the same time wherever the
/// first difference lies.
pub fn matching<'a>(token: &str, header: &str, candidates: &'a [String], body: SignedBody<'_>) -> Option<&'a str> {
    let given = STANDARD.decode_to_vec(header.trim()).ok()?;
    candidates.iter().map(String::as_str).find(|url| {
        let params = match body {
            SignedBody::Form(params) => params,
            SignedBody::Nothing => &[],
            SignedBody::Raw(bytes) if body_hash_matches(url, bytes) => &[],
            SignedBody::Raw(_) => return false,
        };
        keyed(token, url, params).verify_slice(&given).is_ok()
    })
}

/// Every spelling of `url` that may have been signed, likeliest first, without repetition. The fragment is cut off:
/// the carrier consumes it and never signs it. Nothing else is decoded or normalised.
pub fn candidates(url: &str, kind: UrlKind) -> Vec<String> {
    let mut found = spellings(url);
    if let UrlKind::WebSocket { also_https } = kind {
        let toggled = found.iter().map(|url| toggle_slash(url)).collect::<Vec<_>>();
        found.extend(toggled);
        if also_https {
            let as_http = found.iter().filter_map(|url| url.strip_prefix("ws"));
            let as_http = as_http.map(|rest| format!("http{rest}")).collect::<Vec<_>>();
            found.extend(as_http);
        }
    }
    let mut seen = BTreeSet::new();
    found.retain(|url| seen.insert(url.clone()));
    found
}

/// True if the query of `url` names `bodySHA256`.
pub fn names_body_hash(url: &str) -> bool {
    body_hash(url).is_some()
}

fn keyed(token: &str, url: &str, params: &[(String, String)]) -> Hmac<Sha1> {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes keys of any length");
    mac.update(url.as_bytes());
    // Keys are sorted as keys, not as key+value strings; values of one key are a set.
    let mut sorted: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for (key, value) in params {
        sorted.entry(key).or_default().insert(value);
    }
    for (key, values) in sorted {
        for value in values {
            mac.update(key.as_bytes());
            mac.update(value.as_bytes());
        }
    }
    mac
}

fn body_hash(url: &str) -> Option<&str> {
    let query = url.split_once('?')?.1;
    query.split('&').find_map(|pair| pair.strip_prefix("bodySHA256="))
}

fn body_hash_matches(url: &str, body: &[u8]) -> bool {
    // The hash is no secret (it stands in the URL), so an ordinary comparison is enough.
    let digest = Sha256::digest(body);
    let hex = digest.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    body_hash(url).is_some_and(|given| given.eq_ignore_ascii_case(&hex))
}

/// As given, without the port, with the default port; then the same without user and password.
fn spellings(url: &str) -> Vec<String> {
    let url = url.split('#').next().unwrap_or(url);
    let Some((scheme, rest)) = url.split_once("://") else {
        return vec![url.to_owned()];
    };
    let (authority, tail) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let (user, host_port) = match authority.rfind('@') {
        Some(at) => authority.split_at(at + 1),
        None => ("", authority),
    };
    let (host, port) = split_port(host_port);
    let default = match scheme {
        "https" | "wss" => "443",
        _ => "80",
    };
    let mut found = vec![url.to_owned()];
    for user in [user, ""] {
        found.push(format!("{scheme}://{user}{host_port}{tail}"));
        found.push(format!("{scheme}://{user}{host}{tail}"));
        if port.is_none() {
            found.push(format!("{scheme}://{user}{host}:{default}{tail}"));
        }
    }
    found
}

fn split_port(host_port: &str) -> (&str, Option<&str>) {
    match host_port.rsplit_once(':') {
        Some((host, port)) if !port.contains(']') => (host, Some(port)),
        _ => (host_port, None),
    }
}

fn toggle_slash(url: &str) -> String {
    let (path, query) = url.split_at(url.find('?').unwrap_or(url.len()));
    match path.strip_suffix('/') {
        Some(shorter) => format!("{shorter}{query}"),
        None => format!("{path}/{query}"),
    }
}

#[cfg(test)]
mod tests;
