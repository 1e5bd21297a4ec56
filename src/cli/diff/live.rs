//! Calls in progress, from the store: at which step they are, and what the edit does to it. Nobody's number is shown.

use crate::call::StepId;
use crate::compile::Files;
use crate::diff::{Change, Class, Diff, Fate, Side, Subject};
use crate::store::Glance;
use serde::Deserialize;
use std::collections::BTreeMap;

/// Calls that are at the same step of the same version.
#[derive(Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which version they began with.
    pub version: Version,
    /// Its hash.
    pub hash: String,
    /// The step they are at; none where the call is over and its follow-ups are not, or where nobody knows.
    pub step: Option<String>,
    /// What the edit does to that step.
    pub fate: Option<Fate>,
    /// The call is over.
    pub is_over: bool,
    /// How many.
    pub calls: usize,
    /// The oldest one's age, in seconds.
    pub oldest: u64,
    /// What they lose, beside what the comparison says already.
    pub lost: Vec<String>,
}

/// A version, as seen from the two that are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Version {
    /// The old one.
    Old,
    /// One before, or one beside.
    Other,
    /// The new one already.
    New,
}

impl Version {
    /// The word for it.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Old => "old",
            Self::Other => "other",
            Self::New => "new",
        }
    }
}

impl Waiting {
    /// What it is for those calls.
    pub fn class(&self) -> Class {
        if self.lost.is_empty() {
            Class::Compatible
        } else {
            Class::Breaking
        }
    }
}

/// What a look at a state shows of a call: never who calls.
#[derive(Deserialize)]
struct State {
    facts: Facts,
    phase: Phase,
}

#[derive(Deserialize)]
struct Facts {
    started: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case")]
enum Phase {
    Live { step: StepId },
    Ended {},
}

/// What calls are counted by: their version and its hash, whether they are over, and the step.
type Group<'a> = (Version, &'a str, bool, Option<StepId>);

/// The calls of this flow, by version and step. `now` is in Unix milliseconds.
pub fn waiting(
    glance: &Glance,
    old: &Side<'_>,
    new: &Side<'_>,
    diff: &Diff,
    paths: [&str; 2],
    now: u64,
) -> Vec<Waiting> {
    let mut found: BTreeMap<Group<'_>, (usize, u64)> = BTreeMap::new();
    let mut others: BTreeMap<&str, Other> = BTreeMap::new();
    for call in &glance.calls {
        let hash = call.flow_hash.as_str();
        let version = match hash {
            hash if hash == new.flow.hash.as_str() => Version::New,
            hash if hash == old.flow.hash.as_str() => Version::Old,
            _ => Version::Other,
        };
        let bundle = glance.versions.get(hash);
        let other = others.entry(hash).or_insert_with(|| Other::new(bundle, version, new));
        let is_ours = match (&other.path, version) {
            (_, Version::Old | Version::New) => true,
            (Some(path), Version::Other) => paths.contains(&path.as_str()),
            (None, Version::Other) => call.flow == old.flow.name || call.flow == new.flow.name,
        };
        if !is_ours {
            continue;
        }
        let state: Option<State> = serde_json::from_str(&call.state).ok();
        let age = state
            .as_ref()
            .map_or(0, |state| now.saturating_sub(state.facts.started) / 1000);
        let (is_over, step) = match state.map(|state| state.phase) {
            Some(Phase::Live { step }) => (false, Some(step)),
            Some(Phase::Ended {}) => (true, None),
            None => (false, None),
        };
        let entry = found.entry((version, hash, is_over, step)).or_default();
        *entry = (entry.0 + 1, entry.1.max(age));
    }
    let line = |((version, hash, is_over, step), (calls, oldest)): (Group<'_>, (usize, u64))| {
        let other = &others[hash];
        let named = |id: StepId, side: &Side<'_>| side.flow.steps.get(id.index()).map(|step| step.name.clone());
        let (name, fate) = match (step, version) {
            (None, _) => (None, None),
            (Some(id), Version::New) => (named(id, new), named(id, new).map(Fate::Same)),
            (Some(id), Version::Old) => (named(id, old), diff.fate(id).cloned()),
            (Some(id), Version::Other) => other.steps.get(id.index()).cloned().unzip(),
        };
        Waiting {
            version,
            hash: hash.to_owned(),
            step: name,
            fate,
            is_over,
            calls,
            oldest,
            lost: other.lost.clone(),
        }
    };
    found.into_iter().map(line).collect()
}

/// A version that the store keeps, and what the new one does to its calls.
#[derive(Default)]
struct Other {
    path: Option<String>,
    steps: Vec<(String, Fate)>,
    lost: Vec<String>,
}

impl Other {
    fn new(bundle: Option<&String>, version: Version, new: &Side<'_>) -> Self {
        let Some(bundle) = bundle else {
            // What was never kept cannot be compiled again.
            let lost = "the store does not keep their version: a restart would lose them".to_owned();
            return Self {
                lost: if version == Version::New {
                    Vec::new()
                } else {
                    vec![lost]
                },
                ..Self::default()
            };
        };
        let kept = crate::line::kept(bundle);
        let (path, compiled) = kept.unzip();
        let files: &dyn Files = new.files;
        let side = compiled
            .as_ref()
            .and_then(|compiled| Side::new(compiled, files, new.key_of));
        let Some(side) = side else {
            return Self {
                path,
                lost: vec!["this engine cannot compile their version again: a restart would lose them".to_owned()],
                ..Self::default()
            };
        };
        match version {
            // What the old version's calls lose, the comparison says.
            Version::New | Version::Old => Self {
                path,
                ..Self::default()
            },
            Version::Other => {
                let diff = Diff::between(&side, new);
                let steps = side.flow.steps.iter().enumerate().filter_map(|(index, step)| {
                    let id = StepId(u16::try_from(index).ok()?);
                    Some((step.name.clone(), diff.fate(id)?.clone()))
                });
                // What breaks flows that run this one is told once, by the comparison itself.
                let lost = |change: &&Change| {
                    change.class == Class::Breaking && matches!(change.subject, Subject::Files | Subject::Needs)
                };
                let lost = diff.changes.iter().filter(lost).map(|change| {
                    let what = change.was.as_deref().filter(|_| change.subject == Subject::Needs);
                    format!("{} `{}`: {}", change.id, what.unwrap_or(&change.what), change.caller)
                });
                Self {
                    path,
                    steps: steps.collect(),
                    lost: lost.collect(),
                }
            }
        }
    }
}
