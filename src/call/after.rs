//! What follows a call: one item after another, each once, across restarts.

use super::cx::Draft;
use super::event::TaskResult;
use super::kind::{Back, Next, StepError};
use super::machine::Machine;
use super::state::{FollowUp, Phase, WaitOn};

impl Machine<'_> {
    /// Does the items from `item` on, until one has to be waited for.
    pub(super) fn follow_up(&mut self, item: usize) {
        let flow = self.flow;
        for (index, after) in flow.after_call.iter().enumerate().skip(item) {
            let mut draft = Draft::default();
            let mut cx = self.cx(&mut draft, 1);
            let wanted = after.when.as_ref().map_or(Ok(true), |when| cx.holds(when));
            let next = match wanted {
                Ok(true) => after.kind.enter(&mut cx),
                Ok(false) => continue,
                Err(error) => Err(error),
            };
            if self.followed(index, next) {
                return;
            }
        }
        self.set_follow_up(FollowUp::Done);
    }

    pub(super) fn follow_up_ended(&mut self, item: usize, result: &TaskResult) {
        let Some(after) = self.flow.after_call.get(item) else {
            return self.set_follow_up(FollowUp::Done);
        };
        if let Err(error) = result {
            self.warn("FOLLOW_UP_FAILED", format!("{}: {error}", after.name));
        }
        let mut draft = Draft::default();
        let next = after.kind.resume(&mut self.cx(&mut draft, 1), Back::Task(result));
        if !self.followed(item, next) {
            self.follow_up(item + 1);
        }
    }

    /// Whether the item has to be waited for. An item that fails never keeps the next one from being done.
    fn followed(&mut self, item: usize, next: Result<Next, StepError>) -> bool {
        match next {
            Ok(Next::Wait(wait)) => match wait.on {
                WaitOn::Task { key, .. } => {
                    self.set_follow_up(FollowUp::Waiting { item, key });
                    true
                }
                _ => false,
            },
            Ok(_) => false,
            Err(error) => {
                self.warn(
                    "FOLLOW_UP_FAILED",
                    format!("{}: {error}", self.flow.after_call[item].name),
                );
                false
            }
        }
    }

    fn set_follow_up(&mut self, stage: FollowUp) {
        if let Phase::Ended { follow_up, .. } = &mut self.call.phase {
            *follow_up = stage;
        }
    }
}
