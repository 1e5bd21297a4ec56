//! A WebSocket that is read and written at once: what is sent is handed over whole and flushed while reading goes on,
//! so a carrier that takes nothing can neither stop the caller's sound nor make anything be sent twice.

use super::host::CloseReason;
use super::wire::MAX_MESSAGE;
use futures_util::{Sink, SinkExt, Stream, StreamExt};
use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::time::{Instant, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message, Utf8Bytes};

/// The limits a media socket is to be made with: messages of 64 kB, small buffers since there are many sockets.
pub fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .max_message_size(Some(MAX_MESSAGE))
        .max_frame_size(Some(MAX_MESSAGE))
        .read_buffer_size(8 * 1024)
        .write_buffer_size(16 * 1024)
        .max_write_buffer_size(256 * 1024)
}

/// How long the closing handshake may take.
const CLOSE_LIMIT: Duration = Duration::from_secs(5);
/// How long a broken peer's bytes are still read, so that our Close is not swept away by a reset.
const LINGER: Duration = Duration::from_secs(1);

pub(super) enum Heard {
    /// Everything sent is with the kernel: more may be sent.
    Flushed,
    Message(Message),
    Failed(Error),
    Ended,
}

pub(super) struct Socket<S> {
    stream: WebSocketStream<S>,
    /// Since when something sent has not left.
    unsent_since: Option<Instant>,
    broken: bool,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Socket<S> {
    pub(super) fn new(stream: WebSocketStream<S>) -> Self {
        Self {
            stream,
            unsent_since: None,
            broken: false,
        }
    }

    /// Hands a message over; it leaves while [`Socket::hear`] is awaited. Errors: the connection is of no more use.
    pub(super) fn send(&mut self, message: Message) -> Result<(), Error> {
        Pin::new(&mut self.stream).start_send(message)?;
        self.unsent_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    /// Whether everything sent has left, so that more does not pile up.
    pub(super) fn is_free(&self) -> bool {
        self.unsent_since.is_none()
    }

    /// Since when the peer takes nothing.
    pub(super) fn blocked_since(&self) -> Option<Instant> {
        self.unsent_since
    }

    /// Waits for the next thing to happen. Dropping the future loses nothing.
    pub(super) async fn hear(&mut self) -> Heard {
        poll_fn(|context| {
            if self.unsent_since.is_some()
                && let Poll::Ready(flushed) = Pin::new(&mut self.stream).poll_flush(context)
            {
                self.unsent_since = None;
                return Poll::Ready(match flushed {
                    Ok(()) => Heard::Flushed,
                    Err(error) => self.failed(error),
                });
            }
            Pin::new(&mut self.stream).poll_next(context).map(|next| match next {
                Some(Ok(message)) => Heard::Message(message),
                Some(Err(error)) => self.failed(error),
                None => Heard::Ended,
            })
        })
        .await
    }

    /// Closes with this code, or completes a close that the peer began, and reads to the end of the connection.
    pub(super) async fn close(mut self, code: CloseCode, reason: &'static str) {
        let frame = CloseFrame {
            code,
            reason: Utf8Bytes::from_static(reason),
        };
        let handshake = async {
            // It fails where the peer closed first; the reply is then driven by reading on.
            let said = self.stream.send(Message::Close(Some(frame))).await;
            while let Some(Ok(_)) = self.stream.next().await {}
            if self.broken && said.is_ok() {
                let mut rest = [0; 1024];
                let bytes = self.stream.get_mut();
                let to_the_end = async { while matches!(bytes.read(&mut rest).await, Ok(1..)) {} };
                // Either way nothing more is to be done here.
                let _ended = timeout(LINGER, to_the_end).await;
            }
        };
        if timeout(CLOSE_LIMIT, handshake).await.is_err() {
            tracing::debug!("the carrier did not complete the closing handshake");
        }
    }

    fn failed(&mut self, error: Error) -> Heard {
        self.broken = true;
        Heard::Failed(error)
    }
}

/// What a broken connection means.
pub(super) fn failure(error: &Error) -> CloseReason {
    match error {
        Error::Capacity(_) => CloseReason::TooLarge,
        Error::Utf8(_) => CloseReason::Protocol,
        // A reset is counted among the protocol errors, and nobody is left to be told of it.
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => CloseReason::Lost,
        Error::Protocol(_) => CloseReason::Protocol,
        _ => CloseReason::Lost,
    }
}
