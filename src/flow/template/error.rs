//! Why a template gave no result during a call.

use std::fmt;

use super::super::source::Place;

/// Why a template or condition gave no result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EvalError {
    /// A value was not there.
    Undefined {
        /// The expression that had no value.
        what: String,
        /// Where it is written.
        place: Place,
    },
    /// It took more instructions than any text needs.
    OutOfFuel {
        /// Where it was when it was stopped.
        place: Place,
    },
    /// A filter or an operation refused its values.
    Failed {
        /// Why.
        message: String,
        /// Where.
        place: Place,
    },
}

impl EvalError {
    /// Where it went wrong.
    pub fn place(&self) -> &Place {
        match self {
            Self::Undefined { place, .. } | Self::OutOfFuel { place } | Self::Failed { place, .. } => place,
        }
    }
}

impl fmt::Display for EvalError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Undefined { what, place } => write!(f, "{place}: `{what}` has no value"),
            Self::OutOfFuel { place } => write!(f, "{place}: the template works too long"),
            Self::Failed { message, place } => write!(f, "{place}: {message}"),
        }
    }
}

impl std::error::Error for EvalError {}
