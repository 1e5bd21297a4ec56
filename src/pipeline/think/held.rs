//! The beginning of an answer, held until there is something to speak: so long another model can take over, and the caller
//! does not notice. Nobody waits for it, since less than that is not spoken anyway.

use crate::providers::think::Thought;

/// So many characters are told, whether or not a sentence ends there.
const ENOUGH: usize = 40;
/// A comma ends what can be spoken after so many.
const AT_COMMA: usize = 30;

/// What a model has said and nobody was told.
#[derive(Debug, Default)]
pub(super) struct Held {
    thoughts: Vec<Thought>,
    /// The words among them.
    text: String,
    /// There was enough of it: everything is told at once from now on.
    pub(super) begun: bool,
}

impl Held {
    /// Takes one more; gives what is to be told now.
    pub(super) fn take(&mut self, thought: Thought) -> Vec<Thought> {
        if let (Thought::Text(text), false) = (&thought, self.begun) {
            self.text.push_str(text);
            self.begun = is_enough(&self.text);
        }
        self.thoughts.push(thought);
        match self.begun {
            true => self.rest(),
            false => Vec::new(),
        }
    }

    /// All that was not told.
    pub(super) fn rest(&mut self) -> Vec<Thought> {
        std::mem::take(&mut self.thoughts)
    }

    /// Whether the model has neither said nor wished anything.
    pub(super) fn is_empty(&self) -> bool {
        !self.begun && self.thoughts.is_empty()
    }

    /// Whether what is held can stand by itself, though the model did not come to its end.
    pub(super) fn is_whole(&self) -> bool {
        let text = self.text.trim_end_matches(is_closing);
        has_words(text) && text.ends_with(is_end)
    }
}

/// Never later than the conversation finds a piece to be spoken.
fn is_enough(text: &str) -> bool {
    if !has_words(text) {
        return false;
    }
    let (mut ended, mut count) = (false, 0);
    for letter in text.chars() {
        count += 1;
        let piece = match letter {
            '\n' => true,
            ',' | ';' => count >= AT_COMMA,
            letter if is_end(letter) => true,
            letter if is_closing(letter) => ended && !letter.is_whitespace(),
            _ => false,
        };
        if count >= ENOUGH || letter == '\n' || (ended && letter.is_whitespace()) {
            return true;
        }
        ended = piece;
    }
    false
}

fn is_end(letter: char) -> bool {
    matches!(letter, '.' | '?' | '!' | '…' | ':')
}

/// What may stand between the end of a sentence and the next one.
fn is_closing(letter: char) -> bool {
    letter.is_whitespace() || matches!(letter, '"' | '”' | '\'' | ')' | '*')
}

fn has_words(text: &str) -> bool {
    text.contains(char::is_alphanumeric)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(lumps: &[&str]) -> Vec<usize> {
        let mut held = Held::default();
        let told = |lump: &&str| held.take(Thought::Text((*lump).to_owned())).len();
        lumps.iter().map(told).collect()
    }

    #[test]
    fn the_beginning_is_held_until_it_can_be_spoken() {
        let cases: [(&[&str], &[usize]); 8] = [
            (&["Good", " day", ".", " How"], &[0, 0, 0, 4]),
            (&["He said \"no.\"", " Then"], &[0, 2]),
            (&["It is 3.5 percent"], &[0]),
            (&["One\n", "two"], &[1, 1]),
            (&["Well, so"], &[0]),
            (&["Well, as far as I can see now,", " so"], &[0, 2]),
            (&["there is no sign in this at all but", " it is long"], &[0, 2]),
            (&["** ", "\n", "… "], &[0, 0, 0]),
        ];
        for (lumps, expected) in cases {
            assert_eq!(told(lumps), expected, "{lumps:?}");
        }
    }

    #[test]
    fn a_sentence_that_is_whole_can_stand() {
        for (text, whole) in [
            ("Yes.", true),
            ("\"Yes!\" ", true),
            ("Yes", false),
            ("…", false),
            ("", false),
        ] {
            let mut held = Held::default();
            held.take(Thought::Text(text.to_owned()));
            assert_eq!(held.is_whole(), whole, "{text}");
        }
    }
}
