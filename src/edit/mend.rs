//! The search for fixes that make a file better: each is tried, the file is checked again, and what does not help is
//! taken back.

use super::apply::apply;
use crate::flow::{Edit, Finding, Fix, Safety, Severity};
use std::collections::BTreeMap;
use std::fmt;

/// How often a file is checked at most; a file that needs more is mended further by the next run.
const CHECKS: usize = 300;

/// A file after its fixes.
#[derive(Debug)]
pub struct Mended {
    /// The new text; the old one where nothing could be mended.
    pub text: String,
    /// What was mended, with places in the text as it was at that moment.
    pub done: Vec<Finding>,
    /// Findings of this file that have a fix which was not applied, and why.
    pub left: Vec<(Finding, Why)>,
    /// All findings for the new text.
    pub findings: Vec<Finding>,
}

/// Why a fix was not applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// Somebody has to finish it by hand.
    Manual,
    /// It is a guess, and guesses were not asked for.
    Guess,
    /// It would change another file.
    Elsewhere,
    /// It is a warning, and an error hides what the file would be without it.
    BehindErrors,
    /// With it, the file would have findings that it does not have now: the first of them.
    Worse(&'static str),
    /// With it, the file would have as many findings as before, or its edits cannot be made.
    NoHelp,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Manual => f.write_str("it has to be finished by hand"),
            Self::Guess => f.write_str("it is a guess; `--unsafe-fixes` makes it"),
            Self::Elsewhere => f.write_str("it lies in another file"),
            Self::BehindErrors => f.write_str("errors come first"),
            Self::Worse(id) => write!(f, "`{id}` would come up; mend it by hand"),
            Self::NoHelp => f.write_str("it would not help"),
        }
    }
}

/// Applies the fixes of a file's findings until none helps any more: safe ones, and guesses where they are asked for.
///
/// `check` gives all findings for a text of this file, named `name`; it is asked anew for every text.
pub fn mend(name: &str, text: &str, guesses: bool, check: &mut dyn FnMut(&str) -> Vec<Finding>) -> Mended {
    let mut text = text.to_owned();
    let mut findings = check(&text);
    let mut done = Vec::new();
    let mut checks = CHECKS;
    while let Some(step) = step(name, &text, &findings, guesses, &mut checks, check) {
        done.extend(step.mended);
        text = step.text;
        findings = step.findings;
    }
    let errors = has_errors(name, &findings);
    let left = findings
        .iter()
        .filter(|finding| finding.place.source().name() == name)
        .filter_map(|finding| {
            let fix = finding.fix.as_ref()?;
            let why = match refused(name, finding, fix, guesses, errors) {
                Some(why) => why,
                None => match apply(&text, &fix.edits) {
                    Some(changed) => match compare(&findings, &check(&changed)) {
                        Err(Some(id)) => Why::Worse(id),
                        _ => Why::NoHelp,
                    },
                    None => Why::NoHelp,
                },
            };
            Some((finding.clone(), why))
        })
        .collect();
    Mended {
        text,
        done,
        left,
        findings,
    }
}

struct Step {
    text: String,
    findings: Vec<Finding>,
    mended: Vec<Finding>,
}

/// One change for the better: all fixes at once where that is one, else the first that is.
fn step(
    name: &str,
    text: &str,
    findings: &[Finding],
    guesses: bool,
    checks: &mut usize,
    check: &mut dyn FnMut(&str) -> Vec<Finding>,
) -> Option<Step> {
    let errors = has_errors(name, findings);
    let usable: Vec<(&Finding, &Fix)> = findings
        .iter()
        .filter(|finding| finding.place.source().name() == name)
        .filter_map(|finding| Some((finding, finding.fix.as_ref()?)))
        .filter(|(finding, fix)| refused(name, finding, fix, guesses, errors).is_none())
        .collect();
    let whole = (usable.len() > 1).then_some(&usable[..]);
    for group in whole.into_iter().chain(usable.chunks(1)) {
        let edits: Vec<&Edit> = group.iter().flat_map(|(_, fix)| &fix.edits).collect();
        let Some(changed) = apply(text, edits).filter(|changed| changed != text) else {
            continue;
        };
        *checks = checks.checked_sub(1)?;
        let after = check(&changed);
        if compare(findings, &after).is_ok() {
            return Some(Step {
                text: changed,
                findings: after,
                mended: group.iter().map(|(finding, _)| (*finding).clone()).collect(),
            });
        }
    }
    None
}

fn has_errors(name: &str, findings: &[Finding]) -> bool {
    findings
        .iter()
        .any(|finding| finding.severity == Severity::Error && finding.place.source().name() == name)
}

/// Why a fix is not even tried.
fn refused(name: &str, finding: &Finding, fix: &Fix, guesses: bool, errors: bool) -> Option<Why> {
    if fix.edits.iter().any(|edit| edit.place.source().name() != name) {
        return Some(Why::Elsewhere);
    }
    match fix.safety {
        Safety::Manual => Some(Why::Manual),
        Safety::Unsafe if !guesses => Some(Why::Guess),
        _ if errors && finding.severity == Severity::Warning => Some(Why::BehindErrors),
        _ => None,
    }
}

/// Whether there are fewer findings now and no more of any one kind; else the kind of which there are more.
fn compare(before: &[Finding], after: &[Finding]) -> Result<(), Option<&'static str>> {
    let mut counts: BTreeMap<&str, isize> = BTreeMap::new();
    for finding in before {
        *counts.entry(finding.id).or_default() += 1;
    }
    for finding in after {
        let count = counts.entry(finding.id).or_default();
        *count -= 1;
        if *count < 0 {
            return Err(Some(finding.id));
        }
    }
    if after.len() < before.len() { Ok(()) } else { Err(None) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Place, Source, Span};

    /// Every word has a finding of its own name while it stands in the text: `bad` becomes `good`, safely; `odd` becomes
    /// `even`, a guess; `worse` becomes `evil`, which is a finding too; `same` stays `same`.
    fn check(text: &str) -> Vec<Finding> {
        let source = Source::new("a.yaml", text);
        let words: [(&'static str, Option<(&str, Safety)>); 5] = [
            ("bad", Some(("good", Safety::Safe))),
            ("odd", Some(("even", Safety::Unsafe))),
            ("worse", Some(("evil", Safety::Safe))),
            ("evil", None),
            ("hand", Some(("…", Safety::Manual))),
        ];
        let mut found = Vec::new();
        for (word, fix) in words {
            for (at, _) in text.match_indices(word) {
                let place = Place::new(&source, Span::new(at, at + word.len()));
                let finding = Finding::error(word, place.clone(), word);
                found.push(match fix {
                    Some((new, safety)) => finding.fix(Fix::replace(safety, place, new)),
                    None => finding,
                });
            }
        }
        found
    }

    fn mended(text: &str, guesses: bool) -> (String, usize, Vec<(&'static str, Why)>) {
        let mended = mend("a.yaml", text, guesses, &mut check);
        let left = mended
            .left
            .into_iter()
            .map(|(finding, why)| (finding.id, why))
            .collect();
        (mended.text, mended.done.len(), left)
    }

    #[test]
    fn what_helps_is_kept_and_the_rest_says_why_not() {
        let (text, done, left) = mended("bad, odd, worse, hand; bad", false);
        assert_eq!(text, "good, odd, worse, hand; good");
        assert_eq!(done, 2);
        assert_eq!(
            left,
            [
                ("odd", Why::Guess),
                ("worse", Why::Worse("evil")),
                ("hand", Why::Manual)
            ]
        );
        let (text, done, _) = mended("bad, odd", true);
        assert_eq!((text.as_str(), done), ("good, even", 2));
    }

    #[test]
    fn a_warning_waits_for_the_errors() {
        let mut check = |text: &str| {
            let source = Source::new("a.yaml", text);
            let place = Place::new(&source, Span::new(0, 1));
            vec![
                Finding::error("stays", place.clone(), "x"),
                Finding::warning("x", place.clone(), "x").fix(Fix::replace(Safety::Safe, place, "")),
            ]
        };
        let mended = mend("a.yaml", "x", true, &mut check);
        assert_eq!(mended.text, "x");
        assert_eq!(mended.left[0].1, Why::BehindErrors);
    }
}
