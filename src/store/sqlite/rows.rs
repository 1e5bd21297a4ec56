//! Writes the people's tables. An upsert keeps what it does not mention.

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::{Map, Value};

use super::mapping::fields_of;
use crate::store::{CallLog, CallTurn, ContactUpdate, Inbound, Interaction, Recording, Row};

/// Writes one row.
pub fn flow_version(connection: &Connection, hash: &str, flow: &str, bundle: &str) -> rusqlite::Result<()> {
    let sql = "INSERT INTO flow_version (hash, flow, bundle) VALUES ($1, $2, $3) ON CONFLICT (hash) DO NOTHING";
    connection
        .prepare_cached(sql)?
        .execute(params![hash, flow, bundle])
        .map(drop)
}

pub fn write(connection: &Connection, row: &Row) -> rusqlite::Result<()> {
    match row {
        Row::Call(row) => call(connection, row),
        Row::Turn(row) => turn(connection, row),
        Row::Interaction(row) => interaction(connection, row),
        Row::Contact(row) => contact(connection, row),
        Row::Recording(row) => recording(connection, row),
        Row::Inbound(row) => inbound(connection, row),
    }
}

fn call(connection: &Connection, row: &CallLog) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO call_log (call_sid, flow, from_number, to_number, direction, status, started_at, ended_at,
                 seconds, end_reason, watchdog_reason, last_step)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (call_sid) DO UPDATE SET
                 flow = COALESCE(excluded.flow, call_log.flow),
                 from_number = COALESCE(excluded.from_number, call_log.from_number),
                 to_number = COALESCE(excluded.to_number, call_log.to_number),
                 direction = COALESCE(excluded.direction, call_log.direction),
                 status = COALESCE(excluded.status, call_log.status),
                 started_at = COALESCE(excluded.started_at, call_log.started_at),
                 ended_at = COALESCE(excluded.ended_at, call_log.ended_at),
                 seconds = COALESCE(excluded.seconds, call_log.seconds),
                 end_reason = COALESCE(excluded.end_reason, call_log.end_reason),
                 watchdog_reason = COALESCE(excluded.watchdog_reason, call_log.watchdog_reason),
                 last_step = COALESCE(excluded.last_step, call_log.last_step)",
        )?
        .execute(params![
            row.call_sid,
            row.flow,
            row.from,
            row.to,
            row.direction,
            row.status,
            row.started_at,
            row.ended_at,
            row.seconds,
            row.end_reason,
            row.watchdog_reason,
            row.last_step,
        ])?;
    Ok(())
}

fn turn(connection: &Connection, row: &CallTurn) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO call_turn (call_sid, n, role, text, started_at, ended_at, interrupted, timings, provider,
                 tokens_in, tokens_out, cost)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)
             ON CONFLICT (call_sid, n) DO UPDATE SET role = excluded.role, text = excluded.text,
                 started_at = excluded.started_at, ended_at = excluded.ended_at,
                 interrupted = excluded.interrupted, timings = excluded.timings,
                 provider = excluded.provider, tokens_in = excluded.tokens_in, tokens_out = excluded.tokens_out,
                 cost = excluded.cost",
        )?
        .execute(params![
            row.call_sid,
            row.n,
            row.role,
            row.text,
            row.started_at,
            row.ended_at,
            i64::from(row.interrupted),
            row.timings.to_string(),
            row.provider,
            row.tokens_in,
            row.tokens_out,
            row.cost,
        ])?;
    Ok(())
}

fn interaction(connection: &Connection, row: &Interaction) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO interactions (key, at, phone, kind, call_sid, channel, summary, data)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (key) DO NOTHING",
        )?
        .execute(params![
            row.key,
            row.at,
            row.phone,
            row.kind,
            row.call_sid,
            row.channel,
            row.summary,
            row.data.to_string(),
        ])?;
    Ok(())
}

fn contact(connection: &Connection, row: &ContactUpdate) -> rusqlite::Result<()> {
    let stored: Option<String> = connection
        .prepare_cached("SELECT fields FROM contacts WHERE phone = $1")?
        .query_row([&row.phone], |found| found.get(0))
        .optional()?;
    let fields = merged(stored.map(fields_of).unwrap_or_default(), &row.fields);
    connection
        .prepare_cached(
            "INSERT INTO contacts (phone, name, fields, first_seen_at, updated_at) VALUES ($1, $2, $3, $4, $4)
             ON CONFLICT (phone) DO UPDATE SET name = COALESCE(excluded.name, contacts.name),
                 fields = excluded.fields, updated_at = excluded.updated_at",
        )?
        .execute(params![row.phone, row.name, Value::Object(fields).to_string(), row.at])?;
    Ok(())
}

fn merged(mut stored: Map<String, Value>, learnt: &Map<String, Value>) -> Map<String, Value> {
    for (key, value) in learnt {
        if value.is_null() {
            stored.remove(key);
        } else {
            stored.insert(key.clone(), value.clone());
        }
    }
    stored
}

fn recording(connection: &Connection, row: &Recording) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO recording (sid, call_sid, url, seconds, status, transcript, error, attempts)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
             ON CONFLICT (sid) DO UPDATE SET
                 call_sid = CASE WHEN excluded.call_sid = '' THEN recording.call_sid ELSE excluded.call_sid END,
                 url = COALESCE(excluded.url, recording.url),
                 seconds = COALESCE(excluded.seconds, recording.seconds),
                 status = COALESCE(excluded.status, recording.status),
                 transcript = COALESCE(excluded.transcript, recording.transcript),
                 error = CASE WHEN excluded.error IS NOT NULL THEN excluded.error
                     WHEN excluded.transcript IS NOT NULL THEN NULL ELSE recording.error END,
                 attempts = COALESCE(excluded.attempts, recording.attempts)",
        )?
        .execute(params![
            row.sid,
            row.call_sid,
            row.url,
            row.seconds,
            row.status,
            row.transcript,
            row.error,
            row.attempts,
        ])?;
    Ok(())
}

fn inbound(connection: &Connection, row: &Inbound) -> rusqlite::Result<()> {
    connection
        .prepare_cached(
            "INSERT INTO inbound (channel, sender, recipient, at) VALUES ($1, $2, $3, $4)
             ON CONFLICT (sender, channel, recipient) DO UPDATE SET at = excluded.at WHERE excluded.at > inbound.at",
        )?
        .execute(params![row.channel, row.sender, row.recipient, row.at])?;
    Ok(())
}
