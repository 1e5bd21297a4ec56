//! A call that was really placed, held against its scenario: what the carrier saw of it and what the store kept are put
//! together, and judged as `engine test` judges its calls.

use crate::call::{Effect, Event, Flow, Phase, Row, StepId, TaskKind, TaskOutput, Time};
use crate::carrier::{CallReport, Happening};
use crate::line::kept as compiled_of;
use crate::phone::Silence;
use crate::replay::{Alone, Moment, Side, alone, tape};
use crate::store::{Address, Journal};
use crate::trial::{Failure, Ground, Heard, Message, Played, Request, Scenario, judge};
use crate::twiml::{Links, Templates};
use std::time::Duration;

/// What came of holding a call against its scenario.
#[derive(Debug)]
pub struct Verdict {
    /// What the caller heard, in order, as far as it has a name.
    pub heard: Vec<String>,
    /// How the call ended; none where it did not.
    pub ended: Option<&'static str>,
    /// What did not come as it must.
    pub failures: Vec<Failure>,
    /// What had better come otherwise.
    pub warnings: Vec<Failure>,
    /// Expectations that nobody can judge on a real call, and why.
    pub unjudged: Vec<String>,
}

/// Judges a call that is over.
///
/// # Errors
/// Why nothing can be judged: the store has nothing of the call, or cannot be read.
pub fn judged(
    scenario: &Scenario,
    flow: &Flow,
    templates: Templates,
    store: &Address,
    report: &CallReport,
) -> Result<Verdict, String> {
    let kept = Journal::new(store.clone())
        .kept(&report.call_sid)
        .map_err(|error| error.to_string())?
        .ok_or("the engine knows nothing of the call")?;
    let rows = kept.events.iter();
    let tape = tape::read(rows.map(|event| (event.seq, event.at, event.json.as_str())))
        .map_err(|error| format!("what is kept of the call cannot be read: {error}"))?;
    let side = kept
        .bundle
        .as_deref()
        .and_then(compiled_of)
        .and_then(|(path, compiled)| Side::new(&path, compiled))
        .ok_or("the flow's version was not kept")?;
    let began = tape.first().map_or(Time(0), |first| first.at);
    let played = played(flow, &alone(&side, &tape), report, began);
    let mut scenario = scenario.clone();
    let unjudged = set_aside(&mut scenario, flow, &played, report);
    let ground = Ground::new(flow, templates);
    let (failures, warnings) = judge(&ground, &scenario, &played);
    Ok(Verdict {
        heard: played.heard.iter().map(|heard| heard.what.clone()).collect(),
        ended: played.end.map(|reason| reason.word()),
        failures,
        warnings,
        unjudged,
    })
}

/// Takes out what cannot be judged: the sounds of a stream have no names.
fn set_aside(scenario: &mut Scenario, flow: &Flow, played: &Played, report: &CallReport) -> Vec<String> {
    let streamed = report
        .timeline
        .iter()
        .any(|event| matches!(event.what, Happening::StreamStarted(..)));
    let is_agents = |wanted: &str| {
        let mut names = flow
            .agents
            .values()
            .flat_map(|agent| agent.clips.iter().chain(&agent.texts));
        streamed && names.any(|name| name.ends_with(wanted) || name.contains(wanted))
    };
    let was_heard = |wanted: &str| {
        let mut heard = played.heard.iter();
        heard.any(|heard| heard.what.ends_with(wanted) || heard.what.contains(wanted))
    };
    let mut aside = Vec::new();
    for expect in [&mut scenario.form.expect, &mut scenario.form.warn] {
        expect.hears.retain(|wanted| {
            let kept = was_heard(&wanted.value) || !is_agents(&wanted.value);
            if !kept {
                aside.push(format!("hears: {}", wanted.value));
            }
            kept
        });
        expect.not_hears.retain(|unwanted| {
            let kept = was_heard(&unwanted.value) || !is_agents(&unwanted.value);
            if !kept {
                aside.push(format!("not_hears: {}", unwanted.value));
            }
            kept
        });
        expect.within.retain(|(what, _)| {
            let is_step = flow.steps.iter().any(|step| step.name == what.value);
            let kept = is_step || was_heard(&what.value) || !is_agents(&what.value);
            if !kept {
                aside.push(format!("within: {}", what.value));
            }
            kept
        });
    }
    aside
}

fn played(flow: &Flow, alone: &Alone, report: &CallReport, began: Time) -> Played {
    let at = |after: Duration| began.plus(u64::try_from(after.as_millis()).unwrap_or(u64::MAX));
    let over = report.timeline.iter().rev().find_map(|event| match &event.what {
        Happening::Status(status) if status != "in-progress" => Some(at(event.at)),
        _ => None,
    });
    let mut played = Played {
        began,
        over: over.unwrap_or(began),
        told: Vec::new(),
        heard: heard(flow, report, began),
        silence: Silence {
            from: at(report.longest_silence.from),
            to: at(report.longest_silence.to),
        },
        steps: Vec::new(),
        edges: Vec::new(),
        end: alone.call.as_ref().and_then(|call| match &call.phase {
            Phase::Ended { reason, .. } => Some(*reason),
            Phase::Live(_) => None,
        }),
        recordings: alone.call.as_ref().map_or(0, |call| call.recordings.len()),
        messages: Vec::new(),
        requests: Vec::new(),
        turns: Vec::new(),
        documents: Vec::new(),
        rows: Vec::new(),
        vars: alone.call.as_ref().map(|call| call.vars.clone()).unwrap_or_default(),
        contact: alone.call.as_ref().map(|call| call.contact.clone()).unwrap_or_default(),
        violations: Vec::new(),
        unplayed: 0,
        ran_out: 0,
    };
    let mut waiting: Option<StepId> = None;
    for moment in alone.beats.iter().filter_map(|beat| beat.then.as_ref()) {
        let trail = moment.trail.iter().enumerate();
        // The step that waited goes on: it is not come to again.
        let fresh = trail.filter(|(index, step)| *index > 0 || waiting != Some(**step));
        played.steps.extend(fresh.map(|(_, step)| (moment.at, *step)));
        waiting = moment.waits.as_ref().map(|waits| waits.step);
        note(&mut played, alone, moment);
    }
    played.heard.sort_by_key(|heard| heard.at);
    played
}

fn note(played: &mut Played, alone: &Alone, moment: &Moment) {
    let mut steps = moment.trail.clone();
    steps.extend(moment.waits.as_ref().map(|waits| waits.step));
    steps.dedup();
    let documents = moment.documents.iter().filter_map(|document| document.verbs.clone());
    played
        .documents
        .extend(documents.map(|verbs| (moment.at, steps.clone(), verbs)));
    for effect in &moment.effects {
        match effect {
            Effect::Write(row) => {
                if let Row::Turn {
                    role, text, started, ..
                } = row
                {
                    let who = if role == "caller" { "caller" } else { "agent" };
                    let text = text.reveal().clone();
                    if who == "agent" {
                        played.heard.push(Heard {
                            at: *started,
                            what: text.clone(),
                            spoken: true,
                        });
                    }
                    played.turns.push((*started, who, text));
                }
                played.rows.push(row.clone());
            }
            Effect::Perform(task) => {
                if let TaskKind::Http { method, url, body, .. } = &task.kind {
                    played.requests.push(Request {
                        at: moment.at,
                        name: moment
                            .waits
                            .as_ref()
                            .map_or_else(String::new, |waits| waits.name.clone()),
                        method: method.clone(),
                        url: url.clone(),
                        body: body.clone().unwrap_or_default(),
                    });
                }
            }
            _ => {}
        }
    }
    if let Event::TaskEnded {
        key,
        result: Ok(TaskOutput::Sent { .. }),
    } = &moment.event
        && let Some(TaskKind::SendMessage {
            channel,
            to,
            template,
            body,
            ..
        }) = alone.ordered.get(key)
    {
        played.messages.push(Message {
            at: moment.at,
            channel: channel.clone(),
            to: to.reveal().clone(),
            template: template.clone(),
            body: body.clone(),
        });
    }
}

/// What the carrier played: files of the flow by their path, others by their address, words as they are.
fn heard(flow: &Flow, report: &CallReport, began: Time) -> Vec<Heard> {
    let links = Links::new("");
    let name = |url: &str| {
        let mut files = flow.assets.keys().map(|path| path.to_string());
        files.find(|path| url.ends_with(&links.asset(path)))
    };
    let of = |event: &crate::carrier::Event| match &event.what {
        Happening::Hears { what, spoken } => Some(Heard {
            at: began.plus(u64::try_from(event.at.as_millis()).unwrap_or(u64::MAX)),
            what: name(what).unwrap_or_else(|| what.clone()),
            spoken: *spoken,
        }),
        _ => None,
    };
    report.timeline.iter().filter_map(of).collect()
}

/// Says what did not come as it must, and whether that is well.
pub fn say_verdicts(scenario: &Scenario, verdicts: &[Result<Verdict, String>]) -> bool {
    let mut good = true;
    let said = |word: &str, failure: &Failure| {
        let Failure {
            place, expected, came, ..
        } = failure;
        eprintln!("{word}: {place}: expected {expected}, but {came}");
    };
    for verdict in verdicts {
        match verdict {
            Ok(verdict) => {
                for failure in &verdict.failures {
                    said("failed", failure);
                }
                for warning in &verdict.warnings {
                    said("warning", warning);
                }
                for unjudged in &verdict.unjudged {
                    eprintln!("note: `{unjudged}` is not judged: sounds of a stream have no names on a real call");
                }
                good &= verdict.failures.is_empty();
            }
            Err(error) => {
                eprintln!("failed: nothing of the scenario can be judged: {error}");
                return false;
            }
        }
    }
    match &scenario.form.fails {
        None => good,
        Some(reason) if good => {
            eprintln!("failed: passed unexpectedly, take `fails` out: {}", reason.value);
            false
        }
        Some(reason) => {
            eprintln!("note: fails as expected: {}", reason.value);
            true
        }
    }
}
