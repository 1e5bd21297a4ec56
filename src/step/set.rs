//! `set`: variables.

use super::{Kind, Stands, outcomes};
use crate::call::{Cx, Next, Outcome, StepError, StepKind, Touches};
use crate::flow::{FromYaml, Located, Template};
use serde_json::json;

type Variables = Vec<(Located<String>, Template)>;

pub(super) const KIND: Kind = Kind {
    name: "set",
    about: "sets variables",
    place: Stands::Anywhere,
    read: |node, cx, _| {
        Some(Box::new(Set {
            variables: Variables::from_yaml(node, cx)?,
        }))
    },
    schema: || {
        json!({
            "description": "Variables by name. A value that is one `{{ … }}` keeps its type; anything else is text.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": Template::schema(),
        })
    },
};

#[derive(Debug)]
struct Set {
    variables: Variables,
}

impl StepKind for Set {
    fn name(&self) -> &'static str {
        "set"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        outcomes(&["done"])
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        for (name, value) in &self.variables {
            let value = cx.value(value)?;
            cx.set_var(&name.value, value);
        }
        Ok(Next::go("done"))
    }

    fn touches(&self) -> Touches<'_> {
        Touches {
            templates: self.variables.iter().map(|(_, value)| value).collect(),
            sets: self.variables.iter().map(|(name, _)| name.value.clone()).collect(),
            ..Touches::default()
        }
    }
}
