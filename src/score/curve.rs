//! From times to numbers between 0 and 1, and the middle of many.

/// Answers between these are as quick as between people (ms).
const QUICKEST: f64 = 500.0;
const QUICK: f64 = 2000.0;
/// Callers who wait this long think the line is dead (ms).
const TOO_SLOW: f64 = 3500.0;
/// An answer at once feels like an interruption, but it is one still.
const AT_ONCE: f64 = 0.5;
/// An engine that needs this long to fall silent has not yielded (ms).
const NO_YIELD: f64 = 2000.0;

/// How good an answer after so many milliseconds is: 1 from 500 to 2000, falling to 0 at 3500 and to 0.5 at 0.
#[must_use]
pub fn response_score(millis: u64) -> f64 {
    let millis = millis as f64;
    if millis < QUICKEST {
        AT_ONCE + (1.0 - AT_ONCE) * millis / QUICKEST
    } else {
        ((TOO_SLOW - millis) / (TOO_SLOW - QUICK)).clamp(0.0, 1.0)
    }
}

/// How good falling silent after so many milliseconds is: 1 at once, 0 from 2000 on.
#[must_use]
pub fn yield_score(millis: u64) -> f64 {
    (1.0 - millis as f64 / NO_YIELD).max(0.0)
}

/// The value that `share` of all values do not exceed (nearest rank); nothing of nothing.
pub(super) fn percentile(values: &[u64], share: f64) -> Option<u64> {
    let mut sorted = values.to_vec();
    sorted.sort_unstable();
    let rank = (share * sorted.len() as f64).ceil() as usize;
    sorted.get(rank.saturating_sub(1)).copied()
}

/// The mean; nothing of nothing.
pub(super) fn mean(values: &[f64]) -> Option<f64> {
    (!values.is_empty()).then(|| values.iter().sum::<f64>() / values.len() as f64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_curves_pass_through_their_corners() {
        for (millis, expected) in [
            (0, 0.5),
            (250, 0.75),
            (500, 1.0),
            (2000, 1.0),
            (2750, 0.5),
            (3500, 0.0),
            (60_000, 0.0),
        ] {
            assert!((response_score(millis) - expected).abs() < 1e-9, "{millis}");
        }
        for (millis, expected) in [(0, 1.0), (500, 0.75), (2000, 0.0), (9000, 0.0)] {
            assert!((yield_score(millis) - expected).abs() < 1e-9, "{millis}");
        }
    }

    #[test]
    fn percentiles_are_values_that_occurred() {
        let values: Vec<u64> = (1..=20).rev().collect();
        assert_eq!(percentile(&values, 0.5), Some(10));
        assert_eq!(percentile(&values, 0.95), Some(19));
        assert_eq!(percentile(&[7], 0.95), Some(7));
        assert_eq!(percentile(&[], 0.5), None);
        assert_eq!(mean(&[]), None);
        assert_eq!(mean(&[0.0, 1.0]), Some(0.5));
    }
}
