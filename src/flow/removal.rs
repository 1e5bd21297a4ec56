//! Taking an entry out of a map, or a comment out of its line, with all that would be left behind.

use super::source::{Source, Span};

/// The bytes to delete so that an entry is gone: its lines where it has lines of its own, else the part between commas.
///
/// None where a comment would be deleted with it, or would be left behind without what it is about.
pub fn entry(source: &Source, key: Span, value: Span) -> Option<Span> {
    let text = source.text();
    let end = value.end.max(key.end);
    let line = line_start(text, key.start);
    let span = if text[line..key.start].bytes().all(|byte| byte == b' ') {
        let rest = text[end..].split('\n').next().unwrap_or_default();
        if !text[..end].ends_with('\n') && !matches!(rest.trim(), "" | ":") {
            return None;
        }
        let above = text[..line].lines().next_back().unwrap_or_default();
        if above.trim_start().starts_with('#') {
            return None;
        }
        Span::new(
            line,
            if text[..end].ends_with('\n') {
                end
            } else {
                (end + rest.len() + 1).min(text.len())
            },
        )
    } else {
        let before = text[..key.start].trim_end_matches([' ', '\t']);
        let after = &text[end..];
        let comma = after.len() - after.trim_start_matches([' ', '\t']).len();
        if before.ends_with(',') {
            Span::new(before.len() - 1, end)
        } else if after[comma..].starts_with(',') {
            let rest = &after[comma + 1..];
            let white = rest.len() - rest.trim_start_matches([' ', '\t']).len();
            Span::new(key.start, end + comma + 1 + white)
        } else if before.ends_with('{') {
            Span::new(key.start, end)
        } else {
            return None;
        }
    };
    (!text[span.start..span.end].contains('#')).then_some(span)
}

/// The bytes to delete so that a comment is gone: its whole line, or itself with the white space before it.
pub fn comment(source: &Source, comment: Span) -> Span {
    let text = source.text();
    let before = text[..comment.start].trim_end_matches([' ', '\t']);
    if !before.is_empty() && !before.ends_with('\n') {
        return Span::new(before.len(), comment.end);
    }
    let rest = text[comment.end..]
        .find('\n')
        .map_or(text.len(), |at| comment.end + at + 1);
    Span::new(before.len(), rest)
}

fn line_start(text: &str, at: usize) -> usize {
    text[..at].rfind('\n').map_or(0, |at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The text without the entry of which the key and value are given.
    fn without(text: &str, key: &str, value: &str) -> Option<String> {
        let source = Source::new("a.yaml", text);
        let key = text.rfind(key).map(|at| Span::new(at, at + key.len())).unwrap();
        let at = key.end + text[key.end..].find(value).unwrap();
        let span = entry(&source, key, Span::new(at, at + value.len()))?;
        Some(format!("{}{}", &text[..span.start], &text[span.end..]))
    }

    #[test]
    fn an_entry_goes_with_its_line_or_its_comma() {
        let cases = [
            ("a: 1\nb: 2\nc: 3\n", "b", "2", Some("a: 1\nc: 3\n")),
            ("a: 1\r\nb: 2\r\nc: 3\r\n", "b", "2", Some("a: 1\r\nc: 3\r\n")),
            ("a: 1\nb: 2", "b", "2", Some("a: 1\n")),
            ("a: 1\nb:\n  c: 2\nd: 3\n", "b", "c: 2", Some("a: 1\nd: 3\n")),
            ("a: 1\nb: |\n  x\nd: 3\n", "b", "x\n", Some("a: 1\nd: 3\n")),
            ("{a: 1, b: 2}", "b", "2", Some("{a: 1}")),
            ("{a: 1 , b: 2, c: 3}", "b", "2", Some("{a: 1 , c: 3}")),
            ("{ a: 1, b: 2}", "a", "1", Some("{ b: 2}")),
            ("{a: 1}", "a", "1", Some("{}")),
            ("a: 1\nb: 2 # why\n", "b", "2", None),
            ("# about b\nb: 2\n", "b:", "2", None),
            ("- b: 2\n  c: 3\n", "b", "2", None),
        ];
        for (text, key, value, wanted) in cases {
            assert_eq!(without(text, key, value).as_deref(), wanted, "{text}");
        }
    }

    #[test]
    fn a_comment_goes_with_its_line_or_the_space_before_it() {
        for (text, wanted) in [
            ("a: 1  # x\nb: 2\n", "a: 1\nb: 2\n"),
            ("a: 1\n  # x\nb: 2\n", "a: 1\nb: 2\n"),
            ("# x\nb: 2\n", "b: 2\n"),
            ("a: 1\n# x", "a: 1\n"),
        ] {
            let source = Source::new("a.yaml", text);
            let at = text.find('#').unwrap();
            let span = comment(&source, Span::new(at, at + 3));
            assert_eq!(format!("{}{}", &text[..span.start], &text[span.end..]), wanted);
        }
    }
}
