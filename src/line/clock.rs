//! The one place that reads the clock for calls.

use crate::call::Time;
use std::time::{SystemTime, UNIX_EPOCH};

/// The moment, in milliseconds since the Unix epoch.
pub(crate) fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Time(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// A moment as the store keeps it.
pub(crate) fn stored(time: Time) -> i64 {
    i64::try_from(time.0).unwrap_or(i64::MAX)
}
