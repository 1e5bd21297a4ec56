//! What a flow needs of its surroundings: providers that the project declares, their secrets, the webhooks that the
//! carrier calls; and the variables that it provides to itself.

use super::change::{Change, Class, Sign, Subject};
use super::pair::Pairs;
use super::side::Side;
use super::tree;
use crate::call::ServiceSpec;
use crate::flow::{Findings, Node, Place, Source, parse};
use crate::talk::Stage;
use serde_json::Value as Json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

const STAGES: [Stage; 4] = [Stage::Listen, Stage::Think, Stage::Speak, Stage::Live];

pub(super) fn compare(old: &Side<'_>, new: &Side<'_>, pairs: &Pairs) -> Vec<Change> {
    let (was, is) = (Needs::of(old), Needs::of(new));
    let mut out = Vec::new();
    providers(&was, &is, new, &mut out);
    let named = |id, what: &str, name: &str, sign, place: Option<&Place>| {
        let change = Change::new(id, Class::NewCalls, Subject::Needs, what).sign(sign);
        match sign {
            Sign::Added => change.values(None, Some(name.to_owned())).places(None, place.cloned()),
            _ => change.values(Some(name.to_owned()), None).places(place.cloned(), None),
        }
    };
    for (secret, place) in is
        .secrets
        .iter()
        .filter(|(secret, _)| !was.secrets.contains_key(*secret))
    {
        let caller =
            "set it before this is deployed: without it the conversation fails, and callers come to the fallback";
        out.push(named("secret-added", "secret", secret, Sign::Added, Some(place)).caller(caller));
    }
    for (secret, place) in was
        .secrets
        .iter()
        .filter(|(secret, _)| !is.secrets.contains_key(*secret))
    {
        let change = named("secret-removed", "secret", secret, Sign::Removed, Some(place));
        let caller = "nothing, while it stays set: calls in progress need it until they are over";
        out.push(
            Change {
                class: Class::Compatible,
                ..change
            }
            .caller(caller),
        );
    }
    for (path, place) in is.webhooks.iter().filter(|(path, _)| !was.webhooks.contains_key(*path)) {
        let caller = "the carrier comes here for the first time: what stands before the engine must let it through";
        out.push(named("webhook-added", "webhook", path, Sign::Added, Some(place)).caller(caller));
    }
    for (path, place) in was.webhooks.iter().filter(|(path, _)| !is.webhooks.contains_key(*path)) {
        let change = named("webhook-removed", "webhook", path, Sign::Removed, Some(place));
        let caller = "nothing, while it stays open: calls in progress still come here";
        out.push(
            Change {
                class: Class::Compatible,
                ..change
            }
            .caller(caller),
        );
    }
    variables(old, new, pairs, &mut out);
    out
}

/// What one side needs, each with the first place that asks for it.
struct Needs {
    providers: BTreeMap<(&'static str, String), (Stage, Place)>,
    secrets: BTreeMap<String, Place>,
    webhooks: BTreeMap<&'static str, Place>,
    /// The providers of the project's `engine.yaml`, as written.
    declared: Option<(Arc<Source>, Node)>,
}

impl Needs {
    fn of(side: &Side<'_>) -> Self {
        let mut needs = Self {
            providers: BTreeMap::new(),
            secrets: BTreeMap::new(),
            webhooks: BTreeMap::new(),
            declared: declared(side),
        };
        for agent in side.flow.agents.values() {
            let Some(providers) = agent.providers() else { continue };
            for stage in STAGES {
                if let Some(spec) = providers.spec(stage) {
                    needs.service(side, stage, spec);
                }
            }
        }
        for step in &side.flow.steps {
            for path in webhooks(step.kind.name()) {
                needs.webhooks.entry(path).or_insert_with(|| step.place.clone());
            }
        }
        needs
    }

    fn service(&mut self, side: &Side<'_>, stage: Stage, spec: &ServiceSpec) {
        for name in std::iter::once(&spec.provider).chain(&spec.fallback) {
            let entry = self.declared.as_ref().and_then(|(_, all)| all.key(name));
            let text = |key: &str| Some(entry?.key(key)?.scalar()?.text.clone());
            let own = entry
                .and_then(|entry| entry.key("api_key"))
                .map(|key| match key.key("env") {
                    Some(name) => tree::compact(name),
                    None => tree::compact(key),
                });
            // The key that is usual for a protocol goes to its usual address alone.
            let elsewhere = text("base_url").is_some() || (*name == spec.provider && spec.base_url.is_some());
            let kind = text("kind").unwrap_or_else(|| name.clone());
            let usual = || (side.key_of)(stage, &kind).filter(|_| !elsewhere).map(str::to_owned);
            if let Some(secret) = own.or_else(usual) {
                self.secrets.entry(secret).or_insert_with(|| spec.place.clone());
            }
            let key = (stage.name(), name.clone());
            self.providers.entry(key).or_insert_with(|| (stage, spec.place.clone()));
        }
    }
}

fn declared(side: &Side<'_>) -> Option<(Arc<Source>, Node)> {
    let text = side.files.text("engine.yaml")?;
    let document = parse(&Source::new("engine.yaml", text), &mut Findings::default());
    let providers = document.root?.key("providers").cloned()?;
    Some((document.source, providers))
}

fn providers(was: &Needs, is: &Needs, new: &Side<'_>, out: &mut Vec<Change>) {
    for ((does, name), (stage, place)) in &was.providers {
        let what = format!("{does} by");
        if !new.compiled.providers.of(*stage).contains(name) {
            out.push(
                Change::new("provider-removed", Class::Breaking, Subject::Needs, what)
                    .sign(Sign::Removed)
                    .values(Some(name.clone()), None)
                    .places(Some(place.clone()), None)
                    .caller("after a restart the conversations of calls in progress cannot begin, and their callers come to the fallback: keep it in `engine.yaml` until they are over"),
            );
        }
    }
    for ((does, name), (_, place)) in is.providers.iter().filter(|(key, _)| !was.providers.contains_key(*key)) {
        let change =
            Change::new("provider-added", Class::NewCalls, Subject::Needs, format!("{does} by")).sign(Sign::Added);
        let change = change
            .values(None, Some(name.clone()))
            .places(None, Some(place.clone()));
        out.push(change.caller("somebody else does the work: answers, voice or speed can differ"));
    }
    let used: BTreeSet<&str> = was
        .providers
        .keys()
        .chain(is.providers.keys())
        .map(|(_, name)| name.as_str())
        .collect();
    for name in used {
        let of = |needs: &Needs| {
            let (source, all) = needs.declared.as_ref()?;
            let entry = all.entry(name)?;
            Some((Arc::clone(source), entry.clone()))
        };
        let (Some((old, before)), Some((new, after))) = (of(was), of(is)) else {
            continue;
        };
        let path = format!("engine.yaml providers.{name}");
        for delta in tree::compare(&path, Some(&before.value), Some(&after.value), &Json::Null) {
            // What a provider costs is only counted.
            let class = if delta.path.contains(".price") {
                Class::Compatible
            } else {
                Class::NewCalls
            };
            let places = (
                Some(Place::new(&old, delta.old.unwrap_or(before.key.span))),
                Some(Place::new(&new, delta.new.unwrap_or(after.key.span))),
            );
            let change = Change::new("provider-changed", class, Subject::Needs, delta.path).values(delta.was, delta.is);
            let caller = "after a restart it holds for all calls: settings are not kept with a version";
            out.push(change.places(places.0, places.1).caller(caller));
        }
    }
}

/// The webhooks and sockets that a kind makes the carrier come to, beside those of every call.
fn webhooks(kind: &str) -> &'static [&'static str] {
    match kind {
        "converse" => &["/webhook/stream_ended", "/webhook/stream_status", "/ws/twilio-media"],
        "relay" => &["/webhook/stream_ended", "/ws/twilio-relay"],
        "stream" => &["/webhook/stream_ended", "/webhook/stream_status"],
        "record" => &["/webhook/handle_recording"],
        _ => &[],
    }
}

/// Variables that steps and agents set, by the flow that they belong to.
fn variables(old: &Side<'_>, new: &Side<'_>, pairs: &Pairs, out: &mut Vec<Change>) {
    for (one, other) in &pairs.sections {
        let (was, is) = (set(old, *one), set(new, *other));
        let name = (*other > 0).then(|| new.flow.sections[*other].name.clone());
        let change = |id, sign| Change::new(id, Class::Compatible, Subject::Flow(name.clone()), "variable").sign(sign);
        for (variable, place) in is.iter().filter(|(variable, _)| !was.contains_key(*variable)) {
            let change = change("variable-added", Sign::Added).values(None, Some(variable.clone()));
            out.push(change.places(None, Some(place.clone())).caller("nothing by itself"));
        }
        for (variable, place) in was.iter().filter(|(variable, _)| !is.contains_key(*variable)) {
            let change = change("variable-removed", Sign::Removed).values(Some(variable.clone()), None);
            out.push(change.places(Some(place.clone()), None).caller("nothing by itself"));
        }
    }
}

fn set(side: &Side<'_>, section: usize) -> BTreeMap<String, Place> {
    let mut out = BTreeMap::new();
    for step in side.flow.steps.iter().filter(|step| step.section == section) {
        let touches = step.kind.touches();
        let agents = touches
            .agents
            .iter()
            .filter_map(|name| side.flow.agents.get(&name.value)?.providers());
        let actions = agents.flat_map(|providers| &providers.actions);
        let kept = actions.flat_map(|action| {
            let work = action.work.iter().flat_map(|work| work.touches().sets);
            std::iter::once(action.keeps.clone()).chain(work)
        });
        for name in touches.sets.iter().cloned().chain(kept) {
            out.entry(name).or_insert_with(|| step.place.clone());
        }
    }
    out
}
