//! A Markdown table: for the summary of a CI run, or a comment in a review.

use super::{Report, counted, most_pressing};

/// How many findings a table holds; a summary of a CI run has a largest size.
const ROWS: usize = 200;

pub fn render(report: &Report<'_>) -> String {
    let mut out = format!("{}\n", cell(&report.summary.to_string()));
    for proof in report.proofs() {
        out.push_str(&format!("\n{}\n", cell(&proof)));
    }
    if report.findings.is_empty() {
        return out;
    }
    out.push_str("\n| | check | where | what |\n| --- | --- | --- | --- |\n");
    let (shown, left) = most_pressing(report.findings, ROWS);
    for finding in shown {
        let place = finding.place.start();
        let file = finding.place.source().name();
        let mut what = finding.message.clone();
        if let Some(help) = finding.help.first() {
            what.push_str(&format!(" ({help})"));
        }
        out.push_str(&format!(
            "| {} | `{}` | {}:{}:{} | {} |\n",
            finding.severity,
            finding.id,
            cell(file),
            place.line,
            place.column,
            cell(&what)
        ));
    }
    if left > 0 {
        out.push_str(&format!("\n… and {} more\n", counted(left, "finding")));
    }
    out
}

/// Text that stays in its cell. Angle brackets are markup outside of backticks, and themselves within.
fn cell(text: &str) -> String {
    let mut out = String::new();
    let mut quoted = false;
    for c in text.chars() {
        match c {
            '`' => {
                quoted = !quoted;
                out.push(c);
            }
            '|' => out.push_str("\\|"),
            '<' if !quoted => out.push_str("&lt;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn a_text_stays_in_its_cell() {
        assert_eq!(cell("a | b\nc <b> `<Say>|`"), "a \\| b c &lt;b> `<Say>\\|`");
    }
}
