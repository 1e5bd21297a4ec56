//! The service's side of a session, played by the test itself over a real socket.

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use std::pin::Pin;
use std::task::{Context, Poll};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

use super::LONG;

/// Where the service listens.
pub struct Server {
    listener: TcpListener,
}

impl Server {
    pub async fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        Server { listener }
    }

    pub fn url(&self) -> String {
        format!("http://{}/v1", self.listener.local_addr().expect("an address"))
    }

    /// A connection whose handshake is not answered.
    pub async fn silent(&self) -> TcpStream {
        let accepted = timeout(LONG, self.listener.accept()).await.expect("a client");
        accepted.expect("a connection").0
    }

    /// Refuses the handshake.
    pub async fn refuse(&self, answer: &str) {
        let mut socket = self.silent().await;
        let mut request = [0; 4096];
        let _request = socket.read(&mut request).await.expect("a request");
        socket.write_all(answer.as_bytes()).await.expect("a client");
    }

    /// Accepts a connection; `step` bytes at most leave at once.
    pub async fn accept(&self, step: usize) -> Peer {
        let socket = self.silent().await;
        socket.set_nodelay(true).expect("a socket");
        let mut target = String::new();
        let mut authorization = String::new();
        #[expect(clippy::result_large_err, reason = "the handshake's own type")]
        let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
            target = request.uri().to_string();
            let header = request
                .headers()
                .get("authorization")
                .and_then(|value| value.to_str().ok());
            authorization = header.unwrap_or("").to_owned();
            Ok(response)
        };
        let socket = accept_hdr_async(Slow { socket, step }, look)
            .await
            .expect("a handshake");
        Peer {
            socket,
            target,
            authorization,
        }
    }
}

/// The service in one session.
pub struct Peer {
    socket: WebSocketStream<Slow>,
    pub target: String,
    pub authorization: String,
}

impl Peer {
    pub async fn send(&mut self, event: Value) {
        self.text(&event.to_string()).await;
    }

    pub async fn text(&mut self, text: &str) {
        self.message(Message::text(text)).await;
    }

    pub async fn message(&mut self, message: Message) {
        let sent = timeout(LONG, self.socket.send(message))
            .await
            .expect("a client that reads");
        sent.expect("a client");
    }

    /// Sends this, unless the client has left.
    pub async fn is_left(&mut self, event: Value) -> bool {
        let sent = timeout(LONG, self.socket.send(Message::text(event.to_string()))).await;
        sent.expect("a client that reads").is_err()
    }

    /// The client's next message; none once it has left.
    pub async fn next(&mut self) -> Option<Value> {
        match timeout(LONG, self.socket.next()).await.expect("a message")? {
            Ok(Message::Text(text)) => Some(serde_json::from_str(&text).expect("JSON")),
            Ok(Message::Close(_)) | Err(_) => None,
            Ok(other) => panic!("{other:?}"),
        }
    }

    /// The client's next message, which is of this type.
    pub async fn expect(&mut self, kind: &str) -> Value {
        let message = self.next().await.expect("a client");
        assert_eq!(message["type"], kind, "{message}");
        message
    }

    /// So many bytes of the caller's sound, and the lengths of the lumps that they came in.
    pub async fn hears(&mut self, bytes: usize) -> (Vec<u8>, Vec<usize>) {
        let (mut sound, mut lumps) = (Vec::new(), Vec::new());
        while sound.len() < bytes {
            let message = self.expect("input_audio_buffer.append").await;
            let lump = base64_simd::STANDARD.decode_to_vec(message["audio"].as_str().expect("text"));
            let lump = lump.expect("base64");
            lumps.push(lump.len());
            sound.extend(lump);
        }
        (sound, lumps)
    }

    /// Greets, and confirms whatever session is wished for.
    pub async fn open(&mut self) -> Value {
        self.send(serde_json::json!({"type": "session.created", "session": {}}))
            .await;
        let update = self.expect("session.update").await;
        self.send(serde_json::json!({"type": "session.updated", "session": {}}))
            .await;
        update
    }

    /// Waits until the client has left.
    pub async fn left(&mut self) {
        while self.next().await.is_some() {}
    }
}

/// A socket that writes little at a time.
pub struct Slow {
    socket: TcpStream,
    step: usize,
}

impl AsyncRead for Slow {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl AsyncWrite for Slow {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let step = self.step.min(bytes.len());
        Pin::new(&mut self.socket).poll_write(cx, &bytes[..step])
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}
