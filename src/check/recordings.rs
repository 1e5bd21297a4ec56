//! Recordings: what a caller is told before, and what still happens after the usual end of a message, the hang-up.

use super::written::{self, Written};
use crate::call::{Flow, Step, StepId};
use crate::compile::Compiled;
use crate::flow::{Finding, Findings};
use std::collections::BTreeSet;

/// Kinds that send nothing and wait for nobody.
const MUTE: [&str; 5] = ["choose", "set", "contact", "interaction", "http"];
/// Kinds that a call passes though the caller does nothing.
const PASSED: [&str; 8] = [
    "play",
    "say",
    "pause",
    "choose",
    "set",
    "contact",
    "interaction",
    "twiml",
];
/// Kinds whose work is lost where the call is over before.
const WORK: [&str; 5] = ["http", "whatsapp", "sms", "contact", "interaction"];

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    let speechless = speechless(flow);
    let mut told = BTreeSet::new();
    for written in written::all(compiled) {
        let Some(step) = written.step else { continue };
        let Some(id) = flow
            .steps
            .iter()
            .position(|one| std::ptr::eq(one, step))
            .and_then(id_of)
        else {
            continue;
        };
        match written.kind {
            "record" => {
                unannounced_message(&written, flow, id, findings);
                lost(step, flow, &mut told, findings);
            }
            "dial" if is_true(&written, "record") && speechless.contains(&id) => findings.push(
                unannounced(
                    &written,
                    "record",
                    "this conversation is recorded, and nobody has been told anything before",
                )
                .consequence("neither side knows of the recording, which many countries forbid")
                .help("say so first: a `play` or `say` before this step, and a `whisper` for the called party"),
            ),
            _ => {}
        }
    }
}

fn unannounced_message(record: &Written<'_>, flow: &Flow, id: StepId, findings: &mut Findings) {
    let beeps = record.body.key("beep").is_none() || is_true(record, "beep");
    if beeps || record.body.key("prompt").is_some() {
        return;
    }
    let begins = flow.sections.iter().any(|section| section.start == id);
    let silent = flow.steps.iter().find(|step| {
        let leads = step.wiring.iter().any(|(_, target)| *target == id);
        let skips = step.when.as_ref().is_some_and(|(_, skip)| *skip == id);
        skips || leads && !["play", "say"].contains(&step.kind.name())
    });
    if silent.is_none() && !begins {
        return;
    }
    let finding = unannounced(
        record,
        "beep",
        "this recording begins without a word and without a beep",
    )
    .consequence("the caller hears nothing and does not know that a message is expected")
    .help("add a `prompt`, or write `beep: true`");
    findings.push(match silent {
        Some(step) => finding.related(step.place.clone(), "a call can come from here"),
        None => finding,
    });
}

fn unannounced(step: &Written<'_>, key: &str, message: &str) -> Finding {
    Finding::warning("unannounced-recording", step.place_of(key), message)
        .category("policy")
        .label("recorded from here on")
}

fn is_true(step: &Written<'_>, key: &str) -> bool {
    step.text(key)
        .is_some_and(|value| value.text.eq_ignore_ascii_case("true"))
}

/// The steps that a call can come to without having heard anything.
fn speechless(flow: &Flow) -> BTreeSet<StepId> {
    let mut reached = BTreeSet::new();
    let mut open: Vec<StepId> = flow.sections.first().map(|section| section.start).into_iter().collect();
    while let Some(id) = open.pop() {
        if !reached.insert(id) {
            continue;
        }
        let step = flow.step(id);
        open.extend(step.when.as_ref().map(|(_, skip)| *skip));
        if MUTE.contains(&step.kind.name()) {
            open.extend(step.wiring.iter().map(|(_, target)| *target));
        }
    }
    reached
}

/// Most callers hang up when they have spoken: the call is over, and no step follows.
fn lost(record: &Step, flow: &Flow, told: &mut BTreeSet<StepId>, findings: &mut Findings) {
    let taken = record
        .wiring
        .iter()
        .filter(|(outcome, _)| outcome.as_str() == "recorded");
    let mut open: Vec<StepId> = taken.map(|(_, target)| *target).collect();
    let mut seen = BTreeSet::new();
    while let Some(id) = open.pop() {
        if !seen.insert(id) {
            continue;
        }
        let step = flow.step(id);
        let kind = step.kind.name();
        if WORK.contains(&kind) && told.insert(id) {
            findings.push(
                Finding::warning(
                    "lost-after-hangup",
                    step.place.clone(),
                    format!(
                        "`{}` is done only if the caller stays on the line after the message",
                        step.name
                    ),
                )
                .category("policy")
                .label("most callers hang up first")
                .related(record.place.clone(), "the message is left here")
                .consequence("the message is kept, and this is not done")
                .help(format!(
                    "put the `{kind}` under `after_call` with `when: call.recordings > 0`"
                )),
            );
        }
        if PASSED.contains(&kind) {
            open.extend(step.wiring.iter().map(|(_, target)| *target));
        }
    }
}

fn id_of(index: usize) -> Option<StepId> {
    u16::try_from(index).ok().map(StepId)
}
