//! Free data: what the engine passes on without a shape of its own.

use serde_json::{Value as Json, json};

use super::super::yaml::{Node, Scalar, Style, Value};
use super::{FromYaml, Reader};

impl FromYaml for Json {
    fn from_yaml(node: &Node, _: &mut Reader) -> Option<Self> {
        Some(to_json(node))
    }

    fn schema() -> Json {
        json!({})
    }

    fn expected() -> &'static str {
        "{any: [data]}"
    }

    fn what() -> &'static str {
        "data"
    }

    fn written(&self) -> Option<Json> {
        Some(self.clone())
    }
}

/// A tree as JSON, by YAML 1.2's core schema. A number whose text would be lost, such as `+972`, `017` or one that
/// does not fit, stays text.
pub fn to_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Scalar(scalar) => scalar_to_json(scalar),
        Value::Seq(items) => Json::Array(items.iter().map(to_json).collect()),
        Value::Map(entries) => {
            let pairs = entries
                .iter()
                .map(|entry| (entry.key.text.clone(), to_json(&entry.value)));
            Json::Object(pairs.collect())
        }
    }
}

fn scalar_to_json(scalar: &Scalar) -> Json {
    let text = scalar.text.as_str();
    if scalar.style != Style::Plain {
        return json!(text);
    }
    match text {
        "true" | "True" | "TRUE" => return json!(true),
        "false" | "False" | "FALSE" => return json!(false),
        _ => {}
    }
    if let Ok(whole) = text.parse::<i64>()
        && whole.to_string() == text
    {
        return json!(whole);
    }
    let fraction = text.contains('.')
        && text
            .strip_prefix('-')
            .unwrap_or(text)
            .split('.')
            .all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()))
        && !text.trim_start_matches('-').starts_with("00");
    match text.parse::<f64>() {
        Ok(number) if fraction && number.to_string() == text => json!(number),
        _ => json!(text),
    }
}
