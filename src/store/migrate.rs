//! Brings a database up to date: numbered SQL files, each run once in a transaction of its own.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, Transaction, TransactionBehavior, params};

use super::StoreError;
use super::sqlite::Trouble;

/// All migrations, oldest first; to add one, add its file and its line here.
pub const MIGRATIONS: &[Migration] = &[
    Migration {
        version: 1,
        name: "001_calls",
        sql: include_str!("migrations/001_calls.sql"),
    },
    Migration {
        version: 2,
        name: "002_people",
        sql: include_str!("migrations/002_people.sql"),
    },
    Migration {
        version: 3,
        name: "003_trouble",
        sql: include_str!("migrations/003_trouble.sql"),
    },
    Migration {
        version: 4,
        name: "004_flows",
        sql: include_str!("migrations/004_flows.sql"),
    },
    Migration {
        version: 5,
        name: "005_turns",
        sql: include_str!("migrations/005_turns.sql"),
    },
];

/// One step from a version of the tables to the next.
pub struct Migration {
    /// The version that it leads to: 1, 2, 3 …
    pub version: i64,
    /// The file's name.
    pub name: &'static str,
    /// What it runs.
    pub sql: &'static str,
}

/// Refuses a database of a newer engine. Changes nothing, not even the journal's mode.
pub fn refuse_newer(connection: &Connection, path: &Path) -> Result<i64, StoreError> {
    let found = version(connection).map_err(|error| Trouble::from(error).at(path))?;
    let known = newest();
    if found > known {
        return Err(StoreError::Newer {
            path: path.to_owned(),
            found,
            known,
        });
    }
    Ok(found)
}

/// Runs what is missing and gives the version before. Processes that start together take turns, and each migration
/// runs once.
pub fn migrate(connection: &mut Connection, path: &Path) -> Result<i64, StoreError> {
    let before = refuse_newer(connection, path)?;
    for migration in MIGRATIONS.iter().filter(|migration| migration.version > before) {
        run(connection, migration).map_err(|error| match Trouble::from(error).at(path) {
            StoreError::Refused { detail } => StoreError::Migration {
                path: path.to_owned(),
                name: migration.name,
                detail,
            },
            outage => outage,
        })?;
    }
    Ok(before)
}

/// The newest version that this build knows.
pub fn newest() -> i64 {
    MIGRATIONS.last().map_or(0, |migration| migration.version)
}

fn run(connection: &mut Connection, migration: &Migration) -> rusqlite::Result<()> {
    let transaction = Transaction::new(connection, TransactionBehavior::Immediate)?;
    transaction.execute_batch(
        "CREATE TABLE IF NOT EXISTS schema_version (version BIGINT NOT NULL PRIMARY KEY, name TEXT NOT NULL)",
    )?;
    // Another process may have been here since the version was read.
    if version(&transaction)? < migration.version {
        transaction.execute_batch(migration.sql)?;
        transaction.execute(
            "INSERT INTO schema_version (version, name) VALUES ($1, $2)",
            params![migration.version, migration.name],
        )?;
    }
    transaction.commit()
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    let exists = connection
        .query_row(
            "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'schema_version'",
            [],
            |_| Ok(()),
        )
        .optional()?
        .is_some();
    if !exists {
        return Ok(0);
    }
    connection.query_row("SELECT COALESCE(MAX(version), 0) FROM schema_version", [], |row| {
        row.get(0)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn migrations_are_numbered_without_gaps_and_named_after_their_files() {
        for (index, migration) in MIGRATIONS.iter().enumerate() {
            assert_eq!(usize::try_from(migration.version), Ok(index + 1));
            assert!(
                migration.name.starts_with(&format!("{:03}_", migration.version)),
                "{}",
                migration.name
            );
            let file = format!(
                "{}/src/store/migrations/{}.sql",
                env!("CARGO_MANIFEST_DIR"),
                migration.name
            );
            assert_eq!(std::fs::read_to_string(file).expect("the file exists"), migration.sql);
        }
    }
}
