//! A project's files on disk: where a flow's sounds, templates and texts are, relative to the project's root.

use super::providers;
use crate::audio::about::{About, NoSound, about};
use crate::call::Asset;
use crate::compile::{Files, ProviderNames};
use sha2::{Digest, Sha256};
use std::collections::HashMap;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::SystemTime;

/// The longest text file that is read, in bytes: a flow is far smaller.
const LONGEST_TEXT: u64 = crate::flow::source::MAX_BYTES as u64;

/// A project folder.
pub struct Disk {
    root: PathBuf,
    sounds: Mutex<HashMap<PathBuf, Decoded>>,
    /// The providers of the engine that runs here; else `engine.yaml` is asked.
    providers: OnceLock<ProviderNames>,
}

/// A sound that was looked at before, and whether it is still the same.
struct Decoded {
    modified: Option<SystemTime>,
    bytes: u64,
    asset: Asset,
    mark: String,
    heard: Result<About, NoSound>,
}

impl Disk {
    /// The project at this folder.
    pub fn new(root: impl Into<PathBuf>) -> Self {
        Self {
            root: root.into(),
            sounds: Mutex::default(),
            providers: OnceLock::new(),
        }
    }

    /// The engine that runs here knows these providers, whatever `engine.yaml` will say later.
    pub fn know(&self, providers: ProviderNames) {
        // An engine is put together once.
        let _known = self.providers.set(providers);
    }

    /// The project's folder.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The folder whose files are served under `/static/`.
    pub fn static_folder(&self) -> PathBuf {
        self.root.join("static")
    }

    /// Where a path of the project is; none where it would leave the project.
    fn inside(&self, path: &str) -> Option<PathBuf> {
        let leaves = path.split(['/', '\\']).any(|part| part == "..") || path.starts_with('/');
        (!leaves).then(|| self.root.join(path))
    }

    /// What is asked of a sound, which is decoded again only where its file changed.
    fn sound<T>(&self, path: &str, ask: impl Fn(&Decoded) -> T) -> Option<T> {
        let path = self.inside(&format!("static/{path}"))?;
        let file = std::fs::metadata(&path).ok().filter(std::fs::Metadata::is_file)?;
        let (modified, bytes) = (file.modified().ok(), file.len());
        let mut sounds = self.sounds.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = sounds
            .get(&path)
            .filter(|known| known.modified == modified && known.bytes == bytes)
        {
            return Some(ask(known));
        }
        let content = std::fs::read(&path).ok()?;
        let heard = about(&content);
        let asset = Asset {
            millis: heard.as_ref().ok().map(|heard| heard.millis),
            lead: heard.as_ref().map_or(0, About::quiet_lead),
        };
        let mark: String = Sha256::digest(&content)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let decoded = Decoded {
            modified,
            bytes,
            asset,
            mark,
            heard,
        };
        let answer = ask(&decoded);
        sounds.insert(path, decoded);
        Some(answer)
    }
}

impl Files for Disk {
    fn text(&self, path: &str) -> Option<String> {
        let file = std::fs::File::open(self.inside(path)?).ok()?;
        let mut bytes = Vec::new();
        // One byte too many is enough for the reader to see that it is too much.
        file.take(LONGEST_TEXT + 1).read_to_end(&mut bytes).ok()?;
        // Bytes that are no UTF-8 become marks that the reader reports at their place.
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        self.sound(path, |sound| (sound.asset, sound.mark.clone()))
    }

    fn heard(&self, path: &str) -> Option<Result<About, NoSound>> {
        self.sound(path, |sound| sound.heard.clone())
    }

    fn providers(&self) -> ProviderNames {
        if let Some(known) = self.providers.get() {
            return known.clone();
        }
        let text = self.text("engine.yaml").unwrap_or_default();
        providers::declared(&text)
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let Some(folder) = self.inside(folder) else {
            return Vec::new();
        };
        let Ok(entries) = std::fs::read_dir(folder) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }
}

/// The project that a flow file belongs to: the nearest folder above it that has `engine.yaml`, `static` or
/// `templates`; else the folder above `flows`; else the file's own.
pub fn project_root(flow: &Path) -> PathBuf {
    let folder = match flow.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let marks = ["engine.yaml", "static", "templates"];
    let mut above = Some(folder);
    while let Some(candidate) = above {
        if marks.iter().any(|mark| candidate.join(mark).exists()) {
            return named(candidate);
        }
        above = candidate.parent();
    }
    match folder.file_name() {
        Some(name) if name == "flows" => named(folder.parent().unwrap_or(folder)),
        _ => named(folder),
    }
}

/// The folder itself where the path to it is empty.
fn named(folder: &Path) -> PathBuf {
    if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder.to_owned()
    }
}
