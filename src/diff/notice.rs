//! What a caller notices when one value of a step or an agent changes, in a sentence.

use super::tree::Delta;
use crate::flow::Duration;

/// By the last key of the path that has a sentence of its own; the innermost says the most.
const BY_KEY: [(&[&str], &str); 12] = [
    (
        &[
            "play",
            "say",
            "file",
            "sound",
            "prompt",
            "retry",
            "welcome",
            "whisper",
            "greeting",
            "greeting_text",
            "sorry",
            "filler",
        ],
        "callers hear something else here",
    ),
    (
        &["voice", "language", "speaker"],
        "callers hear another voice or language",
    ),
    (
        &["number", "sip", "client", "conference", "queue"],
        "callers are connected with somebody else",
    ),
    (
        &["choices", "valid", "keys", "finish", "accept"],
        "what callers press or say is taken differently",
    ),
    (&["tries", "times"], "callers are asked another number of times"),
    (
        &["record", "transcribe"],
        "what callers say is kept or written down differently",
    ),
    (
        &["instructions"],
        "the agent is told something else, so that callers get other answers",
    ),
    (
        &["provider", "model", "fallback", "base_url", "options", "run"],
        "somebody else does the work: answers, voice or speed can differ",
    ),
    (
        &["answers", "otherwise", "actions"],
        "the agent answers or acts differently",
    ),
    (&["barge_in"], "callers interrupt the agent more or less easily"),
    (
        &["template", "text", "body", "to", "with", "media"],
        "what is sent differs",
    ),
    (
        &["url", "method", "headers", "json", "statuses", "returns"],
        "another request is made, or its answer is taken differently",
    ),
];

/// The sentence for one difference.
pub(super) fn of(delta: &Delta) -> String {
    if delta.is_default {
        return "nothing: it says what holds without it".to_owned();
    }
    let length = |text: &Option<String>| {
        text.as_deref()
            .and_then(|text| Duration::parse(text.split(' ').next()?))
    };
    let key = delta.path.rsplit('.').next().unwrap_or_default();
    if let (Some(was), Some(is)) = (length(&delta.was), length(&delta.is)) {
        let way = if is > was { "longer" } else { "shorter" };
        return format!("`{key}` is {way} than before: {is}, not {was}");
    }
    let names = delta.path.split(['.', '[']).rev();
    let found = names
        .filter_map(|name| BY_KEY.iter().find(|(keys, _)| keys.contains(&name)))
        .next();
    found.map_or_else(
        || "the step behaves differently".to_owned(),
        |(_, sentence)| (*sentence).to_owned(),
    )
}
