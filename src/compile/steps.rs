//! One step's YAML: the keys every step has, and the one key that names its kind.

use crate::call::StepKind;
use crate::flow::{Condition, Entry, Finding, FromYaml, Located, Node, Place, Reader, nearest, removal};
use crate::step::{KINDS, Kind, Known, Stands};
use serde_json::{Value, json};

/// A step as written: names are not resolved yet.
#[derive(Debug)]
pub(super) struct RawStep {
    pub name: Located<String>,
    pub kind: Option<Box<dyn StepKind>>,
    /// Where the kind's key stands.
    pub kind_place: Place,
    pub next: Option<Located<String>>,
    /// What to delete so that `next` is gone.
    pub next_entry: Option<Place>,
    pub on: Vec<(Located<String>, Located<String>)>,
    pub when: Option<Condition>,
}

/// Keys that do not name a kind.
const COMMON: [&str; 4] = ["next", "on", "when", "describe"];

/// The JSON Schema of the keys every step has.
pub(super) fn common_schema() -> Value {
    json!({
        "next": {"type": "string", "description": "Where all outcomes go that mean \"carry on\"."},
        "on": {
            "type": "object",
            "description": "Where single outcomes go.",
            "additionalProperties": {"type": "string"},
        },
        "when": {"type": ["string", "boolean"], "description": "Skips the step, to `next`, where this does not hold."},
        "describe": {"type": "string", "description": "What the step is for."},
    })
}

/// The order in which a step's keys are written: what it is for, what it does, when, and where it leads.
pub(super) fn order<'a>(kinds: &[&'a str]) -> Vec<&'a str> {
    let mut order = vec!["describe"];
    order.extend(kinds);
    order.extend(["when", "on", "next"]);
    order
}

/// Reads a step of a call.
pub(super) fn read(entry: &Entry, cx: &mut Reader, known: &dyn Known) -> Option<RawStep> {
    let name = Located {
        value: entry.key.text.clone(),
        place: cx.place(entry.key.span),
    };
    let raw = cx.within(&entry.key.text, entry.key.span, |cx| {
        // A step whose kind cannot be read still has its name, so that those who name it are not blamed too.
        let (kind, kind_place) =
            read_kind(&entry.value, &name, false, cx, known).unwrap_or_else(|| (None, name.place.clone()));
        let next = common(&entry.value, "next", cx);
        let next_entry = entry.value.entry("next").and_then(|next| {
            let key = cx.place(next.key.span);
            let span = removal::entry(key.source(), next.key.span, next.value.span)?;
            Some(cx.place(span))
        });
        let on = common(&entry.value, "on", cx).unwrap_or_default();
        let when = common(&entry.value, "when", cx);
        let _: Option<String> = common(&entry.value, "describe", cx);
        RawStep {
            name,
            kind,
            kind_place,
            next,
            next_entry,
            on,
            when,
        }
    });
    Some(raw)
}

/// Reads an item of `after_call`: its condition and its kind.
pub(super) fn read_item(
    node: &Node,
    cx: &mut Reader,
    known: &dyn Known,
) -> Option<(Option<Condition>, Box<dyn StepKind>, Place)> {
    let name = Located {
        value: "after_call".to_owned(),
        place: cx.place(node.span),
    };
    let (kind, place) = read_kind(node, &name, true, cx, known)?;
    for key in ["next", "on"] {
        if let Some(entry) = node.entry(key) {
            cx.report(
                Finding::error(
                    "unknown-key",
                    cx.place(entry.key.span),
                    format!("`{key}` has no use after a call"),
                )
                .label("items are done one after another")
                .help(format!("remove `{key}`")),
            );
        }
    }
    let when = common(node, "when", cx);
    kind.map(|kind| (when, kind, place))
}

fn common<T: FromYaml>(node: &Node, key: &str, cx: &mut Reader) -> Option<T> {
    let entry = node.entry(key)?;
    cx.within(key, entry.key.span, |cx| T::from_yaml(&entry.value, cx))
}

type ReadKind = (Option<Box<dyn StepKind>>, Place);

/// Finds the one key that names the kind and reads its value. None where there is nothing to go on with.
fn read_kind(node: &Node, step: &Located<String>, after: bool, cx: &mut Reader, known: &dyn Known) -> Option<ReadKind> {
    let Some(entries) = node.as_map() else {
        cx.report(
            Finding::error(
                "wrong-type",
                cx.place(node.span),
                "a step is a map with the key of its kind",
            )
            .label("not a map")
            .help("write for example `play: tts/greeting.mp3` under the step's name"),
        );
        return None;
    };
    let mut kinds: Vec<_> = entries
        .iter()
        .filter(|entry| !COMMON.contains(&entry.key.text.as_str()))
        .collect();
    // What is a kind stands for the step, wherever a key that is none is written.
    kinds.sort_by_key(|entry| crate::step::kind(&entry.key.text).is_none());
    let mut kinds = kinds.into_iter();
    let Some(first) = kinds.next() else {
        cx.report(
            Finding::error(
                "missing-key",
                step.place.clone(),
                format!("`{}` does nothing", step.value),
            )
            .label("no key names the step's kind")
            .consequence("a caller who comes here could not go on")
            .help(format!("add what it does: one of {}", allowed(after).join(", "))),
        );
        return None;
    };
    for more in kinds {
        let (id, message) = match crate::step::kind(&more.key.text) {
            Some(_) => (
                "two-kinds",
                format!("a step has one kind, this one has `{}` too", more.key.text),
            ),
            None => ("unknown-key", format!("`{}` is not a key of a step", more.key.text)),
        };
        let mut finding = Finding::error(id, cx.place(more.key.span), message)
            .label("unexpected here")
            .related(cx.place(first.key.span), "the step's kind");
        if let Some(near) = nearest(&more.key.text, COMMON.iter().copied()) {
            finding = finding.nearest_word(&more.key.text, Some(near));
        } else {
            finding = finding.help("move it to a step of its own, or into the kind's own map");
        }
        cx.report(finding);
    }
    let place = cx.place(first.key.span);
    let Some(kind) = crate::step::kind(&first.key.text) else {
        cx.report(unknown_kind(&first.key.text, place, after));
        return None;
    };
    if after && kind.place != Stands::Anywhere {
        cx.report(
            Finding::error(
                "not-after-call",
                place,
                format!("`{}` needs a caller on the line", kind.name),
            )
            .label("the call is over here")
            .help(format!("after a call there can be {}", allowed(true).join(", "))),
        );
        return None;
    }
    let read = cx.within(kind.name, first.key.span, |cx| (kind.read)(&first.value, cx, known));
    Some((read, place))
}

fn unknown_kind(name: &str, place: Place, after: bool) -> Finding {
    let finding = Finding::error("unknown-kind", place, format!("there is no step kind `{name}`")).label("unknown");
    let names = allowed(after);
    match nearest(name, names.iter().copied()) {
        Some(near) => finding.nearest_word(name, Some(near)),
        None => finding.help(format!("use one of {}", names.join(", "))),
    }
}

fn allowed(after: bool) -> Vec<&'static str> {
    let fits = |kind: &&Kind| {
        if after {
            kind.place == Stands::Anywhere
        } else {
            kind.place != Stands::InMessages
        }
    };
    KINDS.iter().filter(fits).map(|kind| kind.name).collect()
}
