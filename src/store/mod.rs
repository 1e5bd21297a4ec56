//! What the engine remembers: one trait, and SQLite behind it. A call's state, its events, its timers and its
//! pending effects change together or not at all.
//!
//! Start with [`Store`] and [`Change`]. [`SqliteStore::open`] gives a store that lives in one file; whatever goes
//! wrong is a [`StoreError`] that says what helps. [`FaultyStore`] breaks on command, for tests.

mod address;
mod change;
mod contract;
mod error;
mod faults;
mod journal;
mod migrate;
mod people;
mod sqlite;
mod work;

pub use address::Address;
pub use change::{ANY_VERSION, Change, NewState, StoredCall, StoredEvent};
pub use contract::{Store, StoreFuture};
pub use error::StoreError;
pub use faults::{FaultyStore, Operation};
pub use journal::{Journal, Kept};
pub use migrate::newest as newest_schema;
pub use people::{CallLog, CallTurn, Contact, ContactUpdate, Inbound, Interaction, Recording, Row};
pub use sqlite::{Glance, LiveCall, SqliteConfig, SqliteStore, glance};
pub use work::{DueTimer, Task, TaskEnd, TaskFilter, TaskRecord, TaskRow, TaskState, TimerRow};

#[cfg(test)]
mod tests;
