//! Findings as people and machines want them: one small renderer per file, and one line here for each.

use std::fmt;

use crate::flow::finding::{Finding, Severity};
use crate::flow::suggest;
use crate::flow::suppress::Allowed;
use crate::prove::Proof;

mod concise;
mod fingerprint;
mod github;
mod gitlab;
mod human;
mod json;
mod junit;
mod markdown;
mod plain;
mod sarif;
pub mod suites;

/// What is shown.
#[derive(Clone, Copy, Debug)]
pub struct Report<'a> {
    /// In the order in which they are shown.
    pub findings: &'a [Finding],
    /// The numbers of the run.
    pub summary: &'a Summary,
    /// Whether the text may hold colours, for formats that have them.
    pub colour: bool,
    /// The flows that were checked, clean ones among them, for formats that name them.
    pub flows: &'a [FlowFile],
    /// Warnings that authors have allowed, for formats that say so.
    pub allowed: &'a [Allowed],
    /// The lightest weight that fails the run; nothing fails it where there is none.
    pub fails: Option<Severity>,
}

impl<'a> Report<'a> {
    /// Findings and their numbers, without colours; errors fail the run.
    pub fn new(findings: &'a [Finding], summary: &'a Summary) -> Self {
        Self {
            findings,
            summary,
            colour: false,
            flows: &[],
            allowed: &[],
            fails: Some(Severity::Error),
        }
    }

    /// What is proven, a line for each flow.
    fn proofs(&self) -> impl Iterator<Item = String> {
        let proven = self.flows.iter().filter_map(|flow| Some((flow, flow.proof.as_ref()?)));
        proven.map(|(flow, proof)| format!("{}: {proof}", flow.file))
    }

    /// Whether a finding fails the run.
    pub fn fails_for(&self, finding: &Finding) -> bool {
        self.fails.is_some_and(|lightest| finding.severity <= lightest)
    }
}

/// A flow that was checked.
#[derive(Clone, Debug, PartialEq)]
pub struct FlowFile {
    /// Its file, as its findings name it.
    pub file: String,
    /// Its name, as it stands in the file.
    pub name: String,
    /// What is proven of it, where that was tried.
    pub proof: Option<Proof>,
}

/// The numbers of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Files that were read.
    pub files: usize,
    /// Findings that keep a flow from running.
    pub errors: usize,
    /// Findings to look at.
    pub warnings: usize,
    /// Warnings that authors have allowed.
    pub suppressed: usize,
    /// What was read, such as `3 flows, 41 steps`; counted in files where it is empty.
    pub subject: String,
}

impl Summary {
    /// Counts findings.
    pub fn of(files: usize, findings: &[Finding], suppressed: usize) -> Self {
        let count = |severity| findings.iter().filter(|one| one.severity == severity).count();
        Self {
            files,
            errors: count(Severity::Error),
            warnings: count(Severity::Warning),
            suppressed,
            subject: String::new(),
        }
    }

    /// Says what was read, for people.
    #[must_use]
    pub fn subject(mut self, subject: impl Into<String>) -> Self {
        self.subject = subject.into();
        self
    }
}

/// The line that ends a report for people: `3 files: 1 error, 2 warnings`.
impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.subject.is_empty() {
            write!(f, "{}: ", counted(self.files, "file"))?;
        } else {
            write!(f, "{}: ", self.subject)?;
        }
        match (self.errors, self.warnings) {
            (0, 0) => f.write_str("no problems")?,
            (errors, 0) => f.write_str(&counted(errors, "error"))?,
            (0, warnings) => f.write_str(&counted(warnings, "warning"))?,
            (errors, warnings) => write!(f, "{}, {}", counted(errors, "error"), counted(warnings, "warning"))?,
        }
        match self.suppressed {
            0 => Ok(()),
            some => write!(f, " ({some} allowed)"),
        }
    }
}

/// Declares the formats, each with its name and its renderer.
macro_rules! formats {
    ($( $(#[doc = $doc:literal])* $format:ident = $name:literal => $render:path; )+) => {
        /// How a report is written.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Format {
            $( $(#[doc = $doc])* $format, )+
        }

        impl Format {
            /// Every format.
            pub const ALL: &'static [Self] = &[$( Self::$format ),+];

            /// The name it is chosen by.
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$format => $name, )+ }
            }

            /// Writes a report; it ends with a line break.
            pub fn render(self, report: &Report<'_>) -> String {
                match self { $( Self::$format => $render(report), )+ }
            }
        }
    };
}

formats! {
    /// With the lines of the source and marks under them.
    Human = "human" => human::render;
    /// In sentences, for a screen reader or a log.
    Plain = "plain" => plain::render;
    /// One line for each finding, as editors' problem matchers read it.
    Concise = "concise" => concise::render;
    /// One JSON document.
    Json = "json" => json::render;
    /// SARIF 2.1.0, for code scanning.
    Sarif = "sarif" => sarif::render;
    /// Workflow commands of GitHub Actions, for annotations.
    Github = "github" => github::render;
    /// GitLab's code quality report.
    Gitlab = "gitlab" => gitlab::render;
    /// JUnit's XML, for CI servers that list tests.
    Junit = "junit" => junit::render;
    /// A Markdown table, for a summary or a comment.
    Markdown = "markdown" => markdown::render;
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for Format {
    type Err = UnknownFormat;

    fn from_str(name: &str) -> Result<Self, UnknownFormat> {
        let found = Self::ALL.iter().find(|format| format.as_str() == name);
        found.copied().ok_or_else(|| UnknownFormat { name: name.to_owned() })
    }
}

/// No format has this name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnknownFormat {
    name: String,
}

impl fmt::Display for UnknownFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = || Format::ALL.iter().map(|format| format.as_str());
        write!(f, "there is no format `{}`; ", self.name)?;
        if let Some(nearest) = suggest::nearest(&self.name, known()) {
            write!(f, "did you mean `{nearest}`? ")?;
        }
        write!(f, "known: {}", suggest::listed(&self.name, known()))
    }
}

impl std::error::Error for UnknownFormat {}

/// How many moments of a story are shown: it is to fit on a screen with the rest.
const MOMENTS: usize = 12;

/// The call that shows what is wrong, one line for each moment. Of many, the last ones and those that are wrong.
fn story(finding: &Finding) -> Option<String> {
    if finding.story.is_empty() {
        return None;
    }
    let early = finding.story.len().saturating_sub(MOMENTS);
    let mut text = String::from("in such a call:");
    let mut left_out = 0;
    for (index, scene) in finding.story.iter().enumerate() {
        if index < early && !scene.bad {
            left_out += 1;
            continue;
        }
        if left_out > 0 {
            text.push_str(&format!("\n       … {}", counted(left_out, "moment")));
            left_out = 0;
        }
        let mark = if scene.bad { '!' } else { ' ' };
        let line = scene.place.as_ref().map(|place| format!("  (line {})", place.line()));
        text.push_str(&format!(
            "\n{:>5}.{} s {mark} {}{}",
            scene.at / 1000,
            scene.at % 1000 / 100,
            one_line(&scene.text),
            line.unwrap_or_default()
        ));
    }
    Some(text)
}

/// A number and its noun.
fn counted(number: usize, noun: &str) -> String {
    match number {
        1 => format!("1 {noun}"),
        _ => format!("{number} {noun}s"),
    }
}

/// The package's home page; empty where it has none.
const HOMEPAGE: &str = env!("CARGO_PKG_HOMEPAGE");

/// The page of a check, where there is a home page.
fn page_url(id: &str) -> Option<String> {
    (!HOMEPAGE.is_empty()).then(|| format!("{}/checks/{id}", HOMEPAGE.trim_end_matches('/')))
}

/// How many findings a person is shown at once; more would hide the first ones.
const SHOWN: usize = 50;

/// The findings to show where not all can be, in their order, and how many are left out. Errors go before warnings.
fn most_pressing(findings: &[Finding], most: usize) -> (Vec<&Finding>, usize) {
    let left = findings.len().saturating_sub(most);
    if left == 0 {
        return (findings.iter().collect(), 0);
    }
    let mut chosen: Vec<(usize, &Finding)> = findings.iter().enumerate().collect();
    chosen.sort_by_key(|(at, finding)| (finding.severity, *at));
    chosen.truncate(most);
    chosen.sort_by_key(|(at, _)| *at);
    (chosen.into_iter().map(|(_, finding)| finding).collect(), left)
}

/// The command that prints a finding's page, where it is a check's.
fn more(finding: &Finding) -> Option<String> {
    let known = crate::check::ALL.iter().any(|check| check.id == finding.id);
    known.then(|| format!("engine explain {}", finding.id))
}

/// All that a finding says, a sentence each, for formats without drawings.
fn explained(finding: &Finding) -> Vec<String> {
    let label = Some(&finding.label).filter(|label| !label.is_empty());
    let mut lines = vec![match label {
        Some(label) => format!("{} ({label})", finding.message),
        None => finding.message.clone(),
    }];
    lines.extend(finding.consequence.clone());
    lines.extend(finding.help.iter().map(|help| format!("help: {help}")));
    lines
}

/// A text on one line, without characters that a terminal would act on.
fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

#[cfg(test)]
mod tests;
