//! Whether a call that is run again with its own flow comes to what was stored of it. Where it does not, the engine has
//! a fault: what it did depended on something that is no event.

use super::compare::Alone;
use crate::call::{Call, TaskKey, TaskKind};
use serde_json::Value;
use std::collections::BTreeMap;
use std::fmt;

/// What the replay and the store do not agree on. Values are left out: they may be private.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The stored state cannot be read.
    UnreadableState,
    /// This part of the state.
    State(String),
    /// The stored call ordered this and the replayed one did not.
    NotOrdered(String),
    /// The replayed call ordered this and the stored one did not.
    NotStored(String),
    /// Both ordered it, with other details.
    OrderedOtherwise(String),
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnreadableState => f.write_str("the stored state cannot be read by this engine"),
            Self::State(part) => write!(f, "`{part}` of the stored state is another"),
            Self::NotOrdered(key) => write!(f, "the task `{key}` is stored, and was not ordered again"),
            Self::NotStored(key) => write!(f, "the task `{key}` was ordered, and is not stored"),
            Self::OrderedOtherwise(key) => write!(f, "the task `{key}` is stored with other details"),
        }
    }
}

/// Compares a replayed call with its stored state and its stored tasks (key and payload).
pub fn faults<'a>(alone: &Alone, state: &str, tasks: impl IntoIterator<Item = (&'a str, &'a str)>) -> Vec<Fault> {
    let mut faults = Vec::new();
    match (serde_json::from_str::<Call>(state), &alone.call) {
        (Ok(stored), Some(replayed)) => faults.extend(state_apart(&stored, replayed)),
        _ => faults.push(Fault::UnreadableState),
    }
    let mut left: BTreeMap<&TaskKey, &TaskKind> = alone.ordered.iter().collect();
    for (key, payload) in tasks {
        match left.remove(&TaskKey::from(key)) {
            None => faults.push(Fault::NotOrdered(key.to_owned())),
            Some(kind) if serde_json::from_str::<TaskKind>(payload).ok().as_ref() != Some(kind) => {
                faults.push(Fault::OrderedOtherwise(key.to_owned()));
            }
            Some(_) => {}
        }
    }
    faults.extend(left.keys().map(|key| Fault::NotStored(key.to_string())));
    faults
}

fn state_apart(stored: &Call, replayed: &Call) -> Vec<Fault> {
    let fields = |call: &Call| match serde_json::to_value(call) {
        // The replayed call takes the way through text too, so that both have met the same rounding.
        Ok(value) => serde_json::from_str(&value.to_string()).unwrap_or_default(),
        Err(_) => Value::Null,
    };
    let (stored, replayed) = (fields(stored), fields(replayed));
    let (Value::Object(stored), Value::Object(replayed)) = (stored, replayed) else {
        return vec![Fault::UnreadableState];
    };
    let apart = stored.iter().filter(|(name, value)| replayed.get(*name) != Some(value));
    apart.map(|(name, _)| Fault::State(name.clone())).collect()
}
