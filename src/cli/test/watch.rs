//! Plays scenarios again whenever something changes.

use super::{Test, once};
use crate::cli::Exit;
use crate::line::project_root;
use std::path::{Path, PathBuf};
use std::sync::mpsc;
use std::time::Duration;

/// Editors write in several steps: a change is taken when nothing more came for this long.
const SETTLED: Duration = Duration::from_millis(150);

/// Goes on until the process is told to stop.
pub(super) fn watch(args: &Test) -> Exit {
    let (changed, changes) = mpsc::channel();
    let notice = move |event: notify::Result<notify::Event>| {
        // Reading raises events too; only changes count.
        if event.is_ok_and(|event| !matches!(event.kind, notify::EventKind::Access(_))) {
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
    for folder in folders(args) {
        if let Err(error) = notify::Watcher::watch(&mut watcher, &folder, notify::RecursiveMode::Recursive) {
            eprintln!("warning: `{}` is not watched: {error}", folder.display());
        }
    }
    loop {
        let _result = once(args);
        eprintln!("waiting for changes; end with Ctrl-C");
        if changes.recv().is_err() {
            return Exit::Unavailable;
        }
        while changes.recv_timeout(SETTLED).is_ok() {}
    }
}

/// The scenarios' own places, and the folders of the project that flows are made of.
fn folders(args: &Test) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = match args.paths.is_empty() {
        true => vec![PathBuf::from("scenarios")],
        false => args.paths.clone(),
    };
    let roots: Vec<PathBuf> = folders.iter().map(|path| project_root(path)).collect();
    for root in roots.iter().map(PathBuf::as_path).chain([Path::new(".")]) {
        for name in ["flows", "templates", "static", "examples"] {
            folders.push(root.join(name));
        }
    }
    folders.retain(|folder| folder.exists());
    folders.sort();
    folders.dedup();
    folders
}
