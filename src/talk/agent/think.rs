//! The model's side: what it is asked, and what becomes of its words and wishes.

use super::answer::{Answer, Step, Then};
use super::history::{Call, Fate};
use super::listen::is_answer_to;
use super::{Conversation, Phase};
use crate::talk::{ActionCall, Order, Output, Stage, State, Usage};

/// A model that never ends is not listened to after so many characters in one round: three minutes of speech.
const LONGEST: usize = 3000;
/// Wishes of one round; more are not listened to.
const MOST_WISHES: usize = 16;

impl Conversation {
    /// Has the caller's words answered, by what was thought ahead where it fits.
    pub(super) fn answer(&mut self, now: u64, text: String, last_sound: u64, out: &mut Vec<Output>) {
        let ahead = match &mut self.phase {
            Phase::Listening { ahead, .. } => ahead.take(),
            _ => None,
        };
        let is_ahead = ahead.as_ref().is_some_and(|answer| is_answer_to(answer, &text));
        let mut answer = match ahead {
            Some(answer) if is_ahead => answer,
            Some(_) => {
                self.cancel(out);
                Box::new(self.begin(now, None, false, out))
            }
            None => Box::new(self.begin(now, None, false, out)),
        };
        answer.to = Some(text);
        (answer.started, answer.last_sound) = (now, last_sound);
        answer.track.open();
        self.commit(now, answer, out);
    }

    /// The caller's last turn still wants an answer.
    pub(super) fn think_again(&mut self, now: u64, out: &mut Vec<Output>) {
        let answer = Box::new(self.begin(now, None, false, out));
        self.commit(now, answer, out);
    }

    pub(super) fn commit(&mut self, now: u64, answer: Box<Answer>, out: &mut Vec<Output>) {
        self.enter(State::Thinking, out);
        self.phase = Phase::Answering { answer, over: None };
        self.pour(now, out);
        self.conclude(now, out);
    }

    /// Asks the model. `to` are words that are not in the history yet.
    pub(super) fn begin(&mut self, now: u64, to: Option<String>, shut: bool, out: &mut Vec<Output>) -> Answer {
        self.generation += 1;
        let generation = self.generation;
        let messages = self.history.with(to.as_deref(), std::iter::empty());
        out.push(Output::Order(Order::Think { generation, messages }));
        Answer::new(now, generation, to, shut, Step::Thinking { alive: now })
    }

    /// Asks the model to go on after its actions, or again after an empty answer.
    pub(super) fn next_round(&mut self, now: u64, out: &mut Vec<Output>) {
        self.generation += 1;
        let generation = self.generation;
        let Phase::Answering { answer, .. } = &mut self.phase else {
            return;
        };
        let messages = self.history.with(None, answer.said());
        out.push(Output::Order(Order::Think { generation, messages }));
        answer.next_round(now, generation);
    }

    /// More words.
    pub(super) fn token(&mut self, now: u64, text: &str, out: &mut Vec<Output>) {
        let Some(answer) = self.answer_mut() else { return };
        answer.step = Step::Thinking { alive: now };
        if !text.is_empty() {
            let late = answer.late(now);
            answer.facts.first_token.get_or_insert(late);
        }
        answer.characters = answer.characters.saturating_add(text.chars().count());
        let is_endless = answer.characters > LONGEST;
        let mut pieces = Vec::new();
        answer.sentences.push(text, &mut pieces);
        self.speak(now, pieces, out);
        if is_endless {
            self.thought(now, Usage::default(), out);
        }
    }

    /// It wishes an action; it is granted once the model has said all it has to say.
    pub(super) fn wish(&mut self, now: u64, call: ActionCall) {
        let Some(answer) = self.answer_mut() else { return };
        answer.step = Step::Thinking { alive: now };
        if let Some(round) = answer.rounds.last_mut()
            && round.calls.len() < MOST_WISHES
        {
            let fate = Fate::Open;
            round.calls.push(Call { call, fate });
        }
    }

    /// It has no more to say in this round.
    pub(super) fn thought(&mut self, now: u64, usage: Usage, out: &mut Vec<Output>) {
        let Some(answer) = self.answer_mut() else { return };
        answer.used(usage);
        answer.step = Step::Thought;
        let mut pieces = Vec::new();
        answer.sentences.finish(&mut pieces);
        self.speak(now, pieces, out);
        let Some(answer) = self.answer_mut() else { return };
        if answer.pieces > 0 {
            let generation = answer.generation();
            out.push(Output::Order(Order::SayNoMore { generation }));
        }
        self.conclude(now, out);
    }

    /// Draws the conclusions from a round that is complete, unless the caller may still go on.
    pub(super) fn conclude(&mut self, now: u64, out: &mut Vec<Output>) {
        let most = self.plan.rounds;
        let Phase::Answering { answer, .. } = &mut self.phase else {
            return;
        };
        if !matches!(answer.step, Step::Thought) {
            return;
        }
        if answer.rounds.last().is_some_and(|round| !round.calls.is_empty()) {
            return self.grant(now, out);
        }
        if answer.has_words() || answer.then != Then::Listen {
            answer.step = Step::Done;
        } else if !answer.is_retried && (answer.rounds.len() as u64) < u64::from(most) {
            answer.is_retried = true;
            self.next_round(now, out);
        } else {
            self.failed(now, Stage::Think, out);
        }
    }
}
