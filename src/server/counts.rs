//! Counters of what an operator should never see grow.

use std::sync::atomic::{AtomicU64, Ordering};

/// Counts since the start of the process; cheap to raise from any task.
#[derive(Debug, Default)]
pub struct Counts {
    pub(super) webhook_refused: AtomicU64,
    pub(super) socket_wrong_signature: AtomicU64,
    pub(super) safe_answers: AtomicU64,
    pub(super) panics: AtomicU64,
    pub(super) static_missing: AtomicU64,
}

/// The counts at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Snapshot {
    /// Webhooks answered with 403.
    pub webhook_refused: u64,
    /// Media sockets whose signature was present and wrong.
    pub socket_wrong_signature: u64,
    /// Webhooks that the line did not answer: malformed, too late, or to an unknown path.
    pub safe_answers: u64,
    /// Handlers that panicked.
    pub panics: u64,
    /// Files asked for below `/static/` that are not there.
    pub static_missing: u64,
}

impl Counts {
    /// Reads all counters.
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            webhook_refused: self.webhook_refused.load(Ordering::Relaxed),
            socket_wrong_signature: self.socket_wrong_signature.load(Ordering::Relaxed),
            safe_answers: self.safe_answers.load(Ordering::Relaxed),
            panics: self.panics.load(Ordering::Relaxed),
            static_missing: self.static_missing.load(Ordering::Relaxed),
        }
    }
}

pub(super) fn raise(counter: &AtomicU64) {
    counter.fetch_add(1, Ordering::Relaxed);
}
