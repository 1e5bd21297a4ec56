//! An older database is upgraded in place without loss; a newer one is left as it is.

use rusqlite::Connection;

use super::*;

/// A database as the first version of the tables had it, with a call in the middle of its life.
const VERSION_1: &str = r#"
CREATE TABLE schema_version (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL);
INSERT INTO schema_version VALUES (1, '001_calls');
CREATE TABLE call_state (call TEXT NOT NULL PRIMARY KEY, flow TEXT NOT NULL, flow_hash TEXT NOT NULL,
    version BIGINT NOT NULL, state TEXT NOT NULL, ended BIGINT NOT NULL);
CREATE INDEX call_state_live ON call_state (call) WHERE ended = 0;
INSERT INTO call_state VALUES ('CA1', 'receptionist', 'beef', 7, '{"step":"talk"}', 0);
CREATE TABLE call_event (call TEXT NOT NULL, seq BIGINT NOT NULL, at BIGINT NOT NULL, event TEXT NOT NULL,
    PRIMARY KEY (call, seq));
INSERT INTO call_event VALUES ('CA1', 1, 11, '"began"'), ('CA1', 2, 12, '"שלום"');
CREATE TABLE timer (call TEXT NOT NULL, name TEXT NOT NULL, due BIGINT NOT NULL, PRIMARY KEY (call, name));
CREATE INDEX timer_due ON timer (due);
INSERT INTO timer VALUES ('CA1', 'media', 6000);
CREATE TABLE outbox (key TEXT NOT NULL PRIMARY KEY, call TEXT NOT NULL, kind TEXT NOT NULL, payload TEXT NOT NULL,
    due BIGINT NOT NULL, state TEXT NOT NULL, attempts BIGINT NOT NULL, worker TEXT, lease_until BIGINT, error TEXT,
    result TEXT);
CREATE INDEX outbox_waiting ON outbox (due) WHERE state = 'waiting';
CREATE INDEX outbox_running ON outbox (lease_until) WHERE state = 'running';
CREATE INDEX outbox_call ON outbox (call);
INSERT INTO outbox VALUES ('k1', 'CA1', 'redirect', '{}', 5, 'running', 1, 'gone', 50, NULL, NULL),
    ('k2', 'CA1', 'whatsapp', '{"to":"+1"}', 6, 'waiting', 0, NULL, NULL, NULL, NULL);
CREATE TABLE call_log (call_sid TEXT NOT NULL PRIMARY KEY, flow TEXT, from_number TEXT, to_number TEXT,
    direction TEXT, status TEXT, started_at BIGINT, ended_at BIGINT, seconds BIGINT, end_reason TEXT);
CREATE INDEX call_log_started ON call_log (started_at);
CREATE INDEX call_log_from ON call_log (from_number);
INSERT INTO call_log VALUES ('CA1', 'receptionist', '+1', '+2', 'inbound', 'in-progress', 10, NULL, NULL, NULL);
CREATE TABLE call_turn (call_sid TEXT NOT NULL, n BIGINT NOT NULL, role TEXT NOT NULL, text TEXT NOT NULL,
    started_at BIGINT, ended_at BIGINT, interrupted BIGINT NOT NULL, timings TEXT NOT NULL,
    PRIMARY KEY (call_sid, n));
INSERT INTO call_turn VALUES ('CA1', 1, 'caller', 'שלום', 11, 12, 0, '{"stt":90}');
"#;

fn build(path: &std::path::Path, sql: &str) {
    Connection::open(path)
        .and_then(|connection| connection.execute_batch(sql))
        .expect("the fixture is built");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_of_version_1_is_upgraded_without_loss() {
    let (path, _folder) = place();
    build(&path, VERSION_1);
    // Whoever comes again finds the work done.
    for round in 0..2 {
        let store = SqliteStore::open(&path).await.expect("it is upgraded");
        let call = store.call("CA1").await.expect("a read").expect("the call survived");
        assert_eq!(
            (call.version, call.state.as_str(), call.ended),
            (7, r#"{"step":"talk"}"#, false),
            "{round}"
        );
        let events: Vec<_> = store
            .events("CA1")
            .await
            .expect("events")
            .into_iter()
            .map(|event| event.json)
            .collect();
        assert_eq!(events, ["\"began\"", "\"שלום\""]);
        assert_eq!(store.next_timer_due().await, Ok(Some(6000)));
        let log = store.call_log("CA1").await.expect("a read").expect("the log survived");
        assert_eq!(
            (log.from.as_deref(), log.started_at, log.last_step),
            (Some("+1"), Some(10), None)
        );
        assert_eq!(store.turns("CA1").await.expect("turns")[0].text, "שלום");
        assert_eq!(store.tasks(TaskFilter::default()).await.expect("tasks").len(), 2);
    }
    let store = SqliteStore::open(&path).await.expect("it opens");
    let claimed = store.claim_tasks(60, 1000, "new", 10).await.expect("a claim");
    let seen: Vec<_> = claimed
        .iter()
        .map(|task| (task.key.as_str(), task.attempts, task.claimed_before))
        .collect();
    assert_eq!(
        seen,
        [("k1", 2, true), ("k2", 1, false)],
        "the vanished worker's task is known as such"
    );
    assert_eq!(
        store.commit(step("CA1", 7)).await,
        Ok(8),
        "the call goes on where it was"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stores_that_start_together_take_turns() {
    let (path, _folder) = place();
    build(&path, VERSION_1);
    let starting: Vec<_> = (0..8)
        .map(|_| {
            let path = path.clone();
            tokio::spawn(async move { SqliteStore::open(path).await.map(drop) })
        })
        .collect();
    for start in starting {
        assert_eq!(start.await.expect("no start panics"), Ok(()));
    }
    let versions: i64 = Connection::open(&path)
        .and_then(|connection| connection.query_row("SELECT COUNT(*) FROM schema_version", [], |row| row.get(0)))
        .expect("the versions are read");
    assert_eq!(versions, super::migrate::newest());
}

#[tokio::test]
async fn a_newer_database_is_refused_and_left_alone() {
    let (path, _folder) = place();
    build(&path, VERSION_1);
    build(&path, "INSERT INTO schema_version VALUES (999, '999_future')");
    let before = std::fs::read(&path).expect("the file is read");
    let known = super::migrate::newest();
    let error = SqliteStore::open(&path).await.err().expect("it is refused");
    assert_eq!(
        error,
        StoreError::Newer {
            path: path.clone(),
            found: 999,
            known
        }
    );
    assert!(error.to_string().contains("version 999"), "{error}");
    assert_eq!(std::fs::read(&path).expect("the file is read"), before);
}

#[tokio::test]
async fn another_programs_database_is_refused_and_left_alone() {
    let (path, _folder) = place();
    build(
        &path,
        "CREATE TABLE call_event (mine TEXT); INSERT INTO call_event VALUES ('kept');",
    );
    let error = SqliteStore::open(&path).await.err().expect("it is refused");
    assert!(
        matches!(error, StoreError::Migration { name: "001_calls", .. }),
        "{error}"
    );
    let (tables, kept): (i64, String) = Connection::open(&path)
        .and_then(|connection| {
            connection.query_row(
                "SELECT (SELECT COUNT(*) FROM sqlite_master), mine FROM call_event",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
        })
        .expect("the database is as it was");
    assert_eq!((tables, kept.as_str()), (1, "kept"));
}
