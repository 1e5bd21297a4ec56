//! What stands in a scenario for what somebody said, typed or sent: of the same kind and about the same size.

use super::veil::Veil;
use serde_json::{Number, Value};

/// Stands for every word that is not shown.
pub(super) const WORD: &str = "word";

/// What models are given to say, another one each turn: an agent that says the same again and again is stopped, and one
/// that says the caller's words would hear itself.
const SAID: [&str; 12] = [
    "answer", "story", "detail", "matter", "reason", "number", "picture", "morning", "window", "garden", "river",
    "summer",
];

/// As many keys, counted up, with those that are no digits where they were.
pub(super) fn keys(keys: &str) -> String {
    let stand_in = |(at, key): (usize, char)| match key {
        '0'..='9' => char::from_digit(u32::try_from((at + 1) % 10).unwrap_or(0), 10).unwrap_or('0'),
        key => key,
    };
    keys.chars().enumerate().map(stand_in).collect()
}

/// As many words as a model said, in the turn of this number; at least so many.
pub(super) fn reply(text: &str, turn: usize, least: usize, veil: &Veil) -> String {
    if veil.is_lifted() {
        return text.to_owned();
    }
    let word = SAID.get(turn % SAID.len()).copied().unwrap_or_default();
    let count = text.split_whitespace().count().max(least).max(1);
    vec![word; count].join(" ")
}

/// A value of the same shape. Fields whose names are not the author's are left out: no flow asks for them.
pub(super) fn value(value: &Value, veil: &Veil) -> Value {
    if veil.is_lifted() {
        return value.clone();
    }
    match value {
        Value::Null | Value::Bool(_) => value.clone(),
        Value::Number(number) => stand_in_number(number, veil),
        Value::String(text) => Value::String(stand_in_text(text, veil)),
        Value::Array(values) => values.iter().map(|one| self::value(one, veil)).collect(),
        Value::Object(fields) => {
            let known = fields.iter().filter(|(name, _)| veil.is_authors(name));
            let known = known.map(|(name, field)| (name.clone(), self::value(field, veil)));
            Value::Object(known.collect())
        }
    }
}

/// One word or two may be a choice that the flow knows. Digits stay digits, so that a number or a date stays one.
fn stand_in_text(text: &str, veil: &Veil) -> String {
    if text.split_whitespace().count() <= 2 && veil.is_authors(text) {
        return text.to_owned();
    }
    if text.chars().any(|c| c.is_ascii_digit()) && !text.chars().any(char::is_alphabetic) {
        return keys(text);
    }
    veil.stand_ins(text, WORD)
}

/// A number that stands in the flow is a choice; any other becomes one with as many digits.
fn stand_in_number(number: &Number, veil: &Veil) -> Value {
    let text = number.to_string();
    if text.len() <= 2 || veil.is_authors(&text) {
        return Value::Number(number.clone());
    }
    let stand_in: Option<Number> = keys(&text).parse().ok();
    Value::Number(stand_in.unwrap_or_else(|| Number::from(1)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_stand_in_has_the_shape_and_says_nothing() {
        let veil = Veil::knowing(&["name", "tier", "gold", "rooms", "since", "tags", "700"]);
        let told = json!({
            "name": "Dana Levi", "tier": "gold", "rooms": 3, "since": "2024-02-29", "secret": "x", "tags": ["a b c"],
        });
        let shown =
            json!({"name": "word word", "tier": "gold", "rooms": 3, "since": "1234-67-90", "tags": ["word word word"]});
        assert_eq!(value(&told, &veil), shown);
        assert_eq!(value(&told, &Veil::lifted()), told);
        assert_eq!(value(&json!([700, 4711, 12.75]), &veil), json!([700, 1234, 12.45]));
        assert_eq!(reply("I am Dana", 0, 1, &veil), "answer answer answer");
        assert_eq!(reply("", 13, 2, &veil), "story story");
        assert_eq!(reply("I am Dana", 0, 1, &Veil::lifted()), "I am Dana");
        assert_eq!(keys("+972*4#"), "+234*6#");
    }
}
