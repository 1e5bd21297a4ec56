//! An agent and the step that uses it: sound where the step gives sound, text where the carrier listens and speaks.

use crate::compile::Compiled;
use crate::flow::{Finding, Findings};

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
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
