//! One turn at a time: did the engine give way, did it let the caller finish, and how fast did it answer?

use super::Call;
use super::dead_air::DEAD_AIR;
use super::result::{Response, Turn, Yield};
use super::segment::Segment;
use super::utterance::Utterance;

/// The engine may begin over the last sounds of a turn: their end is only known a little later (ms).
const OVERLAP: u64 = 200;
/// An engine that comes back sooner, while the caller still speaks, had not yielded but paused (ms).
const COMES_BACK: u64 = 2000;
/// Without labels: who goes on this soon after the engine began had not finished (ms).
const GOES_ON: u64 = 1500;

/// Judges the caller's turns in order.
pub(super) fn judge(call: &Call) -> Vec<Turn> {
    call.turns().map(|turn| one(turn, call)).collect()
}

fn one(turn: &Utterance, call: &Call) -> Turn {
    let span = turn.span;
    let stop = turn.over.map(|first| stopped(span, first, &call.engine));
    let silent_from = stop.unwrap_or(span.from_ms);
    let cut_in_ms = call
        .engine
        .iter()
        .map(|segment| segment.from_ms)
        .find(|from| *from >= silent_from && within(*from, span))
        .or_else(|| gone_on_from(span, silent_from, call));
    Turn {
        span,
        yielded: stop.map(|stop| Yield {
            after_ms: stop - span.from_ms,
        }),
        cut_in_ms,
        response: if cut_in_ms.is_some() {
            Response::NotDue
        } else {
            response(span, silent_from, call)
        },
    }
}

/// When the engine, speaking in its segment `first`, was silent and stayed so.
fn stopped(span: Segment, first: usize, engine: &[Segment]) -> u64 {
    let mut stop = engine[first].to_ms;
    for segment in &engine[first + 1..] {
        if !within(segment.from_ms, span) || segment.from_ms >= stop + COMES_BACK {
            break;
        }
        stop = segment.to_ms;
    }
    stop
}

/// Whether the caller has not nearly finished at that moment.
fn within(at: u64, span: Segment) -> bool {
    span.from_ms <= at && at + OVERLAP < span.to_ms
}

/// Without labels, a turn into whose pause the engine spoke looks finished; it was not where the caller goes on at once.
fn gone_on_from(span: Segment, silent_from: u64, call: &Call) -> Option<u64> {
    if call.labelled {
        return None;
    }
    let answer = answer(span, silent_from, &call.engine)?;
    let next = call.next_turn(span.from_ms)?;
    let in_a_pause = answer < next && answer < span.to_ms + GOES_ON;
    (in_a_pause && next <= answer + GOES_ON).then_some(answer)
}

fn answer(span: Segment, silent_from: u64, engine: &[Segment]) -> Option<u64> {
    engine
        .iter()
        .map(|segment| segment.from_ms)
        .find(|from| *from >= silent_from && from + OVERLAP >= span.to_ms)
}

fn response(span: Segment, silent_from: u64, call: &Call) -> Response {
    if silent_from > span.to_ms + COMES_BACK {
        // It spoke on as if nobody had said anything; that is judged as not yielding.
        return Response::NotDue;
    }
    let until = call.next_turn(span.from_ms).unwrap_or(call.length);
    match answer(span, silent_from, &call.engine) {
        Some(from) if from < until => Response::Answered {
            after_ms: from.saturating_sub(span.to_ms),
        },
        _ if until.saturating_sub(span.to_ms) > DEAD_AIR => Response::Unanswered,
        _ => Response::NotDue,
    }
}
