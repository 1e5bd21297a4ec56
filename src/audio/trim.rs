//! The silence around a spoken piece: cut short before it, so that it is heard sooner, and after it, so that pieces sound
//! like one speaker. Silence within stays.

use super::mulaw;
use bytes::{Bytes, BytesMut};

/// What no sample rises above is silence: -42 dB below full scale, where speech peaks at -20 dB and more.
const AUDIBLE: u16 = 256;
/// So much stays before the first sound, in bytes: 60 ms, for soft beginnings.
const BEFORE: usize = 60 * 8;
/// So much stays after the last: 180 ms, about what people leave between sentences said in one breath.
const AFTER: usize = 180 * 8;

/// Trims one piece of mu-law that comes in lumps of any length.
#[derive(Debug, Default)]
pub struct Trim {
    begun: bool,
    /// Silence that more sound may follow.
    held: BytesMut,
}

impl Trim {
    /// Takes more sound, and gives what is certain to be part of the piece.
    pub fn take(&mut self, ulaw: &Bytes) -> Option<Bytes> {
        let audible = |code: &u8| mulaw::decode(*code).unsigned_abs() >= AUDIBLE;
        let Some(last) = ulaw.iter().rposition(audible) else {
            self.held.extend_from_slice(ulaw);
            if !self.begun {
                // Only the end of what comes before the first sound is wanted.
                let spare = self.held.len().saturating_sub(BEFORE);
                let _dropped = self.held.split_to(spare);
            }
            return None;
        };
        let first = match self.begun {
            true => 0,
            false => {
                let first = ulaw.iter().position(audible).unwrap_or(0);
                let wanted = BEFORE.saturating_sub(first);
                let _dropped = self.held.split_to(self.held.len().saturating_sub(wanted));
                first.saturating_sub(BEFORE)
            }
        };
        self.begun = true;
        let sound = ulaw.slice(first..=last);
        let given = match self.held.is_empty() {
            true => sound,
            false => {
                self.held.extend_from_slice(&sound);
                self.held.split().freeze()
            }
        };
        self.held.extend_from_slice(&ulaw[last + 1..]);
        Some(given)
    }

    /// The piece is over: gives what stays of the silence after it.
    pub fn finish(&mut self) -> Option<Bytes> {
        let begun = std::mem::take(&mut self.begun);
        let mut held = self.held.split();
        held.truncate(AFTER);
        (begun && !held.is_empty()).then(|| held.freeze())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LOUD: u8 = 0x20;

    fn sound(parts: &[(u8, usize)]) -> Vec<u8> {
        parts
            .iter()
            .flat_map(|&(code, millis)| vec![code; millis * 8])
            .collect()
    }

    fn trimmed(sound: &[u8], lump: usize) -> Vec<u8> {
        let mut trim = Trim::default();
        let mut all = Vec::new();
        for part in sound.chunks(lump.max(1)) {
            all.extend(trim.take(&Bytes::copy_from_slice(part)).iter().flatten());
        }
        all.extend(trim.finish().iter().flatten());
        all
    }

    #[test]
    fn silence_around_is_cut_short_and_silence_within_stays() {
        let quiet = mulaw::SILENCE;
        let spoken = sound(&[(quiet, 300), (LOUD, 200), (quiet, 500), (LOUD, 100), (quiet, 400)]);
        let expected = sound(&[(quiet, 60), (LOUD, 200), (quiet, 500), (LOUD, 100), (quiet, 180)]);
        for lump in [1, 7, 160, 900, 100_000] {
            assert_eq!(trimmed(&spoken, lump), expected, "in lumps of {lump}");
        }
        assert_eq!(
            trimmed(&sound(&[(LOUD, 20), (quiet, 30)]), 160),
            sound(&[(LOUD, 20), (quiet, 30)])
        );
        assert!(trimmed(&sound(&[(quiet, 900)]), 160).is_empty());
    }

    proptest! {
        #[test]
        fn how_it_is_split_changes_nothing(
            parts in proptest::collection::vec((prop_oneof![Just(LOUD), Just(mulaw::SILENCE)], 0usize..400), 0..8),
            lump in 1usize..3000,
        ) {
            let sound = sound(&parts);
            prop_assert_eq!(trimmed(&sound, lump), trimmed(&sound, usize::MAX));
        }
    }
}
