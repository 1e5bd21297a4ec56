//! Scoring at the ear: how a conversation was for the caller, read off the two tracks of a recording. Pure: sound in,
//! a typed result out. `docs/scoring.md` has the rules in prose.

mod backchannel;
mod curve;
mod dead_air;
mod labels;
mod result;
mod segment;
mod timeline;
mod turn;
mod utterance;

pub use curve::{response_score, yield_score};
pub use labels::{Kind, Label, LabelError, read as read_labels};
pub use result::{Backchannel, Latency, Reaction, Response, Score, Summary, Turn, Yield};
pub use segment::Segment;
pub use timeline::{Timeline, TimelineError};

use utterance::{Meant, Utterance};

/// Judges a call. With labels the caller's utterances are known; without them they are guessed from the sound.
#[must_use]
pub fn score(timeline: &Timeline, labels: Option<&[Label]>) -> Score {
    let length = timeline.length_ms();
    let engine = segment::of_engine(timeline.engine());
    let sounds = segment::of_caller(timeline.caller());
    let utterances = match labels {
        Some(labels) => utterance::labelled(labels, &engine, length),
        None => utterance::guessed(&sounds, &engine),
    };
    let call = Call {
        engine,
        sounds,
        utterances,
        length,
        labelled: labels.is_some(),
    };
    let turns = turn::judge(&call);
    let backchannels = backchannel::judge(&call);
    let dead_air = dead_air::find(&call);
    Score {
        length_ms: length,
        labelled: call.labelled,
        summary: Summary::of(&turns, &backchannels, &dead_air),
        turns,
        backchannels,
        dead_air,
    }
}

/// A call as its measures see it: who made sound when, and what the caller meant.
struct Call {
    /// The engine's speech; pauses below 300 ms do not part it.
    engine: Vec<Segment>,
    /// The caller's sounds.
    sounds: Vec<Segment>,
    /// The caller's utterances in order.
    utterances: Vec<Utterance>,
    length: u64,
    labelled: bool,
}

impl Call {
    /// The turns among the utterances.
    fn turns(&self) -> impl Iterator<Item = &Utterance> {
        self.utterances
            .iter()
            .filter(|utterance| utterance.meant == Meant::Turn)
    }

    /// When the caller takes a turn next after `at`; the end of the call where that never happens.
    fn next_turn(&self, at: u64) -> Option<u64> {
        self.turns().map(|turn| turn.span.from_ms).find(|from| *from > at)
    }
}

#[cfg(test)]
mod tests;
