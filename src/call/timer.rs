//! Something is due.

use super::effect::{Answer, Effect, MediaOrder, TaskKind};
use super::ids::{Time, Timer};
use super::machine::Machine;
use super::state::{EndReason, Live, Phase, StreamPhase, WaitOn};
use super::walk::From;

/// How often the carrier is asked about a call of which nothing is heard, in milliseconds.
pub(super) const ASK_AGAIN_MS: u64 = 30_000;
/// How long after the carrier refused an order, a redirect or a hang-up, it is given again, in milliseconds.
pub(super) const ORDER_AGAIN_MS: u64 = 5_000;
/// How long after `limits.call` a call is given up that the carrier says nothing of, in milliseconds.
const GRACE_MS: u64 = 300_000;

impl Machine<'_> {
    pub(super) fn timer_fired(&mut self, timer: Timer, last_frame: Option<Time>) {
        // A timer can fire while the event that replaces it is being handled: only the latest due time counts.
        if let Some(due) = self.call.timers.get(&timer).copied().filter(|due| *due > self.now) {
            return self.effect(Effect::SetTimer(timer, due));
        }
        let was_set = self.call.timers.contains_key(&timer);
        // The row has done its part; whoever still needs it sets it again below.
        self.effect(Effect::ClearTimer(timer));
        if !was_set || !self.is_live() {
            return;
        }
        match timer {
            Timer::Limit => self.limit_reached(),
            Timer::Guard => self.guard_due(),
            Timer::StreamStart => self.stream_start_due(),
            Timer::StreamMedia => self.stream_media_due(last_frame),
        }
    }

    fn limit_reached(&mut self) {
        self.warn("CALL_LIMIT", format!("{} s", self.flow.limits.call / 1000));
        // Closing the socket lets the carrier ask, and be told to hang up, even where its REST API does not answer.
        if self.stream().is_some() {
            self.effect(Effect::Media(MediaOrder::Close));
        }
        if let Some(redirect) = self.call.redirect.take() {
            self.effect(Effect::CancelTask(redirect.key));
        }
        self.effect(Effect::ClearTimer(Timer::StreamStart));
        self.effect(Effect::ClearTimer(Timer::StreamMedia));
        if let Phase::Live(live) = &mut self.call.phase {
            live.wait.on = WaitOn::Farewell(EndReason::TooLong);
        }
        self.hang_up();
    }

    fn hang_up(&mut self) {
        self.perform(TaskKind::HangUpCall);
        self.effect(Effect::SetTimer(Timer::Guard, self.now.plus(ASK_AGAIN_MS)));
    }

    /// Nothing came back in time.
    fn guard_due(&mut self) {
        let given_up = self.call.facts.started.plus(self.flow.limits.call).plus(GRACE_MS);
        if self.now >= given_up {
            self.warn("CALL_LOST", "the carrier never reported the call's end");
            return self.end(EndReason::Lost);
        }
        if self.call.live().map(|live| &live.wait.on) == Some(&WaitOn::Farewell(EndReason::TooLong)) {
            return self.hang_up();
        }
        if let Some(redirect) = self.call.redirect.clone().filter(|redirect| redirect.failed)
            && let Some(Answer::Document(document)) = self.call.answered(redirect.ticket).cloned()
        {
            self.redirect(redirect.ticket, document, &redirect.reason);
            return self.effect(Effect::SetTimer(Timer::Guard, self.now.plus(ASK_AGAIN_MS)));
        }
        if let Some((live, outcome)) = self.decided_stream() {
            let document = self.walk(From::Outcome(live.step, outcome));
            return self.redirect(live.wait.ticket, document, "stream_over");
        }
        self.perform(TaskKind::AskStatus);
        self.effect(Effect::SetTimer(Timer::Guard, self.now.plus(ASK_AGAIN_MS)));
    }

    /// A stream that is over while the carrier never asked for what follows.
    fn decided_stream(&self) -> Option<(Live, super::ids::Outcome)> {
        let live = self.call.live()?;
        match &live.wait.on {
            WaitOn::Stream(stream) => match &stream.phase {
                StreamPhase::Decided { outcome } => Some((live.clone(), outcome.clone())),
                _ => None,
            },
            _ => None,
        }
    }
}
