//! GitLab's code quality report: a JSON array, of which a merge request shows what is new.

use serde::Serialize;

use super::fingerprint::fingerprints;
use super::{Report, explained};
use crate::flow::finding::{Finding, Severity};

pub fn render(report: &Report<'_>) -> String {
    let marks = fingerprints(report.findings);
    let issues: Vec<Issue<'_>> = report.findings.iter().zip(marks).map(issue).collect();
    let text = serde_json::to_string(&issues).expect("structs of text and numbers always serialise");
    format!("{text}\n")
}

#[derive(Serialize)]
struct Issue<'a> {
    description: String,
    check_name: &'static str,
    fingerprint: String,
    severity: &'static str,
    location: Location<'a>,
}

#[derive(Serialize)]
struct Location<'a> {
    /// Relative to the repository, without `./`.
    path: &'a str,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: usize,
}

fn issue((finding, fingerprint): (&Finding, String)) -> Issue<'_> {
    Issue {
        description: explained(finding).join("; "),
        check_name: finding.id,
        fingerprint,
        severity: match finding.severity {
            Severity::Error => "critical",
            Severity::Warning => "minor",
        },
        location: Location {
            path: finding.place.source().name(),
            lines: Lines {
                begin: finding.place.line(),
            },
        },
    }
}
