//! The media socket: 101 with and without a subprotocol and a slash, nothing that was not offered, and frames that really
//! go through. No stream is ever started on it, so that no call hears of it.

use super::case::Case;
use super::outcome::Outcome;
use super::web::{Ask, Silence, short};
use crate::carrier::{signature, signed_url};
use base64_simd::STANDARD;
use futures_util::{SinkExt, StreamExt};
use reqwest::Response;
use reqwest::header::{HeaderMap, LOCATION};
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

/// Where the carrier opens a media stream.
const PATH: &str = "/ws/twilio-media";
/// What the carrier may offer.
const SUBPROTOCOL: &str = "audio.twilio.com";
/// The name under which the carrier opens sockets.
const CARRIER: &str = "Twilio.TmeWs/1.0";

/// One way to open it.
struct Opening {
    probe: &'static str,
    path: String,
    offers: bool,
}

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    if let Some(why) = case.unreachable() {
        return vec![Outcome::skipped("handshake", why)];
    }
    let slash = format!("{PATH}/");
    let openings = [
        ("handshake", PATH, false),
        ("handshake-slash", slash.as_str(), false),
        ("subprotocol", PATH, true),
    ];
    let mut outcomes = Vec::new();
    for (probe, path, offers) in openings {
        let opening = Opening {
            probe,
            path: path.to_owned(),
            offers,
        };
        outcomes.push(match open(case, &opening).await {
            Ok(_) if offers => Outcome::ok(probe, format!("`{SUBPROTOCOL}` is taken up where it is offered")),
            Ok(_) => Outcome::ok(probe, format!("101 on `{path}`")),
            Err(outcome) => *outcome,
        });
    }
    outcomes.push(no_key(case).await);
    outcomes.push(frames(case).await);
    outcomes
}

/// The handshake as the carrier sends it, signed where that is possible.
fn ask(case: &Case, opening: &Opening, key: &str) -> Ask {
    let target = case.target();
    let mut ask = Ask::get(target.at(&opening.path))
        .lax(case.found.is_untrusted)
        .header("connection", "Upgrade")
        .header("upgrade", "websocket")
        .header("sec-websocket-version", "13")
        .header("user-agent", CARRIER);
    if !key.is_empty() {
        ask = ask.header("sec-websocket-key", key);
    }
    if opening.offers {
        ask = ask.header("sec-websocket-protocol", SUBPROTOCOL);
    }
    if let Some(token) = case.token().filter(|_| !case.found.is_untrusted) {
        let url = signed_url(&format!("{}{}", target.public, opening.path));
        let url = url.replacen("http", "ws", 1);
        ask = ask.header("x-twilio-signature", signature(&token, &url, &[]));
    }
    ask
}

/// Opens it. Errors: what is wrong with the answer.
async fn open(case: &Case, opening: &Opening) -> Result<Response, Box<Outcome>> {
    let mut key = [0_u8; 16];
    getrandom::fill(&mut key).expect("the operating system has random numbers");
    let key = STANDARD.encode_to_string(key);
    let failed = |silence: &Silence| Box::new(silent(opening.probe, silence));
    let response = case
        .web
        .open(ask(case, opening, &key))
        .await
        .map_err(|silence| failed(&silence))?;
    match fault(opening, response.status().as_u16(), response.headers(), &key) {
        None => Ok(response),
        Some(outcome) => Err(Box::new(outcome)),
    }
}

fn silent(probe: &'static str, silence: &Silence) -> Outcome {
    let code = match silence.code {
        11201 | 11205 => 31901,
        11202 => 31902,
        11210 => 31904,
        11220 => 31910,
        _ => 31920,
    };
    Outcome::fail(probe, format!("no handshake: {}", silence.why))
        .code(code)
        .help("let the proxy pass upgrades of `/ws/` to the engine")
}

/// What is wrong with the answer to a handshake, for a client that takes the rules seriously (RFC 6455, section 4.1).
fn fault(opening: &Opening, status: u16, headers: &HeaderMap, key: &str) -> Option<Outcome> {
    let path = &opening.path;
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let fail = |seen: String, help: &str| {
        Some(
            Outcome::fail(opening.probe, format!("`{path}` {seen}"))
                .code(31920)
                .help(help),
        )
    };
    match status {
        101 => {}
        300..=399 => {
            let to = headers
                .get(LOCATION)
                .and_then(|value| value.to_str().ok())
                .unwrap_or("elsewhere");
            let seen = format!("gives {status} to `{}`", short(to));
            return fail(
                seen,
                "answer both forms of the path; the carrier follows no redirect here",
            );
        }
        400 => {
            return fail(
                "gives 400".to_owned(),
                "the upgrade gets lost: let the proxy speak HTTP/1.1 and pass `Upgrade` and `Connection`",
            );
        }
        403 | 401 => {
            return fail(
                format!("gives {status}"),
                "let the proxy pass it; where the engine refuses it, set PUBLIC_BASE_URL, which the signature is held against",
            );
        }
        426 => {
            return fail(
                "gives 426".to_owned(),
                "the upgrade gets lost: let the proxy speak HTTP/1.1 and pass `Upgrade` and `Connection`",
            );
        }
        404 => return fail("gives 404".to_owned(), "let the proxy pass `/ws/` to the engine"),
        200..=299 => {
            return fail(
                format!("gives {status}, an ordinary answer"),
                "let the proxy pass upgrades of `/ws/` to the engine: something else answers",
            );
        }
        _ => return fail(format!("gives {status}"), "see that the engine runs behind the proxy"),
    }
    if text("sec-websocket-accept") != Some(derive_accept_key(key.as_bytes()).as_str()) {
        return fail(
            "gives 101 with a wrong `Sec-WebSocket-Accept`".to_owned(),
            "let the proxy pass the handshake's headers as they are",
        );
    }
    if let Some(extensions) = text("sec-websocket-extensions") {
        let seen = format!(
            "answers with the extension `{}`, which nobody offered",
            short(extensions)
        );
        return fail(seen, "turn off compression of WebSockets");
    }
    match (text("sec-websocket-protocol"), opening.offers) {
        (None, false) | (Some(SUBPROTOCOL), true) => None,
        (Some(protocol), _) => {
            let seen = format!(
                "answers with the subprotocol `{}`, which nobody offered",
                short(protocol)
            );
            fail(
                seen,
                "echo a subprotocol only where it is offered: the carrier drops the connection",
            )
        }
        (None, true) => Some(
            Outcome::warn(opening.probe, format!("`{SUBPROTOCOL}` is offered and not taken up"))
                .code(31920)
                .help("let the proxy pass `Sec-WebSocket-Protocol`"),
        ),
    }
}

/// A handshake without a key is none; who answers 101 to it does not read it.
async fn no_key(case: &Case) -> Outcome {
    let opening = Opening {
        probe: "no-key",
        path: PATH.to_owned(),
        offers: false,
    };
    match case.web.open(ask(case, &opening, "")).await {
        Ok(response) if response.status() == 101 => {
            Outcome::warn("no-key", "a handshake without a key gets 101").help("see what answers in the engine's place")
        }
        Ok(response) => Outcome::ok(
            "no-key",
            format!("a handshake without a key gets {}", response.status().as_u16()),
        ),
        Err(silence) => silent("no-key", &silence),
    }
}

/// Opens it once more, says the carrier's first word and pings: the answer must come back through everything between.
async fn frames(case: &Case) -> Outcome {
    let opening = Opening {
        probe: "frames",
        path: PATH.to_owned(),
        offers: false,
    };
    let Ok(response) = open(case, &opening).await else {
        return Outcome::skipped("frames", "there is no socket to send them through");
    };
    let failed = |why: &str| {
        Outcome::fail("frames", why.to_owned())
            .code(31924)
            .help("the handshake is passed and the frames are not: let the proxy keep the connection open both ways")
    };
    let upgraded = match timeout(case.plan.timeout, response.upgrade()).await {
        Ok(Ok(upgraded)) => upgraded,
        Ok(Err(_)) | Err(_) => return failed("the connection is closed right after the handshake"),
    };
    let mut socket = WebSocketStream::from_raw_socket(upgraded, Role::Client, None).await;
    let talk = async {
        let first = r#"{"event":"connected","protocol":"Call","version":"1.0.0"}"#;
        socket.send(Message::text(first)).await.ok()?;
        socket.send(Message::Ping("doctor".into())).await.ok()?;
        while let Some(Ok(message)) = socket.next().await {
            match message {
                Message::Pong(payload) if payload.as_ref() == b"doctor" => return Some(()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
        None
    };
    let answered = timeout(case.plan.timeout, talk).await;
    // Whether the other side still listens does not matter any more.
    let _closed = timeout(case.plan.timeout, socket.close(None)).await;
    match answered {
        Ok(Some(())) => Outcome::ok("frames", "a ping is answered through the open socket"),
        Ok(None) => failed("the socket is closed instead of answering a ping"),
        Err(_) => failed("no ping is answered through the open socket"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use reqwest::header::{HeaderName, HeaderValue};

    fn judged(offers: bool, status: u16, headers: &[(&str, &str)]) -> Option<(Option<u32>, String)> {
        let opening = Opening {
            probe: "handshake",
            path: PATH.to_owned(),
            offers,
        };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: HeaderName = name.parse().expect("a name");
            map.insert(name, HeaderValue::from_str(value).expect("a value"));
        }
        fault(&opening, status, &map, "dGhlIHNhbXBsZSBub25jZQ==").map(|outcome| (outcome.code, outcome.seen))
    }

    #[test]
    fn only_the_answer_of_rfc_6455_opens_a_socket() {
        // Key and answer are the example of its section 1.3.
        let accept = ("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
        let protocol = ("sec-websocket-protocol", SUBPROTOCOL);
        assert_eq!(judged(false, 101, &[accept]), None);
        assert_eq!(judged(true, 101, &[accept, protocol]), None);
        let wrong = [
            judged(false, 101, &[accept, protocol]),
            judged(true, 101, &[accept, ("sec-websocket-protocol", "other")]),
            judged(
                false,
                101,
                &[accept, ("sec-websocket-extensions", "permessage-deflate")],
            ),
            judged(false, 101, &[("sec-websocket-accept", "wrong")]),
            judged(false, 101, &[]),
            judged(false, 200, &[]),
            judged(false, 301, &[("location", "/ws/twilio-media/")]),
            judged(false, 400, &[]),
            judged(false, 426, &[]),
            judged(false, 502, &[]),
        ];
        for (index, outcome) in wrong.into_iter().enumerate() {
            assert!(outcome.is_some_and(|(code, _)| code == Some(31920)), "case {index}");
        }
    }
}
