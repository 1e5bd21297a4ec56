//! How a conversation ends: with its exit, in a failure that the caller is told of, by length, or with the line.

use super::answer::{Step, Then};
use super::{Conversation, Phase};
use crate::talk::{End, Output, Role, Stage, Turn};
use std::sync::Arc;

const FAILED: &str = "failed";

impl Conversation {
    /// Nobody is left to do this, or keeps everybody waiting for too long.
    pub(super) fn failed(&mut self, now: u64, stage: Stage, out: &mut Vec<Output>) {
        // What was thought ahead is thought once more when the turn is really over.
        if stage != Stage::Listen && matches!(&self.phase, Phase::Listening { .. }) {
            return self.drop_ahead(out);
        }
        let why = match stage {
            Stage::Listen => End::ListenFailed,
            Stage::Think => End::ThinkFailed,
            Stage::Speak => End::SpeakFailed,
            Stage::Live => End::LiveFailed,
        };
        self.fail(now, why, out);
    }

    /// The conversation cannot go on: the caller is told, where that is still possible.
    pub(super) fn fail(&mut self, now: u64, why: End, out: &mut Vec<Output>) {
        let exit: Arc<str> = FAILED.into();
        let then = Then::Finish {
            exit: exit.clone(),
            why,
        };
        let has_sound = |clip: usize| self.clips.get(clip).is_some_and(|(_, millis)| *millis > 0);
        let plan = self.plan.clone();
        // Words need the voice that may have failed; a clip needs nobody.
        let is_late = matches!(why, End::SpeakFailed | End::NoAnswer);
        let is_possible = |clip: Option<usize>| clip.is_some_and(has_sound) || !is_late;
        let sorry = plan.sorry.as_ref().filter(|line| is_possible(line.clip));
        match &mut self.phase {
            Phase::Waiting | Phase::Over => {}
            Phase::Listening { hearing, .. } => {
                if let Some(hearing) = hearing.take() {
                    self.close(&hearing, out);
                }
                self.drop_ahead(out);
                match sorry {
                    Some(line) => self.say(now, line, false, then, out),
                    None => self.finish(exit, why, out),
                }
            }
            Phase::Answering { .. } => {
                self.dismiss(now, out);
                self.cancel(out);
                let Phase::Answering { answer, .. } = &mut self.phase else {
                    return;
                };
                let was_failing = matches!(&answer.then, Then::Finish { why, .. } if *why != End::Exit);
                answer.track.cut();
                answer.step = Step::Done;
                answer.interruptible = false;
                // An exit that the model has chosen stands, though its last words are lost.
                if answer.then == Then::Listen {
                    answer.then = then;
                }
                match sorry {
                    Some(line)
                        if !was_failing && matches!(&answer.then, Then::Finish { why, .. } if *why != End::Exit) =>
                    {
                        self.add_line(now, line, false, out);
                    }
                    _ => self.pour(now, out),
                }
            }
        }
    }

    /// It has lasted for too long, and this is a pause.
    pub(super) fn too_long(&mut self, now: u64, out: &mut Vec<Output>) {
        self.drop_ahead(out);
        let plan = self.plan.clone();
        let (exit, why) = (plan.longest_exit.clone(), End::TooLong);
        match &plan.longest_line {
            Some(line) => self.say(now, line, false, Then::Finish { exit, why }, out),
            None => self.finish(exit, why, out),
        }
    }

    /// It has lasted for too long by far: it ends in the middle of whatever it is.
    pub(super) fn cut(&mut self, now: u64, out: &mut Vec<Output>) {
        self.cancel(out);
        match &self.phase {
            Phase::Answering { answer, over } => {
                if answer.track.begun().is_some() {
                    out.push(Output::Clear);
                }
                if let Some(over) = over {
                    self.close(&over.hearing, out);
                }
                self.settle(now, true, out);
            }
            Phase::Listening { hearing, .. } => {
                if let Some(hearing) = hearing {
                    self.close(hearing, out);
                }
                self.tell_unfinished(now, out);
            }
            Phase::Waiting | Phase::Over => {}
        }
        self.finish(self.plan.longest_exit.clone(), End::TooLong, out);
    }

    /// The line is gone: what was begun is told, and nothing else is done.
    pub(super) fn stop(&mut self, now: u64, out: &mut Vec<Output>) {
        match &self.phase {
            Phase::Answering { .. } => {
                self.settle(now, true, out);
            }
            Phase::Listening { .. } => self.tell_unfinished(now, out),
            Phase::Waiting | Phase::Over => {}
        }
        self.phase = Phase::Over;
    }

    pub(super) fn finish(&mut self, exit: Arc<str>, why: End, out: &mut Vec<Output>) {
        self.phase = Phase::Over;
        out.push(Output::Finish { exit, why });
    }

    /// A turn of the caller that has no end.
    fn tell_unfinished(&self, now: u64, out: &mut Vec<Output>) {
        let Phase::Listening { hearing, .. } = &self.phase else {
            return;
        };
        if hearing.is_none() && !self.keys.any() {
            return;
        }
        let spoken = hearing.as_ref().map_or("", |hearing| &hearing.text);
        let pressed = self.keys.last.min(now);
        let (started, ended) = match hearing {
            Some(hearing) => (hearing.started, hearing.last_sound.max(hearing.started)),
            None => (pressed, pressed),
        };
        out.push(Output::Turn(Turn {
            role: Role::Caller,
            text: [&*self.keys.typed, spoken].join(" ").trim().to_owned(),
            started,
            ended,
            interrupted: true,
            facts: hearing.as_ref().map(|hearing| Box::new(self.facts_of(now, hearing))),
        }));
    }
}
