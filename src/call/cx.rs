//! What a step sees of its call and what it may do: add verbs, set results, order tasks, ask for a way back.

use super::effect::{Effect, Log, Row, Task, TaskKind};
use super::flow::Flow;
use super::ids::{Route, TaskKey, Ticket, Time};
use super::kind::{Next, StepError};
use super::state::{Call, EndReason, Facts, RecordWish, Wait, WaitOn};
use crate::flow::{Condition, Template};
use crate::twiml::Verb;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// How long a sound is taken to be whose length nobody knows, in milliseconds.
const UNKNOWN_SOUND_MS: u64 = 10_000;
/// Speech is about this many milliseconds a character: 14 characters a second.
const SPEECH_MS_PER_CHAR: u64 = 72;
/// How long the carrier pauses before it asks again for a step that waits for our own task, in seconds.
const HOLD_SECONDS: u64 = 1;
/// The same in milliseconds.
const HOLD_MS: u64 = HOLD_SECONDS * 1000;

/// A document that is being written.
#[derive(Debug, Default)]
pub(super) struct Draft {
    pub verbs: Vec<Verb>,
    /// How long the verbs take before the next one begins, in milliseconds.
    pub lead: u64,
}

/// A step's view of its call.
#[derive(Debug)]
pub struct Cx<'a> {
    pub(super) call: &'a mut Call,
    pub(super) flow: &'a Flow,
    pub(super) now: Time,
    pub(super) effects: &'a mut Vec<Effect>,
    pub(super) draft: &'a mut Draft,
    pub(super) attempt: u32,
}

impl Cx<'_> {
    /// Adds a verb to the document; `millis` is how long it takes before the next one begins.
    pub fn verb(&mut self, verb: Verb, millis: u64) {
        self.draft.verbs.push(verb);
        self.draft.lead = self.draft.lead.saturating_add(millis);
    }

    /// A ticket for the next time that the carrier is awaited through `route`.
    pub fn ticket(&mut self, route: Route) -> Ticket {
        let n = self.call.uses.entry(route).or_insert(0);
        *n += 1;
        Ticket { route, n: *n }
    }

    /// The wait for the verb that carries this ticket; `millis` is how long that verb can take.
    pub fn wait(&self, ticket: Ticket, millis: u64, on: WaitOn) -> Next {
        Next::Wait(Wait {
            ticket,
            attempt: self.attempt,
            patience: self.draft.lead.saturating_add(millis),
            on,
        })
    }

    /// Orders a task and lets the carrier ask every second until it is done, or has taken `millis`, or the caller has
    /// heard nothing for as long as the flow allows: then the task counts as failed, though it may still be done.
    pub fn wait_for(&mut self, kind: TaskKind, millis: u64) -> Next {
        let key = self.perform(kind);
        let ticket = self.ticket(Route::Next);
        // The request that finds it over comes up to one pause later.
        let silence = self.flow.limits.silence.saturating_sub(HOLD_MS);
        let longest = millis.saturating_add(HOLD_MS).min(silence);
        let give_up = self.now.plus(self.draft.lead.saturating_add(longest));
        self.hold(ticket);
        let on = WaitOn::Task {
            key,
            give_up,
            result: None,
        };
        self.wait(ticket, longest, on)
    }

    /// Lets the carrier pause and ask again with the same ticket.
    pub(super) fn hold(&mut self, ticket: Ticket) {
        self.verb(Verb::new("pause").with("seconds", HOLD_SECONDS), HOLD_MS);
        self.verb(
            Verb::new("redirect")
                .with("route", ticket.route.path())
                .with("n", ticket.n),
            0,
        );
    }

    /// Orders a task under a new key.
    pub fn perform(&mut self, kind: TaskKind) -> TaskKey {
        self.call.tasks += 1;
        let key = TaskKey(format!("{}/{}/{}", self.call.facts.id, kind.name(), self.call.tasks));
        self.effects.push(Effect::Perform(Task {
            key: key.clone(),
            due: self.now,
            kind,
        }));
        key
    }

    /// Writes to a table that people read.
    pub fn write(&mut self, row: Row) {
        self.effects.push(Effect::Write(row));
    }

    /// A key for a row of this call that is written once.
    pub fn row_key(&mut self, what: &str) -> String {
        self.call.tasks += 1;
        format!("{}/{what}/{}", self.call.facts.id, self.call.tasks)
    }

    /// Logs something that somebody should look at.
    pub fn warn(&mut self, word: &'static str, detail: impl Into<String>) {
        self.effects.push(Effect::Log(Log {
            word,
            detail: detail.into(),
            bad: true,
        }));
    }

    /// The step's result: `step` in later templates and conditions.
    pub fn set_result(&mut self, result: Value) {
        self.call.result = result;
    }

    /// Sets a variable of the flow.
    pub fn set_var(&mut self, name: &str, value: Value) {
        self.call.vars.insert(name.to_owned(), value);
    }

    /// Adds to what is known of the caller.
    pub fn set_contact(&mut self, fields: &Map<String, Value>) {
        for (name, value) in fields {
            self.call.contact.insert(name.clone(), value.clone());
        }
    }

    /// What to do with the recording that comes next.
    pub fn expect_recording(&mut self, wish: RecordWish) {
        self.call.record_wish = Some(wish);
    }

    /// Proves that a media stream belongs to this wait; nobody can guess it who did not see the TwiML.
    pub fn token(&self, ticket: Ticket) -> String {
        let digest = Sha256::digest(format!("{}:{}:{}", self.call.facts.seed, ticket.route.path(), ticket.n));
        digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
    }

    /// Fills in a template with this call's data.
    pub fn text(&self, template: &Template) -> Result<String, StepError> {
        template
            .render(&self.data())
            .map_err(|error| StepError::Eval(error.to_string()))
    }

    /// The template's value: one that is a single `{{ … }}` keeps its type, anything else is text.
    pub fn value(&self, template: &Template) -> Result<Value, StepError> {
        template
            .value(&self.data())
            .map_err(|error| StepError::Eval(error.to_string()))
    }

    /// Judges a condition on this call's data.
    pub fn holds(&mut self, condition: &Condition) -> Result<bool, StepError> {
        let data = self.data();
        let holds = condition
            .holds(&data)
            .map_err(|error| StepError::Eval(error.to_string()))?;
        let probe = self.call.probe.as_mut();
        let decided = probe.and_then(|probe| probe.doubt.as_mut()?.decides(condition, &data));
        Ok(decided.unwrap_or(holds))
    }

    /// The longest silence that the flow allows, in milliseconds.
    pub fn silence(&self) -> u64 {
        self.flow.limits.silence
    }

    /// How long the sound plays, in milliseconds.
    pub fn sound_millis(&self, path: &str) -> u64 {
        self.flow
            .assets
            .get(path)
            .and_then(|asset| asset.millis)
            .unwrap_or(UNKNOWN_SOUND_MS)
    }

    /// About how long the text takes to say, in milliseconds.
    pub fn speech_millis(&self, text: &str) -> u64 {
        u64::try_from(text.chars().count())
            .unwrap_or(u64::MAX)
            .saturating_mul(SPEECH_MS_PER_CHAR)
            .saturating_add(500)
    }

    /// Which attempt of the step this is, from 1.
    pub fn attempt(&self) -> u32 {
        self.attempt
    }

    /// Makes the wait that follows the step's next attempt.
    pub fn try_again(&mut self) {
        self.attempt += 1;
    }

    /// The moment.
    pub fn now(&self) -> Time {
        self.now
    }

    /// How long the document's verbs take so far, in milliseconds.
    pub fn lead(&self) -> u64 {
        self.draft.lead
    }

    /// What does not change in the call.
    pub fn facts(&self) -> &Facts {
        &self.call.facts
    }

    /// The flow's main language.
    pub fn locale(&self) -> &str {
        &self.flow.locale
    }

    /// What templates and conditions see.
    pub fn data(&self) -> Value {
        data(self.call, self.now)
    }
}

/// What templates and conditions see of a call: `call`, `vars`, `contact`, `step` and `now`.
fn data(call: &Call, now: Time) -> Value {
    let facts = &call.facts;
    let ended = match &call.phase {
        super::state::Phase::Ended { at, reason, .. } => Some((*at, *reason)),
        super::state::Phase::Live(_) => None,
    };
    let until = ended.map_or(now, |(at, _)| at);
    let seconds = call.seconds.map_or(until.since(facts.started) / 1000, u64::from);
    let mut contact = call.contact.clone();
    contact
        .entry("phone")
        .or_insert_with(|| Value::from(facts.from.reveal().clone()));
    json!({
        "call": {
            "sid": facts.id.as_str(),
            "flow": facts.flow,
            "from": facts.from.reveal(),
            "to": facts.to,
            "direction": facts.direction,
            "country": facts.country.as_deref().unwrap_or_default(),
            "city": facts.city.as_deref().unwrap_or_default(),
            "caller_name": facts.caller_name.as_ref().map_or("", |name| name.reveal()),
            "status": call.status.word(),
            "started": facts.started.0,
            "seconds": seconds,
            "recordings": call.recordings.len(),
            "watchdog": call.watchdog.map_or("", super::state::Watchdog::word),
            "end_reason": ended.map_or("", |(_, reason)| EndReason::word(reason)),
        },
        "vars": call.vars,
        "contact": contact,
        "step": call.result,
        "now": now.0,
    })
}
