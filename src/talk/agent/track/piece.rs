//! A part of an answer: its words, its sound as far as it came, and how much of both was heard.

use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// Slow speech: how long a character may take, while the length of a piece is not known yet.
const PER_CHARACTER: u64 = 70;

/// A part of an answer, and the round it was spoken for.
#[derive(Debug)]
pub(in crate::talk::agent) struct Piece {
    pub(in crate::talk::agent) generation: u32,
    pub(in crate::talk::agent) text: Arc<str>,
    /// It bridges a wait, and is no part of what the model said.
    pub(in crate::talk::agent) aside: bool,
    pub(super) source: Source,
    /// Where it begins, and how much of it left, in milliseconds.
    pub(super) from: u64,
    pub(super) millis: u64,
}

/// Where its sound comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// A clip of the call; it leaves as a whole.
    Clip(usize, u64),
    /// A voice.
    Voice {
        number: u32,
        waiting: VecDeque<Bytes>,
        given: u64,
        done: bool,
        /// It was given up before its sound was complete.
        is_short: bool,
        /// When its last sound came, or it was asked for.
        alive: u64,
    },
}

impl Piece {
    pub(super) fn is(&self, generation: u32, wanted: u32) -> bool {
        self.generation == generation && matches!(self.source, Source::Voice { number, .. } if number == wanted)
    }

    pub(super) fn is_unfinished(&self) -> bool {
        matches!(self.source, Source::Voice { done: false, .. })
    }

    pub(super) fn is_silent(&self) -> bool {
        matches!(
            self.source,
            Source::Voice {
                given: 0,
                done: false,
                ..
            }
        )
    }

    /// The words of its first `heard` milliseconds.
    pub(super) fn heard(&self, heard: u64) -> Vec<&str> {
        let mut words: Vec<&str> = self.text.split_whitespace().collect();
        let whole = match self.source {
            Source::Voice { done: false, .. } | Source::Voice { is_short: true, .. } => {
                self.millis.max(self.text.chars().count() as u64 * PER_CHARACTER)
            }
            Source::Voice { given, .. } => given,
            Source::Clip(_, millis) => millis,
        };
        if heard < whole {
            words.truncate((words.len() as u64 * heard / whole) as usize);
        }
        words
    }
}
