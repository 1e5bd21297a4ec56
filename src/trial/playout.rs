//! What an agent says, as the carrier plays it: one sound after another on virtual time, with the marks that come back.

use crate::talk::Play;
use std::collections::VecDeque;
use std::sync::Arc;

/// A sound on its way to the caller's ear.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Piece {
    /// The file, or the words.
    pub what: Arc<str>,
    /// Whether it is spoken.
    pub spoken: bool,
    /// How long it takes, in milliseconds.
    pub millis: u64,
}

#[derive(Clone, Debug)]
enum Item {
    Sound(Piece),
    Mark(Play),
}

/// Something that happens at the carrier's end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    /// This begins to be heard.
    Begins(Piece),
    /// Everything before this mark was heard.
    Mark(Play),
}

/// The carrier's queue.
#[derive(Debug, Default)]
pub(super) struct Playout {
    queue: VecDeque<Item>,
    /// What is being heard, and until when.
    playing: Option<(Piece, u64)>,
    paused: bool,
}

impl Playout {
    pub fn sound(&mut self, piece: Piece) {
        if piece.millis > 0 {
            self.queue.push_back(Item::Sound(piece));
        }
    }

    pub fn mark(&mut self, play: Play) {
        self.queue.push_back(Item::Mark(play));
    }

    /// Stops, and keeps what was not heard. Whether something was cut off.
    pub fn pause(&mut self, now: u64) -> bool {
        self.paused = true;
        let Some((mut piece, until)) = self.playing.take() else {
            return false;
        };
        piece.millis = until.saturating_sub(now);
        if piece.millis > 0 {
            self.queue.push_front(Item::Sound(piece));
        }
        true
    }

    pub fn resume(&mut self) {
        self.paused = false;
    }

    /// Stops, and forgets everything. Whether something was cut off.
    pub fn clear(&mut self) -> bool {
        self.paused = false;
        self.queue.clear();
        self.playing.take().is_some()
    }

    /// Whether something is being heard.
    pub fn is_playing(&self) -> bool {
        self.playing.is_some()
    }

    /// When the next thing happens.
    pub fn due(&self, now: u64) -> Option<u64> {
        match &self.playing {
            Some((_, until)) => Some(*until),
            None if self.paused || self.queue.is_empty() => None,
            None => Some(now),
        }
    }

    /// The next thing that has happened by now.
    pub fn next(&mut self, now: u64) -> Option<Heard> {
        let mut at = now;
        if let Some((_, until)) = &self.playing {
            if *until > now {
                return None;
            }
            at = *until;
            self.playing = None;
        }
        if self.paused {
            return None;
        }
        match self.queue.pop_front()? {
            Item::Mark(play) => Some(Heard::Mark(play)),
            Item::Sound(piece) => {
                self.playing = Some((piece.clone(), at.saturating_add(piece.millis)));
                Some(Heard::Begins(piece))
            }
        }
    }
}
