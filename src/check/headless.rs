//! A step whose name is missing: what it does then stands under the step before it, and nothing leads to it any more.

use crate::flow::{Finding, Findings};

/// What follows from it in the same file.
const OF_IT: [&str; 6] = [
    "duplicate-key",
    "unknown-outcome",
    "unreachable-step",
    "unused-next",
    "unwired-outcome",
    "unknown-kind",
];

/// Such a step.
pub(super) struct Headless {
    source: String,
    /// Where its kind stands, in bytes.
    kind: usize,
    name: String,
}

impl Headless {
    /// A second kind in one step, in a file that names exactly one step that is not there.
    pub(super) fn among(findings: &Findings) -> Option<Self> {
        let kind = &findings.iter().find(|finding| finding.id == "two-kinds")?.place;
        let source = kind.source().name();
        let mut missing = findings
            .iter()
            .filter(|finding| finding.id == "unknown-step" && finding.place.source().name() == source);
        let first = missing.next()?;
        let name = first.place.text();
        let guessed = |finding: &Finding| finding.help.iter().any(|help| help.starts_with("did you mean"));
        if guessed(first) || missing.any(|other| other.place.text() != name) {
            return None;
        }
        Some(Self {
            source: source.to_owned(),
            kind: kind.span().start,
            name: name.to_owned(),
        })
    }

    /// Whether the finding is gone as soon as the name is there.
    pub(super) fn explains(&self, finding: &Finding) -> bool {
        let again = finding.id == "two-kinds" && finding.place.span().start != self.kind;
        let named = finding.id == "unknown-step" && finding.place.text() == self.name;
        finding.place.source().name() == self.source && (again || named || OF_IT.contains(&finding.id))
    }

    /// Says what to type where the step was to begin.
    pub(super) fn help(&self, finding: &mut Finding) {
        if finding.id != "two-kinds" || finding.place.span().start != self.kind {
            return;
        }
        let help = format!(
            "write `{}:` on a line of its own above, if that step begins here",
            self.name
        );
        finding.help.insert(0, help);
        let consequence = format!(
            "a caller who is to come to `{}` would be sent to the fallback, or lost",
            self.name
        );
        finding.consequence.get_or_insert(consequence);
    }
}
