//! The carrier's word on how the call stands.

use super::effect::{Effect, Row};
use super::machine::Machine;
use super::state::{CarrierStatus, EndReason, WaitOn};

impl Machine<'_> {
    pub(super) fn status_changed(&mut self, status: CarrierStatus, sequence: Option<u32>, seconds: Option<u32>) {
        self.log("CALL_STATUS", status.word());
        // Nothing overtakes the end: it is true whatever number it has.
        if status.is_over() {
            return self.over(status, seconds);
        }
        let overtaken = sequence
            .zip(self.call.status_sequence)
            .is_some_and(|(new, known)| new <= known);
        if overtaken || !self.is_live() {
            return;
        }
        self.call.status_sequence = sequence.or(self.call.status_sequence);
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

    /// Nobody is on the line any more.
    pub(super) fn over(&mut self, status: CarrierStatus, seconds: Option<u32>) {
        let Some(live) = self.call.live() else {
            return self.learn(status, seconds);
        };
        let reason = match live.wait.on {
            WaitOn::Farewell(reason) => reason,
            _ => EndReason::CallerLeft,
        };
        self.call.status = status;
        self.call.seconds = seconds.or(self.call.seconds);
        self.end(reason);
    }

    /// The first word of the end often comes without the call's length, or was not the carrier's own.
    fn learn(&mut self, status: CarrierStatus, seconds: Option<u32>) {
        let longer_known = self.call.seconds.is_some() || seconds.is_none();
        if longer_known && self.call.status.is_over() {
            return;
        }
        if !self.call.status.is_over() {
            self.call.status = status;
        }
        self.call.seconds = self.call.seconds.or(seconds);
        self.effect(Effect::Write(Row::CallLog {
            status: Some(self.call.status.word().to_owned()),
            ended: None,
            seconds: self.call.seconds,
            end_reason: None,
            watchdog: None,
            step: None,
        }));
    }
}
