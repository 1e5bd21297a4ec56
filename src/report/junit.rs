//! JUnit's XML: a suite for each file, and in a flow's file one case, the flow.

use std::collections::BTreeMap;

use super::suites::{Case, Outcome, Suite, Trouble, write};
use super::{FlowFile, Report, human, one_line};
use crate::flow::finding::Finding;

pub fn render(report: &Report<'_>) -> String {
    let mut found: BTreeMap<&str, Vec<&Finding>> = BTreeMap::new();
    for finding in report.findings {
        found.entry(finding.place.source().name()).or_default().push(finding);
    }
    let mut suites = Vec::new();
    for flow in report.flows {
        let findings = found.remove(flow.file.as_str()).unwrap_or_default();
        suites.push(suite(report, flow, &findings));
    }
    // What flows use: their parts, templates and words.
    for (file, findings) in found {
        let other = FlowFile {
            proof: None,
            file: file.to_owned(),
            name: file.to_owned(),
        };
        suites.push(suite(report, &other, &findings));
    }
    write("engine validate", &suites)
}

/// What fails the run fails the case; the other findings stand beside it.
fn suite(report: &Report<'_>, flow: &FlowFile, findings: &[&Finding]) -> Suite {
    let (failing, others): (Vec<&Finding>, Vec<&Finding>) =
        findings.iter().partition(|finding| report.fails_for(finding));
    let drawn = |findings: &[&Finding]| {
        let all: Vec<String> = findings.iter().map(|one| human::drawn(one, false)).collect();
        all.join("\n")
    };
    let mut case = Case::passed(&flow.file, &flow.name);
    if let Some(first) = failing.first() {
        let more = match failing.len() {
            1 => String::new(),
            several => format!(" (and {} more)", several - 1),
        };
        case.outcome = Outcome::Failed(Trouble {
            kind: first.id.to_owned(),
            message: format!("{}{more}", one_line(&first.message)),
            body: drawn(&failing),
        });
    }
    case.at = Some((flow.file.clone(), failing.first().map(|one| one.place.line())));
    case.output = drawn(&others);
    Suite {
        name: flow.file.clone(),
        cases: vec![case],
    }
}
