//! What can happen to a call, in the past tense. Events are stored as they came and can be replayed.

use super::ids::{TaskKey, Ticket, Time, Timer};
use super::pii::Pii;
use super::state::CarrierStatus;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// Something that happened outside the machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "event")]
pub enum Event {
    /// A call came in. Always a call's first event.
    CallArrived(Arrival),
    /// The carrier requested a document (an `action`, a redirect).
    CarrierAsked { ticket: Ticket, params: Params },
    /// A status callback, or what the carrier's REST API said of the call.
    StatusChanged {
        status: CarrierStatus,
        sequence: Option<u32>,
        seconds: Option<u32>,
    },
    /// The carrier wants a document for somebody beside the call: the called party of a dial, a queue's wait.
    /// `round` counts the requests of one such party, from 1.
    AsideAsked { params: Params, round: u32 },
    /// The carrier's own report on a stream; unsigned, so it never proves anything about our socket.
    StreamReported { report: String, error: Option<String> },
    /// A media socket sent its `start` message.
    StreamStarted { stream_sid: String, token: Option<String> },
    /// The conversation on the socket reached an end of its own.
    TalkEnded {
        stream_sid: String,
        exit: String,
        /// Why, for the log.
        #[serde(default)]
        why: String,
    },
    /// One side's turn in a conversation is over.
    TurnTaken {
        role: String,
        text: Pii<String>,
        started: Time,
        ended: Time,
        interrupted: bool,
        /// What it took: times, providers, tokens, cost; by name.
        #[serde(default)]
        facts: Map<String, Value>,
    },
    /// The conversation has granted a model's wish: the declared action is to be done with these arguments.
    Wished {
        stream_sid: String,
        id: String,
        action: String,
        /// A JSON object.
        arguments: Pii<String>,
    },
    /// The conversation found out values for the call.
    TalkSet {
        stream_sid: String,
        vars: Map<String, Value>,
    },
    /// The media socket is gone.
    StreamClosed {
        stream_sid: String,
        reason: String,
        frames_in: u64,
        frames_out: u64,
    },
    /// A timer is due. `last_frame` is when the caller was last heard on a socket of this process.
    TimerFired { timer: Timer, last_frame: Option<Time> },
    /// An outside effect came to its end.
    TaskEnded { key: TaskKey, result: TaskResult },
    /// The document that answers `ticket` could not be rendered.
    DocumentFailed { ticket: Ticket, error: String },
    /// The engine itself is in difficulties.
    TroubleStruck { trouble: Trouble },
    /// The engine was started again while this call was live.
    EngineRestarted,
    /// The engine is about to stop and hands its live calls over.
    EngineDraining,
}

/// What is known of a call when it comes in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Arrival {
    /// The carrier's fields, as sent.
    pub params: Params,
    /// `https://host` of the engine as the carrier reaches it.
    pub origin: String,
    /// 128 random bits in hex, from which the call's stream tokens are derived.
    pub seed: String,
    /// What the store knows of the caller.
    pub contact: Option<Value>,
    /// Set while the engine drains: the call goes straight to the flow's fallback.
    pub draining: bool,
}

/// What the engine can suffer while a call is live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Trouble {
    /// The store does not take what it is given.
    Store,
}

/// A form's fields; where a key repeats, the first value counts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Params(BTreeMap<String, String>);

impl Params {
    /// The field's text, with empty taken as absent: the carrier sends many fields empty.
    pub fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// The field as a whole number.
    pub fn number(&self, key: &str) -> Option<u32> {
        self.text(key)?.trim().parse().ok()
    }

    /// Whether the field is there at all, empty or not.
    pub fn has(&self, key: &str) -> bool {
        self.0.contains_key(key)
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Params {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(fields: I) -> Self {
        let mut map = BTreeMap::new();
        for (key, value) in fields {
            map.entry(key.into()).or_insert_with(|| value.into());
        }
        Self(map)
    }
}

/// How an outside effect ended: its output, or why it failed for good.
pub type TaskResult = Result<TaskOutput, String>;

/// What an outside effect gave back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "output")]
pub enum TaskOutput {
    /// The carrier took the new document, or the order to hang up.
    Accepted,
    /// The carrier says that the call is already over.
    CallGone,
    /// The call's status at the carrier.
    Status {
        status: CarrierStatus,
        seconds: Option<u32>,
    },
    /// A message was accepted under this id.
    Sent { sid: String },
    /// A service answered.
    Http { status: u16, body: Value },
    /// A recording's text; empty where nothing was said.
    Transcript { text: String },
}
