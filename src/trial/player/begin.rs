//! How a call begins: its caller, what goes wrong, and what everybody around it will do.

use super::{Ground, Player, mishap_of};
use crate::call::{Arrival, Params, Probe};
use crate::phone::script::Step;
use crate::phone::{Beginning, Phone};
use crate::trial::brain::Brain;
use crate::trial::faults::{self, Fault};
use crate::trial::hearing::{Actor, Hearing};
use crate::trial::moment;
use crate::trial::recorder::Recorder;
use crate::trial::scenario::Scenario;
use crate::trial::services::Services;
use serde_json::{Map, Value};
use std::collections::HashMap;

/// The caller's number and the one that is called, where nothing is said; as with `engine simulate`.
const FROM: &str = "+972501234567";
const TO: &str = "+97231234567";
/// The carrier's words for the end of a queue and of a payment, the usual one first.
const QUEUES: [&str; 4] = ["bridged", "leave", "queue-full", "error"];
/// How a payment can end, in the carrier's words.
pub const PAYMENTS: [&str; 8] = [
    "success",
    "too-many-failed-attempts",
    "caller-interrupted-with-star",
    "caller-hung-up",
    "payment-connector-error",
    "validation-error",
    "internal-error",
    "input-timed-out",
];

impl<'a> Player<'a> {
    pub(super) fn new(ground: &'a Ground<'a>, scenario: &'a Scenario, recorder: &'a Recorder) -> Self {
        let form = &scenario.form;
        let began = form
            .at
            .as_ref()
            .and_then(|at| moment::read(&at.value))
            .unwrap_or(moment::USUAL);
        let faults: Vec<Fault> = form
            .faults
            .iter()
            .filter_map(|fault| faults::read(&fault.value).ok().flatten())
            .collect();
        let mut timed: Vec<(u64, Fault)> = faults
            .iter()
            .filter_map(|fault| match fault {
                Fault::Restart(after) | Fault::Drain(after) | Fault::StoreFails(after) | Fault::RenderFails(after) => {
                    Some((*after, *fault))
                }
                _ => None,
            })
            .collect();
        timed.sort_by_key(|(after, _)| *after);
        let mut mishap = None;
        timed.retain(|(after, fault)| {
            let first = mishap_of(fault).filter(|_| *after == 0 && mishap.is_none());
            if first.is_some() {
                mishap = first;
            }
            first.is_none()
        });
        let beginning = Beginning {
            tell: true,
            mishap,
            probe: Some(Box::new(Probe::default())),
        };
        let arrival = arrival(scenario, ground.stage.origin());
        let mut phone = Phone::rings_at(ground.flow, &ground.stage, recorder, &arrival, beginning, began);
        phone.loses_status = faults.contains(&Fault::LostStatus);
        phone.delay = faults
            .iter()
            .find_map(|fault| match fault {
                Fault::DelayWebhooks(later) => Some(*later),
                _ => None,
            })
            .unwrap_or(0);
        let mut script = scenario.caller.clone();
        if faults.contains(&Fault::HangupInGreeting) {
            script = vec![
                Step::AwaitSound,
                Step::Wait(std::time::Duration::from_secs(1)),
                Step::HangUp,
            ];
        }
        Self {
            ground,
            recorder,
            began,
            services: Services::new(&form.services),
            brain: Brain::new(&form.model, &form.providers),
            hearing: Hearing::default(),
            actor: Actor::new(&script, began.0),
            session: None,
            mouth: super::input::Mouth::default(),
            taken: None,
            planned: None,
            planned_for: None,
            fates: HashMap::new(),
            dials: form.dials.iter().map(|dial| dial.value.clone()).collect(),
            queue: known(form.queue.as_ref().map(|word| word.value.as_str()), &QUEUES),
            payment: known(form.payment.as_ref().map(|word| word.value.as_str()), &PAYMENTS),
            referred: form.refer.as_ref().is_none_or(|word| word.value == "taken"),
            sip: scenario.is_sip(),
            messages: Vec::new(),
            requests: Vec::new(),
            turns: Vec::new(),
            steps: Vec::new(),
            edges: Vec::new(),
            passed: 0,
            waiting: None,
            recorded: String::new(),
            over: None,
            timed,
            armed: Vec::new(),
            faults,
            phone,
        }
    }
}

fn arrival(scenario: &Scenario, origin: &str) -> Arrival {
    let form = &scenario.form;
    let from = form.from.as_deref().unwrap_or(FROM);
    let to = form.to.as_deref().unwrap_or(TO);
    let contact: Map<String, Value> = form
        .contact
        .iter()
        .map(|(name, value)| (name.value.clone(), value.clone()))
        .collect();
    Arrival {
        params: [
            ("CallSid", "CA00000000000000000000000000000001"),
            ("AccountSid", "AC00000000000000000000000000000001"),
            ("From", from),
            ("To", to),
            ("Direction", "inbound"),
            ("CallStatus", "ringing"),
        ]
        .into_iter()
        .collect::<Params>(),
        origin: origin.to_owned(),
        seed: "0".repeat(32),
        contact: (!contact.is_empty()).then_some(Value::Object(contact)),
        draining: false,
    }
}

/// The word of a list, or its first.
fn known<const N: usize>(word: Option<&str>, words: &[&'static str; N]) -> &'static str {
    words
        .iter()
        .copied()
        .find(|known| Some(*known) == word)
        .unwrap_or(words[0])
}
