//! What a step kind offers: its exact outcomes, what it does when a call reaches it, and what it makes of an answer.

use super::cx::Cx;
use super::event::{Params, TaskOutput, TaskResult};
use super::ids::Outcome;
use super::state::{EndReason, Wait};
use crate::flow::{Condition, Located, Template};
use serde_json::{Map, Value};
use std::fmt;

/// A kind of step. One file under `src/step/` and one line in its registry add one.
pub trait StepKind: fmt::Debug + Send + Sync {
    /// The key that names it in YAML.
    fn name(&self) -> &'static str;

    /// Every outcome it can have, and no other.
    fn outcomes(&self) -> Vec<Outcome>;

    /// The call reaches the step.
    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError>;

    /// What the step waited for came back. Kinds that never wait need not answer.
    fn resume(&self, _cx: &mut Cx<'_>, _back: Back<'_>) -> Result<Next, StepError> {
        Err(StepError::Unexpected)
    }

    /// What somebody beside the call hears while the step waits: the called party of a dial, a caller in a queue.
    fn aside(&self, _cx: &mut Cx<'_>, _params: &Params, _round: u32) -> Result<(), StepError> {
        Err(StepError::Unexpected)
    }

    /// The end with which the step leaves a flow that another one runs.
    fn ends(&self) -> Option<&Located<String>> {
        None
    }

    /// What can come back to it, one of each kind, for whoever explores the flow.
    fn chances(&self) -> Chances {
        Chances::default()
    }

    /// What the step refers to, for the checks.
    fn touches(&self) -> Touches<'_> {
        Touches::default()
    }
}

/// What came back to a waiting step.
#[derive(Clone, Copy, Debug)]
pub enum Back<'a> {
    /// The carrier asked for what follows, with these fields.
    Asked(&'a Params),
    /// The step's own task ended.
    Task(&'a TaskResult),
}

/// How the call goes on.
#[derive(Clone, Debug, PartialEq)]
pub enum Next {
    /// To wherever this outcome leads, in the same document.
    Go(Outcome),
    /// The document goes out, and this comes back.
    Wait(Wait),
    /// The document is the call's last.
    End(EndReason),
    /// Into another flow's section, coming back to this step.
    Run { section: usize, vars: Map<String, Value> },
    /// Out of the section that is being run, with this end.
    Return(Outcome),
}

impl Next {
    /// `Go` by name.
    pub fn go(outcome: &str) -> Self {
        Self::Go(Outcome::from(outcome))
    }
}

/// Why a step could not do its part. The call goes to its fallback.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepError {
    /// A template or a condition failed on this call's data.
    Eval(String),
    /// Something came back that the step never asked for.
    Unexpected,
    /// The step has no way on for this outcome; the compiler prevents it.
    Unwired(Outcome),
    /// The flow went on and on without ever waiting for anybody.
    EndlessWalk,
    /// The store does not take what the step would need.
    Store,
    /// `end` outside of a flow that is run.
    NothingToReturnTo,
}

impl fmt::Display for StepError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Eval(error) => write!(f, "{error}"),
            Self::Unexpected => f.write_str("an answer came that the step does not wait for"),
            Self::Unwired(outcome) => write!(f, "the outcome `{outcome}` leads nowhere"),
            Self::EndlessWalk => f.write_str("the flow runs in a circle without waiting for anybody"),
            Self::Store => f.write_str("the store does not answer"),
            Self::NothingToReturnTo => f.write_str("`end` stands in a flow that no other flow runs"),
        }
    }
}

impl std::error::Error for StepError {}

/// What can come back to a step that waits, one of each kind.
#[derive(Debug, Default)]
pub struct Chances {
    /// What a caller can answer: keys or words.
    pub answers: Vec<String>,
    /// What its task can bring, where it does not fail.
    pub results: Vec<TaskOutput>,
    /// Whether the carrier asks with fields of the author's own making.
    pub asks: bool,
}

/// What a step refers to.
#[derive(Debug, Default)]
pub struct Touches<'a> {
    /// Text that is filled in when the step runs.
    pub templates: Vec<&'a Template>,
    /// Conditions that are judged when the step runs.
    pub conditions: Vec<&'a Condition>,
    /// Sounds under `static/`.
    pub assets: Vec<&'a Located<String>>,
    /// Agents.
    pub agents: Vec<&'a Located<String>>,
    /// Message templates.
    pub messages: Vec<&'a Located<String>>,
    /// Variables it sets.
    pub sets: Vec<String>,
    /// Variables that the flow it runs begins with.
    pub gives: Vec<String>,
}
