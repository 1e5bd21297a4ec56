//! The same conversation by text, where the carrier listens and speaks. What the caller said comes as words, and whatever
//! the agent has spoken is sound of a reckoned length here, with the moment reckoned at which its end was heard.

mod voice;

use super::answer::{Step, Then};
use super::guards::repeats_last;
use super::listen::is_answer_to;
use super::{Conversation, Phase, Plan, PlanError, words};
use crate::audio::vad::Kind;
use crate::talk::relay::{Input, Output, TextTalk};
use crate::talk::{self, Clip, Signal, Stage, Talk, Verdict};
use std::sync::Arc;
use voice::Voice;

/// A conversation of an agent with a caller whom the carrier hears, by the same [`Plan`] as one by sound.
/// Of that, silences count for nothing: the carrier says when the caller's turn is over, and it is answered at once.
/// Where it never says so, [`Listening::hard`](super::Listening::hard) after the last word ends a turn.
#[derive(Debug)]
pub struct Answering {
    talk: Conversation,
    voice: Voice,
    /// The caller's words in the utterance that goes on.
    saying: Option<String>,
    /// The words of an utterance that was answered though its end had not come.
    answered: Option<String>,
}

impl Answering {
    /// An agent for one call, which may play `clips`; one without sound is spoken by the carrier. `instructions` are
    /// what the model reads first. Errors: the plan does not fit the clips, or itself.
    pub fn new(plan: Arc<Plan>, clips: &[Clip], instructions: String) -> Result<Self, PlanError> {
        let mut plan = Plan::clone(&plan);
        // Nothing is heard here, and no pause is a guess.
        plan.transcribes = false;
        plan.eager = false;
        plan.listen.activity.kind = Kind::Energy;
        plan.listen.shortest = plan.listen.shortest.max(1);
        let mut talk = Conversation::new(Arc::new(plan), clips, instructions)?;
        talk.guards.filtered = true;
        Ok(Self {
            talk,
            voice: Voice::default(),
            saying: None,
            answered: None,
        })
    }
}

impl TextTalk for Answering {
    fn handle(&mut self, now: u64, input: Input<'_>, out: &mut Vec<Output>) {
        let mut made = Vec::new();
        match input {
            Input::Started => {
                self.voice.begins(now.saturating_add(self.talk.plan.welcome));
                self.talk.handle(now, talk::Input::Started, &mut made);
            }
            Input::Prompt { words, last } => self.prompt(now, words.trim(), last, &mut made),
            Input::Interrupted { heard, ms } => self.interrupted(now, heard, ms, &mut made),
            Input::Digit(key) => self.talk.handle(now, talk::Input::Digit(key), &mut made),
            // Its words leave before anything else that is due: a filler would come too late.
            Input::Signal(signal) if is_expected(signal) && self.talk.is_current(signal) => {
                self.talk.signal(now, signal, &mut made);
            }
            Input::Signal(_) | Input::Tick => {}
            Input::Stopped => self.talk.handle(now, talk::Input::Stopped, &mut made),
        }
        self.give(now, made, out);
        while self.deadline().is_some_and(|deadline| deadline <= now) {
            let mut made = Vec::new();
            match self.voice.passed(now) {
                Some(play) => self.talk.handle(now, talk::Input::Played(play), &mut made),
                None => self.talk.handle(now, talk::Input::Tick, &mut made),
            }
            self.give(now, made, out);
        }
    }

    fn deadline(&self) -> Option<u64> {
        let talk = self.talk.deadline()?;
        Some(self.voice.passes().map_or(talk, |passes| passes.min(talk)))
    }
}

impl Answering {
    /// Words of the caller.
    fn prompt(&mut self, now: u64, text: &str, last: bool, out: &mut Vec<talk::Output>) {
        if self.was_answered(text, last) || !self.gives_way(now, text, last, out) {
            return;
        }
        self.saying = (!last).then(|| text.to_owned());
        self.talk.words(now, text, None, out);
        let Some(hearing) = self.talk.hearing_mut() else { return };
        // All the words come every time, and only the carrier knows that there are no more.
        hearing.before = None;
        hearing.last_sound = now;
        hearing.judged(Verdict::GoesOn);
        if last {
            self.talk.take(now, out);
        }
    }

    /// Whether these words go on with an utterance that has its answer.
    fn was_answered(&mut self, text: &str, last: bool) -> bool {
        let goes_on = self
            .answered
            .as_ref()
            .is_some_and(|known| text.starts_with(known.as_str()));
        if !goes_on || last {
            self.answered = None;
        }
        goes_on
    }

    /// Whether words that come now are a turn. An answer that goes on ends for them.
    fn gives_way(&mut self, now: u64, text: &str, last: bool, out: &mut Vec<talk::Output>) -> bool {
        let plan = self.talk.plan.clone();
        let Phase::Answering { answer, .. } = &mut self.talk.phase else {
            return true;
        };
        let is_own = || repeats_last(text, &answer.track.text(|_| true));
        if answer.then != Then::Listen || words::bare(text).is_empty() || is_own() {
            return false;
        }
        let is_heard = answer.track.begun().is_some();
        if is_heard && matches!(answer.step, Step::Done) {
            // Words that come without an interruption come after the answer: its reckoned end is too late. Before that
            // end they may as well be an echo of it, until they are whole.
            if !last && now < self.voice.ends() {
                return false;
            }
            self.voice.all_heard(now, &mut answer.track);
            self.talk.heard(now, out);
        } else {
            // The caller goes on while the answer is thought of: it is thought anew, with everything they said.
            let may = answer.interruptible && plan.barge_in.allowed && (last || !is_heard);
            if !may || words::only(text, &plan.barge_in.backchannels) || is_answer_to(answer, text) {
                return false;
            }
            self.voice.all_heard(now, &mut answer.track);
            let ms = answer.track.heard_ms(now);
            self.talk.interrupt(now, ms, None, out);
        }
        matches!(self.talk.phase, Phase::Listening { .. })
    }

    /// The carrier has stopped the answer because the caller began to speak.
    fn interrupted(&mut self, now: u64, heard: &str, ms: Option<u64>, out: &mut Vec<talk::Output>) {
        let began = self.talk.began;
        let answer = match &mut self.talk.phase {
            Phase::Answering { answer, .. } => answer,
            // It was the welcome that was stopped: from here the caller waits.
            Phase::Listening {
                since, hearing: None, ..
            } if *since == began && now < self.voice.ends() => {
                *since = now.max(began + 1);
                return self.voice.begins(now);
            }
            _ => return,
        };
        if answer.track.begun().is_none() {
            return;
        }
        let ms = answer.track.stopped(now, heard, ms);
        match answer.then.clone() {
            Then::Listen => {
                // Their words are on their way; if none come, what they had asked is answered after all.
                self.talk.last_frame = now;
                let mut hearing = self.talk.open(now, now, now, true, out);
                hearing.judged(Verdict::GoesOn);
                self.talk.interrupt(now, ms, Some(hearing), out);
            }
            // Nothing more of the last words will be heard.
            Then::Finish { exit, why } => {
                out.extend([talk::Output::Clear, talk::Output::BargeIn { ms }]);
                self.talk.cancel(out);
                self.talk.settle(now, true, out);
                self.talk.finish(exit, why, out);
            }
        }
    }
}

/// Whether somebody whom the conversation needs says this. There is no listener here and no voice.
fn is_expected(signal: &Signal) -> bool {
    match signal {
        Signal::Token { .. } | Signal::Wish { .. } | Signal::Thought { .. } | Signal::Acted { .. } => true,
        Signal::Serving { stage, .. } | Signal::Failed { stage, .. } => *stage == Stage::Think,
        Signal::Words { .. }
        | Signal::Verdict { .. }
        | Signal::Sound { .. }
        | Signal::Spoken { .. }
        | Signal::CutShort { .. }
        | Signal::Live(_) => false,
    }
}

#[cfg(test)]
mod tests;
