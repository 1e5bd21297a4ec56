//! Dead air: the caller has finished, and nobody says anything.

use super::Call;
use super::segment::Segment;

/// Both silent for longer than this is dead air (ms).
pub(super) const DEAD_AIR: u64 = 3000;

/// The silences of more than 3 s after the caller's turns, until anybody is heard or the call ends.
pub(super) fn find(call: &Call) -> Vec<Segment> {
    let mut found: Vec<Segment> = call
        .turns()
        .filter_map(|turn| {
            let end = turn.span.to_ms;
            if call.engine.iter().any(|segment| segment.holds(end)) {
                return None;
            }
            let next = call
                .engine
                .iter()
                .chain(&call.sounds)
                .map(|sound| sound.from_ms)
                .filter(|from| *from > end)
                .min()
                .unwrap_or(call.length);
            let silence = Segment {
                from_ms: end,
                to_ms: next,
            };
            (silence.millis() > DEAD_AIR).then_some(silence)
        })
        .collect();
    // Labels may overlap; a silence counts once.
    found.dedup_by_key(|silence| silence.to_ms);
    found
}
