//! Keys and passwords that stand in a flow file: everybody who can read the file has them.

use super::written::is_filled;
use crate::compile::Compiled;
use crate::flow::{Finding, Findings, Node, Place};
use url::Url;

/// What the keys of well-known services begin with, how many characters follow at least, and whose they are.
const KEYS: [(&str, usize, &str); 20] = [
    ("sk-", 20, "a model's provider"),
    ("xoxb-", 10, "Slack"),
    ("xoxp-", 10, "Slack"),
    ("xoxa-", 10, "Slack"),
    ("xoxs-", 10, "Slack"),
    ("xapp-", 10, "Slack"),
    ("AKIA", 16, "AWS"),
    ("ASIA", 16, "AWS"),
    ("ghp_", 30, "GitHub"),
    ("gho_", 30, "GitHub"),
    ("ghs_", 30, "GitHub"),
    ("github_pat_", 30, "GitHub"),
    ("glpat-", 20, "GitLab"),
    ("AIza", 35, "Google"),
    ("ya29.", 20, "Google"),
    ("gsk_", 30, "Groq"),
    ("rk_live_", 16, "Stripe"),
    ("sk_live_", 16, "Stripe"),
    ("SG.", 40, "SendGrid"),
    ("hf_", 30, "Hugging Face"),
];
/// Header fields and settings that hold nothing but a key.
const NAMES: [&str; 14] = [
    "authorization",
    "proxy-authorization",
    "x-api-key",
    "x-auth-token",
    "api-key",
    "api_key",
    "apikey",
    "auth_token",
    "access_token",
    "client_secret",
    "password",
    "secret",
    "cookie",
    "xi-api-key",
];
/// Parts of a query that hold a key.
const QUERY: [&str; 11] = [
    "token",
    "access_token",
    "auth",
    "auth_token",
    "key",
    "api_key",
    "apikey",
    "secret",
    "password",
    "sig",
    "signature",
];
/// Shorter values are switches and stand-ins, not keys.
const SHORTEST: usize = 8;
/// A value without a digit is a key from this length on.
const LONG: usize = 20;

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    for document in &compiled.documents {
        let Some(root) = &document.root else { continue };
        for (name, node) in named(root) {
            let Some(text) = node.scalar().map(|scalar| scalar.text.as_str()) else {
                continue;
            };
            if let Some(what) = secret(name, text) {
                findings.push(
                    Finding::warning(
                        "secret-in-plain-text",
                        Place::new(&document.source, node.span),
                        format!("{what} stands here as text"),
                    )
                    .category("policy")
                    .label("everybody who reads this file has it")
                    .help(
                        "give it to a service of yours that adds it, or to a provider in `engine.yaml`: `{env: NAME}`",
                    )
                    .help("then have it replaced: what was in a file is known"),
                );
            }
        }
    }
}

/// Every scalar with the key under which it stands.
fn named(root: &Node) -> Vec<(&str, &Node)> {
    let mut found = Vec::new();
    let mut open = vec![("", root)];
    while let Some((name, node)) = open.pop() {
        if node.scalar().is_some() {
            found.push((name, node));
        }
        open.extend(node.as_seq().unwrap_or_default().iter().rev().map(|item| (name, item)));
        let entries = node.as_map().unwrap_or_default().iter().rev();
        open.extend(entries.map(|entry| (entry.key.text.as_str(), &entry.value)));
    }
    found
}

/// What kind of secret a value is; none where it is no secret.
fn secret(name: &str, text: &str) -> Option<String> {
    if text.contains("PRIVATE KEY-----") {
        return Some("a private key".to_owned());
    }
    for word in text.split(|letter: char| letter.is_whitespace() || "\"'=,;()<>&?/:@".contains(letter)) {
        if let Some((_, _, owner)) = KEYS.iter().find(|(start, least, _)| begins(word, start, *least)) {
            return Some(format!("a key of {owner}"));
        }
        if is_twilio_key(word) {
            return Some("a key of the carrier".to_owned());
        }
        if is_signed_token(word) {
            return Some("a signed token".to_owned());
        }
    }
    if text.contains("://")
        && let Some(what) = in_address(text)
    {
        return Some(what);
    }
    if !NAMES.contains(&name.to_ascii_lowercase().as_str()) || is_filled(text) {
        return None;
    }
    let value = ["Bearer ", "Basic ", "Token "]
        .iter()
        .find_map(|scheme| text.strip_prefix(scheme))
        .unwrap_or(text);
    // Words with spaces between them are a description, and a single word is a name; a key has digits or is long.
    let dense = value.len() >= LONG || value.len() >= SHORTEST && value.bytes().any(|byte| byte.is_ascii_digit());
    let looks = dense && !value.contains(char::is_whitespace);
    looks.then(|| format!("the value of `{name}`"))
}

/// A word of letters, digits, `-` and `_` with digits among them, behind a known beginning.
fn begins(word: &str, start: &str, least: usize) -> bool {
    word.strip_prefix(start).is_some_and(|rest| {
        rest.len() >= least
            && rest.bytes().any(|byte| byte.is_ascii_digit())
            && rest
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
    })
}

/// The carrier's API keys, and its tokens of 32 hexadecimal digits.
fn is_twilio_key(word: &str) -> bool {
    let hex = |text: &str| {
        text.len() == 32
            && text
                .bytes()
                .all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    };
    word.strip_prefix("SK").is_some_and(hex)
}

/// Three parts of base64 with points between them, the first of them a JSON object.
fn is_signed_token(word: &str) -> bool {
    word.starts_with("eyJ") && word.len() > 40 && word.split('.').count() == 3
}

/// A password before the host, or a key in the query.
fn in_address(text: &str) -> Option<String> {
    // What is filled in may have spaces in its braces.
    let text = super::written::fixed_part(text);
    let address = text.split_whitespace().find(|part| part.contains("://"))?;
    let url = Url::parse(address).ok()?;
    if url
        .password()
        .is_some_and(|password| !password.is_empty() && !is_filled_part(password))
    {
        return Some("the password in this address".to_owned());
    }
    let (name, _) = url.query_pairs().find(|(name, value)| {
        QUERY.contains(&name.to_ascii_lowercase().as_str()) && value.len() >= SHORTEST && !is_filled(value)
    })?;
    Some(format!("`{name}` of this address"))
}

/// The parser writes braces as `%7B`.
fn is_filled_part(part: &str) -> bool {
    is_filled(part) || part.contains("%7B%7B")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_shape_name_and_place() {
        let auth = "0123456789abcdef0123456789abcdef";
        for (name, text) in [
            ("x", "sk-proj-abcdefghij0123456789"),
            ("x", "Bearer sk-abcdefghij0123456789"),
            ("x", &format!("SK{auth}")),
            ("x", "AKIAIOSFODNN7EXAMPLE"),
            ("url", "https://user:hunter22@example.com/a"),
            ("url", &format!("https://AC{auth}:{auth}@api.example.com/")),
            ("url", "https://example.com/a?token=abcdef123456"),
            ("Authorization", "Bearer abcdef123456"),
            ("x-api-key", "abcdef123456"),
            ("x", "-----BEGIN PRIVATE KEY-----\nabc"),
        ] {
            assert!(secret(name, text).is_some(), "{name}: {text}");
        }
    }

    #[test]
    fn what_is_no_secret_is_left_alone() {
        let account = "AC0123456789abcdef0123456789abcdef";
        for (name, text) in [
            ("x", account),
            ("x", "ask-somebody-who-knows-about-it"),
            ("x", "sk-ip"),
            ("Authorization", "Bearer {{ vars.token }}"),
            ("Authorization", "none"),
            ("password", "undefined"),
            ("url", "https://example.com/a?token={{ vars.token }}"),
            ("url", "https://example.com/a?key=1"),
            ("url", "https://{{ vars.user }}:{{ vars.password }}@example.com/"),
            ("secret", "the word that the caller is to say"),
            ("say", "Your key is at the desk: https://example.com/help"),
        ] {
            assert_eq!(secret(name, text), None, "{name}: {text}");
        }
    }
}
