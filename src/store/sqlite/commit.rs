//! Writes one change. It runs within a transaction that undoes all of it on the first error.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Trouble, claims, rows};
use crate::store::{ANY_VERSION, Change, NewState, StoreError};

/// Writes `change` and gives the call's version after it.
pub fn apply(connection: &Connection, change: &Change) -> Result<i64, Trouble> {
    let found = version(connection, &change.call)?;
    // A state always needs its exact version: `ANY_VERSION` equals none.
    let any = change.expect_version == ANY_VERSION && change.state.is_none();
    if !any && change.expect_version != found {
        return Err(StoreError::Conflict {
            call: change.call.clone(),
            expected: change.expect_version,
            found,
        }
        .into());
    }
    let version = match &change.state {
        Some(state) => {
            set_state(connection, &change.call, found + 1, state)?;
            found + 1
        }
        None => found,
    };
    append_events(connection, change)?;
    move_timers(connection, change)?;
    for task in &change.tasks_added {
        claims::add(connection, &change.call, task)?;
    }
    for key in &change.tasks_cancelled {
        claims::cancel(connection, key)?;
    }
    for (key, end) in &change.tasks_finished {
        claims::finish(connection, key, end)?;
    }
    for row in &change.rows {
        rows::write(connection, row)?;
    }
    Ok(version)
}

fn version(connection: &Connection, call: &str) -> rusqlite::Result<i64> {
    let found = connection
        .prepare_cached("SELECT version FROM call_state WHERE call = $1")?
        .query_row([call], |row| row.get(0))
        .optional()?;
    Ok(found.unwrap_or(0))
}

fn set_state(connection: &Connection, call: &str, version: i64, state: &NewState) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO call_state (call, flow, flow_hash, version, state, ended) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (call) DO UPDATE SET flow = excluded.flow, flow_hash = excluded.flow_hash,
                 version = excluded.version, state = excluded.state, ended = excluded.ended",
        )?
        .execute(params![
            call,
            state.flow,
            state.flow_hash,
            version,
            state.state,
            i64::from(state.ended)
        ])?;
    Ok(())
}

fn append_events(connection: &Connection, change: &Change) -> rusqlite::Result<()> {
    if change.events.is_empty() {
        return Ok(());
    }
    let last: i64 = connection
        .prepare_cached("SELECT COALESCE(MAX(seq), 0) FROM call_event WHERE call = $1")?
        .query_row([&change.call], |row| row.get(0))?;
    let mut insert =
        connection.prepare_cached("INSERT INTO call_event (call, seq, at, event) VALUES ($1, $2, $3, $4)")?;
    for (seq, (at, event)) in (last + 1..).zip(&change.events) {
        insert.execute(params![change.call, seq, at, event])?;
    }
    Ok(())
}

fn move_timers(connection: &Connection, change: &Change) -> rusqlite::Result<()> {
    for name in &change.timers_cleared {
        connection
            .prepare_cached("DELETE FROM timer WHERE call = $1 AND name = $2")?
            .execute(params![change.call, name])?;
    }
    for timer in &change.timers_set {
        connection
            .prepare_cached(
                "INSERT INTO timer (call, name, due) VALUES ($1, $2, $3)
                 ON CONFLICT (call, name) DO UPDATE SET due = excluded.due",
            )?
            .execute(params![change.call, timer.name, timer.due])?;
    }
    Ok(())
}
