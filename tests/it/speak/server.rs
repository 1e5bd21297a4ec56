//! The far sides: an HTTP server that sends its body as it is told, and a WebSocket server that hands over each connection.

use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

/// What happens to a request's answer.
#[derive(Clone)]
pub enum Step {
    /// Part of the body, in a chunk of its own.
    Send(Vec<u8>),
    /// A while without anything.
    Wait(Duration),
    /// Nothing more, until the client leaves; the server counts that.
    Stall,
    /// The connection is closed within the body.
    Cut,
    /// The same part again and again, until the client leaves.
    Endless(Vec<u8>),
}

#[derive(Clone)]
pub struct Reply {
    /// 0: not even the head is sent.
    pub status: u16,
    pub media: &'static str,
    pub steps: Vec<Step>,
}

impl Reply {
    pub fn sound(steps: Vec<Step>) -> Self {
        Self {
            status: 200,
            media: "application/octet-stream",
            steps,
        }
    }

    pub fn error(status: u16, body: &str) -> Self {
        Self {
            status,
            media: "application/json",
            steps: vec![Step::Send(body.as_bytes().to_vec())],
        }
    }
}

/// What was asked over HTTP: the head as it came, and the body.
#[derive(Debug, Clone)]
pub struct Asked {
    pub head: String,
    pub body: String,
}

pub struct HttpServer {
    pub url: String,
    pub asked: Arc<Mutex<Vec<Asked>>>,
    left: Arc<(AtomicUsize, Notify)>,
    accepting: JoinHandle<()>,
}

impl HttpServer {
    /// Gives these replies in turn; the last one for ever.
    pub async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        let replies = Mutex::new(replies.into_iter().collect::<VecDeque<_>>());
        Self::answering(move |_| {
            let mut replies = replies.lock().expect("no test panicked in it");
            let first = replies.pop_front().expect("there is a last reply");
            if replies.is_empty() {
                replies.push_back(first.clone());
            }
            first
        })
        .await
    }

    /// Gives each request the reply that is made for it.
    pub async fn answering(script: impl Fn(&Asked) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let left = Arc::new((AtomicUsize::new(0), Notify::new()));
        let script = Arc::new(script);
        let (keep, gone) = (Arc::clone(&asked), Arc::clone(&left));
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (keep, gone, script) = (Arc::clone(&keep), Arc::clone(&gone), Arc::clone(&script));
                tokio::spawn(async move {
                    // Clients that leave are part of the tests.
                    let _left = serve(socket, &keep, &gone, &*script).await;
                });
            }
        });
        Self {
            url,
            asked,
            left,
            accepting,
        }
    }

    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().expect("no test panicked in it").clone()
    }

    /// Waits until this many clients left a reply that stalled.
    pub async fn left(&self, count: usize) {
        while self.left.0.load(Ordering::SeqCst) < count {
            self.left.1.notified().await;
        }
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn serve(
    mut socket: TcpStream,
    asked: &Mutex<Vec<Asked>>,
    left: &(AtomicUsize, Notify),
    script: &(dyn Fn(&Asked) -> Reply + Send + Sync),
) -> std::io::Result<()> {
    loop {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(socket.read_u8().await?);
        }
        let head = String::from_utf8_lossy(&head).into_owned();
        let length = head
            .to_lowercase()
            .split("content-length: ")
            .nth(1)
            .and_then(|rest| rest.lines().next()?.parse().ok());
        let mut body = vec![0; length.unwrap_or(0)];
        socket.read_exact(&mut body).await?;
        if head.starts_with("HEAD") {
            // Clients open connections ahead in this way.
            socket.write_all(b"HTTP/1.1 405 X\r\ncontent-length: 0\r\n\r\n").await?;
            continue;
        }
        let request = Asked {
            head,
            body: String::from_utf8_lossy(&body).into_owned(),
        };
        let reply = script(&request);
        asked.lock().expect("no test panicked in it").push(request);
        let head = format!(
            "HTTP/1.1 {} X\r\ncontent-type: {}\r\ntransfer-encoding: chunked\r\n\r\n",
            reply.status, reply.media
        );
        if reply.status > 0 {
            socket.write_all(head.as_bytes()).await?;
        }
        for step in reply.steps {
            match step {
                Step::Send(bytes) if bytes.is_empty() => {}
                Step::Send(bytes) => {
                    let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat();
                    socket.write_all(&chunk).await?;
                }
                Step::Wait(time) => tokio::time::sleep(time).await,
                Step::Stall => {
                    while socket.read(&mut [0; 64]).await.is_ok_and(|read| read > 0) {}
                    left.0.fetch_add(1, Ordering::SeqCst);
                    left.1.notify_one();
                    return Ok(());
                }
                Step::Cut => return Ok(()),
                Step::Endless(bytes) => loop {
                    let chunk = [format!("{:x}\r\n", bytes.len()).as_bytes(), &bytes, b"\r\n"].concat();
                    socket.write_all(&chunk).await?;
                },
            }
        }
        socket.write_all(b"0\r\n\r\n").await?;
    }
}

pub type Peer = WebSocketStream<TcpStream>;

/// A handshake as it came: the target, and the headers by name.
#[derive(Debug, Clone)]
pub struct Shake {
    pub target: String,
    pub headers: http::HeaderMap,
}

pub struct SocketServer {
    pub url: String,
    shakes: Arc<Mutex<Vec<Shake>>>,
    accepting: JoinHandle<()>,
}

impl SocketServer {
    /// Hands each connection to the script, with how many there were before it. A status other than 101 refuses them all.
    pub async fn start(
        status: u16,
        script: impl Fn(usize, Peer) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/v1", listener.local_addr().expect("an address"));
        let shakes = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&shakes);
        let script = Arc::new(script);
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let (keep, script) = (Arc::clone(&keep), Arc::clone(&script));
                tokio::spawn(async move {
                    let mut number = 0;
                    #[expect(clippy::result_large_err, reason = "the shape of the callback is the library's")]
                    let shaken =
                        tokio_tungstenite::accept_hdr_async(socket, |request: &Request, response: Response| {
                            let mut shakes = keep.lock().expect("no test panicked in it");
                            number = shakes.len();
                            shakes.push(Shake {
                                target: request.uri().to_string(),
                                headers: request.headers().clone(),
                            });
                            if status == 101 {
                                return Ok(response);
                            }
                            let mut refusal =
                                ErrorResponse::new(Some(format!("{{\"detail\":\"no: {}\"}}", super::KEY)));
                            *refusal.status_mut() = http::StatusCode::from_u16(status).expect("a status");
                            Err(refusal)
                        })
                        .await;
                    if let Ok(peer) = shaken {
                        script(number, peer).await;
                    }
                });
            }
        });
        Self { url, shakes, accepting }
    }

    pub fn shakes(&self) -> Vec<Shake> {
        self.shakes.lock().expect("no test panicked in it").clone()
    }
}

impl Drop for SocketServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
