//! The database: there, readable, of a version that this engine knows. It is opened to read alone, and where nobody has it
//! open not even the files beside it are made.

use super::case::Case;
use super::outcome::Outcome;
use crate::store::{Address, newest_schema};
use rusqlite::{Connection, OpenFlags, OptionalExtension};
use std::path::Path;
use std::time::Duration;
use url::Url;

pub async fn probe(case: &mut Case) -> Vec<Outcome> {
    let Ok(settings) = &case.settings else {
        return vec![Outcome::skipped("database", "the settings cannot be read")];
    };
    let path = match Address::parse(&settings.database) {
        Ok(Address::Sqlite(path)) => path,
        Err(error) => return vec![Outcome::fail("database", error.to_string()).help(error.help())],
    };
    let limit = case.plan.timeout;
    let looked = tokio::task::spawn_blocking(move || look(&path, limit)).await;
    vec![looked.unwrap_or_else(|_| Outcome::skipped("database", "it could not be looked at"))]
}

fn look(path: &Path, limit: Duration) -> Outcome {
    let shown = path.display();
    if !path.exists() {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        return match std::fs::metadata(folder) {
            Err(_) => Outcome::fail("database", format!("the folder of `{shown}` is not there")).help("make it"),
            Ok(about) if about.permissions().readonly() => {
                Outcome::fail("database", format!("`{shown}` cannot be made: its folder is read-only"))
                    .help("give the engine's user the right to write there")
            }
            Ok(_) => Outcome::ok("database", format!("`{shown}` is made when the engine starts")),
        };
    }
    match version(path, limit) {
        Err(error) => Outcome::fail("database", format!("`{shown}` cannot be read: {error}"))
            .help("see whether it is a SQLite database, and whether the user may read it"),
        Ok(found) => judge(&shown.to_string(), found, newest_schema()),
    }
}

fn judge(shown: &str, found: i64, known: i64) -> Outcome {
    match found.cmp(&known) {
        std::cmp::Ordering::Equal => Outcome::ok("database", format!("`{shown}`, version {found}")),
        std::cmp::Ordering::Less => Outcome::warn(
            "database",
            format!("`{shown}` is of version {found}, this engine's is {known}"),
        )
        .help("it is upgraded in place when the engine starts; keep a copy if you may want to go back"),
        std::cmp::Ordering::Greater => Outcome::fail(
            "database",
            format!("`{shown}` is of version {found}, this engine knows {known}"),
        )
        .help("run the newer engine that wrote it, or restore a copy from before"),
    }
}

/// The version of the tables; 0 for a database without any.
fn version(path: &Path, limit: Duration) -> Result<i64, String> {
    let wrong = |error: rusqlite::Error| error.to_string();
    let absolute = path.canonicalize().map_err(|error| error.to_string())?;
    let mut url = Url::from_file_path(&absolute).map_err(|()| "the path is no file's".to_owned())?;
    let mut log = absolute.into_os_string();
    log.push("-wal");
    // Read as it is, without locks, a database needs no files beside it. Where there is a log, an engine may be writing,
    // and those files are there already.
    let is_quiet = std::fs::metadata(&log).map_or(true, |about| about.len() == 0);
    url.set_query(Some(if is_quiet { "mode=ro&immutable=1" } else { "mode=ro" }));
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(url.as_str(), flags).map_err(wrong)?;
    connection.busy_timeout(limit).map_err(wrong)?;
    let table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'";
    let is_there = connection.query_row(table, [], |_| Ok(())).optional().map_err(wrong)?;
    if is_there.is_none() {
        return Ok(0);
    }
    let newest = "SELECT COALESCE(MAX(version), 0) FROM schema_version";
    connection.query_row(newest, [], |row| row.get(0)).map_err(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::Verdict;

    #[tokio::test]
    async fn a_database_is_looked_at_and_left_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a b%.db");
        let limit = Duration::from_secs(1);
        let files = || std::fs::read_dir(folder.path()).expect("a folder").count();
        assert_eq!(look(&path, limit).verdict, Verdict::Ok, "it will be made");
        assert_eq!(files(), 0, "but not by the doctor");

        let store = Address::Sqlite(path.clone()).store();
        store.ping().await.expect("a store");
        drop(store);
        // The store's thread closes its file in its own time; until then the log stays, and what is looked at changes.
        let connection = Connection::open(&path).expect("it opens");
        let has_no_log = || {
            let set = connection.query_row("PRAGMA journal_mode = DELETE", [], |row| row.get::<_, String>(0));
            set.is_ok_and(|mode| mode == "delete")
        };
        let closed = async {
            while !has_no_log() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let closed = tokio::time::timeout(Duration::from_secs(60), closed).await;
        closed.expect("the store lets go of its file");
        drop(connection);
        assert_eq!(files(), 1, "the database alone is there");
        let before = (files(), std::fs::read(&path).expect("a file"));
        let looked = look(&path, limit);
        assert_eq!(looked.verdict, Verdict::Ok, "{}", looked.seen);
        assert!(
            (files(), std::fs::read(&path).expect("a file")) == before,
            "it was changed"
        );

        std::fs::write(&path, "this is no database, however long one looks at it").expect("written");
        assert_eq!(look(&path, limit).verdict, Verdict::Fail);
        assert_eq!(look(&folder.path().join("no/where.db"), limit).verdict, Verdict::Fail);
    }

    #[test]
    fn an_older_one_is_upgraded_and_a_newer_one_is_not_opened() {
        assert_eq!(judge("x", 3, 5).verdict, Verdict::Warn);
        assert_eq!(judge("x", 5, 5).verdict, Verdict::Ok);
        assert_eq!(judge("x", 6, 5).verdict, Verdict::Fail);
    }
}
