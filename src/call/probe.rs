//! What whoever proves or tests a flow sees of a call, and decides in it. In production there is none.

use super::ids::{Outcome, StepId};
use crate::flow::Condition;
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
    /// Whether the condition depends on something that only a real call brings, of which a stand-in is there.
    fn is_open(&self, condition: &Condition, vars: &serde_json::Map<String, serde_json::Value>) -> bool {
        let mut open = false;
        for one in condition.uses() {
            let mut path = one.path.iter().map(String::as_str);
            match (path.next(), path.next()) {
                (Some("vars"), Some(name)) if self.certain.contains(name) => {}
                // What is not there is known: nobody can have set it.
                (Some("vars"), Some(name)) if !vars.contains_key(name) => return false,
                (Some("contact"), _) if one.optional => open = true,
                _ => open = true,
            }
        }
        open
    }

    /// The next answer, where the condition is open.
    pub(super) fn decides(
        &mut self,
        condition: &Condition,
        vars: &serde_json::Map<String, serde_json::Value>,
    ) -> Option<bool> {
        if !self.is_open(condition, vars) {
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
