//! One stretch of the caller's sound that one stream after the other may hear, and the words that came of it.

use tokio::time::Instant;

use crate::audio::mulaw;
use crate::providers::google::speech::StreamingRecognitionResult;

/// Bytes of mu-law in a millisecond.
pub(super) const PER_MS: u64 = mulaw::RATE as u64 / 1000;
/// Words further apart than this, outside of every utterance, have nothing to do with each other: two seconds.
pub(super) const APART: u64 = 2000 * PER_MS;

/// A stretch of sound from `origin` on, up to `upto` where it is over.
#[derive(Debug)]
pub(super) struct Part {
    /// Parts are numbered in the order of their sound.
    pub id: u32,
    pub origin: u64,
    pub upto: Option<u64>,
    /// The stream that hears it now.
    pub stream: Option<u32>,
    /// Where that stream's sound began.
    pub heard_from: u64,
    /// When that stream was opened.
    pub opened: Instant,
    /// When the service was told that no more sound comes.
    pub closed: Option<Instant>,
    /// When the next stream is opened for it, the last one having failed.
    pub again: Option<Instant>,
    /// All words are there.
    pub done: bool,
    /// Words that do not change any more, and where they end.
    settled: String,
    settled_to: u64,
    /// What the rest may be.
    interim: String,
    /// Where the last words end, if there are any.
    last_end: Option<u64>,
}

impl Part {
    pub(super) fn new(id: u32, origin: u64, stream: u32, now: Instant) -> Self {
        Self {
            id,
            origin,
            upto: None,
            stream: Some(stream),
            heard_from: origin,
            opened: now,
            closed: None,
            again: None,
            done: false,
            settled: String::new(),
            settled_to: origin,
            interim: String::new(),
            last_end: None,
        }
    }

    /// Takes an answer's results. Returns where its words end, if it has any. `end` is where the sound given so far ends. `outside` of
    /// utterances, words that are settled are forgotten when others begin far from them.
    pub(super) fn take(&mut self, results: &[StreamingRecognitionResult], end: u64, outside: bool) -> Option<u64> {
        let mut interim = String::new();
        let mut words_end = None;
        let last = self.upto.unwrap_or(end);
        for result in results {
            let text = result.alternatives.first().map_or("", |best| best.transcript.as_str());
            let place = result.result_end_time.map_or(last, |span| {
                let bytes = span.millis().saturating_mul(PER_MS);
                self.heard_from.saturating_add(bytes).min(last)
            });
            let far = self.last_end.is_some_and(|end| end + APART < place);
            if outside && far && self.interim.is_empty() && !text.trim().is_empty() {
                self.settled.clear();
            }
            match result.is_final {
                true => {
                    append(&mut self.settled, text);
                    self.settled_to = self.settled_to.max(place);
                }
                false => append(&mut interim, text),
            }
            if !text.trim().is_empty() {
                words_end = words_end.max(Some(place));
                self.last_end = self.last_end.max(words_end);
            }
        }
        if !results.is_empty() {
            self.interim = interim;
        }
        words_end
    }

    /// From where the sound has to be heard again by a new stream, the first `kept` bytes being gone. Words of what is gone stay as
    /// they are.
    pub(super) fn unheard_from(&mut self, kept: u64) -> u64 {
        if self.settled_to < kept {
            let interim = std::mem::take(&mut self.interim);
            append(&mut self.settled, &interim);
            self.settled_to = self.last_end.unwrap_or(kept).max(kept);
        }
        self.settled_to
    }

    /// Its words end here.
    pub(super) fn words_end(&self) -> Option<u64> {
        self.last_end
    }

    pub(super) fn text(&self) -> String {
        let mut text = self.settled.clone();
        append(&mut text, &self.interim);
        text
    }

    pub(super) fn is_empty(&self) -> bool {
        self.settled.is_empty() && self.interim.is_empty()
    }
}

/// Adds words with one space before them; none at the ends or twice within.
pub(super) fn append(text: &mut String, more: &str) {
    for word in more.split_whitespace() {
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(word);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::providers::google::speech::{Alternative, Span};

    fn result(transcript: &str, is_final: bool, millis: i64) -> StreamingRecognitionResult {
        StreamingRecognitionResult {
            alternatives: vec![Alternative {
                transcript: transcript.to_owned(),
                confidence: 0.0,
            }],
            is_final,
            stability: 0.0,
            result_end_time: Some(Span {
                seconds: millis / 1000,
                nanos: (millis % 1000) as i32 * 1_000_000,
            }),
        }
    }

    #[test]
    fn finals_stay_and_interims_are_replaced() {
        let mut part = Part::new(0, 800, 0, Instant::now());
        let end = 100_000;
        assert_eq!(part.take(&[result("tube", false, 300)], end, false), Some(800 + 2400));
        part.take(
            &[result("to be", false, 500), result(" or not", false, 700)],
            end,
            false,
        );
        assert_eq!(part.text(), "to be or not");
        part.take(&[result("to be or not to be", true, 1500)], end, false);
        part.take(&[result(" that's", false, 1700)], end, false);
        assert_eq!(part.text(), "to be or not to be that's");
        assert_eq!(part.take(&[], end, false), None);
        assert_eq!(part.take(&[result(" ", true, 9000)], end, false), None);
        assert_eq!(part.text(), "to be or not to be");
        assert_eq!(part.words_end(), Some(800 + 1700 * 8));
    }

    #[test]
    fn places_beyond_the_sound_and_before_time_are_not_believed() {
        let mut part = Part::new(0, 800, 0, Instant::now());
        assert_eq!(part.take(&[result("a", false, i64::MAX / 2)], 1600, false), Some(1600));
        assert_eq!(part.take(&[result("a", false, -5000)], 1600, false), Some(800));
    }

    #[test]
    fn outside_of_utterances_old_words_are_forgotten() {
        for (outside, expected) in [(true, "new"), (false, "old new")] {
            let mut part = Part::new(0, 0, 0, Instant::now());
            part.take(&[result("old", true, 1000)], 80_000, outside);
            part.take(&[result("new", false, 3100)], 80_000, outside);
            assert_eq!(part.text(), expected);
        }
    }

    #[test]
    fn what_is_not_settled_is_heard_again_as_far_as_it_is_kept() {
        let mut part = Part::new(0, 0, 0, Instant::now());
        part.take(&[result("one", true, 1000), result("two", false, 2000)], 80_000, false);
        assert_eq!(part.unheard_from(0), 8000);
        assert_eq!(part.text(), "one two");
        assert_eq!(part.unheard_from(20_000), 20_000);
        part.take(&[result("three", false, 3000)], 80_000, false);
        assert_eq!(part.text(), "one two three");
    }
}
