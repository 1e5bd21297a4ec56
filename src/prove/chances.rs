//! What can happen where a call stands: everything that a caller, the carrier, a service or the engine itself can do, each
//! with how much of a mishap it is and whether the caller has a part in it.

use super::abstraction::{Abstraction, example, success};
use super::talk;
use crate::call::{CarrierStatus, Flow, Params, StepKind, Task, TaskKind, TaskOutput, TaskResult, Timer, WaitOn};
use crate::phone::{Act, DialEnd, Doing, Mishap, Move, Phone, REFUSED, Timing};

/// One thing that can happen.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Chance {
    /// What.
    pub next: Move,
    /// What goes wrong in the engine meanwhile.
    pub mishap: Option<Mishap>,
    /// How many mishaps it takes.
    pub cost: u8,
    /// Whether the caller does something, so that it cannot go on for ever without them.
    pub caller: bool,
}

/// How long a caller speaks, or talks with somebody else: any time will do, since silence does not grow meanwhile.
const SOME_TIME: u64 = 3_000;

/// Everything that can happen now.
pub(super) fn chances(phone: &Phone<'_>, flow: &Flow, abstraction: &Abstraction) -> Vec<Chance> {
    let mut found = Found {
        phone,
        flow,
        abstraction,
        list: Vec::with_capacity(16),
    };
    if found.tasks() {
        return found.list;
    }
    if phone.leg.is_over() {
        // The carrier's last word was lost: only a timer finds out.
        if phone.call.live().is_some() {
            found.usual(Move::Pass);
        }
        return found.list;
    }
    found.carrier();
    found.anywhere();
    found.list
}

struct Found<'a> {
    phone: &'a Phone<'a>,
    flow: &'a Flow,
    abstraction: &'a Abstraction,
    list: Vec<Chance>,
}

impl Found<'_> {
    fn put(&mut self, next: Move, cost: u8, caller: bool) {
        self.list.push(Chance {
            next,
            mishap: None,
            cost,
            caller,
        });
    }

    fn usual(&mut self, next: Move) {
        self.put(next, 0, false);
    }

    fn caller(&mut self, next: Move) {
        self.put(next, 0, true);
    }

    fn mishap(&mut self, next: Move) {
        self.put(next, 1, false);
    }

    fn kind(&self) -> Option<&dyn StepKind> {
        self.phone.call.live().map(|live| &*self.flow.step(live.step).kind)
    }

    /// What becomes of tasks. True where nothing else happens before the first of them ends: the engine's own requests
    /// take no time that counts.
    fn tasks(&mut self) -> bool {
        let call = &self.phone.call;
        let awaited = call.live().and_then(|live| match &live.wait.on {
            WaitOn::Task { key, result: None, .. } => Some(key),
            _ => None,
        });
        let Some((index, task)) = self
            .phone
            .tasks
            .iter()
            .enumerate()
            .find(|(_, task)| awaited != Some(&task.key))
            .or_else(|| self.phone.tasks.iter().enumerate().next())
        else {
            return false;
        };
        let waits = awaited == Some(&task.key);
        self.results(index, task, waits);
        if matches!(task.kind, TaskKind::RedirectCall { .. }) {
            self.mishap(Move::CarrierAsksFirst);
            if !self.phone.leg.is_over() {
                self.caller(Move::HangsUp);
            }
        }
        !waits
    }

    fn results(&mut self, task: usize, ordered: &Task, waits: bool) {
        let over = self.phone.leg.is_over();
        let ends = |result: TaskResult, timing| Move::TaskEnds { task, result, timing };
        match &ordered.kind {
            TaskKind::RedirectCall { .. } | TaskKind::HangUpCall => {
                let output = if over {
                    TaskOutput::CallGone
                } else {
                    TaskOutput::Accepted
                };
                if matches!(ordered.kind, TaskKind::RedirectCall { .. }) && !over {
                    self.mishap(ends(Ok(output.clone()), Timing::Late));
                }
                self.usual(ends(Ok(output), Timing::Early));
                self.mishap(ends(Err(REFUSED.to_owned()), Timing::Early));
            }
            TaskKind::AskStatus => {
                let status = if over {
                    CarrierStatus::Completed
                } else {
                    CarrierStatus::InProgress
                };
                let seconds = over.then_some(60);
                self.usual(ends(Ok(TaskOutput::Status { status, seconds }), Timing::Early));
                self.mishap(ends(Err(REFUSED.to_owned()), Timing::Early));
            }
            TaskKind::SendMessage { .. } | TaskKind::Http { .. } | TaskKind::Transcribe { .. } => {
                for output in self.outputs(&ordered.kind, waits) {
                    if waits {
                        self.usual(ends(Ok(output.clone()), Timing::Late));
                    }
                    self.usual(ends(Ok(output), Timing::Early));
                }
                self.usual(ends(Err(REFUSED.to_owned()), Timing::Early));
            }
        }
    }

    /// What a task can bring; what its step declares, where the call waits for it.
    fn outputs(&self, task: &TaskKind, waits: bool) -> Vec<TaskOutput> {
        let declared = self
            .kind()
            .filter(|_| waits)
            .map(|kind| (kind.chances().results, kind.touches().sets));
        match declared {
            Some((results, sets)) if !results.is_empty() => results
                .iter()
                .map(|output| self.abstraction.completed(output, &sets))
                .collect(),
            _ => vec![self.abstraction.completed(&success(task), &[])],
        }
    }

    /// What the verb under way can lead to.
    fn carrier(&mut self) {
        let act = self.phone.leg.act();
        match (self.phone.leg.doing(), act) {
            (Doing::Prompting { .. } | Doing::Listening { .. }, Some(Act::Gather(gather))) => {
                let answers = self.kind().map(|kind| kind.chances().answers).unwrap_or_default();
                for answer in answers {
                    let keys = answer.chars().all(|c| c.is_ascii_digit() || c == '*' || c == '#');
                    if keys && gather.keys {
                        self.caller(Move::Keys(answer));
                    } else if gather.speech {
                        self.caller(Move::Says(answer));
                    }
                }
                self.usual(Move::Pass);
            }
            (Doing::Recording { .. }, _) => {
                // After a long message the recording may end at once, after a short one silence has to end it.
                for seconds in [10, 1] {
                    self.caller(Move::LeavesMessage(seconds));
                }
                self.caller(Move::LeavesMessageAndHangsUp(10));
                self.usual(Move::Pass);
            }
            (Doing::Dialling { .. }, _) => {
                self.caller(Move::Dialled(DialEnd::Talked(SOME_TIME)));
                for end in [DialEnd::Busy, DialEnd::Failed, DialEnd::Canceled, DialEnd::NoAnswer] {
                    self.usual(Move::Dialled(end));
                }
            }
            // A stream that has been given up goes on not starting: that is no mishap of its own.
            (Doing::Connecting, _) if !self.phone.call.timers.contains_key(&Timer::StreamStart) => {
                self.mishap(Move::StreamStarts(Timing::Early));
                self.usual(Move::Pass);
            }
            (Doing::Connecting, _) => {
                self.usual(Move::StreamStarts(Timing::Early));
                self.mishap(Move::StreamStarts(Timing::Late));
                self.mishap(Move::StreamRefused);
                self.mishap(Move::Pass);
            }
            (Doing::Streaming { .. }, _) => self.conversation(),
            (Doing::StreamingAway, _) => {
                self.caller(Move::StreamBreaks { heard: true });
                self.mishap(Move::StreamBreaks { heard: false });
            }
            (Doing::Queueing, _) => {
                self.caller(Move::Queued("bridged"));
                self.caller(Move::Queued("leave"));
                self.usual(Move::Queued("queue-full"));
                self.usual(Move::Queued("error"));
            }
            (Doing::Paying, _) => {
                self.caller(Move::Paid("success"));
                self.caller(Move::Paid("caller-interrupted-with-star"));
                self.usual(Move::Paid("too-many-failed-attempts"));
            }
            (Doing::Referring, _) => {
                self.caller(Move::Referred(true));
                self.usual(Move::Referred(false));
                self.usual(Move::NotReferable);
            }
            (Doing::Away | Doing::Ringing | Doing::Over, _) => {}
            (_, _) => {
                if self.kind().is_some_and(|kind| kind.chances().asks) {
                    self.caller(Move::Asks(Params::default()));
                }
                self.usual(Move::Pass);
            }
        }
    }

    fn conversation(&mut self) {
        let Some(live) = self.phone.call.live() else { return };
        let WaitOn::Stream(stream) = &live.wait.on else { return };
        let Some(agent) = stream.agent.as_ref().and_then(|name| self.flow.agents.get(name)) else {
            return;
        };
        let bounds = talk::quiet(agent, stream.reply);
        // An agent that speaks first is heard before anything else happens.
        if bounds.greets && self.phone.ear.quiet(self.phone.now) > 0 {
            self.mishap(Move::StreamBreaks { heard: false });
            return self.usual(Move::AgentSpeaks);
        }
        let exits: Vec<String> = self
            .flow
            .step(live.step)
            .wiring
            .iter()
            .map(|(outcome, _)| outcome.as_str().to_owned())
            .filter(|exit| !["no_stream_start", "no_media"].contains(&exit.as_str()))
            .collect();
        for exit in exits {
            if exit == *bounds.idle_exit {
                self.usual(Move::TalkEnds {
                    exit,
                    spoke: false,
                    quiet: bounds.idle,
                });
            } else if exit == "failed" {
                if let Some(quiet) = bounds.mute {
                    let exit = exit.clone();
                    self.mishap(Move::TalkEnds {
                        exit,
                        spoke: false,
                        quiet,
                    });
                }
                self.mishap(Move::TalkEnds {
                    exit,
                    spoke: true,
                    quiet: bounds.longest,
                });
            } else {
                if bounds.longest > bounds.answer {
                    let exit = exit.clone();
                    self.mishap(Move::TalkEnds {
                        exit,
                        spoke: true,
                        quiet: bounds.longest,
                    });
                }
                self.caller(Move::TalkEnds {
                    exit,
                    spoke: true,
                    quiet: bounds.answer,
                });
            }
        }
        self.mishap(Move::StreamBreaks { heard: true });
        self.mishap(Move::StreamBreaks { heard: false });
        if self.phone.call.timers.contains_key(&Timer::StreamMedia) {
            self.mishap(Move::NothingHeard { idle: bounds.idle });
        }
        self.mishap(Move::Drains);
        for action in agent.providers().into_iter().flat_map(|providers| &providers.actions) {
            if !self.phone.call.vars.contains_key(&action.keeps) {
                self.caller(Move::Wishes {
                    action: action.name.clone(),
                    arguments: example(&action.parameters).to_string(),
                });
            }
        }
    }

    /// What can happen at any point.
    fn anywhere(&mut self) {
        self.caller(Move::HangsUp);
        self.put(Move::HangsUpUnnoticed, 1, true);
        if self.phone.call.timers.contains_key(&Timer::Limit) {
            self.usual(Move::LimitReached);
        }
        self.mishap(Move::Restarts);
    }
}
