//! What is known of a flow's data without a caller: which variables the flow itself determines, how far numbers are told
//! apart, and stand-ins for what only a real call brings.

use super::alive::Alive;
use crate::call::{Arrival, Flow, Params, Step, StepKind, TaskKind, TaskOutput, Touches};
use crate::flow::Use;
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Numbers beyond the largest that a flow mentions are all alike; this many more are told apart.
const MARGIN: i64 = 1;
/// The largest number that a counter is followed to: where a flow compares with larger ones, nothing is proven of it.
const LARGEST: i64 = 10_000;
/// Where a flow counts further, nothing is proven, and so many are followed to find what can be found.
const SOME: i64 = 50;

/// A flow's data, abstracted.
#[derive(Debug)]
pub(super) struct Abstraction {
    /// Variables that only `set` steps determine, from constants and from one another.
    pub certain: Arc<BTreeSet<String>>,
    /// From here on numbers are alike.
    pub cap: i64,
    /// Whether no number that decides anything lies beyond it.
    pub exact: bool,
    /// Which variables can still matter.
    pub alive: Alive,
    /// Whether something takes all that is known of the caller at once.
    whole_contact: bool,
    /// Variables from outside whose texts the flow takes for numbers or measures, so that not every text does; `step` for
    /// results.
    pub reckoned: BTreeSet<String>,
    /// The fields that the flow reads of a value from outside, by the variable that holds it; `step` for results.
    fields: BTreeMap<String, Vec<Vec<String>>>,
}

impl Abstraction {
    pub(super) fn of(flow: &Flow) -> Self {
        let mut fields: BTreeMap<String, Vec<Vec<String>>> = BTreeMap::new();
        let certain = certain(flow);
        let mut numbers = Numbers::default();
        let mut reckoned = BTreeSet::new();
        for (name, touches) in touched(flow) {
            for template in &touches.templates {
                template.uses().iter().for_each(|one| note(one, &mut fields));
                reckon(template.uses(), template.text(), &mut reckoned);
            }
            for condition in &touches.conditions {
                condition.uses().iter().for_each(|one| note(one, &mut fields));
                reckon(condition.uses(), condition.text(), &mut reckoned);
                numbers.decide(condition.uses(), condition.text(), &certain);
            }
            let set = touches.sets.iter().zip(&touches.templates);
            for (_, template) in set.filter(|(set, _)| name == "set" && certain.contains(*set)) {
                numbers.decide(template.uses(), template.text(), &certain);
                numbers.largest = numbers.largest.max(largest(template.text()));
            }
        }
        Self {
            certain: Arc::new(certain),
            cap: numbers.cap(),
            exact: numbers.largest <= LARGEST,
            alive: Alive::of(flow),
            whole_contact: fields
                .get("contact")
                .is_some_and(|paths| paths.iter().any(Vec::is_empty)),
            reckoned,
            fields,
        }
    }

    /// What a task brings, with all fields that the flow reads of it.
    pub(super) fn completed(&self, output: &TaskOutput, into: &[String]) -> TaskOutput {
        let TaskOutput::Http { status, body } = output else {
            return output.clone();
        };
        let mut body = body.clone();
        // Where a step declares what it returns, nothing else is there for sure.
        if body.as_object().is_some_and(|fields| !fields.is_empty()) {
            return output.clone();
        }
        let of_variables = into.iter().filter_map(|name| self.fields.get(name));
        for path in of_variables.flatten() {
            fill(&mut body, path);
        }
        for path in self.fields.get("step").into_iter().flatten() {
            if let Some(("body", rest)) = path.split_first().map(|(first, rest)| (first.as_str(), rest)) {
                fill(&mut body, rest);
            }
        }
        TaskOutput::Http { status: *status, body }
    }

    /// Whether anything in the flow reads this field of the contact.
    pub(super) fn reads_contact(&self, name: &str) -> bool {
        let read = self.fields.get("contact");
        self.whole_contact
            || read.is_some_and(|paths| paths.iter().any(|path| path.first().is_some_and(|first| first == name)))
    }

    /// Who can ring: a caller whom nobody knows, one who withholds the number, one of whom everything is known that the flow
    /// asks for, and those of whom one thing is not.
    pub(super) fn arrivals(&self, origin: &str) -> Vec<Arrival> {
        let arrival = |from: &str, contact| Arrival {
            params: params(from),
            origin: origin.to_owned(),
            seed: "00112233445566778899aabbccddeeff".to_owned(),
            contact,
            draining: false,
        };
        // While the engine is about to stop, a call begins at the fallback.
        let draining = Arrival {
            draining: true,
            ..arrival(CALLER, None)
        };
        let mut arrivals = vec![arrival(CALLER, None), arrival("", None), draining];
        let Some(paths) = self.fields.get("contact") else {
            return arrivals;
        };
        let known = |without: Option<&Vec<String>>| {
            let mut contact = json!({});
            for path in paths.iter().filter(|path| Some(*path) != without) {
                fill(&mut contact, path);
            }
            arrival(CALLER, Some(contact))
        };
        arrivals.push(known(None));
        if paths.len() > 1 {
            let named = paths.iter().filter(|path| !path.is_empty());
            arrivals.extend(named.take(FIELDS).map(|path| known(Some(path))));
        }
        arrivals
    }
}

/// Somebody's number.
const CALLER: &str = "+15005550006";
/// Of so many fields of a contact each is tried as the one that is missing.
const FIELDS: usize = 6;

fn params(from: &str) -> Params {
    let fields = [
        ("CallSid", "CA0123456789abcdef0123456789abcdef"),
        ("From", from),
        ("To", "+15005550009"),
        ("CallStatus", "ringing"),
        ("Direction", "inbound"),
    ];
    fields.into_iter().collect()
}

/// How far numbers are told apart that the flow itself determines.
#[derive(Debug, Default)]
struct Numbers {
    /// The largest that decides anything.
    largest: i64,
    /// Whether something is reckoned with them besides counting up and comparing with a constant: then each counts.
    reckoned: bool,
}

impl Numbers {
    fn decide(&mut self, uses: &[Use], text: &str, certain: &BTreeSet<String>) {
        let mut of: BTreeSet<&str> = BTreeSet::new();
        for one in uses {
            if let [top, name, ..] = one.path.as_slice()
                && top == "vars"
                && certain.contains(name)
            {
                of.insert(name);
            }
        }
        if of.is_empty() {
            return;
        }
        self.largest = self.largest.max(largest(text));
        // Two counters know no bound, and neither does what comes back from beyond one.
        self.reckoned |= of.len() > 1 || !counts_up(text);
    }

    fn cap(&self) -> i64 {
        if self.largest > LARGEST {
            SOME
        } else if self.reckoned {
            LARGEST
        } else {
            self.largest + MARGIN
        }
    }
}

/// Whether a text does nothing with numbers but add and compare, so that all beyond the largest it names are alike.
fn counts_up(text: &str) -> bool {
    const WORDS: [&str; 7] = ["and", "or", "not", "default", "true", "false", "none"];
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' => match rest[1..].find(first) {
                Some(end) => end + 2,
                None => return false,
            },
            c if c.is_ascii_digit() => rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len()),
            c if c.is_alphabetic() || c == '_' => {
                let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '.'));
                let word = &rest[..end.unwrap_or(rest.len())];
                if !word.contains('.') && !WORDS.contains(&word) {
                    return false;
                }
                word.len()
            }
            ' ' | '(' | ')' | '{' | '}' | '+' | '<' | '>' | '=' | '!' => 1,
            '|' if rest[1..].trim_start().starts_with("default") => 1,
            _ => return false,
        };
        rest = &rest[length..];
    }
    true
}

/// Everything that steps, follow-ups and agents' actions refer to, by the kind that does.
fn touched(flow: &Flow) -> Vec<(&str, Touches<'_>)> {
    let mut touched: Vec<(&str, Touches<'_>)> = kinds(flow).map(|kind| (kind.name(), kind.touches())).collect();
    let whens = flow
        .steps
        .iter()
        .filter_map(|step| step.when.as_ref().map(|(when, _)| when));
    let after = flow.after_call.iter().filter_map(|item| item.when.as_ref());
    let conditions = Touches {
        conditions: whens.chain(after).collect(),
        ..Touches::default()
    };
    touched.push(("when", conditions));
    touched
}

fn kinds(flow: &Flow) -> impl Iterator<Item = &dyn StepKind> {
    let steps = flow.steps.iter().map(|step: &Step| &*step.kind);
    let after = flow.after_call.iter().map(|item| &*item.kind);
    let actions = flow.agents.values().filter_map(|agent| agent.providers());
    let works = actions.flat_map(|providers| providers.actions.iter().filter_map(|action| action.work.as_deref()));
    steps.chain(after).chain(works)
}

/// Variables that nothing but `set` determines, and that from constants or one another.
fn certain(flow: &Flow) -> BTreeSet<String> {
    let mut outside: BTreeSet<String> = BTreeSet::new();
    let mut inside: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for kind in kinds(flow) {
        let touches = kind.touches();
        outside.extend(touches.gives);
        if kind.name() != "set" {
            outside.extend(touches.sets);
            continue;
        }
        for (name, template) in touches.sets.iter().zip(&touches.templates) {
            let needs = inside.entry(name.clone()).or_default();
            for one in template.uses() {
                match one.path.as_slice() {
                    [top, variable, ..] if top == "vars" => {
                        needs.insert(variable.clone());
                    }
                    _ => {
                        outside.insert(name.clone());
                    }
                }
            }
        }
    }
    for agent in flow.agents.values().filter_map(|agent| agent.providers()) {
        outside.extend(agent.actions.iter().map(|action| action.keeps.clone()));
    }
    let mut certain: BTreeSet<String> = inside.keys().filter(|name| !outside.contains(*name)).cloned().collect();
    loop {
        let before = certain.len();
        let known = certain.clone();
        certain.retain(|name| {
            inside
                .get(name)
                .is_some_and(|needs| needs.iter().all(|need| known.contains(need)))
        });
        if certain.len() == before {
            return certain;
        }
    }
}

/// The largest whole number that a text mentions.
fn largest(text: &str) -> i64 {
    let numbers = text
        .split(|c: char| !c.is_ascii_digit())
        .filter(|part| !part.is_empty());
    numbers.filter_map(|number| number.parse().ok()).max().unwrap_or(0)
}

/// What a text that reckons reads. Prose that looks like it costs states, no more.
fn reckon(uses: &[Use], text: &str, reckoned: &mut BTreeSet<String>) {
    let signs = ["int", "float", "length", "+", "-", "*", "/", "%", "<", ">", "["];
    if signs.iter().any(|sign| text.contains(sign)) {
        reckoned.extend(uses.iter().filter_map(|one| match one.path.as_slice() {
            [top, name, ..] if top == "vars" => Some(name.clone()),
            [top, ..] if top == "step" => Some(top.clone()),
            _ => None,
        }));
    }
}

fn note(one: &Use, fields: &mut BTreeMap<String, Vec<Vec<String>>>) {
    let (holder, rest) = match one.path.as_slice() {
        [top, name, rest @ ..] if top == "vars" => (name, rest),
        [top, rest @ ..] if top == "step" || top == "contact" => (top, rest),
        _ => return,
    };
    let paths = fields.entry(holder.clone()).or_default();
    if !paths.iter().any(|known| known == rest) {
        paths.push(rest.to_vec());
    }
}

/// Puts a stand-in where the path leads, unless something is there.
fn fill(value: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else {
        return;
    };
    if !value.is_object() {
        // A type that was declared stays what it is.
        if !(value.is_null() || value == &json!("x")) {
            return;
        }
        *value = json!({});
    }
    let Some(map) = value.as_object_mut() else { return };
    let entry = map.entry(first.clone()).or_insert_with(|| json!("x"));
    if !rest.is_empty() {
        fill(entry, rest);
    }
}

/// An object that a JSON Schema describes.
pub(super) fn example(schema: &Value) -> Value {
    if let Some(first) = schema.get("enum").and_then(|words| words.get(0)) {
        return first.clone();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("object") | None => {
            let mut object = Map::new();
            for (name, field) in schema
                .get("properties")
                .and_then(Value::as_object)
                .into_iter()
                .flatten()
            {
                object.insert(name.clone(), example(field));
            }
            Value::Object(object)
        }
        Some("integer" | "number") => json!(1),
        Some("boolean") => json!(true),
        Some("array") => json!([example(schema.get("items").unwrap_or(&json!({"type": "string"})))]),
        Some(_) => json!("x"),
    }
}

/// What a task brings that succeeds, where its step says nothing more exact.
pub(super) fn success(kind: &TaskKind) -> TaskOutput {
    match kind {
        TaskKind::SendMessage { .. } => TaskOutput::Sent { sid: "SM1".to_owned() },
        TaskKind::Transcribe { .. } => TaskOutput::Transcript { text: "x".to_owned() },
        TaskKind::Http { .. } => TaskOutput::Http {
            status: 200,
            body: json!({}),
        },
        TaskKind::AskStatus => TaskOutput::Status {
            status: crate::call::CarrierStatus::InProgress,
            seconds: None,
        },
        TaskKind::RedirectCall { .. } | TaskKind::HangUpCall => TaskOutput::Accepted,
    }
}

#[cfg(test)]
mod tests;
