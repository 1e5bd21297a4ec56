//! `run`: another flow, with parameters and results.

use super::{Kind, Part, Stands};
use crate::call::{Cx, Next, Outcome, StepError, StepKind, Touches};
use crate::flow::{Finding, FromYaml, Located, Template, form, nearest};
use serde_json::{Map, Value};

form! {
    /// Runs another flow's steps and comes back with one of its `ends`. Its variables are in `step` afterwards.
    pub struct Form shorthand flow {
        /// The flow's file, relative to this one.
        flow: Located<String>,
        /// Its variables to begin with.
        with: Vec<(Located<String>, Template)> = Vec::new(),
    }
}

pub(super) const KIND: Kind = Kind {
    name: "run",
    about: "runs another flow with parameters and comes back with one of its ends",
    place: Stands::InCall,
    read: |node, cx, known| {
        let form = Form::from_yaml(node, cx)?;
        let Some(part) = known.part(&form.flow.value) else {
            let place = form.flow.place.clone();
            cx.report(
                Finding::error("unknown-flow", place, format!("`{}` cannot be run", form.flow.value))
                    .label("no readable flow file with this name")
                    .help("name a flow file relative to this one, such as `shared/ask_name.yaml`, that declares `ends: [...]`"),
            );
            return None;
        };
        parameters(&form, &part, cx);
        Some(Box::new(Run { form, part }))
    },
    schema: Form::schema,
};

#[derive(Debug)]
struct Run {
    form: Form,
    part: Part,
}

impl StepKind for Run {
    fn name(&self) -> &'static str {
        "run"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.part.ends.iter().cloned().map(Outcome).collect()
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let mut vars = Map::new();
        for (name, value) in &self.form.with {
            vars.insert(name.value.clone(), Value::from(cx.text(value)?));
        }
        Ok(Next::Run {
            section: self.part.section,
            vars,
        })
    }

    fn touches(&self) -> Touches<'_> {
        Touches {
            templates: self.form.with.iter().map(|(_, value)| value).collect(),
            gives: self.form.with.iter().map(|(name, _)| name.value.clone()).collect(),
            ..Touches::default()
        }
    }
}

/// What the flow takes is given, and nothing else.
fn parameters(form: &Form, part: &Part, cx: &mut crate::flow::Reader) {
    for (name, _) in &form.with {
        if !part.takes.contains(&name.value) {
            cx.report(
                Finding::error(
                    "unknown-key",
                    name.place.clone(),
                    format!("the flow does not take `{}`", name.value),
                )
                .label("not under its `takes`")
                .nearest(nearest(&name.value, part.takes.iter().map(String::as_str))),
            );
        }
    }
    for name in &part.takes {
        if !form.with.iter().any(|(given, _)| given.value == *name) {
            cx.report(
                Finding::error(
                    "missing-key",
                    form.flow.place.clone(),
                    format!("the flow takes `{name}`"),
                )
                .label("not given to it")
                .consequence("the step would fail and the caller be sent to the fallback")
                .help(format!("add `with: {{{name}: …}}`")),
            );
        }
    }
}
