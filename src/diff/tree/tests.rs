use super::*;
use crate::flow::{Findings, Source, parse};
use serde_json::json;

fn node(text: &str) -> Node {
    let document = parse(&Source::new("x.yaml", text), &mut Findings::default());
    document.root.expect("a document")
}

/// What differs, as `path: was -> is`.
fn told(old: &str, new: &str, schema: &Json) -> Vec<String> {
    let deltas = compare("x", Some(&node(old)), Some(&node(new)), schema);
    let value = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
    let line = |delta: Delta| {
        let default = if delta.is_default { " (says the default)" } else { "" };
        format!("{}: {} -> {}{default}", delta.path, value(delta.was), value(delta.is))
    };
    deltas.into_iter().map(line).collect()
}

#[test]
fn what_differs_is_named_by_its_path() {
    let time = json!({"type": "string", "pattern": "^[0-9]+(ms|s|m|h|d)$", "default": "5s"});
    let inner = json!({"type": "object", "properties": {"start": time}});
    let form = json!({"type": "object", "required": ["file"], "properties": {
        "file": {"type": "string"}, "wait": time, "beep": {"type": "boolean", "default": true}, "watch": inner,
        "free": {},
    }});
    let schema = json!({"anyOf": [{"type": "string"}, form]});
    let nothing: [&str; 0] = [];
    let cases: [(&str, &str, &[&str]); 15] = [
        ("a", "a", &nothing),
        ("a", "'a'", &nothing),
        ("a", "{file: a}", &nothing),
        ("{file: a, wait: 60s}", "{wait: 1m, file: a} # a comment", &nothing),
        ("{file: a}", "{file: a, wait: 5s, beep: true}", &nothing),
        ("{file: a}", "{file: a, wait: 6s}", &["x.wait: 5s (the default) -> 6s"]),
        ("{file: a, beep: false}", "a", &["x.beep: false -> true (the default)"]),
        ("a", "{file: b}", &["x.file: a -> b"]),
        (
            "{file: a}",
            "{file: a, watch: {start: 5s}}",
            &["x.watch: - -> {start: 5s} (says the default)"],
        ),
        (
            "{file: a}",
            "{file: a, watch: {start: 7s}}",
            &["x.watch.start: 5s (the default) -> 7s"],
        ),
        ("{free: [1, 2, 3]}", "{free: [1, 9, 3]}", &["x.free[2]: 2 -> 9"]),
        ("{free: [1, 2, 3]}", "{free: [1, 3]}", &["x.free[2]: 2 -> -"]),
        ("{free: [1, 1]}", "{free: [1, 1, 1]}", &["x.free[3]: - -> 1"]),
        ("{free: '5'}", "{free: 5}", &["x.free: \"5\" -> 5"]),
        ("{free: &a {k: 1}, file: f}", "{free: {k: 1}, file: f}", &nothing),
    ];
    for (old, new, want) in cases {
        assert_eq!(told(old, new, &schema), want, "{old} -> {new}");
    }
}

#[test]
fn of_several_keys_the_required_one_stands_alone() {
    let text = || json!({"type": "string", "description": "differs"});
    let form = |required: &[&str]| json!({"anyOf": [{"type": "string"}, {"properties": {"a": {"type": "string"}, "b": text()}, "required": required}]});
    assert_eq!(shorthand(&form(&["b"])), Some("b"));
    assert_eq!(shorthand(&form(&[])), None);
    assert_eq!(shorthand(&json!({"type": "string"})), None);
}
