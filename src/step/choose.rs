//! `choose`: the first branch whose condition holds.

use super::{Kind, Stands, outcomes};
use crate::call::{Cx, Next, Outcome, StepError, StepKind, Touches};
use crate::flow::{Condition, Finding, FromYaml, Located};
use serde_json::json;

type Branches = Vec<(Located<String>, Condition)>;

pub(super) const KIND: Kind = Kind {
    name: "choose",
    about: "takes the first branch whose condition holds, or `else`",
    place: Stands::InCall,
    read: |node, cx, _| {
        let branches = Branches::from_yaml(node, cx)?;
        if let Some((name, _)) = branches.iter().find(|(name, _)| name.value == "else") {
            cx.report(
                Finding::error("wrong-type", name.place.clone(), "`else` needs no condition")
                    .label("this branch is always there")
                    .help("leave it out here and wire it: `on: {else: some_step}`"),
            );
        }
        Some(Box::new(Choose { branches }))
    },
    schema: || {
        json!({
            "description": "Branches by name, each with a condition. The first that holds is the outcome; where none holds it is `else`.",
            "type": "object",
            "minProperties": 1,
            "additionalProperties": Condition::schema(),
        })
    },
};

#[derive(Debug)]
struct Choose {
    branches: Branches,
}

impl StepKind for Choose {
    fn name(&self) -> &'static str {
        "choose"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let mut names: Vec<&str> = self.branches.iter().map(|(name, _)| name.value.as_str()).collect();
        names.push("else");
        outcomes(&names)
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        for (name, condition) in &self.branches {
            if cx.holds(condition)? {
                return Ok(Next::go(&name.value));
            }
        }
        Ok(Next::go("else"))
    }

    fn touches(&self) -> Touches<'_> {
        Touches {
            conditions: self.branches.iter().map(|(_, condition)| condition).collect(),
            ..Touches::default()
        }
    }
}
