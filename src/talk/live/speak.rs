//! What the caller hears: lines of the plan, played or spoken by the model, and what follows when they were heard.

use super::answer::{Answer, Step, Then};
use super::{LiveConversation, Phase, next_play};
use crate::talk::agent::Line;
use crate::talk::{End, LiveOrder, Output, Role, State, Turn};
use std::sync::Arc;

impl LiveConversation {
    /// Says a line of the plan as a turn of its own: a clip is played, words are spoken by the model.
    pub(super) fn say(&mut self, now: u64, line: &Line, interruptible: bool, then: Then, out: &mut Vec<Output>) {
        self.generation += 1;
        let mut answer = Answer::new(now, self.generation, now, Step::Done);
        answer.is_line = true;
        answer.interruptible = interruptible && then == Then::Listen;
        answer.then = then;
        let clip = self.clip_of(line);
        if clip.is_none() {
            let is_asked = true;
            answer.step = Step::Awaiting { since: now, is_asked };
            answer.instructions = Some(self.instructions_for(line));
        }
        self.phase = Phase::Answering(Box::new(answer));
        match clip {
            Some(clip) => self.play(now, clip, false, out),
            None => self.ask(out),
        }
    }

    /// Plays a clip as part of the answer.
    pub(super) fn play(&mut self, now: u64, clip: usize, is_aside: bool, out: &mut Vec<Output>) {
        let (Phase::Answering(answer), Some(sound)) = (&mut self.phase, self.clips.get(clip)) else {
            return;
        };
        if self.state.replace(State::Speaking) != Some(State::Speaking) {
            out.push(Output::State(State::Speaking));
        }
        let play = next_play(&mut self.plays, answer.generation);
        answer.track.clip(now, clip, sound, is_aside, play, out);
    }

    /// The clip of a line, where it has one with sound.
    pub(super) fn clip_of(&self, line: &Line) -> Option<usize> {
        let has_sound = |clip: &usize| self.clips.get(*clip).is_some_and(|(_, millis)| *millis > 0);
        line.clip.filter(has_sound)
    }

    /// What has the model say this line.
    pub(super) fn instructions_for(&self, line: &Line) -> Arc<str> {
        let clip = line.clip.and_then(|clip| self.clips.get(clip));
        let text = match clip {
            Some((text, _)) if line.text.is_empty() => text,
            _ => &line.text,
        };
        format!("Say exactly: {text}").into()
    }

    /// The caller waits: something is played to bridge it.
    pub(super) fn fill(&mut self, now: u64, out: &mut Vec<Output>) {
        let plan = self.plan.clone();
        let Some(answer) = self.answer_mut() else { return };
        let is_first = answer.filled.replace(now).is_none() && answer.track.begun().is_none();
        let line = match is_first {
            true => plan.filler.line.as_ref(),
            false => plan.filler.action.as_ref().or(plan.filler.line.as_ref()),
        };
        if let Some(clip) = line.and_then(|line| self.clip_of(line)) {
            self.play(now, clip, true, out);
        }
    }

    /// Everything was heard.
    pub(super) fn heard(&mut self, now: u64, out: &mut Vec<Output>) {
        let Phase::Answering(answer) = &mut self.phase else {
            return;
        };
        let then = answer.then.clone();
        let is_reply = !answer.is_line && then == Then::Listen;
        if is_reply && self.guards.repeats(&self.plan.echo, &answer.track.text()) {
            return self.fail(now, End::Repeating, out);
        }
        self.settle(now, false, out);
        match then {
            Then::Listen => self.listen(now, now, None, out),
            Then::Finish { exit, why } => self.finish(exit, why, out),
        }
    }

    /// The answer is over, heard or cut off: what was heard of it is told, and nothing more of it is wanted.
    pub(super) fn settle(&mut self, now: u64, interrupted: bool, out: &mut Vec<Output>) {
        let Phase::Answering(mut answer) = std::mem::replace(&mut self.phase, Phase::Over) else {
            return;
        };
        if let Some(response) = answer.response() {
            self.memory.bury(response, true);
        }
        self.is_unfinished = interrupted && answer.then == Then::Listen && matches!(answer.step, Step::Acting);
        self.left.append(&mut answer.leave_wishes(out));
        if let Some(usage) = answer.facts.usage.take() {
            super::answer::add(&mut self.unbilled, usage);
        }
        let Some(started) = answer.track.begun() else {
            return;
        };
        let facts = (!answer.is_line).then(|| {
            let mut facts = std::mem::take(&mut answer.facts);
            facts.usage = self.unbilled.take();
            facts.provider = self.name.to_string();
            Box::new(facts)
        });
        let turn = Turn {
            role: Role::Agent,
            text: answer.track.heard_text(now),
            started,
            ended: now,
            interrupted,
            facts,
        };
        self.turns.tell(now, self.plan.waits.transcript, turn, out);
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

    /// Nothing that the model was asked for or does is wanted.
    pub(super) fn cancel(out: &mut Vec<Output>) {
        out.push(super::order(LiveOrder::Cancel));
    }
}
