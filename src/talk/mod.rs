//! A conversation as a pure machine: frames, keys and marks in, sound and turns out, time as an argument.
//! Whoever listens and answers, whether a script or a model, stands behind [`Talk`].

pub mod agent;
mod end;
mod keys;
pub mod live;
mod order;
pub mod playback;
pub mod relay;
pub mod script;
pub mod scripted;

pub use end::End;
pub use order::{ActionCall, LiveOrder, LiveSignal, Message, Order, Signal, Stage, Usage, Verdict};

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A conversation. All times are milliseconds of one clock that never runs backwards and starts anywhere.
pub trait Talk: Send {
    /// Takes one input and appends what follows from it. Never blocks.
    fn handle(&mut self, now: u64, input: Input<'_>, out: &mut Vec<Output>);

    /// When [`Input::Tick`] is wanted at the latest, if nothing else comes first. `None`: nothing is waited for.
    fn deadline(&self) -> Option<u64>;
}

/// Something to say: mu-law at 8 kHz and its words. Cheap to clone, shared by all calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clip {
    /// The sound.
    pub ulaw: Arc<[u8]>,
    /// What it says, for the transcript; may be empty.
    pub text: Arc<str>,
}

impl Clip {
    /// A clip of this sound and these words.
    pub fn new(ulaw: impl Into<Arc<[u8]>>, text: impl Into<Arc<str>>) -> Self {
        Self {
            ulaw: ulaw.into(),
            text: text.into(),
        }
    }

    /// How long it lasts, in milliseconds.
    pub fn millis(&self) -> u64 {
        crate::audio::mulaw::millis(self.ulaw.len())
    }
}

/// One clip being played, told apart from every other of the same call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Play {
    /// Which answer it belongs to; rises with every answer and every interruption.
    pub generation: u32,
    /// Which clip of the call, counted from 0 without a gap.
    pub number: u32,
}

/// What happens to a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    /// The line is open: the conversation may begin. Comes first, and once.
    Started,
    /// Mu-law from the caller, in order; 160 bytes (20 ms) by custom.
    Frame(&'a [u8]),
    /// A key the caller pressed.
    Digit(char),
    /// The carrier says that this clip was played to its end, or was swept away.
    Played(Play),
    /// A provider has something to tell.
    Signal(&'a Signal),
    /// The deadline has come.
    Tick,
    /// The line is gone. Comes last; nothing can be said any more.
    Stopped,
}

/// What a conversation wants done, or has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Play the clip of this index after whatever is queued, and report when it was played.
    Play { clip: usize, play: Play },
    /// Play this mu-law after whatever is queued.
    Sound { ulaw: Bytes },
    /// Report when everything queued so far was played.
    Mark { play: Play },
    /// Stop at once, and keep what was not heard.
    Pause,
    /// Go on with what was kept, from where it was stopped.
    Resume,
    /// Stop at once, and forget everything queued.
    Clear,
    /// Have a provider do something.
    Order(Order),
    /// The conversation has found out these values; they belong to the call from now on.
    Set(Map<String, Value>),
    /// The caller's words so far, or all of them.
    Words { text: String, last: bool },
    /// The conversation is over with this exit; what is queued may still be heard.
    Finish { exit: Arc<str>, why: End },
    /// Somebody's turn is complete.
    Turn(Turn),
    /// What the conversation does from now on.
    State(State),
    /// The caller's utterance is over; `ms` after their last sound this was noticed.
    EndOfUtterance { ms: u64 },
    /// The caller speaks over the answer, and has for `ms`.
    BargeIn { ms: u64 },
}

/// What a conversation is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Listening,
    Thinking,
    Speaking,
}

impl State {
    /// The word for logs.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listening => "LISTENING",
            Self::Thinking => "THINKING",
            Self::Speaking => "SPEAKING",
        }
    }
}

/// One side of an exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turn {
    /// Who.
    pub role: Role,
    /// What was said and heard: the caller's keys or words, or as much of an answer as the caller got to hear.
    pub text: String,
    /// When it began, in the conversation's milliseconds.
    pub started: u64,
    /// When it ended.
    pub ended: u64,
    /// Whether it was cut off: an answer by the caller, or either by the end of the line.
    pub interrupted: bool,
    /// What it took, where providers had a part in it.
    pub facts: Option<Box<Facts>>,
}

/// What a turn took. Times are milliseconds after the caller's last sound.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Facts {
    /// Until the caller's turn was taken as over.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_of_turn: Option<u32>,
    /// Until its words were there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub transcript: Option<u32>,
    /// Until the answer's first words were there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_token: Option<u32>,
    /// Until its first sound was there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_audio: Option<u32>,
    /// Until that was given to the carrier.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sent: Option<u32>,
    /// Who did it: `deepgram` for the caller's turn, `openai, elevenlabs` for an answer.
    pub provider: String,
    /// Tokens used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub usage: Option<Usage>,
    /// Milliseconds of the caller's sound that were listened to.
    pub listened: u32,
    /// Characters that were given to be spoken.
    pub characters: u32,
}

/// The two sides of a conversation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Caller,
    Agent,
}

impl Role {
    /// The word for storage.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Caller => "caller",
            Self::Agent => "agent",
        }
    }
}
