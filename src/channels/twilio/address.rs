//! Addresses of people and senders: E.164 numbers, the `whatsapp:` prefix, and the other senders that SMS allows.

use std::fmt;

use super::super::redact::mask_address;
use super::messages::Channel;

/// A checked address in the form that the API takes: `+972501234567`, `whatsapp:+972501234567`, `ACME`, `12345`.
///
/// It prints in full only through [`Address::as_str`]; `Debug` and `Display` mask it.
#[derive(Clone, PartialEq, Eq)]
pub struct Address(String);

/// Why a text is not an address on its channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AddressProblem {
    /// Not `+` and 7 to 15 digits, of which the first is not 0 (E.164).
    NotE164,
    /// `whatsapp:` on an SMS address: both sides of a message are on one channel.
    OtherChannel,
}

impl Address {
    /// The address of a recipient. On WhatsApp the prefix is added where it is missing.
    pub fn recipient(text: &str, channel: Channel) -> Result<Address, AddressProblem> {
        let text = text.trim();
        let bare = text.strip_prefix("whatsapp:");
        match (channel, bare) {
            (Channel::Sms, Some(_)) => Err(AddressProblem::OtherChannel),
            (Channel::Sms, None) => e164(text).map(|number| Address(number.to_owned())),
            (Channel::Whatsapp, bare) => e164(bare.unwrap_or(text)).map(|number| Address(format!("whatsapp:{number}"))),
        }
    }

    /// The address of a sender. SMS also allows a short code and a name of up to 11 letters and digits.
    pub fn sender(text: &str, channel: Channel) -> Result<Address, AddressProblem> {
        match Address::recipient(text, channel) {
            Err(AddressProblem::NotE164) if channel == Channel::Sms && is_sms_name(text.trim()) => {
                Ok(Address(text.trim().to_owned()))
            }
            other => other,
        }
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&mask_address(&self.0))
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Address({self})")
    }
}

fn e164(text: &str) -> Result<&str, AddressProblem> {
    let digits = text.strip_prefix('+').unwrap_or("");
    let well_formed =
        (7..=15).contains(&digits.len()) && !digits.starts_with('0') && digits.bytes().all(|b| b.is_ascii_digit());
    if well_formed {
        Ok(text)
    } else {
        Err(AddressProblem::NotE164)
    }
}

/// A short code (3 to 6 digits), or an alphanumeric sender with at least one letter.
fn is_sms_name(text: &str) -> bool {
    if text.bytes().all(|b| b.is_ascii_digit()) {
        return (3..=6).contains(&text.len());
    }
    text.len() <= 11 && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b' ')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn recipients() {
        use AddressProblem::*;
        use Channel::*;
        let cases = [
            (Sms, "+972501234567", Ok("+972501234567")),
            (Sms, " +972501234567 ", Ok("+972501234567")),
            (Sms, "whatsapp:+972501234567", Err(OtherChannel)),
            (Sms, "0501234567", Err(NotE164)),
            (Sms, "+0501234567", Err(NotE164)),
            (Sms, "+123456", Err(NotE164)),
            (Sms, "+1234567890123456", Err(NotE164)),
            (Sms, "+97250-1234567", Err(NotE164)),
            (Sms, "ACME", Err(NotE164)),
            (Whatsapp, "+972501234567", Ok("whatsapp:+972501234567")),
            (Whatsapp, "whatsapp:+972501234567", Ok("whatsapp:+972501234567")),
            (Whatsapp, "whatsapp:whatsapp:+972501234567", Err(NotE164)),
            (Whatsapp, "whatsapp:972501234567", Err(NotE164)),
            (Whatsapp, "", Err(NotE164)),
        ];
        for (channel, text, expected) in cases {
            let read = Address::recipient(text, channel);
            assert_eq!(read.as_ref().map(Address::as_str).map_err(|p| *p), expected, "{text}");
        }
    }

    #[test]
    fn only_sms_has_named_and_short_senders() {
        for name in ["ACME", "Acme Ltd 2", "12345"] {
            assert!(Address::sender(name, Channel::Sms).is_ok(), "{name}");
            assert!(Address::sender(name, Channel::Whatsapp).is_err(), "{name}");
        }
        for name in ["", "12", "1234567", "TwelveLetter", "חברה"] {
            assert!(Address::sender(name, Channel::Sms).is_err(), "{name}");
        }
    }

    #[test]
    fn printing_hides_the_number() {
        let address = Address::recipient("+972501234567", Channel::Whatsapp).expect("an address");
        assert_eq!(
            format!("{address} {address:?}"),
            "whatsapp:…4567 Address(whatsapp:…4567)"
        );
    }
}
