//! What is wrong with what somebody wrote, as data; `report` turns it into text.

use std::fmt;

use super::source::{Place, Span};
use super::suggest;

/// How much a finding weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Severity {
    /// The flow must not run.
    Error,
    /// The flow runs, and somebody should look.
    Warning,
}

impl Severity {
    /// The word reports print.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
        }
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// How far a fix may be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Safety {
    /// What the flow does stays the same, or is what was plainly meant.
    Safe,
    /// A good guess that somebody should read.
    Unsafe,
    /// Shown to be finished by hand.
    Manual,
}

impl Safety {
    /// The word reports print.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Safe => "safe",
            Self::Unsafe => "unsafe",
            Self::Manual => "manual",
        }
    }
}

/// A replacement of one place's text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// What is replaced; an empty place is an insertion.
    pub place: Place,
    /// The new text.
    pub text: String,
}

/// Edits that, made together, remove a finding.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fix {
    /// How far to trust it.
    pub safety: Safety,
    /// In the order of their places, none overlapping.
    pub edits: Vec<Edit>,
}

impl Fix {
    /// A fix that replaces one place.
    pub fn replace(safety: Safety, place: Place, text: impl Into<String>) -> Self {
        Self {
            safety,
            edits: vec![Edit {
                place,
                text: text.into(),
            }],
        }
    }
}

/// One moment of a call that shows what is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scene {
    /// Milliseconds since the call came in.
    pub at: u64,
    /// What happens.
    pub text: String,
    /// Whether it is what goes wrong, rather than what happens around it.
    pub bad: bool,
    /// The line that led to it.
    pub place: Option<Place>,
}

/// One thing that is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// The check's name in kebab-case; never reused for something else.
    pub id: &'static str,
    /// What it weighs.
    pub severity: Severity,
    /// The family of checks: `shape`, `reference`, `graph`, `template`, `policy` …
    pub category: &'static str,
    /// The fact: a lowercase fragment without a final period, user text in backticks.
    pub message: String,
    /// Where.
    pub place: Place,
    /// A few words under the place; may be empty.
    pub label: String,
    /// Other places that explain it, each with its words.
    pub related: Vec<(Place, String)>,
    /// What a caller would notice.
    pub consequence: Option<String>,
    /// What to type, one sentence each.
    pub help: Vec<String>,
    /// Edits that remove the finding.
    pub fix: Option<Fix>,
    /// The keys from the document's root to the value.
    pub path: Vec<String>,
    /// The call that shows it, moment by moment.
    pub story: Vec<Scene>,
}

impl Finding {
    /// A finding that keeps the flow from running.
    pub fn error(id: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self::new(id, Severity::Error, place, message.into())
    }

    /// A finding that somebody should look at.
    pub fn warning(id: &'static str, place: Place, message: impl Into<String>) -> Self {
        Self::new(id, Severity::Warning, place, message.into())
    }

    fn new(id: &'static str, severity: Severity, place: Place, message: String) -> Self {
        Self {
            id,
            severity,
            category: "shape",
            message,
            place,
            label: String::new(),
            related: Vec::new(),
            consequence: None,
            help: Vec::new(),
            fix: None,
            path: Vec::new(),
            story: Vec::new(),
        }
    }

    /// Tells of a call that shows it.
    #[must_use]
    pub fn story(mut self, scenes: Vec<Scene>) -> Self {
        self.story = scenes;
        self
    }

    /// Names the family of checks; `shape` where nothing is said.
    #[must_use]
    pub fn category(mut self, category: &'static str) -> Self {
        self.category = category;
        self
    }

    /// Puts words under the place.
    #[must_use]
    pub fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Adds another place that explains the finding.
    #[must_use]
    pub fn related(mut self, place: Place, label: impl Into<String>) -> Self {
        self.related.push((place, label.into()));
        self
    }

    /// Says what a caller would notice.
    #[must_use]
    pub fn consequence(mut self, consequence: impl Into<String>) -> Self {
        self.consequence = Some(consequence.into());
        self
    }

    /// Adds a sentence that says what to type.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help.push(help.into());
        self
    }

    /// Adds `did you mean` and its fix where a nearest name is known.
    #[must_use]
    pub fn nearest(self, name: Option<&str>) -> Self {
        match name {
            Some(name) => {
                let fix = Fix::replace(Safety::Unsafe, self.place.clone(), name);
                self.advise(format!("did you mean `{name}`?"), fix)
            }
            None => self,
        }
    }

    /// As [`Self::nearest`], for a name that is a word of the flow language: spelled with the same letters, it is what
    /// was meant. Any other near name stays a guess, since a wrong one would send callers astray.
    #[must_use]
    pub fn nearest_word(self, written: &str, word: Option<&str>) -> Self {
        let sure = word.is_some_and(|word| suggest::same_letters(written, word));
        let mut finding = self.nearest(word);
        if let (true, Some(fix)) = (sure, &mut finding.fix) {
            fix.safety = Safety::Safe;
        }
        finding
    }

    /// Says what to type before all other help, with the edits that do it.
    #[must_use]
    pub fn advise(mut self, help: impl Into<String>, fix: Fix) -> Self {
        self.help.insert(0, help.into());
        self.fix(fix)
    }

    /// Offers edits; where there is help, its first sentence is about them.
    #[must_use]
    pub fn fix(mut self, fix: Fix) -> Self {
        self.fix = Some(fix);
        self
    }

    /// Says which value of the document it is about.
    #[must_use]
    pub fn path<S: Into<String>>(mut self, path: impl IntoIterator<Item = S>) -> Self {
        self.path = path.into_iter().map(Into::into).collect();
        self
    }

    /// What orders findings: file, place, weight, name, words.
    fn key(&self) -> (&str, Span, Severity, &str, &str) {
        (
            self.place.source().name(),
            self.place.span(),
            self.severity,
            self.id,
            &self.message,
        )
    }
}

/// Findings as they are collected.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Findings {
    list: Vec<Finding>,
}

impl Findings {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds one.
    pub fn push(&mut self, finding: Finding) {
        self.list.push(finding);
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them keeps the flow from running.
    pub fn has_errors(&self) -> bool {
        self.list.iter().any(|one| one.severity == Severity::Error)
    }

    /// In the order in which they were found.
    pub fn iter(&self) -> std::slice::Iter<'_, Finding> {
        self.list.iter()
    }

    /// By file, then place; what was said twice about one place is said once.
    #[must_use]
    pub fn sorted(mut self) -> Self {
        self.list.sort_by(|a, b| a.key().cmp(&b.key()));
        self.list.dedup_by(|a, b| a.key() == b.key());
        self
    }

    /// The findings themselves.
    pub fn into_vec(self) -> Vec<Finding> {
        self.list
    }
}

impl Extend<Finding> for Findings {
    fn extend<I: IntoIterator<Item = Finding>>(&mut self, findings: I) {
        self.list.extend(findings);
    }
}

impl FromIterator<Finding> for Findings {
    fn from_iter<I: IntoIterator<Item = Finding>>(findings: I) -> Self {
        Self {
            list: findings.into_iter().collect(),
        }
    }
}

impl IntoIterator for Findings {
    type Item = Finding;
    type IntoIter = std::vec::IntoIter<Finding>;

    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

#[cfg(test)]
mod tests {
    use super::super::source::Source;
    use super::*;

    #[test]
    fn findings_are_ordered_by_place_and_said_once() {
        let source = Source::new("a.yaml", "one\ntwo\n");
        let at = |byte| Place::new(&source, Span::new(byte, byte + 3));
        let findings: Findings = [
            Finding::warning("later", at(4), "second"),
            Finding::error("early", at(0), "first"),
            Finding::warning("later", at(4), "second"),
        ]
        .into_iter()
        .collect();
        assert!(findings.has_errors());
        let ids: Vec<_> = findings.sorted().iter().map(|one| one.id).collect();
        assert_eq!(ids, ["early", "later"]);
    }

    #[test]
    fn a_nearest_name_becomes_words_and_a_fix() {
        let source = Source::new("a.yaml", "recrod");
        let place = Place::new(&source, Span::new(0, 6));
        let finding = Finding::error("unknown-step", place.clone(), "x").nearest(Some("record"));
        assert_eq!(finding.help, ["did you mean `record`?"]);
        assert_eq!(finding.fix, Some(Fix::replace(Safety::Unsafe, place.clone(), "record")));
        assert_eq!(Finding::error("unknown-step", place, "x").nearest(None).fix, None);
    }

    #[test]
    fn a_word_of_the_language_with_the_same_letters_is_no_guess() {
        let source = Source::new("a.yaml", "noAnswer");
        let place = Place::new(&source, Span::new(0, 8));
        let safety = |written: &str, word| {
            let finding = Finding::error("unknown-outcome", place.clone(), "x").nearest_word(written, Some(word));
            finding.fix.map(|fix| fix.safety)
        };
        assert_eq!(safety("noAnswer", "no_answer"), Some(Safety::Safe));
        assert_eq!(safety("no-answer", "no_answer"), Some(Safety::Safe));
        assert_eq!(safety("no_anwser", "no_answer"), Some(Safety::Unsafe));
    }
}
