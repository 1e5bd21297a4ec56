//! A call in the hands of one flow: each event goes through the call machine, and what came of it is kept as a moment.

use super::side::Side;
use super::traced::trail;
use crate::call::{
    Answer, Call, Effect, Event, FollowUp, Phase, StepId, TaskKey, TaskKind, Ticket, Time, Timer, WaitOn,
};
use crate::twiml::{self, Element, Links, Verb};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// What came of one event.
#[derive(Clone, Debug)]
pub struct Moment {
    /// When.
    pub at: Time,
    /// What came.
    pub event: Event,
    /// What the machine wants done, without documents and without marks.
    pub effects: Vec<Effect>,
    /// The documents among it, in order.
    pub documents: Vec<Document>,
    /// The steps that the call came through.
    pub trail: Vec<StepId>,
    /// The step in which the call waits afterwards.
    pub waits: Option<Waits>,
    /// The follow-up that the call waits for afterwards.
    pub follows: Option<String>,
    /// Variables and contact fields that have another value than before.
    pub set: Map<String, Value>,
}

/// Where a call waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// The step.
    pub step: StepId,
    /// Its name.
    pub name: String,
    /// For what: `action`, `stream`, `task` or `farewell`.
    pub on: &'static str,
}

/// A document for the carrier.
#[derive(Clone, Debug)]
pub struct Document {
    /// Why it goes through the REST API; none for an answer to a request.
    pub redirect: Option<String>,
    /// As the machine gave it; none for an empty answer.
    pub verbs: Option<Vec<Verb>>,
    /// As the carrier reads it; none where it cannot be rendered.
    pub element: Option<Element>,
}

/// A call under way.
pub(super) struct Runner<'a> {
    pub side: &'a Side,
    pub call: Option<Call>,
    /// What it has ordered so far.
    pub ordered: BTreeMap<TaskKey, TaskKind>,
    links: Links,
}

impl<'a> Runner<'a> {
    pub fn new(side: &'a Side) -> Self {
        Self {
            side,
            call: None,
            ordered: BTreeMap::new(),
            links: Links::new(""),
        }
    }

    /// Gives the call an event. The first one must be its arrival; whatever comes before that does nothing.
    pub fn feed(&mut self, at: Time, event: &Event) -> Moment {
        let before = self.call.as_ref().map(|call| (call.vars.clone(), call.contact.clone()));
        let mut effects = match (&mut self.call, event) {
            (Some(call), event) => call.handle(&self.side.flow, at, event),
            (None, Event::CallArrived(arrival)) => {
                self.links.origin.clone_from(&arrival.origin);
                let (call, effects) = Call::begin(&self.side.flow, at, arrival);
                self.call = Some(call);
                effects
            }
            (None, _) => Vec::new(),
        };
        let trail = trail(&mut effects);
        for effect in &effects {
            if let Effect::Perform(task) = effect {
                self.ordered
                    .entry(task.key.clone())
                    .or_insert_with(|| task.kind.clone());
            }
        }
        let documents = self.documents(&mut effects);
        Moment {
            at,
            event: event.clone(),
            effects,
            documents,
            trail,
            waits: self.waits(),
            follows: self.follows(),
            set: self.call.as_ref().map(|call| changed(before, call)).unwrap_or_default(),
        }
    }

    /// Where the call waits now.
    pub fn waits(&self) -> Option<Waits> {
        let live = self.call.as_ref()?.live()?;
        Some(Waits {
            step: live.step,
            name: self.side.step_name(live.step).to_owned(),
            on: match live.wait.on {
                WaitOn::Action => "action",
                WaitOn::Stream(_) => "stream",
                WaitOn::Task { .. } => "task",
                WaitOn::Farewell(_) => "farewell",
            },
        })
    }

    /// The follow-up that it waits for.
    fn follows(&self) -> Option<String> {
        match &self.call.as_ref()?.phase {
            Phase::Ended {
                follow_up: FollowUp::Waiting { item, .. },
                ..
            } => Some(self.side.flow.after_call.get(*item)?.name.clone()),
            _ => None,
        }
    }

    /// The ticket of the latest answer, which a document that cannot be rendered belongs to.
    pub fn latest_ticket(&self) -> Ticket {
        let call = self.call.as_ref();
        call.and_then(|call| call.answers.back())
            .map_or(Ticket::FIRST, |(ticket, _)| *ticket)
    }

    /// The earliest timer that is due by then, but for the one that needs to know when the caller was last heard.
    pub fn due(&self, by: Time) -> Option<(Timer, Time)> {
        let timers = &self.call.as_ref()?.timers;
        timers
            .iter()
            .map(|(timer, due)| (*timer, *due))
            .filter(|(timer, due)| *timer != Timer::StreamMedia && *due <= by)
            .min_by_key(|(_, due)| *due)
    }

    pub fn has_ended(&self) -> bool {
        matches!(self.call.as_ref().map(|call| &call.phase), Some(Phase::Ended { .. }))
    }

    /// Takes the documents out of the effects and renders them; the task of a redirect stays, without its document.
    fn documents(&self, effects: &mut Vec<Effect>) -> Vec<Document> {
        let mut documents = Vec::new();
        effects.retain_mut(|effect| match effect {
            Effect::Answer(answer) => {
                let verbs = match answer {
                    Answer::Document(verbs) => Some(std::mem::take(verbs)),
                    Answer::Nothing => None,
                };
                documents.push(self.document(None, verbs));
                false
            }
            Effect::Perform(task) => {
                if let TaskKind::RedirectCall { document, reason, .. } = &mut task.kind {
                    documents.push(self.document(Some(reason.clone()), Some(std::mem::take(document))));
                }
                true
            }
            _ => true,
        });
        documents
    }

    fn document(&self, redirect: Option<String>, verbs: Option<Vec<Verb>>) -> Document {
        let render = |verbs: &Vec<Verb>| {
            let text = self.side.templates.render(verbs, &self.links).ok()?;
            twiml::read(&text).ok()
        };
        Document {
            redirect,
            element: verbs.as_ref().and_then(render),
            verbs,
        }
    }
}

impl Moment {
    /// Whether the answer to a request of the call itself could not be rendered.
    pub(super) fn is_unrenderable(&self) -> bool {
        let answer = self.documents.iter().rev().find(|document| document.redirect.is_none());
        !matches!(self.event, Event::AsideAsked { .. })
            && answer.is_some_and(|answer| answer.verbs.is_some() && answer.element.is_none())
    }

    /// Whether nothing came of the event.
    pub(super) fn is_idle(&self) -> bool {
        self.effects.is_empty() && self.documents.is_empty() && self.set.is_empty()
    }
}

fn changed(before: Option<(Map<String, Value>, Map<String, Value>)>, call: &Call) -> Map<String, Value> {
    let (vars, contact) = before.unwrap_or_else(|| (Map::new(), call.contact.clone()));
    let mut set = Map::new();
    for (prefix, old, new) in [("", &vars, &call.vars), ("contact.", &contact, &call.contact)] {
        for (name, value) in new.iter().filter(|(name, value)| old.get(*name) != Some(value)) {
            set.insert(format!("{prefix}{name}"), value.clone());
        }
    }
    set
}
