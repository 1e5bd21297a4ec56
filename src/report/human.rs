//! For people at a terminal: the lines of the source, with marks under what is meant.

use annotate_snippets::{Annotation, AnnotationKind, Group, Level, Patch, Renderer, Snippet};

use super::{Report, SHOWN, counted, more, most_pressing, story};
use crate::flow::finding::{Edit, Finding, Severity};
use crate::flow::source::{Place, Source};

pub fn render(report: &Report<'_>) -> String {
    let (shown, left) = most_pressing(report.findings, SHOWN);
    let mut out: String = shown
        .iter()
        .map(|finding| drawn(finding, report.colour) + "\n")
        .collect();
    if left > 0 {
        out.push_str(&format!("… and {} more\n\n", counted(left, "finding")));
    }
    out.push_str(&format!("{}\n", report.summary));
    for proof in report.proofs() {
        out.push_str(&format!("{proof}\n"));
    }
    out
}

/// One finding; it ends with a line break.
pub fn drawn(finding: &Finding, colour: bool) -> String {
    let renderer = match colour {
        true => Renderer::styled(),
        false => Renderer::plain(),
    };
    format!("{}\n", renderer.render(&groups(finding)))
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
    if let Some(story) = story(finding) {
        main = main.element(Level::NOTE.no_name().message(story));
    }
    // The help that goes with the fix stands above it; the others are lines of their own.
    let above = finding.fix.as_ref().and_then(|_| finding.help.first());
    for help in finding.help.iter().skip(usize::from(above.is_some())) {
        main = main.element(Level::HELP.message(help.as_str()));
    }
    let more = more(finding).map(|command| Level::NOTE.no_name().message(format!("more: {command}")));
    let Some(fix) = &finding.fix else {
        return vec![main.elements(more)];
    };
    let title = Level::HELP.secondary_title(above.map_or("write this", String::as_str));
    let here = |edit: &&Edit| edit.place.source().name() == finding.place.source().name();
    let patches = fix.edits.iter().filter(here).map(patch);
    let fixed = title.element(window::<Patch<'_>>(finding.place.source()).patches(patches));
    vec![main, fixed.elements(more)]
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
