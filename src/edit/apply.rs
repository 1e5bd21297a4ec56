//! Edits on the bytes of a text.

use crate::flow::Edit;

/// The text with all edits made; what lies outside of them stays as it is to the byte. An edit that is given twice is
/// made once.
///
/// None where two edits overlap, or one of them lies outside of the text or inside a character.
pub fn apply<'a>(text: &str, edits: impl IntoIterator<Item = &'a Edit>) -> Option<String> {
    let mut edits: Vec<&Edit> = edits.into_iter().collect();
    edits.sort_by_key(|edit| edit.place.span());
    edits.dedup();
    let mut out = String::with_capacity(text.len());
    let mut at = 0;
    for edit in edits {
        let span = edit.place.span();
        // Two insertions at one place have no order of their own, but for an edit that begins where one ends.
        if span.start < at {
            return None;
        }
        out.push_str(text.get(at..span.start)?);
        text.get(span.start..span.end)?;
        out.push_str(&edit.text);
        at = span.end;
    }
    out.push_str(text.get(at..)?);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Place, Source, Span};
    use proptest::prelude::*;

    fn edit(text: &str, start: usize, end: usize, new: &str) -> Edit {
        Edit {
            place: Place::new(&Source::new("a.yaml", text), Span::new(start, end)),
            text: new.to_owned(),
        }
    }

    #[test]
    fn edits_are_made_in_the_order_of_their_places_and_once() {
        let text = "one two three";
        let edits = [
            edit(text, 8, 13, "3"),
            edit(text, 0, 3, "1"),
            edit(text, 8, 13, "3"),
            edit(text, 7, 7, "!"),
        ];
        assert_eq!(apply(text, &edits).as_deref(), Some("1 two! 3"));
        assert_eq!(apply(text, &[edit(text, 0, 5, "x"), edit(text, 3, 7, "y")]), None);
        let short = "שלום";
        assert_eq!(apply(short, &[edit("longer than that", 9, 12, "")]), None);
        assert_eq!(apply(short, &[edit("abcdefgh", 1, 3, "")]), None);
    }

    proptest! {
        #[test]
        fn nothing_outside_of_an_edit_changes(text in "\\PC{0,30}", from in 0..40_usize, to in 0..40_usize, new in "\\PC{0,5}") {
            let edit = edit(&text, from.min(to), from.max(to), &new);
            let span = edit.place.span();
            let out = apply(&text, [&edit]).expect("a place lies in its text");
            prop_assert_eq!(&out[..span.start], &text[..span.start]);
            prop_assert_eq!(&out[span.start..span.start + new.len()], &new);
            prop_assert_eq!(&out[span.start + new.len()..], &text[span.end..]);
        }
    }
}
