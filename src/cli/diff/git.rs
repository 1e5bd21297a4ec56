//! A project as it was at a commit: read through `git`, nothing is checked out.

use crate::audio::{mulaw, sound};
use crate::call::Asset;
use crate::compile::{Files, ProviderNames};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The longest text that is read, in bytes: as from disk.
const LONGEST_TEXT: usize = 4 * 1024 * 1024;

/// Why a commit could not be read.
#[derive(Debug)]
pub enum GitError {
    /// `git` could not be started.
    Missing(std::io::Error),
    /// The project is in no repository.
    NoRepository(PathBuf),
    /// Nothing has this name.
    UnknownRef(String),
    /// `git` says something else.
    Failed(String),
}

impl fmt::Display for GitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(error) => write!(f, "`git` cannot be started: {error}"),
            Self::NoRepository(root) => write!(f, "`{}` is in no git repository", root.display()),
            Self::UnknownRef(name) => write!(f, "git knows no commit `{name}`"),
            Self::Failed(detail) => write!(f, "git: {detail}"),
        }
    }
}

impl std::error::Error for GitError {}

/// The files of a project at a commit.
pub struct Tree {
    root: PathBuf,
    /// The blob of each file, by its path in the project.
    blobs: BTreeMap<String, String>,
    read: RefCell<HashMap<String, Option<Vec<u8>>>>,
    sounds: RefCell<HashMap<String, (Asset, String)>>,
}

impl Tree {
    /// The project at `root` as it was at `name`: a branch, a tag, `HEAD~2`, a hash.
    pub fn at(root: &Path, name: &str) -> Result<Self, GitError> {
        let inside = git(root, &["rev-parse", "--is-inside-work-tree"])?;
        match inside {
            Ok(answer) if answer.starts_with(b"true") => {}
            Err(detail) if !detail.contains("not a git repository") => return Err(GitError::Failed(detail)),
            _ => return Err(GitError::NoRepository(root.to_owned())),
        }
        let wanted = format!("{name}^{{commit}}");
        let commit = git(root, &["rev-parse", "--verify", "--quiet", "--end-of-options", &wanted])?;
        let commit = commit.map_err(|_| GitError::UnknownRef(name.to_owned()))?;
        let commit = String::from_utf8_lossy(&commit).trim().to_owned();
        // Run in the project's folder it lists that folder, with paths relative to it.
        let listing = git(root, &["ls-tree", "-r", "-z", &commit])?.map_err(GitError::Failed)?;
        let blobs = listing.split(|byte| *byte == 0).filter_map(|line| {
            let line = std::str::from_utf8(line).ok()?;
            let (about, path) = line.split_once('\t')?;
            let mut about = about.split(' ');
            let (mode, kind, blob) = (about.next()?, about.next()?, about.next()?);
            // A link's content is a path, and a submodule's files are elsewhere.
            (kind == "blob" && mode != "120000").then(|| (path.to_owned(), blob.to_owned()))
        });
        Ok(Self {
            root: root.to_owned(),
            blobs: blobs.collect(),
            read: RefCell::default(),
            sounds: RefCell::default(),
        })
    }

    fn bytes(&self, path: &str) -> Option<Vec<u8>> {
        let blob = self.blobs.get(path)?;
        if let Some(known) = self.read.borrow().get(blob) {
            return known.clone();
        }
        let read = git(&self.root, &["cat-file", "blob", blob]).ok().and_then(Result::ok);
        self.read.borrow_mut().insert(blob.clone(), read.clone());
        read
    }
}

impl Files for Tree {
    fn text(&self, path: &str) -> Option<String> {
        let bytes = self.bytes(path).filter(|bytes| bytes.len() <= LONGEST_TEXT)?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        let path = format!("static/{path}");
        let blob = self.blobs.get(&path)?;
        if let Some(known) = self.sounds.borrow().get(blob) {
            return Some(known.clone());
        }
        let bytes = self.bytes(&path)?;
        let known = pointer(&bytes).unwrap_or_else(|| {
            let millis = sound::decode(&bytes).ok().map(|ulaw| mulaw::millis(ulaw.len()));
            let mark = Sha256::digest(&bytes)
                .iter()
                .map(|byte| format!("{byte:02x}"))
                .collect();
            (Asset { millis, lead: 0 }, mark)
        });
        self.sounds.borrow_mut().insert(blob.clone(), known.clone());
        Some(known)
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let prefix = format!("{}/", folder.trim_end_matches('/'));
        let inside = self.blobs.keys().filter_map(|path| path.strip_prefix(&prefix));
        let names: BTreeSet<&str> = inside.filter_map(|path| path.split('/').next()).collect();
        names.into_iter().map(str::to_owned).collect()
    }

    fn providers(&self) -> ProviderNames {
        crate::line::declared(&self.text("engine.yaml").unwrap_or_default())
    }
}

/// A large file that is kept elsewhere: what stands for it in git names the SHA-256 of its content, which is our mark.
fn pointer(bytes: &[u8]) -> Option<(Asset, String)> {
    let text = std::str::from_utf8(bytes.get(..bytes.len().min(512))?).ok()?;
    if !text.starts_with("version https://git-lfs.github.com/spec/v1") {
        return None;
    }
    let mark = text.lines().find_map(|line| line.strip_prefix("oid sha256:"))?;
    Some((Asset { millis: None, lead: 0 }, mark.trim().to_owned()))
}

/// What git answers in that folder; the inner error is what it says when it refuses.
fn git(folder: &Path, arguments: &[&str]) -> Result<Result<Vec<u8>, String>, GitError> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(arguments).env("LC_ALL", "C");
    // Within a hook these name the repository as seen from another folder.
    for name in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX"] {
        command.env_remove(name);
    }
    let run = command.output();
    let output = run.map_err(GitError::Missing)?;
    Ok(if output.status.success() {
        Ok(output.stdout)
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_kept_elsewhere_has_the_mark_of_its_content() {
        let text = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n";
        assert_eq!(
            pointer(text),
            Some((Asset { millis: None, lead: 0 }, "4d7a2146".to_owned()))
        );
        assert_eq!(pointer(b"ID3 and so on"), None);
    }
}
