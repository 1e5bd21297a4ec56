//! The durable state of a call. It is stored as JSON after every event; each phase holds only what is valid in it.

use super::effect::Answer;
use super::ids::{CallId, FlowHash, Outcome, Route, StepId, TaskKey, Ticket, Time, Timer};
use super::pii::Pii;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// A call: everything that is known of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Call {
    /// What does not change.
    pub facts: Facts,
    /// The flow's variables.
    pub vars: Map<String, Value>,
    /// What the store knew of the caller, and what this call added.
    pub contact: Map<String, Value>,
    /// The last step's result, `step` in templates.
    pub result: Value,
    /// How often each webhook was awaited.
    pub uses: BTreeMap<Route, u32>,
    /// What recent requests were answered with, so that a repeated one gets the same.
    pub answers: VecDeque<(Ticket, Answer)>,
    /// The flows that are being run, innermost last.
    pub frames: Vec<Frame>,
    /// The carrier's latest word.
    pub status: CarrierStatus,
    /// The number of that word, where the carrier numbers them.
    pub status_sequence: Option<u32>,
    /// The timers that are set, so that one that fires late or was replaced in the meantime is known for what it is.
    pub timers: BTreeMap<Timer, Time>,
    /// How many tasks were made; part of each one's key.
    pub tasks: u32,
    /// Wishes of a conversation that are being fulfilled, by their task.
    #[serde(default)]
    pub wishes: BTreeMap<TaskKey, Wish>,
    /// A redirect that the carrier has not confirmed.
    pub redirect: Option<Redirect>,
    /// The watchdog's last word.
    pub watchdog: Option<Watchdog>,
    /// The ids of recordings already taken.
    pub recordings: BTreeSet<String>,
    /// What the latest `record` step wants done, also with a recording that arrives after the call's end.
    pub record_wish: Option<RecordWish>,
    /// The call's length as the carrier counts it.
    pub seconds: Option<u32>,
    /// Turns of its conversations so far.
    pub turns: u32,
    /// Steps that failed so far. The first goes to the fallback, the next to the apology.
    pub troubles: u32,
    /// Where it stands.
    pub phase: Phase,
    /// Who looks on, where somebody proves or tests the flow.
    #[serde(skip)]
    pub probe: Option<Box<super::probe::Probe>>,
}

/// A wish that is being fulfilled.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wish {
    /// The model's name for it.
    pub id: String,
    /// Whose action it is.
    pub agent: String,
    /// The action.
    pub action: String,
}

/// What does not change in a call.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The carrier's id.
    pub id: CallId,
    /// The flow's name.
    pub flow: String,
    /// Its version.
    pub hash: FlowHash,
    /// The caller.
    pub from: Pii<String>,
    /// The number that was called.
    pub to: String,
    /// `inbound`, `outbound-api` …
    pub direction: String,
    /// The caller's country, where the carrier says it.
    pub country: Option<String>,
    /// The caller's city, where the carrier says it.
    pub city: Option<String>,
    /// The caller's name, where the carrier looks it up.
    pub caller_name: Option<Pii<String>>,
    /// The first request.
    pub started: Time,
    /// `https://host`, as the carrier reaches the engine.
    pub origin: String,
    /// What stream tokens are derived from.
    pub seed: String,
}

/// A document that was sent to a live call through the REST API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Redirect {
    /// The task that sends it.
    pub key: TaskKey,
    /// The wait whose late request gets the same document.
    pub ticket: Ticket,
    /// Why, in the contract's words.
    pub reason: String,
    /// All tries failed; the guard timer tries again.
    pub failed: bool,
}

/// What a `record` step wants done with its recording.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RecordWish {
    /// Turn it into text.
    pub transcribe: bool,
    /// In this language.
    pub language: Option<String>,
}

/// A flow that is being run from a step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The `run` step.
    pub step: StepId,
    /// The caller's variables, kept while the other flow has its own.
    pub vars: Map<String, Value>,
}

/// Where a call stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// The carrier holds a document and something will come back.
    Live(Live),
    /// Nobody is on the line.
    Ended {
        at: Time,
        reason: EndReason,
        follow_up: FollowUp,
    },
}

/// A live call's position.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Live {
    /// The step that waits.
    pub step: StepId,
    /// For what.
    pub wait: Wait,
}

/// What a live call waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Wait {
    /// The request that is expected.
    pub ticket: Ticket,
    /// Which attempt of the step this is, from 1.
    pub attempt: u32,
    /// Milliseconds after which the carrier is asked whether the call still lives.
    pub patience: u64,
    /// Who acts.
    pub on: WaitOn,
}

/// Who has to act before the call goes on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WaitOn {
    /// The carrier, when its verb is over.
    Action,
    /// A media stream.
    Stream(Stream),
    /// Our own task; the carrier keeps asking meanwhile, and from `give_up` on the task counts as failed.
    Task {
        key: TaskKey,
        give_up: Time,
        result: Option<Box<super::event::TaskResult>>,
    },
    /// Nobody: the document ends the call, and the carrier will say so.
    Farewell(EndReason),
}

/// A media stream that is expected or running.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stream {
    /// Proves that the socket belongs to this call; good once.
    pub token: String,
    /// The agent that talks on it; none where the stream goes to somebody else's endpoint.
    pub agent: Option<String>,
    /// Watchdog: milliseconds until it must have started, from when the carrier reaches the verb.
    pub start: u64,
    /// Watchdog: longest time without a frame of the caller, in milliseconds.
    pub media: u64,
    /// The longest time in which nothing is heard while an answer is due, in milliseconds.
    #[serde(default = "reply")]
    pub reply: u64,
    /// About how long the carrier speaks when it has started, before the agent is heard, in milliseconds.
    #[serde(default)]
    pub welcome: u64,
    /// The sound of both sides is to be kept.
    #[serde(default)]
    pub record: bool,
    /// How far it got.
    pub phase: StreamPhase,
}

/// For streams that were begun before this was kept.
fn reply() -> u64 {
    crate::talk::agent::Plan::default().reply
}

impl Stream {
    /// Whether it runs under this id.
    pub fn is(&self, stream_sid: &str) -> bool {
        matches!(&self.phase, StreamPhase::Running { stream_sid: running } if running == stream_sid)
    }
}

/// How far a stream got.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StreamPhase {
    /// Not started.
    Pending,
    /// Running under this id.
    Running { stream_sid: String },
    /// Over; the carrier has yet to ask for what follows.
    Decided { outcome: Outcome },
}

/// Why the watchdog acted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Watchdog {
    /// The stream did not start in time.
    NoStreamStart,
    /// The stream started and the caller was not heard.
    NoMedia,
}

impl Watchdog {
    /// The contract's word, which is also the outcome's name.
    pub fn word(self) -> &'static str {
        match self {
            Self::NoStreamStart => "no_stream_start",
            Self::NoMedia => "no_media",
        }
    }
}

/// How a call came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndReason {
    /// The flow hung up.
    HungUp,
    /// The flow refused the call.
    Rejected,
    /// The caller left before the flow ended.
    CallerLeft,
    /// `limits.call` was reached.
    TooLong,
    /// The call was given to somebody else for good.
    HandedOver,
    /// The last resort was played.
    Failed,
    /// The carrier never reported the end; it was found out later.
    Lost,
}

impl EndReason {
    /// For tables and templates.
    pub fn word(self) -> &'static str {
        match self {
            Self::HungUp => "hung_up",
            Self::Rejected => "rejected",
            Self::CallerLeft => "caller_left",
            Self::TooLong => "too_long",
            Self::HandedOver => "handed_over",
            Self::Failed => "failed",
            Self::Lost => "lost",
        }
    }
}

/// What happens after a call, one item at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FollowUp {
    /// This item's task is under way.
    Waiting { item: usize, key: TaskKey },
    /// All of it is done.
    Done,
}

/// The carrier's view of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CarrierStatus {
    /// Waiting to be placed.
    Queued,
    /// Being placed.
    Initiated,
    /// Not answered yet.
    #[default]
    Ringing,
    /// Answered.
    InProgress,
    /// Over, after it was answered.
    Completed,
    /// The other side was busy.
    Busy,
    /// It could not be placed or broke.
    Failed,
    /// Nobody answered.
    NoAnswer,
    /// Given up before it was answered.
    Canceled,
}

impl CarrierStatus {
    /// All, with the carrier's spelling.
    pub const ALL: [(Self, &'static str); 9] = [
        (Self::Queued, "queued"),
        (Self::Initiated, "initiated"),
        (Self::Ringing, "ringing"),
        (Self::InProgress, "in-progress"),
        (Self::Completed, "completed"),
        (Self::Busy, "busy"),
        (Self::Failed, "failed"),
        (Self::NoAnswer, "no-answer"),
        (Self::Canceled, "canceled"),
    ];

    /// Reads the carrier's word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|(_, name)| *name == word)
            .map(|(status, _)| status)
    }

    /// The carrier's word.
    pub fn word(self) -> &'static str {
        Self::ALL
            .into_iter()
            .find(|(status, _)| *status == self)
            .map_or("unknown", |(_, name)| name)
    }

    /// Whether nobody is on the line any more.
    pub fn is_over(self) -> bool {
        matches!(
            self,
            Self::Completed | Self::Busy | Self::Failed | Self::NoAnswer | Self::Canceled
        )
    }
}

impl Call {
    /// The live position, where there is one.
    pub fn live(&self) -> Option<&Live> {
        match &self.phase {
            Phase::Live(live) => Some(live),
            Phase::Ended { .. } => None,
        }
    }

    /// Whether the call and all that follows it are over.
    pub fn is_finished(&self) -> bool {
        matches!(
            self.phase,
            Phase::Ended {
                follow_up: FollowUp::Done,
                ..
            }
        )
    }

    /// What was answered to that ticket before.
    pub fn answered(&self, ticket: Ticket) -> Option<&Answer> {
        self.answers
            .iter()
            .rev()
            .find(|(known, _)| *known == ticket)
            .map(|(_, answer)| answer)
    }
}
