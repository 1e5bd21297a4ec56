//! A store that breaks on command, for tests of what the engine does then. It wraps a real one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::{
    CallLog, CallTurn, Change, Contact, DueTimer, Interaction, Recording, Store, StoreError, StoreFuture, StoredCall,
    StoredEvent, Task, TaskFilter, TaskRecord,
};

/// A family of operations that can be made to fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// [`Store::commit`] and [`Store::note_inbound`].
    Commit,
    /// [`Store::call`].
    Call,
    /// [`Store::due_timers`], [`Store::next_timer_due`].
    Timers,
    /// [`Store::claim_tasks`], [`Store::retry_task`], [`Store::next_task_due`].
    Tasks,
    /// Everything that only reads for people, and [`Store::last_inbound`].
    Read,
    /// [`Store::ping`].
    Ping,
}

impl Operation {
    /// Every family.
    pub const ALL: [Self; 6] = [
        Self::Commit,
        Self::Call,
        Self::Timers,
        Self::Tasks,
        Self::Read,
        Self::Ping,
    ];
}

/// Wraps a store and fails what it is told to.
pub struct FaultyStore {
    inner: Arc<dyn Store>,
    faults: Mutex<HashMap<Operation, Fault>>,
}

#[derive(Clone)]
struct Fault {
    /// How many times; `None` until healed.
    left: Option<usize>,
    error: StoreError,
    /// The operation takes effect, and only its answer is lost.
    after: bool,
}

impl FaultyStore {
    /// Works as `inner` does until told otherwise.
    pub fn new(inner: Arc<dyn Store>) -> Self {
        Self {
            inner,
            faults: Mutex::default(),
        }
    }

    /// Fails the next `times` operations of this family before they take effect.
    pub fn fail_next(&self, operation: Operation, times: usize, error: StoreError) {
        self.set(
            operation,
            Fault {
                left: Some(times),
                error,
                after: false,
            },
        );
    }

    /// Lets the next `times` operations of this family take effect, and answers with the error all the same: what
    /// an asker sees whose store dies between the commit and the answer.
    pub fn lose_answers(&self, operation: Operation, times: usize, error: StoreError) {
        self.set(
            operation,
            Fault {
                left: Some(times),
                error,
                after: true,
            },
        );
    }

    /// Fails everything until [`heal`](Self::heal).
    pub fn break_down(&self, error: &StoreError) {
        for operation in Operation::ALL {
            self.set(
                operation,
                Fault {
                    left: None,
                    error: error.clone(),
                    after: false,
                },
            );
        }
    }

    /// Works again.
    pub fn heal(&self) {
        self.faults().clear();
    }

    fn set(&self, operation: Operation, fault: Fault) {
        self.faults().insert(operation, fault);
    }

    fn faults(&self) -> MutexGuard<'_, HashMap<Operation, Fault>> {
        self.faults.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn next(&self, operation: Operation) -> Option<Fault> {
        let mut faults = self.faults();
        let fault = faults.get_mut(&operation)?;
        match &mut fault.left {
            None => {}
            Some(0) => return None,
            Some(left) => *left -= 1,
        }
        Some(fault.clone())
    }

    fn pass<'a, T: Send + 'a>(&self, operation: Operation, real: StoreFuture<'a, T>) -> StoreFuture<'a, T> {
        let Some(fault) = self.next(operation) else {
            return real;
        };
        Box::pin(async move {
            if fault.after {
                real.await?;
            }
            Err(fault.error)
        })
    }
}

impl Store for FaultyStore {
    fn commit(&self, change: Change) -> StoreFuture<'_, i64> {
        self.pass(Operation::Commit, self.inner.commit(change))
    }

    fn call(&self, id: &str) -> StoreFuture<'_, Option<StoredCall>> {
        self.pass(Operation::Call, self.inner.call(id))
    }

    fn live_calls(&self) -> StoreFuture<'_, Vec<String>> {
        self.pass(Operation::Read, self.inner.live_calls())
    }

    fn due_timers(&self, now: i64, limit: usize) -> StoreFuture<'_, Vec<DueTimer>> {
        self.pass(Operation::Timers, self.inner.due_timers(now, limit))
    }

    fn next_timer_due(&self) -> StoreFuture<'_, Option<i64>> {
        self.pass(Operation::Timers, self.inner.next_timer_due())
    }

    fn claim_tasks(&self, now: i64, lease_ms: i64, worker: &str, limit: usize) -> StoreFuture<'_, Vec<Task>> {
        self.pass(Operation::Tasks, self.inner.claim_tasks(now, lease_ms, worker, limit))
    }

    fn retry_task(&self, key: &str, worker: &str, due: i64, error: &str) -> StoreFuture<'_, ()> {
        self.pass(Operation::Tasks, self.inner.retry_task(key, worker, due, error))
    }

    fn next_task_due(&self) -> StoreFuture<'_, Option<i64>> {
        self.pass(Operation::Tasks, self.inner.next_task_due())
    }

    fn note_inbound(&self, channel: &str, sender: &str, recipient: &str, at: i64) -> StoreFuture<'_, ()> {
        self.pass(
            Operation::Commit,
            self.inner.note_inbound(channel, sender, recipient, at),
        )
    }

    fn last_inbound(&self, channel: &str, sender: &str, recipient: &str) -> StoreFuture<'_, Option<i64>> {
        self.pass(Operation::Read, self.inner.last_inbound(channel, sender, recipient))
    }

    fn contact(&self, phone: &str) -> StoreFuture<'_, Option<Contact>> {
        self.pass(Operation::Read, self.inner.contact(phone))
    }

    fn events(&self, call: &str) -> StoreFuture<'_, Vec<StoredEvent>> {
        self.pass(Operation::Read, self.inner.events(call))
    }

    fn turns(&self, call: &str) -> StoreFuture<'_, Vec<CallTurn>> {
        self.pass(Operation::Read, self.inner.turns(call))
    }

    fn recordings(&self, call: &str) -> StoreFuture<'_, Vec<Recording>> {
        self.pass(Operation::Read, self.inner.recordings(call))
    }

    fn call_log(&self, call: &str) -> StoreFuture<'_, Option<CallLog>> {
        self.pass(Operation::Read, self.inner.call_log(call))
    }

    fn calls(&self, limit: usize) -> StoreFuture<'_, Vec<CallLog>> {
        self.pass(Operation::Read, self.inner.calls(limit))
    }

    fn interactions(&self, phone: &str, limit: usize) -> StoreFuture<'_, Vec<Interaction>> {
        self.pass(Operation::Read, self.inner.interactions(phone, limit))
    }

    fn tasks(&self, filter: TaskFilter) -> StoreFuture<'_, Vec<TaskRecord>> {
        self.pass(Operation::Read, self.inner.tasks(filter))
    }

    fn save_flow_version(&self, hash: &str, flow: &str, bundle: &str) -> StoreFuture<'_, ()> {
        let save = self.inner.save_flow_version(hash, flow, bundle);
        self.pass(Operation::Commit, save)
    }

    fn flow_version(&self, hash: &str) -> StoreFuture<'_, Option<String>> {
        self.pass(Operation::Call, self.inner.flow_version(hash))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        self.pass(Operation::Ping, self.inner.ping())
    }
}
