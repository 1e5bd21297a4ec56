//! Who talks with a caller, in its checked form: pure data that the engine puts to work.

use super::kind::StepKind;
use crate::flow::{Place, Template};
use crate::talk::Stage;
use crate::talk::agent::Plan;
use crate::talk::script::Script;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Who talks in a conversation.
#[derive(Debug)]
pub struct Agent {
    /// Its name in the flow.
    pub name: String,
    /// How it listens, thinks and speaks. Sounds are numbers into `clips`.
    pub talker: Talker,
    /// Its sounds, by path under `static/`; empty for words without one.
    pub clips: Vec<String>,
    /// What each sound says, for the transcript.
    pub texts: Vec<String>,
}

impl Agent {
    /// The providers that it needs; none where it follows rules.
    pub fn providers(&self) -> Option<&Providers> {
        match &self.talker {
            Talker::Scripted(_) => None,
            Talker::Providers(providers) => Some(providers),
        }
    }
}

/// How an agent talks.
#[derive(Debug)]
pub enum Talker {
    /// By rules, with sounds alone: no provider is needed.
    Scripted(Arc<Script>),
    /// With providers that listen, think and speak.
    Providers(Box<Providers>),
}

/// An agent that needs providers.
#[derive(Debug)]
pub struct Providers {
    /// How it takes turns.
    pub plan: Arc<Plan>,
    /// What it is and what it is for; empty where rules think.
    pub instructions: Option<Template>,
    /// Who listens; nobody where it is enough to know that the caller spoke.
    pub listen: Option<ServiceSpec>,
    /// Who thinks.
    pub think: Option<ServiceSpec>,
    /// Who speaks.
    pub speak: Option<ServiceSpec>,
    /// The carrier listens and speaks: the conversation goes by text, over `relay`.
    pub by_carrier: bool,
    /// Who does all of it in one: a speech-to-speech model.
    pub realtime: Option<ServiceSpec>,
    /// What it may do, by name.
    pub actions: Vec<AgentAction>,
}

impl Providers {
    /// Who does this stage's work.
    pub fn spec(&self, stage: Stage) -> Option<&ServiceSpec> {
        match stage {
            Stage::Listen => self.listen.as_ref(),
            Stage::Think => self.think.as_ref(),
            Stage::Speak => self.speak.as_ref(),
            Stage::Live => self.realtime.as_ref(),
        }
    }
}

/// A provider as a flow names it. What it leaves out is taken from `engine.yaml`, then from the protocol's defaults.
#[derive(Debug, Clone)]
pub struct ServiceSpec {
    /// A name under `providers` in `engine.yaml`, or a protocol's own.
    pub provider: String,
    /// Where that stands.
    pub place: Place,
    /// Who takes over when it fails.
    pub fallback: Option<String>,
    pub base_url: Option<String>,
    pub model: Option<String>,
    pub voice: Option<String>,
    pub language: Option<String>,
    /// The flow's own, where neither says.
    pub locale: Option<String>,
    /// How long it is waited for, in milliseconds: to the first part of an answer.
    pub timeout: Option<u64>,
    /// A command and its arguments.
    pub run: Vec<String>,
    /// Settings of the protocol alone.
    pub options: Map<String, Value>,
}

/// Something that a model may wish for.
#[derive(Debug)]
pub struct AgentAction {
    /// Its name.
    pub name: String,
    /// When it is to be used, for the model.
    pub description: String,
    /// JSON Schema of its arguments.
    pub parameters: Value,
    /// The variable that keeps its arguments.
    pub keeps: String,
    /// What is done; nothing where it only leads out or keeps values.
    pub work: Option<Box<dyn StepKind>>,
}
