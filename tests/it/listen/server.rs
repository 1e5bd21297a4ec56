//! A local WebSocket service that acts by script, connection after connection, and keeps what it was sent.

use futures_util::{SinkExt, StreamExt};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

/// What the service does next.
#[derive(Debug, Clone)]
pub enum Step {
    /// Refuses the handshake with this status and body; stands alone.
    Refuse(u16, &'static str),
    /// Never answers the handshake; stands alone.
    Ignore,
    /// Waits until this connection was sent so many bytes of sound in all.
    Sound(usize),
    /// Waits until so many texts with this in them came in all.
    Text(&'static str, usize),
    /// Waits until the test says so.
    Cue,
    Say(String),
    /// The same in frames of one byte each.
    Drip(String),
    Bytes(Vec<u8>),
    Close(u16, &'static str),
    /// Ends the connection without a word.
    Drop,
    /// As a crashed machine's network does.
    Reset,
}

/// What a connection was sent.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    /// Path and query.
    pub target: String,
    pub authorization: Option<String>,
    pub sound: Vec<u8>,
    /// The lengths of the messages with sound.
    pub pieces: Vec<usize>,
    pub texts: Vec<String>,
}

/// The running service; it ends when this is dropped.
pub struct Server {
    port: u16,
    seen: Arc<Mutex<Vec<Seen>>>,
    changed: Arc<Notify>,
    cue: Arc<Notify>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Server {
    /// Plays one script for each connection in turn; further ones are refused with 503.
    pub async fn playing(scripts: impl IntoIterator<Item = Vec<Step>>) -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let seen = Arc::new(Mutex::new(Vec::new()));
        let (changed, cue) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let mut scripts = scripts.into_iter().collect::<Vec<_>>().into_iter();
        let play = Play {
            index: 0,
            seen: Arc::clone(&seen),
            changed: Arc::clone(&changed),
            cue: Arc::clone(&cue),
        };
        let accepting = tokio::spawn(async move {
            for index in 0.. {
                let Ok((socket, _)) = listener.accept().await else {
                    return;
                };
                let script = scripts.next().unwrap_or_else(|| vec![Step::Refuse(503, "")]);
                let play = Play { index, ..play.clone() };
                play.seen.lock().expect("no panic").push(Seen::default());
                tokio::spawn(play.run(socket, script));
            }
        });
        Server {
            port,
            seen,
            changed,
            cue,
            accepting,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().expect("no panic").clone()
    }

    /// Lets one [`Step::Cue`] pass.
    pub fn cue(&self) {
        self.cue.notify_one();
    }

    /// Waits until what the connections were sent is as wished.
    pub async fn until(&self, wish: impl Fn(&[Seen]) -> bool) {
        let waiting = async {
            loop {
                let changed = self.changed.notified();
                if wish(&self.seen()) {
                    return;
                }
                changed.await;
            }
        };
        if tokio::time::timeout(Duration::from_secs(20), waiting).await.is_err() {
            panic!("it was not sent what was expected: {:?}", self.seen());
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

#[derive(Clone)]
struct Play {
    index: usize,
    seen: Arc<Mutex<Vec<Seen>>>,
    changed: Arc<Notify>,
    cue: Arc<Notify>,
}

impl Play {
    #[expect(
        clippy::result_large_err,
        reason = "the handshake's callback is declared so by its library"
    )]
    async fn run(self, socket: TcpStream, script: Vec<Step>) {
        match script.first() {
            Some(Step::Ignore) => std::future::pending().await,
            Some(&Step::Refuse(status, body)) => {
                let refuse = |_: &Request, _: Response| -> Result<Response, ErrorResponse> {
                    let mut answer = ErrorResponse::new(Some(body.to_owned()));
                    *answer.status_mut() = status.try_into().expect("a status");
                    Err(answer)
                };
                assert!(accept_hdr_async(socket, refuse).await.is_err());
            }
            _ => {
                let accept = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
                    self.note(|seen| {
                        seen.target = request.uri().to_string();
                        let header = request.headers().get("authorization");
                        seen.authorization = header.and_then(|value| value.to_str().ok()).map(str::to_owned);
                    });
                    Ok(response)
                };
                // Clients that go away are part of the tests.
                if let Ok(socket) = accept_hdr_async(socket, accept).await {
                    let _gone = self.play(socket, script).await;
                }
            }
        }
    }

    async fn play(&self, mut socket: WebSocketStream<TcpStream>, script: Vec<Step>) -> Option<()> {
        for step in script {
            match step {
                Step::Refuse(..) | Step::Ignore => panic!("{step:?} stands alone"),
                Step::Sound(bytes) => {
                    while self.read(|seen| seen.sound.len()) < bytes {
                        self.receive(&mut socket).await?;
                    }
                }
                Step::Text(part, times) => {
                    let count = |seen: &Seen| seen.texts.iter().filter(|text| text.contains(part)).count();
                    while self.read(count) < times {
                        self.receive(&mut socket).await?;
                    }
                }
                Step::Cue => loop {
                    tokio::select! {
                        () = self.cue.notified() => break,
                        more = self.receive(&mut socket) => more?,
                    }
                },
                Step::Say(text) => socket.send(Message::text(text)).await.ok()?,
                Step::Drip(text) => {
                    let count = text.len();
                    for (index, byte) in text.into_bytes().into_iter().enumerate() {
                        let kind = if index == 0 { Data::Text } else { Data::Continue };
                        let frame = Frame::message(vec![byte], OpCode::Data(kind), index + 1 == count);
                        socket.send(Message::Frame(frame)).await.ok()?;
                    }
                }
                Step::Bytes(bytes) => socket.send(Message::binary(bytes)).await.ok()?,
                Step::Close(code, reason) => {
                    let frame = CloseFrame {
                        code: code.into(),
                        reason: reason.into(),
                    };
                    socket.close(Some(frame)).await.ok()?;
                }
                Step::Drop => return None,
                Step::Reset => {
                    socket.get_ref().set_zero_linger().expect("a socket");
                    return None;
                }
            }
        }
        loop {
            self.receive(&mut socket).await?;
        }
    }

    async fn receive(&self, socket: &mut WebSocketStream<TcpStream>) -> Option<()> {
        match socket.next().await?.ok()? {
            Message::Binary(sound) => self.note(|seen| {
                seen.pieces.push(sound.len());
                seen.sound.extend_from_slice(&sound);
            }),
            Message::Text(text) => self.note(|seen| seen.texts.push(text.as_str().to_owned())),
            _ => {}
        }
        Some(())
    }

    fn read<T>(&self, read: impl FnOnce(&Seen) -> T) -> T {
        read(&self.seen.lock().expect("no panic")[self.index])
    }

    fn note(&self, note: impl FnOnce(&mut Seen)) {
        note(&mut self.seen.lock().expect("no panic")[self.index]);
        self.changed.notify_waiters();
    }
}
