//! What is still to be spoken, and how much of it was given already: what another voice goes on with.

use crate::providers::speak::Say;
use std::collections::VecDeque;
use std::sync::Arc;

/// So much of a piece may be heard twice, in bytes: 300 ms, a syllable or two.
const SCRAP: usize = 2_400;
/// Of a short piece less: about half of what its characters last, in bytes for each.
const SCRAP_OF_CHARACTER: usize = 30 * 8;

/// A piece that was not spoken to its end.
#[derive(Debug)]
struct Piece {
    generation: u32,
    piece: u32,
    text: Arc<str>,
    /// How much of its sound was given, in bytes.
    given: usize,
}

/// What is still to be spoken.
#[derive(Debug, Default)]
pub(super) struct Todo {
    pieces: VecDeque<Piece>,
    /// The answer that has no more pieces.
    finished: Option<u32>,
    /// Everything up to this answer is not wanted.
    cancelled: Option<u32>,
}

impl Todo {
    pub(super) fn note(&mut self, order: &Say) {
        match order {
            Say::Piece {
                generation,
                piece,
                text,
            } => self.pieces.push_back(Piece {
                generation: *generation,
                piece: *piece,
                text: Arc::clone(text),
                given: 0,
            }),
            Say::Finish { generation } => self.finished = Some(*generation),
            Say::Cancel { generation } => {
                self.pieces.retain(|piece| piece.generation > *generation);
                self.cancelled = self.cancelled.max(Some(*generation));
            }
        }
    }

    pub(super) fn is_wanted(&self, generation: u32) -> bool {
        self.cancelled.is_none_or(|cancelled| generation > cancelled)
    }

    /// The answer that the first piece belongs to.
    pub(super) fn generation(&self) -> Option<u32> {
        self.pieces.front().map(|piece| piece.generation)
    }

    /// Some sound of this piece was given.
    pub(super) fn gave(&mut self, generation: u32, piece: u32, bytes: usize) {
        let is_it = |known: &&mut Piece| (known.generation, known.piece) == (generation, piece);
        if let Some(piece) = self.pieces.iter_mut().find(is_it) {
            piece.given += bytes;
        }
    }

    pub(super) fn done(&mut self, generation: u32, piece: u32) {
        self.pieces
            .retain(|known| (known.generation, known.piece) != (generation, piece));
    }

    /// The voice broke. The pieces of which the caller hears too much to hear them again from their start: they are taken
    /// as spoken as far as they were. Of others so little was given that they are spoken anew.
    pub(super) fn broken(&mut self) -> Vec<(u32, u32)> {
        let mut spoken = Vec::new();
        self.pieces.retain_mut(|piece| {
            let scrap = SCRAP.min(piece.text.chars().count() * SCRAP_OF_CHARACTER);
            let stays = piece.given < scrap || piece.given == 0;
            match stays {
                true => piece.given = 0,
                false => spoken.push((piece.generation, piece.piece)),
            }
            stays
        });
        spoken
    }

    /// Nobody speaks what is left.
    pub(super) fn give_up(&mut self) {
        self.pieces.clear();
        self.finished = None;
    }

    /// The orders that bring another voice to where this one stopped.
    pub(super) fn again(&self) -> VecDeque<Say> {
        let pieces = self.pieces.iter().map(|piece| Say::Piece {
            generation: piece.generation,
            piece: piece.piece,
            text: Arc::clone(&piece.text),
        });
        let finish = self.finished.map(|generation| Say::Finish { generation });
        pieces.chain(finish).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn todo(texts: &[&str]) -> Todo {
        let mut todo = Todo::default();
        for (piece, text) in (0..).zip(texts) {
            todo.note(&Say::Piece {
                generation: 1,
                piece,
                text: (*text).into(),
            });
        }
        todo
    }

    #[test]
    fn what_was_half_heard_is_not_begun_again_and_a_scrap_is() {
        let long = "We are open from nine to five.";
        for (text, given, again) in [
            (long, 0, true),
            (long, 2_399, true),
            (long, 2_400, false),
            ("Yes.", 900, true),
            ("Yes.", 960, false),
            ("", 0, true),
        ] {
            let mut todo = todo(&[text, long]);
            todo.gave(1, 0, given);
            let spoken = todo.broken();
            assert_eq!(spoken.is_empty(), again, "{text} of which {given} were given");
            assert_eq!(todo.again().len(), 1 + usize::from(again));
        }
    }

    #[test]
    fn what_is_cancelled_is_not_left() {
        let mut todo = todo(&["one", "two"]);
        todo.note(&Say::Finish { generation: 1 });
        todo.note(&Say::Cancel { generation: 1 });
        assert!(todo.generation().is_none() && !todo.is_wanted(1) && todo.is_wanted(2));
    }
}
