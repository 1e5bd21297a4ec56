//! "mm-hm" over the engine's speech: does it speak on, pause, or fall silent?

use super::Call;
use super::result::{Backchannel, Reaction};
use super::segment::Segment;
use super::utterance::{Meant, Utterance};

/// An engine that stops later than this after the sound's end stops for another reason (ms).
const REACTS_WITHIN: u64 = 700;
/// An engine that goes on within this time had only paused (ms).
const RESUMES_WITHIN: u64 = 2000;

/// Judges the backchannels in order; what was not said over the engine's speech asks nothing of it.
pub(super) fn judge(call: &Call) -> Vec<Backchannel> {
    call.utterances
        .iter()
        .filter(|utterance| utterance.meant == Meant::Backchannel)
        .filter_map(|sign| one(sign, call))
        .collect()
}

fn one(sign: &Utterance, call: &Call) -> Option<Backchannel> {
    let first = sign.over?;
    let stop = call.engine[first].to_ms;
    let resumed = call.engine.get(first + 1).map(|segment| segment.from_ms - stop);
    let reaction = if stop > sign.span.to_ms + REACTS_WITHIN {
        Reaction::SpokeOn
    } else if let Some(pause_ms) = resumed.filter(|pause| *pause <= RESUMES_WITHIN && !taken(stop, *pause, call)) {
        Reaction::Resumed { pause_ms }
    } else if stop + RESUMES_WITHIN > call.length {
        // The call ends before it could have gone on: the engine may have said all it had to say.
        return None;
    } else {
        Reaction::Stopped
    };
    Some(Backchannel {
        span: sign.span,
        reaction,
    })
}

/// Whether the caller takes a turn between the engine's stop and its next words, which then answer that turn.
fn taken(stop: u64, pause: u64, call: &Call) -> bool {
    let silence = Segment {
        from_ms: stop,
        to_ms: stop + pause,
    };
    call.turns().any(|turn| silence.holds(turn.span.from_ms))
}
