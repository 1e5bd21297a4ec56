//! Tasks that a process held when it ended: the next one takes them up at once instead of waiting for the lease.

use super::clock::{now, stored};
use super::engine::{Engine, random_hex};
use crate::store::{StoreError, TaskFilter, TaskState};

/// This process's name among those that claim tasks: its id on this machine, and what tells it from an earlier
/// process of the same id.
pub(super) fn worker() -> String {
    format!("{}-{}", std::process::id(), random_hex::<4>())
}

/// Puts tasks back whose worker is no more. What they did may have happened already, which counts as a try.
pub(super) async fn take_back(engine: &Engine) -> Result<(), StoreError> {
    let running = TaskFilter {
        state: Some(TaskState::Running),
        ..TaskFilter::default()
    };
    for task in engine.store.tasks(running).await? {
        let Some(worker) = task.worker.filter(|worker| is_gone(worker)) else {
            continue;
        };
        let why = "the engine ended before it was told how this went";
        match engine.store.retry_task(&task.key, &worker, stored(now()), why).await {
            Ok(()) => tracing::info!(task = %task.key, call_sid = %task.call, "TASK_TAKEN_UP"),
            // Somebody else took it up.
            Err(StoreError::LeaseLost { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether the worker's process has ended. One of this process's own id is an earlier one: nothing is claimed yet.
fn is_gone(worker: &str) -> bool {
    let id = worker.split('-').next().and_then(|id| id.parse::<u32>().ok());
    id.is_some_and(|id| id == std::process::id() || !runs(id))
}

#[cfg(unix)]
fn runs(id: u32) -> bool {
    let Some(id) = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw) else {
        return false;
    };
    // Not being allowed to signal it means that it is there.
    rustix::process::test_kill_process(id) != Err(rustix::io::Errno::SRCH)
}

/// Where processes cannot be asked for, the lease runs out by itself.
#[cfg(not(unix))]
fn runs(_id: u32) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worker_is_gone_with_its_process() {
        assert!(is_gone(&worker()), "nothing of this process is claimed when it starts");
        let mut child = std::process::Command::new("sleep")
            .arg("60")
            .spawn()
            .expect("a process");
        let name = format!("{}-0000", child.id());
        assert!(!is_gone(&name));
        child.kill().expect("it can be killed");
        child.wait().expect("it ends");
        assert!(is_gone(&name));
        assert!(!is_gone("another-kind-of-name"));
    }
}
