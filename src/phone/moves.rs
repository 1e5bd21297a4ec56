//! What can happen on a call, as somebody decides it.

use crate::call::{Params, TaskResult};

/// The next thing to happen.
#[derive(Clone, Debug, PartialEq)]
pub enum Move {
    /// Time passes until something happens by itself: a sound is over, a timer is due, nobody answers.
    Pass,
    /// The caller presses these keys while input is waited for.
    Keys(String),
    /// The caller says these words while input is waited for.
    Says(String),
    /// A gather is over: the keys that it collected, the key that ended it, and the words.
    Gathered {
        digits: String,
        key: Option<char>,
        words: Option<String>,
    },
    /// A recording is over, with so many milliseconds between the silences at its ends.
    Recorded { millis: u64, end: MessageEnd },
    /// A recording is over with nothing in it that is worth keeping.
    NothingRecorded,
    /// The caller leaves a message of so many seconds.
    LeavesMessage(u32),
    /// The caller leaves a message of so many seconds and hangs up, as most do.
    LeavesMessageAndHangsUp(u32),
    /// The caller hangs up.
    HangsUp,
    /// The dialled party's part is over.
    Dialled(DialEnd),
    /// The queue is over, with the carrier's word: `bridged`, `leave`, `queue-full`, `error`.
    Queued(&'static str),
    /// The payment is over, with the carrier's word: `success`, `too-many-failed-attempts` …
    Paid(&'static str),
    /// The other side of a `refer` took the call, or not.
    Referred(bool),
    /// The carrier hands over calls that come by SIP alone, and this one does not (its error 13801): the next verb follows.
    NotReferable,
    /// The document's verb is over and the carrier asks with these fields: for templates of the author's own.
    Asks(Params),
    /// The stream starts.
    StreamStarts(Timing),
    /// The carrier cannot open the stream, says so and goes on.
    StreamRefused,
    /// The stream's connection breaks; whether the caller had been heard on it.
    StreamBreaks { heard: bool },
    /// The conversation ends with this exit, after so many milliseconds in which nothing was heard; the caller may have
    /// spoken before.
    TalkEnds { exit: String, spoke: bool, quiet: u64 },
    /// No frame of the caller comes until the watchdog acts. An agent that speaks up after so many milliseconds of
    /// silence does so all the same.
    NothingHeard { idle: u64 },
    /// The agent says something.
    AgentSpeaks,
    /// The model wishes for this action, with these arguments (a JSON object).
    Wishes { action: String, arguments: String },
    /// The task of this number, counted from 0 in the order in which they were ordered, ends.
    TaskEnds {
        task: usize,
        result: TaskResult,
        timing: Timing,
    },
    /// The carrier asks for what follows of its own, though a redirect is under way to it.
    CarrierAsksFirst,
    /// The caller hangs up, and the carrier's report of it is lost.
    HangsUpUnnoticed,
    /// `limits.call` is reached, whatever is under way.
    LimitReached,
    /// The engine is started again.
    Restarts,
    /// The engine is about to stop.
    Drains,
}

/// When, within what is possible, something happens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Timing {
    /// At once.
    Early,
    /// Just before it would be given up.
    Late,
}

/// What ends a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MessageEnd {
    /// Silence, or its longest time.
    Over,
    /// A key.
    Key(char),
    /// The caller hangs up.
    HungUp,
}

/// How a dialled party's part ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialEnd {
    /// They talked for so many milliseconds.
    Talked(u64),
    Busy,
    NoAnswer,
    Failed,
    /// Somebody ended the attempt before it was answered.
    Canceled,
}

impl DialEnd {
    /// The carrier's word.
    pub fn word(self) -> &'static str {
        match self {
            Self::Talked(_) => "completed",
            Self::Busy => "busy",
            Self::NoAnswer => "no-answer",
            Self::Failed => "failed",
            Self::Canceled => "canceled",
        }
    }
}

/// What goes wrong in the engine while it answers a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mishap {
    /// The store does not take the change.
    StoreFails,
    /// The document cannot be rendered.
    RenderFails,
}
