//! What came of a call that was played.

use crate::call::{EndReason, Row, StepId, Time};
use crate::phone::{Silence, Told, Violation};
use crate::twiml::Verb;
use serde_json::{Map, Value};

/// Everything that came of a call.
#[derive(Debug)]
pub struct Played {
    /// When it came in.
    pub began: Time,
    /// When nobody was on the line any more.
    pub over: Time,
    /// What happened, in order.
    pub told: Vec<Told>,
    /// What the caller heard.
    pub heard: Vec<Heard>,
    /// The longest time without sound.
    pub silence: Silence,
    /// The steps that it came to, and when.
    pub steps: Vec<(Time, StepId)>,
    /// The outcomes that were taken.
    pub edges: Vec<(StepId, String)>,
    /// How it ended; none where it was still live when the player gave up.
    pub end: Option<EndReason>,
    /// How many recordings were made.
    pub recordings: usize,
    /// The messages that were sent.
    pub messages: Vec<Message>,
    /// The requests that services got.
    pub requests: Vec<Request>,
    /// The turns of conversations: who and what.
    pub turns: Vec<(Time, &'static str, String)>,
    /// The documents, with the steps that they were made at.
    pub documents: Vec<(Time, Vec<StepId>, Vec<Verb>)>,
    /// What was written.
    pub rows: Vec<Row>,
    /// The flow's variables at the end.
    pub vars: Map<String, Value>,
    /// What is known of the caller at the end.
    pub contact: Map<String, Value>,
    /// What must never be, and was.
    pub violations: Vec<Violation>,
    /// Steps of the caller's script that the call left no time for.
    pub unplayed: usize,
    /// How often a model was asked that had no answer left.
    pub ran_out: u32,
}

/// Something that the caller heard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// From when.
    pub at: Time,
    /// The file, or the words.
    pub what: String,
    /// Whether it was spoken.
    pub spoken: bool,
}

/// A message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// When it was sent.
    pub at: Time,
    /// `whatsapp` or `sms`.
    pub channel: String,
    /// To whom.
    pub to: String,
    /// The template.
    pub template: Option<String>,
    /// The text.
    pub body: String,
}

/// A request to a service.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    /// When.
    pub at: Time,
    /// The step or the action.
    pub name: String,
    /// The method.
    pub method: String,
    /// The address.
    pub url: String,
    /// The body.
    pub body: Value,
}
