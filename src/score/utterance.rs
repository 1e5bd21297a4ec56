//! What the caller's sounds were: turns that want an answer, or signs of listening that want none.

use super::labels::{Kind, Label};
use super::segment::Segment;

/// One utterance of the caller, pauses within it included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Utterance {
    pub(super) span: Segment,
    pub(super) meant: Meant,
    /// Which of the engine's segments it began over, if it did.
    pub(super) over: Option<usize>,
}

/// What an utterance asks of the engine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Meant {
    /// An answer, and silence until it is over.
    Turn,
    /// To go on.
    Backchannel,
}

/// A sound over the engine's speech that is shorter than this is a backchannel, where no label says otherwise (ms).
const BACKCHANNEL: u64 = 700;
/// The longest pause within a turn; after it the caller says something new (ms).
const PAUSE: u64 = 3000;
/// The same for what begins over the engine's speech, where "mm-hm" and a later turn are two things (ms).
const PAUSE_OVER: u64 = 1000;
/// An engine that falls silent this soon after the caller's first sound was about to; nobody reacts as fast (ms).
const NATURAL_END: u64 = 120;

/// Utterances guessed from sound: a pause belongs to a turn where the engine left it alone.
pub(super) fn guessed(sounds: &[Segment], engine: &[Segment]) -> Vec<Utterance> {
    let mut found: Vec<Utterance> = Vec::new();
    for sound in sounds {
        if let Some(last) = found.last_mut()
            && goes_on(last, sound, engine)
        {
            last.span.to_ms = sound.to_ms;
            continue;
        }
        found.push(Utterance {
            span: *sound,
            meant: Meant::Turn,
            over: over(sound.from_ms, engine),
        });
    }
    for utterance in &mut found {
        if utterance.over.is_some() && utterance.span.millis() < BACKCHANNEL {
            utterance.meant = Meant::Backchannel;
        }
    }
    found
}

/// Utterances as labelled, within the recording; what a labelled pause lies between is one turn.
pub(super) fn labelled(labels: &[Label], engine: &[Segment], length: u64) -> Vec<Utterance> {
    let mut found: Vec<Utterance> = Vec::new();
    let mut paused = None;
    for label in labels.iter().filter(|label| label.from_ms < length) {
        let span = Segment {
            from_ms: label.from_ms,
            to_ms: label.to_ms.clamp(label.from_ms, length),
        };
        let meant = match label.kind {
            Kind::Pause => {
                paused = Some(span.to_ms);
                continue;
            }
            Kind::Backchannel => Meant::Backchannel,
            Kind::Turn | Kind::Interruption => Meant::Turn,
        };
        match found.last_mut() {
            Some(last)
                if meant == Meant::Turn
                    && last.meant == Meant::Turn
                    && (paused.take_if(|to| *to >= span.from_ms).is_some() || span.from_ms < last.span.to_ms) =>
            {
                last.span.to_ms = last.span.to_ms.max(span.to_ms);
            }
            _ => found.push(Utterance {
                span,
                meant,
                over: over(span.from_ms, engine),
            }),
        }
    }
    found
}

/// Whether a sound belongs to the utterance in front of it.
fn goes_on(last: &Utterance, sound: &Segment, engine: &[Segment]) -> bool {
    let longest = if last.over.is_some() { PAUSE_OVER } else { PAUSE };
    let answered = engine
        .iter()
        .any(|segment| (last.span.to_ms..=sound.from_ms).contains(&segment.from_ms));
    let spoken_over = engine.iter().any(|segment| segment.holds(sound.from_ms));
    sound.from_ms - last.span.to_ms <= longest && !answered && !spoken_over
}

fn over(from: u64, engine: &[Segment]) -> Option<usize> {
    engine
        .iter()
        .position(|segment| segment.from_ms < from && segment.to_ms >= from + NATURAL_END)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seg((from_ms, to_ms): (u64, u64)) -> Segment {
        Segment { from_ms, to_ms }
    }

    fn guess(caller: &[(u64, u64)], engine: &[(u64, u64)]) -> Vec<(u64, u64, Meant, bool)> {
        let all = |list: &[(u64, u64)]| -> Vec<Segment> { list.iter().copied().map(seg).collect() };
        told(&guessed(&all(caller), &all(engine)))
    }

    fn told(utterances: &[Utterance]) -> Vec<(u64, u64, Meant, bool)> {
        utterances
            .iter()
            .map(|one| (one.span.from_ms, one.span.to_ms, one.meant, one.over.is_some()))
            .collect()
    }

    #[test]
    fn a_pause_belongs_to_the_turn_unless_the_engine_answers_in_it_or_it_is_too_long() {
        use Meant::Turn;
        assert_eq!(
            guess(&[(0, 1000), (3000, 4000), (7500, 8000)], &[]),
            [(0, 4000, Turn, false), (7500, 8000, Turn, false)]
        );
        assert_eq!(
            guess(&[(0, 1000), (3000, 4000)], &[(2000, 2500)]),
            [(0, 1000, Turn, false), (3000, 4000, Turn, false)]
        );
    }

    #[test]
    fn a_short_sound_over_the_engine_is_a_backchannel_and_two_of_them_are_two() {
        use Meant::{Backchannel, Turn};
        assert_eq!(
            guess(&[(1000, 1400), (2000, 2400), (3000, 5000)], &[(0, 4000)]),
            [
                (1000, 1400, Backchannel, true),
                (2000, 2400, Backchannel, true),
                (3000, 5000, Turn, true)
            ]
        );
        // "Wait", and when the engine is silent, the rest: one interruption.
        assert_eq!(
            guess(&[(1000, 1400), (1900, 3400)], &[(0, 1600)]),
            [(1000, 3400, Turn, true)]
        );
        // The engine was ending anyway: nothing was spoken over.
        assert_eq!(guess(&[(1000, 1400)], &[(0, 1100)]), [(1000, 1400, Turn, false)]);
    }

    #[test]
    fn labels_say_what_belongs_together() {
        let label = |from_ms, to_ms, kind| Label {
            from_ms,
            to_ms,
            kind,
            words: String::new(),
        };
        let labels = [
            label(0, 1000, Kind::Turn),
            label(1000, 3000, Kind::Pause),
            label(3000, 4000, Kind::Turn),
            label(6000, 8000, Kind::Backchannel),
            label(8500, 8600, Kind::Interruption),
            label(9000, 60_000, Kind::Turn),
            label(70_000, 71_000, Kind::Turn),
        ];
        assert_eq!(
            told(&labelled(&labels, &[seg((5000, 20_000))], 30_000)),
            [
                (0, 4000, Meant::Turn, false),
                (6000, 8000, Meant::Backchannel, true),
                (8500, 8600, Meant::Turn, true),
                (9000, 30_000, Meant::Turn, true),
            ]
        );
    }
}
