//! What happens on a call, told as a story: who did what when, and at which step.

use crate::call::{StepId, Time};

/// One line of the story.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// When.
    pub at: Time,
    /// What.
    pub what: What,
    /// The step at which the call was.
    pub step: Option<StepId>,
}

/// What can be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The caller hears a file, by its path below `static/`; or words that the carrier speaks.
    Hears { what: String, spoken: bool, millis: u64 },
    /// The caller did something.
    Caller(String),
    /// The carrier, or somebody behind it, did something.
    Carrier(String),
    /// The engine did something: a word of its log, a task.
    Engine(String),
    /// Something went wrong.
    Fault(String),
    /// The carrier began a verb, by its TwiML name.
    Verb(&'static str),
    /// A message was ordered: the channel, to whom, and its text.
    Message { channel: String, to: String, body: String },
    /// Something was written to a table: its name.
    Row(&'static str),
    /// The call moved on to a step.
    Step,
    /// The call is over.
    Over(&'static str),
}
