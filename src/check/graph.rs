//! The flow as a graph: steps that no call reaches, and circles that wait for nobody.

use crate::call::{Flow, StepId};
use crate::compile::Compiled;
use crate::flow::{Finding, Findings};
use std::collections::BTreeSet;

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
    for (index, step) in flow.steps.iter().enumerate() {
        if !reached.iter().any(|id| id.index() == index) {
            findings.push(
                Finding::warning(
                    "unreachable-step",
                    step.place.clone(),
                    format!("no call ever comes to `{}`", step.name),
                )
                .category("graph")
                .label("nothing leads here")
                .help("name it in a `next` or `on`, or remove it"),
            );
        }
    }
}

/// A circle of steps that need nobody: found by walking on from each step through such steps only.
fn circles(flow: &Flow, findings: &mut Findings) {
    let mut blamed = BTreeSet::new();
    for index in 0..flow.steps.len() {
        let Ok(start) = u16::try_from(index).map(StepId) else {
            return;
        };
        if blamed.contains(&start) || !passes(flow, start) {
            continue;
        }
        if let Some(circle) = circle_from(flow, start) {
            let step = flow.step(start);
            let names: Vec<String> = circle.iter().map(|id| format!("`{}`", flow.step(*id).name)).collect();
            findings.push(
                Finding::error(
                    "loop-without-input",
                    step.place.clone(),
                    format!("{} can run in a circle without waiting for anybody", names.join(", ")),
                )
                .category("graph")
                .label("begins here")
                .consequence("the caller would be sent to the fallback after many rounds at once")
                .help("let one of them wait for the caller, such as with `gather`, or lead it elsewhere"),
            );
            blamed.extend(circle);
        }
    }
}

fn circle_from(flow: &Flow, start: StepId) -> Option<Vec<StepId>> {
    let mut path = vec![start];
    let mut seen = BTreeSet::new();
    fn walk(flow: &Flow, at: StepId, start: StepId, path: &mut Vec<StepId>, seen: &mut BTreeSet<StepId>) -> bool {
        for next in leads_to(flow, at) {
            if next == start {
                return true;
            }
            if passes(flow, next) && seen.insert(next) {
                path.push(next);
                if walk(flow, next, start, path, seen) {
                    return true;
                }
                path.pop();
            }
        }
        false
    }
    walk(flow, start, start, &mut path, &mut seen).then_some(path)
}

/// A branch on data may end the circle by itself: counted retries are written with `choose`.
fn passes(flow: &Flow, id: StepId) -> bool {
    let kind = flow.step(id).kind.name();
    PASSING.contains(&kind) && kind != "choose"
}

fn leads_to(flow: &Flow, id: StepId) -> impl Iterator<Item = StepId> + '_ {
    let step = flow.step(id);
    step.wiring
        .iter()
        .map(|(_, target)| *target)
        .chain(step.when.as_ref().map(|(_, skip)| *skip))
}
