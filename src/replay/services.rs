//! What services answered in a stored call, by the names that a scenario has for them.

use super::compare::Alone;
use super::run::Moment;
use super::veil::Veil;
use super::verbs::address;
use crate::call::{Effect, Event, TaskKey, TaskKind, TaskOutput, TaskResult, Time};
use serde_json::Value;
use std::collections::BTreeMap;

/// A service's answer to one call.
#[derive(Clone, Debug, PartialEq)]
pub struct Reply {
    /// Who answered.
    pub service: Service,
    /// The status and the body; none where no answer came.
    pub answer: Option<(u16, Value)>,
    /// After how many milliseconds.
    pub after: u64,
}

/// What a scenario can call a service.
#[derive(Clone, Debug, PartialEq)]
pub enum Service {
    /// The step, action or follow-up that asks it.
    Named(String),
    /// The channel of a message.
    Channel(String),
    /// Its address.
    At(String),
}

impl Service {
    /// The name in a scenario. Of an address only the author's part is shown, and `*` stands for the rest.
    pub(super) fn pattern(&self, veil: &Veil) -> String {
        match self {
            Self::Named(name) | Self::Channel(name) => name.clone(),
            Self::At(url) => address(url, veil).replace("***", "*"),
        }
    }
}

/// Every answer of a service, in order. Messages that were accepted and files that were written down are the usual.
pub(super) fn replies(alone: &Alone) -> Vec<Reply> {
    let mut reader = Reader::default();
    let moments = alone.beats.iter().filter_map(|beat| beat.then.as_ref());
    moments.filter_map(|moment| reader.take(moment)).collect()
}

#[derive(Default)]
struct Reader {
    ordered: BTreeMap<TaskKey, Ordered>,
}

struct Ordered {
    at: Time,
    kind: TaskKind,
    owner: Option<String>,
    /// An action of a conversation, whose further tasks are its own, too.
    is_wish: bool,
}

impl Reader {
    fn take(&mut self, moment: &Moment) -> Option<Reply> {
        let ended = match &moment.event {
            Event::TaskEnded { key, result } => self.ordered.remove(key).map(|ordered| (ordered, result)),
            _ => None,
        };
        let wish = match (&moment.event, &ended) {
            (Event::Wished { action, .. }, _) => Some(action.clone()),
            (_, Some((ordered, _))) if ordered.is_wish => ordered.owner.clone(),
            _ => None,
        };
        let waits = moment.waits.as_ref().filter(|waits| waits.on == "task");
        let owner = wish
            .clone()
            .or_else(|| waits.map(|waits| waits.name.clone()))
            .or_else(|| moment.follows.clone());
        for effect in &moment.effects {
            if let Effect::Perform(task) = effect {
                let ordered = Ordered {
                    at: moment.at.max(task.due),
                    kind: task.kind.clone(),
                    owner: owner.clone(),
                    is_wish: wish.is_some(),
                };
                self.ordered.entry(task.key.clone()).or_insert(ordered);
            }
        }
        let (ordered, result) = ended?;
        let after = moment.at.since(ordered.at);
        reply(ordered, result, after)
    }
}

fn reply(ordered: Ordered, result: &TaskResult, after: u64) -> Option<Reply> {
    let (answer, place) = match (&ordered.kind, result) {
        (TaskKind::Http { url, .. }, Ok(TaskOutput::Http { status, body })) => {
            (Some((*status, body.clone())), Service::At(url.clone()))
        }
        (TaskKind::Http { url, .. }, _) => (None, Service::At(url.clone())),
        (TaskKind::SendMessage { channel, .. }, Err(_)) => (None, Service::Channel(channel.clone())),
        _ => return None,
    };
    Some(Reply {
        service: ordered.owner.map_or(place, Service::Named),
        answer,
        after,
    })
}
