//! Which value of a document a place lies in, for findings that say only where.

use crate::flow::{Node, Span, Value};

/// The keys, and numbers of items, from the root to the innermost value that holds the span; for a key, to its value.
pub(super) fn path_to(root: &Node, span: Span) -> Vec<String> {
    let mut path = Vec::new();
    let mut here = Some(root);
    while let Some(node) = here {
        here = match &node.value {
            Value::Map(entries) => entries
                .iter()
                .find(|entry| holds(entry.key.span, span) || holds(entry.value.span, span))
                .and_then(|entry| {
                    path.push(entry.key.text.clone());
                    holds(entry.value.span, span).then_some(&entry.value)
                }),
            Value::Seq(items) => items
                .iter()
                .enumerate()
                .find(|(_, item)| holds(item.span, span))
                .map(|(at, item)| {
                    path.push(at.to_string());
                    item
                }),
            _ => None,
        };
    }
    path
}

/// Whether one span lies in another. An empty one marks a file as a whole, or something missing, and lies in none.
fn holds(outer: Span, inner: Span) -> bool {
    inner.start < inner.end && outer.start <= inner.start && inner.end <= outer.end
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::{Findings, Source, parse};

    #[test]
    fn a_place_is_known_by_its_path() {
        let text = "flow: a\nsteps:\n  hello:\n    do:\n      - say: שלום\n      - goto: bye\n  bye: {hangup: {}}\n";
        let source = Source::new("a.yaml", text);
        let document = parse(&source, &mut Findings::new());
        let root = document.root.expect("a document");
        let cases = [
            ("flow", "flow"),
            ("שלום", "steps/hello/do/0/say"),
            ("goto: bye", "steps/hello/do/1"),
            ("bye\n", "steps/hello/do/1/goto"),
            ("bye:", "steps/bye"),
            ("hangup", "steps/bye/hangup"),
            ("# nothing", ""),
        ];
        for (word, path) in cases {
            let start = text.find(word).unwrap_or(0);
            let length = if text.contains(word) {
                word.trim_end_matches(['\n', ':']).len()
            } else {
                0
            };
            assert_eq!(
                path_to(&root, Span::new(start, start + length)).join("/"),
                path,
                "{word}"
            );
        }
    }
}
