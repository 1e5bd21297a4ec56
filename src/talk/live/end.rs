//! How a conversation ends: with its exit, in a failure that the caller is told of, by length, or with the line.

use super::answer::{Step, Then};
use super::caller::Hearing;
use super::{LiveConversation, Phase, next_play};
use crate::talk::{End, Output, Role, Turn};
use std::sync::Arc;

const FAILED: &str = "failed";

impl LiveConversation {
    /// The model is gone, or keeps everybody waiting for too long.
    pub(super) fn failed(&mut self, now: u64, out: &mut Vec<Output>) {
        self.fail(now, End::LiveFailed, out);
    }

    /// The conversation cannot go on: the caller is told, where there is a clip for it.
    pub(super) fn fail(&mut self, now: u64, why: End, out: &mut Vec<Output>) {
        // Nobody is waited for any more.
        self.ready_by = None;
        let exit: Arc<str> = FAILED.into();
        let then = Then::Finish {
            exit: exit.clone(),
            why,
        };
        let plan = self.plan.clone();
        let sorry = plan.sorry.as_ref().filter(|line| self.clip_of(line).is_some());
        match &mut self.phase {
            Phase::Waiting | Phase::Over => {}
            Phase::Listening { hearing, .. } => {
                if let Some(heard) = hearing.take().filter(|heard| heard.by_model) {
                    self.tell_said(now, now, heard, out);
                }
                match sorry {
                    Some(line) => self.say(now, line, false, then, out),
                    None => self.finish(exit, why, out),
                }
            }
            Phase::Answering(answer) => {
                if !matches!(answer.step, Step::Done) {
                    Self::cancel(out);
                }
                if let Some(response) = answer.response() {
                    self.memory.bury(response, true);
                }
                self.left.append(&mut answer.leave_wishes(out));
                let (generation, plays) = (answer.generation, &mut self.plays);
                answer.track.end(false, || next_play(plays, generation), out);
                answer.step = Step::Done;
                answer.interruptible = false;
                // An exit that the model has chosen stands, though its last words are lost.
                if answer.then == Then::Listen {
                    answer.then = then;
                    if let Some(clip) = sorry.and_then(|line| self.clip_of(line)) {
                        self.play(now, clip, false, out);
                    }
                }
            }
        }
    }

    /// It has lasted for too long, and this is a pause.
    pub(super) fn too_long(&mut self, now: u64, out: &mut Vec<Output>) {
        let plan = self.plan.clone();
        let (exit, why) = (plan.longest_exit.clone(), End::TooLong);
        match &plan.longest_line {
            Some(line) => self.say(now, line, false, Then::Finish { exit, why }, out),
            None => self.finish(exit, why, out),
        }
    }

    /// It has lasted for too long by far: it ends in the middle of whatever it is.
    pub(super) fn cut(&mut self, now: u64, out: &mut Vec<Output>) {
        if let Phase::Answering(answer) = &self.phase {
            if answer.track.begun().is_some() {
                out.push(Output::Clear);
            }
            Self::cancel(out);
        }
        self.tell_rest(now, out);
        self.finish(self.plan.longest_exit.clone(), End::TooLong, out);
    }

    /// The line is gone: what was begun is told, and nothing else is done.
    pub(super) fn stop(&mut self, now: u64, out: &mut Vec<Output>) {
        self.tell_rest(now, out);
        self.turns.flush(out);
        self.leave_actions(out);
        self.phase = Phase::Over;
    }

    pub(super) fn finish(&mut self, exit: Arc<str>, why: End, out: &mut Vec<Output>) {
        self.turns.flush(out);
        self.leave_actions(out);
        self.phase = Phase::Over;
        out.push(Output::Finish { exit, why });
    }

    /// Tells the turn that has no end.
    fn tell_rest(&mut self, now: u64, out: &mut Vec<Output>) {
        let hearing: Option<Hearing> = match &mut self.phase {
            Phase::Answering(_) => return self.settle(now, true, out),
            Phase::Listening { hearing, .. } => hearing.take().filter(|heard| heard.by_model),
            Phase::Waiting | Phase::Over => return,
        };
        if hearing.is_none() && !self.keys.any() {
            return;
        }
        let pressed = self.keys.last.min(now);
        let spoken = hearing.as_ref().map_or("", |heard| &heard.text);
        let (started, ended) = match &hearing {
            Some(heard) => (heard.started, heard.last_sound),
            None => (pressed, pressed),
        };
        let turn = Turn {
            role: Role::Caller,
            text: [&*self.keys.typed, spoken].join(" ").trim().to_owned(),
            started,
            ended,
            interrupted: true,
            facts: None,
        };
        self.turns.tell(now, self.plan.waits.transcript, turn, out);
    }
}
