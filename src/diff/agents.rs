//! Agents: who came and went, and what each of the others is told, hears with and speaks with.

use super::change::{Change, Class, Sign, Subject};
use super::side::{Side, place};
use super::{meaning, notice, tree};
use crate::call::Agent;
use crate::flow::{Document, Entry, Span};
use serde_json::Value as Json;

pub(super) fn compare(old: &Side<'_>, new: &Side<'_>, schema: &Json) -> Vec<Change> {
    let mut out = Vec::new();
    for (name, agent) in &new.flow.agents {
        let is = written(new, name);
        let Some(before) = old.flow.agents.get(name) else {
            let change =
                Change::new("agent-added", Class::NewCalls, Subject::Agent(name.clone()), "").sign(Sign::Added);
            let change = change.values(None, is.map(|(_, entry)| tree::compact(&entry.value)));
            let at = is.and_then(|(document, entry)| place(document, Some(entry.key.span)));
            out.push(change.places(None, at).caller("callers can talk with somebody new"));
            continue;
        };
        if meaning::of(before) != meaning::of(agent) {
            instructions(name, before, agent, &mut out);
            if let (Some(was), Some(is)) = (written(old, name), is) {
                values(name, was, is, schema, &mut out);
            }
        }
    }
    for (name, _) in old
        .flow
        .agents
        .iter()
        .filter(|(name, _)| !new.flow.agents.contains_key(*name))
    {
        let was = written(old, name);
        let change =
            Change::new("agent-removed", Class::NewCalls, Subject::Agent(name.clone()), "").sign(Sign::Removed);
        let change = change.values(was.map(|(_, entry)| tree::compact(&entry.value)), None);
        let at = was.and_then(|(document, entry)| place(document, Some(entry.key.span)));
        out.push(
            change
                .places(at, None)
                .caller("no new call talks with this agent; calls in progress still do"),
        );
    }
    out
}

/// An agent as it is written, in whichever of the flow files.
fn written<'a>(side: &Side<'a>, name: &str) -> Option<(&'a Document, &'a Entry)> {
    side.compiled.documents.iter().find_map(|document| {
        let entry = document.root.as_ref()?.key("agents")?.entry(name)?;
        Some((document, entry))
    })
}

/// What it is told, wherever that is written: in the flow or in a file of its own.
fn instructions(name: &str, was: &Agent, is: &Agent, out: &mut Vec<Change>) {
    let text = |agent: &Agent| {
        let text = agent.providers()?.instructions.as_ref()?;
        Some((text.text().to_owned(), text.place().clone()))
    };
    let ((was, old), (is, new)) = (text(was).unzip(), text(is).unzip());
    if was != is {
        let quoted = |text: Option<String>| text.map(|text| Json::from(text).to_string());
        let subject = Subject::Agent(name.to_owned());
        let change = Change::new("instructions-changed", Class::NewCalls, subject, "instructions");
        let caller = "the agent is told something else, so that callers get other answers";
        out.push(change.values(quoted(was), quoted(is)).places(old, new).caller(caller));
    }
}

fn values(
    name: &str,
    (before, was): (&Document, &Entry),
    (after, is): (&Document, &Entry),
    schema: &Json,
    out: &mut Vec<Change>,
) {
    for delta in tree::compare("", Some(&was.value), Some(&is.value), schema) {
        // The text itself was compared: what stands here may only be the path of its file.
        if delta.path == "instructions" {
            continue;
        }
        let class = if delta.is_default {
            Class::Compatible
        } else {
            Class::NewCalls
        };
        let caller = notice::of(&delta);
        let at = |document, span: Option<Span>, key| place(document, span.or(Some(key)));
        let places = (at(before, delta.old, was.key.span), at(after, delta.new, is.key.span));
        let subject = Subject::Agent(name.to_owned());
        let change = Change::new("agent-changed", class, subject, delta.path).values(delta.was, delta.is);
        out.push(change.places(places.0, places.1).caller(caller));
    }
}
