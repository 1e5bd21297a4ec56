//! Scenarios played for real: `engine simulate --scenario`. The form is the one of `engine test`; what only virtual time can
//! play or see is said.

use super::simulate::dial;
use crate::carrier::{CallReport, DialOutcome, Fault, Happening, Script};
use crate::flow::{Finding, Findings, Located};
use crate::trial::form::{Counted, Expect};
use crate::trial::{self, VIRTUAL};
use std::path::{Path, PathBuf};

/// A scenario, ready to be played.
#[derive(Debug)]
pub struct Scenario {
    /// What it shows.
    pub name: String,
    /// The flow's path.
    pub flow: PathBuf,
    /// What the caller does.
    pub caller: Script,
    /// The caller's number, where the scenario names it.
    pub from: Option<String>,
    /// The number that is called, where the scenario names it.
    pub to: Option<String>,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// How dialled parties answer.
    pub dials: Vec<DialOutcome>,
    /// What must come of it.
    pub expect: Expect,
    /// Keys of the scenario that only `engine test` plays or checks.
    pub passed_over: Vec<&'static str>,
}

/// Reads a scenario file's text, or one case of it. Everything that is wrong with it is a finding.
pub fn read(path: &Path, text: &str, case: Option<&str>) -> Result<Scenario, Findings> {
    let file = trial::read(&path.to_string_lossy(), text);
    let mut findings = file.findings;
    let names: Vec<&str> = file.scenarios.iter().filter_map(|one| one.case.as_deref()).collect();
    let chosen = match case {
        Some(case) => file.scenarios.iter().find(|one| one.case.as_deref() == Some(case)),
        None if names.is_empty() => file.scenarios.first(),
        None => None,
    };
    let Some(scenario) = chosen else {
        if findings.is_empty() {
            let place = crate::flow::Place::start_of(&file.source);
            let message = match case {
                Some(case) => format!("there is no case `{case}`"),
                None => "there are several cases, and one call is played".to_owned(),
            };
            let help = match names.is_empty() {
                true => "the file has no cases".to_owned(),
                false => format!("name one with `--case`: {}", names.join(", ")),
            };
            findings.push(Finding::error("scenario-case", place, message).help(help));
        }
        return Err(findings);
    };
    let form = &scenario.form;
    let mut faults = Vec::new();
    for fault in &form.faults {
        let name = fault.value.split('=').next().unwrap_or_default().trim();
        if VIRTUAL.iter().any(|(known, _)| *known == name) {
            let message = format!("`{name}` happens on virtual time alone");
            findings.push(
                Finding::error("scenario-fault", fault.place.clone(), message)
                    .label("not played by `engine simulate`")
                    .help("play the scenario with `engine test`"),
            );
            continue;
        }
        faults.extend(said(
            fault,
            fault.value.parse::<Fault>().map_err(|error| error.to_string()),
            &mut findings,
        ));
    }
    let dials = form
        .dials
        .iter()
        .filter_map(|text| said(text, dial(&text.value), &mut findings))
        .collect();
    if findings.has_errors() {
        return Err(findings);
    }
    let folder = path.parent().unwrap_or(Path::new("."));
    Ok(Scenario {
        name: scenario.title(),
        flow: folder.join(&form.flow.value),
        caller: Script {
            steps: scenario.caller.clone(),
        },
        from: form.from.clone(),
        to: form.to.clone(),
        faults,
        dials,
        passed_over: passed_over(scenario),
        expect: form.expect.clone(),
    })
}

fn said<T>(text: &Located<String>, read: Result<T, String>, findings: &mut Findings) -> Option<T> {
    read.map_err(|error| {
        findings.push(Finding::error("wrong-type", text.place.clone(), error).label("cannot be played"));
    })
    .ok()
}

/// What a real call cannot be made to do, or does not show.
fn passed_over(scenario: &trial::Scenario) -> Vec<&'static str> {
    let form = &scenario.form;
    let expect = &form.expect;
    let keys = [
        ("at", form.at.is_some()),
        ("contact", !form.contact.is_empty()),
        ("queue", form.queue.is_some()),
        ("payment", form.payment.is_some()),
        ("refer", form.refer.is_some()),
        ("services", !form.services.is_empty()),
        ("model", !form.model.is_empty()),
        ("providers", !form.providers.is_empty()),
        ("warn", form.warn != Expect::none()),
        ("fails", form.fails.is_some()),
        ("steps", !expect.steps.is_empty() || !expect.not_steps.is_empty()),
        ("not_hears", !expect.not_hears.is_empty()),
        ("ends", expect.ends.is_some()),
        ("within", !expect.within.is_empty()),
        ("stored", expect.stored.is_some()),
        ("twiml", !expect.twiml.is_empty()),
        ("requests", !expect.requests.is_empty()),
        ("turns", !expect.turns.is_empty()),
    ];
    keys.into_iter()
        .filter(|(_, there)| *there)
        .map(|(key, _)| key)
        .collect()
}

/// What did not come of a real call as it must.
pub fn missed(expect: &Expect, report: &CallReport) -> Vec<String> {
    let mut missed = Vec::new();
    let mut heard = files(report).into_iter();
    // Words that the carrier speaks are no files, and nothing says what they were.
    let is_file = |what: &str| [".mp3", ".wav", ".ulaw"].iter().any(|end| what.ends_with(end));
    for file in expect.hears.iter().filter(|what| is_file(&what.value)) {
        if !heard.any(|known| known.ends_with(file.value.as_str())) {
            missed.push(format!(
                "`{}` was not heard in its place; heard were {}",
                file.value,
                files(report).join(", ")
            ));
            break;
        }
    }
    let silence = report.longest_silence.length();
    let most = expect
        .silence
        .as_ref()
        .map(|most| std::time::Duration::from(most.value));
    if let Some(most) = most.filter(|most| silence > *most) {
        missed.push(format!(
            "{:.1} s of silence, {:.1} s allowed",
            silence.as_secs_f64(),
            most.as_secs_f64()
        ));
    }
    let messages = expect.messages.as_ref().map(|messages| match &messages.value {
        Counted::Number(number) => *number,
        Counted::Each(each) => u32::try_from(each.len()).unwrap_or(u32::MAX),
    });
    let recordings = expect.recordings.as_ref().map(|recordings| recordings.value);
    let counts = [
        ("recordings", recordings, report.recordings.len()),
        ("messages", messages, report.messages.len()),
    ];
    for (what, wanted, found) in counts {
        if let Some(wanted) = wanted.filter(|wanted| usize::try_from(*wanted) != Ok(found)) {
            missed.push(format!("{found} {what}, {wanted} expected"));
        }
    }
    missed
}

/// The files that the carrier fetched to play, in order.
fn files(report: &CallReport) -> Vec<String> {
    let file = |event: &crate::carrier::Event| match &event.what {
        Happening::Webhook {
            purpose,
            url,
            status: Some(200),
            ..
        } if purpose == "media" => url.split_once("/static/").map(|(_, path)| path.to_owned()),
        _ => None,
    };
    report.timeline.iter().filter_map(file).collect()
}
