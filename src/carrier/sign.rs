//! The carrier's request signature: HMAC-SHA1 over the URL and the sorted form, in base64.
//!
//! Kept apart from the engine's verifier on purpose: two independent readings of the same rule prove each other.

use std::collections::BTreeSet;

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use url::Url;

/// The value of `X-Twilio-Signature` (28 characters) for `url` and the form `params`.
///
/// `url` is taken as it stands; see [`signed_url`] for what the carrier signs of a configured URL.
/// Pairs are sorted by name and then by value, and repeated pairs count once.
#[must_use]
pub fn signature(token: &str, url: &str, params: &[(String, String)]) -> String {
    let mut mac = Hmac::<Sha1>::new_from_slice(token.as_bytes()).expect("HMAC takes a key of any length");
    mac.update(url.as_bytes());
    let sorted: BTreeSet<(&str, &str)> = params
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    for (name, value) in sorted {
        mac.update(name.as_bytes());
        mac.update(value.as_bytes());
    }
    base64_simd::STANDARD.encode_to_string(mac.finalize().into_bytes())
}

/// What is signed of a webhook's URL: no fragment, no userinfo, and over https no port either.
#[must_use]
pub fn signed_url(url: &str) -> String {
    let bare = url.split('#').next().unwrap_or(url);
    let Ok(parsed) = Url::parse(bare) else {
        return bare.to_owned();
    };
    let Some((scheme, rest)) = bare.split_once("://") else {
        return bare.to_owned();
    };
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let host = authority.rsplit('@').next().unwrap_or(authority);
    // The text is cut rather than rebuilt: a parser would normalise the path and the query.
    let host = match (parsed.scheme(), host.rfind(':')) {
        ("https", Some(colon)) if !host[colon..].contains(']') => &host[..colon],
        _ => host,
    };
    format!("{scheme}://{host}{path}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn known_requests_have_their_known_signatures() {
        let call = form(&[
            ("To", "+18005551212"),
            ("CallSid", "CA1234567890ABCDE"),
            ("Caller", "+14158675309"),
            ("Digits", "1234"),
            ("From", "+14158675309"),
        ]);
        let cases = [
            (
                "12345",
                "https://mycompany.com/myapp.php?foo=1&bar=2",
                call.clone(),
                "RSOYDt4T1cUTdK1PDd93/VVr8B8=",
            ),
            (
                "12345",
                "http://mycompany.com:1234/myapp.php?foo=1&bar=2",
                call,
                "Zmvh+3yNM1Phv2jhDCwEM3q5ebU=",
            ),
            (
                "12345",
                "https://mycompany.com/myapp.php?foo=1&bar=2",
                form(&[
                    ("Digits", "5678"),
                    ("Digits", "1234"),
                    ("Digits", "1234"),
                    ("Sid", "CA123"),
                    ("SidAccount", "AC123"),
                ]),
                "IK+Dwps556ElfBT0I3Rgjkr1wJU=",
            ),
            (
                "0123456789abcdef0123456789abcdef",
                "wss://voice.example.com/ws/twilio",
                Vec::new(),
                "DQQhj2qLgwJb4m70cS7SeqAHeBE=",
            ),
        ];
        for (token, url, params, expected) in cases {
            assert_eq!(signature(token, url, &params), expected, "{url}");
        }
    }

    #[test]
    fn the_signed_url_drops_what_the_carrier_drops() {
        for (given, signed) in [
            ("https://u:p@h.example:8443/a?b=1#rc=2", "https://h.example/a?b=1"),
            ("http://u@h.example:8080/a//b", "http://h.example:8080/a//b"),
            ("https://h.example?x=1", "https://h.example?x=1"),
            ("https://[::1]:443/a", "https://[::1]/a"),
        ] {
            assert_eq!(signed_url(given), signed);
        }
    }
}
