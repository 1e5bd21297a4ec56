//! What words tell about a turn: is the sentence whole, is it only a nod, is it what was said before?
//! Hebrew and English; other languages are judged by their punctuation.

/// Ends an answer at once, where the caller says nothing else.
pub(super) const STOP: &[&str] = &[
    "stop",
    "wait",
    "hold on",
    "no no",
    "one moment",
    "just a moment",
    "listen",
    "עצור",
    "עצרי",
    "רגע",
    "חכה",
    "חכי",
    "תעצור",
    "תעצרי",
    "די",
    "שנייה",
    "לא לא",
];

/// Said by one who listens.
pub(super) const BACKCHANNELS: &[&str] = &[
    "yes",
    "yeah",
    "yep",
    "ok",
    "okay",
    "right",
    "sure",
    "i see",
    "uh huh",
    "mm hm",
    "mhm",
    "mm",
    "hm",
    "hmm",
    "aha",
    "ah",
    "oh",
    "got it",
    "כן",
    "אהה",
    "אה",
    "אוקיי",
    "אוקי",
    "בסדר",
    "טוב",
    "נכון",
    "הבנתי",
    "אממ",
    "המ",
    "מממ",
    "מצוין",
];

/// Words after which more is to come.
const LEADING_ON: &[&str] = &[
    "and",
    "but",
    "or",
    "because",
    "so",
    "if",
    "that",
    "the",
    "a",
    "an",
    "to",
    "of",
    "with",
    "for",
    "from",
    "at",
    "in",
    "on",
    "my",
    "is",
    "are",
    "um",
    "uh",
    "er",
    "erm",
    "hmm",
    "like",
    "ו",
    "או",
    "אבל",
    "כי",
    "אז",
    "אם",
    "של",
    "את",
    "עם",
    "על",
    "אל",
    "ש",
    "כש",
    "גם",
    "רק",
    "אה",
    "אהה",
    "אמ",
    "אממ",
    "כאילו",
    "בשביל",
    "לגבי",
    "בגלל",
    "הוא",
    "היא",
    "זה",
];

const NUMBERS: &[&str] = &[
    "zero",
    "oh",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "double",
    "אפס",
    "אחת",
    "שתיים",
    "שלוש",
    "ארבע",
    "חמש",
    "שש",
    "שבע",
    "שמונה",
    "תשע",
];

/// How whole a sentence is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Finished,
    /// It cannot be told.
    Open,
    /// Ends in digits or in a row of spoken ones.
    Digits,
    Unfinished,
}

/// The shape of what was said so far.
pub(super) fn shape(text: &str) -> Shape {
    let text = text.trim();
    let spoken = bare(text);
    let Some(last) = spoken.last() else {
        return Shape::Open;
    };
    let is_number =
        |word: &String| word.chars().all(|letter| letter.is_ascii_digit()) || NUMBERS.contains(&word.as_str());
    let row = spoken.iter().rev().take_while(|word| is_number(word)).count();
    if last.chars().all(|letter| letter.is_ascii_digit()) || row >= 2 {
        return Shape::Digits;
    }
    let end = text.trim_end_matches(['"', '\'', ')', '”', '״']);
    if end.ends_with("...") || end.ends_with(['…', ',', ';', ':', '-', '–']) {
        return Shape::Unfinished;
    }
    match end.ends_with(['.', '?', '!']) {
        true => Shape::Finished,
        false if LEADING_ON.contains(&last.as_str()) => Shape::Unfinished,
        false => Shape::Open,
    }
}

/// The words alone: no punctuation, no capitals.
pub(super) fn bare(text: &str) -> Vec<String> {
    let gap = |letter: char| !(letter.is_alphanumeric() || "'’\"״׳".contains(letter));
    let inner = |word: &str| -> String { word.chars().filter(|c| c.is_alphanumeric()).collect() };
    text.to_lowercase()
        .split(gap)
        .map(inner)
        .filter(|word| !word.is_empty())
        .collect()
}

/// Whether two texts hold the same words.
pub(super) fn same(one: &str, other: &str) -> bool {
    bare(one) == bare(other)
}

/// Whether there is nothing here but these phrases. Not where there are no words at all.
pub(super) fn only<P: AsRef<str>>(text: &str, phrases: &[P]) -> bool {
    let spoken = bare(text);
    let phrases: Vec<Vec<String>> = phrases.iter().map(|phrase| bare(phrase.as_ref())).collect();
    let mut rest = spoken.as_slice();
    while !rest.is_empty() {
        // The longest first: `uh huh` is one phrase.
        let fitting = phrases
            .iter()
            .filter(|phrase| !phrase.is_empty() && rest.starts_with(phrase));
        match fitting.map(Vec::len).max() {
            Some(length) => rest = &rest[length..],
            None => return false,
        }
    }
    !spoken.is_empty()
}

/// Whether the text begins with one of these phrases.
pub(super) fn begins<P: AsRef<str>>(text: &str, phrases: &[P]) -> bool {
    let spoken = bare(text);
    phrases.iter().any(|phrase| {
        let phrase = bare(phrase.as_ref());
        !phrase.is_empty() && spoken.starts_with(&phrase)
    })
}

/// How alike two rows of words are, from 0 to 1: twice the longest common row over both lengths.
pub(super) fn likeness(one: &[String], other: &[String]) -> f32 {
    if one.is_empty() || other.is_empty() {
        return 0.0;
    }
    let mut row = vec![0_u32; other.len() + 1];
    for word in one {
        let mut diagonal = 0;
        for (index, theirs) in other.iter().enumerate() {
            let above = row[index + 1];
            row[index + 1] = if word == theirs {
                diagonal + 1
            } else {
                above.max(row[index])
            };
            diagonal = above;
        }
    }
    2.0 * row[other.len()] as f32 / (one.len() + other.len()) as f32
}

/// Whether `part` stands in `whole`, nearly word for word.
pub(super) fn stands_in(part: &[String], whole: &[String], similar: f32) -> bool {
    match part.len() {
        0 => false,
        length if length >= whole.len() => likeness(part, whole) >= similar,
        length => whole.windows(length).any(|window| likeness(part, window) >= similar),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shape_of_a_sentence_is_told_by_its_end() {
        let cases = [
            ("I want a flat in Haifa.", Shape::Finished),
            ("אפשר לדבר עם מישהו?", Shape::Finished),
            ("I want a flat", Shape::Open),
            ("I want a flat and", Shape::Unfinished),
            ("אני מחפש דירה אבל", Shape::Unfinished),
            ("well, um", Shape::Unfinished),
            ("first,", Shape::Unfinished),
            ("I think…", Shape::Unfinished),
            ("my number is 052 123.", Shape::Digits),
            ("אפס חמש שתיים", Shape::Digits),
            ("that is the one", Shape::Open),
            ("", Shape::Open),
            ("...", Shape::Open),
        ];
        for (text, expected) in cases {
            assert_eq!(shape(text), expected, "{text}");
        }
    }

    #[test]
    fn a_nod_is_a_nod_only_where_nothing_else_is_said() {
        let cases = [
            ("Mm-hm.", true),
            ("כן, כן.", true),
            ("yeah okay", true),
            ("yes but", false),
            ("כן אבל רגע", false),
            ("", false),
        ];
        for (text, expected) in cases {
            assert_eq!(only(text, BACKCHANNELS), expected, "{text}");
        }
        assert!(begins("Wait, what?", STOP) && !begins("I will wait", STOP));
    }

    #[test]
    fn likeness_is_of_words_and_their_order() {
        let like = |one: &str, other: &str| likeness(&bare(one), &bare(other));
        assert_eq!(like("Could you say that again?", "could you say that again"), 1.0);
        assert_eq!(like("yes", "no"), 0.0);
        assert_eq!(like("", ""), 0.0);
        assert!(like("a b c d", "d c b a") < 0.5);
        let whole = bare("Good morning, you have reached the office of Levi. How can I help?");
        assert!(stands_in(&bare("reached the office of levi"), &whole, 0.85));
        assert!(!stands_in(&bare("I have a question about the office"), &whole, 0.85));
        assert!(same("It's  fine!", "its fine") && !same("fine", "find"));
    }
}
