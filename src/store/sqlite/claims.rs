//! The outbox: a task is added once, held by one worker at a time, and ends once.

use rusqlite::{Connection, OptionalExtension, params};

use super::mapping::limit_of;
use super::{Trouble, mapping};
use crate::store::{StoreError, Task, TaskEnd, TaskRow};

/// Claims what is due or whose lease has run out. The transaction holds the write lock, so nobody claims between the
/// choice and the mark.
pub(super) const CLAIM: &str = "UPDATE outbox SET
        lease_expired = CASE WHEN state = 'running' THEN 1 ELSE lease_expired END,
        state = 'running', worker = $1, lease_until = $2, attempts = attempts + 1
    WHERE key IN (SELECT key FROM (
        SELECT key, due FROM outbox WHERE state = 'waiting' AND due <= $3
        UNION ALL
        SELECT key, due FROM outbox WHERE state = 'running' AND lease_until <= $3
    ) AS ready ORDER BY due LIMIT $4)
    RETURNING key, call, kind, payload, due, attempts, lease_expired";

/// Adds a task; one whose key is known already is ignored.
pub fn add(connection: &Connection, call: &str, task: &TaskRow) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO outbox (key, call, kind, payload, due, state, attempts)
             VALUES ($1, $2, $3, $4, $5, 'waiting', 0) ON CONFLICT (key) DO NOTHING",
        )?
        .execute(params![task.key, call, task.kind, task.payload, task.due])?;
    Ok(())
}

/// Cancels a task that no worker holds.
pub fn cancel(connection: &Connection, key: &str) -> rusqlite::Result<()> {
    connection
        .prepare_cached("UPDATE outbox SET state = 'cancelled' WHERE key = $1 AND state = 'waiting'")?
        .execute([key])?;
    Ok(())
}

/// Ends a task. It may have passed to another worker meanwhile: the first end stands.
pub fn finish(connection: &Connection, key: &str, end: &TaskEnd) -> Result<(), Trouble> {
    let (state, result) = match end {
        TaskEnd::Done(result) => ("done", result),
        TaskEnd::Failed(result) => ("failed", result),
    };
    let ended = connection
        .prepare_cached(
            "UPDATE outbox SET state = $1, result = $2, lease_until = NULL
             WHERE key = $3 AND state IN ('waiting', 'running')",
        )?
        .execute(params![state, result, key])?;
    if ended > 0 {
        return Ok(());
    }
    let known = connection
        .prepare_cached("SELECT 1 FROM outbox WHERE key = $1")?
        .query_row([key], |_| Ok(()))
        .optional()?;
    let key = key.to_owned();
    Err(match known {
        Some(()) => StoreError::TaskEnded { key },
        None => StoreError::TaskUnknown { key },
    }
    .into())
}

/// Gives up to `limit` tasks to `worker`, the earliest due first.
pub fn claim(
    connection: &Connection,
    now: i64,
    lease_ms: i64,
    worker: &str,
    limit: usize,
) -> Result<Vec<Task>, Trouble> {
    let mut statement = connection.prepare_cached(CLAIM)?;
    let until = now.saturating_add(lease_ms);
    let claimed = statement.query_map(params![worker, until, now, limit_of(limit)], mapping::task)?;
    let mut tasks = claimed.collect::<rusqlite::Result<Vec<Task>>>()?;
    // RETURNING promises no order.
    tasks.sort_by(|a, b| (a.due, &a.key).cmp(&(b.due, &b.key)));
    Ok(tasks)
}

/// Puts a task back that `worker` holds.
pub fn retry(connection: &Connection, key: &str, worker: &str, due: i64, error: &str) -> Result<(), Trouble> {
    let put_back = connection
        .prepare_cached(
            "UPDATE outbox SET state = 'waiting', due = $1, error = $2, lease_until = NULL
             WHERE key = $3 AND worker = $4 AND state = 'running'",
        )?
        .execute(params![due, error, key, worker])?;
    if put_back == 0 {
        return Err(StoreError::LeaseLost { key: key.to_owned() }.into());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::{connect, reads};
    use super::*;
    use crate::store::SqliteConfig;

    #[test]
    fn what_has_ended_costs_nothing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let opened = connect::to_write(&SqliteConfig::new(folder.path().join("calls.db"))).expect("it opens");
        for sql in [CLAIM, reads::NEXT_TASK] {
            let mut plan = opened
                .connection
                .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
                .expect("a plan");
            let values = vec![rusqlite::types::Null; plan.parameter_count()];
            let steps: Vec<String> = plan
                .query_map(rusqlite::params_from_iter(values), |row| row.get(3))
                .and_then(Iterator::collect)
                .expect("its steps");
            let all = steps.join("\n");
            assert!(
                all.contains("outbox_waiting") && all.contains("outbox_running"),
                "{all}"
            );
            let slow = steps
                .iter()
                .any(|step| step.starts_with("SCAN outbox") && !step.contains("INDEX"));
            assert!(
                !slow,
                "the outbox keeps all that ever was, so it must not be walked:\n{all}"
            );
        }
    }
}
