//! A look into a database without touching it: no migration, no lock that keeps anybody waiting, nothing written.

use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::Trouble;
use crate::store::{StoreError, migrate};

/// What is live in a database.
#[derive(Debug, Default)]
pub struct Glance {
    /// The calls that have not ended, or whose follow-ups are not done.
    pub calls: Vec<LiveCall>,
    /// What their flow versions were compiled from, by hash; one that nobody kept is missing.
    pub versions: BTreeMap<String, String>,
}

/// A call that is live.
#[derive(Debug)]
pub struct LiveCall {
    /// The flow's name.
    pub flow: String,
    /// The version that it began with.
    pub flow_hash: String,
    /// The machine's state, as JSON. It holds the caller's number: not to be shown.
    pub state: String,
}

/// Looks into the SQLite database at `path`. A running engine is not disturbed.
///
/// # Errors
/// [`StoreError::CannotOpen`] where there is none, [`StoreError::Newer`] for a newer engine's, and whatever else keeps
/// it from being read.
pub fn glance(path: &Path) -> Result<Glance, StoreError> {
    let at = |error: rusqlite::Error| Trouble::from(error).at(path);
    let connection = open(path).map_err(at)?;
    let version = migrate::refuse_newer(&connection, path)?;
    if version == 0 {
        return Ok(Glance::default());
    }
    look(&connection).map_err(at)
}

fn open(path: &Path) -> rusqlite::Result<Connection> {
    let mut wal = path.as_os_str().to_owned();
    wal.push("-wal");
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = if Path::new(&wal).exists() {
        Connection::open_with_flags(path, flags)?
    } else {
        // Nobody has it open. Told that nothing changes, SQLite leaves no files of its own beside it.
        let name: String = path.to_string_lossy().chars().map(escaped).collect();
        Connection::open_with_flags(format!("file:{name}?immutable=1"), flags | OpenFlags::SQLITE_OPEN_URI)?
    };
    connection.busy_timeout(Duration::from_secs(2))?;
    Ok(connection)
}

/// A character of a path in a URI of SQLite's.
fn escaped(c: char) -> String {
    match c {
        '%' | '?' | '#' => format!("%{:02x}", u32::from(c)),
        c => c.to_string(),
    }
}

fn look(connection: &Connection) -> rusqlite::Result<Glance> {
    let mut glance = Glance::default();
    let mut calls =
        connection.prepare("SELECT flow, flow_hash, state FROM call_state WHERE ended = 0 ORDER BY call")?;
    let rows = calls.query_map([], |row| {
        Ok(LiveCall {
            flow: row.get(0)?,
            flow_hash: row.get(1)?,
            state: row.get(2)?,
        })
    })?;
    glance.calls = rows.collect::<rusqlite::Result<_>>()?;
    // Before its fourth version a database kept no flows.
    let sql = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'flow_version'";
    if connection.query_row(sql, [], |_| Ok(())).optional()?.is_none() {
        return Ok(glance);
    }
    let sql = "SELECT hash, bundle FROM flow_version WHERE hash IN (SELECT flow_hash FROM call_state WHERE ended = 0)";
    let mut versions = connection.prepare(sql)?;
    let rows = versions.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
    glance.versions = rows.collect::<rusqlite::Result<_>>()?;
    Ok(glance)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Change, NewState, SqliteStore, Store};

    #[tokio::test]
    async fn live_calls_are_seen_beside_a_running_store_and_after_it() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("a ?#%.db");
        let store = SqliteStore::open(&path).await.expect("a store");
        store
            .save_flow_version("h1", "main", "bundle")
            .await
            .expect("a version");
        store.save_flow_version("h2", "main", "other").await.expect("a version");
        for (call, ended) in [("CA1", false), ("CA2", true)] {
            let mut change = Change::new(call, 0);
            change.state = Some(NewState {
                flow: "main".into(),
                flow_hash: "h1".into(),
                state: "{}".into(),
                ended,
            });
            store.commit(change).await.expect("a commit");
        }
        let seen = || {
            let seen = glance(&path).expect("a look");
            let versions: Vec<String> = seen.versions.into_keys().collect();
            (seen.calls.len(), versions)
        };
        assert_eq!(seen(), (1, vec!["h1".to_owned()]));
        drop(store);
        // The last connection of the store takes its files away when its thread has ended.
        let wal = folder.path().join("a ?#%.db-wal");
        for _ in 0..500 {
            if !wal.exists() {
                break;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        let before = std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(seen(), (1, vec!["h1".to_owned()]));
        assert_eq!(
            std::fs::read_dir(folder.path()).expect("a folder").count(),
            before,
            "nothing is left behind"
        );
    }

    #[test]
    fn what_is_no_database_is_an_error_and_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("calls.db");
        assert!(matches!(glance(&path), Err(StoreError::CannotOpen { .. })));
        assert!(!path.exists());
        std::fs::write(&path, "no database, however long the text may be").expect("a file");
        assert!(matches!(glance(&path), Err(StoreError::Corrupt { .. })));
    }
}
