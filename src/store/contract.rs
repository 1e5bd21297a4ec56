//! The store's contract. Every kind of database keeps it and passes the same suite of tests.

use futures_util::future::BoxFuture;

use super::{
    CallLog, CallTurn, Change, Contact, DueTimer, Interaction, Recording, StoreError, StoredCall, StoredEvent, Task,
    TaskFilter, TaskRecord,
};

/// What every operation gives.
pub type StoreFuture<'a, T> = BoxFuture<'a, Result<T, StoreError>>;

/// Where calls, timers, pending effects and the people's tables are kept.
///
/// Times are Unix milliseconds and always come from the caller: the store reads no clock. What an operation has
/// answered `Ok` to is on disk. Dropping a future does not undo what it began. Where an error
/// [is an outage](StoreError::is_outage), the operation may or may not have taken effect: load the call again.
pub trait Store: Send + Sync + 'static {
    /// Writes the change, everything or nothing, and gives the call's version after it (0 for a call that has no
    /// state).
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where the call has moved on meanwhile: load it, work the change out again, retry.
    /// [`StoreError::TaskEnded`] and [`StoreError::TaskUnknown`] where `tasks_finished` names a task that has ended
    /// before or was never added. Or an outage.
    fn commit(&self, change: Change) -> StoreFuture<'_, i64>;

    /// The call as it was last committed.
    fn call(&self, id: &str) -> StoreFuture<'_, Option<StoredCall>>;

    /// The ids of all calls that have not ended.
    fn live_calls(&self) -> StoreFuture<'_, Vec<String>>;

    /// Up to `limit` timers that are due at `now`, the earliest first. A timer is listed again and again until a
    /// commit clears or replaces it, so whoever feeds it to its call clears it in the same change.
    fn due_timers(&self, now: i64, limit: usize) -> StoreFuture<'_, Vec<DueTimer>>;

    /// When the earliest timer is due.
    fn next_timer_due(&self) -> StoreFuture<'_, Option<i64>>;

    /// Claims up to `limit` tasks for `worker` until `now + lease_ms`, the earliest due first: those that wait and
    /// are due, and those whose lease has run out. No two workers are ever given the same lease.
    fn claim_tasks(&self, now: i64, lease_ms: i64, worker: &str, limit: usize) -> StoreFuture<'_, Vec<Task>>;

    /// Puts a claimed task back until `due`, because of `error`.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] where `worker` does not hold it any more.
    fn retry_task(&self, key: &str, worker: &str, due: i64, error: &str) -> StoreFuture<'_, ()>;

    /// When the earliest task can be claimed: it becomes due, or its lease runs out.
    fn next_task_due(&self) -> StoreFuture<'_, Option<i64>>;

    /// Notes that `sender` wrote to `recipient` at `at`; an older time than the one stored is ignored.
    fn note_inbound(&self, channel: &str, sender: &str, recipient: &str, at: i64) -> StoreFuture<'_, ()>;

    /// When `sender` last wrote to `recipient`.
    fn last_inbound(&self, channel: &str, sender: &str, recipient: &str) -> StoreFuture<'_, Option<i64>>;

    /// The contact with this number.
    fn contact(&self, phone: &str) -> StoreFuture<'_, Option<Contact>>;

    /// The call's events, in order.
    fn events(&self, call: &str) -> StoreFuture<'_, Vec<StoredEvent>>;

    /// The call's turns, in order.
    fn turns(&self, call: &str) -> StoreFuture<'_, Vec<CallTurn>>;

    /// The call's recordings, by id.
    fn recordings(&self, call: &str) -> StoreFuture<'_, Vec<Recording>>;

    /// The call's line in the log.
    fn call_log(&self, call: &str) -> StoreFuture<'_, Option<CallLog>>;

    /// The latest calls, the youngest first.
    fn calls(&self, limit: usize) -> StoreFuture<'_, Vec<CallLog>>;

    /// The latest interactions with a contact, the youngest first.
    fn interactions(&self, phone: &str, limit: usize) -> StoreFuture<'_, Vec<Interaction>>;

    /// Tasks, for people and tests; the latest due first.
    fn tasks(&self, filter: TaskFilter) -> StoreFuture<'_, Vec<TaskRecord>>;

    /// Keeps everything that a flow was compiled from, under its hash; the same hash again is ignored.
    fn save_flow_version(&self, hash: &str, flow: &str, bundle: &str) -> StoreFuture<'_, ()>;

    /// What the flow of that hash was compiled from.
    fn flow_version(&self, hash: &str) -> StoreFuture<'_, Option<String>>;

    /// Whether the store can write and read now.
    fn ping(&self) -> StoreFuture<'_, ()>;
}
