//! In sentences and without drawings: for screen readers, logs and mail.

use super::{Report, SHOWN, counted, more, most_pressing, one_line, story};
use crate::flow::finding::Finding;
use crate::flow::source::Place;

pub fn render(report: &Report<'_>) -> String {
    let mut out = String::new();
    let (shown, left) = most_pressing(report.findings, SHOWN);
    for finding in shown {
        out.push_str(&sentences(finding));
        out.push('\n');
    }
    if left > 0 {
        out.push_str(&format!("… and {} more\n\n", counted(left, "finding")));
    }
    out.push_str(&format!("{}\n", report.summary));
    for proof in report.proofs() {
        out.push_str(&format!("{proof}\n"));
    }
    out
}

fn sentences(finding: &Finding) -> String {
    let mut lines = vec![format!(
        "{}, {}: {}",
        finding.severity,
        finding.id,
        one_line(&finding.message)
    )];
    let mut at = format!("  in {}", spoken(&finding.place));
    if !finding.label.is_empty() {
        at.push_str(&format!(": {}", one_line(&finding.label)));
    }
    lines.push(at);
    let place = &finding.place;
    let written = place.source().line(place.line()).trim();
    if !written.is_empty() {
        lines.push(format!("  written there: {}", one_line(written)));
    }
    for (place, label) in &finding.related {
        lines.push(format!("  see {}: {}", spoken(place), one_line(label)));
    }
    if let Some(consequence) = &finding.consequence {
        lines.push(format!("  consequence: {}", one_line(consequence)));
    }
    if let Some(story) = story(finding) {
        lines.extend(story.lines().map(|line| format!("  {line}")));
    }
    for help in &finding.help {
        lines.push(format!("  help: {}", one_line(help)));
    }
    lines.extend(more(finding).map(|command| format!("  more: {command}")));
    lines.push(String::new());
    lines.join("\n")
}

fn spoken(place: &Place) -> String {
    let start = place.start();
    format!(
        "{}, line {}, column {}",
        place.source().name(),
        start.line,
        start.column
    )
}
