//! What must always be true of a call, and what it is called where it is not.

use super::leg::Doing;
use super::phone::Phone;
use crate::call::{EndReason, FollowUp, Phase, StreamPhase, Task, TaskKind, Timer, WaitOn};

/// Something that must never be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A live call's request was answered with nothing.
    NoDocument,
    /// A document cannot be rendered or read; why.
    BadDocument(String),
    /// A step failed on this call's own data; the log's words.
    StepFailed(String),
    /// A follow-up failed on this call's own data; the log's words.
    FollowUpFailed(String),
    /// The same task was ordered twice; its key.
    OrderedTwice(String),
    /// A task is under way that nobody waits for; its name.
    Stray(&'static str),
    /// A follow-up was done out of order or twice; its number from 0.
    FollowUpTwice(usize),
    /// A follow-up that is done by writing a row was done twice; its kind.
    RowTwice(&'static str),
    /// A call that is over waits for a follow-up that nobody does; its number from 0.
    FollowUpLost(usize),
    /// A live call has no timer that bounds it.
    Unbounded,
    /// A live call has nothing that moves it on.
    Stranded,
    /// A call that was over lives again, or ended twice.
    Revived,
    /// A request or report that came twice had another effect than when it came once.
    NotRepeatable,
    /// A queue's waiting document holds nothing to hear.
    SilentQueue,
}

impl Phone<'_> {
    /// What must be true whenever nothing is being handled.
    pub fn look(&mut self) {
        match &self.call.phase {
            Phase::Live(live) => {
                if !self.call.timers.contains_key(&Timer::Limit)
                    && !matches!(live.wait.on, WaitOn::Farewell(EndReason::TooLong))
                {
                    self.violations.push(Violation::Unbounded);
                }
                if !self.call.timers.keys().any(|timer| *timer != Timer::Limit) {
                    self.violations.push(Violation::Stranded);
                }
                // A stream that nobody opens and a caller who is not heard leave no other way back. What is decided
                // already has the guard for it.
                let set = |timer| self.call.timers.contains_key(&timer);
                let watched = match &self.leg.doing {
                    Doing::Connecting => set(Timer::StreamStart),
                    // While a redirect takes the caller off one stream, the call may wait for the next already.
                    Doing::Streaming { .. } if self.call.redirect.is_some() => {
                        set(Timer::StreamMedia) || set(Timer::StreamStart)
                    }
                    Doing::Streaming { .. } => set(Timer::StreamMedia),
                    _ => true,
                };
                let open = match &live.wait.on {
                    WaitOn::Stream(stream) => !matches!(stream.phase, StreamPhase::Decided { .. }),
                    _ => false,
                };
                if open && !watched {
                    self.violations.push(Violation::Stranded);
                }
            }
            Phase::Ended { .. } if !self.call.timers.is_empty() => self.violations.push(Violation::Stranded),
            Phase::Ended {
                follow_up: FollowUp::Waiting { item, key },
                ..
            } if !self.tasks.iter().any(|task| task.key == *key) => {
                self.violations.push(Violation::FollowUpLost(*item));
            }
            Phase::Ended { .. } => {}
        }
        self.look_at_tasks();
    }

    /// Every task belongs to somebody, and each follow-up comes once, in its order.
    fn look_at_tasks(&mut self) {
        let call = &self.call;
        let awaited = |task: &Task| match &task.kind {
            TaskKind::AskStatus | TaskKind::HangUpCall | TaskKind::Transcribe { .. } => true,
            TaskKind::RedirectCall { .. } => call.redirect.as_ref().is_some_and(|redirect| redirect.key == task.key),
            TaskKind::SendMessage { .. } | TaskKind::Http { .. } => {
                call.wishes.contains_key(&task.key)
                    || match &call.phase {
                        Phase::Live(live) => matches!(&live.wait.on, WaitOn::Task { key, .. } if *key == task.key),
                        Phase::Ended { follow_up, .. } => {
                            matches!(follow_up, FollowUp::Waiting { key, .. } if *key == task.key)
                        }
                    }
            }
        };
        let fresh = std::mem::take(&mut self.fresh);
        for task in self.tasks.iter().filter(|task| fresh.contains(&task.key)) {
            if !awaited(task) {
                self.violations.push(Violation::Stray(task.kind.name()));
            }
        }
        // A recording that arrives after the end is turned into text while a follow-up waits: only its own task counts.
        if let Phase::Ended {
            follow_up: FollowUp::Waiting { item, key },
            ..
        } = &self.call.phase
            && fresh.contains(key)
        {
            if self.followed.is_some_and(|before| before >= *item) {
                self.violations.push(Violation::FollowUpTwice(*item));
            }
            self.followed = Some(*item);
        }
    }
}
