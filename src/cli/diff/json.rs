//! One JSON document. Within a major `format_version` fields are only ever added. Lines and columns count from 1.

use super::{Compared, Version};
use crate::diff::{Change, Class, Fate};
use crate::flow::Place;
use serde_json::{Value, json};

pub fn render(compared: &[Compared]) -> String {
    let total = |class: Class| compared.iter().map(|one| one.count(class)).sum::<usize>();
    let document = json!({
        "format_version": "1.0",
        "tool": {"name": env!("CARGO_PKG_NAME"), "version": env!("CARGO_PKG_VERSION")},
        "summary": counts(&total),
        "flows": compared.iter().map(flow).collect::<Vec<_>>(),
    });
    format!("{document}\n")
}

fn counts(of: &dyn Fn(Class) -> usize) -> Value {
    Class::ALL
        .iter()
        .map(|class| (class.word().to_owned(), json!(of(*class))))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

fn flow(one: &Compared) -> Value {
    let live = one.live.iter().map(|waiting| {
        let (fate, now) = match &waiting.fate {
            Some(Fate::Same(name)) => ("same", Some(name)),
            Some(Fate::Changed(name)) => ("changed", Some(name)),
            Some(Fate::Removed) => ("removed", None),
            None if waiting.is_over => ("after_call", None),
            None => ("unknown", None),
        };
        json!({
            "version": waiting.version.word(),
            "hash": waiting.hash,
            "step": waiting.step,
            "fate": fate,
            "now": now,
            "calls": waiting.calls,
            "oldest_seconds": waiting.oldest,
            "class": waiting.class().word(),
            "lost": waiting.lost,
        })
    });
    json!({
        "file": one.file,
        "old": one.old.as_ref().map(version),
        "new": one.new.as_ref().map(version),
        "summary": counts(&|class| one.count(class)),
        "changes": one.diff.changes.iter().map(change).collect::<Vec<_>>(),
        "live": live.collect::<Vec<_>>(),
    })
}

fn version(version: &Version) -> Value {
    json!({"source": version.source, "file": version.file, "flow": version.flow, "hash": version.hash})
}

fn change(change: &Change) -> Value {
    json!({
        "id": change.id,
        "class": change.class.word(),
        "sign": change.sign.word(),
        "subject": {"kind": change.subject.word(), "name": change.subject.name()},
        "what": change.what,
        "was": change.was,
        "is": change.is,
        "old": change.old.as_ref().map(place),
        "new": change.new.as_ref().map(place),
        "caller": change.caller,
    })
}

fn place(place: &Place) -> Value {
    json!({"file": place.source().name(), "line": place.line(), "column": place.column()})
}
