//! What each step sends, rendered and held against the carrier's own grammar.
//!
//! The call machine itself writes the documents: a stand-in call is walked to every step, so that what is checked is
//! what a caller would get.

use crate::call::{Answer, Arrival, Call, Effect, Event, Flow, Params, StepId, Time};
use crate::compile::Compiled;
use crate::flow::{Finding, Findings};
use crate::twiml::{Links, Setting, Severity, Verb, examine};
use serde_json::json;
use std::collections::BTreeSet;

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    let links = Links {
        origin: "https://voice.example.com".to_owned(),
        retries: None,
    };
    let mut seen = BTreeSet::new();
    for (index, step) in flow.steps.iter().enumerate() {
        let Ok(id) = u16::try_from(index).map(StepId) else {
            return;
        };
        let is_first = flow.sections.first().is_some_and(|section| section.start == id);
        for (verbs, setting) in documents(flow, id, is_first) {
            let twiml = match compiled.templates.render(&verbs, &links) {
                Ok(twiml) => twiml,
                Err(error) => {
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
                    continue;
                }
            };
            for problem in examine(&twiml, setting).1 {
                let said = format!("{}: {}", problem.code, problem.message);
                // A document goes on through the steps behind; each problem is told once, at the first step that shows it.
                if problem.code == 0 || !seen.insert(said) {
                    continue;
                }
                let message = format!("the carrier would report {}: {}", problem.code, problem.message);
                let finding = match problem.severity {
                    Severity::Error => Finding::error("twiml", step.place.clone(), message),
                    Severity::Warning => Finding::warning("twiml", step.place.clone(), message),
                };
                findings.push(
                    finding
                        .category("policy")
                        .label(format!("in what `{}` sends", step.name))
                        .help(problem.help.clone()),
                );
            }
        }
    }
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
        "dial" => (Event::AsideAsked { params }, Setting::Whisper),
        "enqueue" => (Event::AsideAsked { params }, Setting::QueueWait),
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
