//! Which stream hears which sound, and whose words they are: a machine without IO. Streams are cut where an utterance pauses or
//! ends, so that words of one can never be taken for those of the next; sound that a stream did not settle is heard by another.

#[cfg(test)]
mod tests;
mod upkeep;
mod words;

use bytes::Bytes;
use std::time::Duration;
use tokio::time::Instant;

use super::super::{Hear, Heard};
use super::part::{APART, PER_MS, Part};
use super::ring::Ring;
use crate::audio::mulaw;
use crate::providers::ProviderError;
use crate::providers::google::speech::{SpeechEvent, StreamingRecognizeResponse};
use crate::talk::Verdict;

/// What is to be done. Streams are numbered in the order of their opening.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Act {
    Open(u32),
    Sound(u32, Bytes),
    /// No more sound comes; answers still do.
    Finish(u32),
    /// Nothing of it is wanted any more.
    Drop(u32),
    Tell(Heard),
}

/// How long what may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Limits {
    /// Until a flush is answered with words that may still change.
    pub flush: Duration,
    /// Until a stream that was told to finish counts as dead.
    pub stall: Duration,
    /// A stream is replaced at the next quiet moment from this age on; the service ends them at about five minutes.
    pub age: Duration,
    /// Without sound for so long, silence is sent; the service gives up after about ten seconds.
    pub quiet: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            flush: Duration::from_millis(700),
            stall: Duration::from_secs(4),
            age: Duration::from_secs(240),
            quiet: Duration::from_secs(3),
        }
    }
}

/// Sound goes out in pieces of at least 100 ms, as the service recommends.
const PIECE: u64 = 100 * PER_MS;
/// What is heard so shortly before the end of an utterance may be the beginning of the next: 300 ms.
const ONSET: u64 = 300 * PER_MS;
/// So many streams in a row may fail without a word.
const TRIES: u32 = 3;
/// A stream that lived so long did not fail because of how it was opened.
const LIVED: Duration = Duration::from_secs(10);

/// All that is known of one conversation's streams.
#[derive(Debug)]
pub(super) struct Hearing {
    limits: Limits,
    ring: Ring,
    /// How far the last part's stream has been given its sound.
    given: u64,
    utterance: Option<Utterance>,
    /// Sound before this belongs to utterances that are over.
    floor: u64,
    /// Words that end before this do, too.
    past: u64,
    /// In the order of their sound; the last one is heard now. Never empty.
    parts: Vec<Part>,
    flushes: Vec<Flush>,
    next: u32,
    failures: u32,
    /// The words that were told outside of utterances.
    told: String,
    silence_at: Instant,
}

#[derive(Debug)]
struct Utterance {
    number: u32,
    from: u64,
    /// Words of parts that are done.
    words: String,
    told: String,
    /// Where it paused last.
    paused: Option<u64>,
}

#[derive(Debug)]
struct Flush {
    number: u32,
    /// It is answered when all parts before this one are done.
    before: u32,
    asked: Instant,
}

impl Hearing {
    /// Opens the first stream.
    pub(super) fn new(limits: Limits, now: Instant, acts: &mut Vec<Act>) -> Self {
        let mut hearing = Self {
            limits,
            ring: Ring::default(),
            given: 0,
            utterance: None,
            floor: 0,
            past: 0,
            parts: Vec::new(),
            flushes: Vec::new(),
            next: 0,
            failures: 0,
            told: String::new(),
            silence_at: now + limits.quiet,
        };
        hearing.open_part(now, 0, acts);
        hearing
    }

    pub(super) fn order(&mut self, now: Instant, order: Hear, acts: &mut Vec<Act>) {
        match order {
            Hear::Sound(frame) => {
                self.silence_at = now + self.limits.quiet;
                self.sound(frame.sound(), acts);
                if self.live().opened + self.limits.age <= now {
                    self.renew(now, acts);
                }
            }
            Hear::Begin { utterance, before } => self.begin(now, utterance, before, acts),
            Hear::Flush { utterance, flush } => self.flush(now, utterance, flush, acts),
            Hear::End { utterance } => {
                if self.current() == Some(utterance) {
                    self.end(now, acts);
                }
            }
        }
    }

    /// A stream's answer; answers of streams that are not wanted any more are nothing.
    pub(super) fn answer(
        &mut self,
        now: Instant,
        stream: u32,
        answer: StreamingRecognizeResponse,
        acts: &mut Vec<Act>,
    ) {
        let Some(index) = self.find(stream) else { return };
        let live = index + 1 == self.parts.len();
        if !answer.results.is_empty() {
            self.failures = 0;
        }
        let (end, outside) = (self.ring.end(), self.utterance.is_none());
        let part = &mut self.parts[index];
        let words_end = part.take(&answer.results, end, outside);
        if live && part.origin < self.past && words_end.is_some_and(|place| place <= self.past) {
            // Late words of an utterance that is over: the next one gets a stream that has not heard them.
            let from = self
                .utterance
                .as_ref()
                .map_or(self.past, |utterance| utterance.from.max(self.past));
            self.floor = self.floor.max(self.past);
            return self.restart(now, from, acts);
        }
        self.tell(acts);
        let pauses = answer.speech_event_type == SpeechEvent::ActivityEnd as i32;
        if let Some(number) = self.current().filter(|_| live && pauses) {
            acts.push(Act::Tell(Heard::Verdict {
                utterance: Some(number),
                verdict: Verdict::Likely,
            }));
        }
        self.resolve(now, acts);
    }

    /// A stream is over, in order or with an error. Its sound is heard again where words are missing. Errors: too many ended.
    pub(super) fn ended(
        &mut self,
        now: Instant,
        stream: u32,
        error: Option<ProviderError>,
        acts: &mut Vec<Act>,
    ) -> Result<(), ProviderError> {
        let Some(index) = self.find(stream) else { return Ok(()) };
        let part = &mut self.parts[index];
        part.stream = None;
        if error.is_none() && part.upto.is_some() {
            part.done = true;
            self.failures = 0;
        } else {
            self.failures = match now.duration_since(part.opened) >= LIVED {
                true => 1,
                false => self.failures + 1,
            };
            if self.failures >= TRIES {
                return Err(error.unwrap_or_else(|| ProviderError::Transient {
                    detail: "the service closes its streams at once".to_owned(),
                }));
            }
            match self.failures {
                1 => self.reopen(now, index, acts),
                failures => part.again = Some(now + Duration::from_millis(200 << failures.min(4))),
            }
        }
        self.resolve(now, acts);
        Ok(())
    }

    /// A stream is over through no fault of the service: another one hears its sound.
    pub(super) fn again(&mut self, now: Instant, stream: u32, acts: &mut Vec<Act>) {
        if let Some(index) = self.find(stream) {
            self.reopen(now, index, acts);
            self.resolve(now, acts);
        }
    }

    /// To be called when [`Hearing::deadline`] has come; earlier calls do no harm. Errors: the service says nothing any more.
    pub(super) fn tick(&mut self, now: Instant, acts: &mut Vec<Act>) -> Result<(), ProviderError> {
        for index in 0..self.parts.len() {
            if self.parts[index].again.is_some_and(|again| again <= now) {
                self.reopen(now, index, acts);
            }
        }
        let silent = self.text().is_empty();
        for part in self.parts.iter_mut().filter(|part| !part.done) {
            if part.closed.is_some_and(|closed| closed + self.limits.stall <= now) {
                self.failures += 1;
                if silent || self.failures >= TRIES {
                    // Saying that there were no words would be a guess.
                    return Err(ProviderError::Timeout {
                        limit: self.limits.stall,
                    });
                }
                acts.extend(part.stream.take().map(Act::Drop));
                part.again = None;
                part.done = true;
            }
        }
        if self.silence_at <= now {
            // It counts as sound, so that all places stay true.
            self.sound(&[mulaw::SILENCE; PIECE as usize], acts);
            self.silence_at = now + self.limits.quiet;
        }
        self.renew(now, acts);
        self.resolve(now, acts);
        Ok(())
    }

    /// When the next tick is due.
    pub(super) fn deadline(&self) -> Instant {
        let live = self.live();
        let age = match self.is_quiet() {
            true => self.limits.age,
            false => self.longest(),
        };
        let words = !self.text().is_empty();
        let flushes = self
            .flushes
            .iter()
            .filter(|_| words)
            .map(|flush| flush.asked + self.limits.flush);
        let stalls = self.parts.iter().filter(|part| !part.done);
        let stalls = stalls
            .filter_map(|part| part.closed)
            .map(|closed| closed + self.limits.stall);
        let again = self.parts.iter().filter_map(|part| part.again);
        let age = live.stream.map(|_| live.opened + age);
        let all = flushes.chain(stalls).chain(again).chain(age).chain([self.silence_at]);
        all.min().unwrap_or(self.silence_at)
    }

    fn begin(&mut self, now: Instant, number: u32, before: u32, acts: &mut Vec<Act>) {
        if self.utterance.is_some() {
            self.end(now, acts);
        }
        let from = self.ring.end().saturating_sub(u64::from(before) * PER_MS);
        let from = from.max(self.floor);
        self.utterance = Some(Utterance {
            number,
            from,
            words: String::new(),
            told: String::new(),
            paused: None,
        });
        self.told.clear();
        let live = self.live();
        let strange = match live.words_end() {
            Some(end) => end + APART < from,
            None => !self.ring.is_quiet(live.origin, from),
        };
        if live.origin > from || strange {
            self.restart(now, from, acts);
        }
        self.tell(acts);
    }

    fn flush(&mut self, now: Instant, number: u32, flush: u32, acts: &mut Vec<Act>) {
        let end = self.ring.end();
        let Some(utterance) = self.utterance.as_mut().filter(|utterance| utterance.number == number) else {
            return acts.push(Act::Tell(Heard::Words {
                utterance: Some(number),
                text: String::new(),
                flush: Some(flush),
            }));
        };
        utterance.paused = Some(end);
        self.give(acts);
        let live = self.live_mut();
        let before = match live.origin < end {
            true => {
                live.upto = Some(end);
                live.closed = Some(now);
                acts.extend(live.stream.map(Act::Finish));
                self.open_part(now, end, acts);
                self.live().id
            }
            // There is nothing in it that could be asked for.
            false => live.id,
        };
        self.flushes.push(Flush {
            number: flush,
            before,
            asked: now,
        });
        self.resolve(now, acts);
    }

    /// The utterance is over: whatever heard it is forgotten.
    fn end(&mut self, now: Instant, acts: &mut Vec<Act>) {
        let paused = self.utterance.take().and_then(|utterance| utterance.paused);
        self.flushes.clear();
        self.told.clear();
        let live = self.parts.split_off(self.parts.len() - 1);
        for part in std::mem::replace(&mut self.parts, live) {
            acts.extend(part.stream.map(Act::Drop));
        }
        self.past = self.ring.end();
        // A stream that was opened in its last pause and heard nothing since is as good as a new one. It may have heard the very
        // beginning of the next, so that this is not taken from it.
        let live = self.live();
        let onset = live.origin.max(self.past.saturating_sub(ONSET));
        match paused == Some(live.origin) && live.is_empty() && self.ring.is_quiet(live.origin, onset) {
            true => self.floor = onset,
            false => {
                self.floor = self.past;
                self.restart(now, self.past, acts);
            }
        }
    }

    fn current(&self) -> Option<u32> {
        self.utterance.as_ref().map(|utterance| utterance.number)
    }

    fn find(&self, stream: u32) -> Option<usize> {
        self.parts.iter().position(|part| part.stream == Some(stream))
    }

    fn live(&self) -> &Part {
        self.parts.last().expect("a part is always followed by another one")
    }

    fn live_mut(&mut self) -> &mut Part {
        self.parts.last_mut().expect("a part is always followed by another one")
    }
}
