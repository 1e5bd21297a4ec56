//! A local HTTP server that answers by script and keeps what it saw, for testing clients against real sockets.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full, StreamBody, combinators::BoxBody};
use hyper::body::{Frame, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// A request as the server saw it.
#[derive(Debug, Clone)]
pub struct Seen {
    pub method: Method,
    /// Path and query as they came over the wire.
    pub target: String,
    pub headers: HeaderMap,
    pub body: Bytes,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The body as a form, decoded, in order.
    pub fn form(&self) -> Vec<(String, String)> {
        form_urlencoded::parse(&self.body).into_owned().collect()
    }

    /// The query, decoded, in order.
    pub fn query(&self) -> Vec<(String, String)> {
        let query = self.target.split_once('?').map_or("", |(_, query)| query);
        form_urlencoded::parse(query.as_bytes()).into_owned().collect()
    }
}

/// What the server does with a request.
#[derive(Debug, Clone)]
pub enum Answer {
    Reply {
        status: u16,
        headers: Vec<(&'static str, String)>,
        body: Bytes,
    },
    /// Status 200 and this many bytes in pieces of 64 KiB, without saying so beforehand.
    Stream { start: Bytes, total: usize },
    /// Takes the request and never answers.
    Silence,
    /// Takes the request, then closes the connection without an answer.
    Reset,
}

impl Answer {
    pub fn json(status: u16, body: &str) -> Answer {
        Answer::with(status, "application/json;charset=utf-8", body.as_bytes().to_vec())
    }

    pub fn with(status: u16, media_type: &str, body: impl Into<Bytes>) -> Answer {
        Answer::Reply {
            status,
            headers: vec![("content-type", media_type.to_owned())],
            body: body.into(),
        }
    }

    pub fn redirect(status: u16, to: &str) -> Answer {
        Answer::with(status, "text/plain", "").header("location", to)
    }

    pub fn header(mut self, name: &'static str, value: &str) -> Answer {
        if let Answer::Reply { headers, .. } = &mut self {
            headers.push((name, value.to_owned()));
        }
        self
    }
}

/// The running server; it ends when this is dropped.
pub struct Wire {
    pub port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    connections: Arc<AtomicUsize>,
    sent: Arc<AtomicUsize>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Wire {
    /// Answers every request with what `script` makes of it.
    pub async fn start(script: impl Fn(&Seen) -> Answer + Send + Sync + 'static) -> Wire {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let connections = Arc::new(AtomicUsize::new(0));
        let sent = Arc::new(AtomicUsize::new(0));
        let shared = Shared {
            script: Arc::new(script),
            seen: Arc::clone(&seen),
            sent: Arc::clone(&sent),
        };
        let counter = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                let shared = shared.clone();
                tokio::spawn(async move {
                    let service = service_fn(move |request| shared.clone().serve(request));
                    // A connection that the client or the script cuts is part of the tests.
                    let _cut = http1::Builder::new()
                        .serve_connection(TokioIo::new(socket), service)
                        .await;
                });
            }
        });
        Wire {
            port,
            seen,
            connections,
            sent,
            accepting,
        }
    }

    /// Gives these answers in turn; the last one for ever.
    pub async fn answering(answers: impl IntoIterator<Item = Answer>) -> Wire {
        let answers: Vec<Answer> = answers.into_iter().collect();
        let next = AtomicUsize::new(0);
        Wire::start(move |_| {
            let at = next.fetch_add(1, Ordering::SeqCst);
            answers[at.min(answers.len() - 1)].clone()
        })
        .await
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn requests(&self) -> Vec<Seen> {
        self.seen.lock().expect("no test thread panicked in it").clone()
    }

    /// The only request there was.
    pub fn request(&self) -> Seen {
        let mut requests = self.requests();
        assert_eq!(requests.len(), 1, "{requests:?}");
        requests.remove(0)
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }

    /// Bytes of [`Answer::Stream`] that were handed to the connection.
    pub fn streamed(&self) -> usize {
        self.sent.load(Ordering::SeqCst)
    }
}

impl Drop for Wire {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[derive(Clone)]
struct Shared {
    script: Arc<dyn Fn(&Seen) -> Answer + Send + Sync>,
    seen: Arc<Mutex<Vec<Seen>>>,
    sent: Arc<AtomicUsize>,
}

type Body = BoxBody<Bytes, Infallible>;
type Served = Pin<Box<dyn Future<Output = Result<Response<Body>, std::io::Error>> + Send>>;

impl Shared {
    fn serve(self, request: Request<Incoming>) -> Served {
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(std::io::Error::other)?.to_bytes();
            let seen = Seen {
                method: parts.method,
                target: parts.uri.to_string(),
                headers: parts.headers,
                body,
            };
            let answer = (self.script)(&seen);
            self.seen.lock().expect("no test thread panicked in it").push(seen);
            match answer {
                Answer::Reply { status, headers, body } => {
                    let mut response = Response::new(Full::new(body).boxed());
                    *response.status_mut() = StatusCode::from_u16(status).expect("a status");
                    for (name, value) in headers {
                        response
                            .headers_mut()
                            .append(name, value.parse().expect("a header value"));
                    }
                    Ok(response)
                }
                Answer::Stream { start, total } => Ok(Response::new(self.stream(start, total))),
                Answer::Silence => std::future::pending().await,
                Answer::Reset => Err(std::io::Error::other("cut by the script")),
            }
        })
    }

    fn stream(&self, start: Bytes, total: usize) -> Body {
        const PIECE: usize = 64 * 1024;
        let sent = Arc::clone(&self.sent);
        let pieces = total / PIECE;
        let rest = (0..pieces).map(move |_| {
            sent.fetch_add(PIECE, Ordering::SeqCst);
            Ok(Frame::data(Bytes::from_static(&[0x55; PIECE])))
        });
        let start = std::iter::once(Ok(Frame::data(start)));
        BodyExt::boxed(StreamBody::new(stream::iter(start.chain(rest))))
    }
}
