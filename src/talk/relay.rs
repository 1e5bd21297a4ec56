//! The agent by text: the carrier listens and speaks, the agent gets words and answers with clips or words. [`Relayed`]
//! follows a script, [`Answering`] has a model. No marks come back, so what was heard is reckoned.

mod agent;
mod utterance;

pub use super::agent::Answering;
pub use agent::Relayed;

use super::{End, Order, Signal, State, Turn};
use serde_json::{Map, Value};
use std::sync::Arc;

/// A conversation by text. All times are milliseconds of one clock that never runs backwards and starts anywhere.
pub trait TextTalk: Send {
    /// Takes one input and appends what follows from it. Never blocks.
    fn handle(&mut self, now: u64, input: Input<'_>, out: &mut Vec<Output>);

    /// When [`Input::Tick`] is wanted at the latest, if nothing else comes first. `None`: nothing is waited for.
    fn deadline(&self) -> Option<u64>;
}

/// What happens to a conversation by text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Input<'a> {
    /// The session is set up: the conversation may begin. Comes first, and once.
    Started,
    /// The caller's words. Until `last` they are what was recognised so far of an utterance that goes on.
    Prompt { words: &'a str, last: bool },
    /// The caller cut the answer off, after these words of it and this long; the carrier has stopped it already.
    /// Neither need be known.
    Interrupted { heard: &'a str, ms: Option<u64> },
    /// A key the caller pressed.
    Digit(char),
    /// A provider has something to tell.
    Signal(&'a Signal),
    /// The deadline has come.
    Tick,
    /// The session is gone. Comes last; nothing can be said any more.
    Stopped,
}

/// What a conversation by text wants done, or has to tell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// Play the clip of this index after whatever is queued.
    Play { clip: usize, interruptible: bool },
    /// Have these words spoken after whatever is queued.
    Say { text: Arc<str>, interruptible: bool },
    /// Have these words spoken as part of an answer that goes on until `last`.
    Part {
        text: Arc<str>,
        last: bool,
        interruptible: bool,
    },
    /// Have a provider do something.
    Order(Order),
    /// The conversation has found out these values; they belong to the call from now on.
    Set(Map<String, Value>),
    /// The conversation is over with this exit, and everything said before was heard.
    Finish { exit: Arc<str>, why: End },
    /// Somebody's turn is complete.
    Turn(Turn),
    /// What the conversation does from now on.
    State(State),
    /// The caller cut the answer off after `ms` of it.
    BargeIn { ms: u64 },
}

/// About how long these words take to be spoken, in milliseconds. A slow reckoning: an answer that is waited for
/// a little too long costs less than one that is cut off.
pub fn speaking_time(text: &str) -> u64 {
    const PER_CHARACTER: u64 = 80;
    (text.chars().count() as u64 * PER_CHARACTER).max(400)
}

/// About how long the caller took to say these words: 150 a minute.
pub fn spoken_time(words: &str) -> u64 {
    const PER_WORD: u64 = 400;
    words.split_whitespace().count() as u64 * PER_WORD
}
