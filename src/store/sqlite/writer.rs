//! The one thread that writes. It takes whatever waits, does it in one transaction, and answers all of it after
//! one flush to the disk: the more calls there are, the less each commit costs.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::connect::{self, FileId, Opened};
use super::{SqliteConfig, Trouble};
use crate::store::StoreError;

/// Jobs that may wait. Beyond it, senders wait for room, so that memory stays bounded when the disk is slow.
const QUEUE: usize = 4096;

/// Jobs in one transaction at most, so that the first of them does not wait for ever.
const GROUP: usize = 512;

/// The way to the writing thread. The thread ends when this is dropped and all that waits has been done.
pub struct Writer {
    jobs: mpsc::Sender<Box<dyn Job>>,
    generation: Generation,
}

/// Counts how often the file was opened; 0 while it is not open. Shared with the readers, who must not keep
/// reading from a file that has been replaced.
pub type Generation = Arc<AtomicU64>;

impl Writer {
    /// Starts the thread; the file is opened for the first job.
    pub fn start(config: Arc<SqliteConfig>) -> Self {
        let (jobs, queue) = mpsc::channel(QUEUE);
        let generation = Generation::default();
        let thread = Thread {
            config,
            generation: Arc::clone(&generation),
            opened: None,
            openings: 0,
            healthy: true,
        };
        let started = std::thread::Builder::new()
            .name("store-writer".into())
            .spawn(move || thread.serve(queue));
        if let Err(error) = started {
            // The queue was dropped with the thread, so every operation answers `Interrupted`.
            tracing::error!(%error, "STORE_OUTAGE");
        }
        Self { jobs, generation }
    }

    /// Does `work` within a transaction and answers when the transaction is on disk. An error undoes this work only.
    pub async fn run<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, Trouble> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let job = Box::new(Work {
            work: Some(work),
            value: None,
            reply,
        });
        self.jobs.send(job).await.map_err(|_| StoreError::Interrupted)?;
        answer.await.map_err(|_| StoreError::Interrupted)?
    }

    /// The file is open and up to date.
    pub fn is_open(&self) -> bool {
        self.generation.load(Ordering::Acquire) != 0
    }

    /// The count of openings, to share.
    pub fn generation(&self) -> Generation {
        Arc::clone(&self.generation)
    }
}

/// A piece of work whose result's type the thread need not know.
trait Job: Send {
    /// Does the work and keeps its result.
    fn run(&mut self, connection: &Connection) -> Result<(), Trouble>;
    /// Answers with the kept result, or with the error.
    fn answer(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Work<T, F> {
    work: Option<F>,
    value: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, F> Job for Work<T, F>
where
    T: Send,
    F: FnOnce(&Connection) -> Result<T, Trouble> + Send,
{
    fn run(&mut self, connection: &Connection) -> Result<(), Trouble> {
        if let Some(work) = self.work.take() {
            self.value = Some(work(connection)?);
        }
        Ok(())
    }

    fn answer(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { value, reply, .. } = *self;
        let answer = outcome.and_then(|()| value.ok_or(StoreError::Interrupted));
        // Nobody waits any more where the asker was dropped; the work is done all the same.
        drop(reply.send(answer));
    }
}

struct Thread {
    config: Arc<SqliteConfig>,
    generation: Generation,
    opened: Option<Opened>,
    openings: u64,
    healthy: bool,
}

impl Thread {
    fn serve(mut self, mut queue: mpsc::Receiver<Box<dyn Job>>) {
        while let Some(first) = queue.blocking_recv() {
            let mut group = vec![first];
            while group.len() < GROUP
                && let Ok(next) = queue.try_recv()
            {
                group.push(next);
            }
            // A panic drops the group, whose askers then hear `Interrupted`; the thread lives on for the others.
            let outcome = catch_unwind(AssertUnwindSafe(|| self.handle(group)));
            self.note(outcome.unwrap_or(Err(StoreError::Interrupted)));
        }
    }

    /// Opens the file where needed, does the group and answers it. An error is an outage that all of it met.
    fn handle(&mut self, group: Vec<Box<dyn Job>>) -> Result<(), StoreError> {
        let outcome = match self.connection() {
            Ok(connection) => do_group(connection, group),
            Err(error) => Err((error, group)),
        };
        outcome.map_err(|(error, group)| {
            for job in group {
                job.answer(Err(error.clone()));
            }
            error
        })
    }

    fn connection(&mut self) -> Result<&Connection, StoreError> {
        // SQLite would go on writing to a file that was moved away, and all of it would be lost.
        if let Some(opened) = &self.opened
            && FileId::of(&self.config.path) != Some(opened.file)
        {
            tracing::warn!(path = %self.config.path.display(), "STORE_FILE_REPLACED");
            self.close();
        }
        let opened = match self.opened.take() {
            Some(opened) => opened,
            None => {
                let opened = connect::to_write(&self.config)?;
                self.openings += 1;
                self.generation.store(self.openings, Ordering::Release);
                opened
            }
        };
        Ok(&self.opened.insert(opened).connection)
    }

    fn close(&mut self) {
        self.generation.store(0, Ordering::Release);
        self.opened = None;
    }

    /// Logs the first failure and the first success after it, and closes the file where opening it afresh may help.
    fn note(&mut self, outcome: Result<(), StoreError>) {
        match outcome {
            Ok(()) if self.healthy => {}
            Ok(()) => tracing::info!(path = %self.config.path.display(), "STORE_RECOVERED"),
            Err(ref error) => {
                if self.healthy {
                    tracing::error!(%error, help = error.help(), "STORE_OUTAGE");
                }
                if !matches!(error, StoreError::Busy { .. } | StoreError::Full { .. }) {
                    self.close();
                }
            }
        }
        self.healthy = outcome.is_ok();
    }
}

/// A group that could not be done, and why.
type Undone = (StoreError, Vec<Box<dyn Job>>);

/// Does all jobs in one transaction and answers them. A job that fails undoes itself only; an outage undoes all.
fn do_group(connection: &Connection, group: Vec<Box<dyn Job>>) -> Result<(), Undone> {
    let path = connection.path().map(std::path::PathBuf::from).unwrap_or_default();
    let run = |sql: &str| -> Result<(), StoreError> {
        let done = connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute([]));
        done.map(|_| ()).map_err(|error| Trouble::from(error).at(&path))
    };
    let mut jobs = group;
    let mut outcomes = Vec::with_capacity(jobs.len());
    let mut all = || -> Result<(), StoreError> {
        run("BEGIN IMMEDIATE")?;
        for job in &mut jobs {
            run("SAVEPOINT job")?;
            let outcome = job.run(connection).map_err(|trouble| trouble.at(&path));
            match &outcome {
                // Some errors make SQLite end the whole transaction by itself.
                Err(error) if error.is_outage() || connection.is_autocommit() => {
                    return Err(error.clone());
                }
                Err(_) => run("ROLLBACK TO job")?,
                Ok(()) => {}
            }
            run("RELEASE job")?;
            outcomes.push(outcome);
        }
        run("COMMIT")
    };
    if let Err(error) = all() {
        if !connection.is_autocommit()
            && let Err(error) = run("ROLLBACK")
        {
            tracing::warn!(%error, "STORE_ROLLBACK_FAIL");
        }
        return Err((error, jobs));
    }
    for (job, outcome) in jobs.into_iter().zip(outcomes) {
        job.answer(outcome);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn count(connection: &Connection) -> i64 {
        connection
            .query_row("SELECT COUNT(*) FROM timer", [], |row| row.get(0))
            .expect("a count")
    }

    fn insert(connection: &Connection, n: i64) -> Result<(), Trouble> {
        connection.execute(
            "INSERT INTO timer (call, name, due) VALUES ('CA1', $1, 1)",
            [n.to_string()],
        )?;
        Ok(())
    }

    fn start() -> (Arc<Writer>, std::path::PathBuf, tempfile::TempDir) {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("calls.db");
        (
            Arc::new(Writer::start(Arc::new(SqliteConfig::new(&path)))),
            path,
            folder,
        )
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_waited_is_committed_together() {
        let (writer, path, _folder) = start();
        writer.run(|_| Ok(())).await.expect("it opens");
        let (began, begun) = oneshot::channel();
        let (release, held) = std::sync::mpsc::channel::<()>();
        let holder = {
            let writer = Arc::clone(&writer);
            tokio::spawn(async move {
                let hold = move |_: &Connection| {
                    began.send(()).expect("the test waits");
                    held.recv().expect("the test releases");
                    Ok(())
                };
                writer.run(hold).await
            })
        };
        begun.await.expect("the thread is busy");
        // From here on jobs can only queue up. The future is polled once each, which sends its job.
        let mut waiting: Vec<_> = (0..64).map(|n| Box::pin(writer.run(move |c| insert(c, n)))).collect();
        for job in &mut waiting {
            assert!(futures_util::poll!(job).is_pending());
        }
        let outside = Connection::open(&path).expect("another connection");
        let mut last = Box::pin(writer.run(move |inside| Ok((count(inside), count(&outside)))));
        assert!(futures_util::poll!(&mut last).is_pending());
        release.send(()).expect("the thread waits");
        assert_eq!(
            last.await,
            Ok((64, 0)),
            "one transaction holds them all, and nothing of it is out yet"
        );
        for job in waiting {
            assert_eq!(job.await, Ok(()));
        }
        holder.await.expect("no panic").expect("the holder is answered");
        assert_eq!(count(&Connection::open(&path).expect("another connection")), 64);
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn a_panic_costs_its_group_and_nothing_else() {
        let (writer, path, _folder) = start();
        writer.run(|connection| insert(connection, 1)).await.expect("an insert");
        let broken = writer.run(|connection| -> Result<(), Trouble> {
            insert(connection, 2)?;
            panic!("a bug in a job");
        });
        assert_eq!(broken.await, Err(StoreError::Interrupted));
        writer
            .run(|connection| insert(connection, 3))
            .await
            .expect("the thread lives on");
        assert_eq!(count(&Connection::open(&path).expect("another connection")), 2);
    }
}
