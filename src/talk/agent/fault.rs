//! What can be wrong with a plan.

use std::fmt;
use std::sync::Arc;

/// Why a plan cannot be followed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PlanError {
    /// A clip is named that is not there.
    NoSuchClip { clip: usize, clips: usize },
    /// A clip has neither sound nor words.
    EmptyClip { clip: usize },
    /// A line has neither a clip nor words.
    EmptyLine,
    /// The silence that ends a turn is outside of 300 to 600 ms.
    Silence { millis: u64 },
    /// An answer would end before it is paused.
    BargeIn { pause_after: u64, confirm_after: u64 },
    /// A likeness outside of 0 to 1.
    Similar,
    /// A wait of no length.
    NoWait { name: &'static str },
    /// Two actions of one name.
    SameAction { name: Arc<str> },
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoSuchClip { clip, clips } => write!(f, "clip {clip} is named, and there are {clips}"),
            Self::EmptyClip { clip } => write!(f, "clip {clip} has neither sound nor words"),
            Self::EmptyLine => write!(f, "a line has neither a clip nor words"),
            Self::Silence { millis } => {
                write!(
                    f,
                    "a turn would end after {millis} ms of silence; 300 to 600 are possible"
                )
            }
            Self::BargeIn {
                pause_after,
                confirm_after,
            } => write!(
                f,
                "an answer would end after {confirm_after} ms of speech, before it is paused at {pause_after} ms"
            ),
            Self::Similar => write!(f, "a likeness lies between 0 and 1"),
            Self::NoWait { name } => write!(f, "`{name}` is a wait of no length"),
            Self::SameAction { name } => write!(f, "two actions are called `{name}`"),
        }
    }
}

impl std::error::Error for PlanError {}
