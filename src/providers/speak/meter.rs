//! What of a piece's sound was given so far: bounds it, and knows silence from speech.

use crate::audio::mulaw;
use crate::providers::ProviderError;
use bytes::{Bytes, BytesMut};

/// Any sound of a piece lasts at most this long, in seconds, and [`PER_CHARACTER_MS`] for each character in addition.
const BASE_SECONDS: usize = 60;
const PER_CHARACTER_MS: usize = 200;
/// What no sample rises above is silence: -42 dB below full scale, where speech peaks at -20 dB and more.
const AUDIBLE: i16 = 256;

/// Measures the sound of one piece. Silence is held back until something audible comes, so that a piece that is silent
/// altogether leaves nothing behind.
#[derive(Debug)]
pub(super) struct Meter {
    most: usize,
    taken: usize,
    /// Something audible came since the last [`Meter::part`].
    audible: bool,
    held: BytesMut,
}

impl Meter {
    /// For a piece of this many characters.
    pub(super) fn new(characters: usize) -> Self {
        let millis = BASE_SECONDS * 1000 + characters * PER_CHARACTER_MS;
        Self {
            most: millis * (mulaw::RATE as usize / 1000),
            taken: 0,
            audible: false,
            held: BytesMut::new(),
        }
    }

    /// Takes more mu-law and returns what may be given out now. Errors: far more than these words can last.
    pub(super) fn take(&mut self, ulaw: Bytes) -> Result<Option<Bytes>, ProviderError> {
        self.taken += ulaw.len();
        if self.taken > self.most {
            return Err(ProviderError::Protocol {
                detail: format!(
                    "more than {} s of sound for a short text",
                    self.most / mulaw::RATE as usize
                ),
            });
        }
        if self.audible {
            return Ok(Some(ulaw).filter(|ulaw| !ulaw.is_empty()));
        }
        self.audible = ulaw
            .iter()
            .any(|&code| mulaw::decode(code).unsigned_abs() >= AUDIBLE.unsigned_abs());
        if !self.audible {
            self.held.extend_from_slice(&ulaw);
            return Ok(None);
        }
        if self.held.is_empty() {
            return Ok(Some(ulaw));
        }
        self.held.extend_from_slice(&ulaw);
        Ok(Some(self.held.split().freeze()))
    }

    /// Bytes taken so far, held ones among them.
    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    /// A part of the piece that holds speakable words is over. Errors: nothing audible came of it.
    pub(super) fn part(&mut self) -> Result<(), ProviderError> {
        if !std::mem::take(&mut self.audible) {
            return Err(ProviderError::Protocol {
                detail: match self.held.is_empty() {
                    true => "no sound came for these words".to_owned(),
                    false => "nothing but silence came for these words".to_owned(),
                },
            });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LOUD: &[u8] = &[0x20, 0xA0];
    const QUIET: &[u8] = &[mulaw::SILENCE, 0x7F, 0xFE, 0x7E];

    #[test]
    fn silence_waits_for_sound_and_leaves_with_it() {
        let mut meter = Meter::new(5);
        assert_eq!(meter.take(Bytes::from_static(QUIET)), Ok(None));
        assert_eq!(meter.take(Bytes::new()), Ok(None));
        let all = [QUIET, LOUD].concat();
        assert_eq!(meter.take(Bytes::from_static(LOUD)), Ok(Some(all.into())));
        assert_eq!(
            meter.take(Bytes::from_static(QUIET)),
            Ok(Some(Bytes::from_static(QUIET)))
        );
        assert_eq!(meter.part(), Ok(()));
        assert_eq!(meter.taken(), 2 * QUIET.len() + LOUD.len());
    }

    #[test]
    fn each_part_must_be_heard() {
        let mut meter = Meter::new(5);
        assert!(meter.part().unwrap_err().to_string().contains("no sound"));
        meter.take(Bytes::from_static(LOUD)).unwrap();
        meter.part().unwrap();
        meter.take(Bytes::from_static(QUIET)).unwrap();
        assert!(meter.part().unwrap_err().to_string().contains("silence"));
    }

    #[test]
    fn an_hour_is_not_taken() {
        let mut meter = Meter::new(10);
        let second = Bytes::from(vec![0x20; 8000]);
        for _ in 0..62 {
            assert!(meter.take(second.clone()).is_ok());
        }
        let error = meter.take(Bytes::from_static(LOUD)).unwrap_err();
        assert!(matches!(error, ProviderError::Protocol { .. }), "{error}");
    }
}
