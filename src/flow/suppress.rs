//! Warnings that an author allows where they stand: `# engine: allow(ID) because REASON`.
//!
//! The comment stands on the warning's line or above it. An error cannot be allowed: what is wrong cannot run.

use super::finding::{Finding, Findings, Fix, Safety, Severity};
use super::removal;
use super::source::{Place, Source, Span};
use super::yaml::{Comment, Document};

/// A warning that its author allows, with the reason given for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Allowed {
    /// The warning.
    pub finding: Finding,
    /// What stands after `because`.
    pub reason: String,
}

/// Takes away the warnings that the document's comments allow, and adds what is wrong with those comments. Returns
/// what is left and what was taken away. Findings about other documents stay as they are.
///
/// To be called once, after every check: an allowance that no finding needs is itself a finding.
pub fn suppress(findings: Findings, document: &Document) -> (Findings, Vec<Allowed>) {
    let source = &document.source;
    let mut extra = Vec::new();
    let mut allowances = Vec::new();
    for comment in &document.comments {
        match read(comment, document) {
            Some(Ok(found)) => allowances.extend(found),
            Some(Err(finding)) => extra.push(*finding),
            None => {}
        }
    }
    let mut suppressed = Vec::new();
    let mut kept: Findings = findings
        .into_iter()
        .filter_map(|finding| {
            if finding.place.source().name() != source.name() {
                return Some(finding);
            }
            let line = finding.place.line();
            let wanted = |one: &&mut Allowance| one.line == line && one.id == finding.id;
            let Some(allowance) = allowances.iter_mut().find(wanted) else {
                return Some(finding);
            };
            if finding.severity == Severity::Error {
                allowance.met_error = true;
                return Some(finding);
            }
            allowance.used = true;
            let reason = allowance.reason.clone();
            suppressed.push(Allowed { finding, reason });
            None
        })
        .collect();
    let unused = allowances.iter().filter(|allowance| !allowance.used);
    kept.extend(unused.map(|allowance| unused_allow(allowance, source)));
    kept.extend(extra);
    (kept, suppressed)
}

/// One name in one comment.
struct Allowance {
    id: String,
    reason: String,
    /// The line whose warnings it allows, counted from 1.
    line: usize,
    span: Span,
    /// What to delete so that it is gone: the comment where it allows nothing else.
    whole: Span,
    used: bool,
    met_error: bool,
}

/// The allowances of a comment; none where it does not speak to the engine.
fn read(comment: &Comment, document: &Document) -> Option<Result<Vec<Allowance>, Box<Finding>>> {
    let source = &document.source;
    let order = comment.text.strip_prefix("engine:")?.trim();
    let place = Place::new(source, comment.span);
    let Some((ids, rest)) = order.strip_prefix("allow(").and_then(|rest| rest.split_once(')')) else {
        return Some(Err(Box::new(
            Finding::error("unknown-directive", place, format!("`{order}` is not understood"))
                .help("write `# engine: allow(CHECK) because REASON`"),
        )));
    };
    let reason = rest.trim().strip_prefix("because").map_or("", str::trim);
    if reason.is_empty() {
        return Some(Err(Box::new(
            Finding::error("allow-without-reason", place, "a warning is allowed without a reason")
                .label("nothing is allowed by this")
                .help(format!("write `# engine: allow({ids}) because REASON`")),
        )));
    }
    let written = &source.text()[comment.span.start..comment.span.end];
    let mut from = written.find('(').map_or(0, |at| at + 1);
    let count = ids.split(',').count();
    let allowances = ids.split(',').enumerate().map(|(index, id)| {
        let name = id.trim();
        let first = comment.span.start + from;
        let start = first + (id.len() - id.trim_start().len());
        from += id.len() + 1;
        Allowance {
            id: name.to_owned(),
            reason: reason.to_owned(),
            line: target_line(comment, source),
            span: Span::new(start, start + name.len()),
            whole: match index {
                _ if count == 1 => removal::comment(source, comment.span),
                0 => Span::new(first, first + id.len() + 1),
                _ => Span::new(first - 1, first + id.len()),
            },
            used: false,
            met_error: false,
        }
    });
    Some(Ok(allowances.collect()))
}

/// The comment's own line where something stands before it, else the next line that is no comment.
fn target_line(comment: &Comment, source: &Source) -> usize {
    let own = source.position(comment.span.start).line;
    if !source.line(own).trim_start().starts_with('#') {
        return own;
    }
    let mut line = own + 1;
    while source.line_start(line).is_some() && source.line(line).trim_start().starts_with('#') {
        line += 1;
    }
    line
}

fn unused_allow(allowance: &Allowance, source: &std::sync::Arc<Source>) -> Finding {
    let place = Place::new(source, allowance.span);
    let message = format!("nothing on line {} is a warning `{}`", allowance.line, allowance.id);
    let finding = Finding::warning("unused-allow", place, message);
    if allowance.met_error {
        return finding
            .label("an error cannot be allowed")
            .help("mend the error, and delete the comment");
    }
    let whole = Place::new(source, allowance.whole);
    finding
        .label("this allows nothing")
        .help("delete the comment")
        .fix(Fix::replace(Safety::Safe, whole, ""))
}

#[cfg(test)]
mod tests {
    use super::super::yaml;
    use super::*;

    /// Applies the comments of a text to findings of `(id, severity)` on given lines.
    fn apply(text: &str, given: &[(&'static str, Severity, usize)]) -> (Vec<String>, Vec<String>) {
        let source = Source::new("a.yaml", text);
        let mut none = Findings::new();
        let document = yaml::parse(&source, &mut none);
        let findings = given
            .iter()
            .map(|(id, severity, line)| {
                let place = Place::new(&source, Span::at(source.line_start(*line).unwrap()));
                match severity {
                    Severity::Error => Finding::error(id, place, "x"),
                    Severity::Warning => Finding::warning(id, place, "x"),
                }
            })
            .collect();
        let (kept, allowed) = suppress(findings, &document);
        let shown = kept.iter().map(|one| {
            format!(
                "{}:{} {} `{}`",
                one.place.line(),
                one.place.column(),
                one.id,
                one.place.text()
            )
        });
        let reasons = allowed.into_iter().map(|one| one.reason);
        (shown.collect(), reasons.collect())
    }

    #[test]
    fn a_warning_is_allowed_on_its_line_or_from_above() {
        let warning = |line| [("dead-end-step", Severity::Warning, line)];
        let cases = [
            (
                "a: 1 # engine: allow(dead-end-step) because it ends here\n",
                1,
                "it ends here",
            ),
            (
                "# engine: allow(dead-end-step) because it ends here\na: 1\n",
                2,
                "it ends here",
            ),
            (
                "# engine: allow(dead-end-step) because it ends here\n# more words\na: 1\n",
                3,
                "it ends here",
            ),
            ("a:\n  # engine: allow(dead-end-step) because שלום\n  b: 1\n", 3, "שלום"),
        ];
        for (text, line, reason) in cases {
            let taken = (Vec::new(), vec![reason.to_owned()]);
            assert_eq!(apply(text, &warning(line)), taken, "{text}");
        }
    }

    #[test]
    fn what_allows_nothing_is_found() {
        let cases: &[(&str, &str)] = &[
            (
                "a: 1 # engine: allow(x, dead-end-step) because y\n",
                "1:22 unused-allow `x`",
            ),
            (
                "a: 1 # engine: allow(dead-end-step)\n",
                "1:6 allow-without-reason `# engine: allow(dead-end-step)`",
            ),
            (
                "a: 1 # engine: alow(x) because y\n",
                "1:6 unknown-directive `# engine: alow(x) because y`",
            ),
        ];
        for (text, expected) in cases {
            let (kept, _) = apply(text, &[("dead-end-step", Severity::Warning, 1)]);
            assert_eq!(kept.last().unwrap(), expected, "{text}");
        }
        let (kept, allowed) = apply("# engines: a word\na: 1\n", &[]);
        assert!(kept.is_empty() && allowed.is_empty());
    }

    #[test]
    fn an_error_stays() {
        let text = "a: 1 # engine: allow(unknown-step) because y\n";
        let (kept, allowed) = apply(text, &[("unknown-step", Severity::Error, 1)]);
        assert_eq!(kept, ["1:1 unknown-step ``", "1:22 unused-allow `unknown-step`"]);
        assert_eq!(allowed, [] as [&str; 0]);
    }
}
