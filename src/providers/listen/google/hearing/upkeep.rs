//! Keeping a stream open for the sound that comes: opening, feeding, replacing.

use std::time::Duration;
use tokio::time::Instant;

use super::super::part::{APART, Part};
use super::{Act, Hearing, PIECE};

impl Hearing {
    pub(super) fn sound(&mut self, sound: &[u8], acts: &mut Vec<Act>) {
        self.ring.push(sound);
        if self.ring.end() - self.given >= PIECE {
            self.give(acts);
        }
    }

    pub(super) fn give(&mut self, acts: &mut Vec<Act>) {
        // Without a stream, the next one hears it all.
        if let Some(stream) = self.live().stream.filter(|_| self.given < self.ring.end()) {
            acts.push(Act::Sound(stream, self.ring.copy(self.given, self.ring.end())));
            self.given = self.ring.end();
        }
    }

    /// Another stream, from a place on, instead of the one that hears now.
    pub(super) fn restart(&mut self, now: Instant, from: u64, acts: &mut Vec<Act>) {
        if let Some(live) = self.parts.pop() {
            acts.extend(live.stream.map(Act::Drop));
        }
        self.open_part(now, from.max(self.ring.start()), acts);
    }

    /// A stream must not grow too old. In a quiet moment nothing is lost by another one; else it hears again what is not settled.
    pub(super) fn renew(&mut self, now: Instant, acts: &mut Vec<Act>) {
        let age = now.duration_since(self.live().opened);
        if self.live().stream.is_none() {
            // The next one is on its way.
        } else if age >= self.limits.age && self.is_quiet() {
            self.restart(now, self.ring.end(), acts);
        } else if age >= self.longest() {
            let index = self.parts.len() - 1;
            acts.extend(self.parts[index].stream.take().map(Act::Drop));
            self.reopen(now, index, acts);
        }
    }

    pub(super) fn longest(&self) -> Duration {
        self.limits.age * 7 / 6
    }

    pub(super) fn is_quiet(&self) -> bool {
        let words_end = self.live().words_end();
        self.utterance.is_none() && words_end.is_none_or(|end| end + APART < self.ring.end())
    }

    pub(super) fn open_part(&mut self, now: Instant, origin: u64, acts: &mut Vec<Act>) {
        let stream = self.next;
        self.next += 1;
        // Streams and parts count together: a part's own number is that of its first stream.
        self.parts.push(Part::new(stream, origin, stream, now));
        acts.push(Act::Open(stream));
        self.given = origin;
        self.give(acts);
    }

    /// Another stream hears what the one before did not settle.
    pub(super) fn reopen(&mut self, now: Instant, index: usize, acts: &mut Vec<Act>) {
        let live = index + 1 == self.parts.len();
        let end = self.ring.end();
        let part = &mut self.parts[index];
        part.again = None;
        let from = part.unheard_from(self.ring.start());
        if part.upto.is_some_and(|upto| upto <= from) {
            part.done = true;
            return;
        }
        let stream = self.next;
        self.next += 1;
        part.stream = Some(stream);
        part.heard_from = from;
        part.opened = now;
        acts.push(Act::Open(stream));
        let sound = self.ring.copy(from, part.upto.unwrap_or(end));
        if !sound.is_empty() {
            acts.push(Act::Sound(stream, sound));
        }
        if part.upto.is_some() {
            acts.push(Act::Finish(stream));
        }
        if live {
            self.given = end;
        }
    }
}
