//! What the model wishes is checked and granted here; every wish gets one result.

use super::answer::{Answer, Pending, Step, Then};
use super::history::Fate;
pub(in crate::talk) use super::history::{CANCELLED, LATE, UNDER_WAY};
use super::plan::{ActionKind, Plan};
use super::{Conversation, Phase};
use crate::talk::{ActionCall, End, Order, Output, Stage};
use serde_json::{Map, Value};
use std::sync::Arc;

pub(in crate::talk) const OK: &str = "ok";
const COMPLETED: &str = "completed";

/// What is to be done about one wish.
pub(in crate::talk) enum Verdict {
    Faulty(String),
    Exit(Arc<str>),
    Set(Arc<str>, Map<String, Value>),
    Do { timeout: u64 },
}

impl Conversation {
    /// Grants the wishes of the round that is complete, in their order.
    pub(super) fn grant(&mut self, now: u64, out: &mut Vec<Output>) {
        let plan = self.plan.clone();
        let Phase::Answering { answer, .. } = &mut self.phase else {
            return;
        };
        let generation = answer.generation();
        let calls: Vec<ActionCall> = match answer.rounds.last() {
            Some(round) => round.calls.iter().map(|known| known.call.clone()).collect(),
            None => return,
        };
        let (mut pending, mut is_faulty, mut says) = (Vec::new(), false, None);
        for call in calls {
            let action = plan.action(&call.name);
            match plan.judge(&call) {
                Verdict::Faulty(told) => {
                    is_faulty = true;
                    self.granted(&call.id, Fate::Told(told.into()));
                    continue;
                }
                Verdict::Exit(exit) => self.leave(&call.id, exit),
                Verdict::Set(variable, values) => {
                    out.push(Output::Set(Map::from_iter([(
                        variable.to_string(),
                        Value::Object(values),
                    )])));
                    self.granted(&call.id, Fate::Told(OK.into()));
                }
                Verdict::Do { timeout } => {
                    pending.push(Pending {
                        generation,
                        id: call.id.clone(),
                        until: now.saturating_add(timeout),
                    });
                    self.granted(&call.id, Fate::UnderWay);
                    out.push(Output::Order(Order::Act { generation, call }));
                    says = says.or(plan.filler.action.as_ref());
                }
            }
            says = action.and_then(|action| action.say.as_ref()).or(says);
        }
        let Phase::Answering { answer, .. } = &mut self.phase else {
            return;
        };
        answer.mistakes = if is_faulty { answer.mistakes + 1 } else { 0 };
        let is_silent = answer.pieces == 0;
        answer.step = Step::Acting(pending);
        if let (Some(line), true) = (says, is_silent) {
            // The last words of a conversation are its own; before an action they only bridge the wait.
            let aside = answer.then == Then::Listen;
            answer.filled = Some(now);
            self.add_line(now, line, aside, out);
        }
        self.let_finish(now, out);
        self.acted_all(now, out);
    }

    /// What came of an action. Where its answer is over, or did not wait for it, the model reads of it the next time.
    pub(super) fn acted(
        &mut self,
        now: u64,
        generation: u32,
        id: &str,
        result: &Result<String, String>,
        out: &mut Vec<Output>,
    ) {
        let text = match result {
            Ok(text) => text.clone(),
            Err(error) => format!("The action failed: {error}"),
        };
        match self.answer_mut().and_then(|answer| answer.awaited(generation, id)) {
            Some(call) => call.fate = Fate::Told(text.into()),
            None => self.history.acted(generation, id, &text),
        }
        self.no_longer(|action| action.generation == generation && *action.id == *id);
        self.acted_all(now, out);
    }

    /// Actions whose time is over.
    pub(super) fn act_late(&mut self, now: u64, out: &mut Vec<Output>) {
        let late: Vec<(u32, Arc<str>)> = match self.answer_mut() {
            Some(Answer {
                step: Step::Acting(pending),
                ..
            }) => pending
                .iter()
                .filter(|action| action.until <= now)
                .map(|action| (action.generation, action.id.clone()))
                .collect(),
            _ => return,
        };
        for (generation, id) in late {
            match self.answer_mut().and_then(|answer| answer.awaited(generation, &id)) {
                Some(call) => call.fate = Fate::Late,
                None => self.history.late(generation, &id),
            }
        }
        self.no_longer(|action| action.until <= now);
        self.acted_all(now, out);
    }

    /// The speech that cut an answer off was none: that answer goes on with what comes of its wishes. False where it had
    /// none, or was complete.
    pub(super) fn go_on(&mut self, now: u64, out: &mut Vec<Output>) -> bool {
        let Some(pending) = self.unfinished.take() else {
            return false;
        };
        self.generation += 1;
        let answer = Answer::new(now, self.generation, None, false, Step::Acting(pending));
        self.commit(now, Box::new(answer), out);
        self.acted_all(now, out);
        true
    }

    /// The conversation ends with this answer; the first exit counts.
    fn leave(&mut self, id: &str, exit: Arc<str>) {
        let Some(answer) = self.answer_mut() else { return };
        let is_first = answer.then == Then::Listen;
        if is_first {
            answer.then = Then::Finish { exit, why: End::Exit };
            answer.interruptible = false;
        }
        answer.granted(id, Fate::Told(if is_first { OK } else { CANCELLED }.into()));
    }

    /// Last words are not interrupted, not even by speech that has begun.
    fn let_finish(&mut self, now: u64, out: &mut Vec<Output>) {
        if matches!(&self.phase, Phase::Answering { answer, over: Some(_) } if !answer.interruptible) {
            self.dismiss(now, out);
        }
    }

    /// Goes on once nothing is waited for.
    fn acted_all(&mut self, now: u64, out: &mut Vec<Output>) {
        let (rounds, mistakes) = (self.plan.rounds, self.plan.mistakes);
        let Phase::Answering { answer, .. } = &mut self.phase else {
            return;
        };
        if !matches!(&answer.step, Step::Acting(pending) if pending.is_empty()) {
            return;
        }
        if answer.then != Then::Listen {
            answer.step = Step::Done;
        } else if answer.mistakes > mistakes {
            self.failed(now, Stage::Think, out);
        } else if answer.rounds.len() as u64 >= u64::from(rounds) {
            // Enough was thought. Where that gave the caller nothing to hear, it failed.
            match answer.has_words() {
                true => answer.step = Step::Done,
                false => self.failed(now, Stage::Think, out),
            }
        } else {
            self.next_round(now, out);
        }
    }

    fn granted(&mut self, id: &str, fate: Fate) {
        if let Some(answer) = self.answer_mut() {
            answer.granted(id, fate);
        }
    }

    fn no_longer(&mut self, is_over: impl Fn(&Pending) -> bool) {
        if let Some(pending) = &mut self.unfinished {
            pending.retain(|action| !is_over(action));
        }
        if let Some(Answer {
            step: Step::Acting(pending),
            ..
        }) = self.answer_mut()
        {
            pending.retain(|action| !is_over(action));
        }
    }
}

impl Plan {
    /// Checks a wish against what the plan allows.
    pub(in crate::talk) fn judge(&self, call: &ActionCall) -> Verdict {
        let Some(action) = self.action(&call.name) else {
            return Verdict::Faulty(format!("There is no action `{}`.", call.name));
        };
        match (action.parameters.read(&call.arguments), &action.kind) {
            (Err(told), _) => Verdict::Faulty(told),
            (Ok(_), ActionKind::Exit(exit)) => Verdict::Exit(exit.clone()),
            (Ok(_), ActionKind::HangUp) => Verdict::Exit(COMPLETED.into()),
            (Ok(values), ActionKind::Set(variable)) => Verdict::Set(variable.clone(), values),
            (Ok(_), ActionKind::Do) => Verdict::Do {
                timeout: action.timeout,
            },
        }
    }
}
