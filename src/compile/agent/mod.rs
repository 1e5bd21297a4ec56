//! Agents: how each listens, thinks and speaks. What cannot work is refused here, never at call time.

mod actions;
mod forms;
mod nameless;
mod parameters;
mod plan;
mod script;
mod services;

pub use forms::AgentForm;
pub(super) use nameless::is_part;
pub(super) use nameless::report as report_nameless;

use super::known::View;
use super::section::Build;
use crate::call::{Agent, Providers, Talker};
use crate::flow::{Finding, FromYaml, Located, Node, Reader, Source, Template};
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An agent as read: what the checker needs, and what runs.
pub(super) struct Read {
    pub exits: Vec<String>,
    pub sounds: Vec<Located<String>>,
    pub agent: Arc<Agent>,
}

/// Reads one agent. Findings of its parts go to `build`'s caller through `cx`.
pub(super) fn read(
    build: &mut Build<'_>,
    folder: &str,
    locale: &str,
    name: &Located<String>,
    node: &Node,
    cx: &mut Reader,
) -> Option<Read> {
    let form = AgentForm::from_yaml(node, cx)?;
    let turn = node.key("listen").and_then(|listen| listen.key("end_of_turn"));
    let turn = turn.map(|turn| cx.place_of(turn));
    if script::fits(&form) {
        return script::read(name, &form, turn, cx);
    }
    let names = build.files.providers();
    let mut sounds = Sounds::default();
    let instructions = form
        .instructions
        .as_ref()
        .and_then(|node| instructions(build, node, cx));
    let actions = {
        let none = BTreeMap::new();
        let view = View::new(build, &none, folder);
        let actions = actions::read(form.actions.as_ref(), &mut sounds, cx, &view);
        for finding in view.findings.into_inner().iter() {
            cx.report(finding.clone());
        }
        actions
    };
    let mut services = services::read(&form, locale, &names, cx);
    missing(name, &form, &services, instructions.is_some(), cx);
    let planned = plan::read(name, &form, &mut services, actions, &mut sounds, turn, cx)?;
    Some(Read {
        exits: planned.exits,
        agent: Arc::new(Agent {
            name: name.value.clone(),
            clips: sounds.paths,
            texts: sounds.texts,
            talker: Talker::Providers(Box::new(Providers {
                plan: planned.plan,
                instructions,
                listen: services.listen,
                think: services.think,
                speak: services.speak,
                by_carrier: services.by_carrier,
                realtime: services.realtime,
                actions: planned.actions,
            })),
        }),
        sounds: sounds.named,
    })
}

/// What a conversation with providers cannot do without.
fn missing(name: &Located<String>, form: &AgentForm, services: &services::Services, instructed: bool, cx: &mut Reader) {
    let mut report = |message: &str, consequence: &str, help: &str| {
        cx.report(
            Finding::error(
                "missing-key",
                name.place.clone(),
                format!("the agent `{}` {message}", name.value),
            )
            .label("this agent")
            .consequence(consequence)
            .help(help),
        );
    };
    if services.realtime.is_some() {
        if form.listen.is_some() || form.think.is_some() {
            report(
                "has `realtime` beside `listen` or `think`",
                "only one of them could have the caller's ear",
                "remove `listen` and `think`, or `realtime`",
            );
        }
    } else if services.think.is_none() {
        report(
            "has nobody who thinks",
            "the caller would get no answer",
            "add for example `think: {provider: openai, model: gpt-4o-mini}`",
        );
    }
    let thinks = services
        .think
        .as_ref()
        .is_some_and(|think| think.provider != "scripted");
    let by_sound = services.realtime.is_none() && !services.by_carrier;
    if by_sound && thinks && services.speak.is_none() {
        report(
            "has a model that thinks and nobody who speaks",
            "the caller would hear nothing of its answers",
            "add for example `speak: {provider: openai, voice: alloy}`",
        );
    }
    if by_sound && thinks && services.listen.is_none() {
        report(
            "has a model that thinks and nobody who writes down what the caller says",
            "the model would not know what it is asked",
            "add for example `listen: {provider: deepgram, language: he}`",
        );
    }
    if (thinks || services.realtime.is_some()) && !instructed {
        report(
            "has no instructions",
            "the model would not know who it is and what to say",
            "add `instructions: prompts/NAME.md`, or the text itself",
        );
    }
}

/// A text of its own, or a file's. Either may name what is known of the call.
fn instructions(build: &Build<'_>, node: &Node, cx: &mut Reader) -> Option<Template> {
    let text = Located::<String>::from_yaml(node, cx)?;
    let path = text.value.trim();
    let is_path = !path.contains(char::is_whitespace) && (path.ends_with(".md") || path.ends_with(".txt"));
    if !is_path {
        return Template::from_yaml(node, cx);
    }
    let Some(content) = build.files.text(path) else {
        cx.report(
            Finding::error("unreadable-file", text.place, format!("there is no file `{path}`"))
                .label("no such file")
                .consequence("the model would not know who it is and what to say")
                .help(format!("write the agent's instructions to `{path}`, beside `flows/`")),
        );
        return None;
    };
    let (template, findings) = Template::of_file(&Source::new(path, content));
    for finding in findings.iter() {
        cx.report(finding.clone());
    }
    template
}

/// The sounds and fixed texts of an agent, each once.
#[derive(Default)]
struct Sounds {
    paths: Vec<String>,
    texts: Vec<String>,
    named: Vec<Located<String>>,
}

impl Sounds {
    /// The number of a file's sound.
    fn file(&mut self, file: &Located<String>, text: Option<&str>) -> usize {
        if let Some(index) = self.paths.iter().position(|path| *path == file.value) {
            return index;
        }
        self.paths.push(file.value.clone());
        self.texts
            .push(text.map_or_else(|| format!("[{}]", file.value), str::to_owned));
        self.named.push(file.clone());
        self.paths.len() - 1
    }
}

/// Free settings as JSON.
fn options(pairs: &[(Located<String>, Value)]) -> serde_json::Map<String, Value> {
    pairs
        .iter()
        .map(|(name, value)| (name.value.clone(), value.clone()))
        .collect()
}
