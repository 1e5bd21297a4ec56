//! Files that a flow names: sounds by the mark of their content, message texts and TwiML templates by their text.
//!
//! Texts are kept with the version of a call. The bytes of sounds are not: they are served from the project as it is now,
//! so a sound that is gone is gone for calls in progress, too.

use super::change::{Change, Class, Sign, Subject};
use super::side::Side;
use crate::flow::{Duration, Node, Place, Source};

/// The watchdog of a stream where the step names none, in milliseconds.
const START: u64 = 6_000;

pub(super) fn compare(old: &Side<'_>, new: &Side<'_>) -> Vec<Change> {
    let mut out = sounds(old, new);
    let mut paths: Vec<&String> = old.compiled.sources.keys().chain(new.compiled.sources.keys()).collect();
    paths.sort();
    paths.dedup();
    for path in paths {
        let is_template = path.strip_prefix("templates/").is_some();
        let (was, is) = (old.compiled.sources.get(path), new.compiled.sources.get(path));
        if was == is || !is_template {
            continue;
        }
        let (sign, word) = match (was, is) {
            (None, _) => (Sign::Added, "added"),
            (_, None) => (Sign::Removed, "removed"),
            _ => (Sign::Changed, "changed"),
        };
        let (id, caller) = match path.strip_suffix(".xml") {
            Some(name) => {
                let verb = name.strip_prefix("templates/").unwrap_or(name);
                (
                    format!("template-{word}"),
                    format!("what the carrier is told for `{verb}` differs in new calls"),
                )
            }
            None => (
                format!("message-{word}"),
                match sign {
                    Sign::Removed => "no new call sends this message".to_owned(),
                    Sign::Added => "new calls can send this message".to_owned(),
                    Sign::Changed | Sign::Renamed => "the message that is sent has another text".to_owned(),
                },
            ),
        };
        let id = ID
            .iter()
            .find(|known| **known == id)
            .copied()
            .unwrap_or("template-changed");
        let at = |text: Option<&String>| text.map(|text| Place::start_of(&Source::new(path.as_str(), text.as_str())));
        let quoted = |text: Option<&String>| text.map(|text| serde_json::Value::from(text.as_str()).to_string());
        out.push(
            Change::new(id, Class::NewCalls, Subject::Files, path.clone())
                .sign(sign)
                .values(quoted(was), quoted(is))
                .places(at(was), at(is))
                .caller(caller),
        );
    }
    out
}

const ID: [&str; 6] = [
    "template-added",
    "template-removed",
    "template-changed",
    "message-added",
    "message-removed",
    "message-changed",
];

fn sounds(old: &Side<'_>, new: &Side<'_>) -> Vec<Change> {
    let mut out = Vec::new();
    for (path, asset) in &old.flow.assets {
        let was = old.compiled.marks.get(path);
        // What the new flow does not name may still lie there: then calls in progress hear it to the end.
        let Some((now, mark)) = new.files.asset(path) else {
            let change =
                Change::new("sound-removed", Class::Breaking, Subject::Files, path.clone()).sign(Sign::Removed);
            let change = change
                .values(Some(described(asset.millis, was)), None)
                .places(first_use(old, path), None);
            out.push(change.caller("calls in progress that come to it hear nothing in its place (11200): keep the file until they are over"));
            continue;
        };
        if was == Some(&mark) {
            continue;
        }
        let outlasts = asset
            .millis
            .zip(now.millis)
            .is_some_and(|(before, after)| after >= before + watchdog(old));
        let (class, caller) = if outlasts && old.flow.steps.iter().any(is_stream) {
            (
                Class::Breaking,
                "calls in progress hear it too, and their watchdog counts on the old length: it can cut the new sound off. Give the new sound another name",
            )
        } else {
            (
                Class::NewCalls,
                "callers hear another sound, those of calls in progress too: sounds are not kept with a version",
            )
        };
        out.push(
            Change::new("sound-replaced", class, Subject::Files, path.clone())
                .values(
                    Some(described(asset.millis, was)),
                    Some(described(now.millis, Some(&mark))),
                )
                .places(first_use(old, path), first_use(new, path))
                .caller(caller),
        );
    }
    out
}

fn is_stream(step: &crate::call::Step) -> bool {
    matches!(step.kind.name(), "converse" | "relay" | "stream")
}

/// The shortest time that a stream of the flow has to start.
fn watchdog(side: &Side<'_>) -> u64 {
    let starts = side.flow.steps.iter().filter(|step| is_stream(step)).map(|step| {
        let value = side.written(step).and_then(|(_, node)| node.key(step.kind.name()));
        let start = value.and_then(|value| value.key("start").or_else(|| value.key("watchdog")?.key("start")));
        let start = start
            .and_then(Node::scalar)
            .and_then(|scalar| Duration::parse(&scalar.text));
        start.map_or(START, Duration::as_millis)
    });
    starts.min().unwrap_or(START)
}

/// A sound's length and the beginning of its mark.
fn described(millis: Option<u64>, mark: Option<&String>) -> String {
    let mark: String = mark.map(|mark| mark.chars().take(12).collect()).unwrap_or_default();
    match millis {
        Some(millis) => format!("{}.{} s, {mark}", millis / 1000, millis % 1000 / 100),
        None => format!("of unknown length, {mark}"),
    }
}

/// Where the sound is named first: by a step, else by whatever it is.
fn first_use(side: &Side<'_>, path: &str) -> Option<Place> {
    let named = |step: &crate::call::Step| {
        let touches = step.kind.touches();
        touches
            .assets
            .iter()
            .find(|asset| asset.value == path)
            .map(|asset| asset.place.clone())
    };
    side.flow.steps.iter().find_map(named)
}
