//! One answer on its way to the caller's ear, piece by piece: what may leave, what was heard, how long to wait.
//! Pieces leave in their order whatever the order of their sound, and none while the track is shut.

mod piece;
mod told;

pub(super) use piece::Piece;

use crate::audio::mulaw;
use crate::talk::playback::MARK_GRACE;
use crate::talk::{Output, Play};
use bytes::Bytes;
use piece::Source;
use std::collections::VecDeque;
use std::sync::Arc;

/// A mark follows at least every half second of sound, in bytes.
const BETWEEN_MARKS: usize = 4000;
/// A voice that never ends is cut off here: so many milliseconds for every character, and so many in any case.
const MOST_PER_CHARACTER: u64 = 400;
const MOST: u64 = 10_000;

/// The sound of one answer.
#[derive(Debug)]
pub(super) struct Track {
    pieces: Vec<Piece>,
    /// The first piece that did not leave wholly.
    front: usize,
    /// Milliseconds that left.
    sent: u64,
    unmarked: usize,
    /// Marks that did not come back, with what had left before them.
    marks: VecDeque<(Play, u64)>,
    /// At this moment so many milliseconds had been heard.
    heard: (u64, u64),
    /// When the first sound left.
    begun: Option<u64>,
    /// When playing was stopped for a while.
    paused: Option<u64>,
    shut: bool,
}

impl Track {
    /// A track with nothing on it; nothing leaves it while it is shut.
    pub(super) fn new(now: u64, shut: bool) -> Self {
        Self {
            pieces: Vec::new(),
            front: 0,
            sent: 0,
            unmarked: 0,
            marks: VecDeque::new(),
            heard: (now, 0),
            begun: None,
            paused: None,
            shut,
        }
    }

    /// Adds a clip. It goes before pieces that have no sound yet where it is an aside.
    pub(super) fn add_clip(&mut self, generation: u32, clip: usize, text: Arc<str>, millis: u64, aside: bool) {
        let piece = Piece {
            generation,
            text,
            aside,
            source: Source::Clip(clip, millis),
            from: 0,
            millis: 0,
        };
        let at = match aside && self.pieces.get(self.front).is_some_and(Piece::is_silent) {
            true => self.front,
            false => self.pieces.len(),
        };
        self.pieces.insert(at, piece);
    }

    /// Adds words that a voice was asked for.
    pub(super) fn add_voice(&mut self, now: u64, generation: u32, number: u32, text: Arc<str>, aside: bool) {
        let source = Source::Voice {
            number,
            waiting: VecDeque::new(),
            given: 0,
            done: false,
            is_short: false,
            alive: now,
        };
        self.pieces.push(Piece {
            generation,
            text,
            aside,
            source,
            from: 0,
            millis: 0,
        });
    }

    /// Sound of a piece. False where it is nobody's: unknown, complete, or endless.
    pub(super) fn sound(&mut self, now: u64, generation: u32, piece: u32, ulaw: &Bytes) -> bool {
        let Some(piece) = self.pieces.iter_mut().find(|other| other.is(generation, piece)) else {
            return false;
        };
        let most = MOST + piece.text.chars().count() as u64 * MOST_PER_CHARACTER;
        let Source::Voice {
            waiting,
            given,
            done,
            alive,
            ..
        } = &mut piece.source
        else {
            return false;
        };
        if *done || ulaw.is_empty() {
            return false;
        }
        *alive = now;
        *given += mulaw::millis(ulaw.len());
        *done = *given >= most;
        waiting.push_back(ulaw.clone());
        true
    }

    /// A piece has no more sound; only a `whole` one was spoken to its end.
    pub(super) fn spoken(&mut self, now: u64, generation: u32, piece: u32, whole: bool) {
        if let Some(piece) = self.pieces.iter_mut().find(|other| other.is(generation, piece))
            && let Source::Voice {
                done, is_short, alive, ..
            } = &mut piece.source
        {
            (*done, *is_short, *alive) = (true, !whole, now);
        }
    }

    /// Lets leave what may; `plays` counts the marks of the call.
    pub(super) fn flow(&mut self, now: u64, plays: &mut u32, out: &mut Vec<Output>) {
        while !self.shut && self.paused.is_none() && self.front < self.pieces.len() {
            let heard = self.heard_ms(now);
            let piece = &mut self.pieces[self.front];
            if piece.millis == 0 {
                piece.from = self.sent;
            }
            let generation = piece.generation;
            let mut next_play = || {
                let number = *plays;
                *plays += 1;
                Play { generation, number }
            };
            let (left, is_whole) = match &mut piece.source {
                Source::Clip(clip, millis) => {
                    let play = next_play();
                    out.push(Output::Play { clip: *clip, play });
                    self.marks.push_back((play, self.sent + *millis));
                    (*millis, true)
                }
                Source::Voice { waiting, done, .. } => match waiting.pop_front() {
                    Some(mut lump) => {
                        let ulaw = lump.split_to(lump.len().min(BETWEEN_MARKS - self.unmarked));
                        if !lump.is_empty() {
                            waiting.push_front(lump);
                        }
                        self.unmarked += ulaw.len();
                        let millis = mulaw::millis(ulaw.len());
                        out.push(Output::Sound { ulaw });
                        if self.unmarked >= BETWEEN_MARKS {
                            let play = next_play();
                            out.push(Output::Mark { play });
                            self.marks.push_back((play, self.sent + millis));
                            self.unmarked = 0;
                        }
                        (millis, false)
                    }
                    None if *done => {
                        if self.unmarked > 0 {
                            let play = next_play();
                            out.push(Output::Mark { play });
                            self.marks.push_back((play, self.sent));
                            self.unmarked = 0;
                        }
                        (0, true)
                    }
                    None => return,
                },
            };
            if left > 0 {
                // What was sent before has been heard by now: the clock of hearing starts anew with this.
                if self.begun.is_none() || heard >= self.sent {
                    self.heard = (now, heard);
                }
                self.begun.get_or_insert(now);
            }
            piece.millis += left;
            self.sent += left;
            self.front += usize::from(is_whole);
        }
    }

    /// A mark came back. While paused only one of what was heard before counts: the others are swept away with the sound.
    pub(super) fn played(&mut self, now: u64, play: Play) {
        let Some(index) = self.marks.iter().position(|(mark, _)| *mark == play) else {
            return;
        };
        let (_, millis) = self.marks[index];
        if self.paused.is_some() && millis > self.heard_ms(now) {
            return;
        }
        self.marks.drain(..=index);
        self.heard = (self.paused.unwrap_or(now), millis);
    }

    /// Stops what is playing, until [`Self::resume`].
    pub(super) fn pause(&mut self, now: u64) {
        self.heard = (now, self.heard_ms(now));
        self.paused.get_or_insert(now);
    }

    pub(super) fn resume(&mut self, now: u64) {
        if self.paused.take().is_some() {
            self.heard.0 = now;
        }
    }

    pub(super) fn open(&mut self) {
        self.shut = false;
    }

    /// Forgets what did not begin to leave; what did is complete.
    pub(super) fn cut(&mut self) {
        let begun = self.pieces.get(self.front).is_some_and(|piece| piece.millis > 0);
        self.pieces.truncate(self.front + usize::from(begun));
        if let Some(Piece {
            source:
                Source::Voice {
                    waiting,
                    done,
                    is_short,
                    ..
                },
            ..
        }) = self.pieces.get_mut(self.front)
        {
            waiting.clear();
            *is_short = !*done;
            *done = true;
        }
    }

    /// How many milliseconds were heard by now: what the last mark says and the time since, and never more than left.
    pub(super) fn heard_ms(&self, now: u64) -> u64 {
        let (at, millis) = self.heard;
        let until = self.paused.unwrap_or(now);
        (millis + until.saturating_sub(at)).min(self.sent)
    }

    /// The words heard by now, never half a word.
    pub(super) fn heard_text(&self, now: u64, counts: impl Fn(&Piece) -> bool) -> String {
        let heard = self.heard_ms(now);
        let mut words = Vec::new();
        for piece in self.pieces.iter().filter(|piece| piece.millis > 0 && counts(piece)) {
            words.extend(piece.heard(heard.saturating_sub(piece.from)));
        }
        words.join(" ")
    }

    /// All its words, heard or not.
    pub(super) fn text(&self, counts: impl Fn(&Piece) -> bool) -> String {
        let words = self
            .pieces
            .iter()
            .filter(|piece| counts(piece))
            .map(|piece| &*piece.text);
        words.collect::<Vec<_>>().join(" ")
    }

    /// Whether every piece left wholly.
    pub(super) fn is_sent(&self) -> bool {
        self.front == self.pieces.len()
    }

    /// When everything that left was heard, its marks lost or not. None while paused.
    pub(super) fn heard_by(&self) -> Option<u64> {
        let (at, millis) = self.heard;
        match (self.paused, self.sent - millis.min(self.sent)) {
            (Some(_), _) => None,
            (None, 0) => Some(at),
            (None, rest) => Some(at + rest + MARK_GRACE),
        }
    }

    /// When what left falls silent by the clock alone; the beginning of a wait for the rest.
    pub(super) fn silent_from(&self) -> u64 {
        let (at, millis) = self.heard;
        at + self.sent.saturating_sub(millis)
    }

    /// Since when the voice owes sound.
    pub(super) fn waits_since(&self) -> Option<u64> {
        match &self.pieces.get(self.front)?.source {
            Source::Voice { done: false, alive, .. } => Some((*alive).max(self.last_alive())),
            _ => None,
        }
    }

    /// Since when an aside is awaited of which nothing has come.
    pub(super) fn bridged_since(&self) -> Option<u64> {
        let mut asides = self.pieces[self.front..].iter().filter(|piece| piece.aside);
        asides.find_map(|piece| match piece.source {
            Source::Voice {
                given: 0,
                done: false,
                alive,
                ..
            } => Some(alive),
            _ => None,
        })
    }

    /// Whether more sound of this piece is awaited.
    pub(super) fn awaits(&self, generation: u32, piece: u32) -> bool {
        let awaited = |other: &Piece| other.is(generation, piece) && other.is_unfinished();
        self.pieces[self.front..].iter().any(awaited)
    }

    /// Whether more sound of any piece of this answer is awaited.
    pub(super) fn awaits_any(&self, generation: u32) -> bool {
        let awaited = |other: &Piece| other.generation == generation && other.is_unfinished();
        self.pieces[self.front..].iter().any(awaited)
    }

    /// When the first sound left.
    pub(super) fn begun(&self) -> Option<u64> {
        self.begun
    }

    pub(super) fn is_paused(&self) -> bool {
        self.paused.is_some()
    }

    pub(super) fn sent_ms(&self) -> u64 {
        self.sent
    }

    fn last_alive(&self) -> u64 {
        let before = self.pieces[..self.front].iter();
        let alive = |piece: &Piece| match piece.source {
            Source::Voice { alive, .. } => alive,
            Source::Clip(..) => 0,
        };
        before.map(alive).max().unwrap_or(0)
    }
}

#[cfg(test)]
#[path = "track_tests.rs"]
mod tests;
