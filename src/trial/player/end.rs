//! What came of a call, when nothing happens any more.

use super::Player;
use crate::call::Phase;
use crate::phone::What;
use crate::phone::script::Step;
use crate::trial::outcome::{Heard, Played};
use crate::trial::recorder::Recorder;

impl Player<'_> {
    pub(super) fn end(mut self, recorder: &Recorder) -> Played {
        let over = self.over.unwrap_or(self.phone.now);
        if self.over.is_none() {
            self.phone.ear.listen(self.phone.now);
        }
        let notes = std::mem::take(&mut *recorder.0.borrow_mut());
        let told = self.phone.told.take().unwrap_or_default();
        let heard = told
            .iter()
            .filter_map(|told| match &told.what {
                What::Hears { what, spoken, .. } if !what.is_empty() && told.at <= over => Some(Heard {
                    at: told.at,
                    what: what.clone(),
                    spoken: *spoken,
                }),
                _ => None,
            })
            .collect();
        Played {
            began: self.began,
            over,
            heard,
            silence: self.phone.ear.longest(),
            steps: self.steps,
            edges: self.edges,
            end: match &self.phone.call.phase {
                Phase::Ended { reason, .. } => Some(*reason),
                Phase::Live(_) => None,
            },
            recordings: self.phone.call.recordings.len(),
            messages: self.messages,
            requests: self.requests,
            turns: self.turns,
            documents: notes.documents,
            rows: notes.rows,
            vars: self.phone.call.vars.clone(),
            contact: self.phone.call.contact.clone(),
            violations: std::mem::take(&mut self.phone.violations),
            unplayed: self.actor.steps.iter().filter(|step| does_something(step)).count(),
            ran_out: self.brain.ran_out,
            told,
        }
    }
}

fn does_something(step: &Step) -> bool {
    matches!(
        step,
        Step::Speak(_) | Step::Backchannel(_) | Step::Keys(_) | Step::HangUp
    )
}
