//! The names that templates and conditions can use, and whether they are provided.

use super::Draft;
use crate::flow::{Condition, Finding, Findings, Located, Use, nearest};
use std::collections::BTreeSet;

/// What is provided under each of the top names.
#[derive(Clone, Debug)]
pub struct Names {
    /// Variables that some step sets.
    pub vars: BTreeSet<String>,
}

/// The fields of `call`.
const CALL: [&str; 14] = [
    "sid",
    "flow",
    "from",
    "to",
    "direction",
    "country",
    "city",
    "caller_name",
    "status",
    "started",
    "seconds",
    "recordings",
    "watchdog",
    "end_reason",
];

const TOP: [&str; 5] = ["call", "vars", "contact", "step", "now"];

/// The names that a flow with these variables provides.
pub fn names(vars: BTreeSet<String>) -> Names {
    Names { vars }
}

/// Every name in a template or a condition is provided by something, and every agent is declared. Variables belong to
/// the flow that sets them: one that is run sees its own and those it is given, and nobody sees those afterwards.
pub(super) fn check(draft: &Draft, takes: &dyn Fn(usize) -> Vec<String>, findings: &mut Findings) {
    for section in 0..draft.sections.len() {
        let mut variables = variables(draft, section);
        variables.extend(takes(section));
        let names = names(variables);
        let steps = || draft.steps.iter().filter(|step| step.section == section);
        let items = || draft.after_call.iter().filter(|_| section == 0);
        let kinds = steps().map(|step| &step.kind).chain(items().map(|item| &item.kind));
        let mut conditions: Vec<&Condition> = items().filter_map(|item| item.when.as_ref()).collect();
        conditions.extend(steps().filter_map(|step| step.when.as_ref().map(|(when, _)| when)));
        let mut used = Vec::new();
        for kind in kinds {
            let touches = kind.touches();
            used.extend(touches.templates.iter().flat_map(|template| template.uses()));
            conditions.extend(touches.conditions);
            for agent in touches.agents {
                check_agent(draft, agent, findings);
            }
        }
        used.extend(conditions.iter().flat_map(|condition| condition.uses()));
        for one in used {
            names.check(one, findings);
        }
    }
    agents(draft, takes, findings);
}

/// What agents fill in: their instructions, and the steps that their actions do. An agent may serve any section.
fn agents(draft: &Draft, takes: &dyn Fn(usize) -> Vec<String>, findings: &mut Findings) {
    let mut all = BTreeSet::new();
    for section in 0..draft.sections.len() {
        all.extend(variables(draft, section));
        all.extend(takes(section));
    }
    let names = names(all);
    for providers in draft.agents.iter().filter_map(|(_, agent)| agent.as_ref()?.providers()) {
        let instructions = providers.instructions.iter().flat_map(|text| text.uses());
        let touches: Vec<_> = providers
            .actions
            .iter()
            .filter_map(|action| Some(action.work.as_ref()?.touches()))
            .collect();
        let templates = touches
            .iter()
            .flat_map(|touches| &touches.templates)
            .flat_map(|template| template.uses());
        let conditions = touches
            .iter()
            .flat_map(|touches| &touches.conditions)
            .flat_map(|condition| condition.uses());
        for one in instructions.chain(templates).chain(conditions) {
            names.check(one, findings);
        }
    }
}

/// The variables that a section's own steps set.
fn variables(draft: &Draft, section: usize) -> BTreeSet<String> {
    let mut variables = BTreeSet::new();
    for step in &draft.steps {
        let touches = step.kind.touches();
        if step.section == section {
            variables.extend(touches.sets);
        }
    }
    // What an agent finds out belongs to the flow whose step it serves.
    let steps = draft.steps.iter().filter(|step| step.section == section);
    let names: BTreeSet<&str> = steps
        .flat_map(|step| step.kind.touches().agents)
        .map(|agent| agent.value.as_str())
        .collect();
    let agents = draft
        .agents
        .iter()
        .filter(|(name, _)| names.contains(name.value.as_str()));
    for providers in agents.filter_map(|(_, agent)| agent.as_ref()?.providers()) {
        for action in &providers.actions {
            variables.insert(action.keeps.clone());
            variables.extend(action.work.iter().flat_map(|work| work.touches().sets));
        }
    }
    if section == 0 {
        let items = draft.after_call.iter();
        variables.extend(items.flat_map(|item| item.kind.touches().sets));
    }
    variables
}

fn check_agent(draft: &Draft, agent: &Located<String>, findings: &mut Findings) {
    let known = draft.agents.iter().map(|(name, _)| name.value.as_str());
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

impl Names {
    /// Reports a use of something that nothing provides.
    fn check(&self, one: &Use, findings: &mut Findings) {
        let place = one.place.clone();
        let mut path = one.path.iter().map(String::as_str);
        let Some(top) = path.next() else { return };
        let field = path.next();
        let (missing, near, list): (String, Option<String>, String) = match (top, field) {
            ("call", Some(field)) if !CALL.contains(&field) => (
                format!("call.{field}"),
                nearest(field, CALL).map(|near| format!("call.{near}")),
                CALL.map(|name| format!("call.{name}")).join(", "),
            ),
            ("vars", Some(field)) if !one.optional && !self.vars.contains(field) => (
                format!("vars.{field}"),
                nearest(field, self.vars.iter().map(String::as_str)).map(|near| format!("vars.{near}")),
                self.vars
                    .iter()
                    .map(|name| format!("vars.{name}"))
                    .collect::<Vec<_>>()
                    .join(", "),
            ),
            (top, _) if !TOP.contains(&top) => (top.to_owned(), nearest(top, TOP).map(str::to_owned), TOP.join(", ")),
            _ => return,
        };
        let finding = Finding::error("undeclared-variable", place, format!("nothing provides `{missing}`"))
            .label(if list.is_empty() {
                "no step sets any variable".to_owned()
            } else {
                format!("available: {list}")
            })
            .consequence("the step would fail and the caller be sent to the fallback");
        findings.push(match near {
            Some(near) => finding.help(format!("did you mean `{near}`?")),
            None => finding.help(format!("set it in a step before, or write `{missing} | default('')`")),
        });
    }
}
