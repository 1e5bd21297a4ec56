//! What a step or an agent means once it is read: equal for all ways of writing the same thing.
//!
//! The forms of step kinds are private to them, and all they show is their `Debug` text. That text holds every value with
//! its default filled in and every shorthand resolved; without the places in it, equal texts are equal behaviour.

use std::fmt::{Debug, Write};

/// The value's meaning, to be compared and for nothing else.
pub fn of(value: &dyn Debug) -> String {
    let mut text = String::new();
    // Writing to a string does not fail.
    let _written = write!(text, "{value:?}");
    without_places(&text)
}

/// Takes out `Place(file:1:2)` and the numbers of sections, wherever they are not a part of somebody's text.
fn without_places(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let taken = match c {
            '"' => quoted(rest, '"'),
            '\'' => quoted(rest, '\''),
            _ if begins_word(&out) && rest.starts_with("Place(") => {
                rest = &rest[place(rest)..];
                continue;
            }
            _ if begins_word(&out) && rest.starts_with("section: ") => {
                rest = rest["section: ".len()..].trim_start_matches(|c: char| c.is_ascii_digit());
                continue;
            }
            c => c.len_utf8(),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    out
}

fn begins_word(before: &str) -> bool {
    !before.ends_with(|c: char| c.is_alphanumeric() || c == '_')
}

/// The length of the literal at the start, its marks included.
fn quoted(text: &str, mark: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            c if c == mark => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}

/// The length of the place at the start: to the first `:line:column)`.
fn place(text: &str) -> usize {
    let ends = text.match_indices(')').find(|(at, _)| {
        let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
        let mut parts = text[..*at].rsplitn(3, ':');
        parts.next().is_some_and(digits) && parts.next().is_some_and(digits)
    });
    ends.map_or(text.len(), |(at, _)| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_go_and_texts_stay() {
        let cases = [
            (
                r#"Located { value: "a", place: Place(f.yaml:1:2) }"#,
                r#"Located { value: "a", place:  }"#,
            ),
            (
                r#"Template("Place(f.yaml:1:2) \" Place(g:3:4)")"#,
                r#"Template("Place(f.yaml:1:2) \" Place(g:3:4)")"#,
            ),
            ("Place(a (1).yaml:10:2), 1", ", 1"),
            ("Part { section: 12, ends: [] }", "Part { , ends: [] }"),
            ("MyPlace(1) '\"' Place(x:1:1)", "MyPlace(1) '\"' "),
        ];
        for (text, want) in cases {
            assert_eq!(without_places(text), want);
        }
    }
}
