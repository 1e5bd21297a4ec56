//! A model's words cut into pieces that can be spoken one by one, as early as possible and never within a number,
//! an abbreviation or an initial.

use super::speakable::speakable;

/// Cuts one answer; words come in lumps of any size.
#[derive(Debug, Default)]
pub(super) struct Sentences {
    rest: String,
    /// Whether a piece has left already.
    begun: bool,
}

/// The first piece may end at a comma after so many characters: the caller waits for it.
const FIRST_AT_COMMA: usize = 30;
/// A piece that finds no end is cut here.
const LONGEST: usize = 200;

const ABBREVIATIONS: &[&str] = &[
    "dr", "mr", "mrs", "ms", "prof", "st", "jr", "sr", "vs", "etc", "approx", "e.g", "i.e", "a.m", "p.m", "u.s", "inc",
    "ltd", "dept", "ext", "tel", "טל", "מס", "עמ", "רח", "שד",
];

impl Sentences {
    /// Takes more words and appends the pieces that are complete by now.
    pub(super) fn push(&mut self, words: &str, pieces: &mut Vec<String>) {
        self.rest.push_str(words);
        while let Some(end) = self.end() {
            let piece: String = self.rest.drain(..end).collect();
            self.take(&piece, pieces);
        }
    }

    /// There are no more words: what is left is a piece.
    pub(super) fn finish(&mut self, pieces: &mut Vec<String>) {
        let piece = std::mem::take(&mut self.rest);
        self.take(&piece, pieces);
    }

    fn take(&mut self, piece: &str, pieces: &mut Vec<String>) {
        if let Some(piece) = speakable(piece) {
            self.begun = true;
            pieces.push(piece);
        }
    }

    /// Where the first complete piece ends, in bytes.
    fn end(&self) -> Option<usize> {
        let mut length = 0;
        let mut gap = None;
        let mut letters = self.rest.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            length += 1;
            let after = at + letter.len_utf8();
            match letter {
                '\n' => return Some(after),
                '.' | '?' | '!' | '…' | ':' => {
                    // A run of signs ends with the last of them, and quotation marks belong to it.
                    let run = &self.rest[after..];
                    let signs = run.len()
                        - run
                            .trim_start_matches(['.', '?', '!', '…', '"', '”', '\'', ')', '*'])
                            .len();
                    let follows = run[signs..].chars().next();
                    let alone = letter != '.' || signs > 0 || !self.is_short(at);
                    if follows.is_some_and(char::is_whitespace) && alone {
                        return Some(after + signs);
                    }
                }
                ',' | ';'
                    if !self.begun
                        && length >= FIRST_AT_COMMA
                        && letters.peek().is_some_and(|(_, next)| next.is_whitespace()) =>
                {
                    return Some(after);
                }
                letter if letter.is_whitespace() => gap = Some(after),
                _ => {}
            }
            if length >= LONGEST {
                return Some(gap.unwrap_or(after));
            }
        }
        None
    }

    /// Whether the full stop at `at` belongs to an abbreviation, an initial or the number of an item.
    fn is_short(&self, at: usize) -> bool {
        let before = &self.rest[..at];
        let start = before.rfind(char::is_whitespace).map_or(0, |space| space + 1);
        let word = before
            .get(start..)
            .unwrap_or(before)
            .trim_start_matches(|letter: char| !letter.is_alphanumeric())
            .to_lowercase();
        let is_item = before.trim_start().len() == word.len() && word.chars().all(|letter| letter.is_ascii_digit());
        let is_initial = word.chars().count() == 1 && word != "i" && word.chars().all(char::is_alphabetic);
        is_item || is_initial || ABBREVIATIONS.contains(&word.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn cut(text: &str, lump: usize) -> Vec<String> {
        let (mut sentences, mut pieces) = (Sentences::default(), Vec::new());
        let letters: Vec<char> = text.chars().collect();
        for lump in letters.chunks(lump) {
            sentences.push(&lump.iter().collect::<String>(), &mut pieces);
        }
        sentences.finish(&mut pieces);
        pieces
    }

    #[test]
    fn pieces_end_where_sentences_do() {
        let cases: [(&str, &[&str]); 9] = [
            ("Hello. How are you? Fine!", &["Hello.", "How are you?", "Fine!"]),
            ("It is 3.5 percent. Really?!", &["It is 3.5 percent.", "Really?!"]),
            ("Dr. Levi and J. Smith are in.", &["Dr. Levi and J. Smith are in."]),
            ("שלום. מה שלומך? טוב… נמשיך", &["שלום.", "מה שלומך?", "טוב…", "נמשיך"]),
            (
                "Two things:\n1. Price. \n2. Place.",
                &["Two things:", "1. Price.", "2. Place."],
            ),
            ("Wait... what", &["Wait...", "what"]),
            ("He said \"no.\" Then he left.", &["He said \"no.\"", "Then he left."]),
            ("Open at 10:30 or 11:00.", &["Open at 10:30 or 11:00."]),
            (
                "Well, as far as I can see right now, there is one, but it is small.",
                &["Well, as far as I can see right now,", "there is one, but it is small."],
            ),
        ];
        for (text, expected) in cases {
            for lump in [1, 3, 1000] {
                assert_eq!(cut(text, lump), expected, "{text} by {lump}");
            }
        }
    }

    #[test]
    fn the_first_piece_leaves_before_its_sentence_is_whole() {
        let (mut sentences, mut pieces) = (Sentences::default(), Vec::new());
        sentences.push("I have looked at the calendar just now, and ", &mut pieces);
        assert_eq!(pieces, ["I have looked at the calendar just now,"]);
        sentences.push("there is room. And", &mut pieces);
        assert_eq!(pieces[1..], ["and there is room."]);
    }

    #[test]
    fn what_never_ends_is_cut_between_words() {
        let pieces = cut(&"word ".repeat(100), 7);
        assert!(pieces.len() >= 2);
        for piece in pieces {
            assert!(piece.chars().count() <= LONGEST);
            assert!(piece.split(' ').all(|word| word == "word"), "{piece}");
        }
        assert!(cut(&"א".repeat(450), 450).len() == 3);
    }

    proptest! {
        #[test]
        fn no_word_is_lost_whatever_the_lumps(text in "[a-z .,?!:\n]{0,300}", lump in 1_usize..50) {
            let words = |text: &str| text.split_whitespace().filter(|word| word.contains(char::is_alphanumeric))
                .map(str::to_owned).collect::<Vec<_>>();
            let spoken = cut(&text, lump).iter().flat_map(|piece| words(piece)).collect::<Vec<_>>();
            prop_assert_eq!(spoken, words(&text));
        }

        #[test]
        fn anything_can_be_cut(text in ".{0,400}", lump in 1_usize..50) {
            cut(&text, lump);
        }
    }
}
