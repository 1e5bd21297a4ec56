//! One text session from its setup to its close: the carrier listens and speaks, words go both ways
//! (ConversationRelay). Limits, admission and reports are those of a media stream.

mod drive;
pub mod wire;

use self::drive::Session;
use self::wire::Incoming;
use super::host::{Admission, CloseReason, Host};
use super::session::{self, EVENTS, Limits, Summary, never_begun, report_all};
use super::socket::{Heard, Socket, failure};
use super::wire::{MAX_MESSAGE, Start};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;

/// Serves one text session until it is closed. `subprotocol` is what the handshake answered. The socket should have been made with [`super::config`].
pub async fn run_relay<S>(stream: WebSocketStream<S>, subprotocol: Option<&str>, host: &dyn Host) -> Summary
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    run_relay_within(Limits::default(), stream, subprotocol, host).await
}

/// [`run_relay`] with limits of one's own.
pub async fn run_relay_within<S>(
    limits: Limits,
    stream: WebSocketStream<S>,
    subprotocol: Option<&str>,
    host: &dyn Host,
) -> Summary
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    tracing::info!(subprotocol = subprotocol.unwrap_or(""), "WS_CONNECTED");
    let mut socket = Socket::new(stream);
    let mut ignored = 0;
    let limit = Instant::now() + limits.start;
    let start = match timeout_at(limit, await_setup(&mut socket, &mut ignored)).await {
        Ok(Ok(start)) => start,
        Ok(Err(reason)) => return never_begun(socket, reason, ignored).await,
        Err(_) => return never_begun(socket, CloseReason::NoStart, ignored).await,
    };
    let call_sid = start.call_sid.clone();
    tracing::info!(stream_sid = start.stream_sid, call_sid, "WS_START");
    let setup = match timeout(limits.host, host.admit(start)).await {
        Ok(Admission::Relay(setup)) => setup,
        Ok(Admission::Talk(_)) => {
            tracing::error!(call_sid, "a conversation by sound was given for a session of text");
            return never_begun(socket, CloseReason::Refused, ignored).await;
        }
        Ok(Admission::Refuse { reason }) => {
            tracing::warn!(call_sid, reason, "the session was refused");
            return never_begun(socket, CloseReason::Refused, ignored).await;
        }
        Err(_) => {
            tracing::error!(call_sid, "the session was not admitted in time");
            return never_begun(socket, CloseReason::Refused, ignored).await;
        }
    };

    let (events, inbox) = mpsc::channel(EVENTS);
    let mut session = Session::new(limits, socket, setup, &call_sid, events, ignored);
    let conversation = async {
        session.converse().await;
        session.end()
    };
    let ((mut socket, summary, exit), ()) = tokio::join!(conversation, report_all(limits.host, host, &call_sid, inbox));
    let Summary {
        reason,
        frames_in,
        frames_out,
        ignored,
    } = summary;
    tracing::info!(
        call_sid,
        frames_in,
        frames_out,
        ignored,
        reason = reason.name(),
        "WS_STOP"
    );
    if matches!(
        reason,
        CloseReason::Finished | CloseReason::Closed | CloseReason::Drained
    ) {
        // Only now: the carrier asks how the call goes on as soon as it has this. It leaves with the close, and
        // where it cannot, the close says the same.
        let _closing = socket.send(Message::text(wire::end(exit.as_deref())));
    }
    session::close(socket, reason).await;
    summary
}

async fn await_setup<S>(socket: &mut Socket<S>, ignored: &mut u64) -> Result<Start, CloseReason>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match socket.hear().await {
            Heard::Message(Message::Text(text)) if text.len() > MAX_MESSAGE => {
                return Err(CloseReason::TooLarge);
            }
            Heard::Message(Message::Text(text)) => match wire::parse(&text) {
                Ok(Incoming::Setup(start)) => return Ok(start),
                Ok(_) | Err(_) => *ignored += 1,
            },
            Heard::Message(Message::Close(_)) => return Err(CloseReason::PeerClosed),
            Heard::Message(Message::Binary(_)) => *ignored += 1,
            Heard::Message(_) | Heard::Flushed => {}
            Heard::Failed(error) => return Err(failure(&error)),
            Heard::Ended => return Err(CloseReason::Lost),
        }
    }
}

#[cfg(test)]
#[path = "relay/session_tests.rs"]
mod tests;
