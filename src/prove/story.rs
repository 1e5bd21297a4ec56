//! A way through the search told as the story of a call: the same moves once more, with everything that happens noted.

use super::abstraction::Abstraction;
use super::explored::{Explored, Node};
use super::proof::seconds;
use crate::call::{Doubt, Flow, Probe, StepId, Time};
use crate::flow::Scene;
use crate::phone::{Beginning, Drive, Move, Phone, START, Silence, Stage, Told, What};

/// The story of the call that leads to a node.
#[derive(Debug)]
pub(super) struct Story {
    /// What happened, in order.
    pub told: Vec<Told>,
    /// The longest silence on the way.
    pub silence: Silence,
}

impl Story {
    /// Milliseconds since the call came in.
    pub fn since(at: Time) -> u64 {
        at.since(START)
    }

    /// The step at which most of the longest silence passes.
    pub fn quiet_step(&self, flow: &Flow) -> Option<StepId> {
        let mut longest: Option<(u64, StepId)> = None;
        let mut moments: Vec<(Time, Option<StepId>)> = self.told.iter().map(|told| (told.at, told.step)).collect();
        moments.push((self.silence.to, None));
        for pair in moments.windows(2) {
            let (Some(step), [(from, _), (to, _)]) = (pair.first().and_then(|(_, step)| *step), pair) else {
                continue;
            };
            let (from, to) = ((*from).max(self.silence.from), (*to).min(self.silence.to));
            let millis = to.since(from);
            if millis > 0 && longest.is_none_or(|(known, _)| millis > known) {
                longest = Some((millis, step));
            }
        }
        let step = longest.map(|(_, step)| step)?;
        let pauses = |told: &Told| told.what == What::Verb("Pause") && told.at >= self.silence.from;
        let paused = self.told.iter().any(|told| pauses(told) && told.at < self.silence.to);
        Some(paused.then(|| pause_before(flow, step)).flatten().unwrap_or(step))
    }

    /// What makes the silence as long as it is, to be read after "when".
    pub fn cause(&self) -> String {
        let during = |told: &&Told| told.at >= self.silence.from && told.at <= self.silence.to;
        let (mut plain, mut last) = (None, None);
        for told in self.told.iter().filter(during) {
            match &told.what {
                // What is found out as it ends may have made it long, or have nothing to do with it.
                What::Fault(text) if told.at == self.silence.to => last = Some(text.clone()),
                What::Fault(text) => return text.clone(),
                What::Caller(text) if plain.is_none() => plain = Some(format!("the caller {text}")),
                What::Engine(text) => match text.strip_prefix("the conversation ends: ") {
                    Some("no_reply") => plain = Some("the caller says nothing".to_owned()),
                    Some("failed") => return "the conversation fails".to_owned(),
                    Some(exit) => plain = Some(format!("the conversation ends with `{exit}`")),
                    None if text.starts_with("orders http") => plain = Some("a service is slow".to_owned()),
                    None if text.starts_with("TASK_LATE") => return "a service does not answer".to_owned(),
                    None => {}
                },
                What::Carrier(text) if text.contains("fails") => return text.clone(),
                What::Message { channel, .. } => plain = Some(format!("the {channel} message is slow")),
                _ => {}
            }
        }
        plain.or(last).unwrap_or_else(|| self.before())
    }

    /// How much goes wrong on the way: of two stories that show the same, the plainer one is told.
    pub fn plainness(&self) -> std::cmp::Reverse<(usize, usize)> {
        let faults = self.told.iter().filter(|told| matches!(told.what, What::Fault(_)));
        std::cmp::Reverse((faults.count(), self.told.len()))
    }

    /// What the caller did last before it.
    fn before(&self) -> String {
        let earlier = self.told.iter().rev().filter(|told| told.at <= self.silence.from);
        let did = earlier
            .take_while(|told| !matches!(told.what, What::Step))
            .find_map(|told| match &told.what {
                What::Caller(text) => Some(format!("the caller {text}")),
                _ => None,
            });
        did.unwrap_or_default()
    }

    /// The story for a report: what matters, with the YAML lines that led there, and where nothing is heard.
    pub fn scenes(&self, flow: &Flow) -> Vec<Scene> {
        let mut scenes: Vec<Scene> = Vec::new();
        let mut silence = (self.silence.millis() > 0).then_some(self.silence);
        for told in &self.told {
            if let Some(quiet) = silence.filter(|quiet| told.at > quiet.from) {
                scenes.push(quiet_scene(quiet));
                silence = None;
            }
            let (text, bad) = match &told.what {
                What::Hears {
                    what,
                    spoken: false,
                    millis,
                } => (format!("hears {what} ({})", seconds(*millis)), false),
                What::Hears { what, millis, .. } => {
                    (format!("hears “{}” ({})", shortened(what), seconds(*millis)), false)
                }
                What::Caller(text) => (format!("the caller {text}"), false),
                What::Carrier(text) => (format!("the carrier: {text}"), false),
                What::Engine(text) => (format!("the engine: {text}"), false),
                What::Fault(text) => (text.clone(), true),
                What::Verb(name) => (format!("<{name}>"), false),
                What::Message { channel, to, .. } => (format!("a {channel} message to {to} is ordered"), false),
                What::Over(why) => (format!("the call is over: {why}"), false),
                What::Row(_) | What::Step => continue,
            };
            scenes.push(Scene {
                at: Self::since(told.at),
                text,
                bad,
                place: step_of(told, flow).map(|step| flow.step(step).place.clone()),
            });
        }
        scenes.extend(silence.map(quiet_scene));
        scenes
    }
}

/// The pause that goes out with this step: the call is at the step already while the caller waits.
fn pause_before(flow: &Flow, step: StepId) -> Option<StepId> {
    const SENT_WITH: [&str; 6] = ["play", "say", "choose", "set", "contact", "interaction"];
    let mut seen = vec![step];
    let mut next = 0;
    while let Some(behind) = seen.get(next).copied() {
        next += 1;
        for id in (0..flow.steps.len()).filter_map(|index| u16::try_from(index).ok().map(StepId)) {
            let before = flow.step(id);
            if seen.contains(&id) || !before.wiring.iter().any(|(_, target)| *target == behind) {
                continue;
            }
            match before.kind.name() {
                "pause" => return Some(id),
                kind if SENT_WITH.contains(&kind) => seen.push(id),
                _ => {}
            }
        }
    }
    None
}

/// The step that a line belongs to. A document holds the verbs of several steps, and the call then stands at the last of
/// them: a sound that only one step names is that step's.
fn step_of(told: &Told, flow: &Flow) -> Option<StepId> {
    let What::Hears {
        what, spoken: false, ..
    } = &told.what
    else {
        return told.step;
    };
    let names = |step: &crate::call::Step| step.kind.touches().assets.iter().any(|asset| asset.value == *what);
    if told.step.is_some_and(|step| names(flow.step(step))) {
        return told.step;
    }
    let mut named = flow.steps.iter().enumerate().filter(|(_, step)| names(step));
    match (named.next(), named.next()) {
        (Some((index, _)), None) => u16::try_from(index).ok().map(StepId),
        _ => told.step,
    }
}

fn quiet_scene(quiet: Silence) -> Scene {
    Scene {
        at: Story::since(quiet.from),
        text: format!("hears nothing for {}", seconds(quiet.millis())),
        bad: true,
        place: None,
    }
}

fn shortened(text: &str) -> String {
    const MOST: usize = 40;
    if text.chars().count() <= MOST {
        return text.to_owned();
    }
    text.chars().take(MOST).chain("…".chars()).collect()
}

/// The nodes from a call's beginning to that one.
fn way(explored: &Explored, node: usize) -> Vec<&Node> {
    let mut way: Vec<&Node> = Vec::new();
    let mut at = explored.nodes.get(node);
    while let Some(node) = at {
        way.push(node);
        at = node.parent.and_then(|parent| explored.nodes.get(parent));
    }
    way.reverse();
    way
}

/// What happens from a call's beginning to that node.
pub(super) fn moves(explored: &Explored, node: usize) -> Vec<Move> {
    let chances = way(explored, node).into_iter().skip(1);
    chances
        .filter_map(|node| Some(node.chance.as_ref()?.next.clone()))
        .collect()
}

/// Tells how a call comes to that node.
pub(super) fn story(explored: &Explored, flow: &Flow, stage: &Stage, drive: &dyn Drive, node: usize) -> Story {
    let way = way(explored, node);
    let abstraction = Abstraction::of(flow);
    let probe = |node: &Node| {
        Some(Box::new(Probe {
            doubt: Some(Doubt {
                answers: node.answers.clone(),
                given: 0,
                certain: abstraction.certain.clone(),
                ..Doubt::default()
            }),
            ..Probe::default()
        }))
    };
    let arrivals = abstraction.arrivals(stage.origin());
    let Some((arrival, first)) = way
        .first()
        .and_then(|first| Some((arrivals.get(first.arrival)?, first)))
    else {
        return Story {
            told: Vec::new(),
            silence: Silence::default(),
        };
    };
    let beginning = Beginning {
        tell: true,
        mishap: first.chance.as_ref().and_then(|chance| chance.mishap),
        probe: probe(first),
    };
    let mut phone = Phone::rings_with(flow, stage, drive, arrival, beginning);
    for node in way.iter().skip(1) {
        let Some(chance) = &node.chance else { continue };
        phone.call.probe = probe(node);
        phone.make(&chance.next, chance.mishap);
    }
    phone.ear.listen(phone.now);
    Story {
        silence: phone.ear.longest(),
        told: phone.told.take().unwrap_or_default(),
    }
}
