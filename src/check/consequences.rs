//! Findings that only follow from another one: where that is mended they are gone, and until then they hide it.

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
    let kept = findings.into_iter().filter(|finding| {
        let source = finding.place.source().name();
        let of_the_rest = OF_THE_REST.contains(&finding.id) && cut.iter().any(|name| name == source);
        let of_a_stranger = finding.id == "missing-key" && lame.contains(&finding.place);
        !of_the_rest && !of_a_stranger && !of_an_exit(finding, &unread)
    });
    compiled.findings = kept.collect();
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
