//! Moving through the steps: one document is written until something has to be waited for.

use super::cx::{Cx, Draft};
use super::effect::{Answer, Effect, Row, Task, TaskKind};
use super::ids::{Outcome, Route, StepId, TaskKey, Ticket, Timer};
use super::kind::{Next, StepError};
use super::machine::Machine;
use super::state::{EndReason, Frame, Live, Phase, Redirect, Wait, WaitOn};
use crate::twiml::Verb;

/// So many steps without waiting for anybody are a circle, not a flow.
const MAX_HOPS: usize = 256;
/// How much longer than a verb can take the engine waits before it asks the carrier about the call, in milliseconds.
const SLACK_MS: u64 = 30_000;
/// How long after the last verb the carrier may take to report the call's end, in milliseconds: follow-ups wait for it.
const FAREWELL_SLACK_MS: u64 = 8_000;

/// Where a walk begins.
pub(super) enum From {
    /// At a step's beginning.
    Enter(StepId),
    /// Where a step's outcome leads.
    Outcome(StepId, Outcome),
    /// With what a waiting step made of an answer, and the verbs it wrote.
    Resumed(StepId, Result<Next, StepError>, Draft),
    /// After a failure at that step, with a clean document.
    Trouble(StepId, StepError),
}

impl Machine<'_> {
    /// Walks until the call waits, and returns the document for the carrier. The phase is set to that wait.
    pub(super) fn walk(&mut self, from: From) -> Vec<Verb> {
        let (mut at, mut next, mut draft) = match from {
            From::Enter(step) => (step, None, Draft::default()),
            From::Outcome(step, outcome) => (step, Some(Ok(Next::Go(outcome))), Draft::default()),
            From::Resumed(step, next, draft) => (step, Some(next), draft),
            From::Trouble(step, error) => (step, Some(Err(error)), Draft::default()),
        };
        for _ in 0..MAX_HOPS {
            let entered = match next.take() {
                Some(next) => next.map(Entered::Done),
                None => self.enter(at, &mut draft),
            };
            let hop = entered.and_then(|entered| {
                self.observe(at, &entered);
                match entered {
                    Entered::Done(next) => self.follow(at, next),
                    Entered::Skipped(step) => Ok(Hop::To(step)),
                }
            });
            match hop {
                Ok(Hop::To(step)) => at = step,
                Ok(Hop::Stay(wait)) => return self.stop(at, wait, draft),
                Err(error) => match self.fallback_after(at, &error) {
                    Some(step) => at = step,
                    None => return self.apologise(at),
                },
            }
        }
        self.warn(
            "STEP_FAILED",
            format!("{}: {}", self.flow.step(at).name, StepError::EndlessWalk),
        );
        self.apologise(at)
    }

    /// Sends the document to the live call through the REST API; a late request for `ticket` gets it too.
    pub(super) fn redirect(&mut self, ticket: Ticket, document: Vec<Verb>, reason: &str) {
        self.remember(ticket, Answer::Document(document.clone()));
        // An older document must not reach the caller after this one.
        if let Some(older) = self.call.redirect.take() {
            self.effect(Effect::CancelTask(older.key));
        }
        let key = self.perform(TaskKind::RedirectCall {
            document,
            ticket,
            reason: reason.to_owned(),
        });
        self.call.redirect = Some(Redirect {
            key,
            ticket,
            reason: reason.to_owned(),
            failed: false,
        });
    }

    pub(super) fn perform(&mut self, kind: TaskKind) -> TaskKey {
        self.call.tasks += 1;
        let key = TaskKey(format!("{}/{}/{}", self.call.facts.id, kind.name(), self.call.tasks));
        self.effect(Effect::Perform(Task {
            key: key.clone(),
            due: self.now,
            kind,
        }));
        key
    }

    /// A step's view of the call.
    pub(super) fn cx<'b>(&'b mut self, draft: &'b mut Draft, attempt: u32) -> Cx<'b> {
        Cx {
            call: self.call,
            flow: self.flow,
            now: self.now,
            effects: &mut self.effects,
            draft,
            attempt,
        }
    }

    fn enter(&mut self, at: StepId, draft: &mut Draft) -> Result<Entered, StepError> {
        let step = self.flow.step(at);
        let mut cx = self.cx(draft, 1);
        if let Some((when, skip)) = &step.when
            && !cx.holds(when)?
        {
            return Ok(Entered::Skipped(*skip));
        }
        step.kind.enter(&mut cx).map(Entered::Done)
    }

    fn observe(&mut self, at: StepId, entered: &Entered) {
        let Some(probe) = &mut self.call.probe else { return };
        match entered {
            Entered::Done(Next::Go(outcome)) => probe.passed.push((at, Some(outcome.clone()))),
            Entered::Done(Next::Return(outcome)) => {
                probe.passed.push((at, None));
                let back = self.call.frames.last().map(|frame| (frame.step, Some(outcome.clone())));
                probe.passed.extend(back);
            }
            Entered::Done(_) => probe.passed.push((at, None)),
            Entered::Skipped(_) => probe.skipped.push(at),
        }
    }

    fn follow(&mut self, at: StepId, next: Next) -> Result<Hop, StepError> {
        match next {
            Next::Go(outcome) => self
                .flow
                .step(at)
                .target(&outcome)
                .map(Hop::To)
                .ok_or(StepError::Unwired(outcome)),
            Next::Wait(wait) => Ok(Hop::Stay(wait)),
            Next::End(reason) => Ok(Hop::Stay(self.farewell(reason))),
            Next::Run { section, vars } => {
                let vars = std::mem::replace(&mut self.call.vars, vars);
                self.call.frames.push(Frame { step: at, vars });
                Ok(Hop::To(self.flow.sections[section].start))
            }
            Next::Return(outcome) => {
                let frame = self.call.frames.pop().ok_or(StepError::NothingToReturnTo)?;
                let vars = std::mem::replace(&mut self.call.vars, frame.vars);
                self.call.result = vars.into();
                self.flow
                    .step(frame.step)
                    .target(&outcome)
                    .map(Hop::To)
                    .ok_or(StepError::Unwired(outcome))
            }
        }
    }

    fn farewell(&mut self, reason: EndReason) -> Wait {
        let n = self.call.uses.entry(Route::Next).or_insert(0);
        *n += 1;
        let ticket = Ticket {
            route: Route::Next,
            n: *n,
        };
        Wait {
            ticket,
            attempt: 1,
            patience: 0,
            on: WaitOn::Farewell(reason),
        }
    }

    /// The wait begins: its timers are set and the document is done.
    fn stop(&mut self, at: StepId, wait: Wait, draft: Draft) -> Vec<Verb> {
        let slack = match wait.on {
            WaitOn::Farewell(_) => FAREWELL_SLACK_MS,
            _ => SLACK_MS,
        };
        let patience = wait.patience.max(draft.lead).saturating_add(slack);
        self.effect(Effect::SetTimer(Timer::Guard, self.now.plus(patience)));
        if let WaitOn::Stream(stream) = &wait.on {
            let due = self.now.plus(draft.lead).plus(stream.start);
            self.effect(Effect::SetTimer(Timer::StreamStart, due));
        } else {
            self.effect(Effect::ClearTimer(Timer::StreamStart));
        }
        self.effect(Effect::ClearTimer(Timer::StreamMedia));
        let step = self.flow.step(at).name.clone();
        self.effect(Effect::Write(Row::CallLog {
            status: None,
            ended: None,
            seconds: None,
            end_reason: None,
            watchdog: None,
            step: Some(step),
        }));
        self.call.phase = Phase::Live(Live { step: at, wait });
        draft.verbs
    }

    /// Where a failed step's call goes: once to the flow's fallback, then nowhere. A flow that is run and has no fallback
    /// of its own is left for that of the flow that runs it.
    fn fallback_after(&mut self, at: StepId, error: &StepError) -> Option<StepId> {
        let step = self.flow.step(at);
        self.warn("STEP_FAILED", format!("{}: {error}", step.name));
        self.call.troubles += 1;
        if self.call.troubles > 1 {
            return None;
        }
        let mut section = step.section;
        loop {
            let fallback = self.flow.sections[section].otherwise.filter(|step| *step != at);
            if fallback.is_some() {
                return fallback;
            }
            let frame = self.call.frames.pop()?;
            self.call.vars = frame.vars;
            section = self.flow.step(frame.step).section;
        }
    }

    /// The last resort: a sentence and the end. Never silence.
    fn apologise(&mut self, at: StepId) -> Vec<Verb> {
        let verbs = self.flow.apology.clone();
        let wait = self.farewell(EndReason::Failed);
        self.stop(at, wait, Draft { verbs, lead: 10_000 })
    }
}

enum Entered {
    Done(Next),
    Skipped(StepId),
}

enum Hop {
    To(StepId),
    Stay(Wait),
}
