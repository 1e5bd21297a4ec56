//! The carrier asks for what follows: an action, a redirect, or the same thing once more.

use super::cx::Draft;
use super::effect::{Answer, Effect, Recording, Row, TaskKind};
use super::event::Params;
use super::ids::{Outcome, Route, StepId, TaskKey, Ticket};
use super::kind::{Back, StepError};
use super::machine::Machine;
use super::state::{CarrierStatus, EndReason, Live, Phase, Wait, WaitOn};
use super::walk::From;
use crate::twiml::Verb;

impl Machine<'_> {
    pub(super) fn asked(&mut self, ticket: Ticket, params: &Params) {
        self.take_recording(params);
        let status = params.text("CallStatus").and_then(CarrierStatus::parse);
        match status {
            Some(status) if status.is_over() => {
                self.over(status, params.number("CallDuration"));
            }
            Some(status) if self.is_live() => self.call.status = status,
            _ => {}
        }
        let Phase::Live(live) = &self.call.phase else {
            return self.answer_the_dead(ticket);
        };
        if live.wait.ticket == ticket {
            let live = live.clone();
            return self.go_on(ticket, &live, params);
        }
        match self.call.answered(ticket).cloned() {
            Some(answer) => {
                if self
                    .call
                    .redirect
                    .as_ref()
                    .is_some_and(|redirect| redirect.ticket == ticket)
                {
                    self.redirect_arrived();
                }
                self.effect(Effect::Answer(answer));
            }
            None => {
                self.warn("LATE_REQUEST", format!("{} {}", ticket.route.path(), ticket.n));
                self.answer_where_it_stands();
            }
        }
    }

    /// Somebody beside the call gets a document of the step that waits; the call itself does not move.
    pub(super) fn aside_asked(&mut self, params: &Params, round: u32) {
        let flow = self.flow;
        let Some((step, attempt)) = self.call.live().map(|live| (live.step, live.wait.attempt)) else {
            return self.effect(Effect::Answer(Answer::Document(vec![Verb::new("hangup")])));
        };
        let mut draft = Draft::default();
        if let Err(error) = flow
            .step(step)
            .kind
            .aside(&mut self.cx(&mut draft, attempt), params, round)
        {
            self.warn("STEP_FAILED", format!("{}: {error}", flow.step(step).name));
        }
        self.effect(Effect::Answer(Answer::Document(draft.verbs)));
    }

    pub(super) fn document_failed(&mut self, ticket: Ticket, error: &str) {
        let Some(Live { step, wait }) = self.call.live() else {
            return self.answer_nothing();
        };
        // A call that has reached its limit does not begin anything again.
        if wait.on == WaitOn::Farewell(EndReason::TooLong) {
            return self.answer(ticket, Answer::Document(self.flow.apology.clone()));
        }
        let step = *step;
        let document = self.walk(From::Trouble(step, StepError::Eval(error.to_owned())));
        self.answer(ticket, Answer::Document(document));
    }

    /// Answers a request that no wait knows with the document that the call is at, or else a short hold.
    pub(super) fn answer_where_it_stands(&mut self) {
        if !self.is_live() {
            return self.answer_nothing();
        }
        let latest = self.call.answers.back().map(|(_, answer)| answer.clone());
        let answer = latest.unwrap_or_else(|| Answer::Document(self.flow.apology.clone()));
        self.effect(Effect::Answer(answer));
    }

    fn go_on(&mut self, ticket: Ticket, live: &Live, params: &Params) {
        let Live { step, wait } = live;
        // Only the redirect's own document can have brought the carrier here.
        self.redirect_arrived();
        let from = match &wait.on {
            WaitOn::Stream(stream) => {
                let outcome = self.stream_outcome(stream);
                From::Outcome(*step, outcome)
            }
            WaitOn::Task {
                result: None, give_up, ..
            } if self.now < *give_up => return self.keep_holding(ticket),
            WaitOn::Task { result: None, key, .. } => {
                self.warn("TASK_LATE", key.to_string());
                let late = Err("no result in time".to_owned());
                self.resume(*step, wait, Back::Task(&late))
            }
            WaitOn::Task {
                result: Some(result), ..
            } => self.resume(*step, wait, Back::Task(result)),
            WaitOn::Action => self.resume(*step, wait, Back::Asked(params)),
            // The carrier ignored the end of the document: end it again.
            WaitOn::Farewell(_) => {
                return self.effect(Effect::Answer(Answer::Document(vec![Verb::new("hangup")])));
            }
        };
        let document = self.walk(from);
        self.answer(ticket, Answer::Document(document));
    }

    fn resume(&mut self, step: StepId, wait: &Wait, back: Back<'_>) -> From {
        let flow = self.flow;
        let mut draft = Draft::default();
        let next = flow
            .step(step)
            .kind
            .resume(&mut self.cx(&mut draft, wait.attempt), back);
        From::Resumed(step, next, draft)
    }

    /// Our own task is still under way: the carrier pauses and asks again.
    fn keep_holding(&mut self, ticket: Ticket) {
        let mut draft = Draft::default();
        self.cx(&mut draft, 1).hold(ticket);
        self.effect(Effect::Answer(Answer::Document(draft.verbs)));
    }

    /// The carrier has what a redirect was to bring, whatever became of the request to REST: it is not sent again.
    fn redirect_arrived(&mut self) {
        if let Some(redirect) = self.call.redirect.take() {
            self.effect(Effect::CancelTask(redirect.key));
            self.log("WATCHDOG_REDIRECT_OK", redirect.reason);
        }
    }

    fn answer_the_dead(&mut self, ticket: Ticket) {
        match ticket.route {
            Route::HandleRecording => self.effect(Effect::Answer(Answer::Document(vec![Verb::new("hangup")]))),
            _ => self.answer_nothing(),
        }
    }

    /// Keeps a recording's facts, whenever they come, and orders its transcription.
    fn take_recording(&mut self, params: &Params) {
        let Some(sid) = params.text("RecordingSid") else { return };
        let url = params.text("RecordingUrl").map(str::to_owned);
        // A report without the address leaves room for one that has it.
        let taken = match url {
            Some(_) => !self.call.recordings.insert(sid.to_owned()),
            None => self.call.recordings.contains(sid),
        };
        if taken {
            return;
        }
        let wish = self.call.record_wish.clone().filter(|wish| wish.transcribe);
        let transcribe = wish.zip(url.clone());
        self.effect(Effect::Write(Row::Recording(Recording {
            sid: sid.to_owned(),
            url,
            seconds: params.number("RecordingDuration"),
            status: if transcribe.is_some() {
                "transcribing"
            } else {
                "recorded"
            },
            ..Recording::default()
        })));
        if let Some((wish, url)) = transcribe {
            let kind = TaskKind::Transcribe {
                sid: sid.to_owned(),
                url,
                language: wish.language,
            };
            // The recording's own id makes the key: however often it is reported, it is transcribed once.
            let key = TaskKey(format!("{}/transcribe/{sid}", self.call.facts.id));
            self.effect(Effect::Perform(super::effect::Task {
                key,
                due: self.now,
                kind,
            }));
        }
    }
}

impl Machine<'_> {
    /// The outcome as the step can have it: an agent's exit that the step does not know is a failure.
    pub(super) fn known_outcome(&self, step: StepId, outcome: &str) -> Outcome {
        let outcome = Outcome::from(outcome);
        match self.flow.step(step).target(&outcome) {
            Some(_) => outcome,
            None => Outcome::from("failed"),
        }
    }
}
