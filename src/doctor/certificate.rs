//! Reads of an X.509 certificate what a doctor asks: from when to when it is valid. Nothing is verified here.
//!
//! DER as in X.690, the certificate's outline as in RFC 5280, section 4.1.

use std::fmt;

/// The times between which a certificate is valid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Certificate {
    /// Seconds since 1970.
    pub not_before: i64,
    /// Seconds since 1970.
    pub not_after: i64,
}

/// The bytes are no certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("these bytes are no certificate")
    }
}

impl std::error::Error for Malformed {}

impl Certificate {
    /// Reads a certificate in DER.
    ///
    /// # Errors
    /// The bytes are not laid out as a certificate.
    pub fn read(der: &[u8]) -> Result<Self, Malformed> {
        let (certificate, _) = expect(der, SEQUENCE)?;
        let (mut fields, _) = expect(certificate, SEQUENCE)?;
        // The version is left out of certificates of version 1.
        if fields.first() == Some(&VERSION) {
            fields = expect(fields, VERSION)?.1;
        }
        // Serial number, signature algorithm, issuer.
        for tag in [INTEGER, SEQUENCE, SEQUENCE] {
            fields = expect(fields, tag)?.1;
        }
        let (validity, _) = expect(fields, SEQUENCE)?;
        let (not_before, rest) = time(validity)?;
        let (not_after, _) = time(rest)?;
        Ok(Self { not_before, not_after })
    }

    /// Whole days left at a moment in seconds since 1970; below zero once it has expired.
    pub fn days_left(&self, now: i64) -> i64 {
        (self.not_after - now).div_euclid(86_400)
    }
}

const INTEGER: u8 = 0x02;
const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// The value of the element at the front, and what follows it.
fn element(bytes: &[u8]) -> Result<(u8, &[u8], &[u8]), Malformed> {
    let [tag, length, rest @ ..] = bytes else {
        return Err(Malformed);
    };
    let (length, rest) = match *length {
        short @ 0..=0x7f => (usize::from(short), rest),
        long @ 0x81..=0x84 => {
            let (digits, rest) = rest.split_at_checked(usize::from(long & 0x7f)).ok_or(Malformed)?;
            let length = digits
                .iter()
                .fold(0_usize, |sum, digit| (sum << 8) | usize::from(*digit));
            (length, rest)
        }
        _ => return Err(Malformed),
    };
    let (value, rest) = rest.split_at_checked(length).ok_or(Malformed)?;
    Ok((*tag, value, rest))
}

fn expect(bytes: &[u8], wanted: u8) -> Result<(&[u8], &[u8]), Malformed> {
    match element(bytes)? {
        (tag, value, rest) if tag == wanted => Ok((value, rest)),
        _ => Err(Malformed),
    }
}

/// `YYMMDDHHMMSSZ`, or with four digits of the year; certificates write no other form.
fn time(bytes: &[u8]) -> Result<(i64, &[u8]), Malformed> {
    let (tag, text, rest) = element(bytes)?;
    let text = std::str::from_utf8(text).map_err(|_| Malformed)?;
    let digits = text
        .strip_suffix('Z')
        .filter(|text| text.bytes().all(|b| b.is_ascii_digit()));
    let digits = digits.ok_or(Malformed)?;
    let digits = match (tag, digits.len()) {
        // Two digits from 50 on are of the last century.
        (UTC_TIME, 12) if digits.as_bytes()[0] >= b'5' => format!("19{digits}"),
        (UTC_TIME, 12) => format!("20{digits}"),
        (GENERALIZED_TIME, 14) => digits.to_owned(),
        _ => return Err(Malformed),
    };
    let field = |from: usize, to: usize| digits[from..to].parse::<i8>().map_err(|_| Malformed);
    let year = digits[..4].parse::<i16>().map_err(|_| Malformed)?;
    let moment = jiff::civil::DateTime::new(
        year,
        field(4, 6)?,
        field(6, 8)?,
        field(8, 10)?,
        field(10, 12)?,
        field(12, 14)?,
        0,
    );
    let moment = moment.map_err(|_| Malformed)?.to_zoned(jiff::tz::TimeZone::UTC);
    Ok((moment.map_err(|_| Malformed)?.timestamp().as_second(), rest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXPIRED: &[u8] = include_bytes!("fixtures/test_only_expired.der");
    const SOUND: &[u8] = include_bytes!("fixtures/test_only_localhost.der");

    #[test]
    fn the_times_of_real_certificates() {
        // As `openssl x509 -dates` prints them.
        assert_eq!(
            Certificate::read(EXPIRED),
            Ok(Certificate {
                not_before: 1_577_836_800,
                not_after: 1_580_515_199,
            })
        );
        let sound = Certificate::read(SOUND).expect("a certificate");
        assert_eq!(sound.not_after, 4_070_908_800, "GeneralizedTime, in 2099");
    }

    #[test]
    fn days_are_counted_down_and_below_zero() {
        let certificate = Certificate {
            not_before: 0,
            not_after: 10 * 86_400,
        };
        assert_eq!(certificate.days_left(0), 10);
        assert_eq!(certificate.days_left(9 * 86_400 + 1), 0);
        assert_eq!(certificate.days_left(10 * 86_400 + 1), -1);
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _read = Certificate::read(&bytes);
        }

        #[test]
        fn no_cut_or_broken_certificate_makes_it_panic(at in 0..SOUND.len(), byte in any::<u8>(), cut in 0..SOUND.len()) {
            let mut bytes = SOUND.to_vec();
            bytes[at] = byte;
            let _read = Certificate::read(&bytes);
            prop_assert!(cut > 60 || Certificate::read(&SOUND[..cut]).is_err());
        }
    }
}
