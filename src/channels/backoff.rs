//! How long to wait before trying again: exponential growth with full jitter, as a pure function.

use std::time::Duration;

/// How the waits between attempts grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    /// The longest wait after the first failure; it doubles with every further one.
    pub base: Duration,
    /// No wait is longer than this, whatever the other side asked for.
    pub cap: Duration,
}

impl Backoff {
    /// For a live call: a caller is waiting, so the waits stay short.
    pub const LIVE_CALL: Backoff = Backoff {
        base: Duration::from_millis(100),
        cap: Duration::from_secs(3),
    };

    /// For work that nobody waits for, such as a transcription or a follow-up message.
    pub const BACKGROUND: Backoff = Backoff {
        base: Duration::from_secs(2),
        cap: Duration::from_secs(15 * 60),
    };

    /// The longest wait after `failures` failed attempts (1 after the first failure; 0 is treated as 1).
    pub fn ceiling(&self, failures: u32) -> Duration {
        let doublings = failures.saturating_sub(1).min(31);
        self.base.saturating_mul(1 << doublings).min(self.cap)
    }

    /// The wait after `failures` failed attempts, spread evenly between zero and [`Backoff::ceiling`].
    ///
    /// The same `seed` and `failures` give the same wait. Callers use a seed that differs between the things being
    /// retried, so that many of them that failed together do not come back together.
    pub fn delay(&self, failures: u32, seed: u64) -> Duration {
        let ceiling = u64::try_from(self.ceiling(failures).as_nanos()).unwrap_or(u64::MAX);
        let random = mix(seed ^ u64::from(failures).rotate_left(32));
        // A product of two 64-bit numbers, of which the upper half is evenly spread over 0..=ceiling.
        let wide = u128::from(random) * (u128::from(ceiling) + 1);
        Duration::from_nanos(u64::try_from(wide >> 64).unwrap_or(ceiling))
    }

    /// As [`Backoff::delay`], but not before the time the other side named, and never beyond `cap`.
    ///
    /// The jitter is added to that time: a server that tells a hundred clients "in 5 seconds" is not met by a hundred
    /// requests at once.
    pub fn delay_after(&self, failures: u32, seed: u64, asked: Option<Duration>) -> Duration {
        let own = self.delay(failures, seed);
        match asked {
            Some(asked) => asked.saturating_add(own.min(asked / 4)).min(self.cap),
            None => own,
        }
    }
}

/// The finishing step of SplitMix64: neighbouring inputs give unrelated outputs.
fn mix(input: u64) -> u64 {
    let mut z = input.wrapping_add(0x9e37_79b9_7f4a_7c15);
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_ceiling_doubles_until_the_cap() {
        let waits: Vec<u128> = (0..8).map(|n| Backoff::LIVE_CALL.ceiling(n).as_millis()).collect();
        assert_eq!(waits, [100, 100, 200, 400, 800, 1600, 3000, 3000]);
        assert_eq!(Backoff::LIVE_CALL.ceiling(u32::MAX).as_millis(), 3000);
    }

    #[test]
    fn different_seeds_spread_over_the_whole_range() {
        let quarter = Duration::from_millis(750);
        let mut buckets = [0u32; 4];
        for seed in 0..1000 {
            let wait = Backoff::LIVE_CALL.delay(20, seed);
            buckets[(wait.as_nanos() / quarter.as_nanos()).min(3) as usize] += 1;
        }
        assert!(buckets.iter().all(|&n| n > 180), "{buckets:?}");
    }

    #[test]
    fn the_time_that_was_asked_for_is_kept_unless_it_passes_the_cap() {
        let asked = Duration::from_secs(2);
        let wait = Backoff::LIVE_CALL.delay_after(9, 7, Some(asked));
        assert!(wait >= asked && wait <= Duration::from_millis(2500), "{wait:?}");
        let day = Duration::from_secs(86_400);
        assert_eq!(Backoff::LIVE_CALL.delay_after(1, 7, Some(day)), Backoff::LIVE_CALL.cap);
    }

    proptest! {
        #[test]
        fn a_wait_never_passes_its_ceiling_and_is_repeatable(
            base in 0u64..u64::MAX, cap in 0u64..u64::MAX, failures: u32, seed: u64
        ) {
            let backoff = Backoff { base: Duration::from_nanos(base), cap: Duration::from_nanos(cap) };
            let wait = backoff.delay(failures, seed);
            prop_assert!(wait <= backoff.ceiling(failures));
            prop_assert!(backoff.ceiling(failures) <= backoff.cap);
            prop_assert_eq!(wait, backoff.delay(failures, seed));
        }
    }
}
