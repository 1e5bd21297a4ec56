//! A call's effects as one change for the store.

use super::clock::stored;
use crate::call::{Call, Effect, Event, Pii, Row, TaskResult, Time, Timer};
use crate::store::{self, Change, NewState, TaskEnd, TaskRow, TimerRow};
use serde_json::Value;
use std::collections::BTreeMap;

/// Everything that the event brought about, to be stored together. `version` is what the store is expected to have.
pub(super) fn change(call: &Call, version: i64, now: Time, events: &[Event], effects: &[Effect]) -> Change {
    let mut change = Change::new(call.facts.id.as_str(), version);
    let mut timers: BTreeMap<Timer, Option<Time>> = BTreeMap::new();
    for event in events {
        change.events.push((stored(now), json(event)));
        if let Event::TaskEnded { key, result } = event {
            change.tasks_finished.push((key.0.clone(), ended(result)));
        }
    }
    for effect in effects {
        match effect {
            Effect::SetTimer(timer, due) => {
                timers.insert(*timer, Some(*due));
            }
            Effect::ClearTimer(timer) => {
                timers.insert(*timer, None);
            }
            Effect::Perform(task) => change.tasks_added.push(TaskRow {
                key: task.key.0.clone(),
                kind: task.kind.name().to_owned(),
                payload: json(&task.kind),
                due: stored(task.due),
            }),
            Effect::CancelTask(key) => change.tasks_cancelled.push(key.0.clone()),
            Effect::Write(row) => change.rows.push(stored_row(call, now, row)),
            Effect::Answer(_) | Effect::Media(_) | Effect::Log(_) => {}
        }
    }
    for (timer, due) in timers {
        match due {
            Some(due) => change.timers_set.push(TimerRow {
                name: timer.name().to_owned(),
                due: stored(due),
            }),
            None => change.timers_cleared.push(timer.name().to_owned()),
        }
    }
    change.state = Some(NewState {
        flow: call.facts.flow.clone(),
        flow_hash: call.facts.hash.0.clone(),
        state: json(call),
        ended: call.is_finished(),
    });
    change
}

/// Our own types always serialise: their maps have text keys and their numbers are finite.
fn json<T: serde::Serialize>(value: &T) -> String {
    serde_json::to_string(value).expect("call types have text keys only")
}

fn ended(result: &TaskResult) -> TaskEnd {
    match result {
        Ok(output) => TaskEnd::Done(json(output)),
        Err(error) => TaskEnd::Failed(json(error)),
    }
}

fn stored_row(call: &Call, now: Time, row: &Row) -> store::Row {
    let facts = &call.facts;
    match row.clone() {
        Row::CallLog {
            status,
            ended,
            seconds,
            end_reason,
            watchdog,
            step,
        } => store::Row::Call(store::CallLog {
            call_sid: facts.id.0.clone(),
            flow: Some(facts.flow.clone()),
            from: Some(facts.from.reveal().clone()),
            to: Some(facts.to.clone()),
            direction: Some(facts.direction.clone()),
            status,
            started_at: Some(stored(facts.started)),
            ended_at: ended.map(stored),
            seconds: seconds.map(i64::from),
            end_reason,
            watchdog_reason: watchdog,
            last_step: step,
        }),
        Row::Turn {
            n,
            role,
            text,
            started,
            ended,
            interrupted,
            facts: took,
        } => store::Row::Turn(store::CallTurn {
            call_sid: facts.id.0.clone(),
            n: i64::from(n),
            role,
            text: text.reveal().clone(),
            started_at: Some(stored(started)),
            ended_at: Some(stored(ended)),
            interrupted,
            provider: took.get("provider").and_then(Value::as_str).map(str::to_owned),
            tokens_in: took.get("usage").and_then(|usage| usage.get("prompt")?.as_i64()),
            tokens_out: took.get("usage").and_then(|usage| usage.get("completion")?.as_i64()),
            cost: took.get("cost").and_then(Value::as_f64),
            timings: Value::Object(took),
        }),
        Row::Recording(recording) => store::Row::Recording(store::Recording {
            sid: recording.sid,
            call_sid: facts.id.0.clone(),
            url: recording.url,
            seconds: recording.seconds.map(i64::from),
            status: Some(recording.status.to_owned()),
            transcript: recording.transcript,
            error: recording.error,
            attempts: None,
        }),
        Row::Interaction {
            key,
            phone,
            kind,
            channel,
            summary,
            data,
        } => store::Row::Interaction(store::Interaction {
            key,
            at: stored(now),
            phone: revealed(&phone),
            kind,
            call_sid: Some(facts.id.0.clone()),
            channel,
            summary,
            data,
        }),
        Row::Contact { phone, name, fields } => store::Row::Contact(store::ContactUpdate {
            phone: revealed(&phone),
            name,
            fields,
            at: stored(now),
        }),
    }
}

fn revealed(phone: &Pii<String>) -> String {
    phone.reveal().clone()
}
