//! Two values of YAML side by side: what differs, by path. The schema tells defaults, shorthands and lengths of time, so
//! that what is only written differently does not count.

use crate::flow::yaml::Style;
use crate::flow::{Duration, Node, Span, Value};
use serde_json::Value as Json;

/// One value that differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delta {
    /// The keys that lead to it, with dots: `record.max`, `choices.sales`, `retry[2]`.
    pub path: String,
    /// What it was, in one line; none where it was not there and has no default.
    pub was: Option<String>,
    /// What it is.
    pub is: Option<String>,
    /// Its bytes in the old document.
    pub old: Option<Span>,
    /// Its bytes in the new document.
    pub new: Option<Span>,
    /// It only says what holds without it.
    pub is_default: bool,
}

/// What differs between two values under the same key.
pub fn compare(path: &str, old: Option<&Node>, new: Option<&Node>, schema: &Json) -> Vec<Delta> {
    let mut out = Vec::new();
    walk(path, old, new, schema, &mut out);
    out
}

/// Both values as one difference.
pub fn whole(path: &str, old: &Node, new: &Node) -> Delta {
    delta(path, Some(old), Some(new), &Json::Null)
}

/// The same document in everything but places, comments and quotes of another kind.
pub fn equal(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Null, Value::Null) => true,
        (Value::Scalar(one), Value::Scalar(other)) => {
            one.text == other.text && (one.style == Style::Plain) == (other.style == Style::Plain)
        }
        (Value::Seq(one), Value::Seq(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| equal(one, other))
        }
        (Value::Map(one), Value::Map(entries)) => {
            one.len() == entries.len()
                && one.iter().all(|entry| {
                    other
                        .key(&entry.key.text)
                        .is_some_and(|value| equal(&entry.value, value))
                })
        }
        _ => false,
    }
}

/// A value on one line, as flow-style YAML.
pub fn compact(node: &Node) -> String {
    match &node.value {
        Value::Null => "nothing".to_owned(),
        Value::Scalar(scalar) if scalar.style == Style::Plain => scalar.text.clone(),
        Value::Scalar(scalar) => Json::from(scalar.text.as_str()).to_string(),
        Value::Seq(items) => format!("[{}]", items.iter().map(compact).collect::<Vec<_>>().join(", ")),
        Value::Map(entries) => {
            let pairs = entries
                .iter()
                .map(|entry| format!("{}: {}", entry.key.text, compact(&entry.value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
    }
}

fn walk(path: &str, old: Option<&Node>, new: Option<&Node>, schema: &Json, out: &mut Vec<Delta>) {
    match (old, new) {
        (None, None) => {}
        (Some(one), Some(other)) => both(path, one, other, schema, out),
        (Some(node), None) | (None, Some(node)) => {
            if is_default(node, schema) {
                return;
            }
            let (begun, entries) = (out.len(), node.as_map().unwrap_or_default());
            if schema.get("properties").is_some() && !entries.is_empty() {
                for entry in entries {
                    let (path, schema) = (join(path, &entry.key.text), property(schema, &entry.key.text));
                    let (was, is) = if old.is_some() {
                        (Some(&entry.value), None)
                    } else {
                        (None, Some(&entry.value))
                    };
                    walk(&path, was, is, schema, out);
                }
                if out.len() == begun {
                    let mut delta = delta(path, old, new, schema);
                    delta.is_default = true;
                    out.push(delta);
                }
                return;
            }
            out.push(delta(path, old, new, schema));
        }
    }
}

fn both(path: &str, one: &Node, other: &Node, schema: &Json, out: &mut Vec<Delta>) {
    match (&one.value, &other.value) {
        (Value::Map(before), Value::Map(after)) => {
            for entry in after {
                let (path, schema) = (join(path, &entry.key.text), property(schema, &entry.key.text));
                walk(&path, one.key(&entry.key.text), Some(&entry.value), schema, out);
            }
            for entry in before.iter().filter(|entry| other.key(&entry.key.text).is_none()) {
                let (path, schema) = (join(path, &entry.key.text), property(schema, &entry.key.text));
                walk(&path, Some(&entry.value), None, schema, out);
            }
        }
        (Value::Seq(before), Value::Seq(after)) => lists(path, before, after, schema, out),
        (Value::Map(entries), _) | (_, Value::Map(entries)) => {
            let short = shorthand(schema)
                .filter(|_| matches!(one.value, Value::Scalar(_)) || matches!(other.value, Value::Scalar(_)));
            let Some(key) = short else {
                out.push(delta(path, Some(one), Some(other), schema));
                return;
            };
            // A value alone stands for one key's; what the map has beside it differs.
            let is_old = one.as_map().is_some();
            let alone = if is_old { other } else { one };
            let written = entries
                .iter()
                .find(|entry| entry.key.text == key)
                .map(|entry| &entry.value);
            let mut pair = |key: &str, in_map: Option<&Node>, beside: Option<&Node>| {
                let (was, is) = if is_old { (in_map, beside) } else { (beside, in_map) };
                walk(&join(path, key), was, is, property(schema, key), out);
            };
            pair(key, written, Some(alone));
            for entry in entries.iter().filter(|entry| entry.key.text != key) {
                pair(&entry.key.text, Some(&entry.value), None);
            }
        }
        _ if same(one, other, schema) => {}
        _ => out.push(delta(path, Some(one), Some(other), schema)),
    }
}

/// Lists of one length are compared item by item; else what they begin and end with alike is left out.
fn lists(path: &str, before: &[Node], after: &[Node], schema: &Json, out: &mut Vec<Delta>) {
    let items = schema.get("items").unwrap_or(&Json::Null);
    if before.len() == after.len() {
        for (index, (one, other)) in before.iter().zip(after).enumerate() {
            both(&format!("{path}[{}]", index + 1), one, other, items, out);
        }
        return;
    }
    let shorter = before.len().min(after.len());
    let head = before
        .iter()
        .zip(after)
        .take_while(|(one, other)| equal(one, other))
        .count();
    let tail = before
        .iter()
        .rev()
        .zip(after.iter().rev())
        .take_while(|(one, other)| equal(one, other))
        .count();
    let tail = tail.min(shorter - head);
    for (index, node) in before.iter().enumerate().take(before.len() - tail).skip(head) {
        out.push(delta(&format!("{path}[{}]", index + 1), Some(node), None, items));
    }
    for (index, node) in after.iter().enumerate().take(after.len() - tail).skip(head) {
        out.push(delta(&format!("{path}[{}]", index + 1), None, Some(node), items));
    }
}

fn delta(path: &str, old: Option<&Node>, new: Option<&Node>, schema: &Json) -> Delta {
    let default = || Some(format!("{} (the default)", plain(schema.get("default")?)));
    Delta {
        path: path.to_owned(),
        was: old.map(compact).or_else(default),
        is: new.map(compact).or_else(default),
        old: old.map(|node| node.span),
        new: new.map(|node| node.span),
        is_default: false,
    }
}

fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

/// Whether both mean the same though written in another way: `60s` and `1m`, `"a"` and `'a'`.
fn same(one: &Node, other: &Node, schema: &Json) -> bool {
    if equal(one, other) {
        return true;
    }
    // Of a form with a shorthand, a scalar is the shorthand.
    let short = shorthand(schema).and(schema.get("anyOf").and_then(|any| any.get(0)));
    let schema = short.unwrap_or(schema);
    match (one.scalar(), other.scalar()) {
        (Some(one), Some(other)) if is_time(schema) => {
            Duration::parse(&one.text).is_some_and(|length| Duration::parse(&other.text) == Some(length))
        }
        // Where text is expected, quotes make no difference.
        (Some(one), Some(other)) => one.text == other.text && schema.get("type").is_some_and(|kind| kind == "string"),
        _ => false,
    }
}

fn is_default(node: &Node, schema: &Json) -> bool {
    let Some(default) = schema.get("default") else {
        return false;
    };
    let Some(scalar) = node.scalar() else { return false };
    let default = plain(default);
    scalar.text == default
        || (is_time(schema)
            && Duration::parse(&scalar.text).is_some_and(|time| Duration::parse(&default) == Some(time)))
}

fn is_time(schema: &Json) -> bool {
    schema
        .get("pattern")
        .and_then(Json::as_str)
        .is_some_and(|pattern| pattern.contains("(ms|s|m|h|d)"))
}

fn plain(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

/// The schema of what stands under a key; nothing is known of it where that is null.
pub fn property<'a>(schema: &'a Json, key: &str) -> &'a Json {
    let own = schema.get("properties").and_then(|properties| properties.get(key));
    let any = || schema.get("additionalProperties").filter(|any| any.is_object());
    let one_of = || {
        schema
            .get("anyOf")?
            .as_array()?
            .iter()
            .map(|schema| property(schema, key))
            .find(|found| !found.is_null())
    };
    own.or_else(any).or_else(one_of).unwrap_or(&Json::Null)
}

/// The key whose value may stand in place of the map.
fn shorthand(schema: &Json) -> Option<&str> {
    let [alone, map] = schema.get("anyOf")?.as_array()?.as_slice() else {
        return None;
    };
    let alone = bare(alone);
    let properties = map.get("properties")?.as_object()?;
    let fits: Vec<&str> = properties
        .iter()
        .filter(|(_, schema)| bare(schema) == alone)
        .map(|(key, _)| key.as_str())
        .collect();
    let required = map.get("required").and_then(Json::as_array);
    let is_required = |key: &&str| required.is_some_and(|keys| keys.iter().any(|one| one == key));
    match fits.as_slice() {
        [one] => Some(*one),
        several => several.iter().copied().find(is_required),
    }
}

/// A schema without what says nothing of its values.
fn bare(schema: &Json) -> Json {
    let mut schema = schema.clone();
    if let Json::Object(map) = &mut schema {
        for key in ["description", "markdownDescription", "default"] {
            map.remove(key);
        }
    }
    schema
}

#[cfg(test)]
mod tests;
