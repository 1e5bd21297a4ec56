//! Text, lists and maps.

use serde_json::{Value as Json, json};

use super::super::yaml::{Node, Value};
use super::{FromYaml, Located, Reader};

impl FromYaml for String {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        match node.scalar() {
            Some(scalar) => Some(scalar.text.clone()),
            None => {
                cx.wrong_type::<Self>(node);
                None
            }
        }
    }

    /// Plain numbers and booleans are accepted by the reader as their text, so the schema accepts them too.
    fn schema() -> Json {
        json!({"type": ["string", "number", "boolean"]})
    }

    fn expected() -> &'static str {
        "\"some text\""
    }

    fn what() -> &'static str {
        "text"
    }

    fn written(&self) -> Option<Json> {
        Some(json!(self))
    }
}

impl<T: FromYaml> FromYaml for Vec<T> {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        let Value::Seq(items) = &node.value else {
            cx.wrong_type::<Self>(node);
            return None;
        };
        let read: Vec<Option<T>> = items
            .iter()
            .enumerate()
            .map(|(index, item)| cx.within(&index.to_string(), item.span, |cx| T::from_yaml(item, cx)))
            .collect();
        read.into_iter().collect()
    }

    fn schema() -> Json {
        json!({"type": "array", "items": T::schema()})
    }

    fn expected() -> &'static str {
        "[…]"
    }

    fn what() -> &'static str {
        "a list"
    }

    fn written(&self) -> Option<Json> {
        self.iter()
            .map(FromYaml::written)
            .collect::<Option<Vec<_>>>()
            .map(Json::Array)
    }
}

/// A map with free names as keys, in the order written.
impl<T: FromYaml> FromYaml for Vec<(Located<String>, T)> {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        let Value::Map(entries) = &node.value else {
            cx.wrong_type::<Self>(node);
            return None;
        };
        let read: Vec<Option<(Located<String>, T)>> = entries
            .iter()
            .map(|entry| {
                let name = Located::new(entry.key.text.clone(), cx.place(entry.key.span));
                let value = cx.within(&entry.key.text, entry.key.span, |cx| T::from_yaml(&entry.value, cx));
                value.map(|value| (name, value))
            })
            .collect();
        read.into_iter().collect()
    }

    fn schema() -> Json {
        json!({"type": "object", "additionalProperties": T::schema()})
    }

    fn expected() -> &'static str {
        "{name: …}"
    }

    fn what() -> &'static str {
        "a map"
    }

    fn written(&self) -> Option<Json> {
        let pairs = self
            .iter()
            .map(|(name, value)| Some((name.value.clone(), value.written()?)));
        pairs.collect::<Option<serde_json::Map<_, _>>>().map(Json::Object)
    }
}
