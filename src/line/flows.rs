//! The flows of this process: the current version of each, and the earlier ones that live calls began with.

use super::disk::Disk;
use super::providers;
use super::staff::Serving;
use crate::call::{Asset, Flow, FlowHash};
use crate::check::checked;
use crate::compile::{Compiled, Files, ProviderNames, compile};
use crate::prove::proven;
use crate::store::{Store, StoreError};
use crate::talk::Clip;
use crate::twiml::Templates;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// A flow in one version, with the templates that render it.
pub struct Version {
    /// The checked flow.
    pub flow: Flow,
    /// Its templates, the author's own among them.
    pub templates: Templates,
    /// The file it was compiled from, relative to the project.
    pub path: String,
    /// Everything it was compiled from, to be able to compile it again.
    pub bundle: String,
    /// Who serves its agents, by their name: made when first needed.
    serving: Mutex<HashMap<String, Arc<Serving>>>,
    /// Its agents' sounds, decoded.
    clips: Mutex<HashMap<String, Clip>>,
}

impl std::fmt::Debug for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Version({} {})", self.path, self.flow.hash)
    }
}

impl Version {
    fn new(flow: Flow, templates: Templates, path: String, bundle: String) -> Self {
        Self {
            flow,
            templates,
            path,
            bundle,
            serving: Mutex::default(),
            clips: Mutex::default(),
        }
    }

    /// Who serves this agent; made once, by the first call that needs it. Errors: as making it fails.
    pub(super) fn serving(
        &self,
        agent: &str,
        make: impl FnOnce() -> Result<Serving, String>,
    ) -> Result<Arc<Serving>, String> {
        let mut serving = self.serving.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = serving.get(agent) {
            return Ok(Arc::clone(known));
        }
        let made = Arc::new(make()?);
        serving.insert(agent.to_owned(), Arc::clone(&made));
        Ok(made)
    }

    /// A sound that was decoded before.
    pub(super) fn clip(&self, key: &str) -> Option<Clip> {
        let clips = self.clips.lock().unwrap_or_else(PoisonError::into_inner);
        clips.get(key).cloned()
    }

    /// Keeps a decoded sound for as long as the version is known.
    pub(super) fn keep_clip(&self, key: String, clip: Clip) {
        let mut clips = self.clips.lock().unwrap_or_else(PoisonError::into_inner);
        clips.insert(key, clip);
    }
}

/// What a reload came to.
#[derive(Debug)]
pub enum Reload {
    /// New calls take this version.
    Swapped(Arc<Version>),
    /// Nothing that matters has changed.
    Unchanged,
    /// The new files are wrong; the old version stays.
    Rejected(Box<Compiled>),
}

/// All flows, by file. The first one takes calls to numbers that `engine.yaml` does not name.
pub struct Flows {
    disk: Arc<Disk>,
    main: String,
    by_number: HashMap<String, String>,
    /// Files whose latest content was refused, by what it was: the same fault is told once.
    refused: RwLock<HashMap<String, BTreeMap<String, String>>>,
    /// Versions of files that check out and whose proof has failed: it is not tried again every few seconds.
    unfit: Mutex<HashMap<String, FlowHash>>,
    current: RwLock<HashMap<String, Arc<Version>>>,
    known: RwLock<HashMap<String, Arc<Version>>>,
}

impl Flows {
    /// The flows of a project: `main`, and one file per number. What does not compile is returned as it is.
    pub fn load(
        disk: Arc<Disk>,
        main: &str,
        by_number: HashMap<String, String>,
    ) -> Result<(Self, Vec<Compiled>), Vec<Compiled>> {
        let flows = Self {
            disk,
            main: main.to_owned(),
            by_number,
            refused: RwLock::default(),
            unfit: Mutex::default(),
            current: RwLock::default(),
            known: RwLock::default(),
        };
        let mut warned = Vec::new();
        let mut wrong = Vec::new();
        for path in flows.paths() {
            let compiled = checked(&path, &*flows.disk);
            match flows.take(&path, compiled) {
                Reload::Rejected(compiled) => wrong.push(*compiled),
                Reload::Swapped(_) | Reload::Unchanged => {
                    let again = checked(&path, &*flows.disk);
                    if !again.findings.is_empty() {
                        warned.push(again);
                    }
                }
            }
        }
        if wrong.is_empty() {
            Ok((flows, warned))
        } else {
            Err(wrong)
        }
    }

    /// The files, the main one first, each once.
    pub fn paths(&self) -> Vec<String> {
        let mut paths = vec![self.main.clone()];
        for path in self.by_number.values() {
            if !paths.contains(path) {
                paths.push(path.clone());
            }
        }
        paths
    }

    /// The numbers that `engine.yaml` gives to this file, sorted.
    pub fn numbers_of(&self, path: &str) -> Vec<String> {
        let own = self.by_number.iter().filter(|(_, file)| *file == path);
        let mut numbers: Vec<String> = own.map(|(number, _)| number.clone()).collect();
        numbers.sort();
        numbers
    }

    /// The flow that takes a call to this number.
    pub fn for_number(&self, number: &str) -> Option<Arc<Version>> {
        let path = self.by_number.get(number).unwrap_or(&self.main);
        self.current
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .get(path)
            .cloned()
    }

    /// The versions that new calls take.
    pub fn current(&self) -> Vec<Arc<Version>> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        self.paths()
            .iter()
            .filter_map(|path| current.get(path).cloned())
            .collect()
    }

    /// Compiles a file anew. New calls take it if it is proven; calls in progress keep theirs.
    pub fn reload(&self, path: &str) -> Reload {
        let compiled = checked(path, &*self.disk);
        let hash = compiled.flow.as_ref().map(|flow| flow.hash.clone());
        let Some(hash) = hash.filter(|hash| !self.runs(path, hash)) else {
            return self.take(path, compiled);
        };
        let mut unfit = self.unfit.lock().unwrap_or_else(PoisonError::into_inner);
        if unfit.get(path) == Some(&hash) {
            return Reload::Unchanged;
        }
        let (compiled, _) = proven(path, &*self.disk);
        if compiled.flow.is_none() {
            unfit.insert(path.to_owned(), hash);
            return Reload::Rejected(Box::new(compiled));
        }
        self.take(path, compiled)
    }

    fn runs(&self, path: &str, hash: &FlowHash) -> bool {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.get(path).is_some_and(|version| version.flow.hash == *hash)
    }

    /// The version of that hash: from memory, or compiled from what the store kept. None where nobody kept it.
    pub async fn version(&self, hash: &str, store: &dyn Store) -> Result<Option<Arc<Version>>, StoreError> {
        if let Some(known) = self.known.read().unwrap_or_else(PoisonError::into_inner).get(hash) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(version) = store.flow_version(hash).await?.as_deref().and_then(unpack) else {
            return Ok(None);
        };
        let version = Arc::new(version);
        self.known
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(hash.to_owned(), Arc::clone(&version));
        Ok(Some(version))
    }

    /// Keeps the current versions in the store, so that their calls survive an edit and a restart. Again and again is
    /// harmless: a version that is kept already is left alone.
    pub async fn save(&self, store: &dyn Store) -> Result<(), StoreError> {
        for version in self.current() {
            let flow = &version.flow;
            store
                .save_flow_version(flow.hash.as_str(), &flow.name, &version.bundle)
                .await?;
        }
        Ok(())
    }

    fn take(&self, path: &str, mut compiled: Compiled) -> Reload {
        let flow = compiled.flow.take();
        let mut refused = self.refused.write().unwrap_or_else(PoisonError::into_inner);
        let Some(flow) = flow else {
            let told = refused.insert(path.to_owned(), compiled.sources.clone());
            let again = told.is_some_and(|told| told == compiled.sources);
            return if again {
                Reload::Unchanged
            } else {
                Reload::Rejected(Box::new(compiled))
            };
        };
        refused.remove(path);
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        if current.get(path).is_some_and(|version| version.flow.hash == flow.hash) {
            return Reload::Unchanged;
        }
        let bundle = pack(path, &flow, &compiled);
        let hash = flow.hash.0.clone();
        let version = Arc::new(Version::new(flow, compiled.templates, path.to_owned(), bundle));
        current.insert(path.to_owned(), Arc::clone(&version));
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        // What nobody holds any more is compiled again from the store where a call of it still lives.
        known.retain(|_, version| Arc::strong_count(version) > 1);
        known.insert(hash, Arc::clone(&version));
        drop(known);
        Reload::Swapped(version)
    }
}

/// Everything that a flow was compiled from, as text.
#[derive(serde::Serialize, serde::Deserialize)]
struct Bundle {
    path: String,
    texts: BTreeMap<String, String>,
    /// Sounds: their length in milliseconds where known, and the mark of their content.
    sounds: BTreeMap<String, (Option<u64>, String)>,
    /// The providers that were known.
    #[serde(default = "built_in")]
    providers: ProviderNames,
}

fn built_in() -> ProviderNames {
    providers::declared("")
}

fn pack(path: &str, flow: &Flow, compiled: &Compiled) -> String {
    let sounds = flow.assets.iter().map(|(name, asset)| {
        let mark = compiled.marks.get(name).cloned().unwrap_or_default();
        (name.clone(), (asset.millis, mark))
    });
    let bundle = Bundle {
        path: path.to_owned(),
        texts: compiled.sources.clone(),
        sounds: sounds.collect(),
        providers: compiled.providers.clone(),
    };
    serde_json::to_string(&bundle).expect("a bundle has text keys only")
}

/// What the store keeps of a version, compiled again: the flow's file, and what comes of it. None where it is not to be
/// read.
pub fn kept(bundle: &str) -> Option<(String, Compiled)> {
    let bundle: Bundle = serde_json::from_str(bundle).ok()?;
    let compiled = compile(&bundle.path, &bundle);
    Some((bundle.path, compiled))
}

fn unpack(text: &str) -> Option<Version> {
    let (path, compiled) = kept(text)?;
    let flow = compiled.flow?;
    Some(Version::new(flow, compiled.templates, path, text.to_owned()))
}

impl Files for Bundle {
    fn text(&self, path: &str) -> Option<String> {
        self.texts.get(path).cloned()
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        self.sounds.get(path).map(|(millis, mark)| {
            (
                Asset {
                    millis: *millis,
                    lead: 0,
                },
                mark.clone(),
            )
        })
    }

    fn providers(&self) -> ProviderNames {
        self.providers.clone()
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let prefix = format!("{folder}/");
        self.texts
            .keys()
            .filter_map(|path| path.strip_prefix(&prefix))
            .map(str::to_owned)
            .collect()
    }
}
