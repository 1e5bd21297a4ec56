//! What each step sends, rendered and held against the carrier's own grammar.
//!
//! The call machine itself writes the documents: a stand-in call is walked to every step, so that what is checked is
//! what a caller would get.

use super::written;
use crate::call::{Answer, Arrival, Call, Effect, Event, Flow, Params, StepId, Time};
use crate::compile::Compiled;
use crate::flow::{Finding, Findings, Place};
use crate::twiml::{Links, Problem, Setting, Severity, Verb, examine};
use serde_json::json;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

/// Kinds that send nothing.
const MUTE: [&str; 5] = ["choose", "set", "contact", "interaction", "run"];

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    let links = Links {
        origin: "https://voice.example.com".to_owned(),
        retries: None,
    };
    let unanswered = unanswered(flow);
    // A document goes on through the steps behind; each problem is told once, at the step whose document is shortest.
    let mut problems: BTreeMap<(u32, String), (usize, StepId, Problem)> = BTreeMap::new();
    let mut unrendered: BTreeMap<String, (usize, StepId)> = BTreeMap::new();
    for (index, step) in flow.steps.iter().enumerate() {
        let Ok(id) = u16::try_from(index).map(StepId) else {
            return;
        };
        for (verbs, setting) in documents(flow, id, unanswered.contains(&id)) {
            // A step that sends nothing has the document of the one behind it.
            let length = 2 * verbs.len() + usize::from(MUTE.contains(&step.kind.name()));
            let twiml = match compiled.templates.render(&verbs, &links) {
                Ok(twiml) => twiml,
                Err(error) => {
                    let known = unrendered.entry(error.to_string()).or_insert((length, id));
                    if length < known.0 {
                        *known = (length, id);
                    }
                    continue;
                }
            };
            for problem in examine(&twiml, setting).1 {
                let place = problems.entry((problem.code, problem.message.clone()));
                match place {
                    Entry::Vacant(place) => {
                        place.insert((length, id, problem));
                    }
                    Entry::Occupied(mut place) if length < place.get().0 => {
                        place.insert((length, id, problem));
                    }
                    Entry::Occupied(_) => {}
                }
            }
        }
    }
    for (error, (_, id)) in unrendered {
        let step = flow.step(id);
        findings.push(
            Finding::error(
                "template-syntax",
                step.place.clone(),
                format!("`{}` cannot be rendered: {error}", step.name),
            )
            .category("template")
            .label("this step")
            .consequence("the caller would hear the fallback")
            .help("see templates/README.md for what the template is given"),
        );
    }
    for (_, id, problem) in problems.into_values() {
        let mut finding = told(flow, id, &problem);
        if let Some(place) = named(compiled, &finding.place, &problem.message) {
            finding.place = place;
        }
        findings.push(finding);
    }
}

/// The value of the step that a message names in backticks: its first scalar that reads so.
fn named(compiled: &Compiled, step: &Place, message: &str) -> Option<Place> {
    let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let mut written = written::all(compiled).into_iter();
    let of_step = |one: &written::Written<'_>| {
        one.step.is_some_and(|known| {
            known.place.span() == step.span() && known.place.source().name() == step.source().name()
        })
    };
    let step = written.find(of_step)?;
    let named = |node: &&crate::flow::Node| {
        node.scalar()
            .is_some_and(|scalar| words.contains(&scalar.text.as_str()))
    };
    written::scalars(step.body)
        .into_iter()
        .find(named)
        .map(|node| step.at(node))
}

fn told(flow: &Flow, id: StepId, problem: &Problem) -> Finding {
    let step = flow.step(id);
    let place = step.place.clone();
    let finding = match (problem.code, problem.severity) {
        (0, _) => Finding::warning("twiml-advice", place, problem.message.clone())
            .consequence("the carrier says nothing of it, and does something else than it looks like"),
        (code, Severity::Error) => Finding::error("twiml", place, reported(code, problem)),
        (code, Severity::Warning) => Finding::warning("twiml", place, reported(code, problem)),
    };
    finding
        .category("policy")
        .label(format!("in what `{}` sends", step.name))
        .help(problem.help.clone())
}

fn reported(code: u32, problem: &Problem) -> String {
    format!("the carrier would report {code}: {}", problem.message)
}

/// The steps that a call may come to before anything has been sent: from its beginning through steps that send nothing.
fn unanswered(flow: &Flow) -> BTreeSet<StepId> {
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
            // Any flow that is run may be the one that this step runs.
            if step.kind.name() == "run" {
                open.extend(flow.sections.iter().skip(1).map(|section| section.start));
            }
        }
    }
    reached
}

/// The documents that begin at a step, with stand-in data: what it sends first, what it sends where nothing came, and
/// what somebody beside the call hears. Those that need data that only a call has are not there.
fn documents(flow: &Flow, step: StepId, is_first: bool) -> Vec<(Vec<Verb>, Setting)> {
    let fields = [
        ("CallSid", "CA00000000000000000000000000000000"),
        ("From", "+972501234567"),
        ("To", "+97231234567"),
        ("CallStatus", "in-progress"),
    ];
    let arrival = Arrival {
        params: fields.into_iter().collect::<Params>(),
        origin: "https://voice.example.com".to_owned(),
        seed: "0".repeat(32),
        contact: Some(json!({"name": "Dana"})),
        draining: false,
    };
    let now = Time(1_700_000_000_000);
    let (call, effects) = Call::begin_at(flow, step, now, &arrival);
    let setting = if is_first {
        Setting::FirstDocument
    } else {
        Setting::Webhook
    };
    let mut documents: Vec<(Vec<Verb>, Setting)> =
        answered(effects).map(|verbs| (verbs, setting)).into_iter().collect();
    let Some(ticket) = call
        .live()
        .filter(|live| live.step == step)
        .map(|live| live.wait.ticket)
    else {
        return documents;
    };
    let params = Params::default();
    let (event, setting) = match flow.step(step).kind.name() {
        "gather" => (Event::CarrierAsked { ticket, params }, Setting::Webhook),
        "dial" => (Event::AsideAsked { params, round: 1 }, Setting::Whisper),
        "enqueue" => (Event::AsideAsked { params, round: 1 }, Setting::QueueWait),
        _ => return documents,
    };
    let more = answered(call.clone().handle(flow, now, &event));
    // A party that hears nothing special gets an empty document, which nobody asks for.
    documents.extend(more.filter(|verbs| !verbs.is_empty()).map(|verbs| (verbs, setting)));
    documents
}

/// The document among the effects. A step that failed on the stand-in data shows the fallback; that says nothing of it.
fn answered(effects: Vec<Effect>) -> Option<Vec<Verb>> {
    let failed = effects
        .iter()
        .any(|effect| matches!(effect, Effect::Log(log) if log.word == "STEP_FAILED"));
    let answer = effects.into_iter().find_map(|effect| match effect {
        Effect::Answer(Answer::Document(verbs)) => Some(verbs),
        _ => None,
    });
    answer.filter(|_| !failed)
}
