//! The addresses in a document: always absolute, never with an empty part in the path.

use minijinja::value::{Object, ObjectRepr};
use minijinja::{Environment, Error, ErrorKind, State, Value};
use serde::{Deserialize, Serialize};
use std::fmt::Write;
use std::sync::Arc;

/// Where the addresses of a document lead.
#[derive(Serialize, Deserialize, Clone, PartialEq, Eq, Debug)]
pub struct Links {
    /// Scheme and host, and a path where the engine lives below one: `https://line.example`.
    pub origin: String,
    /// What the carrier does when an address fails, as the fragment of its connection overrides: `rc=5&rp=all`.
    pub retries: Option<String>,
}

/// The name under which templates carry the links. No template can spell it.
pub(super) const VARIABLE: &str = " links";

impl Links {
    /// Links below `origin`, without overrides.
    pub fn new(origin: impl Into<String>) -> Links {
        Links {
            origin: origin.into(),
            retries: None,
        }
    }

    /// The address of a sound file: a path below `/static/`, or an address that is absolute already.
    pub fn asset(&self, path: &str) -> String {
        if path.starts_with("https://") || path.starts_with("http://") {
            return path.to_owned();
        }
        format!("{}/static{}", self.base(), segments(path))
    }

    /// The address that continues the call with a route; `n` tells the visits of a call from each other.
    pub fn webhook(&self, route: &str, n: u64) -> String {
        let visit = if n > 1 { format!("?n={n}") } else { String::new() };
        format!("{}/webhook{}{visit}{}", self.base(), segments(route), self.fragment())
    }

    /// The address that takes a report, whose answer nobody reads: one that is lost keeps no caller waiting.
    pub fn callback(&self, route: &str) -> String {
        format!("{}/webhook{}", self.base(), segments(route))
    }

    /// The address of a WebSocket: `wss`, or `ws` where the engine itself runs without TLS.
    pub fn socket(&self, path: &str) -> String {
        let base = self.base();
        let base = match base.split_once("://") {
            Some(("http", host)) => format!("ws://{host}"),
            Some((_, host)) => format!("wss://{host}"),
            None => format!("wss://{base}"),
        };
        format!("{base}{}", segments(path))
    }

    fn base(&self) -> &str {
        self.origin.trim_end_matches('/')
    }

    fn fragment(&self) -> String {
        self.retries
            .as_ref()
            .map_or_else(String::new, |retries| format!("#{retries}"))
    }
}

impl Object for Links {
    fn repr(self: &Arc<Self>) -> ObjectRepr {
        ObjectRepr::Plain
    }
}

/// The functions of templates that make addresses.
pub(super) const FUNCTIONS: [&str; 4] = ["file", "webhook", "callback", "socket"];

/// Gives templates the functions above.
pub(super) fn add_functions(environment: &mut Environment<'static>) {
    environment.add_function("file", |state: &State, path: &Value| {
        Ok::<_, Error>(links(state)?.asset(part(path)?))
    });
    environment.add_function("webhook", |state: &State, route: &Value, n: Option<u64>| {
        Ok::<_, Error>(links(state)?.webhook(part(route)?, n.unwrap_or(1)))
    });
    environment.add_function("callback", |state: &State, route: &Value| {
        Ok::<_, Error>(links(state)?.callback(part(route)?))
    });
    environment.add_function("socket", |state: &State, path: &Value| {
        Ok::<_, Error>(links(state)?.socket(part(path)?))
    });
}

fn links(state: &State) -> Result<Links, Error> {
    let value = state.lookup(VARIABLE);
    let links = value.as_ref().and_then(|value| value.downcast_object_ref::<Links>());
    links
        .cloned()
        .ok_or_else(|| Error::new(ErrorKind::InvalidOperation, "addresses exist only in a document"))
}

/// The part of an address that a template passes.
fn part(value: &Value) -> Result<&str, Error> {
    if value.is_undefined() || value.is_none() {
        return Err(Error::new(
            ErrorKind::UndefinedError,
            "the address has nothing to lead to",
        ));
    }
    match value.as_str().map(str::trim) {
        Some(text) if !text.trim_matches('/').is_empty() => Ok(text),
        _ => Err(Error::new(
            ErrorKind::InvalidOperation,
            "an address is made of text that is not empty",
        )),
    }
}

/// `/a/b` of `a//b/`, each part percent-encoded (RFC 3986, unreserved characters stay).
fn segments(path: &str) -> String {
    let mut encoded = String::with_capacity(path.len() + 8);
    for segment in path.split('/').filter(|segment| !segment.is_empty()) {
        encoded.push('/');
        for byte in segment.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
                encoded.push(char::from(byte));
            } else {
                let written = write!(encoded, "%{byte:02X}");
                debug_assert!(written.is_ok(), "a string takes whatever is written to it");
            }
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_absolute_and_their_paths_are_clean() {
        let links = Links {
            origin: "https://line.example/".into(),
            retries: Some("rc=5&rp=all".into()),
        };
        assert_eq!(
            links.asset("tts/greeting he.mp3"),
            "https://line.example/static/tts/greeting%20he.mp3"
        );
        assert_eq!(
            links.asset("//tts///שלום?.mp3"),
            "https://line.example/static/tts/%D7%A9%D7%9C%D7%95%D7%9D%3F.mp3"
        );
        assert_eq!(links.asset("http://a.example/x?y"), "http://a.example/x?y");
        assert_eq!(
            links.webhook("stream_ended", 1),
            "https://line.example/webhook/stream_ended#rc=5&rp=all"
        );
        assert_eq!(
            links.webhook("/gather/", 3),
            "https://line.example/webhook/gather?n=3#rc=5&rp=all"
        );
        assert_eq!(
            links.callback("stream_status"),
            "https://line.example/webhook/stream_status"
        );
        assert_eq!(links.socket("/ws/twilio-media"), "wss://line.example/ws/twilio-media");
    }

    #[test]
    fn a_local_run_has_local_sockets_and_no_overrides() {
        let links = Links::new("http://127.0.0.1:8080");
        assert_eq!(links.socket("ws/twilio-media"), "ws://127.0.0.1:8080/ws/twilio-media");
        assert_eq!(links.webhook("record", 2), "http://127.0.0.1:8080/webhook/record?n=2");
    }
}
