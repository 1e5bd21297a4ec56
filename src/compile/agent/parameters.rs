//! What an action needs to know, as it is written: `{city: string, rooms: integer?, size: [small, large]}`.

use crate::flow::{Finding, Located, Reader, nearest};
use crate::talk::agent::{Parameter, ParameterKind, Parameters};
use serde_json::{Map, Value, json};

const TYPES: [&str; 4] = ["string", "integer", "number", "boolean"];

/// The parameters, and their JSON Schema for the model.
pub(super) fn read(pairs: &[(Located<String>, Value)], cx: &mut Reader) -> (Parameters, Value) {
    let mut parameters = Vec::new();
    let (mut properties, mut required) = (Map::new(), Vec::new());
    for (name, value) in pairs {
        let Some((kind, optional)) = kind(value) else {
            let written = value.as_str().unwrap_or("");
            let finding = Finding::error(
                "wrong-type",
                name.place.clone(),
                format!("`{}` has no type that a model could be given", name.value),
            )
            .label("string, integer, number, boolean, or a list of choices")
            .consequence("the model could not be told what to give");
            cx.report(match nearest(written.trim_end_matches('?'), TYPES) {
                Some(near) => finding.help(format!("did you mean `{near}`?")),
                None => finding.help(format!(
                    "write for example `{}: string`, or `{}: [small, large]`",
                    name.value, name.value
                )),
            });
            continue;
        };
        properties.insert(name.value.clone(), schema(&kind));
        if !optional {
            required.push(json!(name.value));
        }
        parameters.push(Parameter {
            name: name.value.as_str().into(),
            kind,
            optional,
        });
    }
    let schema = json!({
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    });
    (Parameters(parameters), schema)
}

fn kind(value: &Value) -> Option<(ParameterKind, bool)> {
    match value {
        Value::String(word) => {
            let (word, optional) = word
                .strip_suffix('?')
                .map_or((word.as_str(), false), |word| (word, true));
            let kind = match word {
                "string" => ParameterKind::String,
                "integer" => ParameterKind::Integer,
                "number" => ParameterKind::Number,
                "boolean" => ParameterKind::Boolean,
                _ => return None,
            };
            Some((kind, optional))
        }
        Value::Array(choices) if !choices.is_empty() => {
            let choices: Option<Vec<_>> = choices.iter().map(|choice| choice.as_str().map(Into::into)).collect();
            choices.map(|choices| (ParameterKind::Choice(choices), false))
        }
        _ => None,
    }
}

fn schema(kind: &ParameterKind) -> Value {
    match kind {
        ParameterKind::String => json!({"type": "string"}),
        ParameterKind::Integer => json!({"type": "integer"}),
        ParameterKind::Number => json!({"type": "number"}),
        ParameterKind::Boolean => json!({"type": "boolean"}),
        ParameterKind::Choice(choices) => {
            let choices: Vec<&str> = choices.iter().map(|choice| &**choice).collect();
            json!({"type": "string", "enum": choices})
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_its_schema() {
        let cases = [
            (json!("string"), json!({"type": "string"}), false),
            (json!("integer?"), json!({"type": "integer"}), true),
            (json!(["a", "b"]), json!({"type": "string", "enum": ["a", "b"]}), false),
        ];
        for (written, expected, optional) in cases {
            let (kind, is_optional) = kind(&written).expect("a type");
            assert_eq!((schema(&kind), is_optional), (expected, optional), "{written}");
        }
        for written in [json!("text"), json!(3), json!([]), json!([1]), json!(null)] {
            assert_eq!(kind(&written), None, "{written}");
        }
    }
}
