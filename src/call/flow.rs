//! A flow in its checked form: every name is resolved to an id, every outcome is wired. Running code sees nothing else.

use super::agent::Agent;
use super::ids::{FlowHash, Outcome, StepId};
use super::kind::StepKind;
use crate::flow::{Condition, Place};
use crate::twiml::Verb;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A whole flow, ready to run.
#[derive(Debug)]
pub struct Flow {
    /// Its name: `flow:` at the head of the file.
    pub name: String,
    /// Of everything it was compiled from.
    pub hash: FlowHash,
    /// The main language, such as `he-IL`.
    pub locale: String,
    /// What bounds a call.
    pub limits: Limits,
    /// All steps, those of flows that are run from this one included.
    pub steps: Vec<Step>,
    /// The flow itself first, then each flow that it runs.
    pub sections: Vec<Section>,
    /// What happens once per call, after it.
    pub after_call: Vec<AfterItem>,
    /// Who talks, by name.
    pub agents: BTreeMap<String, Arc<Agent>>,
    /// The sounds that the flow names, by path under `static/`.
    pub assets: BTreeMap<String, Asset>,
    /// What a caller hears where nothing else is left: never empty.
    pub apology: Vec<Verb>,
}

impl Flow {
    /// The step of that id. Ids come from compiling, so they are always there.
    pub fn step(&self, id: StepId) -> &Step {
        &self.steps[id.index()]
    }

    /// The id of the step of that name in the flow itself.
    pub fn step_named(&self, name: &str) -> Option<StepId> {
        self.steps
            .iter()
            .position(|step| step.name == name)
            .and_then(|index| u16::try_from(index).ok())
            .map(StepId)
    }
}

/// A flow's own part of the step table.
#[derive(Debug)]
pub struct Section {
    /// The flow's name.
    pub name: String,
    /// Where a call begins.
    pub start: StepId,
    /// Where failures go that no step wires itself.
    pub otherwise: Option<StepId>,
}

/// One step.
#[derive(Debug)]
pub struct Step {
    /// Its name; a step of a flow that is run carries that flow's name before a slash.
    pub name: String,
    /// Where its name stands.
    pub place: Place,
    /// What it does.
    pub kind: Box<dyn StepKind>,
    /// Where each outcome leads; every outcome of the kind is here.
    pub wiring: Vec<(Outcome, StepId)>,
    /// Where it does not hold, the call goes on to that step instead.
    pub when: Option<(Condition, StepId)>,
    /// Which section it belongs to.
    pub section: usize,
}

impl Step {
    /// Where the outcome leads.
    pub fn target(&self, outcome: &Outcome) -> Option<StepId> {
        self.wiring
            .iter()
            .find(|(name, _)| name == outcome)
            .map(|(_, target)| *target)
    }
}

/// What bounds a call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest call, in milliseconds.
    pub call: u64,
    /// The longest time without sound, in milliseconds.
    pub silence: u64,
}

/// One thing to do after a call.
#[derive(Debug)]
pub struct AfterItem {
    /// Its kind's name and position, for logs and keys.
    pub name: String,
    /// Only where this holds.
    pub when: Option<Condition>,
    /// What to do.
    pub kind: Box<dyn StepKind>,
    /// Where it stands.
    pub place: Place,
}

/// A sound under `static/`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Asset {
    /// How long it plays, in milliseconds, where it could be decoded.
    pub millis: Option<u64>,
    /// How long nothing is heard at its beginning, in milliseconds: all of it where it is silent, 0 where nobody knows.
    pub lead: u64,
}
