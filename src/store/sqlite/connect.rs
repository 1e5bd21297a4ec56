//! Opens connections: the writer's, which brings the tables up to date, and the readers', which cannot write.

use std::path::Path;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags};

use super::{SqliteConfig, Trouble};
use crate::store::{StoreError, migrate};

/// Statements that each connection keeps prepared.
const PREPARED: usize = 64;

/// The log shrinks back to this many bytes after a burst.
const JOURNAL_BYTES: i64 = 16 << 20;

/// The writer's connection, and which file it has open.
pub struct Opened {
    /// The connection.
    pub connection: Connection,
    /// The file, as it was when it was opened.
    pub file: FileId,
}

/// Tells a file from another that has taken its place under the same name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileId {
    device: u64,
    inode: u64,
}

impl FileId {
    /// The file that is at `path` now; `None` where there is none.
    #[cfg(unix)]
    pub fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        let found = std::fs::metadata(path).ok()?;
        Some(Self {
            device: found.dev(),
            inode: found.ino(),
        })
    }

    /// Elsewhere an open file cannot be replaced, so that one answer serves.
    #[cfg(not(unix))]
    pub fn of(path: &Path) -> Option<Self> {
        path.exists().then_some(Self { device: 0, inode: 0 })
    }
}

/// Between two tries to open a file that another process has to itself.
const PAUSE: Duration = Duration::from_millis(10);

/// Opens the database to write, creates it where it is missing, and runs the migrations.
///
/// Stores that start together take turns: SQLite waits for most locks by itself, but not for the one under which a file
/// goes over to its log, so that here is tried again until [`SqliteConfig::busy_timeout`] is over.
pub fn to_write(config: &SqliteConfig) -> Result<Opened, StoreError> {
    let began = Instant::now();
    loop {
        match open_to_write(config) {
            Err(StoreError::Busy { .. }) if began.elapsed() < config.busy_timeout => pause(),
            opened => return opened,
        }
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the thread that writes serves nothing before its file is open"
)]
fn pause() {
    std::thread::sleep(PAUSE);
}

fn open_to_write(config: &SqliteConfig) -> Result<Opened, StoreError> {
    let path = config.path.as_path();
    if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty())
        && !folder.is_dir()
    {
        return Err(StoreError::MissingFolder {
            path: folder.to_owned(),
        });
    }
    let at = |error: rusqlite::Error| Trouble::from(error).at(path);
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(at)?;
    // SQLite falls back to reading by itself, and then leaves log files behind that have the database's own rights:
    // they would go on refusing writes after the database allows them again. So this comes before the first read.
    if connection.is_readonly(rusqlite::MAIN_DB).map_err(at)? {
        return Err(StoreError::ReadOnly { path: path.to_owned() });
    }
    connection.busy_timeout(config.busy_timeout).map_err(at)?;
    // A newer engine's database is left exactly as it is, so this comes before everything that writes.
    migrate::refuse_newer(&connection, path)?;
    prepare_writer(&connection, config).map_err(at)?;
    let before = migrate::migrate(&mut connection, path)?;
    if before != migrate::newest() {
        tracing::info!(path = %path.display(), from = before, to = migrate::newest(), "STORE_MIGRATED");
    }
    let file = FileId::of(path).ok_or_else(|| StoreError::CannotOpen {
        path: path.to_owned(),
        detail: "the file vanished while it was being opened".into(),
    })?;
    Ok(Opened { connection, file })
}

/// Opens the database to read. It must exist.
pub fn to_read(config: &SqliteConfig) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(&config.path, flags)?;
    connection.busy_timeout(config.busy_timeout)?;
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(connection)
}

fn prepare_writer(connection: &Connection, config: &SqliteConfig) -> rusqlite::Result<()> {
    let mode: String = connection.query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))?;
    if mode != "wal" {
        // Some network file systems cannot do it. Everything still works; readers and the writer take turns.
        tracing::warn!(path = %config.path.display(), mode, "STORE_WITHOUT_WAL");
    }
    // FULL: a commit is on the disk, not only on its way there, before anybody is told of it.
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "journal_size_limit", JOURNAL_BYTES)?;
    if let Some(pages) = config.page_limit {
        connection.pragma_update(None, "max_page_count", pages)?;
    }
    connection.set_prepared_statement_cache_capacity(PREPARED);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> (SqliteConfig, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        (SqliteConfig::new(folder.path().join("calls.db")), folder)
    }

    #[test]
    fn a_commit_waits_for_the_disk() {
        let (config, _folder) = config();
        let writer = to_write(&config).expect("it opens").connection;
        let mode: String = writer
            .query_row("PRAGMA journal_mode", [], |row| row.get(0))
            .expect("a mode");
        let flush: i64 = writer
            .query_row("PRAGMA synchronous", [], |row| row.get(0))
            .expect("a mode");
        // 2 is FULL: with less, a power cut takes commits that were acknowledged.
        assert_eq!((mode.as_str(), flush), ("wal", 2));
    }

    #[test]
    fn a_reader_cannot_write() {
        let (config, _folder) = config();
        let _writer = to_write(&config).expect("it opens");
        let reader = to_read(&config).expect("it opens");
        let error = reader.execute("DELETE FROM timer", []).expect_err("it must not");
        assert_eq!(error.sqlite_error_code(), Some(rusqlite::ErrorCode::ReadOnly));
    }
}
