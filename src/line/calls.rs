//! The calls in memory: each behind its own lock, so that one slow call never delays another.

use super::flows::Version;
use crate::call::{Call, CallId};
use crate::store::Change;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// A call as this process knows it.
pub(super) struct Loaded {
    pub call: Call,
    /// The version that the store has.
    pub version: i64,
    /// The flow that the call began with.
    pub flow: Arc<Version>,
    /// Changes that the store has not taken yet, oldest first. Nothing of them has been performed.
    pub backlog: Vec<Change>,
}

/// A call's place; empty until it was loaded.
pub(super) type Slot = Arc<tokio::sync::Mutex<Option<Loaded>>>;

/// All calls that this process has touched and that are not finished.
#[derive(Default)]
pub(super) struct Calls {
    slots: Mutex<HashMap<CallId, Slot>>,
}

impl Calls {
    /// The call's slot, made where there is none.
    pub fn slot(&self, id: &CallId) -> Slot {
        let mut slots = self.slots.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(slots.entry(id.clone()).or_default())
    }

    /// Forgets a call that is finished or unknown.
    pub fn forget(&self, id: &CallId) {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// The ids of the calls in memory.
    pub fn ids(&self) -> Vec<CallId> {
        self.slots
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .keys()
            .cloned()
            .collect()
    }
}
