//! Where each outcome of each step leads: its own `on`, then its `next`, then the flow's `otherwise`.

use super::steps::RawStep;
use crate::call::{Outcome, StepId};
use crate::flow::suggest::same_letters;
use crate::flow::{Finding, Findings, Fix, Located, Safety, nearest};
use std::collections::BTreeMap;

/// Outcomes that mean that something did not work; `next` does not take them.
const FAILURES: [&str; 11] = [
    "failed",
    "no_stream_start",
    "no_media",
    "no_reply",
    "busy",
    "no_answer",
    "canceled",
    "no_input",
    "no_match",
    "full",
    "left",
];

/// Outcomes that mean that all went well: `otherwise` is for what did not.
const SUCCESSES: [&str; 6] = ["done", "completed", "matched", "recorded", "bridged", "ok"];

/// Whether `next` takes the outcome.
pub(super) fn carries_on(outcome: &str) -> bool {
    !FAILURES.contains(&outcome)
}

/// Step names of one section, resolved.
pub(super) struct Names<'a> {
    pub ids: &'a BTreeMap<String, StepId>,
    pub otherwise: Option<StepId>,
}

/// Resolves one step's wiring; faults become findings.
pub(super) fn wire(raw: &RawStep, names: &Names<'_>, findings: &mut Findings) -> Vec<(Outcome, StepId)> {
    let Some(kind) = &raw.kind else { return Vec::new() };
    let outcomes = kind.outcomes();
    let next = raw
        .next
        .as_ref()
        .and_then(|next| resolve(next, names, &raw.name, findings));
    let mut wired: BTreeMap<&str, Option<StepId>> = BTreeMap::new();
    for (outcome, target) in &raw.on {
        let target = resolve(target, names, &raw.name, findings);
        if outcomes.iter().any(|known| known.as_str() == outcome.value) {
            wired.insert(&outcome.value, target);
        } else {
            findings.push(unknown_outcome(raw, outcome, &outcomes));
        }
    }
    if let Some(next) = &raw.next {
        let useless = outcomes
            .iter()
            .all(|outcome| !carries_on(outcome.as_str()) || wired.contains_key(outcome.as_str()));
        // A step that is skipped goes to `next`, too.
        if useless && raw.when.is_none() {
            let message = if outcomes.is_empty() {
                format!("nothing comes after `{}`", kind.name())
            } else {
                "every outcome is wired by `on` already".to_owned()
            };
            let finding = Finding::warning("unused-next", next.place.clone(), message)
                .label("never taken")
                .help("remove `next`");
            findings.push(match &raw.next_entry {
                Some(entry) => finding.fix(Fix::replace(Safety::Safe, entry.clone(), "")),
                None => finding,
            });
        }
    }
    let mut wiring = Vec::new();
    let mut loose = Vec::new();
    let mut taken = Vec::new();
    for outcome in outcomes {
        let name = outcome.as_str();
        let target = match wired.get(name) {
            // A target that does not exist is a finding of its own.
            Some(target) => *target,
            None if carries_on(name) && raw.next.is_some() => next,
            None if names.otherwise.is_some() => {
                if SUCCESSES.contains(&name) && raw.when.is_none() {
                    taken.push(name.to_owned());
                }
                names.otherwise
            }
            None => {
                loose.push(name.to_owned());
                continue;
            }
        };
        if let Some(target) = target {
            wiring.push((outcome, target));
        }
    }
    if !loose.is_empty() {
        findings.push(unwired(raw, &loose));
    }
    if !taken.is_empty() {
        findings.push(success_to_otherwise(raw, &taken));
    }
    wiring
}

/// Finds a step by name, or says that it is not there.
pub(super) fn resolve(
    target: &Located<String>,
    names: &Names<'_>,
    step: &Located<String>,
    findings: &mut Findings,
) -> Option<StepId> {
    if let Some(id) = names.ids.get(&target.value) {
        return Some(*id);
    }
    let message = format!("there is no step `{}`", target.value);
    let mut finding = Finding::error("unknown-step", target.place.clone(), message)
        .label(format!("no step is called `{}`", target.value))
        .related(step.place.clone(), "named here")
        .consequence("a caller who gets here would be sent to the fallback, or lost");
    finding = match nearest(&target.value, names.ids.keys().map(String::as_str)) {
        Some(near) => finding.nearest(Some(near)),
        None => finding.help(format!("add a step `{}` or name one of the others", target.value)),
    };
    findings.push(finding);
    None
}

fn unknown_outcome(raw: &RawStep, outcome: &Located<String>, outcomes: &[Outcome]) -> Finding {
    let kind = raw.kind.as_ref().map_or("", |kind| kind.name());
    let names: Vec<&str> = outcomes.iter().map(Outcome::as_str).collect();
    let finding = Finding::error(
        "unknown-outcome",
        outcome.place.clone(),
        format!("`{kind}` has no outcome `{}`", outcome.value),
    )
    .label("never happens")
    .related(raw.kind_place.clone(), "the step's kind");
    match nearest(&outcome.value, names.iter().copied()) {
        // A name that other outcomes have the letters of, too, may be any of them.
        Some(near) if names.iter().filter(|name| same_letters(name, near)).count() == 1 => {
            finding.nearest_word(&outcome.value, Some(near))
        }
        Some(near) => finding.nearest(Some(near)),
        None if names.is_empty() => finding.help("nothing comes after this kind: remove `on`"),
        None => finding.help(format!("its outcomes are {}", names.join(", "))),
    }
}

fn success_to_otherwise(raw: &RawStep, taken: &[String]) -> Finding {
    let names: Vec<String> = taken.iter().map(|name| format!("`{name}`")).collect();
    Finding::warning(
        "success-to-otherwise",
        raw.name.place.clone(),
        format!(
            "{} of `{}` leads to `otherwise`, which is for failures",
            names.join(", "),
            raw.name.value
        ),
    )
    .label("neither `on` nor `next` says what comes after it")
    .related(raw.kind_place.clone(), "the step's kind")
    .consequence("a caller with whom all went well is treated like one with whom it did not")
    .help(format!(
        "add `next: some_step`, or wire it: `on: {{{}: some_step}}`",
        taken.first().map_or("", String::as_str)
    ))
}

fn unwired(raw: &RawStep, loose: &[String]) -> Finding {
    let names = loose
        .iter()
        .map(|name| format!("`{name}`"))
        .collect::<Vec<_>>()
        .join(", ");
    let plural = if loose.len() == 1 { "leads" } else { "lead" };
    let carry = loose.iter().any(|name| carries_on(name));
    let finding = Finding::error(
        "unwired-outcome",
        raw.name.place.clone(),
        format!("{names} of `{}` {plural} nowhere", raw.name.value),
    )
    .label("no `on`, `next` or `otherwise` takes it")
    .related(raw.kind_place.clone(), "the step's kind")
    .consequence("a caller to whom this happens would hear an apology and be hung up on");
    if carry {
        finding.help("add `next: some_step`, or wire it: `on: {…}`")
    } else {
        finding.help("wire it: `on: {…}`, or give the flow an `otherwise: some_step` for all failures")
    }
}
