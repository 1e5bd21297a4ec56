//! A call comes in.

use super::effect::{Answer, Effect, Row};
use super::event::Arrival;
use super::flow::Flow;
use super::ids::{CallId, StepId, Ticket, Time, Timer};
use super::machine::Machine;
use super::pii::Pii;
use super::state::{Call, CarrierStatus, EndReason, Facts, FollowUp, Phase};
use super::walk::From;
use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet, VecDeque};

impl Call {
    /// The state before the first step. The phase is a placeholder that the first walk replaces.
    pub(super) fn arriving(flow: &Flow, now: Time, arrival: &Arrival) -> Self {
        let field = |key: &str| arrival.params.text(key).map(str::to_owned);
        let contact = match &arrival.contact {
            Some(Value::Object(fields)) => fields.clone(),
            _ => Map::new(),
        };
        Self {
            facts: Facts {
                id: CallId(field("CallSid").unwrap_or_default()),
                flow: flow.name.clone(),
                hash: flow.hash.clone(),
                from: Pii::new(field("From").unwrap_or_default()),
                to: field("To").unwrap_or_default(),
                direction: field("Direction").unwrap_or_else(|| "inbound".to_owned()),
                country: field("FromCountry"),
                city: field("FromCity"),
                caller_name: field("CallerName").map(Pii::new),
                started: now,
                origin: arrival.origin.clone(),
                seed: arrival.seed.clone(),
            },
            vars: Map::new(),
            contact,
            result: Value::Null,
            uses: BTreeMap::new(),
            answers: VecDeque::new(),
            frames: Vec::new(),
            status: CarrierStatus::Ringing,
            status_sequence: None,
            timers: BTreeMap::new(),
            tasks: 0,
            wishes: BTreeMap::new(),
            redirect: None,
            watchdog: None,
            recordings: BTreeSet::new(),
            record_wish: None,
            seconds: None,
            turns: 0,
            troubles: 0,
            phase: Phase::Ended {
                at: now,
                reason: EndReason::Lost,
                follow_up: FollowUp::Done,
            },
            probe: None,
        }
    }
}

impl Machine<'_> {
    pub(super) fn arrive(&mut self, arrival: &Arrival) {
        self.effect(Effect::SetTimer(Timer::Limit, self.now.plus(self.flow.limits.call)));
        self.effect(Effect::Write(Row::CallLog {
            status: Some(self.call.status.word().to_owned()),
            ended: None,
            seconds: None,
            end_reason: None,
            watchdog: None,
            step: None,
        }));
        let section = &self.flow.sections[0];
        let start = match section.otherwise {
            // A stopping engine starts no conversation; the caller gets the fallback instead.
            Some(fallback) if arrival.draining => fallback,
            _ => section.start,
        };
        self.arrive_at(start);
    }

    pub(super) fn arrive_at(&mut self, step: StepId) {
        let document = self.walk(From::Enter(step));
        self.answer(Ticket::FIRST, Answer::Document(document));
    }

    /// The carrier repeats the first request: it gets the first document.
    pub(super) fn arrived_again(&mut self) {
        match self.call.answered(Ticket::FIRST).cloned() {
            Some(answer) => self.effect(Effect::Answer(answer)),
            None => self.answer_where_it_stands(),
        }
    }
}
