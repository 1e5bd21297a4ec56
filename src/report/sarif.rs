//! SARIF 2.1.0 (OASIS), which code scanning services read: one run, with every check as a rule.
//!
//! Lines and columns count from 1 and every end is excluded, as in `flow::source`; columns are code points, and the run
//! says so. Braces in messages stay single though the standard doubles them (3.11.5): no placeholder is used, and the
//! services show messages as they are. Allowed warnings are left out: GitHub does not read `suppressions` (3.27.23), and
//! would open an alert for each.

use serde::Serialize;

use super::fingerprint::fingerprints;
use super::{HOMEPAGE, Report, explained, page_url};
use crate::check::{ALL, Check};
use crate::flow::finding::{Finding, Fix, Safety};
use crate::flow::source::Place;

const SCHEMA: &str = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// What relative addresses are relative to: the repository.
const ROOT: &str = "%SRCROOT%";

pub fn render(report: &Report<'_>) -> String {
    let marks = fingerprints(report.findings);
    let log = Log {
        schema: SCHEMA,
        version: "2.1.0",
        runs: [Run {
            tool: Tool {
                driver: Driver {
                    name: env!("CARGO_PKG_NAME"),
                    version: env!("CARGO_PKG_VERSION"),
                    information_uri: Some(HOMEPAGE).filter(|page| !page.is_empty()),
                    rules: ALL.iter().map(rule).collect(),
                },
            },
            column_kind: "unicodeCodePoints",
            results: report.findings.iter().zip(marks).map(result).collect(),
        }],
    };
    let text = serde_json::to_string(&log).expect("structs of text and numbers always serialise");
    format!("{text}\n")
}

#[derive(Serialize)]
struct Log<'a> {
    #[serde(rename = "$schema")]
    schema: &'static str,
    version: &'static str,
    runs: [Run<'a>; 1],
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Run<'a> {
    tool: Tool,
    column_kind: &'static str,
    results: Vec<Outcome<'a>>,
}

#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    version: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    information_uri: Option<&'static str>,
    rules: Vec<Rule>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Message,
    help: Message,
    #[serde(skip_serializing_if = "Option::is_none")]
    help_uri: Option<String>,
}

#[derive(Serialize)]
struct Message {
    text: String,
}

/// What SARIF calls a result.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Outcome<'a> {
    rule_id: &'static str,
    /// Absent where the finding is no check's.
    #[serde(skip_serializing_if = "Option::is_none")]
    rule_index: Option<usize>,
    level: &'static str,
    message: Message,
    locations: [Location; 1],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location>,
    partial_fingerprints: Marks,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Repair<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Location {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: Physical,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<Logical>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Physical {
    artifact_location: Artifact,
    region: Region,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Artifact {
    uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri_base_id: Option<&'static str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Logical {
    fully_qualified_name: String,
}

/// `partialFingerprints`: our mark has a number in its name, another one where it is made another way.
#[derive(Serialize)]
struct Marks {
    #[serde(rename = "engineFinding/v1")]
    mark: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Repair<'a> {
    description: Message,
    artifact_changes: Vec<Change<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Change<'a> {
    artifact_location: Artifact,
    replacements: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Replacement<'a> {
    deleted_region: Region,
    inserted_content: Inserted<'a>,
}

#[derive(Serialize)]
struct Inserted<'a> {
    text: &'a str,
}

fn rule(check: &Check) -> Rule {
    Rule {
        id: check.id,
        short_description: Message {
            text: check.about.to_owned(),
        },
        help: Message {
            text: format!("{}; `engine explain {}` says more", check.about, check.id),
        },
        help_uri: page_url(check.id),
    }
}

fn result((finding, mark): (&Finding, String)) -> Outcome<'_> {
    let path = finding.path.join(".");
    let logical = Logical {
        fully_qualified_name: path,
    };
    let related = finding.related.iter().enumerate().map(|(at, (place, label))| Location {
        id: Some(at),
        message: Some(Message { text: label.clone() }),
        ..location(place)
    });
    Outcome {
        rule_id: finding.id,
        rule_index: ALL.iter().position(|check| check.id == finding.id),
        level: finding.severity.as_str(),
        message: Message {
            text: explained(finding).join("\n"),
        },
        locations: [Location {
            logical_locations: Some(logical)
                .filter(|logical| !logical.fully_qualified_name.is_empty())
                .into_iter()
                .collect(),
            ..location(&finding.place)
        }],
        related_locations: related.collect(),
        partial_fingerprints: Marks { mark },
        fixes: finding.fix.iter().filter_map(|fix| repair(fix, finding)).collect(),
    }
}

/// Edits that a tool could make; what is to be finished by hand is none.
fn repair<'a>(fix: &'a Fix, finding: &Finding) -> Option<Repair<'a>> {
    if fix.safety == Safety::Manual {
        return None;
    }
    let mut changes: Vec<Change<'a>> = Vec::new();
    for edit in &fix.edits {
        let artifact = artifact(edit.place.source().name());
        let replacement = Replacement {
            deleted_region: region(&edit.place),
            inserted_content: Inserted { text: &edit.text },
        };
        match changes.last_mut() {
            Some(last) if last.artifact_location.uri == artifact.uri => last.replacements.push(replacement),
            _ => changes.push(Change {
                artifact_location: artifact,
                replacements: vec![replacement],
            }),
        }
    }
    let what = finding.help.first().map_or("write this", String::as_str);
    Some(Repair {
        description: Message { text: what.to_owned() },
        artifact_changes: changes,
    })
}

fn location(place: &Place) -> Location {
    Location {
        id: None,
        physical_location: Physical {
            artifact_location: artifact(place.source().name()),
            region: region(place),
        },
        logical_locations: Vec::new(),
        message: None,
    }
}

fn region(place: &Place) -> Region {
    let (start, end) = (place.start(), place.end());
    Region {
        start_line: start.line,
        start_column: start.column,
        end_line: end.line,
        end_column: end.column,
    }
}

/// A file's address: relative to the repository, or absolute.
fn artifact(name: &str) -> Artifact {
    match name.strip_prefix('/') {
        Some(_) => Artifact {
            uri: format!("file://{}", address(name)),
            uri_base_id: None,
        },
        None => Artifact {
            uri: address(name),
            uri_base_id: Some(ROOT),
        },
    }
}

/// A path as RFC 3986 (3.3) wants it: everything but unreserved characters, and the slashes, is percent-encoded.
fn address(path: &str) -> String {
    let mut out = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'/' => out.push(char::from(byte)),
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_encoded_and_absolute_ones_have_no_base() {
        let plain = artifact("flows/a b%ש.yaml");
        assert_eq!(
            (plain.uri.as_str(), plain.uri_base_id),
            ("flows/a%20b%25%D7%A9.yaml", Some(ROOT))
        );
        let absolute = artifact("/srv/flows/a.yaml");
        assert_eq!(
            (absolute.uri.as_str(), absolute.uri_base_id),
            ("file:///srv/flows/a.yaml", None)
        );
    }
}
