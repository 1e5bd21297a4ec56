//! An agent and the step that uses it: sound where the step gives sound, text where the carrier listens and speaks.

use crate::compile::Compiled;
use crate::flow::{Document, Finding, Findings, Node, Place, nearest};

/// How every conversation can end.
const USUAL: [&str; 3] = ["completed", "no_reply", "failed"];

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    ends(compiled, findings);
    for step in &flow.steps {
        for used in step.kind.touches().agents {
            let Some(providers) = flow.agents.get(&used.value).and_then(|agent| agent.providers()) else {
                continue;
            };
            let (message, help) = match (step.kind.name(), providers.by_carrier) {
                ("converse", true) => (
                    format!(
                        "the agent `{}` leaves listening and speaking to the carrier",
                        used.value
                    ),
                    "use it in a `relay` step, or give it `listen` and `speak` of its own",
                ),
                ("relay", false) => (
                    format!("the agent `{}` listens and speaks by itself", used.value),
                    "use it in a `converse` step, or write `listen: carrier` and `speak: carrier`",
                ),
                _ => continue,
            };
            findings.push(
                Finding::error("wrong-medium", used.place.clone(), message)
                    .label("not possible in this step")
                    .consequence("the conversation could not begin, and the caller would go to the fallback")
                    .help(help),
            );
        }
    }
}

/// How a conversation ends where the caller says nothing is a name of the author's own: nobody else sees a typing mistake.
fn ends(compiled: &Compiled, findings: &mut Findings) {
    for document in &compiled.documents {
        let Some(root) = &document.root else { continue };
        let steps = root.key("steps").and_then(Node::as_map).unwrap_or_default();
        for agent in root.key("agents").and_then(Node::as_map).unwrap_or_default() {
            described(document, &agent.value, findings);
            let then = agent.value.key("idle").and_then(|idle| idle.key("then"));
            let Some((node, text)) = then.and_then(|node| Some((node, node.scalar()?.text.as_str()))) else {
                continue;
            };
            let talks = |step: &Node| {
                let body = ["converse", "relay"].iter().find_map(|kind| step.key(kind))?;
                let name = body.key("agent").unwrap_or(body).scalar()?;
                (name.text == agent.key.text).then_some(())
            };
            let users = steps.iter().filter(|step| talks(&step.value).is_some());
            let mut wired: Vec<&str> = users
                .filter_map(|step| step.value.key("on").and_then(Node::as_map))
                .flatten()
                .map(|entry| entry.key.text.as_str())
                .collect();
            wired.extend(USUAL);
            let Some(near) = nearest(text, wired.iter().copied()).filter(|_| !wired.contains(&text)) else {
                continue;
            };
            findings.push(
                Finding::error(
                    "unknown-outcome",
                    Place::new(&document.source, node.span),
                    format!("no step wires `{text}`"),
                )
                .category("graph")
                .label("this is how the conversation would end")
                .consequence("a caller who says nothing would go to the flow's `otherwise`, not where `on` leads")
                .nearest(Some(near)),
            );
        }
    }
}

/// The model reads what an action is for; without that it never uses it, or always.
fn described(document: &Document, agent: &Node, findings: &mut Findings) {
    for action in agent.key("actions").and_then(Node::as_map).unwrap_or_default() {
        let Some(node) = action.value.key("description") else {
            continue;
        };
        if node.scalar().is_none_or(|scalar| !scalar.text.trim().is_empty()) {
            continue;
        }
        findings.push(
            Finding::error(
                "missing-key",
                Place::new(&document.source, node.span),
                format!("nothing says when `{}` is to be used", action.key.text),
            )
            .label("empty")
            .consequence("the model would use it at the wrong moment, or never")
            .help("write it as a sentence: `description: The caller asks for a person.`"),
        );
    }
}
