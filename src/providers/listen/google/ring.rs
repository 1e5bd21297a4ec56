//! The caller's last seconds, addressed by their place in the whole conversation: what a new stream hears again.

use crate::audio::level::rms_dbfs;
use crate::audio::mulaw;
use bytes::Bytes;
use std::collections::VecDeque;

/// How much is kept: ten seconds.
const KEPT: usize = 10 * mulaw::RATE as usize;
/// Loudness is measured over 50 ms.
const WINDOW: usize = mulaw::RATE as usize / 20;
/// Speech on the telephone is above this, an ordinary line's noise below.
const QUIET_DBFS: f32 = -45.0;

/// Sound by its place: the number of mu-law bytes since listening began.
#[derive(Debug, Default)]
pub(super) struct Ring {
    kept: VecDeque<u8>,
    end: u64,
}

impl Ring {
    pub(super) fn push(&mut self, sound: &[u8]) {
        self.kept.extend(sound);
        self.end += sound.len() as u64;
        let excess = self.kept.len().saturating_sub(KEPT);
        self.kept.drain(..excess);
    }

    /// The place of the first byte that is still there.
    pub(super) fn start(&self) -> u64 {
        self.end - self.kept.len() as u64
    }

    /// The place after the last byte.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// Whether what is still there of `from..to` cannot be speech.
    pub(super) fn is_quiet(&self, from: u64, to: u64) -> bool {
        let samples = mulaw::decode_all(&self.copy(from, to));
        samples.chunks(WINDOW).all(|window| rms_dbfs(window) < QUIET_DBFS)
    }

    /// What is still there of `from..to`.
    pub(super) fn copy(&self, from: u64, to: u64) -> Bytes {
        let index = |place: u64| (place.clamp(self.start(), self.end) - self.start()) as usize;
        let (from, to) = (index(from), index(to));
        self.kept.range(from.min(to)..to).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn places_stay_true(lengths in proptest::collection::vec(0usize..30_000, 0..20), from in 0u64..400_000, length in 0u64..50_000) {
            let mut ring = Ring::default();
            let mut all = Vec::new();
            for length in lengths {
                let sound: Vec<u8> = (all.len()..all.len() + length).map(|n| (n % 251) as u8).collect();
                ring.push(&sound);
                all.extend(sound);
            }
            prop_assert_eq!(ring.end(), all.len() as u64);
            prop_assert_eq!(ring.start(), all.len().saturating_sub(KEPT) as u64);
            let bounded = |place: u64| place.clamp(ring.start(), ring.end()) as usize;
            let to = from + length;
            prop_assert_eq!(ring.copy(from, to), &all[bounded(from)..bounded(to)]);
        }
    }
}
