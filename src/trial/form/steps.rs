//! What a scenario's caller does: a text, or a list of texts.

use crate::flow::yaml::{Node, Value as Yaml};
use crate::flow::{FromYaml, Located, Reader};
use serde_json::{Value, json};

/// What a caller does, as a text or as a list of texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps(pub Vec<Located<String>>);

impl FromYaml for Steps {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        match &node.value {
            Yaml::Seq(_) => Vec::from_yaml(node, cx).map(Self),
            _ => Located::from_yaml(node, cx).map(|one| Self(vec![one])),
        }
    }

    fn schema() -> Value {
        json!({"anyOf": [String::schema(), Vec::<String>::schema()]})
    }

    fn expected() -> &'static str {
        "wait prompt; keys 1"
    }

    fn what() -> &'static str {
        "a caller's script"
    }
}
