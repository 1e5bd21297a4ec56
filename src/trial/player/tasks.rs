//! What becomes of the tasks that a call orders, and when.

use super::Player;
use crate::call::{CarrierStatus, Phase, StepKind, Talker, Task, TaskKey, TaskKind, TaskOutput};
use crate::phone::{Move, REFUSED};
use crate::trial::faults::Fault;
use crate::trial::outcome::{Message, Request};

/// How long the carrier's REST API takes, in milliseconds.
const REST: u64 = 150;

impl<'a> Player<'a> {
    /// Tasks that were ordered get the time at which they end.
    pub(super) fn notice_tasks(&mut self) {
        let now = self.phone.now.0;
        let known: Vec<TaskKey> = self.phone.tasks.iter().map(|task| task.key.clone()).collect();
        self.fates.retain(|key, _| known.contains(key));
        let fresh: Vec<Task> = self
            .phone
            .tasks
            .iter()
            .filter(|task| !self.fates.contains_key(&task.key))
            .cloned()
            .collect();
        for task in fresh {
            let from = now.max(task.due.0);
            let (after, result) = self.fate(&task);
            self.fates.insert(task.key, (from.saturating_add(after), result));
        }
    }

    pub(super) fn fate(&mut self, task: &Task) -> (u64, crate::call::TaskResult) {
        let refuses = self.faults.contains(&Fault::FailRest);
        let rest = self
            .faults
            .iter()
            .find_map(|fault| match fault {
                Fault::SlowRest(later) => Some(*later),
                _ => None,
            })
            .unwrap_or(REST);
        let over = self.phone.leg.is_over();
        match &task.kind {
            TaskKind::RedirectCall { .. }
            | TaskKind::HangUpCall
            | TaskKind::AskStatus
            | TaskKind::SendMessage { .. }
                if refuses =>
            {
                (rest, Err(REFUSED.to_owned()))
            }
            TaskKind::RedirectCall { .. } | TaskKind::HangUpCall => {
                let output = if over {
                    TaskOutput::CallGone
                } else {
                    TaskOutput::Accepted
                };
                (rest, Ok(output))
            }
            TaskKind::AskStatus => {
                let status = if over {
                    CarrierStatus::Completed
                } else {
                    CarrierStatus::InProgress
                };
                let seconds = over.then(|| {
                    let end = self.over.unwrap_or(self.phone.now);
                    u32::try_from(end.since(self.began).div_ceil(1000)).unwrap_or(u32::MAX)
                });
                (rest, Ok(TaskOutput::Status { status, seconds }))
            }
            TaskKind::Transcribe { .. } if self.faults.contains(&Fault::NoRecording) => {
                (30_000, Err("the recording is not there".to_owned()))
            }
            kind => {
                let (name, step) = self.owner(&task.key);
                if let TaskKind::Http { method, url, body, .. } = kind {
                    self.requests.push(Request {
                        at: self.phone.now,
                        name: name.clone(),
                        method: method.clone(),
                        url: url.clone(),
                        body: body.clone().unwrap_or_default(),
                    });
                }
                let fate = self.services.fate(kind, &name, step, &self.recorded);
                let after = match kind {
                    TaskKind::SendMessage { .. } => fate.after.max(rest),
                    _ => fate.after,
                };
                (after, fate.result)
            }
        }
    }

    /// The step, action or follow-up whose task this is.
    pub(super) fn owner(&self, key: &TaskKey) -> (String, Option<&'a dyn StepKind>) {
        let flow = self.ground.flow;
        if let Some(wish) = self.phone.call.wishes.get(key) {
            let kind = flow.agents.get(&wish.agent).and_then(|agent| match &agent.talker {
                Talker::Providers(providers) => providers
                    .actions
                    .iter()
                    .find(|action| action.name == wish.action)
                    .and_then(|action| action.work.as_deref()),
                Talker::Scripted(_) => None,
            });
            return (wish.action.clone(), kind);
        }
        match &self.phone.call.phase {
            Phase::Live(live) => {
                let step = flow.step(live.step);
                (step.name.clone(), Some(&*step.kind))
            }
            Phase::Ended { follow_up, .. } => match follow_up {
                crate::call::FollowUp::Waiting { item, .. } => match flow.after_call.get(*item) {
                    Some(item) => (item.name.clone(), Some(&*item.kind)),
                    None => (String::new(), None),
                },
                crate::call::FollowUp::Done => (String::new(), None),
            },
        }
    }

    pub(super) fn task_ends(&mut self, now: u64) {
        let due = self
            .fates
            .iter()
            .filter(|(_, (at, _))| *at <= now)
            .min_by(|(one, (at, _)), (other, (later, _))| (at, one).cmp(&(later, other)))
            .map(|(key, _)| key.clone());
        let Some((key, (_, result))) = due.and_then(|key| self.fates.remove_entry(&key)) else {
            return;
        };
        let Some(task) = self.phone.tasks.iter().position(|task| task.key == key) else {
            return;
        };
        if let (
            Some(TaskKind::SendMessage {
                channel,
                to,
                template,
                body,
                ..
            }),
            Ok(_),
        ) = (self.phone.tasks.get(task).map(|task| &task.kind), &result)
        {
            self.messages.push(Message {
                at: self.phone.now,
                channel: channel.clone(),
                to: to.reveal().clone(),
                template: template.clone(),
                body: body.clone(),
            });
        }
        let mut result = result;
        if self.phone.leg.is_over() && result == Ok(TaskOutput::Accepted) {
            result = Ok(TaskOutput::CallGone);
        }
        let timing = crate::phone::Timing::Early;
        self.make(&Move::TaskEnds { task, result, timing });
    }
}
