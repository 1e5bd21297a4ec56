//! Typed forms: from a spanned tree to Rust values, every problem reported and its siblings still read.

pub mod fields;
pub mod free;
pub mod number;
pub mod phone;
pub mod reader;
pub mod text;
pub mod time;
pub mod word;

pub use fields::Fields;
pub use phone::PhoneNumber;
pub use reader::{Located, Reader};
pub use time::Duration;

use serde_json::{Value as Json, json};

use super::yaml::Node;

/// A type that can be read from YAML.
///
/// Most implementations come from [`form!`](crate::form) and [`words!`](crate::words).
pub trait FromYaml: Sized {
    /// Reads a value. None where it cannot be used; then at least one finding was reported to `cx`.
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self>;

    /// The JSON Schema (draft-07) of what is accepted.
    fn schema() -> Json;

    /// An example to paste, such as `6s`.
    fn expected() -> &'static str;

    /// The words for what is accepted, as in "must be …": `a length of time`.
    fn what() -> &'static str {
        "another kind of value"
    }

    /// What stands for a key that is not there; none where the key must be there.
    fn absent() -> Option<Self> {
        None
    }

    /// How the value is written, to show it as a default in the schema; none where it has no short form.
    fn written(&self) -> Option<Json> {
        None
    }
}

/// Puts a description beside what a schema says already.
pub fn described(mut schema: Json, lines: &[&str]) -> Json {
    let text = lines.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n");
    let text = text.trim().to_owned();
    if let (Json::Object(map), false) = (&mut schema, text.is_empty()) {
        map.insert("markdownDescription".into(), json!(text));
        map.insert("description".into(), json!(text.replace('`', "")));
    }
    schema
}

/// One key of a form, as its schema shows it.
pub struct SchemaField {
    /// The key as it is written.
    pub key: &'static str,
    /// What its value may be.
    pub schema: Json,
    /// The lines of its documentation.
    pub doc: &'static [&'static str],
    /// What stands for it where it is left out.
    pub default: Option<Json>,
    /// Whether it must be there.
    pub required: bool,
}

/// Where a schema says in which order its keys are written: an array beside `properties`, whose own order is the
/// alphabet's. Printed schemas leave it out.
pub const KEY_ORDER: &str = "x-key-order";

/// The schema of a form. With a shorthand, the named key's value may stand alone.
pub fn form_schema(doc: &[&str], fields: Vec<SchemaField>, shorthand: Option<&str>) -> Json {
    let mut properties = serde_json::Map::new();
    let mut required = Vec::new();
    let order: Vec<&str> = fields.iter().map(|field| field.key).collect();
    let mut alone = None;
    for field in fields {
        if field.required {
            required.push(json!(field.key));
        }
        if shorthand == Some(field.key) {
            alone = Some(field.schema.clone());
        }
        let mut schema = described(field.schema, field.doc);
        if let (Json::Object(map), Some(default)) = (&mut schema, field.default) {
            map.insert("default".into(), default);
        }
        properties.insert(field.key.into(), schema);
    }
    // An empty form may be written as nothing: `hangup:`.
    let kind = if required.is_empty() {
        json!(["object", "null"])
    } else {
        json!("object")
    };
    let mut map = json!({"type": kind, "properties": properties, "additionalProperties": false});
    map[KEY_ORDER] = json!(order);
    if !required.is_empty() {
        map["required"] = Json::Array(required);
    }
    let schema = match alone {
        Some(alone) => json!({"anyOf": [alone, map]}),
        None => map,
    };
    described(schema, doc)
}

/// Declares a form: the struct, how it is read, and its JSON Schema, from one definition.
///
/// ```
/// use engine::flow::form::{FromYaml, Located};
///
/// engine::form! {
///     /// Plays a sound.
///     pub struct Play shorthand sound {
///         /// The file, below `static/`.
///         sound: Located<String>,
///         /// How often.
///         times: u32 = 1,
///         /// Goes on until something happens.
///         forever as "loop": bool = false,
///         /// What is heard, in words.
///         caption: Option<String>,
///     }
/// }
/// assert_eq!(Play::schema()["anyOf"][1]["required"], serde_json::json!(["sound"]));
/// ```
///
/// - A field without a default must be there, unless its type has one of its own ([`FromYaml::absent`]: `Option`).
/// - `as "key"` names the key where it cannot be the field's name.
/// - `shorthand field` lets the field's value stand in place of the map: `play: tts/x.mp3`.
/// - `checked path` calls `path(&value, &place, cx)` on a form that was read, to report what only the whole can show.
#[macro_export]
macro_rules! form {
    (
        $(#[doc = $doc:literal])*
        $vis:vis struct $name:ident $(shorthand $short:ident)? $(checked $check:path)? {
            $(
                $(#[doc = $field_doc:literal])*
                $field:ident $(as $key:literal)? : $ty:ty $(= $default:expr)?
            ),* $(,)?
        }
    ) => {
        $(#[doc = $doc])*
        #[derive(Clone, Debug, PartialEq)]
        $vis struct $name {
            $( $(#[doc = $field_doc])* pub $field: $ty, )*
        }

        impl $crate::flow::form::FromYaml for $name {
            fn from_yaml(
                node: &$crate::flow::yaml::Node,
                cx: &mut $crate::flow::form::Reader,
            ) -> Option<Self> {
                let shorthand: Option<&'static str> = None $(.or(Some(stringify!($short))))?;
                #[allow(unused_mut, reason = "a form without fields changes nothing")]
                let mut fields = $crate::flow::form::Fields::open::<Self>(node, shorthand, cx)?;
                $(
                    let $field: Option<$ty> =
                        $crate::form!(@read fields, cx, $crate::form!(@key $field $($key)?), $ty $(, $default)?);
                )*
                let place = fields.place().clone();
                let good = fields.finish(cx);
                let value = Self { $( $field: $field?, )* };
                $( $check(&value, &place, cx); )?
                let _ = place;
                good.then_some(value)
            }

            fn schema() -> ::serde_json::Value {
                let shorthand: Option<&'static str> = None $(.or(Some(stringify!($short))))?;
                $crate::flow::form::form_schema(
                    &[$($doc),*],
                    vec![$(
                        $crate::flow::form::SchemaField {
                            key: $crate::form!(@key $field $($key)?),
                            schema: <$ty as $crate::flow::form::FromYaml>::schema(),
                            doc: &[$($field_doc),*],
                            default: $crate::form!(@default $ty $(, $default)?),
                            required: $crate::form!(@required $ty $(, $default)?),
                        }
                    ),*],
                    shorthand,
                )
            }

            fn expected() -> &'static str {
                concat!("{", $( $crate::form!(@key $field $($key)?), ": …, ", )* "}")
            }

            fn what() -> &'static str {
                "a map"
            }
        }
    };
    (@key $field:ident) => { stringify!($field) };
    (@key $field:ident $key:literal) => { $key };
    (@read $fields:ident, $cx:ident, $key:expr, $ty:ty) => { $fields.required::<$ty>($key, $cx) };
    (@read $fields:ident, $cx:ident, $key:expr, $ty:ty, $default:expr) => {
        $fields.or::<$ty>($key, || $default, $cx)
    };
    (@default $ty:ty) => { None };
    (@default $ty:ty, $default:expr) => {{
        let default: $ty = $default;
        $crate::flow::form::FromYaml::written(&default)
    }};
    (@required $ty:ty) => { <$ty as $crate::flow::form::FromYaml>::absent().is_none() };
    (@required $ty:ty, $default:expr) => { false };
}

#[cfg(test)]
mod tests;
