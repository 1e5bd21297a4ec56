//! The bytes of an answer as mu-law at 8 kHz, whatever they turn out to be: as agreed, behind a WAV header, or a text in place of sound.

use super::fault::fault;
use crate::audio::stream::{LineStream, StreamFormat};
use crate::providers::ProviderError;
use serde_json::Value;

/// Takes an answer in pieces of any length.
pub(super) struct Decoder(State);

enum State {
    /// Too little came to tell what it is.
    Unknown(Vec<u8>, StreamFormat),
    Sound(Box<LineStream>),
    /// Words instead of sound, kept for the error.
    Text(Vec<u8>),
}

/// So many printable characters in a row are no sound.
const TEXT_LENGTH: usize = 64;
/// The most of a text that is kept.
const TEXT_KEPT: usize = 4096;
/// How compressed sound begins, which nobody asked for.
const COMPRESSED: [&[u8]; 3] = [b"ID3", b"OggS", b"fLaC"];

impl Decoder {
    /// `agreed`: what the bytes are where no header says otherwise.
    pub(super) fn new(agreed: StreamFormat) -> Self {
        Self(State::Unknown(Vec::new(), agreed))
    }

    /// For an answer that is declared to be a text.
    pub(super) fn text() -> Self {
        Self(State::Text(Vec::new()))
    }

    /// More bytes; what is ready is added to `out`. Errors: sound that cannot be read here.
    pub(super) fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), ProviderError> {
        match &mut self.0 {
            State::Sound(stream) => return stream.push(bytes, out).map_err(|error| unreadable(&error.to_string())),
            State::Text(text) => text.extend(bytes.iter().take(TEXT_KEPT - text.len())),
            State::Unknown(head, agreed) => {
                head.extend_from_slice(bytes);
                let decided = match kind(head)? {
                    Kind::Unclear => return Ok(()),
                    Kind::Text => State::Text(Vec::new()),
                    Kind::Sound => State::Sound(Box::new(LineStream::new(*agreed))),
                };
                let head = std::mem::take(head);
                self.0 = decided;
                return self.push(&head, out);
            }
        }
        Ok(())
    }

    /// The answer is over; the rest of its sound is added to `out`. Errors: it was a text, or a header without sound.
    pub(super) fn finish(&mut self, out: &mut Vec<u8>) -> Result<(), ProviderError> {
        match &mut self.0 {
            State::Sound(stream) => stream.finish(out).map_err(|error| unreadable(&error.to_string())),
            State::Text(text) => Err(said(text)),
            State::Unknown(head, _) if head.is_empty() => Ok(()),
            State::Unknown(head, _) if text_mark(head[0]) => Err(said(head)),
            State::Unknown(head, agreed) => {
                let (head, agreed) = (std::mem::take(head), *agreed);
                self.0 = State::Sound(Box::new(LineStream::new(agreed)));
                self.push(&head, out)?;
                self.finish(out)
            }
        }
    }
}

enum Kind {
    Unclear,
    Sound,
    Text,
}

fn kind(head: &[u8]) -> Result<Kind, ProviderError> {
    let Some(&first) = head.first() else {
        return Ok(Kind::Unclear);
    };
    for mark in COMPRESSED {
        if head.starts_with(mark) {
            return Err(unreadable("compressed sound instead of what was asked for"));
        }
        if mark.starts_with(head) {
            return Ok(Kind::Unclear);
        }
    }
    let printable = |byte: &u8| matches!(byte, b'\t' | b'\r' | b'\n' | b' '..=b'~');
    if !text_mark(first) || !head.iter().take(TEXT_LENGTH).all(printable) {
        return Ok(Kind::Sound);
    }
    Ok(if head.len() < TEXT_LENGTH {
        Kind::Unclear
    } else {
        Kind::Text
    })
}

/// How JSON and HTML begin.
fn text_mark(byte: u8) -> bool {
    matches!(byte, b'{' | b'<')
}

/// The error that a text in place of sound is.
fn said(text: &[u8]) -> ProviderError {
    match serde_json::from_slice::<Value>(text) {
        Ok(value) => fault(&value, |detail| match detail.is_empty() {
            true => unreadable("a JSON text instead of sound"),
            false => unreadable(&format!("instead of sound: {detail}")),
        }),
        Err(_) => unreadable("a text instead of sound"),
    }
}

fn unreadable(detail: &str) -> ProviderError {
    ProviderError::Protocol {
        detail: detail.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::mulaw;
    use crate::audio::wav::{header, write_mono};
    use crate::providers::ErrorClass;

    /// Everything at once, or in pieces of `step` bytes.
    fn decode(agreed: StreamFormat, bytes: &[u8], step: usize) -> Result<Vec<u8>, ProviderError> {
        let (mut decoder, mut out) = (Decoder::new(agreed), Vec::new());
        for piece in bytes.chunks(step) {
            decoder.push(piece, &mut out)?;
        }
        decoder.finish(&mut out)?;
        Ok(out)
    }

    fn tone(samples: usize) -> Vec<i16> {
        (0..samples).map(|n| ((n as f64 * 0.3).sin() * 9000.0) as i16).collect()
    }

    #[test]
    fn any_cut_of_the_bytes_gives_the_same_sound() {
        let samples = tone(4000);
        let pcm: Vec<u8> = samples.iter().flat_map(|sample| sample.to_le_bytes()).collect();
        let mut mulaw_wav = header(8000, 1, None).to_vec();
        mulaw_wav[20] = 7;
        mulaw_wav[34] = 8;
        mulaw_wav.extend(mulaw::encode_all(&samples));
        let expected = mulaw::encode_all(&samples);
        for step in [1, 3, 7, 44, 10_000] {
            assert_eq!(
                decode(StreamFormat::Pcm16(8000), &pcm, step).unwrap(),
                expected,
                "{step}"
            );
            assert_eq!(
                decode(StreamFormat::MuLaw, &expected, step).unwrap(),
                expected,
                "{step}"
            );
            assert_eq!(
                decode(StreamFormat::Pcm16(24000), &write_mono(8000, &samples), step).unwrap(),
                expected,
                "{step}"
            );
            assert_eq!(
                decode(StreamFormat::Pcm16(24000), &mulaw_wav, step).unwrap(),
                expected,
                "{step}"
            );
            assert_eq!(
                decode(StreamFormat::Pcm16(24000), &pcm, step).unwrap().len(),
                4000_usize.div_ceil(3),
                "{step}"
            );
        }
        assert_eq!(decode(StreamFormat::MuLaw, b"", 1).unwrap(), b"");
        assert_eq!(decode(StreamFormat::MuLaw, b"{\x80", 1).unwrap(), b"{\x80");
    }

    #[test]
    fn what_is_no_sound_is_an_error_of_its_class() {
        let long = format!("{{\"error\":{{\"message\":\"{}\",\"code\":429}}}}", "slow ".repeat(40));
        let cases: [(&[u8], ErrorClass); 7] = [
            (br#"{"error":{"message":"no such voice"}}"#, ErrorClass::Protocol),
            (long.as_bytes(), ErrorClass::Quota),
            (b"<html>oh no</html>", ErrorClass::Protocol),
            (b"{}", ErrorClass::Protocol),
            (b"ID3\x04\0\0", ErrorClass::Protocol),
            (&write_mono(8000, &[])[..30], ErrorClass::Protocol),
            (b"RIFF\0\0\0\0WAVEjunk\xff\xff\xff\xffabc", ErrorClass::Protocol),
        ];
        for (bytes, class) in cases {
            for step in [1, 1000] {
                let error = decode(StreamFormat::Pcm16(24000), bytes, step).expect_err(&String::from_utf8_lossy(bytes));
                assert_eq!(error.class(), class, "{error}");
            }
        }
    }
}
