//! Reads `DATABASE_URL`: which kind of store, and where. The text may hold a password, so it is never repeated.

use std::path::PathBuf;
use std::sync::Arc;

use super::{SqliteConfig, SqliteStore, Store, StoreError};

/// Where the store lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Address {
    /// A SQLite database in this file.
    Sqlite(PathBuf),
}

impl Address {
    /// Reads `sqlite:calls.db`, `sqlite:///var/lib/engine/calls.db` and the like; a query string is ignored.
    ///
    /// # Errors
    /// [`StoreError::Address`] where the text names no file, [`StoreError::Unsupported`] for another kind of database.
    pub fn parse(url: &str) -> Result<Self, StoreError> {
        let Some((scheme, rest)) = url.trim().split_once(':') else {
            return Err(StoreError::Address {
                reason: "it has no scheme",
            });
        };
        if scheme != "sqlite" {
            // Only a plausible scheme is repeated: anything else may be part of a secret.
            let plain = !scheme.is_empty()
                && scheme.len() <= 16
                && scheme
                    .bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'+');
            return Err(if plain {
                StoreError::Unsupported {
                    scheme: scheme.to_owned(),
                }
            } else {
                StoreError::Address {
                    reason: "its scheme is not `sqlite`",
                }
            });
        }
        let path = rest.split_once('?').map_or(rest, |(path, _)| path);
        let path = path.strip_prefix("//").unwrap_or(path);
        match path {
            "" => Err(StoreError::Address {
                reason: "it names no file",
            }),
            // Each connection would see a memory of its own, and nothing would outlive the process.
            ":memory:" => Err(StoreError::Address {
                reason: "a database in memory keeps nothing",
            }),
            path => Ok(Self::Sqlite(PathBuf::from(path))),
        }
    }

    /// The store at this address. It touches nothing before it is first used, so that a process whose store is in
    /// trouble starts all the same; [`Store::ping`] tells.
    pub fn store(&self) -> Arc<dyn Store> {
        match self {
            Self::Sqlite(path) => Arc::new(SqliteStore::new(SqliteConfig::new(path))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_of_address_and_its_error() {
        let file = |path: &str| Ok(Address::Sqlite(PathBuf::from(path)));
        let bad = |reason| Err(StoreError::Address { reason });
        let other = |scheme: &str| Err(StoreError::Unsupported { scheme: scheme.into() });
        let table = [
            ("sqlite:calls.db", file("calls.db")),
            ("sqlite:./calls.db", file("./calls.db")),
            ("sqlite://calls.db", file("calls.db")),
            ("sqlite:/var/calls.db", file("/var/calls.db")),
            (" sqlite:///var/calls.db?mode=rwc ", file("/var/calls.db")),
            ("sqlite:שיחות.db", file("שיחות.db")),
            ("sqlite:", bad("it names no file")),
            ("sqlite://", bad("it names no file")),
            ("sqlite:?mode=rwc", bad("it names no file")),
            ("sqlite::memory:", bad("a database in memory keeps nothing")),
            ("calls.db", bad("it has no scheme")),
            ("", bad("it has no scheme")),
            ("postgres://u:secret@h/db", other("postgres")),
            ("My Secret:word", bad("its scheme is not `sqlite`")),
        ];
        for (text, want) in table {
            assert_eq!(Address::parse(text), want, "{text}");
        }
    }

    #[tokio::test]
    async fn a_store_touches_its_file_when_it_is_used() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let path = folder.path().join("calls.db");
        let store = Address::parse(&format!("sqlite://{}", path.display()))
            .expect("an address")
            .store();
        assert!(!path.exists());
        assert_eq!(store.ping().await, Ok(()));
        assert!(path.exists());
    }

    #[test]
    fn an_error_does_not_repeat_the_password() {
        for text in ["postgres://u:hunter2@h/db", "hunter2"] {
            let error = Address::parse(text).expect_err("no SQLite address");
            assert!(!format!("{error} {error:?} {}", error.help()).contains("hunter2"));
        }
    }
}
