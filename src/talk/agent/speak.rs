//! The agent's voice: pieces and lines on their way to the ear, and what follows when they were heard.

use super::answer::{Answer, Step, Then};
use super::line::Line;
use super::{Conversation, Phase};
use crate::talk::{End, Order, Output, Role, State, Turn};
use bytes::Bytes;
use std::sync::Arc;

impl Conversation {
    /// Says a line of the plan as a turn of its own.
    pub(super) fn say(&mut self, now: u64, line: &Line, interruptible: bool, then: Then, out: &mut Vec<Output>) {
        self.generation += 1;
        let mut answer = Answer::new(now, self.generation, None, false, Step::Done);
        answer.interruptible = interruptible && then == Then::Listen;
        answer.then = then;
        self.phase = Phase::Answering {
            answer: Box::new(answer),
            over: None,
        };
        self.add_line(now, line, false, out);
    }

    /// Adds a line to the answer. A spoken one has a generation of its own, unless the model's voice is still at work.
    pub(super) fn add_line(&mut self, now: u64, line: &Line, aside: bool, out: &mut Vec<Output>) {
        let Phase::Answering { answer, .. } = &mut self.phase else {
            return;
        };
        let clip = line.clip.and_then(|clip| Some((clip, self.clips.get(clip)?)));
        match clip {
            Some((clip, (text, millis))) if *millis > 0 => {
                answer
                    .track
                    .add_clip(answer.generation(), clip, text.clone(), *millis, aside);
            }
            other => {
                let text = match other {
                    Some((_, (text, _))) if line.text.is_empty() => text.clone(),
                    _ => line.text.clone(),
                };
                let is_round = matches!(answer.step, Step::Thinking { .. });
                let (generation, piece) = if is_round {
                    (answer.generation(), answer.pieces)
                } else {
                    self.generation += 1;
                    (self.generation, 0)
                };
                answer.pieces += u32::from(is_round);
                if !aside {
                    answer.own_round(generation);
                }
                order(answer, now, generation, piece, &text, aside, out);
                if !is_round {
                    out.push(Output::Order(Order::SayNoMore { generation }));
                }
            }
        }
        self.pour(now, out);
    }

    /// Has the next pieces of the model's answer spoken.
    pub(super) fn speak(&mut self, now: u64, pieces: Vec<String>, out: &mut Vec<Output>) {
        let Some(answer) = self.answer_mut() else { return };
        for text in pieces {
            let (generation, piece) = (answer.generation(), answer.pieces);
            answer.pieces += 1;
            order(answer, now, generation, piece, &text.into(), false, out);
        }
    }

    pub(super) fn sound(&mut self, now: u64, generation: u32, piece: u32, ulaw: &Bytes, out: &mut Vec<Output>) {
        let Some(answer) = self.answer_mut() else { return };
        if answer.track.sound(now, generation, piece, ulaw) {
            let late = answer.late(now);
            answer.facts.first_audio.get_or_insert(late);
        }
        self.pour(now, out);
    }

    pub(super) fn spoken(&mut self, now: u64, generation: u32, piece: u32, whole: bool, out: &mut Vec<Output>) {
        if let Some(answer) = self.answer_mut() {
            answer.track.spoken(now, generation, piece, whole);
        }
        self.pour(now, out);
    }

    /// Lets leave what may.
    pub(super) fn pour(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Answering { answer, .. } = &mut self.phase else {
            return;
        };
        let (was_heard, at) = (answer.track.begun().is_some(), out.len());
        answer.track.flow(now, &mut self.plays, out);
        if !was_heard && answer.track.begun().is_some() {
            answer.facts.sent = Some(answer.late(now));
            if self.state.replace(State::Speaking) != Some(State::Speaking) {
                out.insert(at, Output::State(State::Speaking));
            }
        }
    }

    /// The caller waits: something is said to bridge it.
    pub(super) fn fill(&mut self, now: u64, out: &mut Vec<Output>) {
        let plan = self.plan.clone();
        let Phase::Answering { answer, .. } = &mut self.phase else {
            return;
        };
        let is_first = answer.filled.replace(now).is_none() && answer.track.begun().is_none();
        let line = match is_first {
            true => plan.filler.line.as_ref().or(plan.filler.action.as_ref()),
            false => plan.filler.action.as_ref().or(plan.filler.line.as_ref()),
        };
        // Words would be spoken after those that are being spoken already: too late.
        let Some(line) = line.filter(|line| line.clip.is_some() || answer.track.is_sent()) else {
            return;
        };
        self.add_line(now, line, true, out);
    }

    /// Everything was heard.
    pub(super) fn heard(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Answering { answer, .. } = &mut self.phase else {
            return;
        };
        if answer.track.sent_ms() == 0 && answer.then == Then::Listen {
            return self.failed(now, crate::talk::Stage::Speak, out);
        }
        let words = answer.track.text(|piece| !piece.aside);
        let is_reply = answer.is_reply();
        let then = answer.then.clone();
        if is_reply && then == Then::Listen && self.guards.repeats(&self.plan.echo, &words) {
            return self.fail(now, End::Repeating, out);
        }
        let over = self.settle(now, false, out);
        match then {
            Then::Listen => self.listen(now, now, over, out),
            Then::Finish { exit, why } => {
                if let Some(hearing) = over {
                    self.close(&hearing, out);
                }
                self.finish(exit, why, out);
            }
        }
    }

    /// The answer is over, heard or cut off: what was heard of it is told and remembered. Gives back the speech over it.
    pub(super) fn settle(&mut self, now: u64, interrupted: bool, out: &mut Vec<Output>) -> Option<super::Hearing> {
        let Phase::Answering { mut answer, over } = std::mem::replace(&mut self.phase, Phase::Over) else {
            return None;
        };
        if let Some(started) = answer.track.begun() {
            let text = answer.track.heard_text(now, |_| true);
            self.guards.heard(now, &text);
            let facts = answer.is_reply().then(|| {
                let mut facts = std::mem::take(&mut answer.facts);
                let names: Vec<&str> = self.names[1..].iter().flatten().map(|name| &**name).collect();
                facts.provider = names.join(", ");
                Box::new(facts)
            });
            out.push(Output::Turn(Turn {
                role: Role::Agent,
                text,
                started,
                ended: now,
                interrupted,
                facts,
            }));
        }
        let goes_on = interrupted && (answer.rounds.len() as u64) < u64::from(self.plan.rounds);
        self.unfinished = answer.unfinished().filter(|_| goes_on);
        for (generation, heard, calls) in answer.settle(now) {
            self.history.round(generation, heard, calls);
        }
        over.map(|over| over.hearing)
    }

    /// The caller said nothing for too long.
    pub(super) fn prompt(&mut self, now: u64, out: &mut Vec<Output>) {
        let plan = self.plan.clone();
        match &plan.idle.line {
            Some(line) if self.prompts < plan.idle.times => {
                self.prompts += 1;
                self.say(now, line, true, Then::Listen, out);
            }
            _ => self.finish(plan.idle.exit.clone(), End::Idle, out),
        }
    }
}

/// Has words spoken as the next piece.
fn order(
    answer: &mut Answer,
    now: u64,
    generation: u32,
    piece: u32,
    text: &Arc<str>,
    aside: bool,
    out: &mut Vec<Output>,
) {
    let characters = text.chars().count().try_into().unwrap_or(u32::MAX);
    answer.facts.characters = answer.facts.characters.saturating_add(characters);
    answer.track.add_voice(now, generation, piece, text.clone(), aside);
    out.push(Output::Order(Order::Say {
        generation,
        piece,
        text: text.clone(),
    }));
}
