//! Flows in memory.

use crate::call::{Asset, Flow, StepId};
use crate::compile::{Files, ProviderNames, compile};
use crate::phone::Stage;

/// Files by their paths; the first is the flow. Every sound below `tts/` is two seconds long.
struct Memory<'a>(&'a [(&'a str, &'a str)]);

impl Files for Memory<'_> {
    fn text(&self, path: &str) -> Option<String> {
        let file = self.0.iter().find(|(known, _)| *known == path);
        file.map(|(_, text)| (*text).to_owned())
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        let asset = Asset {
            millis: Some(2_000),
            lead: 0,
        };
        path.starts_with("tts/").then(|| (asset, path.to_owned()))
    }

    fn list(&self, _: &str) -> Vec<String> {
        Vec::new()
    }

    fn providers(&self) -> ProviderNames {
        crate::line::declared("")
    }
}

/// The flow of these files, and its stage.
pub fn flow_of(files: &[(&str, &str)]) -> (Flow, Stage) {
    let compiled = compile(files[0].0, &Memory(files));
    match compiled.flow {
        Some(flow) => (flow, Stage::new(compiled.templates)),
        None => panic!("the flow does not compile: {:#?}", compiled.findings),
    }
}

/// A flow with these lines after its head; it begins at `a`, and `bye` hangs up.
pub fn flow(steps: &str, more: &str) -> (Flow, Stage) {
    flow_of(&[("flows/t.yaml", &file(steps, more))])
}

pub fn file(steps: &str, more: &str) -> String {
    let steps: String = steps
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| format!("  {line}\n"))
        .collect();
    format!("flow: t\nlocale: en-US\nstart: {{call: a}}\nsteps:\n{steps}  bye: {{hangup: {{}}}}\n{more}")
}

/// The step of that name.
pub fn step(flow: &Flow, name: &str) -> StepId {
    flow.step_named(name)
        .unwrap_or_else(|| panic!("there is no step `{name}`"))
}
