//! Collections in flow style and scalars, as one line of canonical text.

use super::order::Forms;
use super::written::{Kind, Written};

/// A scalar on one line. Quotes that a single word does not need are taken off, and single ones become double ones;
/// a sentence keeps its quotes.
pub(super) fn scalar(written: &str, text: &str, quoted: bool) -> String {
    if !quoted || written.contains('\n') {
        return written.to_owned();
    }
    if is_word(text) {
        return text.to_owned();
    }
    let same = |c: char| c != '"' && c != '\\' && !c.is_control();
    match text.chars().all(same) && written.starts_with('\'') {
        true => format!("\"{text}\""),
        false => written.to_owned(),
    }
}

/// A collection in flow style that stands on one line; none where it holds something that is left as it is.
pub(super) fn collection(source: &str, value: &Written, forms: &Forms<'_>) -> Option<String> {
    let written = &source[value.span.start..value.span.end];
    match &value.kind {
        Kind::Scalar { text, quoted } => Some(scalar(written, text, *quoted)),
        Kind::Alias => Some(written.to_owned()),
        Kind::Empty => Some(String::new()),
        Kind::Block => None,
        Kind::Seq { items, .. } => {
            only_marks(source, value, items.iter())?;
            if !written.starts_with('[') {
                return None;
            }
            let below = forms.item();
            let items: Option<Vec<String>> = items.iter().map(|item| collection(source, item, &below)).collect();
            Some(format!("[{}]", items?.join(", ")))
        }
        Kind::Map { entries, .. } => {
            only_marks(source, value, entries.iter().flat_map(|(key, value)| [key, value]))?;
            if !written.starts_with('{') {
                return None;
            }
            let mut names = Vec::new();
            let mut parts = Vec::new();
            for (key, value) in entries {
                let Kind::Scalar { text: name, quoted } = &key.kind else {
                    return None;
                };
                let key = scalar(&source[key.span.start..key.span.end], name, *quoted);
                let value = collection(source, value, &forms.key(name))?;
                let between = if value.is_empty() { ":" } else { ": " };
                parts.push(format!("{key}{between}{value}"));
                names.push(name.as_str());
            }
            if let Some(order) = forms.order(&names) {
                parts = order.into_iter().map(|index| parts[index].clone()).collect();
            }
            Some(format!("{{{}}}", parts.join(", ")))
        }
    }
}

/// Whether nothing but brackets, commas, colons and white space stands between the parts of a collection: no anchor,
/// tag or explicit key.
fn only_marks<'a>(source: &str, value: &Written, parts: impl Iterator<Item = &'a Written>) -> Option<()> {
    let plain = |gap: &str| {
        gap.chars()
            .all(|c| matches!(c, '[' | ']' | '{' | '}' | ',' | ':' | ' ' | '\t'))
    };
    let mut at = value.span.start;
    for part in parts {
        if matches!(part.kind, Kind::Empty) {
            continue;
        }
        if !source.get(at..part.span.start).is_some_and(plain) {
            return None;
        }
        at = part.span.end;
    }
    source.get(at..value.span.end).is_some_and(plain).then_some(())
}

/// Whether a text means itself without quotes, in every version of YAML and in flow style as well.
fn is_word(text: &str) -> bool {
    const OTHERWISE: [&str; 15] = [
        "true", "false", "yes", "no", "on", "off", "y", "n", "null", "inf", "infinity", "nan", "t", "f", "none",
    ];
    let inside = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/');
    text.starts_with(char::is_alphabetic)
        && text.chars().all(inside)
        && !OTHERWISE.contains(&text.to_lowercase().as_str())
}
