//! What a media session needs from whoever runs the calls, and what it tells them.

use super::tape::Tape;
use super::wire::Start;
use crate::talk::relay::TextTalk;
use crate::talk::{Clip, End, Order, Signal, Talk, Turn};
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::Instant;

/// Runs the calls: says who may speak on a stream, and keeps what happens there.
pub trait Host: Send + Sync {
    /// Decides about a stream that has begun. An answer later than five seconds is as good as a refusal.
    fn admit(&self, start: Start) -> BoxFuture<'_, Admission>;

    /// Keeps an event. Events of one call come one after the other and in order; sound goes on meanwhile.
    /// All of them, `Closed` included, are reported before the socket is closed, so that they are known when the
    /// carrier asks how the call goes on. One that takes more than five seconds is no longer waited for, nor are those
    /// that are left five seconds after the conversation's end: what was polled once the host finishes by itself, in its
    /// order, though the future is dropped.
    fn report<'a>(&'a self, call_sid: &'a str, event: Event) -> BoxFuture<'a, ()>;
}

/// The host's answer to a stream that has begun.
pub enum Admission {
    /// Go on with this, by sound.
    Talk(TalkSetup),
    /// Go on with this, by text.
    Relay(RelaySetup),
    /// Close the socket; the reason is logged.
    Refuse { reason: String },
}

/// A conversation and its strings.
pub struct TalkSetup {
    /// The conversation.
    pub talk: Box<dyn Talk>,
    /// What it can play, by index.
    pub clips: Arc<[Clip]>,
    /// Told of every frame from the caller.
    pub pulse: Arc<Pulse>,
    /// Orders from outside; a host that drops its end simply gives none.
    pub control: mpsc::Receiver<Control>,
    /// Who listens, thinks and speaks for it, where it needs anybody.
    pub crew: Option<Crew>,
    /// What both sides are recorded on, where they are.
    pub tape: Option<Tape>,
}

/// Those who listen, think and speak for one conversation. Dropping them stops whatever they do.
pub struct Crew {
    /// Takes orders and the caller's sound.
    pub services: Box<dyn Services>,
    /// What they tell. When it ends, nobody is left.
    pub signals: mpsc::Receiver<Signal>,
}

/// The providers of one conversation. Nothing here blocks, and a frame costs no allocation.
pub trait Services: Send {
    /// The caller's next sound: at most 20 ms of mu-law. What nobody takes in time is dropped and counted.
    fn hear(&mut self, frame: &[u8]);

    /// Has an order carried out.
    fn order(&mut self, order: Order);
}

/// A conversation by text and its strings.
pub struct RelaySetup {
    /// The conversation.
    pub talk: Box<dyn TextTalk>,
    /// Where the carrier finds each clip, as an absolute URL, by index.
    pub sources: Vec<String>,
    /// Told of every sign of life from the carrier.
    pub pulse: Arc<Pulse>,
    /// Orders from outside; a host that drops its end simply gives none.
    pub control: mpsc::Receiver<Control>,
    /// Who thinks for it, where it needs anybody.
    pub crew: Option<Crew>,
}

/// An order to a session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Control {
    /// Close at once.
    Close,
    /// Begin nothing new; close when what is being said was heard.
    Drain,
}

/// What happened in a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// The first sound from the caller.
    FirstFrame,
    /// A turn is complete; its times are milliseconds since the conversation began.
    Turn(Turn),
    /// The conversation ended with this exit; its last words may still be on their way.
    Finished { exit: Arc<str>, why: End },
    /// The conversation found out these values for the call.
    Set(Map<String, Value>),
    /// The conversation has granted this wish of its model; whoever is to do it waits for what comes of it.
    Wished {
        /// The model's own name for it, which it may use again.
        id: Arc<str>,
        name: Arc<str>,
        /// JSON text.
        arguments: Arc<str>,
    },
    /// The session is over. Where it was by text, messages are counted in place of frames.
    Closed {
        reason: CloseReason,
        frames_in: u64,
        frames_out: u64,
    },
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CloseReason {
    /// The conversation came to its end.
    Finished,
    /// The carrier said `stop`: the call ended or goes on elsewhere.
    Stopped,
    /// The carrier closed the socket.
    PeerClosed,
    /// The connection broke without a word.
    Lost,
    /// The host did not admit the stream.
    Refused,
    /// No usable `start` within ten seconds.
    NoStart,
    /// The carrier took nothing for five seconds.
    Blocked,
    /// Nothing at all came for thirty seconds.
    Silent,
    /// A message of more than 64 kB.
    TooLarge,
    /// Not a WebSocket any more, or text that is no text.
    Protocol,
    /// The host ordered it closed.
    Closed,
    /// The host ordered it to run dry.
    Drained,
    /// The conversation itself broke down; it was told nothing more.
    Failed,
}

impl Event {
    /// The event that an order is, where it is one: what the call is to do is told in line with everything else.
    pub(super) fn of(order: &Order) -> Option<Self> {
        let Order::Act { call, .. } = order else { return None };
        Some(Self::Wished {
            id: Arc::clone(&call.id),
            name: Arc::clone(&call.name),
            arguments: Arc::clone(&call.arguments),
        })
    }
}

impl CloseReason {
    /// The word for logs and storage.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Stopped => "stopped",
            Self::PeerClosed => "peer_closed",
            Self::Lost => "lost",
            Self::Refused => "refused",
            Self::NoStart => "no_start",
            Self::Blocked => "blocked",
            Self::Silent => "silent",
            Self::TooLarge => "too_large",
            Self::Protocol => "protocol",
            Self::Closed => "closed",
            Self::Drained => "drained",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for CloseReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// When the caller was last heard: written by the session at every frame, read by the watchdog, no lock between.
#[derive(Debug)]
pub struct Pulse {
    since: Instant,
    /// Milliseconds after `since`, plus one; 0 before the first frame.
    last: AtomicU64,
}

impl Pulse {
    /// A pulse that has not beaten yet.
    pub fn new() -> Self {
        Self {
            since: Instant::now(),
            last: AtomicU64::new(0),
        }
    }

    /// A frame has come.
    pub fn beat(&self) {
        let millis = self.since.elapsed().as_millis() as u64;
        self.last.store(millis + 1, Ordering::Relaxed);
    }

    /// How long ago the last frame came; since this pulse was made, where none ever did.
    pub fn quiet_for(&self) -> Duration {
        let last = self.last.load(Ordering::Relaxed).saturating_sub(1);
        self.since.elapsed().saturating_sub(Duration::from_millis(last))
    }

    /// Whether any frame has come.
    pub fn has_beaten(&self) -> bool {
        self.last.load(Ordering::Relaxed) > 0
    }
}

impl Default for Pulse {
    fn default() -> Self {
        Self::new()
    }
}
