//! What can go wrong with the store, and what helps.

use std::fmt;
use std::path::PathBuf;

/// Why an operation of the store failed. [`help`](Self::help) says what to do about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StoreError {
    /// The call has moved on since the change was worked out. Load it and try again.
    Conflict {
        /// The call.
        call: String,
        /// The version that the change expected.
        expected: i64,
        /// The version that is stored; 0 where there is none.
        found: i64,
    },
    /// The task has ended before; its first end stands.
    TaskEnded {
        /// The task.
        key: String,
    },
    /// No such task was ever added.
    TaskUnknown {
        /// The task.
        key: String,
    },
    /// The worker does not hold the task any more: its lease ran out, or the task has ended.
    LeaseLost {
        /// The task.
        key: String,
    },
    /// `DATABASE_URL` cannot be understood.
    Address {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// `DATABASE_URL` names a kind of database that this build has no store for.
    Unsupported {
        /// The kind, as written.
        scheme: String,
    },
    /// The folder that the database should be in does not exist.
    MissingFolder {
        /// The folder.
        path: PathBuf,
    },
    /// The database cannot be opened or created.
    CannotOpen {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// The database can be read but not written.
    ReadOnly {
        /// The database.
        path: PathBuf,
    },
    /// No room is left for the database to grow.
    Full {
        /// The database.
        path: PathBuf,
    },
    /// The file is damaged, or is no database.
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// A newer engine has upgraded the database; this one would not understand what it reads.
    Newer {
        /// The database.
        path: PathBuf,
        /// The database's version.
        found: i64,
        /// The newest version that this build knows.
        known: i64,
    },
    /// The database is of an older engine and lacks what is asked for; only looking never upgrades it.
    Older {
        /// The database.
        path: PathBuf,
        /// Its version.
        found: i64,
        /// The version that is needed.
        needed: i64,
    },
    /// A migration failed; the database is as it was before it.
    Migration {
        /// The database.
        path: PathBuf,
        /// The migration.
        name: &'static str,
        /// What SQLite says.
        detail: String,
    },
    /// Another process has held the database locked for longer than the configured wait.
    Busy {
        /// The database.
        path: PathBuf,
    },
    /// The disk failed to read or write.
    Disk {
        /// The database.
        path: PathBuf,
        /// What SQLite says.
        detail: String,
    },
    /// The store stopped before it could say how the operation went.
    Interrupted,
    /// The database refused a statement of the engine's own: the tables are not what the engine made them.
    Refused {
        /// What SQLite says.
        detail: String,
    },
}

impl StoreError {
    /// The store as a whole does not work now, as against one change that it refuses. Whether the operation took
    /// effect is not known. The next operation tries afresh, so an outage ends when its cause does.
    pub fn is_outage(&self) -> bool {
        !matches!(
            self,
            Self::Conflict { .. }
                | Self::TaskEnded { .. }
                | Self::TaskUnknown { .. }
                | Self::LeaseLost { .. }
                | Self::Refused { .. }
        )
    }

    /// What to do about it, in one sentence.
    pub fn help(&self) -> String {
        match self {
            Self::Conflict { .. } => "load the call again, apply the event to it and commit once more".into(),
            Self::TaskEnded { .. } => "drop this result: another worker was faster".into(),
            Self::TaskUnknown { .. } => "add the task in the same change or an earlier one".into(),
            Self::LeaseLost { .. } => "drop the task, and claim with a longer lease if this happens often".into(),
            Self::Address { .. } | Self::Unsupported { .. } => "set `DATABASE_URL=sqlite:/path/to/engine.db`".into(),
            Self::MissingFolder { path } => {
                format!(
                    "run `mkdir -p {}`, or set `DATABASE_URL` to another path",
                    path.display()
                )
            }
            Self::CannotOpen { path, .. } | Self::ReadOnly { path } => format!(
                "let the engine's user write to `{}` and to the folder that holds it",
                path.display()
            ),
            Self::Full { path } => {
                format!("free space on the disk that holds `{}`", path.display())
            }
            Self::Corrupt { path, .. } => format!(
                "move `{}` and its `-wal` and `-shm` files aside and restore a backup, or start without them",
                path.display()
            ),
            Self::Newer { .. } => "run the engine that upgraded it, or a newer one".into(),
            Self::Older { .. } => "start `engine run` on it once, which upgrades it; older calls keep no flow".into(),
            Self::Migration { path, .. } => format!(
                "see whether `{}` belongs to another program; if it is the engine's own, restore a backup",
                path.display()
            ),
            Self::Busy { path } => format!("stop whatever else has `{}` open", path.display()),
            Self::Disk { path, .. } => format!("check the disk that holds `{}`", path.display()),
            Self::Interrupted => "load the call again and retry; report the panic that the log shows".into(),
            Self::Refused { .. } => "undo what was changed in the tables by hand; else report this as a bug".into(),
        }
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Conflict { call, expected, found } => {
                write!(f, "call `{call}` is at version {found}, not {expected}")
            }
            Self::TaskEnded { key } => write!(f, "task `{key}` has ended before"),
            Self::TaskUnknown { key } => write!(f, "there is no task `{key}`"),
            Self::LeaseLost { key } => {
                write!(f, "task `{key}` is not held by this worker any more")
            }
            Self::Address { reason } => write!(f, "`DATABASE_URL` cannot be used: {reason}"),
            Self::Unsupported { scheme } => write!(f, "there is no store for `{scheme}:` databases in this build"),
            Self::MissingFolder { path } => {
                write!(f, "the folder `{}` does not exist", path.display())
            }
            Self::CannotOpen { path, detail } => {
                write!(f, "the database `{}` cannot be opened: {detail}", path.display())
            }
            Self::ReadOnly { path } => {
                write!(f, "the database `{}` cannot be written", path.display())
            }
            Self::Full { path } => {
                write!(f, "no room is left for the database `{}`", path.display())
            }
            Self::Corrupt { path, detail } => {
                write!(f, "`{}` is damaged or is no database: {detail}", path.display())
            }
            Self::Newer { path, found, known } => write!(
                f,
                "the database `{}` has version {found}, and this engine knows versions up to {known}",
                path.display()
            ),
            Self::Older { path, found, needed } => write!(
                f,
                "the database `{}` has version {found}, and version {needed} is needed",
                path.display()
            ),
            Self::Migration { path, name, detail } => {
                write!(f, "migration `{name}` of `{}` failed: {detail}", path.display())
            }
            Self::Busy { path } => write!(f, "the database `{}` is locked by another process", path.display()),
            Self::Disk { path, detail } => {
                write!(f, "the disk failed under the database `{}`: {detail}", path.display())
            }
            Self::Interrupted => f.write_str("the store stopped before it answered"),
            Self::Refused { detail } => write!(f, "the database refused a statement: {detail}"),
        }
    }
}

impl std::error::Error for StoreError {}
