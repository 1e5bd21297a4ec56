//! `run`: another flow, with parameters and results.

use super::{Kind, Stands};
use crate::call::{Cx, Next, Outcome, StepError, StepKind, Touches};
use crate::flow::{Finding, FromYaml, Located, Template, form};
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
        let Some((section, ends)) = known.ends(&form.flow.value) else {
            let place = form.flow.place.clone();
            cx.report(
                Finding::error("unknown-flow", place, format!("`{}` cannot be run", form.flow.value))
                    .label("no readable flow file with this name")
                    .help("name a flow file relative to this one, such as `shared/ask_name.yaml`, that declares `ends: [...]`"),
            );
            return None;
        };
        Some(Box::new(Run { form, section, ends }))
    },
    schema: Form::schema,
};

#[derive(Debug)]
struct Run {
    form: Form,
    section: usize,
    ends: Vec<String>,
}

impl StepKind for Run {
    fn name(&self) -> &'static str {
        "run"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        self.ends.iter().cloned().map(Outcome).collect()
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let mut vars = Map::new();
        for (name, value) in &self.form.with {
            vars.insert(name.value.clone(), Value::from(cx.text(value)?));
        }
        Ok(Next::Run {
            section: self.section,
            vars,
        })
    }

    fn touches(&self) -> Touches<'_> {
        Touches {
            templates: self.form.with.iter().map(|(_, value)| value).collect(),
            runs: Some((
                self.section,
                self.form.with.iter().map(|(name, _)| name.value.clone()).collect(),
            )),
            ..Touches::default()
        }
    }
}
