//! What is still to be done for a call: timers, and the outbox of effects with their claims.

/// A timer of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TimerRow {
    /// The timer's name, unique within its call.
    pub name: String,
    /// When it fires, in Unix milliseconds.
    pub due: i64,
}

/// A timer that is due. It stays due until a commit of its call clears or replaces it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueTimer {
    /// The call it belongs to.
    pub call: String,
    /// The timer's name.
    pub name: String,
    /// When it should have fired, in Unix milliseconds.
    pub due: i64,
}

/// An effect to perform outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRow {
    /// Names the effect among all calls, for ever: the same key is performed once.
    pub key: String,
    /// What to do, for whoever performs it.
    pub kind: String,
    /// With what, as JSON.
    pub payload: String,
    /// Not before this time, in Unix milliseconds.
    pub due: i64,
}

/// An effect that one worker holds until it finishes or retries it, or its lease runs out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Task {
    /// The effect's name among all calls.
    pub key: String,
    /// The call it belongs to.
    pub call: String,
    /// What to do.
    pub kind: String,
    /// With what, as JSON.
    pub payload: String,
    /// When it became due, in Unix milliseconds.
    pub due: i64,
    /// How many times it was claimed, this one included.
    pub attempts: i64,
    /// An earlier lease ran out before its worker said how it went: the effect may have been performed already.
    pub claimed_before: bool,
}

/// How a task ended; each holds the result as JSON.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TaskEnd {
    /// It was performed.
    Done(String),
    /// It failed for good.
    Failed(String),
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TaskState {
    /// It waits to be due, or for a worker.
    Waiting,
    /// A worker holds it.
    Running,
    /// It was performed.
    Done,
    /// It failed for good.
    Failed,
    /// It was cancelled before a worker took it.
    Cancelled,
}

impl TaskState {
    /// Every state, in the order of a task's life.
    pub const ALL: [Self; 5] = [Self::Waiting, Self::Running, Self::Done, Self::Failed, Self::Cancelled];

    /// The word that stands in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state for a word of the table; `None` for any other word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

/// Which tasks to list; a field that is `None` lets every task through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskFilter {
    /// Tasks of this call.
    pub call: Option<String>,
    /// Tasks of this kind.
    pub kind: Option<String>,
    /// Tasks that stand here.
    pub state: Option<TaskState>,
    /// At most this many, the latest due first.
    pub limit: usize,
}

impl Default for TaskFilter {
    /// Every task, 1000 at most.
    fn default() -> Self {
        Self {
            call: None,
            kind: None,
            state: None,
            limit: 1000,
        }
    }
}

/// A task as people see it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TaskRecord {
    /// The effect's name among all calls.
    pub key: String,
    /// The call it belongs to.
    pub call: String,
    /// What to do.
    pub kind: String,
    /// With what, as JSON.
    pub payload: String,
    /// When it is or was due, in Unix milliseconds.
    pub due: i64,
    /// Where it stands.
    pub state: TaskState,
    /// How many times it was claimed.
    pub attempts: i64,
    /// Who holds it, or held it last.
    pub worker: Option<String>,
    /// Why the last attempt failed, where it was put back.
    pub error: Option<String>,
    /// How it ended, as JSON.
    pub result: Option<String>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_and_its_word_are_one_to_one() {
        for state in TaskState::ALL {
            assert_eq!(TaskState::parse(state.as_str()), Some(state));
        }
        assert_eq!(TaskState::parse("sleeping"), None);
    }
}
