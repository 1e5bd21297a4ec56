//! Addresses in a document: absolute where they must be, of the right scheme, without an empty part in the path.

use super::{ADVICE, Setting};
use crate::twiml::{Element, Problem};
use url::Url;

/// An address that cannot be used (errors A).
const INVALID_URL: u32 = 11100;
/// A relative address in a document that has none of its own (errors B).
const NOT_ABSOLUTE: u32 = 15004;
/// Retries or times in the fragment that the carrier does not take (errors A).
const RETRY_POLICY: u32 = 11243;
/// An edge location in the fragment that the carrier does not know (errors A).
const EDGE: u32 = 11240;
/// The carrier's edge locations.
const EDGES: [&str; 8] = [
    "ashburn",
    "dublin",
    "frankfurt",
    "sao-paulo",
    "singapore",
    "sydney",
    "tokyo",
    "umatilla",
];

pub(super) fn check_attribute(
    element: &Element,
    name: &str,
    value: &str,
    code: u32,
    setting: Setting,
) -> Option<Problem> {
    // Media sockets have rules of their own, and an empty `waitUrl` means silence.
    let socket = name == "url" && ["Stream", "ConversationRelay"].contains(&element.name.as_str());
    if socket || (name == "waitUrl" && value.is_empty()) {
        return None;
    }
    let what = format!("`{name}` of `<{}>`", element.name);
    fault(value, code, setting)
        .map(|(code, fact, help)| Problem::new(code, element.attribute_range(name), format!("{what} {fact}"), help))
}

pub(super) fn check_redirect(element: &Element, setting: Setting, problems: &mut Vec<Problem>) {
    let value = element.text.trim();
    if value.is_empty() {
        let help = "write the address of the next document";
        let fact = "`<Redirect>` without an address asks for this document again";
        let code = if setting.is_inline() { INVALID_URL } else { ADVICE };
        problems.push(Problem::new(code, element.range.clone(), fact, help));
        return;
    }
    check_text(element, value, setting, problems);
}

/// Checks an address that is the text of an element.
pub(super) fn check_text(element: &Element, value: &str, setting: Setting, problems: &mut Vec<Problem>) {
    if let Some((code, fact, help)) = fault(value, INVALID_URL, setting) {
        let message = format!("the address in `<{}>` {fact}", element.name);
        problems.push(Problem::new(code, element.range.clone(), message, help));
    }
}

/// What is wrong with a web address: the code, the fact and the remedy.
fn fault(value: &str, code: u32, setting: Setting) -> Option<(u32, String, &'static str)> {
    if value.is_empty() {
        return Some((
            code,
            "is empty".to_owned(),
            "write an address or leave the attribute away",
        ));
    }
    if value.contains(char::is_whitespace) {
        return Some((code, format!("holds a space: `{value}`"), "write a space as `%20`"));
    }
    if value.starts_with("//") {
        return Some((
            code,
            format!("begins with `//`: `{value}`"),
            "begin with `https://` and the host",
        ));
    }
    match Url::parse(value) {
        Ok(url) => absolute(value, &url, code),
        Err(url::ParseError::RelativeUrlWithoutBase) if setting.is_inline() => Some((
            NOT_ABSOLUTE,
            format!("is relative: `{value}`"),
            "a document in the `Twiml` parameter has no address: write `https://` and the host",
        )),
        Err(url::ParseError::RelativeUrlWithoutBase) => empty_segment(value, value, code),
        Err(error) => Some((
            code,
            format!("is no address: `{value}`: {error}"),
            "write `https://`, the host and the path",
        )),
    }
}

fn absolute(value: &str, url: &Url, code: u32) -> Option<(u32, String, &'static str)> {
    if !["http", "https"].contains(&url.scheme()) {
        let fact = format!("has the scheme `{}`: `{value}`", url.scheme());
        return Some((code, fact, "begin with `https://`"));
    }
    // The parser repairs `https:/host` and `https:host`; the carrier is not asked to.
    let rest = value.get(url.scheme().len()..).unwrap_or_default();
    if !rest.starts_with("://") || url.host_str().is_none_or(str::is_empty) {
        return Some((
            code,
            format!("has no host: `{value}`"),
            "write `https://`, the host and the path",
        ));
    }
    if let Some(fault) = url.fragment().and_then(overrides) {
        return Some(fault);
    }
    empty_segment(value, url.path(), code)
}

/// What is wrong with the connection overrides in a fragment, such as `rc=2&rp=5xx,ct`. Keys that are none of them are left alone.
fn overrides(fragment: &str) -> Option<(u32, String, &'static str)> {
    fragment
        .split('&')
        .filter_map(|part| part.split_once('='))
        .find_map(|(key, value)| {
            let within = |low: u32, high: u32| value.parse::<u32>().is_ok_and(|number| (low..=high).contains(&number));
            let known = |words: &[&str]| value.split(',').all(|word| words.contains(&word));
            let (fits, code, help) = match key {
                "rp" => (
                    known(&["4xx", "5xx", "ct", "rt", "all"]),
                    RETRY_POLICY,
                    "write some of `4xx`, `5xx`, `ct`, `rt` with commas, or `all`",
                ),
                "e" => (
                    known(&EDGES),
                    EDGE,
                    "write one of the carrier's edges, such as `frankfurt`, or leave `e` away",
                ),
                "rc" => (within(0, 5), RETRY_POLICY, "write how often it is tried again: 0 to 5"),
                "ct" => (
                    within(100, 10_000),
                    RETRY_POLICY,
                    "write milliseconds from 100 to 10000",
                ),
                "rt" | "tt" => (
                    within(100, 15_000),
                    RETRY_POLICY,
                    "write milliseconds from 100 to 15000",
                ),
                _ => return None,
            };
            (!fits).then(|| (code, format!("has the connection override `{key}={value}`"), help))
        })
}

fn empty_segment(value: &str, path: &str, code: u32) -> Option<(u32, String, &'static str)> {
    let path = path.split(['?', '#']).next().unwrap_or_default();
    path.contains("//").then(|| {
        let help = "write one `/`: many servers answer an empty part of a path with 404 or a redirect";
        (code, format!("has `//` in its path: `{value}`"), help)
    })
}
