//! The front door: one event in, the effects out. Each family of events has its own file.

use super::effect::{Answer, Effect, Log};
use super::event::{Arrival, Event, Trouble};
use super::flow::Flow;
use super::ids::{StepId, Ticket, Time};
use super::probe::Probe;
use super::state::{Call, Phase};

/// How many answers are remembered for requests that come again. A carrier repeats the latest ones only.
const ANSWERS_KEPT: usize = 8;

/// One event's work on one call.
pub(super) struct Machine<'a> {
    pub call: &'a mut Call,
    pub flow: &'a Flow,
    pub now: Time,
    pub effects: Vec<Effect>,
}

impl Call {
    /// A call's first event: its state, and what to answer.
    pub fn begin(flow: &Flow, now: Time, arrival: &Arrival) -> (Self, Vec<Effect>) {
        Self::begin_observed(flow, now, arrival, None)
    }

    /// As `begin`, with somebody who looks on.
    pub fn begin_observed(flow: &Flow, now: Time, arrival: &Arrival, probe: Option<Box<Probe>>) -> (Self, Vec<Effect>) {
        let mut call = Self::arriving(flow, now, arrival);
        call.probe = probe;
        let mut machine = Machine {
            call: &mut call,
            flow,
            now,
            effects: Vec::new(),
        };
        machine.arrive(arrival);
        let effects = machine.effects;
        (call, effects)
    }

    /// As `begin`, at a step of the checker's choice.
    pub fn begin_at(flow: &Flow, step: StepId, now: Time, arrival: &Arrival) -> (Self, Vec<Effect>) {
        let mut call = Self::arriving(flow, now, arrival);
        let mut machine = Machine {
            call: &mut call,
            flow,
            now,
            effects: Vec::new(),
        };
        machine.arrive_at(step);
        let effects = machine.effects;
        (call, effects)
    }

    /// Takes an event and says what is to be done. `flow` is the version that the call began with.
    ///
    /// Late, repeated and unexpected events are harmless: they change nothing, or repeat an answer.
    pub fn handle(&mut self, flow: &Flow, now: Time, event: &Event) -> Vec<Effect> {
        let mut machine = Machine {
            call: self,
            flow,
            now,
            effects: Vec::new(),
        };
        machine.take(event);
        machine.effects
    }
}

impl Machine<'_> {
    fn take(&mut self, event: &Event) {
        match event {
            Event::CallArrived(_) => self.arrived_again(),
            Event::CarrierAsked { ticket, params } => self.asked(*ticket, params),
            Event::AsideAsked { params, round } => self.aside_asked(params, *round),
            Event::StatusChanged {
                status,
                sequence,
                seconds,
            } => self.status_changed(*status, *sequence, *seconds),
            Event::StreamReported { report, error } => self.stream_reported(report, error.as_deref()),
            Event::StreamStarted { stream_sid, token } => self.stream_started(stream_sid, token.as_deref()),
            Event::TalkEnded { stream_sid, exit, why } => self.talk_ended(stream_sid, exit, why),
            Event::Wished {
                stream_sid,
                id,
                action,
                arguments,
            } => self.wished(stream_sid, id, action, arguments),
            Event::TalkSet { stream_sid, vars } => self.talk_set(stream_sid, vars),
            Event::TurnTaken {
                role,
                text,
                started,
                ended,
                interrupted,
                facts,
            } => {
                self.turn_taken(role, text, (*started, *ended), *interrupted, facts);
            }
            Event::StreamClosed {
                stream_sid,
                reason,
                frames_in,
                ..
            } => {
                self.stream_closed(stream_sid, reason, *frames_in);
            }
            Event::TimerFired { timer, last_frame } => self.timer_fired(*timer, *last_frame),
            Event::TaskEnded { key, result } => self.task_ended(key, result),
            Event::DocumentFailed { ticket, error } => self.document_failed(*ticket, error),
            Event::TroubleStruck {
                trouble: Trouble::Store,
            } => self.store_failed(),
            Event::EngineRestarted => self.engine_restarted(),
            Event::EngineDraining => self.engine_draining(),
        }
    }

    pub(super) fn effect(&mut self, effect: Effect) {
        match &effect {
            Effect::SetTimer(timer, due) => {
                self.call.timers.insert(*timer, *due);
            }
            Effect::ClearTimer(timer) => {
                self.call.timers.remove(timer);
            }
            _ => {}
        }
        self.effects.push(effect);
    }

    pub(super) fn log(&mut self, word: &'static str, detail: impl Into<String>) {
        self.effects.push(Effect::Log(Log {
            word,
            detail: detail.into(),
            bad: false,
        }));
    }

    pub(super) fn warn(&mut self, word: &'static str, detail: impl Into<String>) {
        self.effects.push(Effect::Log(Log {
            word,
            detail: detail.into(),
            bad: true,
        }));
    }

    /// Answers, and remembers the answer for when the same request comes again.
    pub(super) fn answer(&mut self, ticket: Ticket, answer: Answer) {
        self.remember(ticket, answer.clone());
        self.effects.push(Effect::Answer(answer));
    }

    pub(super) fn remember(&mut self, ticket: Ticket, answer: Answer) {
        self.call.answers.retain(|(known, _)| *known != ticket);
        self.call.answers.push_back((ticket, answer));
        while self.call.answers.len() > ANSWERS_KEPT {
            self.call.answers.pop_front();
        }
    }

    /// An answer that moves nothing: the line is dead, or the request is.
    pub(super) fn answer_nothing(&mut self) {
        self.effects.push(Effect::Answer(Answer::Nothing));
    }

    pub(super) fn is_live(&self) -> bool {
        matches!(self.call.phase, Phase::Live(_))
    }
}
