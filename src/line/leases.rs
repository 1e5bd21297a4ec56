//! Tasks that a process held when it ended: the next one takes them up at once instead of waiting for the lease.

use super::clock::{now, stored};
use super::engine::{Engine, random_hex};
use crate::store::{StoreError, TaskFilter, TaskState};

/// This process's name among those that claim tasks: its id on this machine, and what tells it from an earlier
/// process of the same id.
pub(super) fn worker() -> String {
    format!("{}-{}", std::process::id(), random_hex::<4>())
}

/// Puts tasks back that an earlier process held: one process at a time has the store. What they did may have happened
/// already, which counts as a try.
pub(super) async fn take_back(engine: &Engine) -> Result<(), StoreError> {
    let running = TaskFilter {
        state: Some(TaskState::Running),
        ..TaskFilter::default()
    };
    for task in engine.store.tasks(running).await? {
        let Some(worker) = task.worker.filter(|worker| *worker != engine.worker) else {
            continue;
        };
        let why = "the engine ended before it was told how this went";
        match engine.store.retry_task(&task.key, &worker, stored(now()), why).await {
            Ok(()) => tracing::info!(task = %task.key, call_sid = %task.call, "TASK_TAKEN_UP"),
            // Its lease has run out already: the outbox claims it by itself.
            Err(StoreError::LeaseLost { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
