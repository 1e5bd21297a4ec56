//! Scenarios played for real: `engine simulate --scenario`. The form is the one of `engine test`; what only virtual time can
//! play is said.

use super::simulate::dial;
use crate::carrier::{DialOutcome, Fault, Script};
use crate::flow::{Finding, Findings, Located};
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
    /// Whether the call comes by SIP.
    pub sip: bool,
    /// The scenario itself, with what must come of it.
    pub of: trial::Scenario,
    /// Keys of the scenario that only `engine test` plays.
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
        sip: scenario.is_sip(),
        of: scenario.clone(),
    })
}

fn said<T>(text: &Located<String>, read: Result<T, String>, findings: &mut Findings) -> Option<T> {
    read.map_err(|error| {
        findings.push(Finding::error("wrong-type", text.place.clone(), error).label("cannot be played"));
    })
    .ok()
}

/// What a real call cannot be made to do: services and models answer as they really do.
fn passed_over(scenario: &trial::Scenario) -> Vec<&'static str> {
    let form = &scenario.form;
    let keys = [
        ("at", form.at.is_some()),
        ("contact", !form.contact.is_empty()),
        ("queue", form.queue.is_some()),
        ("payment", form.payment.is_some()),
        ("refer", form.refer.as_ref().is_some_and(|word| word.value != "taken")),
        ("services", !form.services.is_empty()),
        ("model", !form.model.is_empty()),
        ("providers", !form.providers.is_empty()),
    ];
    keys.into_iter()
        .filter(|(_, there)| *there)
        .map(|(key, _)| key)
        .collect()
}
