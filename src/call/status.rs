//! The carrier's word on how the call stands.

use super::effect::{Effect, Row};
use super::machine::Machine;
use super::state::{CarrierStatus, EndReason, WaitOn};

impl Machine<'_> {
    pub(super) fn status_changed(&mut self, status: CarrierStatus, sequence: Option<u32>, seconds: Option<u32>) {
        self.log("CALL_STATUS", status.word());
        let overtaken = sequence
            .zip(self.call.status_sequence)
            .is_some_and(|(new, known)| new <= known);
        if overtaken || (self.call.status.is_over() && self.is_live()) {
            return;
        }
        if !self.is_live() {
            return self.counted(status, seconds);
        }
        self.call.status_sequence = sequence.or(self.call.status_sequence);
        if status.is_over() {
            return self.over(status, seconds);
        }
        self.call.status = status;
        self.effect(Effect::Write(Row::CallLog {
            status: Some(status.word().to_owned()),
            ended: None,
            seconds: None,
            end_reason: None,
            watchdog: None,
            step: None,
        }));
    }

    /// The carrier's last word on a call whose end was known before: what only the carrier knows is added.
    pub(super) fn counted(&mut self, status: CarrierStatus, seconds: Option<u32>) {
        if !status.is_over() || self.call.seconds.is_some() {
            return;
        }
        self.call.status = status;
        self.call.seconds = seconds;
        self.effect(Effect::Write(Row::CallLog {
            status: Some(status.word().to_owned()),
            ended: None,
            seconds,
            end_reason: None,
            watchdog: None,
            step: None,
        }));
    }

    /// Nobody is on the line any more.
    pub(super) fn over(&mut self, status: CarrierStatus, seconds: Option<u32>) {
        let Some(live) = self.call.live() else { return };
        let reason = match live.wait.on {
            WaitOn::Farewell(reason) => reason,
            _ => EndReason::CallerLeft,
        };
        self.call.status = status;
        self.call.seconds = seconds.or(self.call.seconds);
        self.end(reason);
    }
}
