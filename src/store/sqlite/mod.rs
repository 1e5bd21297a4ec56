//! The store in one SQLite file: one thread writes and groups commits, a few read-only connections read.

mod claims;
mod commit;
mod connect;
mod glance;
pub(super) mod journal;
mod mapping;
mod reader;
mod reads;
mod rows;
mod trouble;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

pub use self::glance::{Glance, LiveCall, glance};
use self::reader::Readers;
pub(super) use self::trouble::Trouble;
use self::writer::Writer;
use super::{
    CallLog, CallTurn, Change, Contact, DueTimer, Inbound, Interaction, Recording, Row, Store, StoreError, StoreFuture,
    StoredCall, StoredEvent, Task, TaskFilter, TaskRecord,
};

/// How a [`SqliteStore`] uses its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SqliteConfig {
    /// The database's file; its folder must exist.
    pub path: PathBuf,
    /// How long to wait for another process's lock.
    pub busy_timeout: Duration,
    /// How many reads run at once.
    pub readers: usize,
    /// At most this many pages of 4096 bytes, where the database must not fill the disk.
    pub page_limit: Option<u32>,
}

impl SqliteConfig {
    /// A database in `path`, with a wait of five seconds, four readers and no limit of its size.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            page_limit: None,
        }
    }
}

/// A [`Store`] in one SQLite file, in WAL mode, where a commit is on disk before it is answered.
///
/// Whatever stops the file from being used fails the operations that meet it. Each later one tries afresh, so the
/// store works again when the cause is gone, and also where the file was moved away and another put in its place.
pub struct SqliteStore {
    // Dropped in this order: a reader that closed last could not put the log away.
    readers: Readers,
    writer: Writer,
}

impl SqliteStore {
    /// A store that touches its file when it is first used.
    pub fn new(config: SqliteConfig) -> Self {
        let config = Arc::new(config);
        let writer = Writer::start(Arc::clone(&config));
        let readers = Readers::new(config, writer.generation());
        Self { readers, writer }
    }

    /// A store whose file has been opened, or created, and upgraded.
    ///
    /// # Errors
    /// Whatever stops the file from being used: a missing folder, a damaged file, a newer engine's database.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        let store = Self::new(SqliteConfig::new(path.as_ref()));
        store.ping().await?;
        Ok(store)
    }

    /// Runs `query` on a read-only connection, once the writer has opened and upgraded the file.
    fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&rusqlite::Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(async move {
            if !self.writer.is_open() {
                self.writer.run(|_| Ok(())).await?;
            }
            self.readers.run(query).await
        })
    }

    /// Runs `work` on the writer's connection and answers when it is on disk.
    fn write<T: Send + 'static>(
        &self,
        work: impl FnOnce(&rusqlite::Connection) -> Result<T, Trouble> + Send + 'static,
    ) -> StoreFuture<'_, T> {
        Box::pin(self.writer.run(work))
    }
}

impl Store for SqliteStore {
    fn commit(&self, change: Change) -> StoreFuture<'_, i64> {
        self.write(move |connection| commit::apply(connection, &change))
    }

    fn call(&self, id: &str) -> StoreFuture<'_, Option<StoredCall>> {
        let id = id.to_owned();
        self.read(move |connection| reads::call(connection, &id))
    }

    fn live_calls(&self) -> StoreFuture<'_, Vec<String>> {
        self.read(reads::live_calls)
    }

    fn due_timers(&self, now: i64, limit: usize) -> StoreFuture<'_, Vec<DueTimer>> {
        self.read(move |connection| reads::due_timers(connection, now, limit))
    }

    fn next_timer_due(&self) -> StoreFuture<'_, Option<i64>> {
        self.read(reads::next_timer_due)
    }

    fn claim_tasks(&self, now: i64, lease_ms: i64, worker: &str, limit: usize) -> StoreFuture<'_, Vec<Task>> {
        let worker = worker.to_owned();
        self.write(move |connection| claims::claim(connection, now, lease_ms, &worker, limit))
    }

    fn retry_task(&self, key: &str, worker: &str, due: i64, error: &str) -> StoreFuture<'_, ()> {
        let (key, worker, error) = (key.to_owned(), worker.to_owned(), error.to_owned());
        self.write(move |connection| claims::retry(connection, &key, &worker, due, &error))
    }

    fn next_task_due(&self) -> StoreFuture<'_, Option<i64>> {
        self.read(reads::next_task_due)
    }

    fn note_inbound(&self, channel: &str, sender: &str, recipient: &str, at: i64) -> StoreFuture<'_, ()> {
        let row = Row::Inbound(Inbound {
            channel: channel.to_owned(),
            sender: sender.to_owned(),
            recipient: recipient.to_owned(),
            at,
        });
        self.write(move |connection| Ok(rows::write(connection, &row)?))
    }

    fn last_inbound(&self, channel: &str, sender: &str, recipient: &str) -> StoreFuture<'_, Option<i64>> {
        let (channel, sender, recipient) = (channel.to_owned(), sender.to_owned(), recipient.to_owned());
        self.read(move |connection| reads::last_inbound(connection, &channel, &sender, &recipient))
    }

    fn contact(&self, phone: &str) -> StoreFuture<'_, Option<Contact>> {
        let phone = phone.to_owned();
        self.read(move |connection| reads::contact(connection, &phone))
    }

    fn events(&self, call: &str) -> StoreFuture<'_, Vec<StoredEvent>> {
        let call = call.to_owned();
        self.read(move |connection| reads::events(connection, &call))
    }

    fn turns(&self, call: &str) -> StoreFuture<'_, Vec<CallTurn>> {
        let call = call.to_owned();
        self.read(move |connection| reads::turns(connection, &call))
    }

    fn recordings(&self, call: &str) -> StoreFuture<'_, Vec<Recording>> {
        let call = call.to_owned();
        self.read(move |connection| reads::recordings(connection, &call))
    }

    fn call_log(&self, call: &str) -> StoreFuture<'_, Option<CallLog>> {
        let call = call.to_owned();
        self.read(move |connection| reads::call_log(connection, &call))
    }

    fn calls(&self, limit: usize) -> StoreFuture<'_, Vec<CallLog>> {
        self.read(move |connection| reads::calls(connection, limit))
    }

    fn interactions(&self, phone: &str, limit: usize) -> StoreFuture<'_, Vec<Interaction>> {
        let phone = phone.to_owned();
        self.read(move |connection| reads::interactions(connection, &phone, limit))
    }

    fn tasks(&self, filter: TaskFilter) -> StoreFuture<'_, Vec<TaskRecord>> {
        self.read(move |connection| reads::tasks(connection, &filter))
    }

    fn save_flow_version(&self, hash: &str, flow: &str, bundle: &str) -> StoreFuture<'_, ()> {
        let (hash, flow, bundle) = (hash.to_owned(), flow.to_owned(), bundle.to_owned());
        self.write(move |connection| Ok(rows::flow_version(connection, &hash, &flow, &bundle)?))
    }

    fn flow_version(&self, hash: &str) -> StoreFuture<'_, Option<String>> {
        let hash = hash.to_owned();
        self.read(move |connection| reads::flow_version(connection, &hash))
    }

    fn ping(&self) -> StoreFuture<'_, ()> {
        Box::pin(async move {
            // Taking the write lock and giving it back shows a lost, locked or read-only file.
            self.writer.run(|_| Ok(())).await?;
            self.readers.run(reads::ping).await
        })
    }
}
