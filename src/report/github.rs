//! Workflow commands of GitHub Actions, which the runner turns into annotations of the changed files.
//!
//! The runner keeps ten annotations of a level for each step and drops the others without a word, so at most ten are
//! written, the gravest first, and one notice counts the rest.

use super::{Report, counted, explained};
use crate::flow::finding::{Finding, Severity};

/// How many annotations of one level the runner keeps.
const KEPT: usize = 10;

pub fn render(report: &Report<'_>) -> String {
    let mut out = String::new();
    let mut left = Vec::new();
    for severity in [Severity::Error, Severity::Warning] {
        let of_level: Vec<&Finding> = report.findings.iter().filter(|one| one.severity == severity).collect();
        for finding in of_level.iter().take(KEPT) {
            out.push_str(&command(finding));
        }
        if of_level.len() > KEPT {
            left.push(counted(of_level.len() - KEPT, severity.as_str()));
        }
    }
    if !left.is_empty() {
        let rest = format!("{} more; the summary of this run has them", left.join(" and "));
        out.push_str(&format!("::notice title=engine validate::{}\n", data(&rest)));
    }
    out
}

fn command(finding: &Finding) -> String {
    let (start, end) = (finding.place.start(), finding.place.end());
    let file = finding.place.source().name();
    let mut properties = vec![
        format!("file={}", property(file)),
        format!("line={}", start.line),
        format!("endLine={}", end.line),
    ];
    // Columns that belong to different lines would be read as those of one.
    if start.line == end.line {
        properties.push(format!("col={}", start.column));
        properties.push(format!("endColumn={}", end.column));
    }
    properties.push(format!("title={}", property(finding.id)));
    let words = format!("{file}:{} {}", start.line, explained(finding).join("\n"));
    format!("::{} {}::{}\n", finding.severity, properties.join(","), data(&words))
}

/// What stands after the second `::`.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What stands between commas.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}

#[cfg(test)]
mod tests {
    use super::super::Summary;
    use super::*;
    use crate::flow::source::{Place, Source, Span};

    fn rendered(findings: &[Finding]) -> String {
        render(&Report::new(findings, &Summary::of(1, findings, 0)))
    }

    #[test]
    fn no_text_breaks_out_of_its_command() {
        let source = Source::new("a,b:c%.yaml", "one\ntwo\n");
        let finding = Finding::error(
            "x-y",
            Place::new(&source, Span::new(0, 3)),
            "50 %\r\n::error::no, yes: no",
        );
        assert_eq!(
            rendered(&[finding]),
            "::error file=a%2Cb%3Ac%25.yaml,line=1,endLine=1,col=1,endColumn=4,title=x-y\
             ::a,b:c%25.yaml:1 50 %25%0D%0A::error::no, yes: no\n"
        );
    }

    #[test]
    fn columns_of_several_lines_are_left_out() {
        let source = Source::new("a.yaml", "one\ntwo\n");
        let finding = Finding::warning("x-y", Place::new(&source, Span::new(1, 6)), "x").help("do it");
        assert_eq!(
            rendered(&[finding]),
            "::warning file=a.yaml,line=1,endLine=2,title=x-y::a.yaml:1 x%0Ahelp: do it\n"
        );
    }

    #[test]
    fn errors_come_first_and_the_rest_is_counted() {
        let source = Source::new("a.yaml", "x");
        let place = || Place::new(&source, Span::new(0, 1));
        let mut findings = vec![Finding::warning("w-w", place(), "x"); 11];
        findings.extend(vec![Finding::error("e-e", place(), "x"); 13]);
        let text = rendered(&findings);
        let levels: Vec<&str> = text.lines().map(|line| &line[..5]).collect();
        assert_eq!(levels[..10], ["::err"; 10]);
        assert_eq!(levels[10..20], ["::war"; 10]);
        assert_eq!(
            text.lines().skip(20).collect::<Vec<_>>(),
            ["::notice title=engine validate::3 errors and 1 warning more; the summary of this run has them"]
        );
    }
}
