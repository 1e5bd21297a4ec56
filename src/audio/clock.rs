//! The playout clock: how many 20 ms frames may be sent now, so that the carrier is a little ahead and never far.

use super::mulaw::FRAME_MS;

/// How far ahead of the listener the sender runs unless told otherwise, in milliseconds.
pub const LEAD_MS: u64 = 200;

/// Keeps the time at which everything sent so far will have been heard.
///
/// The carrier plays what it is given at once and in order, so that time follows from what was sent alone.
/// All times are milliseconds of one clock that never runs backwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PlayoutClock {
    lead: u64,
    heard_by: u64,
}

impl PlayoutClock {
    /// A clock that keeps `lead` milliseconds ahead; at least one frame, or nothing could ever be sent.
    pub const fn new(lead: u64) -> Self {
        Self {
            lead: if lead < FRAME_MS { FRAME_MS } else { lead },
            heard_by: 0,
        }
    }

    /// Counts `frames` as sent at `now`. After a pause they start at once, not where the last ones ended.
    pub fn sent(&mut self, now: u64, frames: u64) {
        self.heard_by = self.heard_by.max(now) + frames * FRAME_MS;
    }

    /// The carrier's queue was emptied at `now`.
    pub fn cleared(&mut self, now: u64) {
        self.heard_by = self.heard_by.min(now);
    }

    /// How many frames may be sent at `now`.
    pub fn due(&self, now: u64) -> u64 {
        (now + self.lead).saturating_sub(self.heard_by.max(now)) / FRAME_MS
    }

    /// When the next frame may be sent; in the past or `now` itself when one is due already.
    pub fn next_due(&self) -> u64 {
        (self.heard_by + FRAME_MS).saturating_sub(self.lead)
    }

    /// When everything sent so far will have been heard; in the past where nothing is being heard.
    pub const fn heard_by(&self) -> u64 {
        self.heard_by
    }

    /// Milliseconds of sound that were sent and not heard yet.
    pub fn unheard(&self, now: u64) -> u64 {
        self.heard_by.saturating_sub(now)
    }
}

impl Default for PlayoutClock {
    fn default() -> Self {
        Self::new(LEAD_MS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_burst_of_the_lead_and_then_one_frame_every_20_ms() {
        let mut clock = PlayoutClock::new(200);
        assert_eq!(clock.due(1000), 10);
        clock.sent(1000, 10);
        assert_eq!((clock.due(1000), clock.due(1019), clock.next_due()), (0, 0, 1020));
        assert_eq!(clock.due(1020), 1);
        clock.sent(1020, 1);
        assert_eq!(clock.next_due(), 1040);
        assert_eq!(clock.unheard(1020), 200);
    }

    #[test]
    fn after_a_clear_the_next_sound_is_heard_at_once() {
        let mut clock = PlayoutClock::new(200);
        clock.sent(0, 10);
        clock.cleared(50);
        assert_eq!((clock.unheard(50), clock.due(50)), (0, 10));
    }

    #[test]
    fn a_pause_is_not_caught_up_with() {
        let mut clock = PlayoutClock::new(100);
        clock.sent(0, 5);
        assert_eq!(clock.due(60_000), 5);
    }

    #[test]
    fn a_lead_of_nothing_still_sends() {
        assert_eq!(PlayoutClock::new(0).due(5), 1);
    }

    proptest! {
        #[test]
        fn never_further_ahead_than_the_lead_and_never_starved(
            lead in 20u64..500,
            steps in proptest::collection::vec(0u64..100, 1..200),
        ) {
            let mut clock = PlayoutClock::new(lead);
            let mut now = 0;
            for step in steps {
                now += step;
                let due = clock.due(now);
                clock.sent(now, due);
                prop_assert!(clock.unheard(now) <= lead);
                prop_assert!(clock.unheard(now) + FRAME_MS > lead);
                prop_assert!(clock.next_due() > now);
                prop_assert_eq!(clock.due(clock.next_due()), 1);
            }
        }
    }
}
