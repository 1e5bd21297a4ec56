//! Kept sound as files: one a key, written beside and renamed, the oldest removed beyond a bound.

use super::{Key, LONGEST};
use std::fs;
use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

pub(super) struct Folder {
    path: PathBuf,
    most: u64,
    /// Told of once: a folder that cannot be written.
    complained: AtomicBool,
    /// Tells files being written apart.
    number: AtomicU64,
    /// One at a time looks for what is too much.
    sweeping: Mutex<()>,
}

impl Folder {
    pub(super) fn new(path: PathBuf, most: u64) -> Self {
        Self {
            path,
            most,
            complained: AtomicBool::new(false),
            number: AtomicU64::new(0),
            sweeping: Mutex::new(()),
        }
    }

    /// The sound of this key. Files that cannot have been written by [`Folder::write`] are passed over.
    pub(super) fn read(&self, key: Key) -> Option<Vec<u8>> {
        let path = self.file(key);
        let length = fs::metadata(&path).ok()?.len();
        if length == 0 || length > LONGEST as u64 {
            return None;
        }
        fs::read(path).ok()
    }

    /// Writes the sound of this key; a reader sees all of it or none.
    pub(super) fn write(&self, key: Key, sound: &[u8]) {
        if let Err(error) = self.try_write(key, sound)
            && !self.complained.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(folder = %self.path.display(), %error, "spoken pieces cannot be kept on disk");
        }
    }

    fn try_write(&self, key: Key, sound: &[u8]) -> io::Result<()> {
        fs::create_dir_all(&self.path)?;
        let number = self.number.fetch_add(1, Ordering::Relaxed);
        let beside = self
            .path
            .join(format!("{}.{}-{number}.part", key.hex(), std::process::id()));
        let written = fs::File::create(&beside)
            .and_then(|mut file| file.write_all(sound))
            .and_then(|()| fs::rename(&beside, self.file(key)));
        if written.is_err() {
            // It may never have come to be.
            let _absent = fs::remove_file(&beside);
        }
        written?;
        self.sweep()
    }

    /// Removes the files that were written first until the rest is within the bound.
    fn sweep(&self) -> io::Result<()> {
        let _alone = self.sweeping.lock().unwrap_or_else(PoisonError::into_inner);
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            if entry.path().extension().is_some_and(|extension| extension == "ulaw")
                && let Ok(about) = entry.metadata()
            {
                files.push((
                    about.modified().unwrap_or(SystemTime::UNIX_EPOCH),
                    about.len(),
                    entry.path(),
                ));
            }
        }
        let mut held: u64 = files.iter().map(|(_, length, _)| length).sum();
        files.sort();
        for (_, length, path) in files {
            if held <= self.most {
                break;
            }
            fs::remove_file(path)?;
            held -= length;
        }
        Ok(())
    }

    fn file(&self, key: Key) -> PathBuf {
        self.path.join(format!("{}.ulaw", key.hex()))
    }
}
