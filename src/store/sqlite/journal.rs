//! Looks into a database without writing: no migration, no log file of its own, nothing that a running engine would feel.

use super::{SqliteConfig, Trouble, connect, reads};
use crate::store::{CallLog, Kept, StoreError, TaskFilter, migrate};
use rusqlite::{Connection, OpenFlags};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

/// The version of the tables that has all that is read here: since then, flows are kept with their calls.
const OLDEST: i64 = 4;

/// Up to `limit` calls, the youngest first.
pub fn recent(path: &Path, limit: usize) -> Result<Vec<CallLog>, StoreError> {
    look(path, |connection| reads::calls(connection, limit))
}

/// The ids of up to `limit` calls that hold `part`; where one is exactly it, only that.
pub fn matching(path: &Path, part: &str, limit: usize) -> Result<Vec<String>, StoreError> {
    look(path, |connection| reads::calls_with(connection, part, limit))
}

/// Everything that is kept of a call, as of one moment.
pub fn kept(path: &Path, id: &str) -> Result<Option<Kept>, StoreError> {
    look(path, |connection| {
        let Some(call) = reads::call(connection, id)? else {
            return Ok(None);
        };
        let tasks = TaskFilter {
            call: Some(id.to_owned()),
            limit: usize::MAX,
            ..TaskFilter::default()
        };
        Ok(Some(Kept {
            bundle: reads::flow_version(connection, &call.flow_hash)?,
            log: reads::call_log(connection, id)?,
            events: reads::events(connection, id)?,
            tasks: reads::tasks(connection, &tasks)?,
            call,
        }))
    })
}

fn look<T>(path: &Path, query: impl Fn(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
    let at = |error: rusqlite::Error| Trouble::from(error).at(path);
    let still = is_still(path);
    let found = read(&open(path, still).map_err(at)?, path, &query);
    // Somebody began to write meanwhile, so that what was read without a lock may be half of it.
    if still && !is_still(path) {
        return read(&open(path, false).map_err(at)?, path, &query);
    }
    found
}

/// All of it in one transaction, so that events and state belong together.
fn read<T>(
    connection: &Connection,
    path: &Path,
    query: impl Fn(&Connection) -> rusqlite::Result<T>,
) -> Result<T, StoreError> {
    let at = |error: rusqlite::Error| Trouble::from(error).at(path);
    let found = migrate::refuse_newer(connection, path)?;
    if found < OLDEST {
        return Err(StoreError::Older {
            path: path.to_owned(),
            found,
            needed: OLDEST,
        });
    }
    let snapshot = connection.unchecked_transaction().map_err(at)?;
    query(&snapshot).map_err(at)
}

/// A database that nobody has open is read as the file that it is: SQLite would otherwise leave log files beside it,
/// which might belong to somebody whom the engine is not.
fn open(path: &Path, still: bool) -> rusqlite::Result<Connection> {
    if !still {
        return connect::to_read(&SqliteConfig::new(path));
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
    Connection::open_with_flags(format!("file:{}?immutable=1", escaped(path)), flags)
}

/// Whether the database keeps a log beside it (bytes 18 and 19 of its header are 2) and that log is not there: then
/// every commit is in the file and nobody has it open.
fn is_still(path: &Path) -> bool {
    let mut header = [0_u8; 20];
    let keeps_log = File::open(path)
        .and_then(|mut file| file.read_exact(&mut header))
        .is_ok_and(|()| header[18..20] == [2, 2]);
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    keeps_log && !PathBuf::from(log).exists() && path.to_str().is_some()
}

/// The path as a part of an address.
fn escaped(path: &Path) -> String {
    let text = path.to_string_lossy();
    text.replace('%', "%25").replace('?', "%3f").replace('#', "%23")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Change, NewState, SqliteStore, Store};

    fn beside(folder: &Path) -> Vec<String> {
        let names = std::fs::read_dir(folder).expect("a folder");
        let mut names: Vec<String> = names
            .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }

    async fn filled(path: &Path) -> SqliteStore {
        let store = SqliteStore::open(path).await.expect("a store");
        for id in ["CA1x", "CA12", "CA1"] {
            let mut change = Change::new(id, 0);
            change.events.push((7, "{}".to_owned()));
            change.state = Some(NewState {
                flow: "f".to_owned(),
                flow_hash: "h".to_owned(),
                state: "{}".to_owned(),
                ended: true,
            });
            store.commit(change).await.expect("a commit");
        }
        store.save_flow_version("h", "f", "bundle").await.expect("a version");
        store
    }

    #[tokio::test]
    async fn a_database_in_use_is_read_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a?b#c%20.db");
        let store = filled(&path).await;
        let before = beside(folder.path());
        let found = kept(&path, "CA12").expect("it reads").expect("a call");
        assert_eq!((found.events.len(), found.bundle.as_deref()), (1, Some("bundle")));
        assert_eq!(matching(&path, "CA1", 5), Ok(vec!["CA1".to_owned()]));
        assert_eq!(matching(&path, "A1", 5).map(|ids| ids.len()), Ok(3));
        assert_eq!(matching(&path, "_", 5), Ok(Vec::new()), "no pattern");
        assert_eq!(beside(folder.path()), before);
        let change = Change {
            events: vec![(8, "{}".to_owned())],
            ..Change::facts("CA12")
        };
        store.commit(change).await.expect("the engine goes on");
        assert_eq!(
            kept(&path, "CA12").map(|kept| kept.map(|kept| kept.events.len())),
            Ok(Some(2))
        );
    }

    #[tokio::test]
    async fn a_database_that_nobody_uses_stays_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("calls.db");
        drop(filled(&path).await);
        // The writer's thread closes the file a moment after its store is dropped.
        while beside(folder.path()).len() > 1 {
            tokio::task::yield_now().await;
        }
        let bytes = std::fs::read(&path).expect("a file");
        assert!(kept(&path, "CA1").expect("it reads").is_some());
        assert_eq!(kept(&path, "CA2"), Ok(None));
        assert_eq!(beside(folder.path()), ["calls.db"]);
        assert_eq!(std::fs::read(&path).expect("a file"), bytes);
    }

    #[test]
    fn what_is_no_database_of_ours_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let missing = folder.path().join("none.db");
        assert!(matches!(recent(&missing, 1), Err(StoreError::CannotOpen { .. })));
        assert!(!missing.exists());
        let old = folder.path().join("old.db");
        let connection = Connection::open(&old).expect("a database");
        connection
            .execute_batch(
                "CREATE TABLE schema_version (version BIGINT, name TEXT); INSERT INTO schema_version VALUES (3, 'x')",
            )
            .expect("tables");
        let error = recent(&old, 1).expect_err("it is too old");
        assert!(matches!(error, StoreError::Older { found: 3, .. }), "{error}");
        connection
            .execute_batch("INSERT INTO schema_version VALUES (900, 'x')")
            .expect("a row");
        assert!(matches!(recent(&old, 1), Err(StoreError::Newer { found: 900, .. })));
    }
}
