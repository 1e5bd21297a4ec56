//! Which variables can still matter: what nothing ahead of a call reads tells no two states apart.

use crate::call::{Flow, Step, StepId, StepKind};
use crate::flow::Use;
use std::collections::BTreeSet;

/// Names of variables.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    /// Something takes all of them at once.
    all: bool,
    names: BTreeSet<String>,
}

impl Names {
    /// Whether the variable is one of them.
    pub fn has(&self, name: &str) -> bool {
        self.all || self.names.contains(name)
    }

    fn read(&mut self, uses: &[Use]) {
        for one in uses {
            match one.path.as_slice() {
                [top, name, ..] if top == "vars" => {
                    self.names.insert(name.clone());
                }
                [top] if top == "vars" => self.all = true,
                _ => {}
            }
        }
    }

    fn add(&mut self, other: &Self) {
        self.all |= other.all;
        self.names.extend(other.names.iter().cloned());
    }

    fn without(mut self, names: &[String]) -> Self {
        for name in names {
            self.names.remove(name);
        }
        self
    }
}

/// The variables that are read from each step on, in its own section's scope, and those that are read after the call.
#[derive(Debug)]
pub(super) struct Alive {
    steps: Vec<Names>,
    after: Names,
}

impl Alive {
    pub(super) fn of(flow: &Flow) -> Self {
        let mut after = Names::default();
        for item in &flow.after_call {
            after.add(&reads(&*item.kind));
            after.read(item.when.as_ref().map_or(&[], |when| when.uses()));
        }
        let own: Vec<Names> = flow.steps.iter().map(|step| of_step(step, flow)).collect();
        let mut alive = Self {
            steps: own.clone(),
            after,
        };
        // Backwards, until nothing is added any more.
        loop {
            let mut changed = false;
            let anywhere = alive.anywhere(flow);
            for (index, step) in flow.steps.iter().enumerate().rev() {
                let mut ahead = alive.ahead(step);
                // Other kinds set theirs on some ways only.
                if step.kind.name() == "set" {
                    ahead = ahead.without(&step.kind.touches().sets);
                }
                ahead.add(&anywhere);
                ahead.add(&own[index]);
                changed |= ahead != alive.steps[index];
                alive.steps[index] = ahead;
            }
            if !changed {
                return alive;
            }
        }
    }

    /// Every variable matters everywhere.
    #[cfg(test)]
    pub(super) fn all() -> Self {
        let after = Names {
            all: true,
            ..Names::default()
        };
        Self {
            steps: Vec::new(),
            after,
        }
    }

    /// What can be read from that step on.
    pub(super) fn at(&self, step: StepId) -> &Names {
        self.steps.get(step.index()).unwrap_or(&self.after)
    }

    /// What can be read when the call is over.
    pub(super) fn after(&self) -> &Names {
        &self.after
    }

    /// A call can end anywhere, and a step can fail anywhere.
    fn anywhere(&self, flow: &Flow) -> Names {
        let mut names = self.after.clone();
        for fallback in flow.sections.iter().filter_map(|section| section.otherwise) {
            names.add(self.at(fallback));
        }
        names
    }

    fn ahead(&self, step: &Step) -> Names {
        let skipped = step.when.as_ref().map(|(_, target)| target);
        let mut names = Names::default();
        for target in step.wiring.iter().map(|(_, target)| target).chain(skipped) {
            names.add(self.at(*target));
        }
        names
    }
}

fn of_step(step: &Step, flow: &Flow) -> Names {
    let mut names = reads(&*step.kind);
    // Where a part ends, all that it holds becomes the result of the step that ran it.
    names.all |= step.kind.ends().is_some();
    names.read(step.when.as_ref().map_or(&[], |(when, _)| when.uses()));
    for agent in step.kind.touches().agents {
        if let Some(providers) = flow.agents.get(&agent.value).and_then(|agent| agent.providers()) {
            names.read(providers.instructions.as_ref().map_or(&[], |text| text.uses()));
            for action in &providers.actions {
                // Whether it is there already decides whether the model is taken to wish for it again.
                names.names.insert(action.keeps.clone());
                names.add(&action.work.as_deref().map(reads).unwrap_or_default());
            }
        }
    }
    names
}

fn reads(kind: &dyn StepKind) -> Names {
    let touches = kind.touches();
    let mut names = Names::default();
    for template in touches.templates {
        names.read(template.uses());
    }
    for condition in touches.conditions {
        names.read(condition.uses());
    }
    names
}

#[cfg(test)]
mod tests;
