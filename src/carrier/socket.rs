//! The media stream's connection: opens a WebSocket as the carrier does and moves text both ways without ever holding up the line.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::AbortHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream};
use url::Url;

use super::errors::Code;
use super::faults::{Fault, Faults};
use super::front;
use super::http::Client;

/// How long a connection may take to come about (31901).
const CONNECT: Duration = Duration::from_secs(5);
/// Frames that may wait for a slow reader (31930 beyond): a second of sound.
const BACKLOG: usize = 64;

/// What comes from the server.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Incoming {
    Text(String),
    Binary,
    Ended(Ending),
}

/// How the server's side ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ending {
    Normal,
    Code(u16),
    Broken,
    Violation,
}

impl Ending {
    /// The error code it raises, if any.
    pub(crate) fn code(self) -> Option<Code> {
        match self {
            Self::Normal => None,
            Self::Code(_) => Some(31921),
            Self::Broken => Some(31903),
            Self::Violation => Some(31924),
        }
    }
}

/// An open connection.
#[derive(Debug)]
pub(crate) struct Socket {
    out: mpsc::Sender<Message>,
    incoming: mpsc::Receiver<Incoming>,
    writer: AbortHandle,
    reader: AbortHandle,
}

/// Opens the stream at `url`.
///
/// # Errors
/// The carrier's code (319xx) and what happened.
pub(crate) async fn open(url: &str, client: &Client, faults: &Faults) -> Result<Socket, (Code, String)> {
    let mut url = Url::parse(url).map_err(|error| (31923, error.to_string()))?;
    // The carrier does not carry a query to the server.
    url.set_query(None);
    url.set_fragment(None);
    let plain = client.front(&url).map(str::to_owned);
    match url.scheme() {
        "wss" => {}
        "ws" if front::is_local(&url) => {}
        other => return Err((31922, format!("the scheme is `{other}`"))),
    }
    if !url.has_host() {
        return Err((31923, "the URL has no host".to_owned()));
    }
    if faults.has(Fault::RefuseStream) {
        return Err((31920, "refused by the network".to_owned()));
    }
    tokio::time::timeout(CONNECT, handshake(&url, plain, client, faults))
        .await
        .unwrap_or_else(|_| Err((31901, "no answer within 5 s".to_owned())))
}

async fn handshake(
    url: &Url,
    plain: Option<String>,
    client: &Client,
    faults: &Faults,
) -> Result<Socket, (Code, String)> {
    let mut request = url
        .as_str()
        .into_client_request()
        .map_err(|error| (31923, error.to_string()))?;
    let headers = request.headers_mut();
    headers.insert("user-agent", HeaderValue::from_static("Twilio.TmeWs/1.0"));
    if let Some(signature) = client.sign(url.as_str(), &[])
        && let Ok(value) = HeaderValue::from_str(&signature)
    {
        headers.insert("x-twilio-signature", value);
    }
    if plain.is_some() {
        headers.insert("x-forwarded-proto", HeaderValue::from_static("https"));
        if let Ok(value) = HeaderValue::from_str(&front::authority(url)) {
            headers.insert("x-forwarded-host", value);
        }
    }
    if faults.has(Fault::OfferSubprotocol) {
        headers.insert("sec-websocket-protocol", HeaderValue::from_static("audio.twilio.com"));
    }
    let host = url.host_str().unwrap_or_default();
    let target = plain
        .clone()
        .unwrap_or_else(|| format!("{host}:{}", url.port_or_known_default().unwrap_or(443)));
    let stream = TcpStream::connect(&target).await.map_err(|error| {
        let code = if error.kind() == std::io::ErrorKind::ConnectionRefused {
            31902
        } else {
            31904
        };
        (code, error.to_string())
    })?;
    // Without it, frames of 20 ms would be bundled; failing to set it only costs time.
    let _best_effort = stream.set_nodelay(true);
    let result = if plain.is_some() || url.scheme() == "ws" {
        tokio_tungstenite::client_async(request, MaybeTlsStream::Plain(stream)).await
    } else {
        tokio_tungstenite::client_async_tls(request, stream).await
    };
    let (socket, response) = result.map_err(|error| match error {
        tungstenite::Error::Tls(error) => (31910, error.to_string()),
        tungstenite::Error::Http(response) => (31920, format!("the server answered {}", response.status())),
        error => (31920, error.to_string()),
    })?;
    if response.headers().contains_key("sec-websocket-extensions") {
        return Err((31920, "the server answered with an extension nobody offered".to_owned()));
    }
    Ok(Socket::run(socket))
}

impl Socket {
    fn run(socket: WebSocketStream<MaybeTlsStream<TcpStream>>) -> Self {
        let (mut sink, mut source) = socket.split();
        let (out, mut outgoing) = mpsc::channel::<Message>(BACKLOG);
        let (arrived, incoming) = mpsc::channel(1024);
        let writer = tokio::spawn(async move {
            while let Some(message) = outgoing.recv().await {
                // A failed write shows on the reading side, which tells the line.
                if sink.send(message).await.is_err() {
                    break;
                }
            }
        });
        let reader = tokio::spawn(async move {
            let ending = loop {
                let message = match source.next().await {
                    Some(Ok(Message::Text(text))) => Incoming::Text(text.to_string()),
                    Some(Ok(Message::Binary(_))) => Incoming::Binary,
                    Some(Ok(Message::Close(frame))) => {
                        // Polled once more, so that the answering close frame goes out.
                        let _answered = tokio::time::timeout(Duration::from_millis(500), source.next()).await;
                        break frame.map_or(Ending::Normal, |frame| match u16::from(frame.code) {
                            1000 => Ending::Normal,
                            code => Ending::Code(code),
                        });
                    }
                    Some(Ok(_)) => continue,
                    Some(Err(
                        tungstenite::Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
                        | tungstenite::Error::Io(_),
                    ))
                    | None => break Ending::Broken,
                    Some(Err(_)) => break Ending::Violation,
                };
                if arrived.send(message).await.is_err() {
                    return;
                }
            };
            // Nobody waiting for the end means that the line has closed the stream itself.
            let _gone = arrived.send(Incoming::Ended(ending)).await;
        });
        Self {
            out,
            incoming,
            writer: writer.abort_handle(),
            reader: reader.abort_handle(),
        }
    }

    /// Sends without waiting. False where the server reads too slowly and the message was dropped.
    pub(crate) fn send(&self, text: String) -> bool {
        !matches!(
            self.out.try_send(Message::text(text)),
            Err(mpsc::error::TrySendError::Full(_))
        )
    }

    /// What has arrived and was not taken yet.
    pub(crate) fn take(&mut self) -> Option<Incoming> {
        self.incoming.try_recv().ok()
    }

    /// Closes with a close frame and gives the server a moment to answer it.
    pub(crate) async fn close(mut self) {
        let frame = tungstenite::protocol::CloseFrame {
            code: tungstenite::protocol::frame::coding::CloseCode::Normal,
            reason: "".into(),
        };
        let closing = async {
            if self.out.send(Message::Close(Some(frame))).await.is_ok() {
                while let Some(message) = self.incoming.recv().await {
                    if matches!(message, Incoming::Ended(_)) {
                        break;
                    }
                }
            }
        };
        // A server that never answers the close is cut off.
        let _late = tokio::time::timeout(Duration::from_secs(1), closing).await;
    }
}

impl Drop for Socket {
    /// Dropping cuts the connection at once, without a close frame.
    fn drop(&mut self) {
        self.writer.abort();
        self.reader.abort();
    }
}
