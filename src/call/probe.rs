//! What whoever proves or tests a flow sees of a call, and decides in it. In production there is none.

use super::ids::{Outcome, StepId};
use crate::flow::{Condition, Operand};
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::Arc;

/// An observer that goes along with a call. It is no part of the call's state: it is not stored, and two calls that
/// differ in it alone are the same.
#[derive(Clone, Debug, Default)]
pub struct Probe {
    /// The steps that were entered, with the outcome by which each was left; several in one document.
    pub passed: Vec<(StepId, Option<Outcome>)>,
    /// The steps that were left out because their `when` did not hold.
    pub skipped: Vec<StepId>,
    /// Decides conditions on what only a real caller brings, one way and then the other.
    pub doubt: Option<Doubt>,
}

impl PartialEq for Probe {
    fn eq(&self, _: &Self) -> bool {
        true
    }
}

/// Answers to conditions that nobody can know before a call.
#[derive(Clone, Debug, Default)]
pub struct Doubt {
    /// The answers so far, in the order in which they were asked for; further ones are yes, and are added.
    pub answers: Vec<bool>,
    /// How many of them have been given.
    pub given: usize,
    /// The variables whose values the flow itself determines: conditions on them alone are judged as they are.
    pub certain: Arc<BTreeSet<String>>,
    /// What was decided of conditions on the call's own facts and the hour: asked again at once, they hold again.
    pub settled: Vec<(String, bool)>,
}

impl Doubt {
    /// Whether what the operand comes to is the same in every call that gets here with such data.
    fn knows(&self, operand: &Operand, data: &Value) -> bool {
        let absent = |path: &[String]| match path {
            [top, name, ..] if top == "vars" => at(data, [top, name]).is_none(),
            [top, ..] if top == "contact" => at(data, path).is_none(),
            [top, name, ..] if top == "step" => match data.get(top).and_then(Value::as_object) {
                // Of the carrier's own fields only a real call knows which there are.
                Some(fields) if fields.is_empty() || fields.keys().any(|name| name.starts_with(char::is_uppercase)) => {
                    false
                }
                Some(fields) => !fields.contains_key(name),
                None => true,
            },
            _ => false,
        };
        let certain = |path: &[String]| matches!(path, [top, name, ..] if top == "vars" && self.certain.contains(name));
        let mut reads = operand.reads.iter();
        // What is not there is known: nobody can have set it, and whatever it is compared with, it is something else.
        reads.clone().any(|(path, optional)| !optional && absent(path))
            || reads.all(|(path, _)| certain(path) || absent(path))
    }

    /// The next answer, where the condition is open.
    pub(super) fn decides(&mut self, condition: &Condition, data: &Value) -> Option<bool> {
        if condition.foregone(data, &|operand| self.knows(operand, data)).is_some() {
            return None;
        }
        let of_facts = |one: &crate::flow::Use| matches!(one.path.first().map(String::as_str), Some("call" | "now"));
        let stays = condition.uses().iter().all(of_facts);
        if stays && let Some((_, answer)) = self.settled.iter().find(|(text, _)| text == condition.text()) {
            return Some(*answer);
        }
        if self.given == self.answers.len() {
            self.answers.push(true);
        }
        self.given += 1;
        let answer = self.answers.get(self.given - 1).copied()?;
        if stays {
            self.settled.push((condition.text().to_owned(), answer));
        }
        Some(answer)
    }
}

/// What the path leads to.
fn at<'a>(data: &Value, path: impl IntoIterator<Item = &'a String>) -> Option<&Value> {
    path.into_iter().try_fold(data, |value, name| value.get(name))
}
