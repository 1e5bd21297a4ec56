//! One row of a scenario's table.

use crate::flow::yaml::Node;
use crate::flow::{FromYaml, Reader};
use serde_json::{Value, json};

/// One row of a table of cases, as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Case(pub Node);

impl FromYaml for Case {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        if node.as_map().is_none() {
            cx.wrong_type::<Self>(node);
            return None;
        }
        Some(Self(node.clone()))
    }

    fn schema() -> Value {
        // Its keys are the scenario's; they are known where it is read.
        json!({"type": "object", "required": ["name"]})
    }

    fn expected() -> &'static str {
        "{name: sales, caller: keys 1}"
    }

    fn what() -> &'static str {
        "a case"
    }
}
