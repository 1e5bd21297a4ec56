//! Scenarios: a caller, what goes wrong, and what must come of it. `engine simulate --scenario` plays one for real.

use super::simulate::dial;
use crate::carrier::{CallReport, DialOutcome, Fault, Happening, Script};
use crate::flow::{Duration, Finding, Findings, FromYaml, Located, Reader, Source, form, parse};
use std::path::{Path, PathBuf};

form! {
    /// What must come of the call.
    pub struct Expect {
        /// The files that the caller hears, in this order; others may be heard between them.
        hears: Vec<String> = Vec::new(),
        /// The longest time without sound.
        silence: Option<Duration>,
        /// How many recordings are made.
        recordings: Option<u32>,
        /// How many messages are sent.
        messages: Option<u32>,
    }
}

form! {
    /// A call to a flow.
    pub struct ScenarioForm {
        /// What it shows, in a sentence.
        scenario: String,
        /// The flow, relative to this file.
        flow: Located<String>,
        /// What the caller does: `wait prompt; speak Hello; keys 1#; hangup`.
        caller: Option<Located<String>>,
        /// What goes wrong: names of `engine list faults`.
        faults: Vec<Located<String>> = Vec::new(),
        /// How dialled parties answer, in order: `answer`, `busy`, `no-answer`, `failed`.
        dials: Vec<Located<String>> = Vec::new(),
        /// What must come of it.
        expect: Expect,
    }
}

/// A scenario, ready to be played.
#[derive(Debug)]
pub struct Scenario {
    /// What it shows.
    pub name: String,
    /// The flow's path.
    pub flow: PathBuf,
    /// What the caller does.
    pub caller: Script,
    /// What goes wrong.
    pub faults: Vec<Fault>,
    /// How dialled parties answer.
    pub dials: Vec<DialOutcome>,
    /// What must come of it.
    pub expect: Expect,
}

/// Reads a scenario file's text. Everything that is wrong with it is a finding.
pub fn read(path: &Path, text: &str) -> Result<Scenario, Findings> {
    let source = Source::new(path.to_string_lossy(), text);
    let mut findings = Findings::default();
    let document = parse(&source, &mut findings);
    let mut cx = Reader::new(&document);
    let form = document
        .root
        .as_ref()
        .and_then(|root| ScenarioForm::from_yaml(root, &mut cx));
    let scenario = form.map(|form| {
        let folder = path.parent().unwrap_or(Path::new("."));
        Scenario {
            flow: folder.join(&form.flow.value),
            caller: form
                .caller
                .as_ref()
                .and_then(|text| parsed(text, &mut cx))
                .unwrap_or_default(),
            faults: form.faults.iter().filter_map(|text| parsed(text, &mut cx)).collect(),
            dials: form
                .dials
                .iter()
                .filter_map(|text| said(text, dial(&text.value), &mut cx))
                .collect(),
            name: form.scenario,
            expect: form.expect,
        }
    });
    findings.extend(cx.into_findings());
    match scenario {
        Some(scenario) if !findings.has_errors() => Ok(scenario),
        _ => Err(findings),
    }
}

fn parsed<T: std::str::FromStr>(text: &Located<String>, cx: &mut Reader) -> Option<T>
where
    T::Err: ToString,
{
    said(text, text.value.parse().map_err(|error: T::Err| error.to_string()), cx)
}

fn said<T>(text: &Located<String>, read: Result<T, String>, cx: &mut Reader) -> Option<T> {
    read.map_err(|error| cx.report(Finding::error("wrong-type", text.place.clone(), error).label("cannot be played")))
        .ok()
}

impl Expect {
    /// What did not come of the call as it must.
    pub fn missed(&self, report: &CallReport) -> Vec<String> {
        let mut missed = Vec::new();
        let mut heard = files(report).into_iter();
        for file in &self.hears {
            if !heard.any(|known| known.ends_with(file.as_str())) {
                missed.push(format!(
                    "`{file}` was not heard in its place; heard were {}",
                    files(report).join(", ")
                ));
                break;
            }
        }
        let silence = report.longest_silence.length();
        if let Some(most) = self
            .silence
            .map(std::time::Duration::from)
            .filter(|most| silence > *most)
        {
            missed.push(format!(
                "{:.1} s of silence, {:.1} s allowed",
                silence.as_secs_f64(),
                most.as_secs_f64()
            ));
        }
        let counts = [
            ("recordings", self.recordings, report.recordings.len()),
            ("messages", self.messages, report.messages.len()),
        ];
        for (what, wanted, found) in counts {
            if wanted.is_some_and(|wanted| usize::try_from(wanted) != Ok(found)) {
                missed.push(format!("{found} {what}, {} expected", wanted.unwrap_or_default()));
            }
        }
        missed
    }
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
