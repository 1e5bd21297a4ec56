//! A verb of TwiML as far as a scenario says how it must be.

use crate::flow::form::free::to_json;
use crate::flow::yaml::{Node, Value as Yaml};
use crate::flow::{FromYaml, Reader};
use serde_json::{Value, json};

/// A verb of TwiML: its name, and what of it is said: attributes, `text`, `children`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VerbForm {
    /// Its name.
    pub name: String,
    /// Attributes that it must have.
    pub attributes: Vec<(String, String)>,
    /// A part of its text.
    pub text: Option<String>,
    /// Its children, in order.
    pub children: Vec<VerbForm>,
}

impl FromYaml for VerbForm {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        match &node.value {
            Yaml::Scalar(scalar) => Some(Self {
                name: scalar.text.clone(),
                ..Self::default()
            }),
            Yaml::Map(entries) if entries.len() == 1 => {
                let entry = entries.first()?;
                let mut verb = Self {
                    name: entry.key.text.clone(),
                    ..Self::default()
                };
                match &entry.value.value {
                    Yaml::Map(fields) => {
                        for field in fields {
                            match (field.key.text.as_str(), &field.value.value) {
                                ("text", _) => verb.text = Some(plain(&field.value)),
                                ("children", Yaml::Seq(items)) => {
                                    for item in items {
                                        verb.children.push(Self::from_yaml(item, cx)?);
                                    }
                                }
                                (name, _) => verb.attributes.push((name.to_owned(), plain(&field.value))),
                            }
                        }
                    }
                    Yaml::Null => {}
                    Yaml::Seq(items) => {
                        for item in items {
                            verb.children.push(Self::from_yaml(item, cx)?);
                        }
                    }
                    Yaml::Scalar(scalar) => verb.text = Some(scalar.text.clone()),
                }
                Some(verb)
            }
            _ => {
                cx.wrong_type::<Self>(node);
                None
            }
        }
    }

    fn schema() -> Value {
        json!({"anyOf": [{"type": "string"}, {"type": "object", "minProperties": 1, "maxProperties": 1}]})
    }

    fn expected() -> &'static str {
        "Record: {maxLength: 30}"
    }

    fn what() -> &'static str {
        "a verb of TwiML"
    }
}

fn plain(node: &Node) -> String {
    match node.scalar() {
        Some(scalar) => scalar.text.clone(),
        None => to_json(node).to_string(),
    }
}
