//! What the steps name beside steps: sounds, agents, variables. Each is there, or a finding says which is meant.

use super::head::Head;
use super::scope::names;
use super::section::Build;
use crate::flow::{Condition, Finding, Findings, Located, nearest};
use std::collections::BTreeSet;

impl Build<'_> {
    /// Every sound that a step names exists.
    pub(super) fn sounds(&mut self, findings: &mut Findings, head: &Head) {
        let mut named: Vec<Located<String>> = Vec::new();
        for step in &self.draft.steps {
            named.extend(step.kind.touches().assets.into_iter().cloned());
        }
        named.extend(head.apology.clone());
        for sound in named {
            self.sound(&sound, findings);
        }
    }

    pub(super) fn sound(&mut self, sound: &Located<String>, findings: &mut Findings) {
        let path = sound.value.as_str();
        if path.starts_with("https://") || path.starts_with("http://") || self.draft.assets.contains_key(path) {
            return;
        }
        if let Some(asset) = self.files.asset(path) {
            self.draft.assets.insert(path.to_owned(), asset);
            return;
        }
        let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
        let near = self.files.list(&format!("static/{folder}"));
        let near: Vec<String> = near
            .into_iter()
            .map(|name| {
                if folder.is_empty() {
                    name
                } else {
                    format!("{folder}/{name}")
                }
            })
            .collect();
        let finding = Finding::error(
            "unknown-asset",
            sound.place.clone(),
            format!("there is no sound `static/{path}`"),
        )
        .label("no such file")
        .consequence("the caller would hear nothing here (11200)");
        findings.push(match nearest(path, near.iter().map(String::as_str)) {
            Some(near) => finding.nearest(Some(near)),
            None => finding.help(format!("put the file at `static/{path}`")),
        });
    }

    /// Every name in a template or a condition is provided by something, and every agent is declared.
    pub(super) fn uses(&self, findings: &mut Findings) {
        let kinds = self.draft.steps.iter().map(|step| &step.kind);
        let kinds: Vec<_> = kinds
            .chain(self.draft.after_call.iter().map(|item| &item.kind))
            .collect();
        let mut vars: BTreeSet<String> = kinds.iter().flat_map(|kind| kind.touches().sets).collect();
        vars.extend(self.parts.values().flat_map(|part| part.takes.iter().cloned()));
        let names = names(vars);
        let mut conditions: Vec<&Condition> = self
            .draft
            .after_call
            .iter()
            .filter_map(|item| item.when.as_ref())
            .collect();
        conditions.extend(
            self.draft
                .steps
                .iter()
                .filter_map(|step| step.when.as_ref().map(|(when, _)| when)),
        );
        let mut used = Vec::new();
        for kind in kinds {
            let touches = kind.touches();
            used.extend(touches.templates.iter().flat_map(|template| template.uses()));
            conditions.extend(touches.conditions);
            for agent in touches.agents {
                self.check_agent(agent, findings);
            }
        }
        used.extend(conditions.iter().flat_map(|condition| condition.uses()));
        for one in used {
            names.check(one, findings);
        }
    }

    fn check_agent(&self, agent: &Located<String>, findings: &mut Findings) {
        let known = self.draft.agents.iter().map(|(name, _)| name.value.as_str());
        if known.clone().any(|name| name == agent.value) {
            return;
        }
        let message = format!("there is no agent `{}`", agent.value);
        let finding = Finding::error("unknown-agent", agent.place.clone(), message)
            .label("not under `agents`")
            .consequence("the caller would be connected with nobody");
        findings.push(match nearest(&agent.value, known) {
            Some(near) => finding.nearest(Some(near)),
            None => finding.help(format!("declare it under `agents: {{{}: …}}`", agent.value)),
        });
    }
}
