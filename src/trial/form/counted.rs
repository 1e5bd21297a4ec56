//! A number of things, or each of them.

use crate::flow::yaml::{Node, Value as Yaml};
use crate::flow::{FromYaml, Reader};
use serde_json::{Value, json};

/// How many there are, or each of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Counted<T> {
    /// So many.
    Number(u32),
    /// These, in order, and no more.
    Each(Vec<T>),
}

impl<T: FromYaml> FromYaml for Counted<T> {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        match &node.value {
            Yaml::Seq(_) => Vec::from_yaml(node, cx).map(Self::Each),
            _ => u32::from_yaml(node, cx).map(Self::Number),
        }
    }

    fn schema() -> Value {
        json!({"anyOf": [u32::schema(), Vec::<T>::schema()]})
    }

    fn expected() -> &'static str {
        "1"
    }

    fn what() -> &'static str {
        "a number, or a list"
    }
}
