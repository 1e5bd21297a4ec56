//! When a call comes in, as a scenario writes it.

use crate::call::Time;

/// When calls come in where a scenario says nothing: a Wednesday at noon, universal time.
pub const USUAL: Time = Time(1_704_888_000_000);

/// Reads `2026-11-22 10:30 Asia/Jerusalem`, or a moment with its offset such as `2026-11-22T10:30:00Z`.
pub fn read(text: &str) -> Option<Time> {
    let text = text.trim();
    let time = |millis: i64| u64::try_from(millis).ok().map(Time);
    if let Ok(moment) = text.parse::<jiff::Timestamp>() {
        return time(moment.as_millisecond());
    }
    let (local, zone) = text.rsplit_once(' ')?;
    let local: jiff::civil::DateTime = local.trim().parse().ok()?;
    let zoned = local.in_tz(zone.trim()).ok()?;
    time(zoned.timestamp().as_millisecond())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments() {
        assert_eq!(read("2024-01-10T12:00:00Z"), Some(USUAL));
        assert_eq!(read("2024-01-10 14:00 Asia/Jerusalem"), Some(USUAL));
        for wrong in ["", "tomorrow", "2024-01-10 14:00", "2024-01-10 14:00 Mars/Base"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }
}
