//! What the search found: states, the ways between them, and what is wrong on them.

use super::chances::Chance;
use crate::call::StepId;
use crate::phone::Violation;
use std::collections::{BTreeMap, BTreeSet};

/// What the search found.
#[derive(Debug)]
pub struct Explored {
    /// How many states there are.
    pub states: usize,
    /// How many ways lead from one to another.
    pub ways: usize,
    /// Whether every state was visited.
    pub complete: bool,
    /// Whether every number that decides anything was followed as far as the flow counts.
    pub exact: bool,
    /// Whether there were more ways to decide the conditions before one document than are followed.
    pub cut: bool,
    /// The longest silence with at most so many mishaps; the index is the number.
    pub quietest: Vec<Quietest>,
    /// Each kind of violation at each step, with the node at which it was first seen.
    pub violations: Vec<(Violation, Option<StepId>, usize)>,
    /// Silences over the limit with at most one mishap: the step at which each ends, its length, the node.
    pub silences: BTreeMap<Option<StepId>, (u64, usize)>,
    /// Every step that a call comes to.
    pub entered: BTreeSet<StepId>,
    /// How often each step was entered and each outcome taken, over all ways.
    pub passed: BTreeMap<(StepId, Option<String>), u64>,
    /// Ways on which the caller has no part: from state to state, and whether a new document begins.
    pub(super) idle_ways: Vec<(usize, usize, bool)>,
    pub(super) nodes: Vec<Node>,
    /// The first node of each state, however much went wrong before.
    pub(super) alike: Vec<usize>,
}

/// The longest silence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Quietest {
    /// How long it is, in milliseconds.
    pub millis: u64,
    /// The step at which the call was when it ended.
    pub step: Option<StepId>,
    /// Where it ends.
    pub(super) node: usize,
}

/// A state, by the way on which it was first reached or was quietest.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub parent: Option<usize>,
    pub chance: Option<Chance>,
    /// Which caller rings, for a first node.
    pub arrival: usize,
    /// How open conditions were decided on the way here from the parent.
    pub answers: Vec<bool>,
    pub mishaps: u8,
    pub step: Option<StepId>,
    /// The first node of the same state.
    pub first: usize,
    /// The number of the state, however much went wrong before.
    pub alike: usize,
}
