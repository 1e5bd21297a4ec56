//! Telephone numbers as `<Dial>` takes them.

use crate::twiml::{Element, Problem};

pub(super) fn check(element: &Element, problems: &mut Vec<Problem>) {
    let number = element.text.trim();
    if !is_number(number) {
        let message = format!("`<{}>` dials `{number}`", element.name);
        problems.push(Problem::new(13223, element.range.clone(), message, HELP));
    }
}

/// What to write for a number.
pub(super) const HELP: &str = "write the number with its country code, such as `+972312345678`";

/// E.164, or ten digits as they are written in North America, with or without the 1.
pub(super) fn is_number(text: &str) -> bool {
    let digits: String = text.chars().filter(|letter| !" -().".contains(*letter)).collect();
    match digits.strip_prefix('+') {
        Some(digits) => {
            (7..=15).contains(&digits.len())
                && digits.bytes().all(|byte| byte.is_ascii_digit())
                && !digits.starts_with('0')
        }
        // Area codes of North America begin with 2 to 9: `0501234567` is a number as it is written elsewhere.
        None => {
            let local = digits
                .strip_prefix('1')
                .filter(|_| digits.len() == 11)
                .unwrap_or(&digits);
            local.len() == 10
                && local.bytes().all(|byte| byte.is_ascii_digit())
                && local.starts_with(|first: char| ('2'..='9').contains(&first))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::is_number;

    #[test]
    fn a_number_is_e164_or_north_american() {
        for (text, expected) in [
            ("+972312345678", true),
            ("+1 (415) 555-0100", true),
            ("415-555-0100", true),
            ("14155550100", true),
            ("+0123456789", false),
            ("0312345678x", false),
            ("972312345678", false),
            ("0501234567", false),
            ("10312345678", false),
            ("", false),
            ("+", false),
            ("+1234567890123456", false),
        ] {
            assert_eq!(is_number(text), expected, "{text}");
        }
    }
}
