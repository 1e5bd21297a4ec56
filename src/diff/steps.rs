//! Steps: those that came and went, that have another name, and what each of the others does differently.

use super::change::{Change, Class, Sign, Subject};
use super::pair::Pairs;
use super::side::{Side, place};
use super::{edges, notice, tree};
use crate::call::{Step, StepId};
use crate::flow::{Entry, Node};
use serde_json::Value as Json;

/// Keys of a step that do not name its kind.
const COMMON: [&str; 4] = ["next", "on", "when", "describe"];

/// All changes of steps in the order of the new flow; what is gone comes where it was.
pub(super) fn compare(old: &Side<'_>, new: &Side<'_>, pairs: &Pairs, schema: &Json) -> Vec<Change> {
    let mut out = Vec::new();
    let mut gone: Vec<(StepId, &Step)> = old.steps().filter(|(id, _)| !pairs.steps.contains_key(id)).collect();
    for (id, step) in new.steps() {
        let Some(before) = pairs.back.get(&id) else {
            out.push(added(new, step));
            continue;
        };
        while gone.first().is_some_and(|(removed, _)| removed < before) {
            out.push(removed(old, gone.remove(0).1));
        }
        let was = old.flow.step(*before);
        if pairs.renamed.contains(before) {
            out.push(
                Change::new("step-renamed", Class::Compatible, Subject::Step(step.name.clone()), "")
                    .sign(Sign::Renamed)
                    .values(Some(was.name.clone()), Some(step.name.clone()))
                    .places(Some(was.place.clone()), Some(step.place.clone()))
                    .caller("nothing: the step does the same under another name"),
            );
        }
        content(old, new, was, step, schema, &mut out);
        edges::compare(old, new, was, step, pairs, &mut out);
    }
    out.extend(gone.into_iter().map(|(_, step)| removed(old, step)));
    out
}

fn added(new: &Side<'_>, step: &Step) -> Change {
    Change::new("step-added", Class::NewCalls, Subject::Step(step.name.clone()), "")
        .sign(Sign::Added)
        .values(None, Some(summary(new, step)))
        .places(None, Some(step.place.clone()))
        .caller("callers who come here meet something new")
}

fn removed(old: &Side<'_>, step: &Step) -> Change {
    Change::new("step-removed", Class::NewCalls, Subject::Step(step.name.clone()), "")
        .sign(Sign::Removed)
        .values(Some(summary(old, step)), None)
        .places(Some(step.place.clone()), None)
        .caller("no new call comes here any more; calls in progress still do")
}

/// The step's kind and what is written under it.
fn summary(side: &Side<'_>, step: &Step) -> String {
    let value = side.written(step).and_then(|(_, node)| kind_entry(node));
    let value = value.map(|entry| tree::compact(&entry.value)).unwrap_or_default();
    format!("{}: {value}", step.kind.name())
}

/// The entry that names a step's kind.
pub(super) fn kind_entry(step: &Node) -> Option<&Entry> {
    step.as_map()?
        .iter()
        .find(|entry| !COMMON.contains(&entry.key.text.as_str()))
}

fn content(old: &Side<'_>, new: &Side<'_>, was: &Step, is: &Step, schema: &Json, out: &mut Vec<Change>) {
    if Side::meaning(was) == Side::meaning(is) {
        return;
    }
    let (Some((before, one)), Some((after, other))) = (old.written(was), new.written(is)) else {
        return;
    };
    let (Some(one), Some(other)) = (kind_entry(one), kind_entry(other)) else {
        return;
    };
    let subject = || Subject::Step(is.name.clone());
    let condition = |step: &Step| {
        step.when
            .as_ref()
            .map(|(when, _)| (when.text().to_owned(), when.place().clone()))
    };
    let (when, then) = (condition(was), condition(is));
    if when.as_ref().map(|(text, _)| text) != then.as_ref().map(|(text, _)| text) {
        let split = |one: Option<(String, crate::flow::Place)>| one.unzip();
        let ((was, old), (is, new)) = (split(when), split(then));
        let change = Change::new("condition-changed", Class::NewCalls, subject(), "when")
            .values(was, is)
            .places(old, new);
        out.push(change.caller("other callers skip this step"));
    }
    if was.kind.name() != is.kind.name() {
        let value = |entry: &Entry| Some(format!("{}: {}", entry.key.text, tree::compact(&entry.value)));
        out.push(
            Change::new("kind-changed", Class::NewCalls, subject(), "kind")
                .values(value(one), value(other))
                .places(place(before, Some(one.key.span)), place(after, Some(other.key.span)))
                .caller("callers meet something of another kind here"),
        );
        return;
    }
    let form = tree::property(schema, was.kind.name());
    let mut deltas = tree::compare(was.kind.name(), Some(&one.value), Some(&other.value), form);
    if deltas.is_empty() && !tree::equal(&one.value, &other.value) {
        // Only its quotes differ, and it was read as something else: `5` and `"5"`.
        deltas = vec![tree::whole(was.kind.name(), &one.value, &other.value)];
    }
    for delta in deltas {
        let class = if delta.is_default {
            Class::Compatible
        } else {
            Class::NewCalls
        };
        let caller = notice::of(&delta);
        let places = (
            place(before, delta.old.or(Some(one.key.span))),
            place(after, delta.new.or(Some(other.key.span))),
        );
        let change = Change::new("step-changed", class, subject(), delta.path).values(delta.was, delta.is);
        out.push(change.places(places.0, places.1).caller(caller));
    }
}
