//! Which steps and outcomes of flows the scenarios came to.

use super::outcome::Played;
use crate::call::Flow;
use crate::graph::{FlowVisits, Visits};
use std::collections::BTreeMap;

/// Visits of several flows.
#[derive(Debug, Default)]
pub struct Coverage {
    flows: BTreeMap<String, Counted>,
}

#[derive(Debug, Default)]
struct Counted {
    visits: FlowVisits,
    /// The line of each step and outcome, in the file that it stands in.
    places: Vec<Missed>,
}

/// A step or an outcome that was never come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    /// `menu`, or `menu/no_input`.
    pub name: String,
    /// The file.
    pub file: String,
    /// Its line.
    pub line: usize,
    /// Whether it is an outcome.
    pub is_edge: bool,
}

/// How much of something was come to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Share {
    /// So many were.
    pub reached: usize,
    /// Of so many.
    pub all: usize,
}

impl Share {
    /// Whole percents, never rounded up; everything where there is nothing.
    pub fn percent(self) -> usize {
        (self.reached * 100).checked_div(self.all).unwrap_or(100)
    }
}

impl Coverage {
    /// A flow that is tested, whether or not a call reaches anything in it.
    pub fn know(&mut self, path: &str, flow: &Flow) {
        if self.flows.contains_key(path) {
            return;
        }
        let mut counted = Counted::default();
        for step in &flow.steps {
            let (file, line) = (step.place.source().name().to_owned(), step.place.line());
            counted.visits.steps.insert(step.name.clone(), 0);
            counted.places.push(Missed {
                name: step.name.clone(),
                file: file.clone(),
                line,
                is_edge: false,
            });
            for (outcome, _) in &step.wiring {
                let name = format!("{}/{}", step.name, outcome.as_str());
                counted.visits.edges.insert(name.clone(), 0);
                counted.places.push(Missed {
                    name,
                    file: file.clone(),
                    line,
                    is_edge: true,
                });
            }
        }
        self.flows.insert(path.to_owned(), counted);
    }

    /// Adds a call.
    pub fn add(&mut self, path: &str, flow: &Flow, played: &Played) {
        self.know(path, flow);
        let Some(counted) = self.flows.get_mut(path) else {
            return;
        };
        for (_, step) in &played.steps {
            *counted.visits.steps.entry(flow.step(*step).name.clone()).or_default() += 1;
        }
        for (step, outcome) in &played.edges {
            let name = format!("{}/{outcome}", flow.step(*step).name);
            *counted.visits.edges.entry(name).or_default() += 1;
        }
    }

    /// The form that `engine graph --coverage` reads.
    pub fn visits(&self) -> Visits {
        Visits {
            flows: self
                .flows
                .iter()
                .map(|(path, counted)| (path.clone(), counted.visits.clone()))
                .collect(),
            ..Visits::default()
        }
    }

    /// Each flow with its share of steps and of outcomes.
    pub fn shares(&self) -> impl Iterator<Item = (&str, Share, Share)> {
        self.flows.iter().map(|(path, counted)| {
            let share = |counts: &BTreeMap<String, u64>| Share {
                reached: counts.values().filter(|count| **count > 0).count(),
                all: counts.len(),
            };
            (
                path.as_str(),
                share(&counted.visits.steps),
                share(&counted.visits.edges),
            )
        })
    }

    /// Steps and outcomes of all flows together.
    pub fn total(&self) -> Share {
        self.shares().fold(Share::default(), |sum, (_, steps, edges)| Share {
            reached: sum.reached + steps.reached + edges.reached,
            all: sum.all + steps.all + edges.all,
        })
    }

    /// What of a flow was never come to, in the order of its lines. Of a step that was never come to, its outcomes are
    /// not named.
    pub fn missed(&self, path: &str) -> Vec<&Missed> {
        let Some(counted) = self.flows.get(path) else {
            return Vec::new();
        };
        let never = |name: &str, counts: &BTreeMap<String, u64>| counts.get(name).is_none_or(|count| *count == 0);
        let mut missed: Vec<&Missed> = counted
            .places
            .iter()
            .filter(|place| {
                if place.is_edge {
                    let step = place.name.rsplit_once('/').map_or("", |(step, _)| step);
                    never(&place.name, &counted.visits.edges) && !never(step, &counted.visits.steps)
                } else {
                    never(&place.name, &counted.visits.steps)
                }
            })
            .collect();
        missed.sort_by_key(|place| (&place.file, place.line));
        missed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_never_rounded_up() {
        for (reached, all, percent) in [(9_999, 10_000, 99), (1, 3, 33), (0, 0, 100), (3, 3, 100), (0, 9, 0)] {
            assert_eq!(Share { reached, all }.percent(), percent);
        }
    }
}
