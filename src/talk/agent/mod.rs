//! The agent: listens, thinks and speaks with the help of providers, by a [`Plan`]. It hears sound and gives sound; what
//! providers do is asked for by orders and told by signals, so that the whole conversation is pure and its time virtual.
//!
//! `listen` finds the end of the caller's turn, `think` has it answered, `speak` gets the answer to the caller's ear,
//! `barge_in` decides what speech over it means, `actions` grants wishes, `due` knows every clock.

pub(super) mod actions;
mod answer;
mod barge_in;
mod due;
mod ear;
mod end;
mod fault;
pub(super) mod guards;
mod hearing;
mod history;
mod line;
mod listen;
mod parameters;
mod plan;
mod sentences;
mod speak;
mod speakable;
mod text;
mod think;
mod track;
mod words;

pub use fault::PlanError;
pub use line::Line;
pub use parameters::{Parameter, ParameterKind, Parameters};
pub use plan::{
    Action, ActionKind, BargeIn, Echo, FIRST_SOUND, Filler, Greeting, Idle, KeyEntry, Listening, Plan, TAKING_OVER,
    Waits,
};
pub use text::Answering;

use super::keys::Keys;
use super::{Clip, End, Input, Output, Signal, Stage, State, Talk};
use crate::audio::gate::Activity;
use answer::{Answer, Over, Pending, Step};
use due::Due;
use ear::Ear;
use guards::Guards;
use hearing::Hearing;
use history::History;
use std::sync::Arc;

/// A conversation of an agent with a caller.
#[derive(Debug)]
pub struct Conversation {
    plan: Arc<Plan>,
    /// Words and length of each clip, by index.
    clips: Vec<(Arc<str>, u64)>,
    ear: Ear,
    activity: Activity,
    last_frame: u64,
    began: u64,
    phase: Phase,
    state: Option<State>,
    keys: Keys,
    /// Turns in a row for which the listener had no answer.
    deaf: u32,
    /// Idle prompts since the caller was last heard.
    prompts: u32,
    history: History,
    /// What an answer that was cut off waits for, until it is known whether the caller has a turn.
    unfinished: Option<Vec<Pending>>,
    guards: Guards,
    /// Who listens, thinks and speaks, as far as it was told.
    names: [Option<Arc<str>>; 3],
    /// The last number given to an utterance, a request for words, an answer; the next one of a mark.
    utterances: u32,
    flushes: u32,
    generation: u32,
    plays: u32,
}

#[derive(Debug)]
enum Phase {
    Waiting,
    Listening {
        since: u64,
        hearing: Option<Hearing>,
        /// An answer thought ahead, of which nothing may leave.
        ahead: Option<Box<Answer>>,
    },
    /// Thinking and speaking: the one goes on during the other.
    Answering {
        answer: Box<Answer>,
        over: Option<Over>,
    },
    Over,
}

impl Conversation {
    /// An agent for one call, which may play `clips`. `instructions` are what the model reads first.
    /// Errors: the plan does not fit the clips, or itself.
    pub fn new(plan: Arc<Plan>, clips: &[Clip], instructions: String) -> Result<Self, PlanError> {
        plan.check(clips)?;
        let clips = clips.iter().map(|clip| (clip.text.clone(), clip.millis())).collect();
        Ok(Self {
            ear: Ear::new(plan.listen.activity),
            keys: Keys::ended_by(plan.keys.end),
            plan,
            clips,
            activity: Activity::default(),
            last_frame: 0,
            began: 0,
            phase: Phase::Waiting,
            state: None,
            deaf: 0,
            prompts: 0,
            history: History::new(instructions),
            unfinished: None,
            guards: Guards::default(),
            names: [None, None, None],
            utterances: 0,
            flushes: 0,
            generation: 0,
            plays: 0,
        })
    }
}

impl Talk for Conversation {
    fn handle(&mut self, now: u64, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Started => self.start(now, out),
            Input::Frame(frame) => self.frame(now, frame, out),
            Input::Digit(key) => self.key(now, key, out),
            Input::Played(play) => {
                if let Phase::Answering { answer, .. } = &mut self.phase {
                    answer.track.played(now, play);
                }
            }
            Input::Signal(signal) => {
                if self.is_current(signal) {
                    self.signal(now, signal, out);
                }
            }
            Input::Tick => {}
            Input::Stopped => return self.stop(now, out),
        }
        while let Some((at, due)) = self.next_due()
            && at <= now
        {
            self.pass(now, due, out);
        }
    }

    fn deadline(&self) -> Option<u64> {
        self.next_due().map(|(at, _)| at)
    }
}

impl Conversation {
    fn start(&mut self, now: u64, out: &mut Vec<Output>) {
        if !matches!(self.phase, Phase::Waiting) {
            return;
        }
        (self.began, self.last_frame) = (now, now);
        match self.plan.clone().greeting.as_ref() {
            Some(greeting) => self.say(now, &greeting.line, greeting.interruptible, answer::Then::Listen, out),
            None => self.listen(now, now, None, out),
        }
    }

    /// The one place where what is late, repeated or abandoned is told from what counts.
    fn is_current(&self, signal: &Signal) -> bool {
        let answer = match &self.phase {
            Phase::Listening { ahead, .. } => ahead.as_deref(),
            Phase::Answering { answer, .. } => Some(&**answer),
            Phase::Waiting | Phase::Over => return false,
        };
        let thinks = |wanted: u32| {
            answer.is_some_and(|answer| answer.generation() == wanted && matches!(answer.step, Step::Thinking { .. }))
        };
        match signal {
            Signal::Words { utterance, .. } | Signal::Verdict { utterance, .. } => match (self.hearing(), utterance) {
                (Some(hearing), Some(utterance)) => hearing.id == *utterance,
                (Some(hearing), None) => hearing.takes_stray_words(),
                (None, None) => matches!(self.phase, Phase::Listening { .. }),
                (None, Some(_)) => false,
            },
            Signal::Token { generation, .. } | Signal::Thought { generation, .. } => thinks(*generation),
            Signal::Wish { generation, call } => {
                let is_known = |answer: &Answer| answer.calls().any(|known| known.call.id == call.id);
                thinks(*generation) && !answer.is_some_and(is_known)
            }
            // Which piece of which answer is awaited, the track knows.
            Signal::Sound { generation, piece, .. }
            | Signal::Spoken { generation, piece }
            | Signal::CutShort { generation, piece } => {
                answer.is_some_and(|answer| answer.track.awaits(*generation, *piece))
            }
            // However late it is: the model is to know what was done.
            Signal::Acted { generation, id, .. } => {
                answer.is_some_and(|answer| answer.awaits(*generation, id)) || self.history.awaits(*generation, id)
            }
            Signal::Serving { .. } => true,
            Signal::Failed { stage, generation, .. } => match stage {
                Stage::Listen => self.plan.transcribes && *generation <= self.utterances,
                Stage::Think => thinks(*generation),
                Stage::Speak => answer.is_some_and(|answer| answer.track.awaits_any(*generation)),
                Stage::Live => false,
            },
            Signal::Live(_) => false,
        }
    }

    fn signal(&mut self, now: u64, signal: &Signal, out: &mut Vec<Output>) {
        match signal {
            Signal::Words { text, flush, .. } => self.words(now, text, *flush, out),
            Signal::Verdict { verdict, .. } => {
                if let Some(hearing) = self.hearing_mut() {
                    hearing.judged(*verdict);
                }
            }
            Signal::Token { text, .. } => self.token(now, text, out),
            Signal::Wish { call, .. } => self.wish(now, call.clone()),
            Signal::Thought { usage, .. } => self.thought(now, *usage, out),
            Signal::Sound {
                generation,
                piece,
                ulaw,
            } => self.sound(now, *generation, *piece, ulaw, out),
            Signal::Spoken { generation, piece } => self.spoken(now, *generation, *piece, true, out),
            Signal::CutShort { generation, piece } => self.spoken(now, *generation, *piece, false, out),
            Signal::Acted { generation, id, result } => self.acted(now, *generation, id, result, out),
            Signal::Serving { stage, provider, .. } => {
                let index = match stage {
                    Stage::Listen => 0,
                    Stage::Think => 1,
                    Stage::Speak => 2,
                    Stage::Live => return,
                };
                self.names[index] = Some(provider.clone());
            }
            Signal::Failed { stage, .. } => self.failed(now, *stage, out),
            Signal::Live(_) => {}
        }
    }

    /// Does what is due.
    fn pass(&mut self, now: u64, due: Due, out: &mut Vec<Output>) {
        match due {
            Due::Keys => self.take(now, out),
            Due::Flush => self.flush(out),
            Due::Close => {
                if let Some(hearing) = self.hearing_mut() {
                    hearing.closing = Some(now);
                }
            }
            Due::Take => self.take(now, out),
            Due::Idle => self.prompt(now, out),
            Due::TooLong => self.too_long(now, out),
            Due::Cut => self.cut(now, out),
            Due::ThinkLate => self.failed(now, Stage::Think, out),
            Due::SpeakLate => self.failed(now, Stage::Speak, out),
            Due::NoAnswer => self.fail(now, End::NoAnswer, out),
            Due::ActLate => self.act_late(now, out),
            Due::Filler => self.fill(now, out),
            Due::Heard => self.heard(now, out),
            Due::Dismiss => self.dismiss_late(now, out),
        }
    }

    /// The utterance that goes on, over an answer or not.
    fn hearing(&self) -> Option<&Hearing> {
        match &self.phase {
            Phase::Listening { hearing, .. } => hearing.as_ref(),
            Phase::Answering { over, .. } => over.as_ref().map(|over| &over.hearing),
            Phase::Waiting | Phase::Over => None,
        }
    }

    fn hearing_mut(&mut self) -> Option<&mut Hearing> {
        match &mut self.phase {
            Phase::Listening { hearing, .. } => hearing.as_mut(),
            Phase::Answering { over, .. } => over.as_mut().map(|over| &mut over.hearing),
            Phase::Waiting | Phase::Over => None,
        }
    }

    /// The answer that is thought or spoken, ahead or not.
    fn answer_mut(&mut self) -> Option<&mut Answer> {
        match &mut self.phase {
            Phase::Listening { ahead, .. } => ahead.as_deref_mut(),
            Phase::Answering { answer, .. } => Some(answer),
            Phase::Waiting | Phase::Over => None,
        }
    }

    /// Tells what the conversation does from now on, where that is something else.
    fn enter(&mut self, state: State, out: &mut Vec<Output>) {
        if self.state.replace(state) != Some(state) {
            out.push(Output::State(state));
        }
    }
}

#[cfg(test)]
mod tests;
