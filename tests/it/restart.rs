//! The process dies, is stopped or is renewed in the middle of calls: nobody is left in silence and nothing is lost.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use engine::carrier::{Fault, Outcome};
use rustix::process::Signal;
use serde_json::Value;

use crate::stage::{Plan, Stage, TALKER, began, document, heard_within, story};

/// `limits.silence` of the receptionist.
const SILENCE: Duration = Duration::from_secs(8);

fn unix_ms() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock");
    i64::try_from(now.as_millis()).expect("a time")
}

/// The watchdogs that fired: when each was due and when it did, by what the machine was told.
fn watchdogs(stage: &Stage) -> Vec<(String, i64)> {
    let rows = stage.rows(
        "SELECT call, at FROM call_event WHERE json_extract(event, '$.event') = 'timer_fired'
         AND json_extract(event, '$.timer') = 'stream_start'",
        &[],
    );
    rows.into_iter()
        .map(|row| {
            (
                row[0].as_str().unwrap_or_default().to_owned(),
                row[1].as_i64().unwrap_or_default(),
            )
        })
        .collect()
}

/// Every caller of a call that was long enough was written to once, every other one never.
fn follow_ups_are_exact(stage: &Stage) {
    let mut wrong = BTreeMap::new();
    for row in stage.rows("SELECT from_number, seconds, end_reason, call_sid FROM call_log", &[]) {
        let wanted = usize::from(row[1].as_i64().unwrap_or_default() > 5);
        let sent = stage.messages_to(row[0].as_str().unwrap_or_default());
        if sent != wanted {
            wrong.insert(row[3].to_string(), (wanted, sent, row));
        }
    }
    assert!(wrong.is_empty(), "wanted, sent: {wrong:#?}\n{}", stage.log.text());
    assert_eq!(
        stage.rows(
            "SELECT key, state, error FROM outbox WHERE state IN ('waiting', 'running', 'failed')",
            &[]
        ),
        Vec::<Vec<Value>>::new()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_calls_survive_a_crash_in_the_middle() {
    let mut stage = Plan::new().start().await;
    let kinds: [(&str, &[Fault]); 5] = [
        (TALKER, &[]),
        ("wait prompt; speak A message for you", &[Fault::NeverStream]),
        ("wait verb Record; speak A message for you", &[Fault::RefuseStream]),
        ("wait 7s; hangup", &[]),
        (TALKER, &[Fault::RepeatWebhooks]),
    ];
    let mut calls = Vec::new();
    for number in 0..50 {
        let (caller, faults) = kinds[number % kinds.len()];
        calls.push(stage.dial(stage.spec(caller, faults)));
        // The fifty are spread, so that the crash meets calls in every phase.
        tokio::time::sleep(Duration::from_millis(200)).await;
    }
    stage
        .until("a watchdog has fired", || {
            !stage.log.lines("WATCHDOG_REDIRECT").is_empty()
        })
        .await;
    stage.kill().await;
    stage.start().await;
    let restarted = unix_ms();

    let mut reports = Vec::new();
    for call in calls {
        reports.push(call.await.expect("the call's task"));
    }
    for report in &reports {
        heard_within(report, SILENCE);
        assert_ne!(report.outcome, Outcome::ApplicationError, "{}", story(report));
        assert_ne!(report.outcome, Outcome::TooLong, "{}", story(report));
        stage.finished(&report.call_sid).await;
    }
    stage
        .until("all follow-ups are done", || {
            stage.value("SELECT COUNT(*) FROM outbox WHERE state IN ('waiting', 'running')", &[]) == 0
        })
        .await;
    follow_ups_are_exact(&stage);

    // Six seconds after the greeting's end, or at once after the restart.
    let fired = watchdogs(&stage);
    let mut barked = 0;
    for (call, at) in &fired {
        if stage.logged("watchdog_reason", call) != "no_stream_start" {
            continue;
        }
        barked += 1;
        let started = stage.logged("started_at", call).as_i64().expect("a time");
        let due = (started + 4_760 + 6_000).max(restarted);
        assert!(at - due < 1_500, "{call} fired {} ms late", at - due);
    }
    assert!(barked >= 8, "{barked} of ten streams that never came");
    assert_eq!(stage.value("SELECT COUNT(*) FROM timer", &[]), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_that_was_sent_before_the_crash_is_found_and_not_sent_again() {
    let mut stage = Plan::new()
        .faults(&[Fault::SlowRest(Duration::from_millis(1_500))])
        .start()
        .await;
    let mut calls = Vec::new();
    for _ in 0..3 {
        calls.push(stage.dial(stage.spec("wait 6500ms; hangup", &[])));
    }
    let carrier = std::sync::Arc::clone(&stage.carrier);
    stage
        .until("the carrier has the messages", || carrier.messages().len() == 3)
        .await;
    assert_eq!(
        stage.value(
            "SELECT COUNT(*) FROM outbox WHERE kind = 'send_message' AND state = 'done'",
            &[]
        ),
        0
    );
    stage.kill().await;
    stage.start().await;
    for call in calls {
        let report = call.await.expect("the call's task");
        stage.finished(&report.call_sid).await;
    }
    assert_eq!(stage.log.lines("TASK_TAKEN_UP").len(), 3, "{}", stage.log.text());
    follow_ups_are_exact(&stage);
    assert_eq!(stage.carrier.messages().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_whose_answer_is_lost_is_not_sent_again() {
    let mut stage = Plan::new().faults(&[Fault::ResetRest]).start().await;
    let report = stage.call("wait 6500ms; hangup", &[]).await;
    let tries = |stage: &Stage| {
        let sql = "SELECT attempts FROM outbox WHERE kind = 'send_message' AND call = ?1";
        stage.value(sql, &[&report.call_sid]).as_i64().unwrap_or_default()
    };
    stage.until("it is tried again", || tries(&stage) >= 2).await;
    stage.kill().await;
    stage.start().await;
    let before = tries(&stage);
    stage
        .until("it is tried again after the crash", || tries(&stage) > before)
        .await;
    assert_eq!(stage.carrier.messages().len(), 1, "{}", stage.log.text());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_hands_conversations_over_and_loses_nothing() {
    let mut stage = Plan::new().start().await;
    let talking: Vec<_> = (0..3).map(|_| stage.dial(stage.spec(TALKER, &[]))).collect();
    let recording = stage.dial(stage.spec("wait verb Record; speak A message for you", &[Fault::RefuseStream]));
    let log = stage.log.clone();
    stage.until("they talk", || log.lines("WS_START").len() == 3).await;
    stage.signal(Signal::TERM);
    stage.until("it drains", || !log.lines("draining").is_empty()).await;

    // New calls are taken all the way through, but not into a conversation.
    let late = stage.dial(stage.spec("wait verb Record; speak A message for you", &[]));
    assert_eq!(stage.ended().await, Some(0), "{}", stage.log.text());
    stage.start().await;

    for call in talking {
        let report = call.await.expect("the call's task");
        heard_within(&report, SILENCE);
        assert_eq!(report.outcome, Outcome::EngineHungUp, "{}", story(&report));
        assert!(
            began(&report, "Record"),
            "handed over to its fallback\n{}",
            story(&report)
        );
        stage.finished(&report.call_sid).await;
        assert_eq!(stage.logged("end_reason", &report.call_sid), "hung_up");
    }
    for call in [recording, late] {
        let report = call.await.expect("the call's task");
        heard_within(&report, SILENCE);
        assert_eq!(report.outcome, Outcome::EngineHungUp, "{}", story(&report));
        assert_eq!(report.recordings.len(), 1, "{}", story(&report));
        stage.finished(&report.call_sid).await;
        let stored = stage.value(
            "SELECT COUNT(*) FROM recording WHERE call_sid = ?1",
            &[&report.call_sid],
        );
        assert_eq!(stored, 1);
    }
    stage
        .until("all is done", || {
            stage.value("SELECT COUNT(*) FROM outbox WHERE state IN ('waiting', 'running')", &[]) == 0
        })
        .await;
    let failed = stage.rows(
        "SELECT key, result FROM outbox WHERE state = 'failed' AND kind != 'transcribe'",
        &[],
    );
    assert_eq!(failed, Vec::<Vec<Value>>::new());
    for row in stage.rows("SELECT from_number FROM call_log", &[]) {
        assert_eq!(stage.messages_to(row[0].as_str().unwrap_or_default()), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_database_is_brought_up_to_date_by_itself() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("old.db");
    let old = rusqlite::Connection::open(&path).expect("a database");
    old.execute_batch(include_str!("../../src/store/migrations/001_calls.sql"))
        .expect("the first tables");
    old.execute_batch(
        "CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL);
         INSERT INTO schema_version VALUES (1, '001_calls');
         INSERT INTO call_log (call_sid, flow, from_number, status, seconds) VALUES ('CAold', 'menu', '+1', 'completed', 9);",
    )
    .expect("an old row");
    drop(old);
    let stage = Plan::new().database(&path).start().await;
    let report = stage.call("wait 1s; hangup", &[]).await;
    assert_eq!(document(&report, "voice").status, Some(200));
    stage.finished(&report.call_sid).await;
    assert_eq!(stage.logged("seconds", "CAold"), 9);
    assert_eq!(stage.logged("watchdog_reason", "CAold"), Value::Null);
    assert_eq!(stage.logged("end_reason", &report.call_sid), "caller_left");
}
