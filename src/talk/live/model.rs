//! The model's side: what it tells is taken, or dropped where nobody wants it any more.

use super::answer::{self, Answer, Fate, Step, Then, Wish};
use super::caller::Hearing;
use super::{LiveConversation, Phase, next_play, order, track};
use crate::talk::agent::actions::CANCELLED;
use crate::talk::{ActionCall, LiveOrder, LiveSignal, Output, State, Usage};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// How many responses, items and wishes are remembered: more than late signals can speak of.
const KEPT: usize = 256;
/// Words of an item that has no sound yet, in bytes.
const MOST_WORDS: usize = 16 * 1024;
/// A model that never ends is not listened to after three minutes of sound.
const LONGEST: u64 = 180_000;
/// Wishes of one answer; more are not granted.
const MOST_WISHES: usize = 16;

/// What is over, and what belongs to nothing yet.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Responses of which nothing is wanted, and whether their end is still to be told.
    buried: VecDeque<(Arc<str>, bool)>,
    /// Wishes that were told.
    wishes: VecDeque<Arc<str>>,
    /// Words of items whose sound has not come.
    words: VecDeque<(Arc<str>, String)>,
}

impl Memory {
    /// Nothing of this response is wanted from now on.
    pub(super) fn bury(&mut self, response: &Arc<str>, is_open: bool) {
        if !self.is_buried(response) {
            keep(&mut self.buried, (response.clone(), is_open));
        }
    }

    fn is_buried(&self, response: &str) -> bool {
        self.buried.iter().any(|(buried, _)| **buried == *response)
    }

    /// The end of a buried response; false where it was told before.
    fn close(&mut self, response: &str) -> bool {
        let mut buried = self.buried.iter_mut();
        let known = buried.find(|(buried, _)| **buried == *response);
        known.is_some_and(|(_, is_open)| std::mem::replace(is_open, false))
    }

    /// Whether this wish is a new one.
    fn wish(&mut self, id: &Arc<str>) -> bool {
        let is_new = !self.wishes.contains(id);
        if is_new {
            keep(&mut self.wishes, id.clone());
        }
        is_new
    }

    fn add_words(&mut self, item: &Arc<str>, text: &str) {
        match self.words.iter_mut().find(|(known, _)| known == item) {
            Some((_, words)) if words.len() + text.len() <= MOST_WORDS => words.push_str(text),
            Some(_) => {}
            None => keep(&mut self.words, (item.clone(), text.to_owned())),
        }
    }

    fn take_words(&mut self, item: &str) -> String {
        let at = self.words.iter().position(|(known, _)| **known == *item);
        at.and_then(|at| self.words.remove(at))
            .map(|(_, words)| words)
            .unwrap_or_default()
    }
}

impl LiveConversation {
    pub(super) fn live(&mut self, now: u64, signal: &LiveSignal, out: &mut Vec<Output>) {
        match signal {
            LiveSignal::Ready => self.ready(now, out),
            LiveSignal::SpeechStarted => self.speech_started(now, out),
            LiveSignal::SpeechStopped => self.speech_stopped(now, out),
            LiveSignal::Caller { text, last } => self.caller_words(now, text, *last, out),
            LiveSignal::Responding { response } => {
                self.claims(now, response, out);
            }
            LiveSignal::Sound { response, item, ulaw } => {
                if self.claims(now, response, out) {
                    self.sound(now, item, ulaw, out);
                } else {
                    self.memory.take_words(item);
                }
            }
            LiveSignal::Words { item, text } => self.words(now, item, text),
            LiveSignal::Wish { response, call } => {
                let is_wanted = self.claims(now, response, out);
                self.wish(now, call, is_wanted, out);
            }
            LiveSignal::Done {
                response,
                usage,
                complete,
            } => {
                if self.claims(now, response, out) {
                    self.done(now, *usage, *complete, out);
                } else if self.memory.close(response) {
                    answer::add(&mut self.unbilled, *usage);
                }
            }
        }
    }

    /// The one place where what is late or abandoned is told from what counts: whether this response is the answer.
    fn claims(&mut self, now: u64, response: &Arc<str>, out: &mut Vec<Output>) -> bool {
        if self.memory.is_buried(response) {
            return false;
        }
        match &mut self.phase {
            Phase::Waiting | Phase::Over => return false,
            Phase::Answering(answer) => match &answer.step {
                Step::Responding { response: known, .. } if known == response => return true,
                // It cannot be stopped without stopping the other as well.
                Step::Responding { .. } => {
                    self.memory.bury(response, true);
                    return false;
                }
                Step::Awaiting { .. } => {
                    let response = response.clone();
                    answer.step = Step::Responding { response, alive: now };
                    return true;
                }
                Step::Acting | Step::Done => {}
            },
            Phase::Listening { hearing, .. } => {
                let is_busy = hearing.as_ref().is_some_and(|hearing| hearing.by_model) || self.keys.any();
                if !is_busy {
                    // The model answers what only it has heard, or speaks of its own accord.
                    match hearing.take() {
                        Some(heard) if !self.has_ears || heard.is_owed => self.end_turn(now, heard, false, out),
                        _ => self.begin(now, now, false, out),
                    }
                    return self.claims_anew(now, response, out);
                }
            }
        }
        self.memory.bury(response, true);
        out.push(order(LiveOrder::Cancel));
        false
    }

    /// After a turn was ended for it: there is an answer that awaits it, or the conversation goes another way.
    fn claims_anew(&mut self, now: u64, response: &Arc<str>, out: &mut Vec<Output>) -> bool {
        match &self.phase {
            Phase::Answering(_) => self.claims(now, response, out),
            _ => {
                self.memory.bury(response, true);
                out.push(order(LiveOrder::Cancel));
                false
            }
        }
    }

    /// The model listens. What it, or one before it, was asked and did not begin is asked again.
    fn ready(&mut self, now: u64, out: &mut Vec<Output>) {
        self.ready_by = None;
        if let Some(Answer {
            step: Step::Awaiting { since, is_asked },
            instructions,
            ..
        }) = self.answer_mut()
        {
            (*since, *is_asked) = (now, true);
            let instructions = instructions.clone();
            out.push(order(LiveOrder::Respond { instructions }));
        }
    }

    /// Another model takes over, which knows of nothing: it is waited for anew.
    pub(super) fn replaced(&mut self, now: u64) {
        let failing = self.answer_mut().is_some_and(|answer| answer.is_failing());
        if failing {
            return;
        }
        self.has_ears = false;
        self.ready_by = Some(now.saturating_add(self.plan.waits.first_token));
        let Phase::Answering(answer) = &mut self.phase else {
            return;
        };
        if let Step::Responding { response, .. } = &answer.step
            && !answer.track.has_sound()
        {
            self.memory.bury(response, true);
            let is_asked = true;
            answer.step = Step::Awaiting { since: now, is_asked };
        }
    }

    /// Has the model answer, or waits for it to do so by itself.
    pub(super) fn begin(&mut self, now: u64, last_sound: u64, is_asked: bool, out: &mut Vec<Output>) {
        self.generation += 1;
        let step = Step::Awaiting { since: now, is_asked };
        self.phase = Phase::Answering(Box::new(Answer::new(now, self.generation, last_sound, step)));
        self.enter(State::Thinking, out);
        if is_asked {
            self.ask(out);
        }
    }

    /// Asks for the response that is awaited; a model that is not there yet is asked when it is.
    pub(super) fn ask(&mut self, out: &mut Vec<Output>) {
        if self.ready_by.is_some() {
            return;
        }
        if let Phase::Answering(answer) = &self.phase {
            let instructions = answer.instructions.clone();
            out.push(order(LiveOrder::Respond { instructions }));
        }
    }

    /// The model was to answer by itself, and did not begin.
    pub(super) fn nudge(&mut self, out: &mut Vec<Output>) {
        if let Some(Answer {
            step: Step::Awaiting { is_asked, .. },
            ..
        }) = self.answer_mut()
        {
            *is_asked = true;
        }
        self.ask(out);
    }

    fn sound(&mut self, now: u64, item: &Arc<str>, ulaw: &Bytes, out: &mut Vec<Output>) {
        if ulaw.is_empty() {
            return;
        }
        let text = self.memory.take_words(item);
        let Phase::Answering(answer) = &mut self.phase else {
            return;
        };
        answer.lives(now);
        let late = answer.late(now);
        answer.facts.first_audio.get_or_insert(late);
        answer.facts.sent.get_or_insert(late);
        if self.state.replace(State::Speaking) != Some(State::Speaking) {
            out.push(Output::State(State::Speaking));
        }
        let (generation, plays) = (answer.generation, &mut self.plays);
        answer
            .track
            .sound(now, item, ulaw, text, || next_play(plays, generation), out);
        if answer.track.sent_ms() + track::millis(ulaw) > LONGEST {
            if let Some(response) = answer.response() {
                self.memory.bury(response, true);
            }
            out.push(order(LiveOrder::Cancel));
            self.done(now, Usage::default(), false, out);
        }
    }

    fn words(&mut self, now: u64, item: &Arc<str>, text: &str) {
        // Words wait for their sound, and are never heard where none of it is wanted.
        let mut is_known = false;
        if let Phase::Answering(answer) = &mut self.phase
            && answer.response().is_some()
        {
            let late = answer.late(now);
            answer.facts.first_token.get_or_insert(late);
            is_known = answer.track.words(item, text);
        }
        if !is_known {
            self.memory.add_words(item, text);
        }
    }

    /// It wishes an action; that is granted when the response is complete. One of which nobody wants to know is told so.
    fn wish(&mut self, now: u64, call: &ActionCall, is_wanted: bool, out: &mut Vec<Output>) {
        if !self.memory.wish(&call.id) {
            return;
        }
        match &mut self.phase {
            Phase::Answering(answer) if is_wanted && answer.wishes.len() < MOST_WISHES => {
                answer.lives(now);
                answer.wishes.push(Wish {
                    call: call.clone(),
                    generation: answer.generation,
                    fate: Fate::Open,
                });
            }
            _ => out.push(order(LiveOrder::Result {
                id: call.id.clone(),
                text: CANCELLED.into(),
                respond: false,
            })),
        }
    }

    /// The response is complete, or what there is of it is all there will be.
    fn done(&mut self, now: u64, usage: Usage, complete: bool, out: &mut Vec<Output>) {
        let most = self.plan.rounds;
        let Phase::Answering(answer) = &mut self.phase else {
            return;
        };
        if let Some(response) = answer.response() {
            self.memory.bury(response, false);
        }
        answer::add(&mut answer.facts.usage, usage);
        let (generation, plays) = (answer.generation, &mut self.plays);
        answer.track.end(complete, || next_play(plays, generation), out);
        if answer.wishes.iter().any(|wish| wish.fate == Fate::Open) {
            self.grant(now, out);
        } else if answer.track.has_sound() || answer.then != Then::Listen {
            answer.step = Step::Done;
        } else if !answer.is_retried && answer.rounds < most {
            answer.is_retried = true;
            answer.rounds += 1;
            let is_asked = true;
            answer.step = Step::Awaiting { since: now, is_asked };
            self.ask(out);
        } else {
            self.failed(now, out);
        }
    }

    /// Words of the caller, which may come after the answer to them.
    fn caller_words(&mut self, now: u64, text: &str, last: bool, out: &mut Vec<Output>) {
        let text = text.trim();
        let words = Output::Words {
            text: text.to_owned(),
            last,
        };
        let mut told = Vec::new();
        if self.turns.words(now, text, last, &mut told) {
            if !text.is_empty() {
                out.push(words);
            }
            out.append(&mut told);
            return;
        }
        let Phase::Listening { since, hearing } = &mut self.phase else {
            return;
        };
        match hearing {
            _ if text.is_empty() => {}
            Some(hearing) => {
                text.clone_into(&mut hearing.text);
                out.push(words);
            }
            None if last => {
                // Nobody heard them but the listener: they are told, and whether they are answered the model knows.
                *since = now;
                self.prompts = 0;
                let said = Hearing::of_words(now, self.began, text);
                out.push(words);
                self.tell_said(now, now, said, out);
                self.turns.words(now, text, true, out);
            }
            None => {}
        }
    }
}

fn keep<T>(all: &mut VecDeque<T>, one: T) {
    if all.len() >= KEPT {
        all.pop_front();
    }
    all.push_back(one);
}
