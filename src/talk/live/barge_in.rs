//! Speech over an answer: the model tells of it, or it is heard here; either cuts off what may be cut off.

use super::caller::Hearing;
use super::{LiveConversation, Phase, order};
use crate::talk::live::answer::Step;
use crate::talk::{LiveOrder, Output};

impl LiveConversation {
    /// The caller made a sound over an answer. Where it lasts, the model's own word for it is not waited for.
    pub(super) fn speech_over(&mut self, now: u64, last_sound: u64, speech: u64, out: &mut Vec<Output>) {
        let plan = &self.plan.barge_in;
        let Phase::Answering(answer) = &self.phase else {
            return;
        };
        // Before anything is heard, the caller goes on with their turn: that is for the model to judge.
        let Some(begun) = answer.track.begun() else { return };
        if !(answer.interruptible && plan.allowed) || answer.track.is_heard(now) {
            return;
        }
        // Speech in its first part is the caller's last word, or an echo.
        let counts_from = begun.saturating_add(plan.ignore_first);
        let spoken = last_sound.saturating_sub(speech);
        let ms = last_sound.saturating_sub(spoken.max(counts_from));
        if ms > 0 && ms >= plan.confirm_after {
            let mut hearing = Hearing::new(spoken, last_sound, speech);
            hearing.is_owed = true;
            self.interrupt(now, ms, Some(hearing), out);
        }
    }

    /// The caller cuts the answer off, with a key where there is no speech. What they did not hear, the model is told.
    pub(super) fn interrupt(&mut self, now: u64, ms: u64, hearing: Option<Hearing>, out: &mut Vec<Output>) {
        let Phase::Answering(answer) = &self.phase else {
            return;
        };
        let is_heard = answer.track.is_heard(now);
        let is_over = matches!(answer.step, Step::Done) && is_heard;
        if answer.track.begun().is_some() && !is_over {
            if !is_heard {
                out.push(Output::Clear);
            }
            out.push(Output::BargeIn { ms });
            for (item, heard) in answer.track.unheard(now) {
                out.push(order(LiveOrder::Truncate { item, heard }));
            }
        }
        if !is_over {
            Self::cancel(out);
        }
        self.settle(now, !is_over, out);
        self.listen(now, now, hearing, out);
    }
}
