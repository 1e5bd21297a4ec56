//! Names in a scenario that only its flow knows: steps, outcomes, actions. A name that is not there is a finding.

use super::faults;
use super::scenario::Scenario;
use crate::call::Flow;
use crate::flow::{Finding, Findings, Located, nearest};

/// What is wrong with a scenario on this flow, and what cannot be played on virtual time.
pub fn known(scenario: &Scenario, flow: &Flow) -> Findings {
    let mut findings = Findings::default();
    let steps: Vec<&str> = flow.steps.iter().map(|step| step.name.as_str()).collect();
    let form = &scenario.form;
    for expect in [&form.expect, &form.warn] {
        let named = expect.steps.iter().chain(&expect.not_steps);
        for step in named.chain(expect.twiml.iter().map(|(step, _)| step)) {
            if !steps.contains(&step.value.as_str()) {
                findings.push(unknown("scenario-unknown-step", "the flow has no step", step, &steps));
            }
        }
    }
    // A file that the flow does not name can never be heard: that it is not is no news.
    let sounds: Vec<&str> = flow.assets.keys().map(String::as_str).collect();
    for expect in [&form.expect, &form.warn] {
        for what in expect.hears.iter().chain(&expect.not_hears) {
            let is_file = [".mp3", ".wav"].iter().any(|end| what.value.ends_with(end));
            let there = sounds.iter().any(|known| known.ends_with(what.value.as_str()));
            // A template of the author's own may play what no step names: only what is nearly a name is a mistake.
            if is_file && !there && nearest(&what.value, sounds.iter().copied()).is_some() {
                findings.push(unknown(
                    "scenario-unknown-sound",
                    "the flow names no sound",
                    what,
                    &sounds,
                ));
            }
        }
    }
    let actions: Vec<&str> = flow
        .agents
        .values()
        .filter_map(|agent| agent.providers())
        .flat_map(|providers| providers.plan.actions.iter().map(|action| &*action.name))
        .collect();
    for thought in &form.model {
        if let Some(action) = thought.action.as_ref()
            && !actions.contains(&action.value.as_str())
        {
            findings.push(unknown(
                "scenario-unknown-action",
                "no agent of the flow has the action",
                action,
                &actions,
            ));
        }
    }
    for fault in &form.faults {
        match faults::read(&fault.value) {
            Ok(Some(_)) => {}
            Ok(None) => {
                let name = fault.value.split('=').next().unwrap_or_default().trim();
                let message = format!("`{name}` is a fault of real sockets, and there are none on virtual time");
                findings.push(
                    Finding::error("scenario-fault", fault.place.clone(), message)
                        .label("not played by `engine test`")
                        .help(format!(
                            "play it for real: `engine simulate --fault {name}`; `engine list faults` says who plays which"
                        )),
                );
            }
            Err(error) => findings.push(
                Finding::error("scenario-fault", fault.place.clone(), error.to_string()).label("cannot be played"),
            ),
        }
    }
    findings
}

fn unknown(id: &'static str, what: &str, name: &Located<String>, known: &[&str]) -> Finding {
    let near = nearest(&name.value, known.iter().copied());
    let finding = Finding::error(id, name.place.clone(), format!("{what} `{}`", name.value)).label("not known");
    match near {
        Some(near) => finding.nearest_word(&name.value, Some(near)),
        None if known.is_empty() => finding.help("it has none"),
        None => finding.help(format!("it has: {}", known.join(", "))),
    }
}
