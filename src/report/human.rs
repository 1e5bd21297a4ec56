//! For people at a terminal: the lines of the source, with marks under what is meant.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Patch, Renderer, Snippet};

use super::{Report, counted};
use crate::flow::finding::{Edit, Finding, Severity};
use crate::flow::source::{Place, Source};

/// How many findings are drawn; more would hide the first ones.
const SHOWN: usize = 50;

pub fn render(report: &Report<'_>) -> String {
    let renderer = match report.colour {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    let mut out = String::new();
    for finding in report.findings.iter().take(SHOWN) {
        out.push_str(&renderer.render(&groups(finding)));
        out.push_str("\n\n");
    }
    if let Some(more) = report.findings.len().checked_sub(SHOWN).filter(|more| *more > 0) {
        out.push_str(&format!("… and {} more\n\n", counted(more, "finding")));
    }
    out.push_str(&format!("{}\n", report.summary));
    out
}

/// The finding itself, and a second group that shows the fix.
fn groups(finding: &Finding) -> Vec<Group<'_>> {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut main = level
        .primary_title(finding.message.as_str())
        .id(finding.id)
        .element(snippet(finding));
    for (place, label) in &finding.related {
        if place.source().name() != finding.place.source().name() {
            main = main.element(window(place.source()).annotation(mark(AnnotationKind::Context, place, label)));
        }
    }
    if let Some(consequence) = &finding.consequence {
        main = main.element(Level::NOTE.no_name().message(consequence.as_str()));
    }
    // The help that goes with the fix stands above it; the others are lines of their own.
    let above = finding.fix.as_ref().and_then(|_| finding.help.first());
    for help in finding.help.iter().skip(usize::from(above.is_some())) {
        main = main.element(Level::HELP.message(help.as_str()));
    }
    let mut groups = vec![main];
    if let Some(fix) = &finding.fix {
        let title = Level::HELP.secondary_title(above.map_or("write this", String::as_str));
        let here = |edit: &&Edit| edit.place.source().name() == finding.place.source().name();
        let patches = fix.edits.iter().filter(here).map(patch);
        groups.push(title.element(window::<Patch<'_>>(finding.place.source()).patches(patches)));
    }
    groups
}

/// The finding's own place and what explains it in the same source.
fn snippet(finding: &Finding) -> Snippet<'_, Annotation<'_>> {
    let same = finding
        .related
        .iter()
        .filter(|(place, _)| place.source().name() == finding.place.source().name());
    window(finding.place.source())
        .annotation(mark(AnnotationKind::Primary, &finding.place, &finding.label))
        .annotations(same.map(|(place, label)| mark(AnnotationKind::Context, place, label)))
}

fn window<T: Clone>(source: &Source) -> Snippet<'_, T> {
    Snippet::source(source.text()).path(source.name())
}

fn mark<'a>(kind: AnnotationKind, place: &Place, label: &'a str) -> Annotation<'a> {
    let span = place.span();
    let mark = kind.span(span.start..span.end);
    match label {
        "" => mark,
        label => mark.label(label),
    }
}

fn patch(edit: &Edit) -> Patch<'_> {
    let span = edit.place.span();
    Patch::new(span.start..span.end, edit.text.as_str())
}
