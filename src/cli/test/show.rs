//! Results as text, as JSON and as JUnit's suites.

use super::results::{Outcome, Played, Results};
use crate::cli::output::counted;
use crate::flow::Finding;
use crate::report::suites::{Case, Outcome as Junit, Suite, Trouble};
use crate::report::{Format, Report, Summary};
use crate::trial::Failure;
use serde_json::{Value, json};
use std::fmt::Write;

/// Of scenarios that cannot be played, so many are named: what is wrong stands above them.
const BROKEN: usize = 5;

/// Findings about files, as `engine validate` shows them.
pub(super) fn findings(findings: &[Finding], colour: bool) -> String {
    let mut files: Vec<&str> = findings.iter().map(|one| one.place.source().name()).collect();
    files.sort_unstable();
    files.dedup();
    let summary = Summary::of(files.len(), findings, 0);
    let format = if colour { Format::Human } else { Format::Plain };
    format.render(&Report {
        colour,
        ..Report::new(findings, &summary)
    })
}

/// Failures with their calls, and the numbers; with `verbose` a line for each scenario.
pub(super) fn people(results: &Results, verbose: bool, colour: bool) -> String {
    let paint = |code: &str, text: &str| match colour {
        true => format!("\x1b[{code}m{text}\x1b[0m"),
        false => text.to_owned(),
    };
    let mut text = String::new();
    if !results.findings.is_empty() {
        text.push_str(&findings(&results.findings, colour));
        text.push('\n');
    }
    let mut broken = 0;
    for one in &results.all {
        if matches!(one.outcome, Outcome::Broken) && !verbose {
            broken += 1;
            if broken > BROKEN {
                continue;
            }
        }
        let (word, code) = match &one.outcome {
            Outcome::Passed => ("passed", "32"),
            Outcome::Failed(_) => ("FAILED", "31"),
            Outcome::Broken => ("BROKEN", "31"),
            Outcome::Expected(_) => ("fails as expected", "33"),
            Outcome::Unexpected(_) => ("PASSED UNEXPECTEDLY", "31"),
        };
        let bad = matches!(
            one.outcome,
            Outcome::Failed(_) | Outcome::Broken | Outcome::Unexpected(_)
        );
        if verbose || bad || !one.warnings.is_empty() {
            let call = match one.outcome {
                Outcome::Broken => String::new(),
                _ => format!(", a call of {}", seconds(one.lasted)),
            };
            let (word, title) = (paint(code, word), &one.title);
            let _ = writeln!(text, "{word}  {title}  ({}:{}{call})", one.file, one.line);
        }
        match &one.outcome {
            Outcome::Failed(failures) => {
                let mut shown: Option<&Vec<String>> = None;
                for (failure, lines) in failures {
                    told(failure, "", &mut text);
                    // Two failures about the same part of a call show it once.
                    if shown != Some(lines) {
                        for line in lines {
                            let _ = writeln!(text, "    | {line}");
                        }
                        shown = Some(lines);
                    }
                }
                notes(one, &mut text);
            }
            Outcome::Unexpected(reason) => {
                let _ = writeln!(
                    text,
                    "  it was expected to fail: {reason}\n  help: take `fails` out of the scenario"
                );
            }
            Outcome::Expected(reason) if verbose => {
                let _ = writeln!(text, "  {reason}");
            }
            _ if verbose => notes(one, &mut text),
            _ => {}
        }
        for warning in &one.warnings {
            told(warning, "warning: ", &mut text);
        }
    }
    if broken > BROKEN {
        let _ = writeln!(
            text,
            "… and {} more that could not be played; `-v` names them",
            broken - BROKEN
        );
    }
    let _ = writeln!(text, "{}", summary(results));
    text
}

fn notes(one: &Played, text: &mut String) {
    for note in &one.notes {
        let _ = writeln!(text, "  note: {note}");
    }
}

fn told(failure: &Failure, prefix: &str, text: &mut String) {
    let _ = writeln!(
        text,
        "  {prefix}{}\n    expected: {}\n    but:      {}",
        failure.place,
        failure.expected,
        failure.came.replace('\n', "\n      ")
    );
}

/// The numbers of a run.
pub(super) fn summary(results: &Results) -> String {
    let count = |wanted: fn(&Outcome) -> bool| results.all.iter().filter(|one| wanted(&one.outcome)).count();
    let passed = count(|outcome| matches!(outcome, Outcome::Passed));
    if results.all.is_empty() {
        return format!("nothing was played; {}", counted(results.findings.len(), "finding"));
    }
    let expected = count(|outcome| matches!(outcome, Outcome::Expected(_)));
    let mut parts = vec![format!("{passed} passed")];
    for (number, word) in [
        (count(|outcome| matches!(outcome, Outcome::Failed(_))), "failed"),
        (
            count(|outcome| matches!(outcome, Outcome::Broken)),
            "could not be played",
        ),
        (
            count(|outcome| matches!(outcome, Outcome::Unexpected(_))),
            "passed unexpectedly",
        ),
        (
            expected,
            if expected == 1 {
                "fails as expected"
            } else {
                "fail as expected"
            },
        ),
    ] {
        if number > 0 {
            parts.push(format!("{number} {word}"));
        }
    }
    let warnings = results.all.iter().map(|one| one.warnings.len()).sum();
    for (number, noun) in [(warnings, "warning"), (results.findings.len(), "finding")] {
        if number > 0 {
            parts.push(counted(number, noun));
        }
    }
    let lasted: u64 = results.all.iter().map(|one| one.lasted).sum();
    format!(
        "{}: {}; {} of calls",
        counted(results.all.len(), "scenario"),
        parts.join(", "),
        seconds(lasted)
    )
}

fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// One line for each failure.
pub(super) fn concise(results: &Results) -> String {
    let mut text = String::new();
    for finding in &results.findings {
        let _ = writeln!(text, "{}: error[{}]: {}", finding.place, finding.id, finding.message);
    }
    let one_line = |text: &str| text.replace('\n', " ");
    for one in &results.all {
        match &one.outcome {
            Outcome::Failed(failures) => {
                for (failure, _) in failures {
                    let _ = writeln!(
                        text,
                        "{}: error: {}: expected {}, but {}",
                        failure.place,
                        one.title,
                        failure.expected,
                        one_line(&failure.came)
                    );
                }
            }
            Outcome::Unexpected(reason) => {
                let _ = writeln!(
                    text,
                    "{}:{}:1: error: {}: passed though it was expected to fail: {reason}",
                    one.file, one.line, one.title
                );
            }
            _ => {}
        }
        for warning in &one.warnings {
            let _ = writeln!(
                text,
                "{}: warning: {}: expected {}, but {}",
                warning.place,
                one.title,
                warning.expected,
                one_line(&warning.came)
            );
        }
    }
    text
}

/// One document.
pub(super) fn json(results: &Results) -> String {
    let failure = |failure: &Failure| {
        json!({
            "file": failure.place.source().name(),
            "line": failure.place.line(),
            "column": failure.place.column(),
            "expected": failure.expected,
            "came": failure.came,
        })
    };
    let scenario = |one: &Played| {
        let (outcome, failures, reason) = match &one.outcome {
            Outcome::Passed => ("passed", Vec::new(), None),
            Outcome::Failed(failures) => {
                let with_call = |(known, lines): &(Failure, Vec<String>)| {
                    let mut value = failure(known);
                    value["timeline"] = json!(lines);
                    value
                };
                ("failed", failures.iter().map(with_call).collect::<Vec<Value>>(), None)
            }
            Outcome::Expected(reason) => ("fails_as_expected", Vec::new(), Some(reason)),
            Outcome::Unexpected(reason) => ("passed_unexpectedly", Vec::new(), Some(reason)),
            Outcome::Broken => ("broken", Vec::new(), None),
        };
        json!({
            "name": one.title,
            "file": one.file,
            "line": one.line,
            "outcome": outcome,
            "reason": reason,
            "failures": failures,
            "warnings": one.warnings.iter().map(failure).collect::<Vec<_>>(),
            "notes": one.notes,
            "call_ms": one.lasted,
            "heard": one.heard,
            "ended": one.ended,
            "longest_silence_ms": one.silence,
        })
    };
    let total = results.coverage.total();
    let findings = results.findings.iter().map(|finding| {
        json!({
            "id": finding.id,
            "file": finding.place.source().name(),
            "line": finding.place.line(),
            "column": finding.place.column(),
            "message": finding.message,
        })
    });
    let document = json!({
        "format_version": "1.0",
        "scenarios": results.all.iter().map(scenario).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "coverage": {"percent": (total.all > 0).then(|| total.percent()), "reached": total.reached, "all": total.all},
    });
    format!("{}\n", serde_json::to_string_pretty(&document).unwrap_or_default())
}

/// A suite for each file.
pub(super) fn suites(results: &Results) -> Vec<Suite> {
    let mut suites: Vec<Suite> = Vec::new();
    for one in &results.all {
        if suites.last().is_none_or(|suite| suite.name != one.file) {
            suites.push(Suite {
                name: one.file.clone(),
                cases: Vec::new(),
            });
        }
        let mut case = Case::passed(one.file.clone(), one.title.clone());
        case.at = Some((one.file.clone(), Some(one.line)));
        case.time = Some(one.took);
        case.output = one.notes.join("\n");
        case.outcome = match &one.outcome {
            Outcome::Passed => Junit::Passed,
            Outcome::Expected(reason) => Junit::Skipped(format!("fails as expected: {reason}")),
            Outcome::Unexpected(reason) => Junit::Failed(Trouble {
                kind: "unexpected-pass".to_owned(),
                message: "it passed though it was expected to fail".to_owned(),
                body: reason.clone(),
            }),
            Outcome::Failed(failures) => {
                let mut body = String::new();
                for (failure, lines) in failures {
                    told(failure, "", &mut body);
                    body.push_str(&lines.join("\n"));
                    body.push('\n');
                }
                let first = failures.first().map(|(failure, _)| failure);
                Junit::Failed(Trouble {
                    kind: "expectation".to_owned(),
                    message: first.map_or_else(String::new, |first| format!("expected {}", first.expected)),
                    body,
                })
            }
            Outcome::Broken => Junit::Broken(Trouble {
                kind: "finding".to_owned(),
                message: "it could not be played".to_owned(),
                body: concise_findings(results),
            }),
        };
        if let Some(suite) = suites.last_mut() {
            suite.cases.push(case);
        }
    }
    if results.all.is_empty() && !results.findings.is_empty() {
        let mut case = Case::passed("scenarios", "files");
        case.outcome = Junit::Broken(Trouble {
            kind: "finding".to_owned(),
            message: "a scenario file cannot be used".to_owned(),
            body: concise_findings(results),
        });
        suites.push(Suite {
            name: "scenarios".to_owned(),
            cases: vec![case],
        });
    }
    suites
}

fn concise_findings(results: &Results) -> String {
    let lines = results.findings.iter();
    let lines = lines.map(|finding| format!("{}: {}", finding.place, finding.message));
    lines.collect::<Vec<_>>().join("\n")
}
