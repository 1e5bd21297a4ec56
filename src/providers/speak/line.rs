//! The pieces that are still to be spoken, in their order, each cut into parts that the service takes.

use super::Spoken;
use super::meter::Meter;
use super::outlet::Outlet;
use super::text::{speakable, split};
use crate::providers::ProviderError;
use bytes::Bytes;
use std::collections::VecDeque;

/// One request to the service: a piece, or a part of one that is too long for it.
pub(super) struct Part<T> {
    pub(super) generation: u32,
    pub(super) piece: u32,
    /// `None`: nothing in this piece can be spoken.
    pub(super) text: Option<Box<str>>,
    /// No part of the same piece follows.
    last: bool,
    /// Characters of the whole piece.
    characters: usize,
    /// What the protocol keeps about it.
    pub(super) work: T,
}

/// All parts, the one whose sound is due at the head.
pub(super) struct Line<T> {
    pub(super) parts: VecDeque<Part<T>>,
    /// Of the piece at the head, once sound or the end of a part came.
    meter: Option<Meter>,
}

impl<T: Default> Line<T> {
    pub(super) fn new() -> Self {
        Self {
            parts: VecDeque::new(),
            meter: None,
        }
    }

    /// Puts a piece behind all others.
    pub(super) fn add(&mut self, generation: u32, piece: u32, text: &str, limit: usize) {
        let characters = text.chars().count();
        let mut texts: Vec<Option<Box<str>>> = match speakable(text) {
            true => split(text, limit).into_iter().map(|part| Some(part.into())).collect(),
            false => vec![None],
        };
        let last = texts.pop();
        let part = |text, last| Part {
            generation,
            piece,
            text,
            last,
            characters,
            work: T::default(),
        };
        self.parts.extend(texts.into_iter().map(|text| part(text, false)));
        self.parts.extend(last.map(|text| part(text, true)));
    }

    /// Forgets this answer and those before it.
    pub(super) fn cancel(&mut self, generation: u32) {
        if self.parts.front().is_some_and(|head| head.generation <= generation) {
            self.meter = None;
        }
        self.parts.retain(|part| part.generation > generation);
    }

    /// Reports pieces at the head that have no words as done.
    pub(super) fn settle(&mut self, outlet: &mut Outlet) {
        while let Some(head) = self.parts.front().filter(|head| head.text.is_none()) {
            outlet.push(Spoken::Done {
                generation: head.generation,
                piece: head.piece,
            });
            self.parts.pop_front();
        }
    }

    /// More sound of the head. Errors: more than its words can last.
    pub(super) fn sound(&mut self, ulaw: Bytes, outlet: &mut Outlet) -> Result<(), ProviderError> {
        let Some(head) = self.parts.front() else {
            return Ok(());
        };
        let meter = self.meter.get_or_insert_with(|| Meter::new(head.characters));
        if let Some(ulaw) = meter.take(ulaw)? {
            outlet.push(Spoken::Sound {
                generation: head.generation,
                piece: head.piece,
                ulaw,
            });
        }
        Ok(())
    }

    /// The head has no more sound. A head that was not heard is reported as failed, and so is its whole piece, unless its sound is
    /// known to have come `elsewhere`, under the piece before it.
    pub(super) fn end(&mut self, elsewhere: bool, outlet: &mut Outlet) {
        let Some(head) = self.parts.front() else {
            return;
        };
        let meter = self.meter.get_or_insert_with(|| Meter::new(head.characters));
        if let (Err(error), false) = (meter.part(), elsewhere) {
            return self.fail(error, outlet);
        }
        if head.last {
            outlet.push(Spoken::Done {
                generation: head.generation,
                piece: head.piece,
            });
            self.meter = None;
        }
        self.parts.pop_front();
    }

    /// The piece at the head cannot be spoken.
    pub(super) fn fail(&mut self, error: ProviderError, outlet: &mut Outlet) {
        let Some(head) = self.parts.front() else {
            return;
        };
        let (generation, piece) = (head.generation, head.piece);
        outlet.push(Spoken::Failed {
            generation,
            piece,
            error,
        });
        self.meter = None;
        while let Some(part) = self.parts.front() {
            if (part.generation, part.piece) != (generation, piece) {
                break;
            }
            self.parts.pop_front();
        }
    }

    /// Bytes that came for the piece at the head.
    pub(super) fn taken(&self) -> usize {
        self.meter.as_ref().map_or(0, Meter::taken)
    }
}
