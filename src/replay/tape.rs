//! A call's stored events, read back.

use crate::call::{Event, Time};
use std::fmt;

/// One event and when it came.
#[derive(Clone, Debug, PartialEq)]
pub struct Happened {
    /// Its place in the call, from 1.
    pub seq: i64,
    /// When it was handled.
    pub at: Time,
    /// What it was.
    pub event: Event,
}

/// Why stored events cannot be replayed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TapeError {
    /// Nothing was stored.
    Empty,
    /// This event cannot be read: it was stored by another version of the engine, or edited.
    Unreadable {
        /// Which one.
        seq: i64,
        /// What is wrong with it.
        problem: String,
    },
    /// The first event is not the call's arrival.
    NoArrival,
}

impl fmt::Display for TapeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("no event of the call is stored"),
            Self::Unreadable { seq, problem } => write!(f, "event {seq} cannot be read: {problem}"),
            Self::NoArrival => f.write_str("the first stored event is not the call's arrival"),
        }
    }
}

impl std::error::Error for TapeError {}

/// Reads rows of sequence number, Unix milliseconds and JSON, in order.
///
/// # Errors
/// [`TapeError`] where the rows are not a call from its beginning.
pub fn read<'a>(rows: impl IntoIterator<Item = (i64, i64, &'a str)>) -> Result<Vec<Happened>, TapeError> {
    let mut tape = Vec::new();
    for (seq, at, json) in rows {
        let event = serde_json::from_str(json).map_err(|error| TapeError::Unreadable {
            seq,
            // The text of an error can repeat what it could not read, and that may be somebody's words.
            problem: format!("{:?} at column {}", error.classify(), error.column()),
        })?;
        let at = Time(u64::try_from(at).unwrap_or(0));
        tape.push(Happened { seq, at, event });
    }
    match tape.first() {
        None => Err(TapeError::Empty),
        Some(first) if !matches!(first.event, Event::CallArrived(_)) => Err(TapeError::NoArrival),
        Some(_) => Ok(tape),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tape_begins_with_an_arrival_and_says_what_it_cannot_read() {
        let restarted = r#"{"event":"engine_restarted"}"#;
        assert_eq!(read([]), Err(TapeError::Empty));
        assert_eq!(read([(1, 5, restarted)]), Err(TapeError::NoArrival));
        let error = read([(1, 5, r#"{"event":"dana_called"}"#)]).expect_err("no such event");
        assert!(matches!(error, TapeError::Unreadable { seq: 1, .. }) && !error.to_string().contains("dana"));
        let arrived = r#"{"event":"call_arrived","params":{},"origin":"o","seed":"s","contact":null,"draining":false}"#;
        let tape = read([(1, 5, arrived), (2, 9, restarted)]).expect("a tape");
        assert_eq!(tape[1].at, Time(9));
    }
}
