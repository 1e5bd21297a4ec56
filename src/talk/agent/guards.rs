//! Notices when the agent hears itself, and when it says the same thing again and again.

use super::plan::Echo;
use super::words::{bare, likeness, stands_in};

/// Fewer words are never taken for an echo: callers do answer with words of the question.
const FEWEST: usize = 3;

#[derive(Debug, Default)]
pub(in crate::talk) struct Guards {
    /// The carrier hears the caller, and takes the agent's own sound out: what comes through in spite of it is the end of
    /// what was said, and whole.
    pub(super) filtered: bool,
    /// What was said last, and until when it was heard.
    said: Vec<String>,
    until: u64,
    /// The last whole answer, and how many in a row were like the one before.
    answer: Vec<String>,
    alike: u32,
}

impl Guards {
    /// These words were heard by the caller until now.
    pub(super) fn heard(&mut self, now: u64, text: &str) {
        self.said = if self.filtered { last_sentence(text) } else { bare(text) };
        self.until = now;
    }

    /// Whether the caller's words, spoken from `started` on, are the agent's own.
    pub(super) fn is_echo(&self, plan: &Echo, started: u64, text: &str) -> bool {
        let is_own = match self.filtered {
            true => is_sentence(text, &self.said),
            false => own(plan, text, &self.said),
        };
        started <= self.until + plan.within && is_own
    }

    /// A whole answer was given. True where it was one too many like those before it.
    pub(in crate::talk) fn repeats(&mut self, plan: &Echo, text: &str) -> bool {
        let words = bare(text);
        self.alike = match likeness(&self.answer, &words) >= plan.similar && !words.is_empty() {
            true => self.alike + 1,
            false => 0,
        };
        self.answer = words;
        plan.repeats > 0 && self.alike >= plan.repeats
    }
}

/// Whether these words stand among the agent's own.
pub(super) fn own(plan: &Echo, text: &str, said: &[String]) -> bool {
    let words = bare(text);
    words.len() >= FEWEST && stands_in(&words, said, plan.similar)
}

/// Whether these words are exactly the last sentence of what the agent says.
pub(super) fn repeats_last(text: &str, says: &str) -> bool {
    is_sentence(text, &last_sentence(says))
}

fn is_sentence(text: &str, sentence: &[String]) -> bool {
    let words = bare(text);
    words.len() >= FEWEST && words == sentence
}

fn last_sentence(text: &str) -> Vec<String> {
    let mut sentences = text.rsplit(['.', '?', '!', '…', '\n']).map(bare);
    sentences.find(|words| !words.is_empty()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn own_words_are_an_echo_only_soon_after_they_were_heard() {
        let (mut guards, plan) = (Guards::default(), Echo::default());
        guards.heard(1000, "Do you live in Haifa or in Tel Aviv?");
        let cases = [
            (2400, "live in Haifa or in", true),
            (2501, "live in Haifa or in", false),
            (1100, "in Haifa", false),
            (1100, "I live in a small town", false),
        ];
        for (started, text, expected) in cases {
            assert_eq!(guards.is_echo(&plan, started, text), expected, "{text} at {started}");
        }
    }

    #[test]
    fn where_the_carrier_filters_only_the_whole_last_sentence_is_an_echo() {
        let (mut guards, plan) = (Guards::default(), Echo::default());
        guards.filtered = true;
        guards.heard(1000, "We have two flats. Do you live in Haifa?");
        let cases = [
            ("do you live in haifa", true),
            ("live in Haifa", false),
            ("We have two flats", false),
            ("do you live in Haifa too", false),
        ];
        for (text, expected) in cases {
            assert_eq!(guards.is_echo(&plan, 1100, text), expected, "{text}");
        }
        guards.heard(1000, "Haifa?");
        assert!(!guards.is_echo(&plan, 1100, "Haifa"), "callers answer with such words");
    }

    #[test]
    fn three_answers_like_the_one_before_are_too_many() {
        let (mut guards, plan) = (Guards::default(), Echo::default());
        let mut say = |text| guards.repeats(&plan, text);
        assert!(!say("Please say that again.") && !say("please say that again"));
        assert!(!say("Something else.") && !say("Please say that again."));
        assert!(!say("Please say that again!") && !say("Please say that again."));
        assert!(say("Please, say that again."));
    }
}
