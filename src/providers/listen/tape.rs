//! The caller's sound by its place in the call: what was heard lately, so that it can be sent again or all at once.

use std::collections::VecDeque;

/// Sound that is kept. Places are samples from the start of listening; mu-law has one byte for each.
#[derive(Debug, Default)]
pub(super) struct Tape {
    start: u64,
    sound: VecDeque<u8>,
}

impl Tape {
    pub(super) fn push(&mut self, sound: &[u8]) {
        self.sound.extend(sound);
    }

    /// Forgets what lies before this place.
    pub(super) fn forget(&mut self, before: u64) {
        let gone = (before.saturating_sub(self.start) as usize).min(self.sound.len());
        self.sound.drain(..gone);
        self.start += gone as u64;
    }

    /// The place of the first sample that is kept.
    pub(super) fn start(&self) -> u64 {
        self.start
    }

    /// The place behind the newest sample: how much was heard in all.
    pub(super) fn end(&self) -> u64 {
        self.start + self.sound.len() as u64
    }

    /// What is kept from one place up to another.
    pub(super) fn part(&self, from: u64, to: u64) -> Vec<u8> {
        let index = |place: u64| (place.saturating_sub(self.start) as usize).min(self.sound.len());
        let (from, to) = (index(from), index(to));
        self.sound.range(from..to.max(from)).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_part_is_what_was_pushed_there(
            pieces in proptest::collection::vec((proptest::collection::vec(any::<u8>(), 0..40), 0u64..400), 0..20),
            from in 0u64..500, to in 0u64..500,
        ) {
            let mut tape = Tape::default();
            let mut all = Vec::new();
            for (piece, before) in pieces {
                tape.push(&piece);
                all.extend(piece);
                tape.forget(before);
            }
            prop_assert_eq!(tape.end(), all.len() as u64);
            let first = (from.max(tape.start()) as usize).min(all.len());
            let behind = (to as usize).min(all.len()).max(first);
            prop_assert_eq!(tape.part(from, to), &all[first..behind]);
        }
    }
}
