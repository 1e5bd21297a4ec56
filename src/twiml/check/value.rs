//! Whether the value of an attribute is one that it takes.

use super::{Setting, address, listed, suggestion};
use crate::twiml::{AttributeRule, Element, Kind, Problem, Voices};

/// Keys of a telephone.
const KEYS: &str = "0123456789#*";
/// What `digits` and `sendDigits` may hold.
const TONES: &str = "0123456789ABCDwW#*";

pub(super) fn check(
    element: &Element,
    name: &str,
    value: &str,
    rule: &AttributeRule,
    setting: Setting,
) -> Option<Problem> {
    let (code, help) = match &rule.kind {
        Kind::Text => return None,
        Kind::Boolean => (rule.code, one_of(value, &["true", "false"])?),
        Kind::Method => (rule.code, one_of(value, &["GET", "POST"])?),
        Kind::Integer { min, max } => (rule.code, whole_number(element, name, value, *min, *max)?),
        Kind::Integers => {
            let fits = value.split(' ').all(|part| part.parse::<u32>().is_ok());
            (
                rule.code,
                (!fits).then(|| "write whole numbers with spaces between them".to_owned())?,
            )
        }
        Kind::Choice { values, open: false } => (rule.code, one_of(value, values)?),
        // A value that is not listed may be newer than the list; an empty one is nothing.
        Kind::Choice { values, open: true } => (rule.code, value.is_empty().then(|| one_of(value, values))??),
        Kind::Choices(values) => {
            let wrong = value
                .split(' ')
                .find(|part| !values.iter().any(|known| known == part))?;
            (rule.code, one_of(wrong, values)?)
        }
        Kind::Language(values) => (rule.code, language(value, values)?),
        Kind::Voice => (rule.code, voice(value)?),
        Kind::Digits => (
            rule.code,
            only(value, TONES, "write `0-9`, `A-D`, `#`, `*`, and `w` or `W` for a pause")?,
        ),
        Kind::Keys => (
            rule.code,
            only(value, KEYS, "write keys of a telephone: `0-9`, `#` and `*`")?,
        ),
        Kind::Key if value.chars().count() > 1 => {
            (rule.code + 1, "write one key, or nothing to turn it off".to_owned())
        }
        Kind::Key => (
            rule.code,
            only(
                value,
                KEYS,
                "write one of `0-9`, `#` and `*`, or nothing to turn it off",
            )?,
        ),
        Kind::Url => return address::check_attribute(element, name, value, rule.code, setting),
    };
    let message = format!("`{name}` of `<{}>` is `{value}`", element.name);
    Some(Problem::new(code, element.attribute_range(name), message, help))
}

fn one_of(value: &str, values: &[impl AsRef<str>]) -> Option<String> {
    let known = || values.iter().map(AsRef::as_ref);
    if known().any(|known| known == value) {
        return None;
    }
    Some(match known().find(|known| known.eq_ignore_ascii_case(value)) {
        Some(known) => format!("write `{known}`: case matters"),
        None => suggestion(value, known(), "write one of"),
    })
}

fn whole_number(element: &Element, name: &str, value: &str, min: i64, max: i64) -> Option<String> {
    // The recogniser may be left to decide how long it waits.
    if (element.name.as_str(), name, value) == ("Gather", "timeout", "auto") {
        return None;
    }
    let written = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    if written && value.parse::<i64>().is_ok_and(|number| (min..=max).contains(&number)) {
        return None;
    }
    Some(if max == i64::from(i32::MAX) {
        format!("write a whole number, {min} or more")
    } else {
        format!("write a whole number from {min} to {max}")
    })
}

fn only(value: &str, allowed: &str, help: &str) -> Option<String> {
    let strange = value.chars().find(|letter| !allowed.contains(*letter));
    match strange {
        Some(letter) => Some(format!("`{letter}` cannot be there: {help}")),
        None if value.is_empty() && allowed == TONES => Some(help.to_owned()),
        None => None,
    }
}

fn language(value: &str, values: &[String]) -> Option<String> {
    // Recognisers call Hebrew by its old tag, which the list does not hold.
    if value == "iw-IL" || values.iter().any(|known| known == value) {
        return None;
    }
    let regions: Vec<&str> = values
        .iter()
        .map(String::as_str)
        .filter(|known| known.split('-').next() == value.split(['-', '_']).next())
        .collect();
    Some(match regions.as_slice() {
        [] => "write a language with its region, such as `he-IL` or `en-US`".to_owned(),
        regions => format!("write a language with its region: {}", listed(regions.iter().copied())),
    })
}

fn voice(value: &str) -> Option<String> {
    let voices = Voices::bundled();
    if voices.contains(value) {
        return None;
    }
    let names: Vec<String> = voices.names().collect();
    Some(
        suggestion(value, names.iter().map(String::as_str), "write one of")
            .chars()
            .take(200)
            .collect(),
    )
}
