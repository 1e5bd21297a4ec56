//! What an edit of a flow changes for callers: two compiled flows are compared by what they do, not by their text.
//!
//! Pure: both sides are compiled before, from whatever they were read. [`Class`] says whom a change reaches; one file
//! for each family of changes. To add a family: its file, and its line in [`Diff::between`].

mod after;
mod agents;
mod change;
mod edges;
mod files;
mod head;
mod meaning;
mod needs;
mod notice;
mod pair;
mod side;
mod steps;
mod tree;

use self::pair::Pairs;
use crate::call::{Flow, StepId};
use crate::flow::Place;
use serde_json::Value as Json;

pub use change::{Change, Class, Fate, Sign, Subject};
pub use side::{KeyOf, Side};

/// All that differs between two flows.
#[derive(Debug)]
pub struct Diff {
    /// The changes: the heads, the steps in the order of the new flow, agents, follow-ups, files, needs.
    pub changes: Vec<Change>,
    /// What became of each step of the old flow, by its id.
    fates: Vec<Fate>,
}

impl Diff {
    /// Compares two flows that check out.
    pub fn between(old: &Side<'_>, new: &Side<'_>) -> Self {
        let schema = crate::compile::schema();
        let each = |key: &str| {
            tree::property(&schema, key)
                .get("additionalProperties")
                .unwrap_or(&Json::Null)
        };
        let pairs = Pairs::new(old, new);
        let mut changes = head::compare(old, new, &pairs, &schema);
        changes.extend(steps::compare(old, new, &pairs, each("steps")));
        changes.extend(agents::compare(old, new, each("agents")));
        changes.extend(after::compare(old, new, each("steps")));
        changes.extend(files::compare(old, new));
        changes.extend(needs::compare(old, new, &pairs));
        let fates = fates(old, new, &pairs, &changes);
        Self { changes, fates }
    }

    /// A flow that was not there before.
    pub fn added(flow: &Flow, file: &str) -> Self {
        let change = Change::new("flow-added", Class::NewCalls, Subject::Flow(None), "").sign(Sign::Added);
        let start = flow.steps.first().map(|step| Place::start_of(step.place.source()));
        let caller = "nothing yet: calls come here once a number or `--flow` names the file";
        Self::alone(
            change
                .values(None, Some(file.to_owned()))
                .places(None, start)
                .caller(caller),
        )
    }

    /// A flow that is not there any more.
    pub fn removed(flow: &Flow, file: &str) -> Self {
        let change = Change::new("flow-removed", Class::Breaking, Subject::Flow(None), "").sign(Sign::Removed);
        let start = flow.steps.first().map(|step| Place::start_of(step.place.source()));
        let caller =
            "an engine that is told to take calls with it does not start, and flows that run it do not compile";
        Self::alone(
            change
                .values(Some(file.to_owned()), None)
                .places(start, None)
                .caller(caller),
        )
    }

    fn alone(change: Change) -> Self {
        Self {
            changes: vec![change],
            fates: Vec::new(),
        }
    }

    /// Whether nothing differs.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// The heaviest class among the changes.
    pub fn heaviest(&self) -> Option<Class> {
        self.changes.iter().map(|change| change.class).max()
    }

    /// How many changes are of this class.
    pub fn count(&self, class: Class) -> usize {
        self.changes.iter().filter(|change| change.class == class).count()
    }

    /// What became of a step of the old flow; none where there is no such step.
    pub fn fate(&self, step: StepId) -> Option<&Fate> {
        self.fates.get(step.index())
    }
}

/// A step has changed where it, or an agent that it names, did.
fn fates(old: &Side<'_>, new: &Side<'_>, pairs: &Pairs, changes: &[Change]) -> Vec<Fate> {
    let touched = |subject: Subject| {
        changes
            .iter()
            .any(|change| change.subject == subject && change.class > Class::Compatible)
    };
    let fate = |(id, _): (StepId, &crate::call::Step)| {
        let Some(now) = pairs.steps.get(&id) else {
            return Fate::Removed;
        };
        let step = new.flow.step(*now);
        let agents = step.kind.touches().agents;
        let changed = touched(Subject::Step(step.name.clone()))
            || agents.iter().any(|agent| touched(Subject::Agent(agent.value.clone())));
        if changed {
            Fate::Changed(step.name.clone())
        } else {
            Fate::Same(step.name.clone())
        }
    };
    old.steps().map(fate).collect()
}

#[cfg(test)]
mod tests;
