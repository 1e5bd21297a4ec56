//! What the model wishes is checked and granted here; every wish gets one result.

use super::answer::{Answer, Fate, Step, Then};
use super::{LiveConversation, Phase};
use crate::talk::agent::actions::{CANCELLED, LATE, OK, UNDER_WAY, Verdict};
use crate::talk::agent::{Line, Plan};
use crate::talk::{End, Order, Output, State};
use serde_json::{Map, Value};
use std::sync::Arc;

impl LiveConversation {
    /// Grants the wishes of the response that is complete, in their order.
    pub(super) fn grant(&mut self, now: u64, out: &mut Vec<Output>) {
        let plan = self.plan.clone();
        let Phase::Answering(answer) = &mut self.phase else {
            return;
        };
        let (mut told, mut is_faulty, mut says) = (Vec::new(), false, None);
        for index in 0..answer.wishes.len() {
            if answer.wishes[index].fate != Fate::Open {
                continue;
            }
            let call = answer.wishes[index].call.clone();
            let say = plan.actions.iter().find(|action| action.name == call.name);
            let say = say.and_then(|action| action.say.as_ref());
            match plan.judge(&call) {
                Verdict::Faulty(text) => {
                    is_faulty = true;
                    told.push((index, text));
                    continue;
                }
                Verdict::Exit(exit) => told.push((index, answer.leave(exit).to_owned())),
                Verdict::Set(variable, values) => {
                    let values = Map::from_iter([(variable.to_string(), Value::Object(values))]);
                    out.push(Output::Set(values));
                    told.push((index, OK.to_owned()));
                }
                Verdict::Do { timeout } => {
                    let until = now.saturating_add(timeout);
                    answer.wishes[index].fate = Fate::Pending { until };
                    let generation = answer.generation;
                    out.push(Output::Order(Order::Act { generation, call }));
                    says = says.or(plan.filler.action.as_ref());
                }
            }
            says = say.or(says);
        }
        answer.mistakes = if is_faulty { answer.mistakes + 1 } else { 0 };
        answer.step = Step::Acting;
        for (index, text) in told {
            answer.settle(index, &text, &plan, out);
        }
        if let Some(line) = says
            && !answer.track.has_sound()
        {
            self.say_beside(now, line, out);
        }
        self.acted_all(now, out);
    }

    /// What came of an action. Where its answer was cut off, the model is told all the same, and need not go on.
    pub(super) fn acted(
        &mut self,
        now: u64,
        generation: u32,
        id: &str,
        result: &Result<String, String>,
        out: &mut Vec<Output>,
    ) {
        let plan = self.plan.clone();
        let text = match result {
            Ok(text) => text.clone(),
            Err(error) => format!("The action failed: {error}"),
        };
        if let Some(at) = self.left.iter().position(|wish| wish.awaits(generation, id)) {
            out.push(self.left.swap_remove(at).settle(&text, false));
            return;
        }
        let Some(answer) = self.answer_mut() else { return };
        let mut wishes = answer.wishes.iter();
        if let Some(index) = wishes.position(|wish| wish.awaits(generation, id)) {
            answer.settle(index, &text, &plan, out);
            self.acted_all(now, out);
        }
    }

    /// Actions whose time is over.
    pub(super) fn act_late(&mut self, now: u64, out: &mut Vec<Output>) {
        let plan = self.plan.clone();
        let late = self.left.iter_mut().filter(|wish| wish.is_late(now));
        out.extend(late.map(|wish| wish.settle(LATE, false)));
        self.left.retain(|wish| wish.is_pending());
        let Some(answer) = self.answer_mut() else { return };
        for index in 0..answer.wishes.len() {
            if answer.wishes[index].is_late(now) {
                answer.settle(index, LATE, &plan, out);
            }
        }
        self.acted_all(now, out);
    }

    /// The speech that cut an answer off was none: that answer goes on when its actions are done. False where it had none.
    pub(super) fn go_on(&mut self, now: u64, out: &mut Vec<Output>) -> bool {
        if !std::mem::take(&mut self.is_unfinished) || self.left.is_empty() {
            return false;
        }
        self.generation += 1;
        let mut answer = Answer::new(now, self.generation, now, Step::Acting);
        answer.wishes = std::mem::take(&mut self.left);
        self.phase = Phase::Answering(Box::new(answer));
        self.enter(State::Thinking, out);
        true
    }

    /// Nobody will hear what comes of the actions that are under way.
    pub(super) fn leave_actions(&mut self, out: &mut Vec<Output>) {
        out.extend(self.left.drain(..).map(|mut wish| wish.settle(UNDER_WAY, false)));
    }

    /// Goes on once nothing is waited for.
    fn acted_all(&mut self, now: u64, out: &mut Vec<Output>) {
        let plan = self.plan.clone();
        let Phase::Answering(answer) = &mut self.phase else {
            return;
        };
        if !matches!(answer.step, Step::Acting) || !answer.is_settled() {
            return;
        }
        let is_asked = true;
        if answer.goes_on(&plan) {
            // The last result had the model go on.
            answer.rounds += 1;
            answer.instructions = None;
            answer.step = Step::Awaiting { since: now, is_asked };
        } else if answer.then != Then::Listen {
            answer.step = match answer.last_words.take() {
                Some(words) => {
                    answer.instructions = Some(words);
                    Step::Awaiting { since: now, is_asked }
                }
                None => Step::Done,
            };
            if !matches!(answer.step, Step::Done) {
                self.ask(out);
            }
        } else if answer.mistakes <= plan.mistakes && answer.track.has_sound() {
            // Enough was wished, and the caller heard something.
            answer.step = Step::Done;
        } else {
            self.failed(now, out);
        }
    }

    /// What is said with an action: the last words of a conversation, or something that bridges the wait. Other words
    /// than those of a clip would need the model, which is to say the answer itself.
    fn say_beside(&mut self, now: u64, line: &Line, out: &mut Vec<Output>) {
        let clip = self.clip_of(line);
        let words = self.instructions_for(line);
        let Some(answer) = self.answer_mut() else { return };
        let is_last = answer.then != Then::Listen;
        answer.filled = Some(now);
        match clip {
            Some(clip) => self.play(now, clip, !is_last, out),
            None if is_last => answer.last_words = Some(words),
            None => {}
        }
    }
}

impl Answer {
    /// Ends the conversation with this answer; the first exit counts. Gives what the model is told.
    fn leave(&mut self, exit: Arc<str>) -> &'static str {
        if self.then != Then::Listen {
            return CANCELLED;
        }
        self.then = Then::Finish { exit, why: End::Exit };
        self.interruptible = false;
        OK
    }

    /// Tells the result of a wish; with the last one the model goes on, where it may.
    fn settle(&mut self, index: usize, text: &str, plan: &Plan, out: &mut Vec<Output>) {
        let others = self.wishes.iter().enumerate().filter(|(other, _)| *other != index);
        let is_last = others.into_iter().all(|(_, wish)| wish.fate == Fate::Settled);
        let respond = is_last && self.goes_on(plan);
        out.extend(self.wishes.get_mut(index).map(|wish| wish.settle(text, respond)));
    }

    /// Whether the model may respond once more in this turn.
    fn goes_on(&self, plan: &Plan) -> bool {
        self.then == Then::Listen && self.mistakes <= plan.mistakes && self.rounds < plan.rounds
    }
}
