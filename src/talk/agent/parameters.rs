//! What an action needs to know, and whether a model's wish says it.

use serde_json::{Map, Value};
use std::sync::Arc;

/// The parameters of an action, by name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Parameters(pub Vec<Parameter>);

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    pub name: Arc<str>,
    pub kind: ParameterKind,
    /// It may be left out, or be null.
    pub optional: bool,
}

/// What it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ParameterKind {
    String,
    Integer,
    Number,
    Boolean,
    /// One of these words.
    Choice(Vec<Arc<str>>),
}

impl Parameters {
    /// The arguments in this JSON text, with nothing but what is declared. Errors: what the model is to mend, in words
    /// for it.
    pub fn read(&self, arguments: &str) -> Result<Map<String, Value>, String> {
        let arguments = match arguments.trim() {
            "" | "null" => "{}",
            arguments => arguments,
        };
        let given = match serde_json::from_str(arguments) {
            Ok(Value::Object(given)) => given,
            Ok(_) => return Err("The arguments must be a JSON object.".to_owned()),
            Err(error) => return Err(format!("The arguments are not JSON: {error}.")),
        };
        let mut faults = Vec::new();
        let mut read = Map::new();
        for parameter in &self.0 {
            match given.get(&*parameter.name) {
                None | Some(Value::Null) if parameter.optional => {}
                None | Some(Value::Null) => faults.push(format!("`{}` is missing", parameter.name)),
                Some(value) if parameter.kind.holds(value) => {
                    read.insert(parameter.name.to_string(), value.clone());
                }
                Some(_) => faults.push(format!("`{}` must be {}", parameter.name, parameter.kind.wanted())),
            }
        }
        let unknown = given
            .keys()
            .filter(|name| !self.0.iter().any(|known| *known.name == ***name));
        faults.extend(unknown.map(|name| format!("there is no `{name}`")));
        if faults.is_empty() {
            Ok(read)
        } else {
            Err(format!(
                "Wrong arguments: {}. Mend them and try again.",
                faults.join("; ")
            ))
        }
    }
}

impl ParameterKind {
    fn holds(&self, value: &Value) -> bool {
        match self {
            Self::String => value.is_string(),
            Self::Integer => value.is_i64() || value.is_u64(),
            Self::Number => value.is_number(),
            Self::Boolean => value.is_boolean(),
            Self::Choice(choices) => value
                .as_str()
                .is_some_and(|value| choices.iter().any(|choice| **choice == *value)),
        }
    }

    fn wanted(&self) -> String {
        match self {
            Self::String => "a string".to_owned(),
            Self::Integer => "an integer".to_owned(),
            Self::Number => "a number".to_owned(),
            Self::Boolean => "true or false".to_owned(),
            Self::Choice(choices) => format!("one of {}", choices.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> Parameters {
        let parameter = |name: &str, kind, optional| Parameter {
            name: name.into(),
            kind,
            optional,
        };
        Parameters(vec![
            parameter("city", ParameterKind::String, false),
            parameter("rooms", ParameterKind::Integer, true),
            parameter("price", ParameterKind::Number, true),
            parameter("pets", ParameterKind::Boolean, true),
            parameter("when", ParameterKind::Choice(vec!["now".into(), "later".into()]), true),
        ])
    }

    #[test]
    fn what_fits_is_read() {
        let read = parameters().read(r#"{"city":"חיפה","rooms":3,"price":1.5,"pets":null,"when":"now"}"#);
        let expected = serde_json::json!({"city": "חיפה", "rooms": 3, "price": 1.5, "when": "now"});
        assert_eq!(read.map(Value::Object), Ok(expected));
        assert_eq!(Parameters::default().read(""), Ok(Map::new()));
    }

    #[test]
    fn each_fault_is_named() {
        let cases = [
            ("{}", "`city` is missing"),
            (r#"{"city":3}"#, "`city` must be a string"),
            (r#"{"city":"x","rooms":1.5}"#, "`rooms` must be an integer"),
            (r#"{"city":"x","when":"never"}"#, "`when` must be one of now, later"),
            (r#"{"city":"x","color":"red"}"#, "there is no `color`"),
            ("[1]", "must be a JSON object"),
            (r#"{"city":"#, "are not JSON"),
        ];
        for (arguments, fault) in cases {
            let told = parameters().read(arguments).unwrap_err();
            assert!(told.contains(fault), "{arguments}: {told}");
        }
    }
}
