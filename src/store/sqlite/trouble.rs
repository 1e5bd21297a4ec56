//! Translates SQLite's errors into the store's own.

use std::path::Path;

use rusqlite::ErrorCode;

use crate::store::StoreError;

/// Why a piece of work on a connection failed, before it is known which file it was.
#[derive(Debug)]
pub enum Trouble {
    /// SQLite says so.
    Sqlite(rusqlite::Error),
    /// The store says so.
    Store(StoreError),
}

impl Trouble {
    /// The store's error for this trouble with the database in `path`.
    pub fn at(self, path: &Path) -> StoreError {
        let error = match self {
            Self::Store(error) => return error,
            Self::Sqlite(error) => error,
        };
        let path = path.to_owned();
        let detail = error.to_string();
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy { path },
            Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => StoreError::ReadOnly { path },
            Some(ErrorCode::DiskFull) => StoreError::Full { path },
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => StoreError::Corrupt { path, detail },
            Some(ErrorCode::CannotOpen) => StoreError::CannotOpen { path, detail },
            Some(ErrorCode::SystemIoFailure | ErrorCode::FileLockingProtocolFailed) => {
                StoreError::Disk { path, detail }
            }
            _ => StoreError::Refused { detail },
        }
    }
}

impl From<rusqlite::Error> for Trouble {
    fn from(error: rusqlite::Error) -> Self {
        Self::Sqlite(error)
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_of_sqlites_codes_has_its_error() {
        let path = Path::new("/x/calls.db");
        let name = |code: i32| {
            let failure = rusqlite::ffi::Error::new(code);
            let error = Trouble::from(rusqlite::Error::SqliteFailure(failure, None)).at(path);
            assert!(!error.help().is_empty() && !error.to_string().is_empty());
            let debug = format!("{error:?}");
            debug
                .split([' ', '{'])
                .next()
                .expect("split gives a first part")
                .to_owned()
        };
        // The numbers are SQLite's primary result codes, and two extended ones (IOERR_FSYNC, READONLY_DBMOVED).
        let table = [
            (5, "Busy"),
            (6, "Busy"),
            (3, "ReadOnly"),
            (8, "ReadOnly"),
            (8 | (4 << 8), "ReadOnly"),
            (10, "Disk"),
            (10 | (4 << 8), "Disk"),
            (11, "Corrupt"),
            (26, "Corrupt"),
            (13, "Full"),
            (14, "CannotOpen"),
            (1, "Refused"),
            (19, "Refused"),
        ];
        for (code, want) in table {
            assert_eq!(name(code), want, "code {code}");
        }
    }
}
