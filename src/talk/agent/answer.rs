//! One answer from its first thought to its last sound, and what follows it.

use super::hearing::Hearing;
use super::history::{Call, Fate, Round};
use super::sentences::Sentences;
use super::track::{Piece, Track};
use crate::talk::{End, Facts, Usage};
use std::sync::Arc;

/// What the agent says in one turn: an answer of the model, or a line of its plan.
#[derive(Debug)]
pub(super) struct Answer {
    /// The caller's words that it answers; none for a line.
    pub(super) to: Option<String>,
    /// A model thinks for it.
    is_thought: bool,
    pub(super) started: u64,
    /// When the caller was last heard before it.
    pub(super) last_sound: u64,
    pub(super) track: Track,
    /// Every round of thinking; a line has one, in which nobody thought.
    pub(super) rounds: Vec<Round>,
    pub(super) step: Step,
    pub(super) sentences: Sentences,
    /// Pieces given to the voice in the present round, and characters of it.
    pub(super) pieces: u32,
    pub(super) characters: usize,
    pub(super) interruptible: bool,
    pub(super) then: Then,
    /// Speech up to here was found to mean nothing.
    pub(super) deaf_until: u64,
    /// When something was last said to bridge the wait.
    pub(super) filled: Option<u64>,
    /// Rounds in a row with faulty wishes.
    pub(super) mistakes: u32,
    /// It was empty once, and was thought again.
    pub(super) is_retried: bool,
    pub(super) facts: Facts,
}

/// How far the model is with it.
#[derive(Debug)]
pub(super) enum Step {
    /// It thinks; it gave a sign of life then.
    Thinking { alive: u64 },
    /// It has no more to say in this round, and nothing was done about that yet.
    Thought,
    /// Its actions are being performed.
    Acting(Vec<Pending>),
    /// Nothing more will be added.
    Done,
}

/// An action whose result is waited for.
#[derive(Debug)]
pub(super) struct Pending {
    /// The round that wished it.
    pub(super) generation: u32,
    pub(super) id: Arc<str>,
    pub(super) until: u64,
}

/// What follows once it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Then {
    Listen,
    Finish { exit: Arc<str>, why: End },
}

/// Speech over an answer of which it is not known yet whether it means it.
#[derive(Debug)]
pub(super) struct Over {
    pub(super) hearing: Hearing,
    /// Milliseconds of it that count.
    pub(super) ms: u64,
    /// When it began, or the answer was paused for it.
    pub(super) since: u64,
    pub(super) hold: Hold,
}

/// What it did to the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Hold {
    Nothing,
    /// Nothing was heard yet, and nothing leaves.
    Kept,
    /// The carrier was told to stop.
    Paused,
}

impl Answer {
    /// An answer that says nothing yet; its first round has this generation.
    pub(super) fn new(now: u64, generation: u32, to: Option<String>, shut: bool, step: Step) -> Self {
        Self {
            to,
            is_thought: !matches!(step, Step::Done),
            started: now,
            last_sound: now,
            track: Track::new(now, shut),
            rounds: vec![Round {
                generation,
                calls: Vec::new(),
            }],
            step,
            sentences: Sentences::default(),
            pieces: 0,
            characters: 0,
            interruptible: true,
            then: Then::Listen,
            deaf_until: 0,
            filled: None,
            mistakes: 0,
            is_retried: false,
            facts: Facts::default(),
        }
    }

    /// The generation of the present round.
    pub(super) fn generation(&self) -> u32 {
        self.rounds.last().map_or(0, |round| round.generation)
    }

    /// A new round begins.
    pub(super) fn next_round(&mut self, now: u64, generation: u32) {
        self.rounds.push(Round {
            generation,
            calls: Vec::new(),
        });
        self.step = Step::Thinking { alive: now };
        (self.pieces, self.characters) = (0, 0);
    }

    /// Words with a generation of their own are remembered as said.
    pub(super) fn own_round(&mut self, generation: u32) {
        if self.generation() != generation {
            self.rounds.push(Round {
                generation,
                calls: Vec::new(),
            });
        }
    }

    /// Whether a model had a part in it.
    pub(super) fn is_reply(&self) -> bool {
        self.is_thought
    }

    pub(super) fn calls(&self) -> impl Iterator<Item = &Call> {
        self.rounds.iter().flat_map(|round| &round.calls)
    }

    /// Writes down what becomes of a wish of the present round, once.
    pub(super) fn granted(&mut self, id: &str, fate: Fate) {
        let calls = self.rounds.last_mut().map(|round| &mut round.calls);
        if let Some(call) = calls.into_iter().flatten().find(|known| *known.call.id == *id)
            && call.fate == Fate::Open
        {
            call.fate = fate;
        }
    }

    /// The wish of this round whose result is still to come.
    pub(super) fn awaited(&mut self, generation: u32, id: &str) -> Option<&mut Call> {
        let round = self.rounds.iter_mut().find(|round| round.generation == generation)?;
        let mut calls = round.calls.iter_mut();
        calls.find(|known| *known.call.id == *id && known.is_under_way())
    }

    /// Whether such a wish is there.
    pub(super) fn awaits(&self, generation: u32, id: &str) -> bool {
        let rounds = self.rounds.iter().filter(|round| round.generation == generation);
        let mut calls = rounds.flat_map(|round| &round.calls);
        calls.any(|known| *known.call.id == *id && known.is_under_way())
    }

    /// What the rounds said, as the model is told: all of it.
    pub(super) fn said(&self) -> impl Iterator<Item = (String, &[Call])> {
        let text = |round: &Round| self.track.text(words_of(round.generation));
        self.rounds
            .iter()
            .map(move |round| (text(round), round.calls.as_slice()))
    }

    /// What it still waits for where it was to go on after its wishes; none where there is nothing of that kind.
    pub(super) fn unfinished(&mut self) -> Option<Vec<Pending>> {
        let has_wished = self.rounds.len() > 1 || self.calls().next().is_some();
        match std::mem::replace(&mut self.step, Step::Done) {
            _ if self.then != Then::Listen => None,
            Step::Acting(pending) => Some(pending),
            Step::Thinking { .. } | Step::Thought => has_wished.then(Vec::new),
            Step::Done => None,
        }
    }

    /// Whether the model said anything in it.
    pub(super) fn has_words(&self) -> bool {
        !self.track.text(|piece| !piece.aside).is_empty()
    }

    /// The rounds with the words of them that were heard by now.
    pub(super) fn settle(&mut self, now: u64) -> Vec<(u32, String, Vec<Call>)> {
        let rounds = std::mem::take(&mut self.rounds);
        let heard = |round: Round| {
            let text = self.track.heard_text(now, words_of(round.generation));
            (round.generation, text, round.calls)
        };
        rounds.into_iter().map(heard).collect()
    }

    pub(super) fn used(&mut self, usage: Usage) {
        let sum = self.facts.usage.get_or_insert_default();
        sum.prompt = sum.prompt.saturating_add(usage.prompt);
        sum.cached = sum.cached.saturating_add(usage.cached);
        sum.completion = sum.completion.saturating_add(usage.completion);
        sum.estimated |= usage.estimated;
    }

    /// Milliseconds since the caller was last heard, as facts count them.
    pub(super) fn late(&self, now: u64) -> u32 {
        now.saturating_sub(self.last_sound).try_into().unwrap_or(u32::MAX)
    }
}

/// The model's own words of one round.
fn words_of(generation: u32) -> impl Fn(&Piece) -> bool {
    move |piece| piece.generation == generation && !piece.aside
}
