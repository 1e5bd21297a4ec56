//! One JSON document. Within a major `format_version` fields are only ever added.
//!
//! Lines and columns count from 1, columns in Unicode scalar values; bytes count from 0; every end is excluded.

use serde::Serialize;

use super::{FlowFile, Report, page_url};
use crate::flow::finding::{Edit, Finding, Scene};
use crate::flow::source::{Place, Position};
use crate::flow::suppress::Allowed;
use crate::prove::Longest;

/// How many lines of the source a snippet holds.
const SNIPPET_LINES: usize = 6;

pub fn render(report: &Report<'_>) -> String {
    let document = Document {
        format_version: "1.0",
        tool: Tool {
            name: env!("CARGO_PKG_NAME"),
            version: env!("CARGO_PKG_VERSION"),
        },
        summary: Numbers {
            files: report.summary.files,
            errors: report.summary.errors,
            warnings: report.summary.warnings,
            suppressed: report.summary.suppressed,
        },
        flows: report.flows.iter().map(flow).collect(),
        diagnostics: report.findings.iter().map(diagnostic).collect(),
        suppressed: report.allowed.iter().map(suppressed).collect(),
    };
    let text = serde_json::to_string(&document).expect("structs of text and numbers always serialise");
    format!("{text}\n")
}

#[derive(Serialize)]
struct Document<'a> {
    format_version: &'static str,
    tool: Tool,
    summary: Numbers,
    flows: Vec<Flow<'a>>,
    diagnostics: Vec<Diagnostic<'a>>,
    suppressed: Vec<Suppressed<'a>>,
}

#[derive(Serialize)]
struct Tool {
    name: &'static str,
    version: &'static str,
}

#[derive(Serialize)]
struct Numbers {
    files: usize,
    errors: usize,
    warnings: usize,
    suppressed: usize,
}

#[derive(Serialize)]
struct Flow<'a> {
    file: &'a str,
    name: &'a str,
    /// None where the flow has errors, or is a part that is proven with the flows that run it.
    proof: Option<Proven<'a>>,
}

#[derive(Serialize)]
struct Proven<'a> {
    /// Whether every call keeps what callers are promised.
    holds: bool,
    /// Whether every state was visited; where not, nothing is proven.
    complete: bool,
    states: usize,
    ways: usize,
    /// What the flow allows.
    limit_ms: u64,
    silence: Quiet<'a>,
    silence_of_two: Quiet<'a>,
}

/// The longest time in which a caller hears nothing.
#[derive(Serialize)]
struct Quiet<'a> {
    ms: u64,
    step: &'a str,
    when: &'a str,
}

#[derive(Serialize)]
struct Diagnostic<'a> {
    id: &'static str,
    severity: &'static str,
    category: &'static str,
    message: &'a str,
    path: &'a [String],
    range: Range<'a>,
    label: &'a str,
    related: Vec<Related<'a>>,
    consequence: Option<&'a str>,
    help: &'a [String],
    #[serde(skip_serializing_if = "Vec::is_empty")]
    story: Vec<Moment<'a>>,
    fix: Option<Fix<'a>>,
    snippet: Snippet,
    url: Option<String>,
}

/// A warning that its author allows.
#[derive(Serialize)]
struct Suppressed<'a> {
    reason: &'a str,
    diagnostic: Diagnostic<'a>,
}

#[derive(Serialize)]
struct Range<'a> {
    file: &'a str,
    start: Point,
    end: Point,
}

#[derive(Serialize)]
struct Point {
    line: usize,
    column: usize,
    byte: usize,
}

#[derive(Serialize)]
struct Related<'a> {
    range: Range<'a>,
    label: &'a str,
}

#[derive(Serialize)]
struct Fix<'a> {
    safety: &'static str,
    edits: Vec<Replacement<'a>>,
}

#[derive(Serialize)]
struct Replacement<'a> {
    range: Range<'a>,
    text: &'a str,
}

/// Lines of the source; `highlight` holds pairs of Unicode scalar values counted from 0 within `text`.
#[derive(Serialize)]
struct Snippet {
    start_line: usize,
    text: String,
    highlight: Vec<[usize; 2]>,
}

/// A moment of the call that shows the finding: milliseconds since it came in, and the line that led there.
#[derive(Serialize)]
struct Moment<'a> {
    at_ms: u64,
    text: &'a str,
    bad: bool,
    line: Option<usize>,
}

fn moment(scene: &Scene) -> Moment<'_> {
    Moment {
        at_ms: scene.at,
        text: &scene.text,
        bad: scene.bad,
        line: scene.place.as_ref().map(Place::line),
    }
}

fn flow(flow: &FlowFile) -> Flow<'_> {
    Flow {
        file: &flow.file,
        name: &flow.name,
        proof: flow.proof.as_ref().map(|proof| Proven {
            holds: proof.holds(),
            complete: proof.complete,
            states: proof.states,
            ways: proof.ways,
            limit_ms: proof.limit,
            silence: quiet(&proof.silence),
            silence_of_two: quiet(&proof.silence_of_two),
        }),
    }
}

fn quiet(longest: &Longest) -> Quiet<'_> {
    Quiet {
        ms: longest.millis,
        step: &longest.step,
        when: &longest.when,
    }
}

fn diagnostic(finding: &Finding) -> Diagnostic<'_> {
    Diagnostic {
        id: finding.id,
        severity: finding.severity.as_str(),
        category: finding.category,
        message: &finding.message,
        path: &finding.path,
        range: range(&finding.place),
        label: &finding.label,
        related: finding
            .related
            .iter()
            .map(|(place, label)| Related {
                range: range(place),
                label,
            })
            .collect(),
        consequence: finding.consequence.as_deref(),
        help: &finding.help,
        story: finding.story.iter().map(moment).collect(),
        fix: finding.fix.as_ref().map(|fix| Fix {
            safety: fix.safety.as_str(),
            edits: fix.edits.iter().map(replacement).collect(),
        }),
        snippet: snippet(&finding.place),
        url: page_url(finding.id),
    }
}

fn suppressed(allowed: &Allowed) -> Suppressed<'_> {
    Suppressed {
        reason: &allowed.reason,
        diagnostic: diagnostic(&allowed.finding),
    }
}

fn replacement(edit: &Edit) -> Replacement<'_> {
    Replacement {
        range: range(&edit.place),
        text: &edit.text,
    }
}

fn range(place: &Place) -> Range<'_> {
    let point = |position: Position| Point {
        line: position.line,
        column: position.column,
        byte: position.byte,
    };
    Range {
        file: place.source().name(),
        start: point(place.start()),
        end: point(place.end()),
    }
}

fn snippet(place: &Place) -> Snippet {
    let source = place.source();
    let (start, end) = (place.start(), place.end());
    let last = end.line.min(start.line + SNIPPET_LINES - 1);
    let lines: Vec<&str> = (start.line..=last).map(|number| source.line(number)).collect();
    let text = lines.join("\n");
    let length = text.chars().count();
    let to = match end.line <= last {
        true => length - lines.last().map_or(0, |line| line.chars().count()) + end.column - 1,
        false => length,
    };
    let from = (start.column - 1).min(length);
    Snippet {
        start_line: start.line,
        text,
        highlight: vec![[from, to.clamp(from, length)]],
    }
}
