//! A model's HTTP side by script: answers that drip, stall, break and never end, told over a real socket.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Duration, sleep};

/// One thing that the server does in its answer.
#[derive(Clone)]
pub enum Step {
    /// Writes this at once.
    Send(String),
    /// Writes this byte by byte, each a chunk and a packet of its own.
    Drip(String),
    /// Does nothing until the client leaves.
    Hang,
    /// Does nothing for five milliseconds, as a server that learns only then that there is no more.
    Rest,
    /// Closes the connection in the middle.
    Cut,
    /// Writes this again and again until the client leaves.
    Endless(String),
}

/// An answer: its head, then its steps. The body ends in order behind the last.
#[derive(Clone)]
pub struct Script {
    head: String,
    steps: Vec<Step>,
}

impl Script {
    pub fn events(steps: impl Into<Vec<Step>>) -> Script {
        Script {
            head: "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n".to_owned(),
            steps: steps.into(),
        }
    }

    /// An answer that is no stream, such as a refusal.
    pub fn json(status: u16, headers: &str, body: &str) -> Script {
        Script {
            head: format!("HTTP/1.1 {status} X\r\ncontent-type: application/json\r\n{headers}"),
            steps: vec![Step::Send(body.to_owned())],
        }
    }

    /// No head, no answer: nothing at all.
    pub fn nothing() -> Script {
        Script {
            head: String::new(),
            steps: vec![Step::Hang],
        }
    }
}

/// A request as it came.
pub struct Seen {
    pub line: String,
    head: String,
    pub body: String,
}

impl Seen {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("a JSON body")
    }
}

/// The running server; it ends with the test.
pub struct Server {
    pub port: u16,
    requests: mpsc::UnboundedReceiver<Seen>,
    left: mpsc::UnboundedReceiver<()>,
    connections: Arc<AtomicUsize>,
}

impl Server {
    /// Answers every POST with this script, and every HEAD with 405.
    pub async fn start(script: Script) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let connections = Arc::new(AtomicUsize::new(0));
        let counter = Arc::clone(&connections);
        let (seen, requests) = mpsc::unbounded_channel();
        let (leave, left) = mpsc::unbounded_channel();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                counter.fetch_add(1, Ordering::SeqCst);
                tokio::spawn(serve(socket, script.clone(), seen.clone(), leave.clone()));
            }
        });
        Server {
            port,
            requests,
            left,
            connections,
        }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// The next request.
    pub async fn request(&mut self) -> Seen {
        self.requests.recv().await.expect("the server runs")
    }

    /// Waits until a client left in the middle of an answer.
    pub async fn left(&mut self) {
        self.left.recv().await.expect("the server runs");
    }

    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

async fn serve(
    mut socket: TcpStream,
    script: Script,
    seen: mpsc::UnboundedSender<Seen>,
    leave: mpsc::UnboundedSender<()>,
) {
    socket.set_nodelay(true).expect("a socket");
    while let Some(request) = read_request(&mut socket).await {
        let head_only = request.line.starts_with("HEAD");
        // The test may be over.
        let _unread = seen.send(request);
        if head_only {
            let answer = b"HTTP/1.1 405 X\r\ncontent-length: 0\r\n\r\n";
            if socket.write_all(answer).await.is_err() {
                return;
            }
            continue;
        }
        if !play(&mut socket, &script).await {
            let _unread = leave.send(());
            return;
        }
        if matches!(script.steps.last(), Some(Step::Cut)) {
            return;
        }
    }
}

/// Whether the client stayed to the end.
async fn play(socket: &mut TcpStream, script: &Script) -> bool {
    if !script.head.is_empty() {
        let head = format!("{}transfer-encoding: chunked\r\n\r\n", script.head);
        if socket.write_all(head.as_bytes()).await.is_err() {
            return false;
        }
    }
    for step in &script.steps {
        let stays = match step {
            Step::Send(text) => chunk(socket, text.as_bytes()).await,
            Step::Drip(text) => {
                let mut stays = true;
                for byte in text.as_bytes() {
                    stays = stays && chunk(socket, &[*byte]).await;
                }
                stays
            }
            Step::Hang => {
                let mut byte = [0];
                // Nothing more is said by a client that waits: whatever ends this read is its leaving.
                let _left = socket.read(&mut byte).await;
                false
            }
            Step::Rest => {
                sleep(Duration::from_millis(5)).await;
                true
            }
            Step::Cut => return true,
            Step::Endless(text) => {
                while chunk(socket, text.as_bytes()).await {}
                false
            }
        };
        if !stays {
            return false;
        }
    }
    socket.write_all(b"0\r\n\r\n").await.is_ok()
}

async fn chunk(socket: &mut TcpStream, bytes: &[u8]) -> bool {
    if bytes.is_empty() {
        return true;
    }
    let mut out = format!("{:x}\r\n", bytes.len()).into_bytes();
    out.extend_from_slice(bytes);
    out.extend_from_slice(b"\r\n");
    socket.write_all(&out).await.is_ok()
}

async fn read_request(socket: &mut TcpStream) -> Option<Seen> {
    let mut bytes = Vec::new();
    let (head, rest) = loop {
        let mut piece = [0; 4096];
        let count = socket.read(&mut piece).await.ok().filter(|count| *count > 0)?;
        bytes.extend_from_slice(&piece[..count]);
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(bytes[..at].to_vec()).expect("a head in ASCII");
            break (head, bytes[at + 4..].to_vec());
        }
    };
    let mut seen = Seen {
        line: head.lines().next().expect("a first line").to_owned(),
        head,
        body: String::new(),
    };
    let length: usize = seen
        .header("content-length")
        .map_or(0, |length| length.parse().expect("a number"));
    let mut body = rest;
    body.resize(length, 0);
    let have = bytes.len() - (seen.head.len() + 4);
    socket.read_exact(&mut body[have..]).await.ok()?;
    seen.body = String::from_utf8(body).expect("UTF-8");
    Some(seen)
}
