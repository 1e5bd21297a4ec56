//! From a scenario file to scenarios: its cases are laid out, and what cannot be played is a finding.

use super::form::{Case, Expect, ScenarioForm};
use super::player::PAYMENTS;
use crate::flow::yaml::{Entry, Node, Value as Yaml};
use crate::flow::{Finding, Findings, FromYaml, Located, Place, Reader, Source, parse};
use crate::phone::script::{Script, Step};
use std::sync::Arc;

/// One call to be placed, and what must come of it.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What it shows.
    pub name: String,
    /// The case's name, where it is one of several.
    pub case: Option<String>,
    /// Where it stands.
    pub place: Place,
    /// What the caller does.
    pub caller: Vec<Step>,
    /// All else, as it is written.
    pub form: ScenarioForm,
}

impl Scenario {
    /// Whether the call comes by SIP, as the caller's address says: a carrier hands over no other.
    pub fn is_sip(&self) -> bool {
        let from = self.form.from.as_deref().unwrap_or_default();
        from.starts_with("sip:") || from.starts_with("sips:")
    }

    /// Its name with the case's.
    pub fn title(&self) -> String {
        match &self.case {
            Some(case) => format!("{}: {case}", self.name),
            None => self.name.clone(),
        }
    }
}

/// A scenario file as far as it could be read.
#[derive(Debug)]
pub struct ScenarioFile {
    /// Its text.
    pub source: Arc<Source>,
    /// What is in it; nothing where a finding is an error.
    pub scenarios: Vec<Scenario>,
    /// Everything that is wrong with it.
    pub findings: Findings,
}

/// Reads a scenario file's text.
pub fn read(name: &str, text: &str) -> ScenarioFile {
    let source = Source::new(name, text);
    let mut findings = Findings::default();
    let document = parse(&source, &mut findings);
    let mut scenarios = Vec::new();
    if let Some(root) = document.root.as_ref().filter(|root| is_flow(root)) {
        let mut cx = Reader::new(&document);
        cx.report(
            Finding::error("missing-key", cx.place(root.span), "this is a flow, not a scenario")
                .label("has steps, and no `scenario`")
                .help("name a scenario, such as one under `scenarios/`; flows are checked by `engine validate`"),
        );
        findings.extend(cx.into_findings());
    } else if let Some(root) = &document.root {
        let mut cx = Reader::new(&document);
        if let Some(form) = ScenarioForm::from_yaml(root, &mut cx) {
            if form.cases.is_empty() {
                scenarios.extend(laid_out(form, None, &mut cx));
            } else {
                for Case(node) in &form.cases {
                    scenarios.extend(case(root, node, &mut cx));
                }
                only_once(&scenarios, &mut cx);
            }
        }
        findings.extend(cx.into_findings());
    } else if findings.is_empty() {
        findings.push(
            Finding::error("missing-key", Place::start_of(&source), "the file is empty")
                .help("a scenario needs at least `scenario` and `flow`"),
        );
    }
    let findings = each_once(findings);
    if findings.has_errors() {
        scenarios.clear();
    }
    ScenarioFile {
        source,
        scenarios,
        findings,
    }
}

/// Whether somebody gave a flow's file, of which every key would be unknown.
fn is_flow(root: &Node) -> bool {
    root.key("steps").is_some() && root.key("scenario").is_none()
}

/// What all cases share is read with each of them, and said once.
fn each_once(findings: Findings) -> Findings {
    let mut kept: Vec<Finding> = Vec::new();
    for finding in findings.into_vec() {
        if !kept
            .iter()
            .any(|one| one.place == finding.place && one.message == finding.message)
        {
            kept.push(finding);
        }
    }
    let mut all = Findings::default();
    all.extend(kept);
    all
}

/// One case: the file's own keys, with those of the case in their place. What is expected is put together key by key.
fn case(root: &Node, node: &Node, cx: &mut Reader) -> Option<Scenario> {
    let own = node.as_map()?;
    let Some(name) = node.key("name").and_then(|name| name.scalar()) else {
        let finding = Finding::error("missing-key", cx.place(node.span), "a case needs the key `name`");
        cx.report(finding.label("`name` is missing").help("add `name: what differs`"));
        return None;
    };
    for unwanted in ["cases", "scenario"] {
        if let Some(entry) = node.entry(unwanted) {
            let message = format!("a case has no key `{unwanted}`");
            cx.report(Finding::error("unknown-key", cx.place(entry.key.span), message).label("not known here"));
            return None;
        }
    }
    let mut entries: Vec<Entry> = root
        .as_map()?
        .iter()
        .filter(|entry| entry.key.text != "cases")
        .cloned()
        .collect();
    for entry in own.iter().filter(|entry| entry.key.text != "name") {
        match entries.iter_mut().find(|known| known.key.text == entry.key.text) {
            Some(known) if ["expect", "warn"].contains(&entry.key.text.as_str()) => {
                known.value = put_together(&known.value, &entry.value);
            }
            Some(known) => *known = entry.clone(),
            None => entries.push(entry.clone()),
        }
    }
    let merged = Node {
        span: root.span,
        value: Yaml::Map(entries),
    };
    let form = ScenarioForm::from_yaml(&merged, cx)?;
    let place = cx.place(node.span);
    laid_out(form, Some((name.text.clone(), place)), cx)
}

fn put_together(base: &Node, own: &Node) -> Node {
    let (Some(base_entries), Some(own_entries)) = (base.as_map(), own.as_map()) else {
        return own.clone();
    };
    let mut entries = base_entries.to_vec();
    for entry in own_entries {
        match entries.iter_mut().find(|known| known.key.text == entry.key.text) {
            Some(known) => *known = entry.clone(),
            None => entries.push(entry.clone()),
        }
    }
    Node {
        span: own.span,
        value: Yaml::Map(entries),
    }
}

fn laid_out(form: ScenarioForm, case: Option<(String, Place)>, cx: &mut Reader) -> Option<Scenario> {
    let mut caller = Vec::new();
    for text in &form.caller.0 {
        match text.value.parse::<Script>() {
            Ok(script) => caller.extend(script.steps),
            Err(error) => {
                cx.report(
                    Finding::error("wrong-type", text.place.clone(), error.to_string()).label("cannot be played"),
                );
            }
        }
    }
    words(&form, cx);
    let place = case.as_ref().map_or(&form.scenario.place, |(_, place)| place).clone();
    Some(Scenario {
        name: form.scenario.value.clone(),
        case: case.map(|(name, _)| name),
        place,
        caller,
        form,
    })
}

/// Words that must be one of a few.
fn words(form: &ScenarioForm, cx: &mut Reader) {
    const DIALS: [&str; 5] = ["answer", "busy", "no-answer", "failed", "canceled"];
    const QUEUES: [&str; 4] = ["bridged", "leave", "queue-full", "error"];
    for dial in &form.dials {
        one_of(dial, "dials", &DIALS, cx);
    }
    for (name, word, known) in [
        ("queue", &form.queue, &QUEUES[..]),
        ("payment", &form.payment, &PAYMENTS[..]),
        ("refer", &form.refer, &["taken", "refused"][..]),
    ] {
        if let Some(word) = word {
            one_of(word, name, known, cx);
        }
    }
    for (stage, word) in &form.providers {
        one_of(stage, "providers", &["listen", "think", "speak"], cx);
        one_of(word, &stage.value, &["fails"], cx);
    }
    for expect in [&form.expect, &form.warn] {
        if let Some(reason) = &expect.ends {
            one_of(reason, "ends", &ENDS, cx);
        }
        verbs(expect, cx);
    }
    if let Some(at) = &form.at
        && super::moment::read(&at.value).is_none()
    {
        let message = format!("`{}` is no moment", at.value);
        cx.report(
            Finding::error("wrong-type", at.place.clone(), message)
                .label("not a date and time")
                .help("for example `at: 2026-11-22 10:30 Asia/Jerusalem`"),
        );
    }
}

/// How calls end.
const ENDS: [&str; 7] = [
    "hung_up",
    "rejected",
    "caller_left",
    "too_long",
    "handed_over",
    "failed",
    "lost",
];

fn verbs(expect: &Expect, cx: &mut Reader) {
    for verb in expect.twiml.iter().flat_map(|(_, verbs)| verbs) {
        if verb.value.name.is_empty() || !verb.value.name.starts_with(|c: char| c.is_ascii_uppercase()) {
            let message = format!("`{}` is no verb of TwiML", verb.value.name);
            cx.report(
                Finding::error("unknown-value", verb.place.clone(), message)
                    .help("verbs begin with a capital: `Play`, `Gather`, `Record` …"),
            );
        }
    }
}

fn one_of(word: &Located<String>, subject: &str, known: &[&'static str], cx: &mut Reader) {
    if known.contains(&word.value.as_str()) {
        return;
    }
    let nearest = crate::flow::nearest(&word.value, known.iter().copied());
    let message = format!("`{subject}` cannot be `{}`", word.value);
    cx.report(
        Finding::error("unknown-value", word.place.clone(), message)
            .label("not one of the words allowed here")
            .nearest_word(&word.value, nearest)
            .help(format!("allowed here: {}", known.join(", "))),
    );
}

fn only_once(scenarios: &[Scenario], cx: &mut Reader) {
    for (index, scenario) in scenarios.iter().enumerate() {
        if scenarios[..index].iter().any(|other| other.case == scenario.case) {
            let name = scenario.case.as_deref().unwrap_or_default();
            let message = format!("two cases are called `{name}`");
            cx.report(Finding::error("duplicate-key", scenario.place.clone(), message).label("the second"));
        }
    }
}
