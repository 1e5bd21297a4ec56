//! Files that a command changes: which they are, how they are written, and how a change is shown.

use super::Exit;
use crate::compile::{Files, ProviderNames};
use crate::line::{Disk, project_root};
use std::ffi::OsString;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};

/// YAML files below a folder, but for hidden ones, by name.
pub(super) fn yaml_under(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    collect(folder, &mut files);
    files.sort();
    files
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten() {
        let path = entry.path();
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, files);
        } else if path.extension().is_some_and(|end| end == "yaml" || end == "yml") {
            files.push(path);
        }
    }
}

/// A file's project and the file's path in it; the file need not be there.
pub(super) fn inside(path: &Path) -> (PathBuf, String) {
    let root = project_root(path);
    let inside = match (path.canonicalize(), root.canonicalize()) {
        (Ok(path), Ok(root)) => path.strip_prefix(root).map(Path::to_path_buf).unwrap_or(path),
        _ => path.strip_prefix(&root).unwrap_or(path).to_path_buf(),
    };
    (root, inside.to_string_lossy().replace('\\', "/"))
}

/// A project's files with one of them replaced by a text.
pub(super) struct Replaced<'a> {
    pub disk: &'a Disk,
    /// The replaced file, relative to the project.
    pub path: &'a str,
    pub text: &'a str,
}

impl Files for Replaced<'_> {
    fn text(&self, path: &str) -> Option<String> {
        if path == self.path {
            Some(self.text.to_owned())
        } else {
            self.disk.text(path)
        }
    }

    fn asset(&self, path: &str) -> Option<(crate::call::Asset, String)> {
        self.disk.asset(path)
    }

    fn list(&self, folder: &str) -> Vec<String> {
        self.disk.list(folder)
    }

    fn providers(&self) -> ProviderNames {
        self.disk.providers()
    }
}

/// The text on standard input.
pub(super) fn stdin() -> Result<String, Exit> {
    let mut text = String::new();
    match std::io::stdin().read_to_string(&mut text) {
        Ok(_) => Ok(text),
        Err(error) => {
            eprintln!("error: standard input cannot be read: {error}");
            Err(Exit::Usage)
        }
    }
}

/// The text of a file.
pub(super) fn text(path: &Path) -> Result<String, Exit> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(text),
        Err(error) => {
            eprintln!("error: `{}` cannot be read: {error}", path.display());
            Err(Exit::Usage)
        }
    }
}

/// Replaces a file's text at once, where it still is what was read: whoever reads it sees the old or the new one. Its
/// mode stays; behind a symbolic link, the file that it leads to is replaced.
pub(super) fn write(path: &Path, old: &str, new: &str) -> Result<(), Exit> {
    replace(path, old, new).map_err(|error| {
        eprintln!("error: `{}` cannot be written: {error}", path.display());
        Exit::Usage
    })
}

fn replace(path: &Path, old: &str, new: &str) -> std::io::Result<()> {
    let target = path.canonicalize()?;
    let mut name = OsString::from(".");
    name.push(target.file_name().unwrap_or_default());
    name.push(format!(".{}.new", std::process::id()));
    let beside = target.with_file_name(name);
    let done = fill(&beside, &target, old, new).and_then(|()| std::fs::rename(&beside, &target));
    if done.is_err() {
        // Nothing more can be done about it, and the error that is told is the first one.
        let _removed = std::fs::remove_file(&beside);
    }
    done
}

fn fill(beside: &Path, target: &Path, old: &str, new: &str) -> std::io::Result<()> {
    let mut file = std::fs::File::options().write(true).create_new(true).open(beside)?;
    file.write_all(new.as_bytes())?;
    file.set_permissions(std::fs::metadata(target)?.permissions())?;
    file.sync_all()?;
    if std::fs::read(target)? != old.as_bytes() {
        return Err(std::io::Error::other("somebody else has changed it in the meantime"));
    }
    Ok(())
}

/// A change as a unified diff; empty where there is none.
pub(super) fn diff(name: &str, old: &str, new: &str) -> String {
    if old == new {
        return String::new();
    }
    let name = name.trim_start_matches('/');
    let diff = similar::TextDiff::from_lines(old, new);
    let (from, to) = (format!("a/{name}"), format!("b/{name}"));
    diff.unified_diff().context_radius(3).header(&from, &to).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_behind_its_link_with_its_mode_and_only_where_it_is_still_the_same() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.yaml"), folder.path().join("b.yaml"));
        std::fs::write(&file, "old").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        assert_eq!(write(&link, "old", "new"), Ok(()));
        assert!(std::fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(write(&file, "old", "newer"), Err(Exit::Usage));
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new");
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            2,
            "nothing is left beside them"
        );
    }

    #[test]
    fn a_change_is_shown_as_a_patch_takes_it() {
        assert_eq!(
            diff("f.yaml", "a\nb\n", "a\nc\n"),
            "--- a/f.yaml\n+++ b/f.yaml\n@@ -1,2 +1,2 @@\n a\n-b\n+c\n"
        );
        assert_eq!(diff("f.yaml", "a\n", "a\n"), "");
    }
}
