//! One answer from the wish for it to its last sound, and what follows it.

use super::track::Track;
use crate::talk::agent::actions::CANCELLED;
use crate::talk::{ActionCall, End, Facts, LiveOrder, Order, Output, Usage};
use std::sync::Arc;

/// What the caller gets to hear in one turn: an answer of the model, or a line of the plan.
#[derive(Debug)]
pub(super) struct Answer {
    /// Its marks carry this number.
    pub(super) generation: u32,
    /// It is a line of the plan, spoken or played.
    pub(super) is_line: bool,
    pub(super) started: u64,
    /// When the caller was last heard before it.
    pub(super) last_sound: u64,
    pub(super) track: Track,
    pub(super) step: Step,
    /// What the model was told to say, where it was.
    pub(super) instructions: Option<Arc<str>>,
    pub(super) wishes: Vec<Wish>,
    pub(super) interruptible: bool,
    pub(super) then: Then,
    /// What the model is yet to say before the end.
    pub(super) last_words: Option<Arc<str>>,
    /// When something was last said to bridge the wait.
    pub(super) filled: Option<u64>,
    /// Responses of the model so far.
    pub(super) rounds: u32,
    /// Rounds in a row with faulty wishes.
    pub(super) mistakes: u32,
    /// It was empty once, and was asked for again.
    pub(super) is_retried: bool,
    pub(super) facts: Facts,
}

/// How far the model is with it.
#[derive(Debug)]
pub(super) enum Step {
    /// A response is to come; `is_asked` where it was asked for, and is not left to the model.
    Awaiting { since: u64, is_asked: bool },
    /// This response comes; it gave a sign of life then.
    Responding { response: Arc<str>, alive: u64 },
    /// Its actions are being performed.
    Acting,
    /// Nothing more will be added.
    Done,
}

/// An action that the model wishes.
#[derive(Debug)]
pub(super) struct Wish {
    pub(super) call: ActionCall,
    /// The answer that it was granted in.
    pub(super) generation: u32,
    pub(super) fate: Fate,
}

/// What became of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    /// The response that wishes it goes on.
    Open,
    /// Its result is waited for.
    Pending { until: u64 },
    /// The model was told the result.
    Settled,
}

/// What follows once it was heard.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Then {
    Listen,
    Finish { exit: Arc<str>, why: End },
}

impl Answer {
    /// An answer that says nothing yet.
    pub(super) fn new(now: u64, generation: u32, last_sound: u64, step: Step) -> Self {
        Self {
            generation,
            is_line: false,
            started: now,
            last_sound,
            track: Track::new(now),
            step,
            instructions: None,
            wishes: Vec::new(),
            interruptible: true,
            then: Then::Listen,
            last_words: None,
            filled: None,
            rounds: 1,
            mistakes: 0,
            is_retried: false,
            facts: Facts::default(),
        }
    }

    /// The response that it consists of now.
    pub(super) fn response(&self) -> Option<&Arc<str>> {
        match &self.step {
            Step::Responding { response, .. } => Some(response),
            _ => None,
        }
    }

    /// The response gives a sign of life.
    pub(super) fn lives(&mut self, now: u64) {
        if let Step::Responding { alive, .. } = &mut self.step {
            *alive = now;
        }
    }

    /// Whether the model was told the results of all its wishes.
    pub(super) fn is_settled(&self) -> bool {
        self.wishes.iter().all(|wish| wish.fate == Fate::Settled)
    }

    /// Nothing comes of the wishes that were not granted. Gives those that are under way.
    pub(super) fn leave_wishes(&mut self, out: &mut Vec<Output>) -> Vec<Wish> {
        let open = self.wishes.iter_mut().filter(|wish| wish.fate == Fate::Open);
        out.extend(open.map(|wish| wish.settle(CANCELLED, false)));
        let (pending, settled) = std::mem::take(&mut self.wishes).into_iter().partition(Wish::is_pending);
        self.wishes = settled;
        pending
    }

    /// Whether the conversation ends with it, and not by the model's will.
    pub(super) fn is_failing(&self) -> bool {
        matches!(&self.then, Then::Finish { why, .. } if *why != End::Exit)
    }

    /// Milliseconds since the caller was last heard, as facts count them.
    pub(super) fn late(&self, now: u64) -> u32 {
        now.saturating_sub(self.last_sound).try_into().unwrap_or(u32::MAX)
    }
}

impl Wish {
    /// Whether somebody performs it.
    pub(super) fn is_pending(&self) -> bool {
        matches!(self.fate, Fate::Pending { .. })
    }

    /// Whether it is performed, and known by this.
    pub(super) fn awaits(&self, generation: u32, id: &str) -> bool {
        self.is_pending() && self.generation == generation && *self.call.id == *id
    }

    /// Until when its result is waited for.
    pub(super) fn until(&self) -> Option<u64> {
        match self.fate {
            Fate::Pending { until } => Some(until),
            Fate::Open | Fate::Settled => None,
        }
    }

    /// Whether it is waited for no longer.
    pub(super) fn is_late(&self, now: u64) -> bool {
        self.until().is_some_and(|until| until <= now)
    }

    /// Tells the model what came of it; `respond` where it is to go on at once.
    pub(super) fn settle(&mut self, text: &str, respond: bool) -> Output {
        self.fate = Fate::Settled;
        Output::Order(Order::Live(LiveOrder::Result {
            id: self.call.id.clone(),
            text: text.into(),
            respond,
        }))
    }
}

/// Adds what a response used up.
pub(super) fn add(sum: &mut Option<Usage>, usage: Usage) {
    let sum = sum.get_or_insert_default();
    sum.prompt = sum.prompt.saturating_add(usage.prompt);
    sum.cached = sum.cached.saturating_add(usage.cached);
    sum.completion = sum.completion.saturating_add(usage.completion);
    sum.estimated |= usage.estimated;
}
