//! Timers are rows; this loop hands the due ones to their calls, also those that came due while no engine ran.

use super::apply::Unapplied;
use super::clock::{now, stored};
use super::engine::Engine;
use crate::call::{CallId, Event, Time, Timer};
use crate::store::{Change, DueTimer};
use std::sync::Arc;
use std::time::Duration;

/// The longest sleep between two looks at the table: another process may have set a timer.
const LOOK_AGAIN: Duration = Duration::from_millis(500);
/// Timers that are handed out at once.
const BATCH: usize = 256;

/// Runs until the engine stops.
pub(super) async fn run(engine: Arc<Engine>) {
    loop {
        let taken = match engine.store.due_timers(stored(now()), BATCH).await {
            Ok(due) => {
                let mut running = tokio::task::JoinSet::new();
                for timer in due {
                    let engine = Arc::clone(&engine);
                    running.spawn(async move { fire(&engine, timer).await });
                }
                let mut taken = true;
                while let Some(fired) = running.join_next().await {
                    taken &= fired.unwrap_or(false);
                }
                taken
            }
            Err(error) => {
                tracing::error!(%error, help = error.help(), "STORE_FAILED");
                false
            }
        };
        // While the store is out, due timers stay in the table: they are not handed out in a tight loop.
        let sleep = if taken { until_next(&engine).await } else { LOOK_AGAIN };
        tokio::select! {
            () = tokio::time::sleep(sleep) => {}
            () = engine.timers_changed.notified() => {}
            () = engine.stopped() => return,
        }
    }
}

async fn until_next(engine: &Engine) -> Duration {
    let Ok(Some(due)) = engine.store.next_timer_due().await else {
        return LOOK_AGAIN;
    };
    let wait = u64::try_from(due - stored(now())).unwrap_or(0);
    // A timer that its call could not take stays due: it is not asked for in a tight loop.
    Duration::from_millis(wait.max(20)).min(LOOK_AGAIN)
}

/// Gives the timer to its call; whether the store has taken what came of it.
async fn fire(engine: &Engine, due: DueTimer) -> bool {
    let id = CallId(due.call);
    let Some(timer) = Timer::from_name(&due.name) else {
        clear(engine, &id, &due.name).await;
        return true;
    };
    let last_frame = engine.sockets.last_frame(&id).map(Time);
    match engine.apply(&id, Event::TimerFired { timer, last_frame }).await {
        Ok(applied) => !applied.unsaved,
        Err(Unapplied::Unknown | Unapplied::NoFlow) => {
            tracing::error!(call_sid = %id, timer = timer.name(), "a timer's call cannot be read");
            clear(engine, &id, &due.name).await;
            true
        }
        Err(Unapplied::Store(error)) => {
            tracing::error!(call_sid = %id, %error, "STORE_FAILED");
            false
        }
    }
}

/// Removes a timer that nobody can take.
async fn clear(engine: &Engine, id: &CallId, name: &str) {
    let mut change = Change::facts(id.as_str());
    change.timers_cleared.push(name.to_owned());
    if let Err(error) = engine.store.commit(change).await {
        tracing::error!(call_sid = %id, %error, "STORE_FAILED");
    }
}
