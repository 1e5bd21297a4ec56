//! Puts together what a service says it heard: settled parts, parts that may still change, and repetitions of both.

use super::timeline::Span;

/// So many parts are kept; an utterance that has more loses its oldest.
const MOST: usize = 400;
/// Two times this near each other, in samples, are the same: services round.
const NEAR: u64 = 160;

/// A part of what was heard. Places are samples from the start of listening.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Segment {
    pub key: Key,
    pub start: u64,
    pub end: u64,
    pub text: String,
    /// Where each word lies; empty where the service does not tell.
    pub words: Vec<Word>,
    /// It changes no more.
    pub last: bool,
}

/// What tells that two segments are the same part in an older and a newer form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Key {
    /// Their times.
    Time,
    /// The service's number of the turn, made unique over connections.
    Turn(u64),
}

/// A word and where it lies.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Word {
    pub start: u64,
    pub end: u64,
    pub text: String,
}

/// Everything heard that may still be wanted.
#[derive(Debug, Default)]
pub(super) struct Assembly {
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    segment: Segment,
    /// How many words it had at which place while it grew: what tells the words of one utterance from those of the next
    /// where the service gives no times.
    grown: Vec<(u64, usize)>,
}

impl Assembly {
    /// Takes a part in, in the place of its older form where there is one.
    pub(super) fn take(&mut self, segment: Segment) {
        match segment.key {
            Key::Time => self.take_timed(segment),
            Key::Turn(_) => self.take_turn(segment),
        }
        if self.parts.len() > MOST {
            self.parts.remove(0);
        }
    }

    /// What was said in this stretch, as far as it is known.
    pub(super) fn text(&self, span: &Span) -> String {
        let mut all = String::new();
        for part in &self.parts {
            let text = part.within(span);
            if !text.is_empty() {
                if !all.is_empty() {
                    all.push(' ');
                }
                all.push_str(&text);
            }
        }
        all
    }

    /// Whether there are words in this stretch that may still change.
    pub(super) fn is_unsettled(&self, span: &Span) -> bool {
        let mut open = self.parts.iter().filter(|part| !part.segment.last);
        open.any(|part| !part.within(span).is_empty())
    }

    /// What this turn says in this stretch.
    pub(super) fn turn(&self, turn: u64, span: &Span) -> String {
        let part = self.parts.iter().find(|part| part.segment.key == Key::Turn(turn));
        part.map(|part| part.within(span)).unwrap_or_default()
    }

    /// Everything that lies before this place is wanted no more. Turns that go on stay.
    pub(super) fn forget(&mut self, before: u64) {
        self.parts
            .retain(|part| part.segment.end > before || (!part.segment.last && part.segment.key != Key::Time));
    }

    /// The sound from this place on is heard a second time: what was made of it is forgotten, and the rest stays as it is.
    pub(super) fn cut(&mut self, from: u64) {
        self.parts.retain_mut(|part| {
            let segment = &mut part.segment;
            segment.last = true;
            if segment.end <= from {
                return true;
            }
            segment.words.retain(|word| word.end <= from);
            segment.text = join(segment.words.iter());
            segment.end = from;
            !segment.words.is_empty()
        });
    }

    fn take_timed(&mut self, new: Segment) {
        let settled = |part: &Part| part.segment.key == Key::Time && part.segment.last;
        let (start, end) = (new.start, new.end);
        if !new.last {
            let known = self.parts.iter().filter(|part| settled(part));
            if known.map(|part| part.segment.end).max().unwrap_or(0) > start + NEAR {
                return;
            }
            self.parts
                .retain(|part| part.segment.key != Key::Time || part.segment.last);
            self.insert(new);
            return;
        }
        self.parts
            .retain(|part| part.segment.key != Key::Time || part.segment.last || part.segment.start >= end);
        let known = |part: &Part| settled(part) && part.segment.start <= start + NEAR && end <= part.segment.end + NEAR;
        if new.text.is_empty() || self.parts.iter().any(known) {
            return;
        }
        self.parts
            .retain(|part| !(settled(part) && start <= part.segment.start + NEAR && part.segment.end <= end + NEAR));
        self.insert(new);
    }

    fn take_turn(&mut self, new: Segment) {
        let old = self.parts.iter().position(|part| part.segment.key == new.key);
        let mut grown = Vec::new();
        if let Some(old) = old {
            if self.parts[old].segment.last && !new.last {
                return;
            }
            grown = self.parts.remove(old).grown;
        }
        let count = new.text.split_whitespace().count();
        if grown.last().is_none_or(|&(_, before)| before != count) {
            grown.push((new.end, count));
        }
        if grown.len() > MOST {
            grown.remove(0);
        }
        let at = self.insert(new);
        self.parts[at].grown = grown;
    }

    fn insert(&mut self, segment: Segment) -> usize {
        let at = self.parts.partition_point(|part| part.segment.start <= segment.start);
        let grown = Vec::new();
        self.parts.insert(at, Part { segment, grown });
        at
    }
}

impl Part {
    /// How many words at its front were said up to this place.
    fn spent(&self, place: u64) -> usize {
        let before = self.grown.iter().rev().find(|(end, _)| *end <= place);
        before.map_or(0, |&(_, count)| count)
    }

    fn within(&self, span: &Span) -> String {
        let segment = &self.segment;
        if !segment.words.is_empty() {
            let held = || segment.words.iter().filter(|word| span.holds(word.start, word.end));
            // The whole text is better than its words: it has the service's own spaces.
            return match held().count() {
                0 => String::new(),
                all if all == segment.words.len() => segment.text.trim().to_owned(),
                _ => join(held()),
            };
        }
        match segment.key {
            Key::Time if span.holds(segment.start, segment.end) => segment.text.trim().to_owned(),
            Key::Turn(_) if segment.end > span.begin => {
                let rest: Vec<&str> = segment.text.split_whitespace().skip(self.spent(span.begin)).collect();
                rest.join(" ")
            }
            _ => String::new(),
        }
    }
}

fn join<'a>(words: impl Iterator<Item = &'a Word>) -> String {
    let words: Vec<&str> = words.map(|word| word.text.trim()).collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ALL: Span = Span {
        utterance: Some(1),
        begin: 0,
        floor: 0,
    };

    fn timed(start: u64, end: u64, text: &str, last: bool) -> Segment {
        let step = (end - start) / (text.split_whitespace().count() as u64).max(1);
        let words = text.split_whitespace().enumerate();
        let words = words.map(|(index, word)| Word {
            start: start + index as u64 * step,
            end: start + (index as u64 + 1) * step,
            text: word.to_owned(),
        });
        Segment {
            key: Key::Time,
            start,
            end,
            text: text.to_owned(),
            words: words.collect(),
            last,
        }
    }

    fn turn(number: u64, start: u64, end: u64, text: &str, last: bool) -> Segment {
        Segment {
            key: Key::Turn(number),
            words: Vec::new(),
            ..timed(start, end, text, last)
        }
    }

    fn heard(segments: &[Segment]) -> String {
        let mut assembly = Assembly::default();
        for segment in segments {
            assembly.take(segment.clone());
        }
        assembly.text(&ALL)
    }

    #[test]
    fn interims_give_way_to_finals_and_repetitions_change_nothing() {
        let cases: [(&[Segment], &str); 7] = [
            (
                &[timed(0, 8000, "I one", false), timed(0, 8000, "I want", true)],
                "I want",
            ),
            (
                &[timed(0, 8000, "I want", true), timed(8000, 9000, "tea", false)],
                "I want tea",
            ),
            (
                &[timed(0, 8000, "I want", true), timed(0, 8000, "I want", true)],
                "I want",
            ),
            (
                &[timed(0, 8000, "I want", true), timed(0, 8000, "I wand", false)],
                "I want",
            ),
            (&[timed(0, 8000, "I want", true), timed(7000, 8000, "", true)], "I want"),
            (
                &[timed(0, 8000, "I", true), timed(0, 16000, "I want tea", true)],
                "I want tea",
            ),
            (&[timed(0, 8000, "hm", false), timed(0, 8000, "", true)], ""),
        ];
        for (segments, expected) in cases {
            assert_eq!(heard(segments), expected, "{segments:?}");
        }
    }

    #[test]
    fn a_segment_across_the_begin_gives_only_its_later_words() {
        let mut assembly = Assembly::default();
        assembly.take(timed(0, 40_000, "old words new ones", true));
        let span = Span {
            utterance: Some(2),
            begin: 20_000,
            floor: 18_000,
        };
        assert_eq!(assembly.text(&span), "new ones");
    }

    #[test]
    fn a_turn_that_goes_on_gives_each_utterance_its_own_words() {
        let mut assembly = Assembly::default();
        assembly.take(turn(0, 0, 8000, "book a", false));
        assert!(assembly.is_unsettled(&ALL));
        let between = Span {
            utterance: None,
            begin: 9000,
            floor: 9000,
        };
        assembly.take(turn(0, 0, 8900, "book a table", false));
        assert_eq!(assembly.text(&between), "");
        let next = Span {
            utterance: Some(2),
            begin: 16_000,
            floor: 9000,
        };
        assembly.take(turn(0, 0, 20_000, "Book a table for two", true));
        assert_eq!(assembly.text(&next), "for two");
        assembly.take(turn(0, 0, 21_000, "Book", false));
        assert_eq!(assembly.text(&next), "for two", "late updates change nothing");
        assert_eq!(assembly.turn(0, &next), "for two");
        assert_eq!(assembly.turn(7, &next), "");
    }

    #[test]
    fn what_is_heard_a_second_time_is_not_written_twice() {
        let mut assembly = Assembly::default();
        assembly.take(timed(0, 8000, "one two", true));
        assembly.take(timed(8000, 16_000, "three four", false));
        assembly.cut(12_000);
        assembly.take(timed(12_000, 16_000, "four", true));
        assert_eq!(assembly.text(&ALL), "one two three four");
        assembly.cut(0);
        assert_eq!(assembly.text(&ALL), "");
    }

    proptest! {
        /// However a true transcript is cut into finals, and whatever interims and repetitions stand between them, it comes out whole.
        #[test]
        fn any_cutting_gives_the_same_words(
            cuts in proptest::collection::vec((1usize..5, 0usize..3, any::<bool>(), any::<bool>()), 1..20),
        ) {
            let mut assembly = Assembly::default();
            let (mut place, mut count) = (0u64, 0usize);
            let mut expected: Vec<String> = Vec::new();
            for (words, interims, twice, empty) in cuts {
                let text: Vec<String> = (count..count + words).map(|n| format!("w{n}")).collect();
                let end = place + words as u64 * 4000;
                for interim in 0..interims {
                    let guess = timed(place, place + 4000, &format!("guess{interim}"), false);
                    assembly.take(guess);
                }
                assembly.take(timed(place, end, &text.join(" "), true));
                if twice {
                    assembly.take(timed(place, end, &text.join(" "), true));
                }
                if empty {
                    assembly.take(timed(end, end, "", true));
                }
                expected.extend(text);
                (place, count) = (end, count + words);
            }
            prop_assert_eq!(assembly.text(&ALL), expected.join(" "));
            prop_assert!(!assembly.is_unsettled(&ALL));
        }

        /// A word is given to one utterance at most, wherever the utterances lie.
        #[test]
        fn no_word_is_given_twice(words in 1usize..30, cut in 0u64..130_000, pause in 0u64..20_000) {
            let mut assembly = Assembly::default();
            let text: Vec<String> = (0..words).map(|n| format!("w{n}")).collect();
            assembly.take(timed(0, words as u64 * 4000, &text.join(" "), true));
            let first = Span { utterance: None, begin: 0, floor: 0 };
            let before: Vec<String> = (0..words)
                .filter(|&n| ((n as u64) * 4000).midpoint((n as u64 + 1) * 4000) < cut)
                .map(|n| format!("w{n}"))
                .collect();
            let second = Span { utterance: Some(2), begin: cut + pause, floor: cut };
            let later = assembly.text(&second);
            prop_assert_eq!(assembly.text(&first), text.join(" "));
            for word in before {
                prop_assert!(!later.split(' ').any(|other| other == word), "{} in {}", word, later);
            }
        }

        /// Junk in any order neither panics nor grows without bound.
        #[test]
        fn anything_can_be_taken(
            junk in proptest::collection::vec((any::<u64>(), any::<u64>(), "[a-c ]{0,6}", any::<bool>(), 0u64..4), 0..600),
            begin: u64, floor: u64, from: u64,
        ) {
            let span = Span { utterance: None, begin, floor };
            let mut assembly = Assembly::default();
            for (start, end, text, last, number) in junk {
                let key = if number == 0 { Key::Time } else { Key::Turn(number) };
                let start = start >> 1;
                assembly.take(Segment { key, start, end: end >> 1, text, words: Vec::new(), last });
            }
            prop_assert!(assembly.parts.len() <= MOST);
            let _text = assembly.text(&span);
                assembly.forget(floor);
            assembly.cut(from);
            prop_assert!(!assembly.is_unsettled(&span));
        }
    }
}
