//! The words of a piece: whether they can be spoken, and how a long text is cut to what a service takes.

/// Whether there is anything in it that a voice can say; dots and spaces alone are not.
pub(super) fn speakable(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric)
}

/// Parts of at most `limit` characters that make up the text, cut behind a sentence, else behind a clause, else between words,
/// and only where there is no other way within one. Parts that cannot be spoken are left out.
pub(super) fn split(text: &str, limit: usize) -> Vec<&str> {
    let limit = limit.max(1);
    let mut parts = Vec::new();
    let mut rest = text.trim();
    while let Some((end, _)) = rest.char_indices().nth(limit) {
        let at = cut(rest, end);
        parts.push(rest[..at].trim_end());
        rest = rest[at..].trim_start();
    }
    parts.push(rest);
    parts.retain(|part| speakable(part));
    parts
}

/// The text with exactly one space behind it: services join what they are sent letter by letter.
pub(super) fn spaced(text: &str) -> String {
    format!("{} ", text.trim())
}

/// Where to cut so that at most `end` bytes stand before it.
fn cut(text: &str, end: usize) -> usize {
    let head = &text[..end];
    // A cut in the first quarter would make many small parts of a text without punctuation.
    let least = end / 4;
    for stops in [
        &['.', '!', '?', '。', '？', '！', '\n'][..],
        &[',', ';', ':', '،', '、'][..],
    ] {
        let found = head
            .char_indices()
            .rev()
            .find(|&(at, c)| stops.contains(&c) && ends_word(text, at + c.len_utf8()))
            .map(|(at, c)| at + c.len_utf8());
        if let Some(at) = found.filter(|&at| at > least) {
            return at;
        }
    }
    match text[end..].starts_with(char::is_whitespace) {
        true => end,
        false => head.rfind(char::is_whitespace).filter(|&at| at > 0).unwrap_or(end),
    }
}

/// A stop ends something where no letter follows at once: `3.5` and `10:30` stay whole. Scripts without spaces are let off.
fn ends_word(text: &str, at: usize) -> bool {
    !text[at..].starts_with(|c: char| c.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_can_be_spoken() {
        for (text, can) in [
            ("…", false),
            (" - ", false),
            ("", false),
            ("7", true),
            ("כן", true),
            ("?", false),
        ] {
            assert_eq!(speakable(text), can, "{text}");
        }
    }

    #[test]
    fn cuts_fall_behind_sentences_then_clauses_then_words() {
        assert_eq!(
            split("One two. Three four, five.", 20),
            ["One two.", "Three four, five."]
        );
        assert_eq!(split("It costs 3.5 or 10:30 now", 14), ["It costs 3.5", "or 10:30 now"]);
        assert_eq!(split("first part, second", 14), ["first part,", "second"]);
        assert_eq!(split("abcdefghij", 4), ["abcd", "efgh", "ij"]);
        assert_eq!(split("שלום לכם. מה נשמע?", 10), ["שלום לכם.", "מה נשמע?"]);
        assert_eq!(split("  hi  ", 100), ["hi"]);
        assert!(split("… …", 2).is_empty());
    }

    proptest! {
        #[test]
        fn nothing_that_can_be_spoken_is_lost_and_no_part_is_too_long(text in "\\PC{0,200}", limit in 1usize..40) {
            let parts = split(&text, limit);
            prop_assert!(parts.iter().all(|part| part.chars().count() <= limit && speakable(part)));
            let letters = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
            prop_assert_eq!(letters(&parts.concat()), letters(&text));
        }
    }
}
