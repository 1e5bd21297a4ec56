//! What stands in for providers: the model's answers of a scenario, one after another, and the stages that fail.

use super::form::Thought;
use crate::flow::Located;
use crate::talk::Stage;
use serde_json::{Map, Value};
use std::collections::VecDeque;

/// How long a model takes to its first word where a scenario says nothing, in milliseconds.
const THINKS: u64 = 300;
/// What a model says that has no answer left.
const NOTHING_LEFT: &str = "I see.";

/// An answer of the model.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answer {
    /// After how many milliseconds it comes.
    pub after: u64,
    /// None where the model fails.
    pub says: Option<String>,
    /// The action that it wishes for, with its arguments as JSON.
    pub wishes: Option<(String, String)>,
}

/// The model, and who else serves conversations.
#[derive(Debug)]
pub(super) struct Brain {
    answers: VecDeque<Thought>,
    failing: Vec<String>,
    /// How often the model was asked though nothing was left.
    pub ran_out: u32,
}

impl Brain {
    pub fn new(model: &[Thought], providers: &[(Located<String>, Located<String>)]) -> Self {
        Self {
            answers: model.iter().cloned().collect(),
            failing: providers.iter().map(|(stage, _)| stage.value.clone()).collect(),
            ran_out: 0,
        }
    }

    /// Whether nobody does this stage's work.
    pub fn fails(&self, stage: Stage) -> bool {
        self.failing.iter().any(|failing| failing == stage.name())
    }

    /// Whether answers are left.
    pub fn has_answers(&self) -> bool {
        !self.answers.is_empty()
    }

    /// The next answer.
    pub fn answer(&mut self) -> Answer {
        let Some(thought) = self.answers.pop_front() else {
            self.ran_out += 1;
            return Answer {
                after: THINKS,
                says: (!self.fails(Stage::Think)).then(|| NOTHING_LEFT.to_owned()),
                wishes: None,
            };
        };
        let with: Map<String, Value> = thought
            .with
            .iter()
            .map(|(name, value)| (name.value.clone(), value.clone()))
            .collect();
        Answer {
            after: thought.slow.map_or(THINKS, |slow| slow.as_millis()),
            says: (!thought.fails && !self.fails(Stage::Think)).then(|| thought.say.unwrap_or_default()),
            wishes: thought
                .action
                .map(|action| (action.value, Value::Object(with).to_string())),
        }
    }
}
