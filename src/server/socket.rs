//! The handshake of the carrier's WebSockets: 101 or a plain refusal, never a redirect or 426.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures_util::FutureExt;
use http::header::{
    CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL, SEC_WEBSOCKET_VERSION, UPGRADE,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::{Role, WebSocketConfig};
use tokio_util::sync::CancellationToken;
use warp::reply::Response;

use super::accept::Slot;
use super::answers;
use super::counts::raise;
use super::origin::{origins, websocket_origin};
use super::shared::Shared;
use super::verify::{self, Verdict};
use super::webhooks::Incoming;

/// The subprotocol that the carrier may offer.
const SUBPROTOCOL: &str = "audio.twilio.com";

/// The largest message and frame that is read: 64 kB.
const MESSAGE_LIMIT: usize = 64 * 1024;

/// The WebSocket to the carrier.
pub type MediaStream = WebSocketStream<TokioIo<Upgraded>>;

/// What a socket carries, as its path says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum SocketKind {
    /// Sound: a media stream.
    Media,
    /// Text: the carrier listens and speaks (ConversationRelay).
    Relay,
}

/// One accepted socket. Who runs it logs `WS_CONNECTED`, so that one line tells of each.
pub struct MediaSocket {
    /// What it carries.
    pub kind: SocketKind,
    /// The socket itself; messages over 64 kB end it with an error, without extensions.
    pub stream: MediaStream,
    /// The subprotocol that was offered and echoed.
    pub subprotocol: Option<&'static str>,
    /// What the handshake's signature was worth.
    pub signature: SocketSignature,
    /// Cancelled once the server stops: close the socket soon, it is cut at the deadline.
    pub stopping: CancellationToken,
}

/// What the signature on a handshake was worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SocketSignature {
    /// None was sent.
    Absent,
    /// It is the account's.
    Valid,
    /// It was sent and could not be verified: it is wrong, or no auth token is configured.
    Wrong,
}

/// Answers a request for a socket of this kind.
pub(super) fn answer(
    kind: SocketKind,
    shared: &Arc<Shared>,
    incoming: Incoming,
    upgrade: Option<OnUpgrade>,
    slot: Option<Slot>,
) -> Response {
    let headers = &incoming.headers;
    let (key, upgrade) = match (handshake_key(&incoming.method, headers), upgrade) {
        (Ok(key), Some(upgrade)) => (key.clone(), upgrade),
        (Ok(_), None) => return refuse("this connection cannot be upgraded; use HTTP/1.1"),
        (Err(reason), _) => return refuse(reason),
    };
    let signature = signature(shared, &incoming);
    if shared.config.enforce_ws_signature && signature != SocketSignature::Valid {
        return answers::text(StatusCode::FORBIDDEN, "the handshake is not signed by the account");
    }
    let subprotocol = offers(headers).then_some(SUBPROTOCOL);
    let shared = Arc::clone(shared);
    let open = shared.open.clone();
    open.spawn(async move {
        let cut = shared.cut.clone();
        tokio::select! {
            () = run(kind, shared, upgrade, subprotocol, signature, slot) => {}
            () = cut.cancelled() => tracing::warn!("a media socket was cut at the deadline"),
        }
    });

    let mut response = Response::default();
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    let accept = derive_accept_key(key.as_bytes());
    let accept = HeaderValue::from_str(&accept).expect("base64 is a header value");
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    if let Some(protocol) = subprotocol {
        headers.insert(SEC_WEBSOCKET_PROTOCOL, HeaderValue::from_static(protocol));
    }
    response
}

impl fmt::Debug for MediaSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MediaSocket")
            .field("kind", &self.kind)
            .field("subprotocol", &self.subprotocol)
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}

async fn run(
    kind: SocketKind,
    shared: Arc<Shared>,
    upgrade: OnUpgrade,
    subprotocol: Option<&'static str>,
    signature: SocketSignature,
    slot: Option<Slot>,
) {
    let upgraded = match upgrade.await {
        Ok(upgraded) => TokioIo::new(upgraded),
        Err(error) => {
            tracing::warn!(%error, "the media socket broke off in its handshake");
            return;
        }
    };
    // Small buffers: a media message is under 1 kB, and the library's 128 kB would be taken for every call.
    let config = WebSocketConfig::default()
        .read_buffer_size(8 * 1024)
        .write_buffer_size(0)
        .max_write_buffer_size(4 * MESSAGE_LIMIT)
        .max_message_size(Some(MESSAGE_LIMIT))
        .max_frame_size(Some(MESSAGE_LIMIT));
    let stream = WebSocketStream::from_raw_socket(upgraded, Role::Server, Some(config)).await;
    let stopping = shared.shutdown.stop_token();
    let socket = MediaSocket {
        kind,
        stream,
        subprotocol,
        signature,
        stopping,
    };
    let media = async { shared.line.media(socket).await };
    if AssertUnwindSafe(media).catch_unwind().await.is_err() {
        raise(&shared.counts.panics);
        tracing::error!("the media socket's handler panicked");
    }
    // Kept here and not in `MediaSocket`, whose fields a handler may take apart: the place is free only now.
    drop(slot);
}

fn signature(shared: &Shared, incoming: &Incoming) -> SocketSignature {
    let config = &shared.config;
    let peer = incoming.peer.map(|peer| peer.0.ip());
    let at = origins(
        config.public_base.as_ref(),
        &config.trusted_proxies,
        peer,
        &incoming.headers,
    );
    let signed = at
        .signed
        .iter()
        .map(|origin| websocket_origin(origin))
        .collect::<Vec<_>>();
    match verify::handshake(config, &signed, &incoming.target(), &incoming.headers) {
        None => SocketSignature::Absent,
        Some(Verdict::Pass) => SocketSignature::Valid,
        Some(Verdict::Refuse { reason, checked }) => {
            raise(&shared.counts.socket_wrong_signature);
            tracing::warn!(
                reason,
                checked,
                enforced = config.enforce_ws_signature,
                "WS_SIGNATURE_WRONG"
            );
            SocketSignature::Wrong
        }
    }
}

fn refuse(reason: &str) -> Response {
    tracing::warn!(reason, "WS_REFUSED");
    let mut response = answers::text(StatusCode::BAD_REQUEST, format!("this is a WebSocket: {reason}"));
    response
        .headers_mut()
        .insert(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    response
}

fn handshake_key<'a>(method: &Method, headers: &'a HeaderMap) -> Result<&'a HeaderValue, &'static str> {
    if method != Method::GET {
        return Err("open it with GET");
    }
    if !lists(headers, &UPGRADE, |token| token.eq_ignore_ascii_case("websocket")) {
        return Err("the header `Upgrade: websocket` is missing");
    }
    if !lists(headers, &CONNECTION, |token| token.eq_ignore_ascii_case("upgrade")) {
        return Err("the header `Connection: Upgrade` is missing");
    }
    if headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err("the header `Sec-WebSocket-Version: 13` is missing");
    }
    let key = headers
        .get(SEC_WEBSOCKET_KEY)
        .ok_or("the header `Sec-WebSocket-Key` is missing")?;
    match base64_simd::STANDARD.decode_to_vec(key.as_bytes()) {
        Ok(bytes) if bytes.len() == 16 => Ok(key),
        _ => Err("the header `Sec-WebSocket-Key` is not 16 bytes in base64"),
    }
}

fn offers(headers: &HeaderMap) -> bool {
    lists(headers, &SEC_WEBSOCKET_PROTOCOL, |token| token == SUBPROTOCOL)
}

/// True if one element of a header that holds a comma list, and may be repeated, is wanted.
fn lists(headers: &HeaderMap, name: &http::HeaderName, wanted: impl Fn(&str) -> bool) -> bool {
    let lines = headers.get_all(name).iter().filter_map(|value| value.to_str().ok());
    lines.flat_map(|line| line.split(',')).any(|token| wanted(token.trim()))
}
