//! The agent whose model hears and speaks by itself, by the same [`Plan`] as any other. The model hears all sound; what
//! the caller hears of its answers, and what its wishes do, is decided here.
//!
//! `caller` finds the caller's turns, `model` takes what the model tells and drops what is late, `speak` gets it to the
//! caller's ear, `barge_in` cuts it off, `actions` grants wishes, `turns` keeps the order of what was said, `due` knows
//! every clock.

mod actions;
mod answer;
mod barge_in;
mod caller;
mod due;
mod end;
mod model;
mod speak;
mod track;
mod turns;

use super::agent::guards::Guards;
use super::agent::{Plan, PlanError};
use super::keys::Keys;
use super::{Clip, Input, LiveOrder, Order, Output, Play, Signal, Stage, State, Talk, Usage};
use crate::audio::gate::Activity;
use crate::audio::vad::Vad;
use answer::{Answer, Then, Wish};
use caller::Hearing;
use due::Due;
use model::Memory;
use std::sync::Arc;
use turns::Turns;

/// A conversation of a caller with a speech-to-speech model.
#[derive(Debug)]
pub struct LiveConversation {
    plan: Arc<Plan>,
    /// Words and length of each clip, by index.
    clips: Vec<(Arc<str>, u64)>,
    ear: Vad,
    activity: Activity,
    last_frame: u64,
    began: u64,
    phase: Phase,
    state: Option<State>,
    /// Until when the model is waited for; none once it listens.
    ready_by: Option<u64>,
    /// The model tells when the caller begins to speak.
    has_ears: bool,
    /// What is over, and what was told of it.
    memory: Memory,
    turns: Turns,
    /// Actions under way whose answer was cut off: each is told when it is done.
    left: Vec<Wish>,
    /// The last answer was cut off while it waited for them.
    is_unfinished: bool,
    keys: Keys,
    /// Idle prompts since the caller was last heard.
    prompts: u32,
    guards: Guards,
    /// The model's name, as far as it was told.
    name: Arc<str>,
    /// What responses used up after their turns were told.
    unbilled: Option<Usage>,
    /// The last number given to an answer; the next one of a mark.
    generation: u32,
    plays: u32,
}

#[derive(Debug)]
enum Phase {
    Waiting,
    Listening { since: u64, hearing: Option<Hearing> },
    Answering(Box<Answer>),
    Over,
}

impl LiveConversation {
    /// A conversation of one call, which may play `clips`. Errors: the plan does not fit the clips, or itself.
    pub fn new(plan: Arc<Plan>, clips: &[Clip]) -> Result<Self, PlanError> {
        plan.check(clips)?;
        Ok(Self {
            clips: clips.iter().map(|clip| (clip.text.clone(), clip.millis())).collect(),
            ear: Vad::new(plan.listen.activity),
            keys: Keys::ended_by(plan.keys.end),
            plan,
            activity: Activity::default(),
            last_frame: 0,
            began: 0,
            phase: Phase::Waiting,
            state: None,
            ready_by: None,
            has_ears: false,
            memory: Memory::default(),
            turns: Turns::default(),
            left: Vec::new(),
            is_unfinished: false,
            prompts: 0,
            guards: Guards::default(),
            name: "".into(),
            unbilled: None,
            generation: 0,
            plays: 0,
        })
    }
}

impl Talk for LiveConversation {
    fn handle(&mut self, now: u64, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Started => self.start(now, out),
            Input::Frame(frame) => self.frame(now, frame, out),
            Input::Digit(key) => self.key(now, key, out),
            Input::Played(play) => {
                if let Phase::Answering(answer) = &mut self.phase {
                    answer.track.played(now, play);
                }
            }
            Input::Signal(signal) => self.signal(now, signal, out),
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

impl LiveConversation {
    fn start(&mut self, now: u64, out: &mut Vec<Output>) {
        if !matches!(self.phase, Phase::Waiting) {
            return;
        }
        (self.began, self.last_frame) = (now, now);
        self.ready_by = Some(now.saturating_add(self.plan.waits.first_token));
        match self.plan.clone().greeting.as_ref() {
            Some(greeting) => self.say(now, &greeting.line, greeting.interruptible, Then::Listen, out),
            None => self.listen(now, now, None, out),
        }
    }

    fn signal(&mut self, now: u64, signal: &Signal, out: &mut Vec<Output>) {
        if matches!(self.phase, Phase::Waiting | Phase::Over) {
            return;
        }
        match signal {
            Signal::Live(signal) => self.live(now, signal, out),
            Signal::Acted { generation, id, result } => self.acted(now, *generation, id, result, out),
            Signal::Serving {
                stage: Stage::Live,
                provider,
                instead_of,
            } => {
                self.name = provider.clone();
                if instead_of.is_some() {
                    self.replaced(now);
                }
            }
            Signal::Failed { stage: Stage::Live, .. } => self.failed(now, out),
            // Nobody else has a part in this conversation.
            _ => {}
        }
    }

    /// Does what is due.
    fn pass(&mut self, now: u64, due: Due, out: &mut Vec<Output>) {
        match due {
            Due::Keys => self.take_keys(now, out),
            Due::Take => self.take_heard(now, out),
            Due::Idle => self.prompt(now, out),
            Due::TooLong => self.too_long(now, out),
            Due::Cut => self.cut(now, out),
            Due::ModelLate => self.failed(now, out),
            Due::Nudge => self.nudge(out),
            Due::ActLate => self.act_late(now, out),
            Due::Filler => self.fill(now, out),
            Due::Heard => self.heard(now, out),
            Due::Words => self.turns.release(now, out),
        }
    }

    /// Listens; silence counts from `since`.
    fn listen(&mut self, now: u64, since: u64, hearing: Option<Hearing>, out: &mut Vec<Output>) {
        // Keys typed ahead are given the usual time for more of them.
        self.keys.last = now;
        self.enter(State::Listening, out);
        self.phase = Phase::Listening { since, hearing };
    }

    /// Tells what the conversation does from now on, where that is something else.
    fn enter(&mut self, state: State, out: &mut Vec<Output>) {
        if self.state.replace(state) != Some(state) {
            out.push(Output::State(state));
        }
    }

    fn answer_mut(&mut self) -> Option<&mut Answer> {
        match &mut self.phase {
            Phase::Answering(answer) => Some(answer),
            _ => None,
        }
    }
}

/// The next mark of an answer.
fn next_play(plays: &mut u32, generation: u32) -> Play {
    let number = *plays;
    *plays += 1;
    Play { generation, number }
}

fn order(order: LiveOrder) -> Output {
    Output::Order(Order::Live(order))
}

#[cfg(test)]
mod tests;
