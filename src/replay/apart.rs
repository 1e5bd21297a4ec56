//! What differs between two moments, in words.

use super::lines::{About, Line, lines};
use super::run::Moment;
use super::same::attributes_apart;
use super::veil::Veil;
use super::verbs::veil_value;
use crate::call::{Effect, MediaOrder};

/// A line of the recorded flow, of the edited one, or of both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    Both(Line),
    Apart(Option<Line>, Option<Line>),
}

/// The lines of two moments beside each other, equal ones once and in their order.
pub(super) fn rows(then: Option<&Moment>, now: Option<&Moment>, veil: &Veil) -> Vec<Row> {
    let told = |moment: Option<&Moment>| moment.map(|moment| lines(moment, veil)).unwrap_or_default();
    let (then, now) = (told(then), told(now));
    let (mut left, mut right) = (then.as_slice(), now.as_slice());
    let mut rows = Vec::new();
    for (i, j) in common(&then, &now) {
        let (before_left, before_right) = (i - (then.len() - left.len()), j - (now.len() - right.len()));
        beside(&left[..before_left], &right[..before_right], &mut rows);
        rows.push(Row::Both(then[i].clone()));
        (left, right) = (&left[before_left + 1..], &right[before_right + 1..]);
    }
    beside(left, right, &mut rows);
    rows
}

fn beside(mut left: &[Line], mut right: &[Line], rows: &mut Vec<Row>) {
    loop {
        // What is about the same thing stands beside each other.
        let (then, now) = match (left, right) {
            ([], []) => return,
            ([then, ..], [now, ..]) if then.about == now.about => (Some(then), Some(now)),
            ([then, ..], [now, rest @ ..]) if rest.iter().any(|line| line.about == then.about) => (None, Some(now)),
            ([then, ..], _) => (Some(then), None),
            ([], [now, ..]) => (None, Some(now)),
        };
        left = &left[usize::from(then.is_some())..];
        right = &right[usize::from(now.is_some())..];
        rows.push(Row::Apart(then.cloned(), now.cloned()));
    }
}

/// The longest sequence of lines that both have, as pairs of places.
fn common(then: &[Line], now: &[Line]) -> Vec<(usize, usize)> {
    let width = now.len() + 1;
    let mut lengths = vec![0_usize; (then.len() + 1) * width];
    for i in (0..then.len()).rev() {
        for j in (0..now.len()).rev() {
            lengths[i * width + j] = if then[i] == now[j] {
                lengths[(i + 1) * width + j + 1] + 1
            } else {
                lengths[(i + 1) * width + j].max(lengths[i * width + j + 1])
            };
        }
    }
    let (mut i, mut j, mut pairs) = (0, 0, Vec::new());
    while i < then.len() && j < now.len() {
        if then[i] == now[j] {
            pairs.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if lengths[(i + 1) * width + j] >= lengths[i * width + j + 1] {
            i += 1;
        } else {
            j += 1;
        }
    }
    pairs
}

/// Differences that no line shows: attributes of verbs, details of orders.
pub(super) fn details(then: &Moment, now: &Moment, veil: &Veil) -> Vec<String> {
    let mut details = Vec::new();
    for (then, now) in then.documents.iter().zip(&now.documents) {
        let (Some(then), Some(now)) = (&then.element, &now.element) else {
            continue;
        };
        let value = |value: Option<String>| value.map_or_else(|| "absent".to_owned(), |text| veil_value(&text, veil));
        for (verb, attribute, old, new) in attributes_apart(then, now) {
            details.push(format!("{verb} {attribute}: {}, now {}", value(old), value(new)));
        }
    }
    let telling = |moment: &Moment| -> Vec<Effect> {
        let counts =
            |effect: &&Effect| !matches!(effect, Effect::Log(_) | Effect::SetTimer(..) | Effect::ClearTimer(_));
        moment.effects.iter().filter(counts).cloned().collect()
    };
    for (then, now) in telling(then).iter().zip(&telling(now)) {
        match (then, now) {
            (
                Effect::Media(MediaOrder::Admit { instructions: a, .. }),
                Effect::Media(MediaOrder::Admit { instructions: b, .. }),
            ) if a != b => {
                details.push("the agent's instructions are others".to_owned());
            }
            (Effect::Media(MediaOrder::Admit { reply: a, .. }), Effect::Media(MediaOrder::Admit { reply: b, .. }))
                if a != b =>
            {
                details.push(format!("the longest wait for a reply: {a} ms, now {b} ms"));
            }
            (Effect::Perform(a), Effect::Perform(b)) if a.key == b.key && a.kind != b.kind => {
                details.push(format!("details of `{}` are others", a.kind.name()));
            }
            _ => {}
        }
    }
    details
}

/// Whether a line is shown where nothing differs: timers are the engine's own matter.
pub(super) fn matters(line: &Line) -> bool {
    line.about != About::Timer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_lines_are_found_once() {
        let lines = |text: &str| -> Vec<Line> {
            let line = |text: char| Line {
                about: About::Document,
                text: text.to_string(),
            };
            text.chars().map(line).collect()
        };
        let pairs = |a: &str, b: &str| common(&lines(a), &lines(b));
        assert_eq!(pairs("abc", "abc"), [(0, 0), (1, 1), (2, 2)]);
        assert_eq!(pairs("abc", "axc"), [(0, 0), (2, 2)]);
        assert_eq!(pairs("abc", "c"), [(2, 0)]);
        assert_eq!(pairs("", "c"), []);
    }
}
