//! What was found in several flows, put together for a report.

use super::output::counted;
use super::whereabouts::path_to;
use crate::compile::Compiled;
use crate::flow::{Allowed, Document, Edit, Finding, Findings, Place, Severity, Source};
use crate::prove::Proof;
use crate::report::{FlowFile, Format, Report, Summary};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Findings, each once and in order, with what a report says beside them.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    /// By file, then place.
    pub findings: Vec<Finding>,
    allowed: Vec<Allowed>,
    flows: Vec<FlowFile>,
    steps: usize,
}

impl Gathered {
    /// Puts together what was found in flows whose files are named as their project names them.
    pub fn of(compiled: &[Compiled]) -> Self {
        let file = |one: &Compiled| one.draft.source.as_ref().map_or("", |source| source.name()).to_owned();
        Self::from_projects(compiled.iter().map(|one| ("", file(one), one, None)))
    }

    /// Puts together flows of several projects: what to put before the project's paths, the flow's path, the flow and
    /// what is proven of it.
    pub fn from_projects<'a>(
        flows: impl IntoIterator<Item = (&'a str, String, &'a Compiled, Option<&'a Proof>)>,
    ) -> Self {
        let mut all = Self::default();
        let mut found = Findings::default();
        for (prefix, path, compiled, proof) in flows {
            let mut moved = Moved::under(prefix);
            let mut shown = |finding: &Finding| moved.finding(&with_path(finding, &compiled.documents));
            all.flows.push(FlowFile {
                name: name_of(compiled, &path),
                file: joined(prefix, &path),
                proof: proof.cloned(),
            });
            all.steps += compiled.steps();
            found.extend(compiled.findings.iter().map(&mut shown));
            all.allowed.extend(compiled.suppressed.iter().map(|one| Allowed {
                finding: shown(&one.finding),
                reason: one.reason.clone(),
            }));
        }
        all.findings = found.sorted().into_vec();
        // A part of several flows is read with each of them.
        let place = |one: &Allowed| (one.finding.place.to_string(), one.finding.id);
        all.allowed.sort_by_key(place);
        all.allowed.dedup_by_key(|one| place(one));
        all
    }

    /// Leaves out warnings: those of checks that are not among `select`, where it names any, and those of `ignore`.
    /// Returns the checks of `ignore` that found errors, which stay.
    pub fn narrow(&mut self, select: &[&'static str], ignore: &[&'static str]) -> Vec<&'static str> {
        let wanted = |id| (select.is_empty() || select.contains(&id)) && !ignore.contains(&id);
        let is_error = |finding: &Finding| finding.severity == Severity::Error;
        self.findings.retain(|finding| is_error(finding) || wanted(finding.id));
        self.allowed.retain(|one| wanted(one.finding.id));
        let stays = |id: &&&str| self.findings.iter().any(|finding| finding.id == **id);
        ignore.iter().filter(stays).copied().collect()
    }

    /// A report of it all.
    pub fn rendered(&self, format: Format, colour: bool, fails: Option<Severity>) -> String {
        let subject = format!("{}, {}", counted(self.flows.len(), "flow"), counted(self.steps, "step"));
        let summary = Summary::of(self.flows.len(), &self.findings, self.allowed.len()).subject(subject);
        format.render(&Report {
            colour,
            flows: &self.flows,
            allowed: &self.allowed,
            fails,
            ..Report::new(&self.findings, &summary)
        })
    }
}

/// What to put before a project's paths so that they lead there from the repository that a CI server has checked out,
/// or else from the working directory. A project outside of it is named by its whole path.
pub(super) fn prefix_of(root: &Path) -> String {
    let Ok(here) = Path::new(".").canonicalize() else {
        return String::new();
    };
    let checkout = ["GITHUB_WORKSPACE", "CI_PROJECT_DIR"].into_iter().find_map(|name| {
        let folder = PathBuf::from(std::env::var_os(name)?).canonicalize().ok()?;
        here.starts_with(&folder).then_some(folder)
    });
    let base = checkout.unwrap_or(here);
    let Ok(root) = root.canonicalize() else {
        return String::new();
    };
    let relative = root.strip_prefix(&base).unwrap_or(&root);
    relative.to_string_lossy().replace('\\', "/")
}

fn joined(prefix: &str, path: &str) -> String {
    match prefix {
        "" => path.to_owned(),
        prefix => format!("{}/{path}", prefix.trim_end_matches('/')),
    }
}

/// The name under `flow`, which is there in most flows that do not compile, too; else the file's.
fn name_of(compiled: &Compiled, path: &str) -> String {
    let document = compiled.documents.iter().find(|one| one.source.name() == path);
    let root = document.and_then(|document| document.root.as_ref());
    let written = root.and_then(|root| root.key("flow")?.scalar());
    let stem = || {
        Path::new(path)
            .file_stem()
            .map_or_else(String::new, |stem| stem.to_string_lossy().into_owned())
    };
    written.map_or_else(stem, |name| name.text.clone())
}

/// A finding that says which value of its document it is about.
fn with_path(finding: &Finding, documents: &[Document]) -> Finding {
    let mut finding = finding.clone();
    if finding.path.is_empty() {
        let file = finding.place.source().name();
        let document = documents.iter().find(|one| one.source.name() == file);
        let root = document.and_then(|document| document.root.as_ref());
        finding.path = root.map(|root| path_to(root, finding.place.span())).unwrap_or_default();
    }
    finding
}

/// Findings whose files are named from elsewhere.
struct Moved<'a> {
    prefix: &'a str,
    sources: BTreeMap<String, Arc<Source>>,
}

impl<'a> Moved<'a> {
    fn under(prefix: &'a str) -> Self {
        Self {
            prefix,
            sources: BTreeMap::new(),
        }
    }

    fn finding(&mut self, finding: &Finding) -> Finding {
        let mut finding = finding.clone();
        if self.prefix.is_empty() {
            return finding;
        }
        finding.place = self.place(&finding.place);
        for (place, _) in &mut finding.related {
            *place = self.place(place);
        }
        let edits = finding.fix.iter_mut().flat_map(|fix| &mut fix.edits);
        for Edit { place, .. } in edits {
            *place = self.place(place);
        }
        for place in finding.story.iter_mut().filter_map(|scene| scene.place.as_mut()) {
            *place = self.place(place);
        }
        finding
    }

    fn place(&mut self, place: &Place) -> Place {
        let name = place.source().name();
        let source = self
            .sources
            .entry(name.to_owned())
            .or_insert_with(|| Source::new(joined(self.prefix, name), place.source().text()));
        Place::new(source, place.span())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Fix, Safety, Span};

    fn finding(id: &'static str, severity: Severity) -> Finding {
        let place = Place::new(&Source::new("flows/a.yaml", "flow: a\n"), Span::new(0, 4));
        let finding = match severity {
            Severity::Error => Finding::error(id, place.clone(), "x"),
            Severity::Warning => Finding::warning(id, place.clone(), "x"),
        };
        finding
            .related(place.clone(), "here")
            .fix(Fix::replace(Safety::Safe, place, "y"))
    }

    #[test]
    fn every_place_of_a_moved_finding_is_moved() {
        let moved = Moved::under("voice").finding(&finding("unknown-key", Severity::Error));
        let fix = moved.fix.expect("the fix");
        for place in [&moved.place, &moved.related[0].0, &fix.edits[0].place] {
            assert_eq!(place.to_string(), "voice/flows/a.yaml:1:1");
            assert_eq!(place.text(), "flow");
        }
    }

    #[test]
    fn warnings_are_left_out_and_errors_are_not() {
        type Ids = &'static [&'static str];
        let cases: &[(Ids, Ids, Ids, Ids)] = &[
            (&[], &[], &["unknown-key", "unused-next", "unused-allow"], &[]),
            (&[], &["unused-next"], &["unknown-key", "unused-allow"], &[]),
            (&["unused-next"], &[], &["unknown-key", "unused-next"], &[]),
            (&["unused-next"], &["unused-next"], &["unknown-key"], &[]),
            (
                &[],
                &["unknown-key", "unknown-step"],
                &["unknown-key", "unused-next", "unused-allow"],
                &["unknown-key"],
            ),
        ];
        for (select, ignore, kept, stayed) in cases {
            let mut all = Gathered {
                findings: vec![
                    finding("unknown-key", Severity::Error),
                    finding("unused-next", Severity::Warning),
                    finding("unused-allow", Severity::Warning),
                ],
                ..Gathered::default()
            };
            assert_eq!(all.narrow(select, ignore), *stayed);
            let ids: Vec<&str> = all.findings.iter().map(|finding| finding.id).collect();
            assert_eq!(ids, *kept, "select {select:?}, ignore {ignore:?}");
        }
    }
}
