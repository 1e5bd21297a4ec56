//! One line for each finding: `FILE:LINE:COLUMN: error[ID] MESSAGE (HELP)`.

use super::{Report, one_line};

pub fn render(report: &Report<'_>) -> String {
    let mut out = String::new();
    for finding in report.findings {
        let mut line = format!(
            "{}: {}[{}] {}",
            finding.place, finding.severity, finding.id, finding.message
        );
        if let Some(help) = finding.help.first() {
            line.push_str(&format!(" ({help})"));
        }
        out.push_str(&one_line(&line));
        out.push('\n');
    }
    out
}
