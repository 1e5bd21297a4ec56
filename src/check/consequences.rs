//! Findings that only follow from another one: where that is mended they are gone, and until then they hide it.

use super::headless::Headless;
use crate::compile::Compiled;
use crate::flow::{Finding, Findings, Node, Place, Span};

/// What is said of things that may stand behind a syntax error, where nobody has read on.
const OF_THE_REST: [&str; 8] = [
    "missing-key",
    "no-entry",
    "undeclared-variable",
    "unknown-agent",
    "unknown-anchor",
    "unknown-outcome",
    "unknown-step",
    "unwired-outcome",
];

/// Takes them away.
pub(super) fn remove(compiled: &mut Compiled) {
    let findings = std::mem::take(&mut compiled.findings);
    let strangers: Vec<&Place> = of(&findings, "unknown-provider").collect();
    let (cut, unread) = (cut_short(compiled), unread(compiled, &strangers));
    let lame = lame(compiled, &strangers);
    let headless = Headless::among(&findings);
    let nameless = of(&findings, "nameless-agent").next().is_some();
    let lost = lost(compiled, &findings);
    let kept = findings.into_iter().filter(|finding| {
        let source = finding.place.source().name();
        let of_the_rest = OF_THE_REST.contains(&finding.id) && cut.iter().any(|name| name == source);
        let of_a_stranger = finding.id == "missing-key" && lame.contains(&finding.place);
        let of_a_name = headless.as_ref().is_some_and(|headless| headless.explains(finding));
        let of_an_agent = nameless && ["unknown-agent", "unknown-outcome"].contains(&finding.id);
        let of_a_fallback = finding.id == "unwired-outcome" && lost.iter().any(|name| name == source);
        let of_another = of_the_rest || of_a_stranger || of_a_name || of_an_agent || of_a_fallback;
        !of_another && !of_an_exit(finding, &unread)
    });
    let mut kept: Vec<Finding> = once(kept);
    if let Some(headless) = &headless {
        kept.iter_mut().for_each(|finding| headless.help(finding));
    }
    compiled.findings = kept.into_iter().collect();
}

/// A step that is not there is told once, with every place that names it.
fn once(findings: impl Iterator<Item = Finding>) -> Vec<Finding> {
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings {
        let source = finding.place.source().name();
        let same = |known: &&mut Finding| {
            known.id == "unknown-step" && known.message == finding.message && known.place.source().name() == source
        };
        match kept.iter_mut().find(same) {
            Some(known) if known.place != finding.place => {
                known.related.push((finding.place, "named here too".to_owned()));
            }
            Some(_) => {}
            None => kept.push(finding),
        }
    }
    kept
}

/// The files whose `otherwise` names a step that is not there: what leads there leads nowhere.
fn lost(compiled: &Compiled, findings: &Findings) -> Vec<String> {
    let mut found = Vec::new();
    for document in &compiled.documents {
        let otherwise = document.root.as_ref().and_then(|root| root.key("otherwise"));
        let source = document.source.name();
        let is_missing = |span| of(findings, "unknown-step").any(|place| is_inside(place, source, span));
        if otherwise.is_some_and(|otherwise| is_missing(otherwise.span)) {
            found.push(source.to_owned());
        }
    }
    found
}

/// The files that a syntax error cuts short.
fn cut_short(compiled: &Compiled) -> Vec<String> {
    let cut = compiled.documents.iter().filter(|document| !document.complete);
    cut.map(|document| document.source.name().to_owned()).collect()
}

fn of<'a>(findings: &'a Findings, id: &'a str) -> impl Iterator<Item = &'a Place> {
    findings
        .iter()
        .filter(move |finding| finding.id == id)
        .map(|finding| &finding.place)
}

/// The names of agents with a provider that nobody knows: what they lack is that provider's part.
fn lame(compiled: &Compiled, strangers: &[&Place]) -> Vec<Place> {
    let mut found = Vec::new();
    for document in &compiled.documents {
        let agents = document.root.as_ref().and_then(|root| root.key("agents"));
        for agent in agents.and_then(Node::as_map).unwrap_or_default() {
            let source = document.source.name();
            if strangers.iter().any(|place| is_inside(place, source, agent.value.span)) {
                found.push(Place::new(&document.source, agent.key.span));
            }
        }
    }
    found
}

/// The steps whose agent could not be read as it was meant: nobody knows its exits.
fn unread(compiled: &Compiled, strangers: &[&Place]) -> Vec<(String, Span)> {
    let lame = lame(compiled, strangers);
    let is_unread = |name: &str| {
        let agents = &compiled.draft.agents;
        agents
            .iter()
            .any(|(agent, read)| agent.value == name && (read.is_none() || lame.contains(&agent.place)))
    };
    let mut found = Vec::new();
    for document in &compiled.documents {
        let steps = document.root.as_ref().and_then(|root| root.key("steps"));
        for step in steps.and_then(Node::as_map).unwrap_or_default() {
            let kind = ["converse", "relay"].iter().find_map(|kind| step.value.key(kind));
            let agent = kind
                .map(|body| body.key("agent").unwrap_or(body))
                .and_then(Node::scalar);
            if agent.is_some_and(|agent| is_unread(&agent.text)) {
                found.push((document.source.name().to_owned(), step.value.span));
            }
        }
    }
    found
}

fn of_an_exit(finding: &Finding, unread: &[(String, Span)]) -> bool {
    let inside = |(name, span): &(String, Span)| is_inside(&finding.place, name, *span);
    finding.id == "unknown-outcome" && unread.iter().any(inside)
}

fn is_inside(place: &Place, source: &str, span: Span) -> bool {
    let at = place.span();
    place.source().name() == source && span.start <= at.start && at.end <= span.end
}
