//! Marks on steps: which no call comes to, from which none gets on, and which nothing measured came to.

use super::model::{Graph, Path};
use super::visits::{FlowVisits, Visits};
use std::collections::BTreeSet;

/// Who counted the visits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The tests.
    Tested,
    /// The proof of `engine validate`.
    Proven,
}

impl Graph {
    /// Marks what follows from the ways alone.
    pub(super) fn mark_ways(&mut self) {
        let reached = self.reached();
        let ending = self.ending();
        for index in 0..self.nodes.len() {
            let broken = self.leaving(index).any(|edge| edge.to.is_none());
            let marks = &mut self.nodes[index].marks;
            marks.unreachable = !reached.contains(&index);
            marks.dead_end = broken || !ending.contains(&index);
        }
    }

    /// Notes how often steps and outcomes were visited. Gives a sentence for everything that the flow does not have
    /// (any more), and for a flow that is missing.
    pub fn note(&mut self, visits: &Visits, seen: Seen) -> Vec<String> {
        let empty = FlowVisits::default();
        let mut unknown = Vec::new();
        let own = visits.flows.get(&self.file).unwrap_or_else(|| {
            unknown.push(format!(
                "nothing is said of `{}`, so nothing in it counts as visited",
                self.file
            ));
            &empty
        });
        let mut steps: BTreeSet<&str> = own.steps.keys().map(String::as_str).collect();
        let mut outcomes: BTreeSet<&str> = own.edges.keys().map(String::as_str).collect();
        for node in &mut self.nodes {
            steps.remove(node.name.as_str());
            let count = own.steps.get(&node.name).copied().unwrap_or(0);
            match seen {
                Seen::Tested => node.marks.tested = Some(count),
                Seen::Proven => node.marks.proven = Some(count),
            }
        }
        for edge in &mut self.edges {
            let Path::Outcomes(ways) = &mut edge.path else { continue };
            for way in ways {
                let key = format!("{}/{}", self.nodes[edge.from].name, way.outcome);
                outcomes.remove(key.as_str());
                let count = own.edges.get(&key).copied().unwrap_or(0);
                match seen {
                    Seen::Tested => way.tested = Some(count),
                    Seen::Proven => way.proven = Some(count),
                }
            }
        }
        unknown.extend(steps.iter().map(|step| format!("`{}` has no step `{step}`", self.file)));
        unknown.extend(
            outcomes
                .iter()
                .map(|way| format!("`{}` has no outcome `{way}`", self.file)),
        );
        unknown
    }

    /// The steps that a call can come to. What fails in a step in other ways goes to its flow's `otherwise`.
    fn reached(&self) -> BTreeSet<usize> {
        let mut reached = BTreeSet::new();
        let mut open: Vec<usize> = self.clusters.first().and_then(|main| main.entry).into_iter().collect();
        while let Some(node) = open.pop() {
            if node < self.nodes.len() && reached.insert(node) {
                open.extend(self.leaving(node).filter_map(|edge| edge.to));
                open.extend(
                    self.clusters
                        .get(self.nodes[node].cluster)
                        .and_then(|own| own.otherwise),
                );
            }
        }
        reached
    }

    /// The steps from which an end can be come to, not counting the ends of flows that are run on the way. A way to
    /// nowhere is an end of its kind, so that only the step is blamed that has it.
    fn ending(&self) -> BTreeSet<usize> {
        let mut ending: BTreeSet<usize> = (0..self.nodes.len()).filter(|node| self.nodes[*node].end).collect();
        ending.extend(self.edges.iter().filter(|edge| edge.to.is_none()).map(|edge| edge.from));
        loop {
            let before = ending.len();
            let ways = self.edges.iter().filter(|edge| edge.path != Path::Run);
            let more: Vec<usize> = ways
                .filter(|edge| edge.to.is_some_and(|to| ending.contains(&to)))
                .map(|edge| edge.from)
                .collect();
            ending.extend(more);
            if ending.len() == before {
                return ending;
            }
        }
    }
}
