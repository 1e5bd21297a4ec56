//! Addresses that a flow names: usable, encrypted on the open network, and within the carrier's reach.

use super::written::{self, Text, Written};
use crate::compile::Compiled;
use crate::flow::{Finding, Findings, Node, Place};
use url::{Host, Url};

/// Endings of names that only a private network knows.
const PRIVATE_NAMES: [&str; 7] = [
    ".local",
    ".internal",
    ".lan",
    ".home.arpa",
    ".test",
    ".localhost",
    ".cluster.local",
];

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    for step in written::all(compiled) {
        match step.kind {
            "http" => {
                if let Some(url) = step.text_or_short("url") {
                    service(&url, findings);
                }
            }
            "stream" => reach(
                step.text_or_short("url"),
                "the caller would hear the fallback (31904)",
                findings,
            ),
            _ => {}
        }
        if !["http", "stream"].contains(&step.kind) {
            fetched(&step, findings);
        }
    }
    for document in &compiled.documents {
        let agents = document.root.as_ref().and_then(|root| root.key("agents"));
        for agent in agents.and_then(Node::as_map).unwrap_or_default() {
            for part in agent.value.as_map().unwrap_or_default() {
                let Some(node) = part.value.key("base_url") else {
                    continue;
                };
                let Some(scalar) = node.scalar() else { continue };
                let place = Place::new(&document.source, node.span);
                encrypted(
                    &Text {
                        text: &scalar.text,
                        place,
                    },
                    findings,
                );
            }
        }
    }
}

/// The address that an `http` step calls.
fn service(url: &Text<'_>, findings: &mut Findings) {
    let fixed = url.text.split("{{").next().unwrap_or_default();
    let begun = ["https://", "http://"].iter().any(|scheme| fixed.starts_with(scheme));
    // What is filled in may hold the beginning.
    let open = fixed.len() < url.text.len() && ["https://", "http://"].iter().any(|scheme| scheme.starts_with(fixed));
    let hostless = begun && fixed.len() == url.text.len() && Url::parse(fixed).is_err();
    if open {
        return;
    }
    if !begun || hostless {
        findings.push(
            Finding::error(
                "service-url",
                url.place.clone(),
                format!("`{}` is no address of a service", url.text),
            )
            .category("policy")
            .label("no `https://` and host")
            .consequence("the step would always fail")
            .help("write `https://`, the host and the path"),
        );
        return;
    }
    encrypted(url, findings);
}

/// Whatever crosses the open network without encryption can be read and changed on its way.
fn encrypted(url: &Text<'_>, findings: &mut Findings) {
    let plain = ["http://", "ws://"].iter().any(|scheme| url.text.starts_with(scheme));
    let Some(host) = host(url.text).filter(|host| plain && !is_private(host)) else {
        return;
    };
    let secure = url.text.replacen("://", "s://", 1);
    findings.push(
        Finding::warning(
            "unencrypted-url",
            url.place.clone(),
            format!("what is sent to `{host}` travels in the open"),
        )
        .category("policy")
        .label("not encrypted")
        .consequence("callers' data and keys can be read and changed on the way")
        .help(format!("write `{secure}`")),
    );
}

/// Sounds and other addresses that the carrier opens itself.
fn fetched(step: &Written<'_>, findings: &mut Findings) {
    for node in written::scalars(step.body) {
        let text = step.scalar(node).filter(|text| {
            ["http://", "https://"]
                .iter()
                .any(|scheme| text.text.starts_with(scheme))
        });
        let is_sound = step.kind == "play" || ["gather", "record", "dial", "enqueue"].contains(&step.kind);
        if is_sound {
            reach(text, "the caller would hear nothing here (11205)", findings);
        }
    }
}

fn reach(url: Option<Text<'_>>, consequence: &str, findings: &mut Findings) {
    let Some(url) = url else { return };
    let Some(host) = host(url.text).filter(is_private) else {
        return;
    };
    findings.push(
        Finding::warning("private-url", url.place, format!("the carrier cannot reach `{host}`"))
            .category("policy")
            .label("an address of this machine or a private network")
            .consequence(consequence)
            .help("name a host that the internet knows; a sound can lie under `static/`"),
    );
}

/// The host of an address; none where it is filled in during a call.
fn host(url: &str) -> Option<Host<String>> {
    let fixed = url.split("{{").next()?;
    if fixed.len() < url.len() && !fixed.split_once("://").is_some_and(|(_, rest)| rest.contains('/')) {
        return None;
    }
    Url::parse(fixed).ok()?.host().map(|host| host.to_owned())
}

fn is_private(host: &Host<String>) -> bool {
    match host {
        Host::Domain(name) => {
            let name = name.trim_end_matches('.').to_ascii_lowercase();
            // A name without a dot is one of the local network, or of a container beside this one.
            !name.contains('.') || PRIVATE_NAMES.iter().any(|ending| name.ends_with(ending))
        }
        Host::Ipv4(address) => is_private_address(address.octets()),
        Host::Ipv6(address) => match address.to_ipv4_mapped() {
            Some(address) => is_private_address(address.octets()),
            None => {
                let first = address.segments()[0];
                // fc00::/7 and fe80::/10 (RFC 4193, RFC 4291).
                let local = first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80;
                address.is_loopback() || address.is_unspecified() || local
            }
        },
    }
}

/// This machine, private networks and links, and what providers keep for themselves (RFC 1918, 3927, 6598).
fn is_private_address(address: [u8; 4]) -> bool {
    match address {
        [0 | 10 | 127, ..] | [192, 168, ..] | [169, 254, ..] => true,
        [172, second, ..] => (16..32).contains(&second),
        [100, second, ..] => (64..128).contains(&second),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_hosts_are_known() {
        for (url, private) in [
            ("http://localhost:8080/a", true),
            ("http://127.0.0.1/a", true),
            ("http://crm:8080/a", true),
            ("http://10.1.2.3/a", true),
            ("http://[::1]/a", true),
            ("http://[fd00::1]/a", true),
            ("http://100.64.3.1/", true),
            ("http://printer.local/a", true),
            ("http://8.8.8.8/a", false),
            ("http://example.com/a", false),
            ("http://example.com/{{ call.from }}", false),
        ] {
            let host = host(url).unwrap();
            assert_eq!(is_private(&host), private, "{url}");
        }
        assert_eq!(host("http://{{ vars.host }}/a"), None);
        assert_eq!(host("http://api{{ vars.n }}.example.com/a"), None);
    }
}
