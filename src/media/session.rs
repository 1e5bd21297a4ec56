//! One media stream from its first message to its last: its start, its admission, its report and its close.
//! What happens between is in `drive`. Whatever is waited for has a limit.

use super::drive::Session;
use super::host::{Admission, CloseReason, Event, Host};
use super::socket::{Heard, Socket, failure};
use super::wire::{self, Incoming, MAX_MESSAGE, Start};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// How long a session waits for others. Each default is what a live line needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// For the carrier to say which call this is: 10 s.
    pub start: Duration,
    /// For the host to admit a stream, and to keep one event: 5 s.
    pub host: Duration,
    /// For the carrier to take what was sent: 5 s.
    pub send: Duration,
    /// For the carrier to say anything at all, where fifty frames a second are usual: 30 s.
    pub silence: Duration,
    /// Between two pings: 10 s.
    pub ping: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            start: Duration::from_secs(10),
            host: Duration::from_secs(5),
            send: Duration::from_secs(5),
            silence: Duration::from_secs(30),
            ping: Duration::from_secs(10),
        }
    }
}

/// Events that may wait for the host; a conversation makes a few a second. Beyond it they are dropped, loudly.
pub(super) const EVENTS: usize = 1024;

/// How a session went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Summary {
    pub reason: CloseReason,
    /// Media messages from the caller.
    pub frames_in: u64,
    /// Frames sent to the caller.
    pub frames_out: u64,
    /// Messages that were no known event: junk, binary, the events of newer carriers.
    pub ignored: u64,
}

/// Serves one socket until it is closed. `subprotocol` is what the handshake answered. The socket should have been
/// made with [`super::config`].
pub async fn run<S>(stream: WebSocketStream<S>, subprotocol: Option<&str>, host: &dyn Host) -> Summary
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    run_within(Limits::default(), stream, subprotocol, host).await
}

/// [`run`] with limits of one's own.
pub async fn run_within<S>(
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
    let start = match timeout_at(limit, await_start(&mut socket, &mut ignored)).await {
        Ok(Ok(start)) => start,
        Ok(Err(reason)) => return never_begun(socket, reason, ignored).await,
        Err(_) => return never_begun(socket, CloseReason::NoStart, ignored).await,
    };
    let call_sid = start.call_sid.clone();
    let stream_sid = start.stream_sid.clone();
    tracing::info!(stream_sid, call_sid, "WS_START");
    let setup = match timeout(limits.host, host.admit(start)).await {
        Ok(Admission::Talk(setup)) => setup,
        Ok(Admission::Relay(_)) => {
            tracing::error!(call_sid, "a conversation by text was given for a stream of sound");
            return never_begun(socket, CloseReason::Refused, ignored).await;
        }
        Ok(Admission::Refuse { reason }) => {
            tracing::warn!(call_sid, reason, "the stream was refused");
            return never_begun(socket, CloseReason::Refused, ignored).await;
        }
        Err(_) => {
            tracing::error!(call_sid, "the stream was not admitted in time");
            return never_begun(socket, CloseReason::Refused, ignored).await;
        }
    };

    let (events, inbox) = mpsc::channel(EVENTS);
    let mut session = Session::new(limits, socket, setup, &call_sid, &stream_sid, events, ignored);
    let conversation = async {
        session.converse().await;
        session.end()
    };
    let ((socket, summary), ()) = tokio::join!(conversation, report_all(limits.host, host, &call_sid, inbox));
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
    close(socket, reason).await;
    summary
}

async fn await_start<S>(socket: &mut Socket<S>, ignored: &mut u64) -> Result<Start, CloseReason>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    loop {
        match socket.hear().await {
            Heard::Message(Message::Text(text)) if text.len() > MAX_MESSAGE => {
                return Err(CloseReason::TooLarge);
            }
            Heard::Message(Message::Text(text)) => match wire::parse(&text) {
                Ok(Incoming::Start(start)) => return Ok(start),
                Ok(Incoming::Connected) => {}
                Ok(Incoming::Stop) => return Err(CloseReason::Stopped),
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

pub(super) async fn never_begun<S>(socket: Socket<S>, reason: CloseReason, ignored: u64) -> Summary
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    tracing::warn!(
        frames_in = 0,
        frames_out = 0,
        ignored,
        reason = reason.name(),
        "WS_STOP"
    );
    close(socket, reason).await;
    Summary {
        reason,
        frames_in: 0,
        frames_out: 0,
        ignored,
    }
}

pub(super) async fn close<S: AsyncRead + AsyncWrite + Unpin>(socket: Socket<S>, reason: CloseReason) {
    // The carrier takes any code but 1000 for a failure (31921), so that only failures have one.
    let code = match reason {
        CloseReason::Finished
        | CloseReason::Stopped
        | CloseReason::PeerClosed
        | CloseReason::Closed
        | CloseReason::Drained
        | CloseReason::Failed
        | CloseReason::Silent => CloseCode::Normal,
        CloseReason::Refused | CloseReason::NoStart => CloseCode::Policy,
        CloseReason::TooLarge => CloseCode::Size,
        CloseReason::Protocol => CloseCode::Protocol,
        // Nothing can be said to a peer that is gone or takes nothing.
        CloseReason::Lost | CloseReason::Blocked => return,
    };
    socket.close(code, reason.name()).await;
}

/// Reports what happens, in order, until the conversation is over and all of it is told. A host that is slow keeps nobody
/// waiting beyond the limit, and misses nothing.
pub(super) async fn report_all(limit: Duration, host: &dyn Host, call_sid: &str, mut inbox: mpsc::Receiver<Event>) {
    // When the socket is to be closed, whatever is not kept by then.
    let mut last = None;
    while let Some(event) = inbox.recv().await {
        let mut until = Instant::now() + limit;
        if inbox.is_closed() {
            until = *last.get_or_insert(until);
        }
        // Even after that moment each report is begun, which is what the host needs of it.
        if timeout_at(until, host.report(call_sid, event)).await.is_err() {
            tracing::error!(
                call_sid,
                "an event of the conversation was not kept in time; it is not waited for"
            );
        }
    }
}

#[cfg(test)]
#[path = "session_tests.rs"]
mod tests;
