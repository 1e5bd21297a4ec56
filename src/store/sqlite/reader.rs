//! Read-only connections, a few at a time, off the runtime's threads.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::writer::Generation;
use super::{SqliteConfig, Trouble, connect};
use crate::store::StoreError;

/// The pool. More reads than connections wait for one.
pub struct Readers {
    shared: Arc<Shared>,
    permits: Semaphore,
}

struct Shared {
    config: Arc<SqliteConfig>,
    generation: Generation,
    idle: Mutex<Vec<Idle>>,
}

/// A connection that nobody uses, and the opening of the file that it belongs to.
struct Idle {
    connection: Connection,
    generation: u64,
}

impl Readers {
    /// An empty pool; connections are opened when they are needed.
    pub fn new(config: Arc<SqliteConfig>, generation: Generation) -> Self {
        let permits = Semaphore::new(config.readers.max(1));
        let shared = Arc::new(Shared {
            config,
            generation,
            idle: Mutex::default(),
        });
        Self { shared, permits }
    }

    /// Runs `query` on one of the connections.
    pub async fn run<T, F>(&self, query: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let permit = self.permits.acquire().await.map_err(|_| StoreError::Interrupted)?;
        let shared = Arc::clone(&self.shared);
        let outcome = tokio::task::spawn_blocking(move || shared.run(query)).await;
        drop(permit);
        outcome.unwrap_or(Err(StoreError::Interrupted))
    }
}

impl Shared {
    fn run<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T, StoreError> {
        let at = |error: rusqlite::Error| Trouble::from(error).at(&self.config.path);
        let reader = self.take().map_err(at)?;
        let result = query(&reader.connection).map_err(at);
        // After an outage the connection may be part of the trouble.
        if !matches!(&result, Err(error) if error.is_outage()) {
            self.idle().push(reader);
        }
        result
    }

    fn take(&self) -> rusqlite::Result<Idle> {
        let generation = self.generation.load(Ordering::Acquire);
        {
            let mut idle = self.idle();
            idle.retain(|reader| reader.generation == generation);
            if let Some(reader) = idle.pop() {
                return Ok(reader);
            }
        }
        Ok(Idle {
            connection: connect::to_read(&self.config)?,
            generation,
        })
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        // Nothing that runs under this lock can leave the list half-changed.
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
