//! Identities the carrier gives out: sids (a two-letter prefix and 32 hex digits) and idempotency tokens.

use std::fmt::Write;

/// A new sid such as `CA0123…`: `prefix` names the resource (`CA` call, `RE` recording, `MZ` stream, `SM` message).
#[must_use]
pub fn sid(prefix: &str) -> String {
    let mut text = String::with_capacity(prefix.len() + 32);
    text.push_str(prefix);
    push_hex(&mut text, &random());
    text
}

/// A new `I-Twilio-Idempotency-Token`: a random UUID (version 4) as text.
#[must_use]
pub fn idempotency_token() -> String {
    let mut bytes = random();
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let mut text = String::with_capacity(36);
    for (index, group) in [&bytes[..4], &bytes[4..6], &bytes[6..8], &bytes[8..10], &bytes[10..]]
        .into_iter()
        .enumerate()
    {
        if index > 0 {
            text.push('-');
        }
        push_hex(&mut text, group);
    }
    text
}

fn random() -> [u8; 16] {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("every supported system hands out random bytes");
    bytes
}

fn push_hex(text: &mut String, bytes: &[u8]) {
    for byte in bytes {
        write!(text, "{byte:02x}").expect("writing into a String cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sid_is_its_prefix_and_32_lower_case_hex_digits() {
        let one = sid("CA");
        assert_eq!(one.len(), 34);
        assert!(one.starts_with("CA"));
        assert!(
            one[2..]
                .chars()
                .all(|c| c.is_ascii_hexdigit() && !c.is_ascii_uppercase())
        );
        assert_ne!(one, sid("CA"));
    }

    #[test]
    fn a_token_has_the_form_of_a_version_4_uuid() {
        let token = idempotency_token();
        let lengths: Vec<usize> = token.split('-').map(str::len).collect();
        assert_eq!(lengths, [8, 4, 4, 4, 12]);
        assert_eq!(token.as_bytes()[14], b'4');
    }
}
