//! From a row of a result to a value. The order of the columns is the order in the queries.

use rusqlite::Row;
use rusqlite::types::Type;
use serde_json::{Map, Value};

use crate::store::{
    CallLog, CallTurn, DueTimer, Interaction, Recording, StoredCall, StoredEvent, Task, TaskRecord, TaskState,
};

/// A limit as SQL takes it.
pub fn limit_of(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

/// JSON as stored. What was edited by hand into something else is given as the text that it is.
pub fn json_of(text: String) -> Value {
    serde_json::from_str(&text).unwrap_or(Value::String(text))
}

/// A contact's fields as stored. What was edited by hand into something else is kept under `unreadable`: it must not
/// be lost, and it must not stop a call either.
pub fn fields_of(text: String) -> Map<String, Value> {
    match json_of(text) {
        Value::Object(fields) => fields,
        other => Map::from_iter([("unreadable".to_owned(), other)]),
    }
}

/// Columns `call, flow, flow_hash, version, state, ended`.
pub fn call(row: &Row<'_>) -> rusqlite::Result<StoredCall> {
    Ok(StoredCall {
        id: row.get(0)?,
        flow: row.get(1)?,
        flow_hash: row.get(2)?,
        version: row.get(3)?,
        state: row.get(4)?,
        ended: row.get::<_, i64>(5)? != 0,
    })
}

/// Columns `seq, at, event`.
pub fn event(row: &Row<'_>) -> rusqlite::Result<StoredEvent> {
    Ok(StoredEvent {
        seq: row.get(0)?,
        at: row.get(1)?,
        json: row.get(2)?,
    })
}

/// Columns `call, name, due`.
pub fn timer(row: &Row<'_>) -> rusqlite::Result<DueTimer> {
    Ok(DueTimer {
        call: row.get(0)?,
        name: row.get(1)?,
        due: row.get(2)?,
    })
}

/// Columns `key, call, kind, payload, due, attempts, lease_expired`.
pub fn task(row: &Row<'_>) -> rusqlite::Result<Task> {
    Ok(Task {
        key: row.get(0)?,
        call: row.get(1)?,
        kind: row.get(2)?,
        payload: row.get(3)?,
        due: row.get(4)?,
        attempts: row.get(5)?,
        claimed_before: row.get::<_, i64>(6)? != 0,
    })
}

/// Columns `key, call, kind, payload, due, state, attempts, worker, error, result`.
pub fn task_record(row: &Row<'_>) -> rusqlite::Result<TaskRecord> {
    let word: String = row.get(5)?;
    let state = TaskState::parse(&word).ok_or_else(|| {
        let what = format!("`{word}` is no state of a task");
        rusqlite::Error::FromSqlConversionFailure(5, Type::Text, what.into())
    })?;
    Ok(TaskRecord {
        key: row.get(0)?,
        call: row.get(1)?,
        kind: row.get(2)?,
        payload: row.get(3)?,
        due: row.get(4)?,
        state,
        attempts: row.get(6)?,
        worker: row.get(7)?,
        error: row.get(8)?,
        result: row.get(9)?,
    })
}

/// Columns as [`CallLog`] has its fields.
pub fn call_log(row: &Row<'_>) -> rusqlite::Result<CallLog> {
    Ok(CallLog {
        call_sid: row.get(0)?,
        flow: row.get(1)?,
        from: row.get(2)?,
        to: row.get(3)?,
        direction: row.get(4)?,
        status: row.get(5)?,
        started_at: row.get(6)?,
        ended_at: row.get(7)?,
        seconds: row.get(8)?,
        end_reason: row.get(9)?,
        watchdog_reason: row.get(10)?,
        last_step: row.get(11)?,
    })
}

/// Columns as [`CallTurn`] has its fields.
pub fn turn(row: &Row<'_>) -> rusqlite::Result<CallTurn> {
    Ok(CallTurn {
        call_sid: row.get(0)?,
        n: row.get(1)?,
        role: row.get(2)?,
        text: row.get(3)?,
        started_at: row.get(4)?,
        ended_at: row.get(5)?,
        interrupted: row.get::<_, i64>(6)? != 0,
        timings: json_of(row.get(7)?),
        provider: row.get(8)?,
        tokens_in: row.get(9)?,
        tokens_out: row.get(10)?,
        cost: row.get(11)?,
    })
}

/// Columns as [`Interaction`] has its fields.
pub fn interaction(row: &Row<'_>) -> rusqlite::Result<Interaction> {
    Ok(Interaction {
        key: row.get(0)?,
        at: row.get(1)?,
        phone: row.get(2)?,
        kind: row.get(3)?,
        call_sid: row.get(4)?,
        channel: row.get(5)?,
        summary: row.get(6)?,
        data: json_of(row.get(7)?),
    })
}

/// Columns as [`Recording`] has its fields.
pub fn recording(row: &Row<'_>) -> rusqlite::Result<Recording> {
    Ok(Recording {
        sid: row.get(0)?,
        call_sid: row.get(1)?,
        url: row.get(2)?,
        seconds: row.get(3)?,
        status: row.get(4)?,
        transcript: row.get(5)?,
        error: row.get(6)?,
        attempts: row.get(7)?,
    })
}
