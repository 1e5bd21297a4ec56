//! What is left of calls, for those who only look: the store is neither created nor upgraded nor written.

use super::{Address, CallLog, StoreError, StoredCall, StoredEvent, TaskRecord, sqlite};

/// Everything that is kept of one call, as of one moment.
#[derive(Debug, Clone, PartialEq)]
pub struct Kept {
    /// Its state.
    pub call: StoredCall,
    /// Its line in the log.
    pub log: Option<CallLog>,
    /// What happened, in order.
    pub events: Vec<StoredEvent>,
    /// What it had done outside.
    pub tasks: Vec<TaskRecord>,
    /// What its flow's version was compiled from, where that was kept.
    pub bundle: Option<String>,
}

/// A store that is only looked into. An engine may be at work on it meanwhile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Journal {
    address: Address,
}

impl Journal {
    /// The journal of the store at this address; it is opened anew for each question.
    pub fn new(address: Address) -> Self {
        Self { address }
    }

    /// Up to `limit` calls, the youngest first.
    ///
    /// # Errors
    /// The store is missing, damaged, or of another version than this engine can read.
    pub fn recent(&self, limit: usize) -> Result<Vec<CallLog>, StoreError> {
        let Address::Sqlite(path) = &self.address;
        sqlite::journal::recent(path, limit)
    }

    /// The ids of up to `limit` calls that hold `part`; where one is exactly it, only that one.
    ///
    /// # Errors
    /// As [`Journal::recent`].
    pub fn matching(&self, part: &str, limit: usize) -> Result<Vec<String>, StoreError> {
        let Address::Sqlite(path) = &self.address;
        sqlite::journal::matching(path, part, limit)
    }

    /// What is kept of a call.
    ///
    /// # Errors
    /// As [`Journal::recent`].
    pub fn kept(&self, id: &str) -> Result<Option<Kept>, StoreError> {
        let Address::Sqlite(path) = &self.address;
        sqlite::journal::kept(path, id)
    }
}
