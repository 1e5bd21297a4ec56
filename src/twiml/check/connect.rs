//! `<Connect>`, `<Start>` and `<Stop>`: one noun each; sockets that the carrier can open; parameters that fit.

use super::{ADVICE, SCHEMA_WARNING};
use crate::twiml::{Element, Problem};
use url::{Host, Url};

/// Name and value of a `<Parameter>` together stay below this many characters.
const PARAMETER: usize = 500;

pub(super) fn check(element: &Element, problems: &mut Vec<Problem>) {
    if element.children.len() == 1 {
        return;
    }
    let (message, help) = match element.children.first() {
        None => (
            format!("`<{}>` has nothing inside", element.name),
            "put a `<Stream>` or another noun inside",
        ),
        Some(_) => (
            format!("`<{}>` takes one noun", element.name),
            "use one verb for each noun",
        ),
    };
    // The second noun is the one too many.
    let place = element.children.get(1).map_or(&element.range, |second| &second.range);
    problems.push(Problem::new(SCHEMA_WARNING, place.clone(), message, help));
}

pub(super) fn check_socket(around: &str, element: &Element, problems: &mut Vec<Problem>) {
    let mut report = |code: u32, name: &str, message: String, help: &str| {
        problems.push(Problem::new(code, element.attribute_range(name), message, help));
    };
    if let Some(address) = element.attribute("url") {
        match Url::parse(address) {
            Ok(url) if url.scheme() == "wss" || (url.scheme() == "ws" && is_local(&url)) => {
                if url.query().is_some() && element.name == "Stream" {
                    let message = "`url` of `<Stream>` has a query: the carrier cuts it off, or the handshake fails";
                    report(
                        31920,
                        "url",
                        message.to_owned(),
                        "pass values as `<Parameter>` elements",
                    );
                }
                if url.path().contains("//") {
                    let help = "write one `/`: a server may refuse the handshake";
                    report(31920, "url", format!("`url` has `//` in its path: `{address}`"), help);
                }
            }
            Ok(url) => {
                let message = format!("`url` of `<{}>` has the scheme `{}`", element.name, url.scheme());
                report(31922, "url", message, "begin with `wss://`");
            }
            Err(error) => {
                let message = format!("`url` of `<{}>` is `{address}`: {error}", element.name);
                report(31923, "url", message, "write `wss://`, the host and the path");
            }
        }
    }
    if let Some(track) = element
        .attribute("track")
        .filter(|track| around == "Connect" && *track != "inbound_track")
        && element.name == "Stream"
    {
        let message = format!("`track` is `{track}`, and a connected stream hears only the caller");
        report(31941, "track", message, "leave `track` away, or fork with `<Start>`");
    }
    if around == "Stop" && element.attribute("name").is_none() {
        report(
            ADVICE,
            "name",
            "`<Stop>` names no stream".to_owned(),
            "write the `name` that `<Start>` gave it",
        );
    }
    let mut names: Vec<&str> = Vec::new();
    for parameter in element.children.iter().filter(|child| child.name == "Parameter") {
        let name = parameter.attribute("name").unwrap_or_default();
        if names.contains(&name) {
            let message = format!("two parameters are named `{name}`: one of them is lost");
            problems.push(Problem::new(
                ADVICE,
                parameter.range.clone(),
                message,
                "give each its own name",
            ));
        }
        names.push(name);
    }
    check_callback(element, "statusCallback", problems);
}

/// The status of a stream is reported to an absolute address only.
pub(super) fn check_callback(element: &Element, name: &str, problems: &mut Vec<Problem>) {
    if let Some(address) = element.attribute(name)
        && Url::parse(address) == Err(url::ParseError::RelativeUrlWithoutBase)
    {
        let message = format!("`{name}` of `<{}>` is relative: `{address}`", element.name);
        let help = "write `https://`, the host and the path";
        problems.push(Problem::new(11100, element.attribute_range(name), message, help));
    }
}

pub(super) fn check_parameter(element: &Element, problems: &mut Vec<Problem>) {
    let name = element.attribute("name").unwrap_or_default();
    let length = name.chars().count() + element.attribute("value").unwrap_or_default().chars().count();
    if length >= PARAMETER {
        let message = format!("name and value of the parameter `{name}` have {length} characters together");
        let help = "stay below 500: pass a key, and keep the value on the server";
        problems.push(Problem::new(SCHEMA_WARNING, element.range.clone(), message, help));
    }
    if element.attribute("name") == Some("") {
        let message = "a parameter has an empty name";
        problems.push(Problem::new(SCHEMA_WARNING, element.range.clone(), message, "name it"));
    }
}

/// Whether a socket stays on this machine, where a local run has no certificate.
fn is_local(url: &Url) -> bool {
    match url.host() {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}
