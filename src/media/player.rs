//! What is to be said next: queued clips and streamed sound cut into frames on the playout clock, with marks between.
//! What was sent is kept until it was heard, so that a pause can take it back.

use super::mark::Mark;
use super::tape::Tape;
use crate::audio::clock::PlayoutClock;
use crate::audio::mulaw::{FRAME, FRAME_MS, RATE, SILENCE};
use crate::talk::playback::MARK_GRACE;
use crate::talk::{Clip, Play};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// Bytes of sound in a millisecond.
const MS: usize = RATE as usize / 1000;

/// How much sound may wait to be sent, in bytes: ten minutes, where the carrier too begins to throw away (31931).
const LIMIT: usize = 10 * 60 * RATE as usize;

/// An end of streamed sound that fills no frame waits for more until the carrier has only this much left to play, in
/// milliseconds. Then it is sent with silence behind it, early enough to be on time.
const HOLD: u64 = 2 * FRAME_MS;

/// How long a session that is to end waits for a paused conversation to decide, in milliseconds.
const PAUSE_LIMIT: u64 = 5000;

/// Marks that may be on their way; a carrier that returns none must not fill the memory.
const MARKS: usize = 1024;

/// The next thing to send.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Item {
    Frame([u8; FRAME]),
    Mark(Mark),
}

pub(super) struct Player {
    clips: Arc<[Clip]>,
    tape: Option<Tape>,
    queue: VecDeque<Queued>,
    /// What the queue weighs, in bytes.
    weight: usize,
    clock: PlayoutClock,
    /// What was sent and not heard yet. It ends with the last byte sent, and has no gap.
    unheard: VecDeque<u8>,
    /// Bytes sent in all, without those taken back.
    sent: u64,
    /// Marks whose last sound is in the frame sent last.
    passed: VecDeque<Play>,
    /// Marks sent and not returned, in order.
    awaited: VecDeque<Awaited>,
    /// How often the carrier's queue was emptied.
    epoch: u32,
    /// Since when nothing is sent.
    paused: Option<u64>,
    /// Streamed sound was queued and no mark after it: more belongs to it.
    open: bool,
    /// Milliseconds of sound that found no room.
    dropped: u64,
}

enum Queued {
    Clip { clip: usize, from: usize },
    Sound { ulaw: Bytes, from: usize },
    Mark(Play),
}

struct Awaited {
    play: Play,
    /// After how many bytes sent.
    at: u64,
    /// How long it is waited for.
    until: u64,
}

impl Player {
    pub(super) fn new(clips: Arc<[Clip]>, tape: Option<Tape>) -> Self {
        Self {
            clips,
            tape,
            queue: VecDeque::with_capacity(16),
            weight: 0,
            clock: PlayoutClock::default(),
            unheard: VecDeque::with_capacity(2048),
            sent: 0,
            passed: VecDeque::new(),
            awaited: VecDeque::with_capacity(8),
            epoch: 0,
            paused: None,
            open: false,
            dropped: 0,
        }
    }

    /// Queues a clip and its mark; its length in ms. One that does not exist is passed over with its mark, so nothing
    /// waits for it.
    pub(super) fn play(&mut self, clip: usize, play: Play) -> u64 {
        let millis = self.clips.get(clip).map_or(0, Clip::millis);
        if millis == 0 || self.push(Queued::Clip { clip, from: 0 }) {
            self.mark(play);
        }
        millis
    }

    /// Queues streamed sound. It follows what is before it without a gap, whatever its length.
    pub(super) fn sound(&mut self, ulaw: Bytes) {
        if !ulaw.is_empty() {
            self.open = true;
            self.push(Queued::Sound { ulaw, from: 0 });
        }
    }

    /// Queues a mark for everything before it.
    pub(super) fn mark(&mut self, play: Play) {
        self.open = false;
        self.push(Queued::Mark(play));
    }

    /// Stops, and takes back what was sent and not heard, with its marks. True: the carrier is to be told to clear.
    pub(super) fn pause(&mut self, now: u64) -> bool {
        if self.paused.is_some() {
            return false;
        }
        self.advance(now);
        let kept = Bytes::copy_from_slice(self.unheard.make_contiguous());
        let heard = self.sent - kept.len() as u64;
        while let Some(play) = self.passed.pop_back() {
            self.take_back(Queued::Mark(play));
        }
        let mut end = kept.len();
        while let Some(mark) = self.awaited.pop_back() {
            // One whose sound should have been heard may be on its way back; it goes out again first thing.
            let at = mark.at.saturating_sub(heard) as usize;
            self.take_back_sound(&kept, at, end);
            end = at;
            self.take_back(Queued::Mark(mark.play));
        }
        self.take_back_sound(&kept, 0, end);
        self.sent = heard;
        self.emptied(now);
        self.paused = Some(now);
        true
    }

    /// Goes on after a pause.
    pub(super) fn resume(&mut self) {
        self.paused = None;
    }

    /// Forgets everything.
    pub(super) fn clear(&mut self, now: u64) {
        self.advance(now);
        self.queue.clear();
        self.weight = 0;
        self.passed.clear();
        self.open = false;
        self.paused = None;
        self.emptied(now);
    }

    /// The next thing that a returned mark says was heard; to be asked until there is none. A mark covers those
    /// before it.
    pub(super) fn heard(&mut self, mark: Mark) -> Option<Play> {
        let known = mark.epoch == self.epoch && self.awaited.iter().any(|awaited| awaited.play == mark.play);
        let first = if known { self.awaited.pop_front() } else { None };
        first.map(|awaited| awaited.play)
    }

    /// What may be sent at `now`, one thing at a time.
    pub(super) fn next(&mut self, now: u64) -> Option<Item> {
        if self.paused.is_some() {
            return None;
        }
        if let Some(play) = self.passed.pop_front() {
            return Some(self.send_mark(play, now));
        }
        match self.queue.front()? {
            Queued::Mark(play) => {
                let play = *play;
                self.pop();
                Some(self.send_mark(play, now))
            }
            _ if self.clock.due(now) == 0 || !(self.is_whole() || self.clock.unheard(now) <= HOLD) => None,
            _ => {
                self.advance(now);
                let frame = self.cut();
                self.clock.sent(now, 1);
                self.unheard.extend(&frame);
                self.sent += FRAME as u64;
                Some(Item::Frame(frame))
            }
        }
    }

    /// When there is something to send again.
    pub(super) fn next_due(&self) -> Option<u64> {
        if self.paused.is_some() {
            None
        } else if !self.passed.is_empty() {
            Some(0)
        } else {
            match self.queue.front()? {
                Queued::Mark(_) => Some(0),
                _ if self.is_whole() => Some(self.clock.next_due()),
                _ => Some(self.clock.next_due().max(self.clock.heard_by().saturating_sub(HOLD))),
            }
        }
    }

    /// Whether all was sent, and heard as far as can be known.
    pub(super) fn is_done(&self, now: u64) -> bool {
        match self.paused {
            Some(since) => now >= since + PAUSE_LIMIT,
            None => self.queue.is_empty() && self.passed.is_empty() && self.gives_up().is_none_or(|until| now >= until),
        }
    }

    /// When a mark that was not returned is given up, or more sound, or a decision after a pause.
    pub(super) fn gives_up(&self) -> Option<u64> {
        if let Some(since) = self.paused {
            return Some(since + PAUSE_LIMIT);
        }
        let more = self.open.then(|| self.clock.heard_by() + MARK_GRACE);
        self.awaited.back().map(|mark| mark.until).max(more)
    }

    /// The caller's own sound, for the tape.
    pub(super) fn caller(&mut self, now: u64, frame: &[u8]) {
        if self.tape.is_some() {
            self.advance(now);
        }
        if let Some(tape) = &mut self.tape {
            tape.caller(now, frame);
        }
    }

    /// Lets the tape know what was heard by now. What was sent and not heard is not taped.
    pub(super) fn advance(&mut self, now: u64) {
        let left = (self.clock.unheard(now) as usize).saturating_mul(MS);
        let Some(gone @ 1..) = self.unheard.len().checked_sub(left) else {
            return;
        };
        if let Some(tape) = &mut self.tape {
            let since = self.clock.heard_by().saturating_sub((self.unheard.len() / MS) as u64);
            let (front, back) = self.unheard.as_slices();
            let cut = gone.min(front.len());
            tape.agent(since, &front[..cut]);
            tape.agent(since + (cut / MS) as u64, &back[..gone - cut]);
        }
        self.unheard.drain(..gone);
    }

    /// Milliseconds of sound that found no room, a mark counted as a frame.
    pub(super) fn dropped(&self) -> u64 {
        self.dropped
    }

    fn push(&mut self, item: Queued) -> bool {
        let weight = self.weigh(&item);
        if self.weight + weight > LIMIT {
            self.dropped += (weight / MS) as u64;
            return false;
        }
        self.weight += weight;
        self.queue.push_back(item);
        true
    }

    fn pop(&mut self) {
        if let Some(item) = self.queue.pop_front() {
            self.weight -= self.weigh(&item);
        }
    }

    /// Puts something before all else; there is room for it since it had its place before.
    fn take_back(&mut self, item: Queued) {
        self.weight += self.weigh(&item);
        self.queue.push_front(item);
    }

    fn take_back_sound(&mut self, kept: &Bytes, from: usize, to: usize) {
        if from < to {
            let ulaw = kept.slice(from..to);
            self.take_back(Queued::Sound { ulaw, from: 0 });
        }
    }

    /// Every item weighs at least a frame, so that the smallest are bounded in number too.
    fn weigh(&self, item: &Queued) -> usize {
        let bytes = match item {
            Queued::Clip { clip, .. } => self.clips.get(*clip).map_or(0, |clip| clip.ulaw.len()),
            Queued::Sound { ulaw, .. } => ulaw.len(),
            Queued::Mark(_) => 0,
        };
        bytes.max(FRAME)
    }

    /// The carrier's queue is empty from now on.
    fn emptied(&mut self, now: u64) {
        self.clock.cleared(now);
        self.unheard.clear();
        self.awaited.clear();
        self.epoch = self.epoch.wrapping_add(1);
    }

    fn send_mark(&mut self, play: Play, now: u64) -> Item {
        if self.awaited.len() == MARKS {
            self.awaited.pop_front();
        }
        self.awaited.push_back(Awaited {
            play,
            at: self.sent,
            until: now + self.clock.unheard(now) + MARK_GRACE,
        });
        let epoch = self.epoch;
        Item::Mark(Mark { play, epoch })
    }

    /// Whether the next frame needs nothing that is not there: it can be filled, or a clip ends in it.
    fn is_whole(&self) -> bool {
        let mut filled = 0;
        self.queue.iter().any(|item| {
            match item {
                Queued::Clip { .. } => return true,
                Queued::Sound { ulaw, from } => filled += ulaw.len() - from,
                Queued::Mark(_) => {}
            }
            filled >= FRAME
        })
    }

    /// Takes the next frame off the queue. A clip is padded with silence at its end; streamed sound is only where
    /// nothing follows it. Marks within the frame are sent after it.
    fn cut(&mut self) -> [u8; FRAME] {
        let mut frame = [SILENCE; FRAME];
        let mut filled = 0;
        while filled < FRAME
            && let Some(item) = self.queue.front_mut()
        {
            let (sound, from, padded) = match item {
                Queued::Mark(play) => {
                    self.passed.push_back(*play);
                    self.pop();
                    continue;
                }
                Queued::Clip { clip, from } => {
                    let sound = self.clips.get(*clip).map_or(&[][..], |clip| &clip.ulaw);
                    (sound, from, true)
                }
                Queued::Sound { ulaw, from } => (&ulaw[..], from, false),
            };
            let rest = &sound[*from..];
            let taken = rest.len().min(FRAME - filled);
            frame[filled..filled + taken].copy_from_slice(&rest[..taken]);
            filled += taken;
            *from += taken;
            if *from == sound.len() {
                self.pop();
                if padded {
                    break;
                }
            }
        }
        frame
    }
}

#[cfg(test)]
#[path = "player_tests.rs"]
mod tests;
