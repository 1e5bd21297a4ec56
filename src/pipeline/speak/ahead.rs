//! How much sound was given that was not heard yet, as far as the clock tells. It bounds what one call keeps in memory.

use crate::audio::mulaw::millis;
use std::time::Duration;
use tokio::time::Instant;

/// More than this is not given ahead of the ear: 160 kB.
const MOST: Duration = Duration::from_secs(20);
/// The longest lump given at once, in bytes: half a second, so that sound keeps coming while the rest is held back.
pub(super) const LUMP: usize = 4_000;

/// The clock of what was given.
#[derive(Debug, Default)]
pub(super) struct Ahead {
    /// When all of it will have been heard, if nothing stops it.
    heard_by: Option<Instant>,
}

impl Ahead {
    /// So many bytes of sound were given.
    pub(super) fn gave(&mut self, now: Instant, bytes: usize) {
        let from = self.heard_by.map_or(now, |heard_by| heard_by.max(now));
        self.heard_by = Some(from + Duration::from_millis(millis(bytes)));
    }

    /// What was given is not going to be heard.
    pub(super) fn emptied(&mut self) {
        self.heard_by = None;
    }

    /// From when on more may be given; at once where it is none.
    pub(super) fn more_at(&self) -> Option<Instant> {
        self.heard_by?.checked_sub(MOST)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_much_is_given_ahead_and_then_as_fast_as_it_is_heard() {
        let (mut ahead, start) = (Ahead::default(), Instant::now());
        let seconds = Duration::from_secs;
        let mut given = 0;
        while ahead.more_at().is_none_or(|at| at <= start) {
            ahead.gave(start, LUMP);
            given += LUMP;
        }
        assert_eq!(given, 160_000 + LUMP);
        assert_eq!(ahead.more_at(), Some(start + Duration::from_millis(500)));
        // Long after it was heard, nothing of it counts.
        ahead.gave(start + seconds(100), 8_000);
        assert_eq!(ahead.more_at(), Some(start + seconds(81)));
        ahead.emptied();
        assert_eq!(ahead.more_at(), None);
    }
}
