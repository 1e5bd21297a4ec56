//! Plays scenarios again whenever something changes.

use super::{Test, once};
use crate::cli::Exit;
use crate::line::project_root;
use notify::RecursiveMode;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// Editors write in several steps: a change is taken when nothing more came for this long.
const SETTLED: Duration = Duration::from_millis(150);

/// Goes on until the process is told to stop.
pub(super) fn watch(args: &Test) -> Exit {
    let (changed, changes) = mpsc::channel();
    let own = [args.junit.clone(), args.coverage_out.clone()]
        .map(|file| file.and_then(|file| std::path::absolute(file).ok()));
    let is_own = move |path: &PathBuf| {
        let path = std::path::absolute(path).ok();
        path.is_some() && own.contains(&path)
    };
    let notice = move |event: notify::Result<notify::Event>| {
        // Reading raises events too, and so do the reports that each run writes; only changes count.
        let counts = |event: notify::Event| {
            !matches!(event.kind, notify::EventKind::Access(_))
                && (event.paths.is_empty() || !event.paths.iter().all(&is_own))
        };
        if event.is_ok_and(counts) {
            let _nobody_left = changed.send(());
        }
    };
    let mut watcher = match notify::recommended_watcher(notice) {
        Ok(watcher) => watcher,
        Err(error) => {
            eprintln!("error: files cannot be watched: {error}");
            return Exit::Unavailable;
        }
    };
    let mut watched = Vec::new();
    let mut first = true;
    loop {
        // A folder may be new since the last time.
        for (folder, mode) in folders(args) {
            if watched.contains(&folder) {
                continue;
            }
            if let Err(error) = notify::Watcher::watch(&mut watcher, &folder, mode) {
                eprintln!("warning: `{}` is not watched: {error}", folder.display());
            }
            watched.push(folder);
        }
        if once(args) == Exit::Usage && first {
            // A path that is not there, or a report that cannot be written, is not mended by an edit.
            return Exit::Usage;
        }
        first = false;
        eprintln!("waiting for changes; end with Ctrl-C");
        if changes.recv().is_err() {
            return Exit::Unavailable;
        }
        while changes.recv_timeout(SETTLED).is_ok() {}
    }
}

/// The scenarios' own places, and the folders of the project that flows are made of.
fn folders(args: &Test) -> Vec<(PathBuf, RecursiveMode)> {
    let mut folders: Vec<PathBuf> = match args.paths.is_empty() {
        true => vec![PathBuf::from("scenarios")],
        // Editors write a file anew and put it in the old one's place; its folder sees that.
        false => args.paths.iter().map(|path| folder_of(path)).collect(),
    };
    let missing = folders.iter().any(|folder| !folder.exists());
    let roots: Vec<PathBuf> = folders.iter().map(|path| project_root(path)).collect();
    for root in roots.iter().map(PathBuf::as_path).chain([Path::new(".")]) {
        for name in ["flows", "templates", "static", "prompts", "examples"] {
            folders.push(root.join(name));
        }
    }
    folders.retain(|folder| folder.exists());
    folders.sort();
    folders.dedup();
    let mut folders: Vec<(PathBuf, RecursiveMode)> = folders
        .into_iter()
        .map(|folder| (folder, RecursiveMode::Recursive))
        .collect();
    if missing {
        // Where `scenarios` will be.
        folders.push((PathBuf::from("."), RecursiveMode::NonRecursive));
    }
    folders
}

fn folder_of(path: &Path) -> PathBuf {
    match path.parent() {
        Some(folder) if path.is_file() && folder.as_os_str().is_empty() => PathBuf::from("."),
        Some(folder) if path.is_file() => folder.to_owned(),
        _ => path.to_owned(),
    }
}
