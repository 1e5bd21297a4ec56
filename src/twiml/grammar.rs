//! The grammar of TwiML as data: which element stands where, and what its attributes take.

use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Everything that is known of the language. The facts are in `grammar.json`, one attribute a line.
#[derive(Debug)]
pub struct Grammar {
    voice: BTreeMap<String, ElementRule>,
    messaging: BTreeMap<String, ElementRule>,
}

/// What one element may hold.
#[derive(Debug)]
pub struct ElementRule {
    /// The elements that may stand inside.
    pub children: Vec<String>,
    /// What its text means ("media URL"), where it takes text at all.
    pub text: Option<String>,
    /// Why it should not be written any more, where the carrier retired it.
    pub retired: Option<String>,
    /// The carrier's code for an element inside that does not belong there.
    pub child_code: u32,
    attributes: BTreeMap<String, AttributeRule>,
}

/// What one attribute takes.
#[derive(Debug)]
pub struct AttributeRule {
    /// The values that it takes.
    pub kind: Kind,
    /// Whether the element is useless without it.
    pub required: bool,
    /// What the carrier takes where it is absent; `None` where there is no fixed default.
    pub default: Option<String>,
    /// The carrier's code for a value that it does not take.
    pub code: u32,
}

/// The values that an attribute takes.
#[derive(Debug, PartialEq, Eq)]
pub enum Kind {
    /// Any text.
    Text,
    /// `true` or `false`.
    Boolean,
    /// `GET` or `POST`.
    Method,
    /// An address, absolute or relative to the document's own.
    Url,
    /// A whole number within bounds, both included.
    Integer {
        /// The least that is taken.
        min: i64,
        /// The most that is taken.
        max: i64,
    },
    /// Whole numbers with spaces between them.
    Integers,
    /// One of the values. An open list may have grown since it was written down.
    Choice {
        /// The values, in the carrier's spelling.
        values: Vec<String>,
        /// Whether other values may exist.
        open: bool,
    },
    /// Some of the values, with spaces between them.
    Choices(Vec<String>),
    /// A language tag with its region, out of a list.
    Language(Vec<String>),
    /// A voice of `<Say>`.
    Voice,
    /// Tones to play: `0-9`, `A-D`, `#`, `*`, and `w` or `W` for half and whole seconds of pause.
    Digits,
    /// One key of a telephone, or none.
    Key,
    /// Any number of keys of a telephone.
    Keys,
}

/// The grammar, read once from the data that is built in.
pub fn grammar() -> &'static Grammar {
    static GRAMMAR: LazyLock<Grammar> = LazyLock::new(|| {
        let data: Data = serde_json::from_str(DATA).expect("the built-in grammar is read by a test");
        data.into_grammar()
    });
    &GRAMMAR
}

/// The facts of the built-in data file, for this module and for `voices`.
pub(super) const DATA: &str = include_str!("grammar.json");

impl Grammar {
    /// The rule for an element of a voice document that stands in `parent` (`""` for the root).
    pub fn element(&self, parent: &str, name: &str) -> Option<&ElementRule> {
        // An element that differs by where it stands is listed as `Parent/Name` as well.
        self.voice
            .get(&format!("{parent}/{name}"))
            .or_else(|| self.voice.get(name))
    }

    /// The rule for an element of a document that answers a message.
    pub fn messaging(&self, name: &str) -> Option<&ElementRule> {
        self.messaging.get(name)
    }

    /// The tags of voice documents.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.voice.keys().map(String::as_str).filter(|name| !name.contains('/'))
    }

    /// The elements of voice documents in which `name` may stand.
    pub fn parents<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.names().filter(move |parent| {
            self.voice
                .get(*parent)
                .is_some_and(|rule| rule.children.iter().any(|child| child == name))
        })
    }
}

impl ElementRule {
    /// The rule for an attribute.
    pub fn attribute(&self, name: &str) -> Option<&AttributeRule> {
        self.attributes.get(name)
    }

    /// The attributes with their rules, by name.
    pub fn attributes(&self) -> impl Iterator<Item = (&str, &AttributeRule)> {
        self.attributes.iter().map(|(name, rule)| (name.as_str(), rule))
    }
}

/// The shape of the data file.
#[derive(Deserialize)]
struct Data {
    voice: BTreeMap<String, ElementData>,
    messaging: BTreeMap<String, ElementData>,
    #[serde(rename = "say languages")]
    say: String,
    #[serde(rename = "gather languages")]
    gather: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
struct ElementData {
    #[serde(default)]
    children: String,
    text: Option<String>,
    retired: Option<String>,
    child_code: Option<u32>,
    #[serde(default)]
    attributes: BTreeMap<String, AttributeData>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct AttributeData {
    kind: KindData,
    min: Option<i64>,
    max: Option<i64>,
    #[serde(default)]
    values: serde_json::Value,
    #[serde(default)]
    open: bool,
    #[serde(default)]
    required: bool,
    default: Option<String>,
    code: Option<u32>,
}

#[derive(Deserialize)]
#[serde(rename_all = "lowercase")]
enum KindData {
    Text,
    Boolean,
    Method,
    Url,
    Integer,
    Integers,
    Choice,
    Choices,
    Language,
    Voice,
    Digits,
    Key,
    Keys,
}

/// A schema warning: the carrier leaves the element or the attribute out (errors B).
const SCHEMA_WARNING: u32 = 12200;
/// An address that cannot be used (errors A).
const INVALID_URL: u32 = 11100;

impl Data {
    fn into_grammar(self) -> Grammar {
        let Data {
            voice,
            messaging,
            say,
            gather,
        } = self;
        let list = |values: serde_json::Value| -> Vec<String> {
            match values {
                serde_json::Value::String(name) => words(if name.starts_with("say") { &say } else { &gather }),
                serde_json::Value::Array(values) => values
                    .iter()
                    .filter_map(|value| value.as_str().map(str::to_owned))
                    .collect(),
                _ => Vec::new(),
            }
        };
        let attribute = |data: AttributeData| {
            let kind = match data.kind {
                KindData::Text => Kind::Text,
                KindData::Boolean => Kind::Boolean,
                KindData::Method => Kind::Method,
                KindData::Url => Kind::Url,
                KindData::Integer => Kind::Integer {
                    min: data.min.unwrap_or(0),
                    max: data.max.unwrap_or(i64::from(i32::MAX)),
                },
                KindData::Integers => Kind::Integers,
                KindData::Choice => Kind::Choice {
                    values: list(data.values),
                    open: data.open,
                },
                KindData::Choices => Kind::Choices(list(data.values)),
                KindData::Language => Kind::Language(list(data.values)),
                KindData::Voice => Kind::Voice,
                KindData::Digits => Kind::Digits,
                KindData::Key => Kind::Key,
                KindData::Keys => Kind::Keys,
            };
            let usual = if kind == Kind::Url { INVALID_URL } else { SCHEMA_WARNING };
            AttributeRule {
                kind,
                required: data.required,
                default: data.default,
                code: data.code.unwrap_or(usual),
            }
        };
        let element = |(name, data): (String, ElementData)| {
            let rule = ElementRule {
                children: words(&data.children),
                text: data.text,
                retired: data.retired,
                child_code: data.child_code.unwrap_or(SCHEMA_WARNING),
                attributes: data
                    .attributes
                    .into_iter()
                    .map(|(name, data)| (name, attribute(data)))
                    .collect(),
            };
            (name, rule)
        };
        Grammar {
            voice: voice.into_iter().map(element).collect(),
            messaging: messaging.into_iter().map(element).collect(),
        }
    }
}

fn words(list: &str) -> Vec<String> {
    list.split_whitespace().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_child_that_is_listed_is_described() {
        for parent in grammar().names() {
            let rule = grammar().element("", parent).expect("listed");
            for child in &rule.children {
                assert!(grammar().element(parent, child).is_some(), "{parent} lists {child}");
            }
        }
        for child in &grammar().messaging("Response").expect("root").children {
            assert!(grammar().messaging(child).is_some(), "{child}");
        }
    }

    #[test]
    fn every_default_is_a_value_that_its_attribute_takes() {
        for name in grammar().names() {
            for (attribute, rule) in grammar().element("", name).expect("listed").attributes() {
                let Some(default) = rule.default.as_deref() else {
                    continue;
                };
                let fits = match &rule.kind {
                    Kind::Boolean => ["true", "false"].contains(&default),
                    Kind::Method => default == "POST",
                    Kind::Integer { min, max } => default.parse().is_ok_and(|n: i64| (min..=max).contains(&&n)),
                    Kind::Choice { values, .. } | Kind::Language(values) => values.iter().any(|value| value == default),
                    Kind::Choices(values) => default.split(' ').all(|part| values.iter().any(|value| value == part)),
                    _ => true,
                };
                assert!(fits, "{name}.{attribute} = {default}");
            }
        }
    }

    #[test]
    fn an_attribute_knows_its_code_bounds_and_default() {
        let timeout = grammar()
            .element("Response", "Dial")
            .and_then(|dial| dial.attribute("timeout"))
            .expect("known");
        assert_eq!(timeout.kind, Kind::Integer { min: 1, max: 600 });
        assert_eq!((timeout.code, timeout.default.as_deref()), (13212, Some("30")));
        let inside = grammar()
            .element("Gather", "Say")
            .and_then(|say| say.attribute("voice"))
            .expect("known");
        assert_eq!(inside.code, 13321);
        assert!(
            grammar()
                .element("Refer", "Sip")
                .is_some_and(|sip| sip.attribute("method").is_none())
        );
        assert_eq!(grammar().parents("Header").collect::<Vec<_>>(), ["Headers"]);
    }
}
