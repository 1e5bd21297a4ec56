//! A call ends, once; the engine's own difficulties that concern a whole call.

use super::effect::{Answer, Effect, MediaOrder, Row, TaskKind};
use super::ids::{Outcome, Ticket, Timer};
use super::kind::StepError;
use super::machine::Machine;
use super::state::{EndReason, FollowUp, Phase, Stream, StreamPhase, WaitOn};
use super::walk::From;

impl Machine<'_> {
    /// Ends the call and begins what follows it. A call that has ended stays as it is.
    pub(super) fn end(&mut self, reason: EndReason) {
        if !self.is_live() {
            return;
        }
        for timer in Timer::ALL {
            self.effect(Effect::ClearTimer(timer));
        }
        // Also a conversation that the call has left may still hold its socket.
        self.effect(Effect::Media(MediaOrder::Close));
        if let Some(redirect) = self.call.redirect.take() {
            self.effect(Effect::CancelTask(redirect.key));
        }
        // The carrier's own count may come later and then replaces this one.
        let counted = u32::try_from(self.now.since(self.call.facts.started) / 1000).unwrap_or(u32::MAX);
        self.effect(Effect::Write(Row::CallLog {
            status: Some(self.call.status.word().to_owned()),
            ended: Some(self.now),
            seconds: Some(self.call.seconds.unwrap_or(counted)),
            end_reason: Some(reason.word().to_owned()),
            watchdog: None,
            step: None,
        }));
        // What follows belongs to the flow that took the call, also where the caller left in the middle of another one.
        if let Some(outermost) = self.call.frames.drain(..).next() {
            self.call.vars = outermost.vars;
        }
        self.call.phase = Phase::Ended {
            at: self.now,
            reason,
            follow_up: FollowUp::Done,
        };
        self.follow_up(0);
    }

    /// The store does not take events. What needs it, a conversation or a task, gives way to the fallback; a document
    /// that only needs the carrier stays as it is.
    pub(super) fn store_failed(&mut self) {
        let Some(live) = self.call.live() else { return };
        if !matches!(live.wait.on, WaitOn::Stream(_) | WaitOn::Task { .. }) {
            return;
        }
        let step = live.step;
        // The socket of a conversation that is given up would keep the caller: closing it makes the carrier ask.
        if matches!(live.wait.on, WaitOn::Stream(_)) {
            self.effect(Effect::Media(MediaOrder::Close));
        }
        let ticket = self.call.answers.back().map_or(Ticket::FIRST, |(ticket, _)| *ticket);
        let document = self.walk(From::Trouble(step, StepError::Store));
        self.answer(ticket, Answer::Document(document));
    }

    /// Whatever happened while the engine was down, the carrier knows.
    pub(super) fn engine_restarted(&mut self) {
        if self.is_live() {
            self.perform(TaskKind::AskStatus);
        }
    }

    /// Conversations are cut over to what the flow does when they fail; everything else survives a restart as it is.
    pub(super) fn engine_draining(&mut self) {
        let unfinished = |stream: &&mut Stream| !matches!(stream.phase, StreamPhase::Decided { .. });
        let Some(stream) = self.stream().filter(unfinished).filter(|stream| stream.agent.is_some()) else {
            return;
        };
        stream.phase = StreamPhase::Decided {
            outcome: Outcome::from("failed"),
        };
        self.effect(Effect::Media(MediaOrder::Close));
        self.expect_request_soon();
    }
}
