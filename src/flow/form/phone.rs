//! Telephone numbers in E.164, fixed or filled in during the call.

use serde_json::{Value as Json, json};

use super::super::finding::{Fix, Safety};
use super::super::template::Template;
use super::super::yaml::Node;
use super::{FromYaml, Reader};

/// A number to call or write to.
#[derive(Clone, Debug, PartialEq)]
pub enum PhoneNumber {
    /// `+` and up to fifteen digits (ITU-T E.164, 6.2).
    Fixed(String),
    /// A template that gives one.
    Filled(Template),
}

impl PhoneNumber {
    /// Whether a text is a number in E.164: `+`, a digit that is not 0, and 6 to 14 more.
    pub fn is_e164(text: &str) -> bool {
        let Some(digits) = text.strip_prefix('+') else {
            return false;
        };
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|byte| byte.is_ascii_digit())
    }
}

impl FromYaml for PhoneNumber {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        let Some(scalar) = node.scalar() else {
            cx.wrong_type::<Self>(node);
            return None;
        };
        let text = scalar.text.as_str();
        if text.contains("{{") || text.contains("{%") {
            return Template::from_yaml(node, cx).map(Self::Filled);
        }
        if Self::is_e164(text) {
            return Some(Self::Fixed(text.to_owned()));
        }
        let mut finding = cx.wrong_type_finding::<Self>(node);
        finding.message = format!("`{text}` is not a telephone number in E.164");
        let bare: String = text
            .chars()
            .filter(|c| !matches!(c, ' ' | '-' | '(' | ')' | '.'))
            .collect();
        let international = bare.strip_prefix("00").map_or(bare.clone(), |rest| format!("+{rest}"));
        if Self::is_e164(&international) {
            finding = finding.advise(
                format!("write `\"{international}\"`"),
                Fix::replace(Safety::Safe, cx.place_of(node), format!("\"{international}\"")),
            );
        } else if bare.starts_with('0') {
            finding = finding.help("write the country code in place of the leading 0");
        }
        cx.report(finding);
        None
    }

    fn schema() -> Json {
        json!({"type": ["string", "number"], "examples": ["+972312345678", "{{ call.from }}"]})
    }

    fn expected() -> &'static str {
        "\"+972312345678\""
    }

    fn what() -> &'static str {
        "a telephone number with its country code"
    }

    fn written(&self) -> Option<Json> {
        match self {
            Self::Fixed(number) => Some(json!(number)),
            Self::Filled(template) => template.written(),
        }
    }
}
