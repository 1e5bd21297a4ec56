//! What the caller said, and what they heard, in words.

use super::Output;
use crate::talk::keys::Keys;
use crate::talk::{Role, Turn};

/// What the caller is saying.
#[derive(Debug, Clone)]
pub(super) struct Utterance {
    pub(super) started: u64,
    pub(super) last_word: u64,
    pub(super) words: String,
}

/// The caller's turn: the keys pressed, then the words.
pub(super) fn caller_turn(now: u64, utterance: Option<&Utterance>, keys: &Keys, interrupted: bool) -> Output {
    let pressed = keys.last.min(now);
    let (started, ended) = utterance.map_or((pressed, pressed), |said| (said.started, said.last_word));
    let words = utterance.map_or("", |said| said.words.as_str());
    Output::Turn(Turn {
        role: Role::Caller,
        text: [&*keys.typed, words].join(" ").trim().to_owned(),
        started,
        ended,
        interrupted,
        facts: None,
    })
}

/// The beginning of `text` that the carrier says was heard, in the text's own words; none where it is something else.
pub(super) fn words_of(text: &str, heard: &str) -> Option<String> {
    let count = heard.split_whitespace().count();
    let all: Vec<&str> = text.split_whitespace().collect();
    let begin = all.get(..count).filter(|_| count > 0)?;
    let bare = |word: &str| {
        word.trim_matches(|letter: char| !letter.is_alphanumeric())
            .to_lowercase()
    };
    let same = begin
        .iter()
        .zip(heard.split_whitespace())
        .all(|(ours, theirs)| bare(ours) == bare(theirs));
    same.then(|| begin.join(" "))
}
