//! Takes phone numbers and keys out of text before it is logged or kept in an error.

/// How many characters of somebody else's text an error keeps.
const KEEP: usize = 300;

/// A phone number or channel address with all but its last four characters hidden: `whatsapp:…4567`.
///
/// Short values are hidden altogether, because four of their characters would be most of them.
pub fn mask_address(address: &str) -> String {
    let (channel, number) = match address.split_once(':') {
        Some((channel, number)) => (format!("{channel}:"), number),
        None => (String::new(), address),
    };
    let length = number.chars().count();
    if length < 8 {
        return format!("{channel}…");
    }
    let tail: String = number.chars().skip(length - 4).collect();
    format!("{channel}…{tail}")
}

/// Text from a remote service, made safe for a log: one line, at most 300 characters, numbers of seven digits or more
/// and words that look like API keys hidden.
pub fn clean(text: &str) -> String {
    let mut out = String::new();
    for word in text.split_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        match word.find("sk-") {
            Some(at) => {
                out.push_str(&word[..at]);
                out.push_str("sk-…");
            }
            None => mask_digits(word, &mut out),
        }
        if out.chars().count() > KEEP {
            out = out.chars().take(KEEP).collect();
            out.push('…');
            break;
        }
    }
    out
}

/// Hides runs of seven digits or more. A run that touches a letter is part of an identifier such as a SID and stays.
fn mask_digits(word: &str, out: &mut String) {
    let chars: Vec<char> = word.chars().collect();
    let mut at = 0;
    while at < chars.len() {
        let run = chars[at..].iter().take_while(|c| c.is_ascii_digit()).count();
        if run == 0 {
            out.push(chars[at]);
            at += 1;
            continue;
        }
        let touches = |c: Option<&char>| c.is_some_and(|c| c.is_alphanumeric());
        let before = at.checked_sub(1).and_then(|i| chars.get(i));
        if run >= 7 && !touches(before) && !touches(chars.get(at + run)) {
            out.push('…');
            out.extend(&chars[at + run - 2..at + run]);
        } else {
            out.extend(&chars[at..at + run]);
        }
        at += run;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn addresses_keep_their_channel_and_four_characters() {
        assert_eq!(mask_address("+972501234567"), "…4567");
        assert_eq!(mask_address("whatsapp:+972501234567"), "whatsapp:…4567");
        assert_eq!(mask_address("+12345"), "…");
        assert_eq!(mask_address(""), "…");
    }

    #[test]
    fn numbers_and_keys_go_but_identifiers_stay() {
        let cases = [
            (
                "The 'To' number +972501234567 is not valid.",
                "The 'To' number +…67 is not valid.",
            ),
            ("whatsapp:+972501234567", "whatsapp:+…67"),
            ("code 21211, status 400", "code 21211, status 400"),
            ("Accounts/AC12345678/Calls", "Accounts/AC12345678/Calls"),
            (
                "Incorrect key provided: sk-proj-abcdef. See",
                "Incorrect key provided: sk-… See",
            ),
            ("two\n  lines\there", "two lines here"),
        ];
        for (text, expected) in cases {
            assert_eq!(clean(text), expected);
        }
        assert_eq!(clean(&"שלום ".repeat(200)).chars().count(), KEEP + 1);
    }

    proptest! {
        #[test]
        fn no_phone_number_survives(number in "[1-9][0-9]{7,14}", before in "[ .:+']{1,3}", after in "[ .,']{1,3}") {
            let text = format!("to{before}{number}{after}end");
            prop_assert!(!clean(&text).contains(&number));
        }

        #[test]
        fn any_text_is_bounded_and_on_one_line(text: String) {
            let cleaned = clean(&text);
            prop_assert!(cleaned.chars().count() <= KEEP + 1);
            prop_assert!(!cleaned.contains('\n'));
        }
    }
}
