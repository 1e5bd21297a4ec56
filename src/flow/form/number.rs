//! Booleans and numbers.

use serde_json::{Value as Json, json};

use super::super::finding::{Fix, Safety};
use super::super::yaml::{Node, Style};
use super::{FromYaml, Reader};

impl FromYaml for bool {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        let plain = node.scalar().filter(|scalar| scalar.style == Style::Plain);
        let old = match plain.map(|scalar| scalar.text.as_str()) {
            Some("true" | "True" | "TRUE") => return Some(true),
            Some("false" | "False" | "FALSE") => return Some(false),
            Some(text) => match text.to_ascii_lowercase().as_str() {
                "yes" | "on" | "y" => Some((text, "true")),
                "no" | "off" | "n" => Some((text, "false")),
                _ => None,
            },
            None => None,
        };
        let mut finding = cx.wrong_type_finding::<Self>(node);
        if let Some((text, meant)) = old {
            finding = finding.advise(
                format!("`{text}` is text since YAML 1.2; write `{meant}`"),
                Fix::replace(Safety::Safe, cx.place_of(node), meant),
            );
        }
        cx.report(finding);
        None
    }

    fn schema() -> Json {
        json!({"type": "boolean"})
    }

    fn expected() -> &'static str {
        "true"
    }

    fn what() -> &'static str {
        "`true` or `false`"
    }

    fn written(&self) -> Option<Json> {
        Some(json!(self))
    }
}

macro_rules! numbers {
    ($($ty:ty: $what:literal, $example:literal, $schema:expr;)*) => {$(
        impl FromYaml for $ty {
            fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
                let scalar = node.scalar();
                let plain = scalar.filter(|scalar| scalar.style == Style::Plain);
                if let Some(number) = plain.and_then(|scalar| number::<$ty>(&scalar.text)) {
                    return Some(number);
                }
                let mut finding = cx.wrong_type_finding::<Self>(node);
                if let Some(text) = scalar.map(|scalar| scalar.text.as_str()) {
                    if plain.is_none() && number::<$ty>(text).is_some() {
                        finding = finding
                            .advise("a number stands without quotes", Fix::replace(Safety::Safe, cx.place_of(node), text));
                    } else if text.parse::<f64>().is_ok() {
                        finding.message = format!("{} is `{text}`, and must be {}",
                            cx.subject(), $what);
                    }
                }
                cx.report(finding);
                None
            }

            fn schema() -> Json {
                $schema
            }

            fn expected() -> &'static str {
                $example
            }

            fn what() -> &'static str {
                $what
            }

            fn written(&self) -> Option<Json> {
                Some(json!(self))
            }
        }
    )*};
}

numbers! {
    u32: "a whole number from 0 to 4294967295", "3", json!({"type": "integer", "minimum": 0, "maximum": u32::MAX});
    u64: "a whole number from 0 up", "3", json!({"type": "integer", "minimum": 0});
    i64: "a whole number", "3", json!({"type": "integer"});
    f64: "a number", "0.5", json!({"type": "number"});
}

/// A number as YAML 1.2 writes it: no `+`, no leading zero, no `_`, no `inf`.
fn number<T: std::str::FromStr>(text: &str) -> Option<T> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let leading_zero = digits.len() > 1 && digits.starts_with('0') && !digits.starts_with("0.");
    let looks_right = digits.starts_with(|c: char| c.is_ascii_digit())
        && digits
            .chars()
            .all(|c| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '-' | '+'));
    if leading_zero || !looks_right {
        return None;
    }
    text.parse().ok()
}
