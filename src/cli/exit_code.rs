//! Exit codes: named, documented, and chosen in one place. They never depend on the output format.

use std::process::ExitCode;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Done, and nothing at or above the fail level.
    Done,
    /// Problems were found: findings, a failing call.
    Problems,
    /// Wrong usage, or input that cannot be read.
    Usage,
    /// Nothing to do: no flow matched.
    NothingToDo,
    /// The port or the store could not be had; a restart may help.
    Unavailable,
    /// `run` refused the configuration; a restart does not help.
    Config,
}

impl Exit {
    /// The number that the shell sees.
    pub const fn code(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Problems => 1,
            Self::Usage => 2,
            Self::NothingToDo => 3,
            Self::Unavailable => 69,
            Self::Config => 78,
        }
    }
}

/// A bug in the engine; set by the panic hook.
pub const BUG: u8 = 70;

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}
