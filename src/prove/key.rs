//! When two states are the same: everything that decides what can happen next, and nothing else.

use super::abstraction::Abstraction;
use super::alive::Names;
use crate::call::{Call, FollowUp, Phase, TaskKind, Ticket, Time, Timer, WaitOn};
use crate::phone::{Act, Doing, Phone, Way};
use serde_json::{Map, Value};
use std::hash::{DefaultHasher, Hash, Hasher};

/// The state's identity, how often something went wrong on the way included.
pub(super) fn key(phone: &Phone<'_>, abstraction: &Abstraction, mishaps: u8) -> u64 {
    let mut hasher = Keyed {
        hasher: DefaultHasher::new(),
        now: phone.now,
        ticket: phone.call.live().map(|live| live.wait.ticket),
    };
    mishaps.hash(&mut hasher.hasher);
    hasher.call(&phone.call, abstraction);
    hasher.leg(phone);
    for task in &phone.tasks {
        task.kind.name().hash(&mut hasher.hasher);
        if let TaskKind::RedirectCall { reason, .. } = &task.kind {
            reason.hash(&mut hasher.hasher);
        }
    }
    (phone.followed(), phone.follow_rows()).hash(&mut hasher.hasher);
    phone.is_disturbed().hash(&mut hasher.hasher);
    hasher.hasher.finish()
}

struct Keyed {
    hasher: DefaultHasher,
    now: Time,
    /// The ticket that the call waits for: others are only told apart from it.
    ticket: Option<Ticket>,
}

impl Keyed {
    fn put(&mut self, value: impl Hash) {
        value.hash(&mut self.hasher);
    }

    /// A moment, as the time until then.
    fn until(&mut self, at: Time) {
        self.put(at.since(self.now));
    }

    fn ticket(&mut self, ticket: Ticket) {
        self.put(ticket.route);
        self.put(self.ticket == Some(ticket));
    }

    fn way(&mut self, way: &Way) {
        match way {
            Way::Ticket(ticket) => self.ticket(*ticket),
            other => self.put(other),
        }
    }

    fn call(&mut self, call: &Call, abstraction: &Abstraction) {
        for (timer, due) in &call.timers {
            self.put(timer.name());
            // The call's own limit can be reached anywhere; the explorer takes that as something that happens.
            if *timer != Timer::Limit {
                self.until(*due);
            }
        }
        let alive = match &call.phase {
            Phase::Live(live) => abstraction.alive.at(live.step),
            Phase::Ended { .. } => abstraction.alive.after(),
        };
        self.vars(&call.vars, alive, abstraction);
        for (name, value) in call.contact.iter().filter(|(name, _)| abstraction.reads_contact(name)) {
            self.put(name);
            self.value(value, None);
        }
        self.own(&call.result, "step", abstraction);
        for frame in &call.frames {
            self.put(frame.step);
            self.vars(&frame.vars, abstraction.alive.at(frame.step), abstraction);
        }
        self.put(call.status.word());
        self.put(call.watchdog.map(|watchdog| watchdog.word()));
        self.put(call.recordings.len().min(1));
        self.put(call.record_wish.as_ref().map(|wish| wish.transcribe));
        self.put(call.seconds.is_some());
        self.put(call.troubles.min(2));
        self.put(call.wishes.len());
        if let Some(redirect) = &call.redirect {
            self.put(redirect.failed);
            self.put(&redirect.reason);
        }
        self.phase(&call.phase);
    }

    fn vars(&mut self, vars: &Map<String, Value>, alive: &Names, abstraction: &Abstraction) {
        for (name, value) in vars.iter().filter(|(name, _)| alive.has(name)) {
            self.put(name);
            if abstraction.certain.contains(name) {
                self.value(value, Some(abstraction.cap));
            } else {
                self.own(value, name, abstraction);
            }
        }
    }

    /// A value from outside; texts that the flow reckons with are told apart by their shape.
    fn own(&mut self, value: &Value, name: &str, abstraction: &Abstraction) {
        self.value(value, None);
        if abstraction.reckoned.contains(name) {
            self.shape(value);
        }
    }

    fn shape(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                self.put(text.chars().all(|c| c.is_ascii_digit()));
                self.put(text.chars().count());
            }
            Value::Object(fields) => fields.values().for_each(|value| self.shape(value)),
            _ => {}
        }
    }

    fn phase(&mut self, phase: &Phase) {
        match phase {
            Phase::Live(live) => {
                self.put(live.step);
                self.put(live.wait.attempt);
                self.put(live.wait.ticket.route);
                match &live.wait.on {
                    WaitOn::Action => self.put(0),
                    WaitOn::Stream(stream) => {
                        self.put(1);
                        self.put(format!("{:?}", std::mem::discriminant(&stream.phase)));
                        if let crate::call::StreamPhase::Decided { outcome } = &stream.phase {
                            self.put(outcome);
                        }
                    }
                    WaitOn::Task { give_up, result, .. } => {
                        self.put(2);
                        self.until(*give_up);
                        self.put(result.as_ref().map(|result| format!("{result:?}")));
                    }
                    WaitOn::Farewell(reason) => {
                        self.put(3);
                        self.put(reason.word());
                    }
                }
            }
            Phase::Ended { reason, follow_up, .. } => {
                self.put(reason.word());
                match follow_up {
                    FollowUp::Waiting { item, .. } => self.put(*item),
                    FollowUp::Done => self.put("done"),
                }
            }
        }
    }

    fn leg(&mut self, phone: &Phone<'_>) {
        let leg = &phone.leg;
        self.put(std::mem::discriminant(leg.doing()));
        self.put(leg.is_answered());
        if leg.is_over() {
            return;
        }
        match leg.doing() {
            Doing::Playing { until }
            | Doing::Pausing { until }
            | Doing::Prompting { until }
            | Doing::Listening { until }
            | Doing::Recording { until }
            | Doing::Dialling { until } => self.until(*until),
            _ => {}
        }
        for act in leg.rest() {
            self.act(act);
        }
    }

    /// An act by everything that decides how long it takes and where it leads.
    fn act(&mut self, act: &Act) {
        self.put(std::mem::discriminant(act));
        match act {
            Act::Sound(sound) => self.put((sound.millis, &sound.quiet)),
            Act::Silence(millis) => self.put(millis),
            Act::Gather(gather) => {
                for prompt in &gather.prompts {
                    self.put((prompt.millis, &prompt.quiet));
                }
                self.put((gather.pauses, gather.timeout, gather.speech_end));
                self.put((gather.keys, gather.speech, gather.always));
                self.put((gather.digits, gather.finish));
                self.way(&gather.back);
            }
            Act::Record(record) => {
                self.put((record.beep, record.quiet, record.longest, &record.finish));
                self.way(&record.back);
            }
            Act::Dial(dial) => {
                self.put((dial.timeout, dial.limit, dial.aside.is_some()));
                self.way(&dial.back);
            }
            Act::Stream(stream) => {
                self.put((stream.relay, stream.token.is_some()));
                self.put(stream.welcome.as_ref().map(|welcome| welcome.millis));
                self.way(&stream.back);
            }
            Act::Enqueue { wait, back } => {
                self.put(wait.is_some());
                self.way(back);
            }
            Act::Pay { back } | Act::Refer { back } | Act::Go(back) => self.way(back),
            Act::HangUp | Act::Reject | Act::Leave => {}
        }
    }

    /// A value the flow determines counts itself; of any other only what kind of thing it is.
    fn value(&mut self, value: &Value, cap: Option<i64>) {
        match (value, cap) {
            (Value::Number(number), Some(cap)) => match number.as_i64() {
                Some(number) => self.put(number.clamp(-cap, cap)),
                None => self.put(number.to_string()),
            },
            (Value::String(text), Some(_)) => self.put(text),
            (Value::String(text), None) => self.put(text.is_empty()),
            (Value::Bool(value), Some(_)) => self.put(*value),
            (Value::Array(values), _) => {
                // Of a list that a call brings only its beginning counts; one that the flow writes counts whole.
                let many = if cap.is_some() {
                    values.len()
                } else {
                    values.len().min(4)
                };
                self.put(many);
                for value in values.iter().take(many) {
                    self.value(value, cap);
                }
            }
            (Value::Object(fields), _) => {
                for (name, value) in fields {
                    self.put(name);
                    self.value(value, cap);
                }
            }
            (other, _) => self.put(std::mem::discriminant(other)),
        }
    }
}
