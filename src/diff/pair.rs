//! Which section and which step of the old flow is which of the new one: by name, else by content and position.

use super::side::Side;
use crate::call::{Step, StepId};
use std::collections::{BTreeMap, BTreeSet};

/// Who is who.
#[derive(Debug, Default)]
pub(super) struct Pairs {
    /// Sections, by their number in the old flow.
    pub sections: BTreeMap<usize, usize>,
    /// Steps, by their id in the old flow.
    pub steps: BTreeMap<StepId, StepId>,
    /// The same the other way round.
    pub back: BTreeMap<StepId, StepId>,
    /// Those of them, by their old id, that have another name.
    pub renamed: BTreeSet<StepId>,
}

impl Pairs {
    pub fn new(old: &Side<'_>, new: &Side<'_>) -> Self {
        let mut pairs = Self {
            sections: sections(old, new),
            ..Self::default()
        };
        for (id, step) in old.steps() {
            let Some(section) = pairs.sections.get(&step.section) else {
                continue;
            };
            let same = |(_, other): &(StepId, &Step)| other.section == *section && new.local(other) == old.local(step);
            if let Some((other, _)) = new.steps().find(same) {
                pairs.pair(id, other);
            }
        }
        pairs.renames(old, new);
        pairs
    }

    fn pair(&mut self, old: StepId, new: StepId) {
        self.steps.insert(old, new);
        self.back.insert(new, old);
    }

    /// Steps without a partner that do the same at the same place of the graph, in the order of the files.
    fn renames(&mut self, old: &Side<'_>, new: &Side<'_>) {
        let mut open: BTreeMap<String, Vec<StepId>> = BTreeMap::new();
        for (id, step) in new.steps().filter(|(id, _)| !self.back.contains_key(id)) {
            let label = |other: StepId| self.back.contains_key(&other).then(|| new.name(other).to_owned());
            open.entry(key(new, id, step, Some(step.section), &label))
                .or_default()
                .push(id);
        }
        let mut found = Vec::new();
        for (id, step) in old.steps().filter(|(id, _)| !self.steps.contains_key(id)) {
            let label = |other: StepId| Some(new.name(*self.steps.get(&other)?).to_owned());
            let key = key(old, id, step, self.sections.get(&step.section).copied(), &label);
            if let Some(same) = open.get_mut(&key).filter(|same| !same.is_empty()) {
                found.push((id, same.remove(0)));
            }
        }
        for (old, new) in found {
            self.pair(old, new);
            self.renamed.insert(old);
        }
    }
}

/// What a step does, where it leads and whence it is reached. `label` names the steps that are there on both sides.
fn key(
    side: &Side<'_>,
    id: StepId,
    step: &Step,
    section: Option<usize>,
    label: &dyn Fn(StepId) -> Option<String>,
) -> String {
    let target = |target: StepId| match label(target) {
        Some(name) => name,
        None if target == id => "itself".to_owned(),
        None => "?".to_owned(),
    };
    let wiring: BTreeMap<&str, String> = step
        .wiring
        .iter()
        .map(|(outcome, to)| (outcome.as_str(), target(*to)))
        .collect();
    let skip = step.when.as_ref().map(|(_, to)| target(*to));
    let mut from: Vec<String> = Vec::new();
    for (other, before) in side.steps() {
        let leads = before.wiring.iter().filter(|(_, to)| *to == id);
        from.extend(leads.filter_map(|(outcome, _)| Some(format!("{}:{outcome}", label(other)?))));
        if before.when.as_ref().is_some_and(|(_, to)| *to == id) {
            from.extend(label(other).map(|name| format!("{name}:when")));
        }
    }
    from.sort();
    let starts = side.flow.sections.iter().any(|section| section.start == id);
    format!(
        "{section:?} {} {wiring:?} {skip:?} {from:?} {starts}",
        Side::meaning(step)
    )
}

/// The main flow is the main flow; those that it runs are known by their file, else by their name.
fn sections(old: &Side<'_>, new: &Side<'_>) -> BTreeMap<usize, usize> {
    let mut found = BTreeMap::from([(0, 0)]);
    let all = |side: &Side<'_>| 1..side.flow.sections.len();
    for by_file in [true, false] {
        for one in all(old) {
            let taken: BTreeSet<usize> = found.values().copied().collect();
            if found.contains_key(&one) {
                continue;
            }
            let same = |other: &usize| match by_file {
                true => old.file(one).is_some() && old.file(one) == new.file(*other),
                false => old.flow.sections[one].name == new.flow.sections[*other].name,
            };
            if let Some(other) = all(new).filter(|other| !taken.contains(other)).find(same) {
                found.insert(one, other);
            }
        }
    }
    found
}
