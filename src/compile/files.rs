//! The files that a flow is compiled from, and a record of what was read.

use crate::audio::about::{About, NoSound};
use crate::call::Asset;
use crate::talk::Stage;
use serde::{Deserialize, Serialize};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// Where a flow's files come from. Paths are relative to the project and use `/`.
pub trait Files {
    /// A text file's content.
    fn text(&self, path: &str) -> Option<String>;
    /// A sound under `static/`: its length and a mark that changes when its bytes do.
    fn asset(&self, path: &str) -> Option<(Asset, String)>;
    /// What a sound under `static/` holds; none where it is not there, or nobody listened to it.
    fn heard(&self, _path: &str) -> Option<Result<About, NoSound>> {
        None
    }
    /// The files of a folder, by name, for suggestions.
    fn list(&self, folder: &str) -> Vec<String>;
    /// The providers that the engine knows, those of `engine.yaml` among them.
    fn providers(&self) -> ProviderNames;
}

/// The names of providers, by what they can do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProviderNames {
    pub listen: Vec<String>,
    pub think: Vec<String>,
    pub speak: Vec<String>,
    pub realtime: Vec<String>,
}

impl ProviderNames {
    /// The names for one stage.
    pub fn of(&self, stage: Stage) -> &[String] {
        match stage {
            Stage::Listen => &self.listen,
            Stage::Think => &self.think,
            Stage::Speak => &self.speak,
            Stage::Live => &self.realtime,
        }
    }
}

/// Files that remember what was asked of them.
pub struct Recorded<'a> {
    files: &'a dyn Files,
    texts: RefCell<BTreeMap<String, String>>,
    marks: RefCell<BTreeMap<String, String>>,
}

impl<'a> Recorded<'a> {
    pub(super) fn new(files: &'a dyn Files) -> Self {
        Self {
            files,
            texts: RefCell::default(),
            marks: RefCell::default(),
        }
    }

    pub(super) fn text(&self, path: &str) -> Option<String> {
        let text = self.files.text(path)?;
        self.texts.borrow_mut().insert(path.to_owned(), text.clone());
        Some(text)
    }

    pub(super) fn asset(&self, path: &str) -> Option<Asset> {
        let (asset, mark) = self.files.asset(path)?;
        self.marks.borrow_mut().insert(path.to_owned(), mark);
        Some(asset)
    }

    pub(super) fn providers(&self) -> ProviderNames {
        self.files.providers()
    }

    pub(super) fn list(&self, folder: &str) -> Vec<String> {
        self.files.list(folder)
    }

    pub(super) fn texts(&self) -> BTreeMap<String, String> {
        self.texts.borrow().clone()
    }

    pub(super) fn marks(&self) -> BTreeMap<String, String> {
        self.marks.borrow().clone()
    }
}
