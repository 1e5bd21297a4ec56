//! The outbox: tasks are claimed, performed with retries, and their results go back to their calls as events.

use super::apply::Unapplied;
use super::clock::{now, stored};
use super::engine::Engine;
use super::perform::{Failure, perform};
use crate::call::{CallId, Event, TaskKey, TaskKind, TaskResult};
use crate::channels::backoff::Backoff;
use crate::store::{Change, Task, TaskEnd};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

/// How long a worker may hold a task before another may take it, in milliseconds.
const LEASE_MS: i64 = 900_000;
/// How long one try may take at all: shorter than the lease, so that no other worker begins it meanwhile.
const LONGEST_TRY: Duration = Duration::from_secs(840);
/// Tasks under way at once in this process.
pub(super) const AT_ONCE: u32 = 64;
/// The longest sleep between two looks at the table.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// How often a kind of task is tried, and how far the tries spread.
struct Patience {
    tries: i64,
    backoff: Backoff,
}

fn patience(kind: &TaskKind) -> Patience {
    let of = |tries, first_ms, most_ms| Patience {
        tries,
        backoff: Backoff {
            base: Duration::from_millis(first_ms),
            cap: Duration::from_millis(most_ms),
        },
    };
    match kind {
        // A caller hears nothing meanwhile.
        TaskKind::RedirectCall { .. } => of(4, 250, 1_000),
        TaskKind::HangUpCall => of(6, 500, 10_000),
        TaskKind::AskStatus => of(3, 1_000, 5_000),
        TaskKind::SendMessage { .. } => of(10, 2_000, 600_000),
        TaskKind::Transcribe { .. } => of(8, 2_000, 600_000),
        TaskKind::Http { tries, .. } => of(i64::from(*tries), 250, 2_000),
    }
}

/// Tasks that failed together do not come back together.
fn seed(key: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    key.hash(&mut hasher);
    hasher.finish()
}

/// Runs until the engine stops. A task that is under way then is claimed again by the next process.
pub(super) async fn run(engine: Arc<Engine>) {
    let at_once = Arc::clone(&engine.under_way);
    loop {
        let mut out = false;
        let free = at_once.available_permits();
        let claimed = if free == 0 {
            Ok(Vec::new())
        } else {
            engine
                .store
                .claim_tasks(stored(now()), LEASE_MS, &engine.worker, free)
                .await
        };
        match claimed {
            Ok(tasks) => {
                for task in tasks {
                    // As many were claimed as permits were free, and nobody else takes permits.
                    let Ok(permit) = Arc::clone(&at_once).try_acquire_owned() else {
                        continue;
                    };
                    let engine = Arc::clone(&engine);
                    tokio::spawn(async move {
                        work(&engine, task).await;
                        drop(permit);
                        engine.outbox_has_work.notify_one();
                    });
                }
            }
            Err(error) => {
                tracing::error!(%error, help = error.help(), "STORE_FAILED");
                out = true;
            }
        }
        let sleep = if out {
            LOOK_AGAIN
        } else {
            until_next(&engine, at_once.available_permits()).await
        };
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            () = engine.outbox_has_work.notified() => {}
            () = engine.stopped() => return,
        }
    }
}

async fn until_next(engine: &Engine, free: usize) -> Duration {
    match engine.store.next_task_due().await {
        Ok(Some(due)) if free > 0 => {
            let wait = u64::try_from(due - stored(now())).unwrap_or(0);
            Duration::from_millis(wait.max(10)).min(LOOK_AGAIN)
        }
        _ => LOOK_AGAIN,
    }
}

async fn work(engine: &Engine, task: Task) {
    let kind: TaskKind = match serde_json::from_str(&task.payload) {
        Ok(kind) => kind,
        Err(error) => return report(engine, &task, Err(format!("the task cannot be read: {error}"))).await,
    };
    let patience = patience(&kind);
    let tried = tokio::time::timeout(LONGEST_TRY, perform(engine, &task, kind)).await;
    let tried = tried.unwrap_or_else(|_| {
        Err(Failure::Again {
            error: "it took too long".to_owned(),
            after_ms: None,
        })
    });
    match tried {
        Ok(output) => report(engine, &task, Ok(output)).await,
        Err(Failure::Final(error)) => report(engine, &task, Err(error)).await,
        Err(Failure::Again { error, after_ms }) => {
            if task.attempts >= patience.tries {
                return report(engine, &task, Err(error)).await;
            }
            let most = u64::try_from(patience.backoff.cap.as_millis()).unwrap_or(u64::MAX);
            let delay = after_ms.map(|asked| asked.min(most)).unwrap_or_else(|| {
                let failures = u32::try_from(task.attempts).unwrap_or(u32::MAX);
                let delay = patience.backoff.delay(failures, seed(&task.key));
                u64::try_from(delay.as_millis()).unwrap_or(u64::MAX)
            });
            tracing::warn!(task = %task.key, attempt = task.attempts, again_in_ms = delay, %error, "TASK_RETRY");
            let due = stored(now().plus(delay));
            if let Err(error) = engine.store.retry_task(&task.key, &engine.worker, due, &error).await {
                tracing::error!(task = %task.key, %error, "STORE_FAILED");
            }
        }
    }
}

/// Gives the result to the call. While the store is out the lease runs out, and the task is looked at again.
async fn report(engine: &Engine, task: &Task, result: TaskResult) {
    let id = CallId(task.call.clone());
    let failed = result.as_ref().err().cloned();
    let event = Event::TaskEnded {
        key: TaskKey(task.key.clone()),
        result,
    };
    match engine.apply(&id, event).await {
        Ok(_) => {}
        Err(Unapplied::Unknown | Unapplied::NoFlow) => {
            let mut change = Change::facts(task.call.clone());
            let end = failed.map_or_else(|| TaskEnd::Done("null".to_owned()), TaskEnd::Failed);
            change.tasks_finished.push((task.key.clone(), end));
            if let Err(error) = engine.store.commit(change).await {
                tracing::error!(task = %task.key, %error, "STORE_FAILED");
            }
        }
        Err(Unapplied::Store(error)) => tracing::error!(task = %task.key, %error, "STORE_FAILED"),
    }
}
