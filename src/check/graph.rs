//! The flow as a graph: steps that no call reaches, and circles that wait for nobody.

use crate::call::{Flow, StepId};
use crate::compile::Compiled;
use crate::flow::{Finding, Findings};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet, VecDeque};

/// Kinds that need no answer from anybody: a circle of them alone would run for ever.
const PASSING: [&str; 12] = [
    "play",
    "say",
    "pause",
    "choose",
    "set",
    "contact",
    "interaction",
    "run",
    "end",
    "twiml",
    "reply",
    "ask",
];

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    unreachable(flow, findings);
    circles(flow, findings);
}

fn unreachable(flow: &Flow, findings: &mut Findings) {
    let mut reached = BTreeSet::new();
    let mut open: Vec<StepId> = flow.sections.iter().map(|section| section.start).collect();
    open.extend(flow.sections.iter().filter_map(|section| section.otherwise));
    while let Some(id) = open.pop() {
        if !reached.insert(id) {
            continue;
        }
        open.extend(leads_to(flow, id));
    }
    let unreached = (0..flow.steps.len()).filter_map(|index| u16::try_from(index).ok().map(StepId));
    let unreached: BTreeSet<StepId> = unreached.filter(|id| !reached.contains(id)).collect();
    for (id, behind) in heads(flow, &unreached) {
        findings.push(
            Finding::warning(
                "unreachable-step",
                flow.step(id).place.clone(),
                never_reached(flow, id, &behind),
            )
            .category("graph")
            .label("nothing leads here")
            .help("name it in a `next` or `on`, or remove it"),
        );
    }
}

/// Of steps that no call comes to, those with which it begins, each with the steps behind it: they are reached again
/// where it is.
pub(crate) fn heads(flow: &Flow, unreached: &BTreeSet<StepId>) -> Vec<(StepId, BTreeSet<StepId>)> {
    let behind = |start: StepId| {
        let mut found = BTreeSet::new();
        let mut open: Vec<StepId> = leads_to(flow, start).collect();
        while let Some(id) = open.pop() {
            if unreached.contains(&id) && found.insert(id) {
                open.extend(leads_to(flow, id));
            }
        }
        found
    };
    let behind: BTreeMap<StepId, BTreeSet<StepId>> = unreached.iter().map(|id| (*id, behind(*id))).collect();
    let leads = |from: StepId, to: StepId| behind.get(&from).is_some_and(|steps| steps.contains(&to));
    let first = unreached.iter().filter(|id| {
        // Of steps in a circle the first stands for all.
        let before = |other: &&StepId| leads(**other, **id) && (!leads(**id, **other) || other < id);
        !unreached.iter().any(|other| other != *id && before(&other))
    });
    first
        .map(|id| {
            let mut steps = behind.get(id).cloned().unwrap_or_default();
            steps.remove(id);
            (*id, steps)
        })
        .collect()
}

/// The message of such a step.
pub(crate) fn never_reached(flow: &Flow, id: StepId, behind: &BTreeSet<StepId>) -> String {
    const NAMED: usize = 3;
    let mut message = format!("no call ever comes to `{}`", flow.step(id).name);
    let names: Vec<String> = behind
        .iter()
        .take(NAMED)
        .map(|id| format!("`{}`", flow.step(*id).name))
        .collect();
    if !names.is_empty() {
        message.push_str(&format!(", nor to {} behind it", names.join(", ")));
    }
    match behind.len().saturating_sub(NAMED) {
        0 => message,
        more => message.replace(" behind it", &format!(" and {more} more behind it")),
    }
}

/// A circle of steps that need nobody: found by walking on from each step through such steps only.
fn circles(flow: &Flow, findings: &mut Findings) {
    let mut blamed = BTreeSet::new();
    for index in 0..flow.steps.len() {
        let Ok(start) = u16::try_from(index).map(StepId) else {
            return;
        };
        if blamed.contains(&start) {
            continue;
        }
        let (circle, finding) = if let Some(circle) = circle_from(flow, start, at_once) {
            let finding = Finding::error(
                "loop-without-input",
                flow.step(start).place.clone(),
                format!(
                    "{} can run in a circle without waiting for anybody",
                    names(flow, &circle)
                ),
            )
            .consequence("the caller would be sent to the fallback after many rounds at once")
            .help("let one of them wait for the caller, such as with `gather`, or lead it elsewhere");
            (circle, finding)
        } else if let Some(circle) = circle_from(flow, start, without_the_caller) {
            let finding = Finding::warning(
                "loop-without-end",
                flow.step(start).place.clone(),
                format!(
                    "{} can go round without the caller's doing until the call's limit",
                    names(flow, &circle)
                ),
            )
            .consequence("a caller who does nothing, or whom nothing reaches, would hear the same over and over")
            .help("lead the failure elsewhere, such as to a recording; `gather` counts its own retries with `tries`");
            (circle, finding)
        } else {
            continue;
        };
        findings.push(finding.category("graph").label("begins here"));
        blamed.extend(circle);
    }
}

fn names(flow: &Flow, circle: &[StepId]) -> String {
    let names: Vec<String> = circle.iter().map(|id| format!("`{}`", flow.step(*id).name)).collect();
    names.join(", ")
}

/// The shortest way from a step back to itself.
fn circle_from(flow: &Flow, start: StepId, leads: fn(&Flow, StepId) -> Vec<StepId>) -> Option<Vec<StepId>> {
    let mut came_from: BTreeMap<StepId, StepId> = BTreeMap::new();
    let mut open = VecDeque::from([start]);
    while let Some(at) = open.pop_front() {
        for next in leads(flow, at) {
            if next == start {
                let mut circle = vec![at];
                while let Some(before) = circle.last().and_then(|step| came_from.get(step)) {
                    circle.push(*before);
                }
                circle.reverse();
                return Some(circle);
            }
            if let Entry::Vacant(place) = came_from.entry(next) {
                place.insert(at);
                open.push_back(next);
            }
        }
    }
    None
}

/// Where a call goes on from a step without a pause.
fn at_once(flow: &Flow, id: StepId) -> Vec<StepId> {
    if passes(flow, id) {
        leads_to(flow, id).collect()
    } else {
        Vec::new()
    }
}

/// Where a call goes on from a step though the caller does nothing.
fn without_the_caller(flow: &Flow, id: StepId) -> Vec<StepId> {
    let step = flow.step(id);
    let idle: &[&str] = match step.kind.name() {
        "gather" => &["no_input"],
        "record" => &["empty"],
        "converse" | "relay" => &["no_stream_start", "no_media", "no_reply", "failed"],
        "stream" => &["ended", "no_stream_start", "no_media", "failed"],
        "dial" => &["busy", "no_answer", "failed", "canceled"],
        "enqueue" => &["full", "failed"],
        "refer" | "pay" => &["failed"],
        "http" | "whatsapp" | "sms" => return leads_to(flow, id).collect(),
        _ => return at_once(flow, id),
    };
    let wired = step
        .wiring
        .iter()
        .filter(|(outcome, _)| idle.contains(&outcome.as_str()));
    wired.map(|(_, target)| *target).collect()
}

/// A branch on data may end the circle by itself: counted retries are written with `choose`.
fn passes(flow: &Flow, id: StepId) -> bool {
    let step = flow.step(id);
    match step.kind.name() {
        "choose" => false,
        // A template of the author's own that declares outcomes waits for the carrier.
        "twiml" => step.wiring.len() == 1,
        kind => PASSING.contains(&kind),
    }
}

fn leads_to(flow: &Flow, id: StepId) -> impl Iterator<Item = StepId> + '_ {
    let step = flow.step(id);
    step.wiring
        .iter()
        .map(|(_, target)| *target)
        .chain(step.when.as_ref().map(|(_, skip)| *skip))
}
