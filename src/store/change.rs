//! One step of one call, as the store keeps it: the machine's new state and everything that follows from it.

use super::{Row, TaskEnd, TaskRow, TimerRow};

/// As [`Change::expect_version`]: the change holds facts that stand whatever state the call is in.
pub const ANY_VERSION: i64 = -1;

/// What [`Store::commit`](super::Store::commit) writes: everything in it, or nothing.
///
/// Within one change, timers are cleared before they are set, and tasks are added before they are cancelled or
/// finished, so a name in both lists ends up set, and a key in both lists ends up cancelled.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Change {
    /// The call, by the carrier's id; for a change outside any call, whatever names its cause.
    pub call: String,
    /// The version that this change was worked out from: 0 for a call that is not stored yet, [`ANY_VERSION`] for
    /// facts that need no version. A change with a new state always needs its exact version.
    pub expect_version: i64,
    /// The machine's new state; `None` leaves state and version as they are.
    pub state: Option<NewState>,
    /// What happened, in order: the time in Unix milliseconds, and the event as JSON.
    pub events: Vec<(i64, String)>,
    /// Timers to set; one of the same name is replaced.
    pub timers_set: Vec<TimerRow>,
    /// Timers to clear, by name; one that is not set is ignored.
    pub timers_cleared: Vec<String>,
    /// Effects to perform. A key that the store has seen before, ended or not, is ignored.
    pub tasks_added: Vec<TaskRow>,
    /// Keys of tasks that shall not be performed after all. One that a worker holds, or that has ended, is left alone.
    pub tasks_cancelled: Vec<String>,
    /// Tasks that have ended, with their results. A task ends once: a second end refuses the whole change.
    pub tasks_finished: Vec<(String, TaskEnd)>,
    /// What people read: the call log, turns, contacts and the like.
    pub rows: Vec<Row>,
}

impl Change {
    /// An empty change to `call`, worked out from `expect_version`.
    pub fn new(call: impl Into<String>, expect_version: i64) -> Self {
        Self {
            call: call.into(),
            expect_version,
            ..Self::default()
        }
    }

    /// An empty change to `call` that holds facts only and is not refused for the state the call is in.
    pub fn facts(call: impl Into<String>) -> Self {
        Self::new(call, ANY_VERSION)
    }
}

/// The machine's state after a change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct NewState {
    /// The flow's name.
    pub flow: String,
    /// The hash of the flow that the call began with.
    pub flow_hash: String,
    /// The machine's state, as JSON.
    pub state: String,
    /// The call is over and nothing is left to do for it.
    pub ended: bool,
}

/// A call as it was last committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredCall {
    /// The call's id.
    pub id: String,
    /// The flow's name.
    pub flow: String,
    /// The hash of the flow that the call began with.
    pub flow_hash: String,
    /// How many states have been committed; the next change expects this.
    pub version: i64,
    /// The machine's state, as JSON.
    pub state: String,
    /// The call is over and nothing is left to do for it.
    pub ended: bool,
}

/// One event of a call, in the order in which it was committed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the call, from 1 without gaps.
    pub seq: i64,
    /// When it happened, in Unix milliseconds.
    pub at: i64,
    /// The event, as JSON.
    pub json: String,
}
