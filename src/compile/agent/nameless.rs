//! An agent whose name is missing: its parts stand where names of agents are expected.

use crate::flow::{Entry, Finding, Node, Reader};

/// Keys of an agent.
const PARTS: [&str; 11] = [
    "instructions",
    "realtime",
    "listen",
    "think",
    "speak",
    "barge_in",
    "idle",
    "filler",
    "sorry",
    "actions",
    "longest",
];

/// Whether an entry of `agents` is not an agent but a part of one.
pub(in crate::compile) fn is_part(entry: &Entry) -> bool {
    let is_agent = |value: &Node| PARTS.iter().any(|part| value.key(part).is_some());
    PARTS.contains(&entry.key.text.as_str()) && !is_agent(&entry.value)
}

/// One finding for all of them.
pub(in crate::compile) fn report(parts: &[&Entry], cx: &mut Reader) {
    let Some(first) = parts.first() else { return };
    let mut names: Vec<String> = parts.iter().map(|part| format!("`{}`", part.key.text)).collect();
    let last = names.pop().unwrap_or_default();
    let (all, are) = match names.as_slice() {
        [] => (last, "is a part of an agent"),
        names => (format!("{} and {last}", names.join(", ")), "are parts of an agent"),
    };
    cx.report(
        Finding::error(
            "nameless-agent",
            cx.place(first.key.span),
            format!("{all} {are} whose name is missing"),
        )
        .label("a name of an agent is expected here")
        .consequence("the caller would be connected with nobody")
        .help("put the agent's name on a line of its own above, such as `receptionist:`, and its parts under it"),
    );
}
