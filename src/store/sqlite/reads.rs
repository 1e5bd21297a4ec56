//! Every question that the store answers from a read-only connection.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Params, Row, params};

use super::mapping::{self, limit_of};
use crate::store::{
    CallLog, CallTurn, Contact, DueTimer, Interaction, Recording, StoredCall, StoredEvent, TaskFilter, TaskRecord,
};

/// The columns of `call_log`, in the order of [`mapping::call_log`].
const LOG: &str = "call_sid, flow, from_number, to_number, direction, status, started_at, ended_at, seconds, \
                   end_reason, watchdog_reason, last_step";

pub fn call(connection: &Connection, id: &str) -> rusqlite::Result<Option<StoredCall>> {
    let sql = "SELECT call, flow, flow_hash, version, state, ended FROM call_state WHERE call = $1";
    one(connection, sql, [id], mapping::call)
}

pub fn flow_version(connection: &Connection, hash: &str) -> rusqlite::Result<Option<String>> {
    let sql = "SELECT bundle FROM flow_version WHERE hash = $1";
    one(connection, sql, [hash], |row| row.get(0))
}

/// The ids that hold `part`, or only the one that it is.
pub fn calls_with(connection: &Connection, part: &str, limit: usize) -> rusqlite::Result<Vec<String>> {
    let sql = "SELECT call FROM call_state WHERE call = $1
               UNION ALL
               SELECT call FROM call_state WHERE instr(call, $1) > 0
                   AND NOT EXISTS (SELECT 1 FROM call_state WHERE call = $1)
               LIMIT $2";
    list(connection, sql, params![part, limit_of(limit)], |row| row.get(0))
}

pub fn live_calls(connection: &Connection) -> rusqlite::Result<Vec<String>> {
    list(
        connection,
        "SELECT call FROM call_state WHERE ended = 0 ORDER BY call",
        [],
        |row| row.get(0),
    )
}

pub fn due_timers(connection: &Connection, now: i64, limit: usize) -> rusqlite::Result<Vec<DueTimer>> {
    let sql = "SELECT call, name, due FROM timer WHERE due <= $1 ORDER BY due, call, name LIMIT $2";
    list(connection, sql, params![now, limit_of(limit)], mapping::timer)
}

pub fn next_timer_due(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection
        .prepare_cached("SELECT MIN(due) FROM timer")?
        .query_row([], |row| row.get(0))
}

pub(super) const NEXT_TASK: &str = "SELECT MIN(ready) FROM (
        SELECT MIN(due) AS ready FROM outbox WHERE state = 'waiting'
        UNION ALL
        SELECT MIN(lease_until) AS ready FROM outbox WHERE state = 'running'
    ) AS next";

pub fn next_task_due(connection: &Connection) -> rusqlite::Result<Option<i64>> {
    connection.prepare_cached(NEXT_TASK)?.query_row([], |row| row.get(0))
}

pub fn last_inbound(
    connection: &Connection,
    channel: &str,
    sender: &str,
    recipient: &str,
) -> rusqlite::Result<Option<i64>> {
    let sql = "SELECT at FROM inbound WHERE channel = $1 AND sender = $2 AND recipient = $3";
    one(connection, sql, [channel, sender, recipient], |row| row.get(0))
}

pub fn contact(connection: &Connection, phone: &str) -> rusqlite::Result<Option<Contact>> {
    let sql = "SELECT phone, name, fields, first_seen_at, updated_at FROM contacts WHERE phone = $1";
    let found = one(connection, sql, [phone], |row| {
        Ok(Contact {
            phone: row.get(0)?,
            name: row.get(1)?,
            fields: mapping::fields_of(row.get(2)?),
            first_seen_at: row.get(3)?,
            updated_at: row.get(4)?,
            last_inbound_at: BTreeMap::new(),
        })
    })?;
    let Some(mut contact) = found else {
        return Ok(None);
    };
    let sql = "SELECT channel, MAX(at) FROM inbound WHERE sender = $1 GROUP BY channel";
    let times = list(connection, sql, [phone], |row| Ok((row.get(0)?, row.get(1)?)))?;
    contact.last_inbound_at = times.into_iter().collect();
    Ok(Some(contact))
}

pub fn events(connection: &Connection, call: &str) -> rusqlite::Result<Vec<StoredEvent>> {
    let sql = "SELECT seq, at, event FROM call_event WHERE call = $1 ORDER BY seq";
    list(connection, sql, [call], mapping::event)
}

pub fn turns(connection: &Connection, call: &str) -> rusqlite::Result<Vec<CallTurn>> {
    let sql = "SELECT call_sid, n, role, text, started_at, ended_at, interrupted, timings, provider,
                    tokens_in, tokens_out, cost FROM call_turn
               WHERE call_sid = $1 ORDER BY n";
    list(connection, sql, [call], mapping::turn)
}

pub fn recordings(connection: &Connection, call: &str) -> rusqlite::Result<Vec<Recording>> {
    let sql = "SELECT sid, call_sid, url, seconds, status, transcript, error, attempts FROM recording
               WHERE call_sid = $1 ORDER BY sid";
    list(connection, sql, [call], mapping::recording)
}

pub fn call_log(connection: &Connection, call: &str) -> rusqlite::Result<Option<CallLog>> {
    one(
        connection,
        &format!("SELECT {LOG} FROM call_log WHERE call_sid = $1"),
        [call],
        mapping::call_log,
    )
}

pub fn calls(connection: &Connection, limit: usize) -> rusqlite::Result<Vec<CallLog>> {
    let sql = format!("SELECT {LOG} FROM call_log ORDER BY started_at DESC NULLS LAST, call_sid LIMIT $1");
    list(connection, &sql, [limit_of(limit)], mapping::call_log)
}

pub fn interactions(connection: &Connection, phone: &str, limit: usize) -> rusqlite::Result<Vec<Interaction>> {
    let sql = "SELECT key, at, phone, kind, call_sid, channel, summary, data FROM interactions
               WHERE phone = $1 ORDER BY at DESC, key LIMIT $2";
    list(connection, sql, params![phone, limit_of(limit)], mapping::interaction)
}

pub fn tasks(connection: &Connection, filter: &TaskFilter) -> rusqlite::Result<Vec<TaskRecord>> {
    // Spelled out, because an index serves no condition that may be switched off.
    let of_call = if filter.call.is_some() {
        "call = $1"
    } else {
        "$1 IS NULL"
    };
    let sql = format!(
        "SELECT key, call, kind, payload, due, state, attempts, worker, error, result FROM outbox
         WHERE {of_call} AND ($2 IS NULL OR kind = $2) AND ($3 IS NULL OR state = $3)
         ORDER BY due DESC, key LIMIT $4"
    );
    let state = filter.state.map(crate::store::TaskState::as_str);
    let values = params![filter.call, filter.kind, state, limit_of(filter.limit)];
    list(connection, &sql, values, mapping::task_record)
}

/// Fails where the tables cannot be read.
pub fn ping(connection: &Connection) -> rusqlite::Result<()> {
    connection
        .prepare_cached("SELECT MAX(version) FROM schema_version")?
        .query_row([], |_| Ok(()))
}

fn one<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    map: impl FnOnce(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Option<T>> {
    connection.prepare_cached(sql)?.query_row(params, map).optional()
}

fn list<T>(
    connection: &Connection,
    sql: &str,
    params: impl Params,
    map: impl FnMut(&Row<'_>) -> rusqlite::Result<T>,
) -> rusqlite::Result<Vec<T>> {
    connection.prepare_cached(sql)?.query_map(params, map)?.collect()
}
