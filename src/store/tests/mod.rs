//! Tests of the store on real files: the suite that every kind of store passes, and what SQLite adds to it.

mod durability;
mod faulty;
mod grouping;
mod migration;
#[macro_use]
mod suite;
mod model;
mod sqlite;
mod trouble;

use std::path::PathBuf;
use std::sync::Arc;

use tempfile::TempDir;

use super::*;

/// A new store in a folder of its own, which vanishes with the guard.
async fn fresh() -> (Arc<dyn Store>, TempDir) {
    let (path, folder) = place();
    (
        Arc::new(SqliteStore::open(path).await.expect("a new database opens")),
        folder,
    )
}

/// Where a database may be put.
fn place() -> (PathBuf, TempDir) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    (folder.path().join("calls.db"), folder)
}

/// A change that moves `call` from `version` to the next with the state `{"n":version}`.
fn step(call: &str, version: i64) -> Change {
    Change {
        state: Some(state(&format!("{{\"n\":{version}}}"))),
        ..Change::new(call, version)
    }
}

fn state(json: &str) -> NewState {
    NewState {
        flow: "receptionist".into(),
        flow_hash: "f00d".into(),
        state: json.into(),
        ended: false,
    }
}

fn task(key: &str, due: i64) -> TaskRow {
    TaskRow {
        key: key.into(),
        kind: "redirect".into(),
        payload: "{}".into(),
        due,
    }
}

fn timer(name: &str, due: i64) -> TimerRow {
    TimerRow { name: name.into(), due }
}

/// A change that adds these tasks to `call`.
fn adding(call: &str, tasks: impl IntoIterator<Item = TaskRow>) -> Change {
    Change {
        tasks_added: tasks.into_iter().collect(),
        ..Change::facts(call)
    }
}

/// A change that finishes this task.
fn finishing(call: &str, key: &str, result: &str) -> Change {
    Change {
        tasks_finished: vec![(key.into(), TaskEnd::Done(result.into()))],
        ..Change::facts(call)
    }
}
