//! From an offset in a scalar's text to the offset in the file, through quotes, escapes and folded lines.

use super::super::source::Span;
use super::super::yaml::Style;

/// For every byte of a scalar's text, and one past its end, the byte of the file it was written as.
pub struct Offsets {
    map: Vec<usize>,
}

impl Offsets {
    /// Lines a scalar's text up with its `raw` bytes, which begin at `start` in the file.
    ///
    /// White space is what folding changes, so a blank in the text may stand for a line break or for nothing; every
    /// other character is found in order.
    pub fn new(text: &str, raw: &str, start: usize, style: Style) -> Self {
        let quoted = matches!(style, Style::Single | Style::Double);
        let mut at = usize::from(quoted && !raw.is_empty());
        let mut map = Vec::with_capacity(text.len() + 1);
        for character in text.chars() {
            if !character.is_whitespace() {
                at = skip_blank(raw, at, style);
            }
            map.extend(std::iter::repeat_n(start + at.min(raw.len()), character.len_utf8()));
            let (written, length) = character_at(raw, at, style);
            if !character.is_whitespace() || written == Some(character) {
                at += length;
            }
        }
        map.push(start + at.min(raw.len()));
        Self { map }
    }

    /// Where a span of the text stands in the file.
    pub fn span(&self, start: usize, end: usize) -> Span {
        let last = self.map.len().saturating_sub(1);
        let (start, end) = (start.min(last), end.min(last));
        let from = self.map.get(start).copied().unwrap_or(0);
        let to = self.map.get(end).copied().unwrap_or(from);
        Span::new(from, to)
    }
}

/// Steps over white space and escaped line breaks.
fn skip_blank(raw: &str, mut at: usize, style: Style) -> usize {
    loop {
        match character_at(raw, at, style) {
            (Some(character), length) if character.is_whitespace() => at += length,
            (None, length) if length > 0 => at += length,
            _ => return at,
        }
    }
}

/// The character written at an offset and its length in bytes. No character, but a length, is an escaped line break.
fn character_at(raw: &str, at: usize, style: Style) -> (Option<char>, usize) {
    let Some(rest) = raw.get(at..) else {
        return (None, 0);
    };
    let Some(first) = rest.chars().next() else {
        return (None, 0);
    };
    match style {
        Style::Single if rest.starts_with("''") => (Some('\''), 2),
        Style::Double if first == '\\' => escape(rest),
        _ => (Some(first), first.len_utf8()),
    }
}

/// An escape of a double-quoted scalar (YAML 1.2.2, 5.7).
fn escape(rest: &str) -> (Option<char>, usize) {
    let Some(kind) = rest.chars().nth(1) else {
        return (None, 0);
    };
    let hex = |digits: usize| {
        let code = rest
            .get(2..2 + digits)
            .and_then(|text| u32::from_str_radix(text, 16).ok());
        (code, 2 + digits)
    };
    let character = match kind {
        '\n' | '\r' => return (None, 1 + kind.len_utf8()),
        'n' => '\n',
        't' | '\t' => '\t',
        'r' => '\r',
        '0' => '\0',
        'N' => '\u{85}',
        '_' => '\u{a0}',
        'x' | 'u' | 'U' => {
            let (code, length) = hex(match kind {
                'x' => 2,
                'u' => 4,
                _ => 8,
            });
            // The two halves of a surrogate pair make one character.
            let pair = matches!(code, Some(0xd800..=0xdbff)) && rest.get(length..length + 2) == Some("\\u");
            let character = code.and_then(char::from_u32).unwrap_or('\u{fffd}');
            return (Some(character), if pair { length * 2 } else { length });
        }
        other => other,
    };
    (Some(character), 1 + kind.len_utf8())
}

#[cfg(test)]
mod tests {
    use super::super::super::finding::Findings;
    use super::super::super::source::Source;
    use super::super::super::yaml;
    use super::*;
    use proptest::prelude::*;

    /// Where the needle of the value of `k` stands, as `line:column`.
    fn find(document: &str, needle: &str) -> String {
        let source = Source::new("a", document);
        let mut findings = Findings::new();
        let root = yaml::parse(&source, &mut findings).root.unwrap();
        assert!(findings.is_empty(), "{findings:?}");
        let node = root.key("k").unwrap();
        let scalar = node.scalar().unwrap();
        let raw = &document[node.span.start..node.span.end];
        let at = scalar.text.find(needle).unwrap();
        let offsets = Offsets::new(&scalar.text, raw, node.span.start, scalar.style);
        let span = offsets.span(at, at + needle.len());
        let place = source.position(span.start);
        format!("{}:{} {:?}", place.line, place.column, &document[span.start..span.end])
    }

    #[test]
    fn places_inside_every_style_of_scalar() {
        let cases = [
            ("k: שלום {{ a.b }}\n", "a.b", "1:12 \"a.b\""),
            ("k: 'it''s {{ a.b }}'\n", "a.b", "1:14 \"a.b\""),
            ("k: \"\\u05e9\\n{{ a.b }} \\\"x\"\n", "a.b", "1:16 \"a.b\""),
            ("k: \"\\uD834\\uDD1E{{ a.b }}\"\n", "a.b", "1:20 \"a.b\""),
            ("k: \"one \\\n   {{ a.b }}\"\n", "a.b", "2:7 \"a.b\""),
            ("k: |\n  one\n\n   {{ a.b }}\n", "a.b", "4:7 \"a.b\""),
            ("k: >-\n  one\n  two\n  {{ a.b }}\n", "a.b", "4:6 \"a.b\""),
            ("k: one\n  two\n  {{ a.b }}\n", "a.b", "3:6 \"a.b\""),
            ("k: !!str \"{{ a.b }}\"\n", "a.b", "1:14 \"a.b\""),
            ("k: &x \"{{ a.b }}\"\n", "a.b", "1:11 \"a.b\""),
        ];
        for (document, needle, expected) in cases {
            assert_eq!(find(document, needle), expected, "{document}");
        }
    }

    proptest! {
        #[test]
        fn what_is_not_blank_is_found_in_a_quoted_text(text in "[a-z\"'\\\\א \\n]{0,30}") {
            let raw = serde_json::to_string(&text).unwrap();
            let offsets = Offsets::new(&text, &raw, 7, Style::Double);
            for (at, character) in text.char_indices().filter(|(_, c)| c.is_alphabetic()) {
                let span = offsets.span(at, at + character.len_utf8());
                let mut rest = raw[span.start - 7..].chars();
                prop_assert_eq!(rest.next(), Some(character));
            }
        }

        #[test]
        fn texts_that_do_not_belong_together_do_not_panic(text in "\\PC{0,20}", raw in "\\PC{0,20}") {
            for style in [Style::Plain, Style::Single, Style::Double, Style::Literal, Style::Folded] {
                let offsets = Offsets::new(&text, &raw, 0, style);
                prop_assert!(offsets.span(0, text.len() + 9).end <= raw.len());
            }
        }
    }
}
