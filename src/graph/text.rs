//! Texts in pictures: cut to length, on several lines, and in either direction.

use super::model::{Edge, FollowUp, Graph, Node, Path, Way};

/// The longest condition that is shown, in characters.
const LONGEST_CONDITION: usize = 40;

/// The text on one line and cut after so many characters, never between a letter and what stands above or below it.
pub(super) fn short(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let line: String = line.chars().filter(|c| !c.is_control() && !directs(*c)).collect();
    if line.chars().count() <= longest {
        return line;
    }
    let mut kept: Vec<char> = line.chars().take(longest.saturating_sub(1)).collect();
    if line.chars().nth(kept.len()).is_some_and(joins) {
        while kept.pop().is_some_and(joins) {}
    }
    let kept: String = kept.into_iter().collect();
    format!("{}…", kept.trim_end())
}

/// A text within another one whose direction may be another: what follows stays where it is.
pub(super) fn isolated(text: &str) -> String {
    if text.chars().any(right_to_left) {
        format!("\u{2068}{text}\u{2069}")
    } else {
        text.to_owned()
    }
}

/// Words on lines of about so many characters.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let fits = |line: &String| line.chars().count() + 1 + word.chars().count() <= width;
        match lines.last_mut() {
            Some(line) if fits(line) => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// What a step does, under its name: its kind and what it says, on lines of about so many characters.
pub(super) fn subtitle(node: &Node, width: usize) -> Vec<String> {
    said(&node.kind, node.detail.as_deref(), width)
}

/// What a follow-up does.
pub(super) fn follow_up(item: &FollowUp, width: usize) -> Vec<String> {
    said(&item.kind, item.detail.as_deref(), width)
}

/// Each line by itself is right in a text of the other direction, since nothing reaches over its end.
fn said(kind: &str, detail: Option<&str>, width: usize) -> Vec<String> {
    let Some(detail) = detail else {
        return vec![kind.to_owned()];
    };
    let lines = wrapped(&format!("{kind} {detail}"), width);
    let alone = |line: &String| match line.strip_prefix(kind).and_then(|rest| rest.strip_prefix(' ')) {
        Some(rest) => format!("{kind} {}", isolated(rest)),
        None => isolated(line),
    };
    lines.iter().map(alone).collect()
}

/// The condition of a follow-up or a skip.
pub(super) fn condition(text: &str) -> String {
    isolated(&short(text, LONGEST_CONDITION))
}

/// The marks and counts of a step in words.
pub(super) fn tags(node: &Node) -> Vec<String> {
    let mut tags: Vec<String> = node.marks.words().iter().map(|word| (*word).to_owned()).collect();
    if let Some(count @ 1..) = node.marks.tested {
        tags.push(format!("tested ×{count}"));
    }
    tags
}

/// What stands at a way: each outcome, or why the step is left out. Empty where there is only one way on.
pub(super) fn label(graph: &Graph, edge: &Edge) -> Vec<String> {
    match &edge.path {
        Path::Skip(when) => vec![format!("unless {}", condition(when))],
        Path::Run => vec!["runs".to_owned()],
        Path::Outcomes(ways) => {
            let only = graph.leaving(edge.from).map(|edge| edge.ways().len()).sum::<usize>() == 1;
            let quiet = |way: &Way| only && way.outcome == "done" && edge.to.is_some();
            // What holds for all of them is said once.
            let none_tested = ways.iter().all(|way| way.tested == Some(0));
            let none_proven = ways.iter().all(|way| way.proven == Some(0));
            let shown = ways.iter().filter(|way| !quiet(way));
            let mut lines: Vec<String> = shown.map(|way| outcome(way, none_tested, none_proven)).collect();
            let said = [(none_tested, "not tested"), (none_proven, "not proven")];
            lines.extend(
                said.iter()
                    .filter(|(all, _)| *all)
                    .map(|(_, words)| (*words).to_owned()),
            );
            lines
        }
    }
}

/// One outcome with what was measured of it, but for what is said of all.
fn outcome(way: &Way, none_tested: bool, none_proven: bool) -> String {
    let mut text = isolated(&short(&way.outcome, LONGEST_CONDITION));
    if way.watchdog {
        text.push_str(" (watchdog)");
    }
    match way.tested {
        Some(0) if !none_tested => text.push_str(" not tested"),
        Some(count @ 1..) => text.push_str(&format!(" ×{count}")),
        _ => {}
    }
    if way.proven == Some(0) && !none_proven {
        text.push_str(" not proven");
    }
    text
}

/// Marks that belong to the letter before them.
fn joins(c: char) -> bool {
    matches!(c, '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{610}'..='\u{61a}' | '\u{64b}'..='\u{65f}'
        | '\u{200d}' | '\u{20d0}'..='\u{20ff}' | '\u{fe00}'..='\u{fe0f}' | '\u{1f3fb}'..='\u{1f3ff}')
}

/// Characters that turn the direction of what follows, and would turn the rest of the picture.
fn directs(c: char) -> bool {
    matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// Hebrew, Arabic and their neighbours.
fn right_to_left(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn long_texts_are_cut_between_letters() {
        let cases = [
            ("short", 10, "short"),
            ("two\n  lines", 20, "two lines"),
            ("exactly te", 10, "exactly te"),
            ("exactly ten", 10, "exactly t…"),
            ("one two three", 5, "one…"),
            ("שלום לכולם", 6, "שלום…"),
            ("שָׁלוֹם לכולם", 3, "…"),
        ];
        for (text, longest, expected) in cases {
            assert_eq!(short(text, longest), expected, "{text}");
        }
    }

    #[test]
    fn hebrew_stands_by_itself_and_english_as_it_is() {
        assert_eq!(isolated("say it"), "say it");
        assert_eq!(isolated("שלום"), "\u{2068}שלום\u{2069}");
    }

    #[test]
    fn each_line_keeps_its_direction() {
        let lines = said("say", Some("“שלום לכולם”"), 9);
        assert_eq!(lines, ["say \u{2068}“שלום\u{2069}", "\u{2068}לכולם”\u{2069}"]);
        assert_eq!(said("hangup", None, 9), ["hangup"]);
    }

    proptest! {
        #[test]
        fn no_text_is_longer_than_asked_and_none_has_control_characters(text in "\\PC{0,80}|[\\x00-\\x7f]{0,80}", longest in 1usize..60) {
            let cut = short(&text, longest);
            prop_assert!(cut.chars().count() <= longest);
            prop_assert!(!cut.chars().any(char::is_control));
        }

        #[test]
        fn lines_hold_every_word(text in "[a-z]{1,9}( [a-z]{1,9}){0,9}", width in 1usize..30) {
            let lines = wrapped(&text, width);
            prop_assert_eq!(lines.join(" "), text);
        }
    }
}
