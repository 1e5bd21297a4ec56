//! What the engine's own things do: tasks end, the call's limit is reached, the process stops or comes back.

use crate::call::{CarrierStatus, Event, Task, TaskKind, TaskOutput, TaskResult, Time, Timer, WaitOn};
use crate::channels::twilio::CALLS_WITHIN;
use crate::phone::leg::Doing;
use crate::phone::moves::Timing;
use crate::phone::phone::Phone;
use crate::phone::told::What;

/// The longest that the carrier may take over a request of the engine's that it grants in the end, in milliseconds.
const SLOW_REQUEST: u64 = CALLS_WITHIN.as_secs() * 1000;

impl Phone<'_> {
    pub(super) fn task_ends(&mut self, task: usize, result: &TaskResult, timing: Timing) -> bool {
        let Some(Task { key, kind, .. }) = self.tasks.get(task).cloned() else {
            return false;
        };
        self.tasks.remove(task);
        if timing == Timing::Late && matches!(kind, TaskKind::RedirectCall { .. }) {
            self.fault("the carrier takes long over a request");
            self.now = self.now.plus(SLOW_REQUEST);
        } else if timing == Timing::Late
            && let Some(WaitOn::Task { give_up, .. }) = self.call.live().map(|live| &live.wait.on)
        {
            // Whatever else is due before it comes first: that is a way of its own.
            let last = Time(give_up.0.saturating_sub(1));
            self.now = self.now.max(self.leg.due().map_or(last, |due| due.min(last)));
        }
        if let Err(error) = result {
            self.tell(What::Carrier(format!("{} fails: {error}", kind.name())));
        }
        if result == &Ok(TaskOutput::Accepted) {
            match &kind {
                TaskKind::RedirectCall { document, .. } if !self.leg.is_over() => {
                    self.tell(What::Carrier("takes the call to the new document".to_owned()));
                    if let Doing::Streaming { sid } = self.leg.doing.clone() {
                        self.closed(sid, 1);
                    }
                    self.plays(document);
                }
                TaskKind::HangUpCall => self.ends(CarrierStatus::Completed, "the engine hangs up"),
                _ => {}
            }
        }
        let event = Event::TaskEnded {
            key,
            result: result.clone(),
        };
        self.happens(&event);
        self.look();
        true
    }

    pub(super) fn limit_reached(&mut self) -> bool {
        let Some(due) = self.call.timers.get(&Timer::Limit).copied() else {
            return false;
        };
        if self.leg.is_over() {
            return false;
        }
        // Whatever else is due before has happened: only the end is of interest here.
        let quiet = self.ear.quiet(self.now);
        self.now = self.now.max(due);
        self.ear.set_quiet(self.now, quiet);
        self.happens(&Event::TimerFired {
            timer: Timer::Limit,
            last_frame: None,
        });
        self.look();
        true
    }

    /// The process is gone and comes back: sockets are lost, rows are not.
    pub(super) fn restarts(&mut self) {
        self.disturbed = true;
        self.fault("the engine is started again");
        if matches!(self.leg.doing, Doing::Streaming { .. }) {
            self.leg.doing = Doing::Returning;
        }
        self.happens(&Event::EngineRestarted);
        self.look();
    }

    /// The process is about to stop: new calls go elsewhere, conversations come to an end.
    pub(super) fn drains(&mut self) {
        self.disturbed = true;
        self.fault("the engine is about to stop");
        self.happens(&Event::EngineDraining);
        self.look();
    }
}
