//! The carrier against a small scripted engine over real sockets. Each test reads as a call.

mod documents;
mod judged;
mod many;
mod network;
mod rest;
mod streams;
mod verbs;

use std::collections::HashMap;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
use tokio_tungstenite::tungstenite::protocol::Role;

use super::*;

/// A stream's engine side.
pub(super) type Ws = WebSocketStream<TokioIo<Upgraded>>;
type Conversation = Arc<dyn Fn(Ws) -> Pin<Box<dyn Future<Output = ()> + Send>> + Send + Sync>;
type Answers = Arc<dyn Fn(&Seen) -> Reply + Send + Sync>;

/// A request the engine saw.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) uri: String,
    pub(super) headers: HashMap<String, String>,
    pub(super) form: Vec<(String, String)>,
}

impl Seen {
    pub(super) fn field(&self, name: &str) -> &str {
        self.form
            .iter()
            .find(|(known, _)| known == name)
            .map_or("", |(_, value)| value)
    }
}

/// What the engine answers.
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) headers: Vec<(&'static str, String)>,
    pub(super) body: Vec<u8>,
}

pub(super) fn xml(verbs: &str) -> Reply {
    typed(200, "text/xml", format!("<Response>{verbs}</Response>"))
}

pub(super) fn typed(status: u16, kind: &str, body: impl Into<Vec<u8>>) -> Reply {
    Reply {
        status,
        headers: vec![("content-type", kind.to_owned())],
        body: body.into(),
    }
}

pub(super) fn empty(status: u16) -> Reply {
    Reply {
        status,
        headers: Vec::new(),
        body: Vec::new(),
    }
}

/// A small engine on a free port.
pub(super) struct Engine {
    pub(super) url: String,
    seen: Arc<Mutex<Vec<Seen>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Engine {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Engine {
    pub(super) async fn start(answers: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> Self {
        Self::with_stream(answers, |_| async {}).await
    }

    /// Everything under `/ws` is a WebSocket that `conversation` handles.
    pub(super) async fn with_stream<F: Future<Output = ()> + Send + 'static>(
        answers: impl Fn(&Seen) -> Reply + Send + Sync + 'static,
        conversation: impl Fn(Ws) -> F + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("bound"));
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let answers: Answers = Arc::new(answers);
        let conversation: Conversation = Arc::new(move |ws| Box::pin(conversation(ws)));
        let log = seen.clone();
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                stream.set_nodelay(true).expect("a socket");
                let (answers, conversation, log) = (answers.clone(), conversation.clone(), log.clone());
                tokio::spawn(async move {
                    let service =
                        service_fn(move |request| serve(request, answers.clone(), conversation.clone(), log.clone()));
                    let _closed = hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service)
                        .with_upgrades()
                        .await;
                });
            }
        });
        Self { url, seen, server }
    }

    pub(super) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic in the engine").clone()
    }

    pub(super) fn seen_at(&self, path: &str) -> Vec<Seen> {
        self.seen().into_iter().filter(|seen| seen.path == path).collect()
    }

    pub(super) fn call(&self, caller: &str) -> CallSpec {
        CallSpec {
            caller: caller.parse().expect("a script"),
            status_callback: Some(format!("{}/status", self.url)),
            status_events: StatusEvent::ALL.to_vec(),
            pace: 5.0,
            max_length: Duration::from_secs(60),
            ..CallSpec::new(format!("{}/voice", self.url))
        }
    }

    pub(super) async fn place(&self, caller: &str) -> CallReport {
        let net = carrier(&[]).await;
        place(self.call(caller), &net).await.expect("a call")
    }

    pub(super) async fn place_with(&self, caller: &str, faults: &[Fault]) -> CallReport {
        let net = carrier(&[]).await;
        let spec = CallSpec {
            faults: faults.to_vec(),
            ..self.call(caller)
        };
        place(spec, &net).await.expect("a call")
    }
}

pub(super) async fn carrier(faults: &[Fault]) -> Carrier {
    let config = CarrierConfig {
        auth_token: Some("0123456789abcdef0123456789abcdef".to_owned()),
        faults: faults.to_vec(),
        ..CarrierConfig::default()
    };
    Carrier::start(config).await.expect("a carrier")
}

/// No error codes.
pub(super) const NONE: [u32; 0] = [];

pub(super) fn codes(report: &CallReport) -> Vec<u32> {
    report.errors.iter().map(|(code, _)| *code).collect()
}

/// Whether the timeline has a line that holds `text`.
pub(super) fn told(report: &CallReport, text: &str) -> bool {
    lines(&report.timeline).lines().any(|line| line.contains(text))
}

pub(super) fn wav(seconds: f64) -> Vec<u8> {
    let sound = sounds::speechlike(Duration::from_secs_f64(seconds), 3);
    crate::audio::wav::write_mono(8000, &crate::audio::mulaw::decode_all(&sound))
}

async fn serve(
    mut request: hyper::Request<hyper::body::Incoming>,
    answers: Answers,
    conversation: Conversation,
    log: Arc<Mutex<Vec<Seen>>>,
) -> Result<hyper::Response<Full<Bytes>>, std::convert::Infallible> {
    let header = |name: &str| {
        request
            .headers()
            .get(name)
            .and_then(|value| value.to_str().ok())
            .map(str::to_owned)
    };
    let mut seen = Seen {
        method: request.method().to_string(),
        path: request.uri().path().to_owned(),
        uri: request.uri().to_string(),
        headers: request
            .headers()
            .iter()
            .map(|(name, value)| (name.to_string(), value.to_str().unwrap_or_default().to_owned()))
            .collect(),
        form: Vec::new(),
    };
    if seen.path.starts_with("/ws") {
        let key = header("sec-websocket-key").expect("an upgrade");
        let offered = header("sec-websocket-protocol");
        log.lock().expect("no panic").push(seen);
        let upgrade = hyper::upgrade::on(&mut request);
        tokio::spawn(async move {
            let stream = TokioIo::new(upgrade.await.expect("an upgrade"));
            conversation(WebSocketStream::from_raw_socket(stream, Role::Server, None).await).await;
        });
        let mut response = hyper::Response::builder()
            .status(101)
            .header("upgrade", "websocket")
            .header("connection", "upgrade")
            .header("sec-websocket-accept", derive_accept_key(key.as_bytes()));
        if let Some(offered) = offered {
            response = response.header("sec-websocket-protocol", offered);
        }
        return Ok(response.body(Full::default()).expect("a response"));
    }
    let body = request
        .into_body()
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    seen.form = form_urlencoded::parse(&body).into_owned().collect();
    let reply = answers(&seen);
    log.lock().expect("no panic").push(seen);
    let mut response = hyper::Response::builder().status(reply.status);
    for (name, value) in reply.headers {
        response = response.header(name, value);
    }
    Ok(response.body(Full::from(reply.body)).expect("a response"))
}
