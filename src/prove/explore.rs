//! The search: from a call's first request through everything that can happen, each state once.

use super::abstraction::Abstraction;
use super::chances::{Chance, chances};
use super::explored::{Explored, Node, Quietest};
use super::key::key;
use crate::call::{Doubt, Flow, Phase, Probe, StepId, Timer};
use crate::phone::{Beginning, Drive, Mishap, Move, Phone, Stage, Violation};
use std::cell::Cell;
use std::cmp::Reverse;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};

/// How far the search goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bounds {
    /// The most states; where there are more, nothing is claimed to be proven.
    pub states: usize,
    /// How many things go wrong in one call at most.
    pub mishaps: u8,
}

impl Default for Bounds {
    /// Minutes of work and a gigabyte at most; two mishaps, so that one meets the recovery from another.
    fn default() -> Self {
        Self {
            states: 400_000,
            mishaps: 2,
        }
    }
}

/// Explores the flow with this machine.
pub fn explore(flow: &Flow, stage: &Stage, drive: &dyn Drive, bounds: Bounds) -> Explored {
    explore_as(flow, stage, drive, bounds, Abstraction::of(flow))
}

/// As [`explore`], with what is taken to be known of the flow's data.
pub(super) fn explore_as(
    flow: &Flow,
    stage: &Stage,
    drive: &dyn Drive,
    bounds: Bounds,
    abstraction: Abstraction,
) -> Explored {
    let mut search = Search {
        flow,
        bounds,
        seen: HashMap::new(),
        open: VecDeque::new(),
        alike: HashMap::new(),
        cut: Cell::new(false),
        found: Explored {
            states: 0,
            ways: 0,
            complete: abstraction.exact,
            exact: abstraction.exact,
            cut: false,
            quietest: vec![Quietest::default(); usize::from(bounds.mishaps) + 1],
            violations: Vec::new(),
            silences: BTreeMap::new(),
            entered: BTreeSet::new(),
            passed: BTreeMap::new(),
            idle_ways: Vec::new(),
            nodes: Vec::new(),
            alike: Vec::new(),
        },
        abstraction,
    };
    search.begin(stage, drive);
    while let Some((node, phone)) = search.open.pop_front() {
        if search.found.nodes.len() > bounds.states || search.cut.get() {
            search.found.complete = false;
            break;
        }
        search.expand(node, &phone);
    }
    search.found.cut = search.cut.get();
    search.found.complete &= !search.found.cut;
    search.found.states = search.seen.len();
    search.found
}

/// The most ways in which the conditions on the way to one document are decided.
const WAYS: usize = 4_096;

struct Search<'a> {
    flow: &'a Flow,
    abstraction: Abstraction,
    bounds: Bounds,
    /// Each state's node, and for how long nothing had been heard there at most.
    seen: HashMap<u64, (usize, u64)>,
    open: VecDeque<(usize, Phone<'a>)>,
    /// The states by everything but how much went wrong before: a mishap that stays leads round in these.
    alike: HashMap<u64, usize>,
    /// Whether there were more ways to decide conditions than were followed.
    cut: Cell<bool>,
    found: Explored,
}

impl<'a> Search<'a> {
    fn begin(&mut self, stage: &'a Stage, drive: &'a dyn Drive) {
        let arrivals = self.abstraction.arrivals(stage.origin());
        for (index, arrival) in arrivals.iter().enumerate() {
            let mishaps = [None, Some(Mishap::StoreFails), Some(Mishap::RenderFails)];
            for mishap in mishaps {
                let cost = u8::from(mishap.is_some()) + u8::from(arrival.draining);
                self.both_ways(|answers| {
                    let beginning = Beginning {
                        tell: false,
                        mishap,
                        probe: Some(self.probe(answers)),
                    };
                    Phone::rings_with(self.flow, stage, drive, arrival, beginning)
                })
                .into_iter()
                .for_each(|(answers, phone)| {
                    let chance = mishap.map(|mishap| Chance {
                        next: Move::Pass,
                        mishap: Some(mishap),
                        cost,
                        caller: false,
                    });
                    let node = Node {
                        parent: None,
                        chance,
                        arrival: index,
                        answers,
                        mishaps: cost,
                        step: None,
                        first: 0,
                        alike: 0,
                    };
                    self.reached(node, phone, false);
                });
            }
        }
    }

    fn expand(&mut self, node: usize, phone: &Phone<'a>) {
        let Some((spent, arrival)) = self.found.nodes.get(node).map(|node| (node.mishaps, node.arrival)) else {
            return;
        };
        for chance in chances(phone, self.flow, &self.abstraction) {
            self.take(node, phone, &chance, spent, arrival);
        }
    }

    /// Follows one chance, and what can go wrong in the engine while it answers.
    fn take(&mut self, parent: usize, phone: &Phone<'a>, chance: &Chance, spent: u8, arrival: usize) {
        let mishaps = spent.saturating_add(chance.cost);
        if mishaps > self.bounds.mishaps {
            return;
        }
        let mut answered = false;
        for (answers, after) in self.follow(phone, chance) {
            answered |= after.was_answered();
            let node = Node {
                parent: Some(parent),
                chance: Some(chance.clone()),
                arrival,
                answers,
                mishaps,
                step: None,
                first: 0,
                alike: 0,
            };
            self.reached(node, after, chance.caller);
        }
        if !answered || chance.mishap.is_some() || chance.caller && chance.next == Move::HangsUp {
            return;
        }
        for mishap in [Mishap::StoreFails, Mishap::RenderFails] {
            let worse = Chance {
                mishap: Some(mishap),
                cost: chance.cost + 1,
                ..chance.clone()
            };
            self.take(parent, phone, &worse, spent, arrival);
        }
    }

    /// The chance taken, with every way in which open conditions can be decided.
    fn follow(&self, phone: &Phone<'a>, chance: &Chance) -> Vec<(Vec<bool>, Phone<'a>)> {
        self.both_ways(|answers| {
            let mut after = phone.clone();
            after.call.probe = Some(self.probe(answers));
            after.make(&chance.next, chance.mishap);
            after
        })
    }

    fn probe(&self, answers: Vec<bool>) -> Box<Probe> {
        Box::new(Probe {
            doubt: Some(Doubt {
                answers,
                given: 0,
                certain: self.abstraction.certain.clone(),
                ..Doubt::default()
            }),
            ..Probe::default()
        })
    }

    /// Runs once for every way in which the open conditions on the way can be decided.
    fn both_ways(&self, run: impl Fn(Vec<bool>) -> Phone<'a>) -> Vec<(Vec<bool>, Phone<'a>)> {
        let mut done = Vec::with_capacity(1);
        let mut open = vec![Vec::new()];
        while let Some(answers) = open.pop() {
            let fixed = answers.len();
            let phone = run(answers);
            let given = phone
                .call
                .probe
                .as_ref()
                .and_then(|probe| probe.doubt.as_ref())
                .map(|doubt| doubt.answers.clone())
                .unwrap_or_default();
            for index in fixed..given.len() {
                let mut other = given[..=index].to_vec();
                other[index] = !other[index];
                open.push(other);
            }
            done.push((given, phone));
            if done.len() >= WAYS {
                self.cut.set(!open.is_empty());
                break;
            }
        }
        done
    }

    /// A state was reached: what it shows is kept, and it is explored unless that was done.
    fn reached(&mut self, mut node: Node, mut phone: Phone<'a>, caller: bool) {
        self.found.ways += 1;
        let from = node.parent;
        let new_document = phone.was_answered();
        node.step = phone.call.live().map(|live| live.step).or_else(|| {
            let parent = from.and_then(|parent| self.found.nodes.get(parent));
            parent.and_then(|parent| parent.step)
        });
        self.observe(&mut phone);
        let id = self.found.nodes.len();
        let told = self.judge(&node, &mut phone, id);
        rebase(&mut phone);
        let quiet = phone.ear.quiet(phone.now);
        let (first, again) = match self.seen.entry(key(&phone, &self.abstraction, node.mishaps)) {
            Entry::Occupied(mut known) => {
                let (first, most) = *known.get();
                // What comes after is the same, only quieter: where that matters it is explored again.
                let quieter = quiet > most && most <= self.flow.limits.silence;
                if quieter {
                    known.insert((first, quiet));
                }
                (first, quieter)
            }
            Entry::Vacant(place) => {
                place.insert((id, quiet));
                (id, true)
            }
        };
        let next = self.alike.len();
        node.alike = *self.alike.entry(key(&phone, &self.abstraction, 0)).or_insert(next);
        if node.alike == next {
            self.found.alike.push(id);
        }
        if !caller && let Some(parent) = from.and_then(|from| self.found.nodes.get(from)) {
            self.found.idle_ways.push((parent.alike, node.alike, new_document));
        }
        if again || told {
            node.first = first;
            self.found.nodes.push(node);
        }
        if again {
            self.open.push_back((id, phone));
        }
    }

    /// What the probe saw.
    fn observe(&mut self, phone: &mut Phone<'a>) {
        let Some(probe) = phone.call.probe.take() else { return };
        for (step, outcome) in probe.passed {
            self.found.entered.insert(step);
            *self.found.passed.entry((step, None)).or_default() += 1;
            if let Some(outcome) = outcome {
                *self.found.passed.entry((step, Some(outcome.0))).or_default() += 1;
            }
        }
    }

    /// Violations and silences, each kind at each step once; whether there was anything new to tell.
    fn judge(&mut self, node: &Node, phone: &mut Phone<'a>, id: usize) -> bool {
        let mut bad = false;
        for violation in std::mem::take(&mut phone.violations) {
            bad = true;
            let known = |(known, step, _): &(Violation, Option<StepId>, usize)| {
                same_kind(known, &violation) && *step == node.step
            };
            if !self.found.violations.iter().any(known) {
                self.found.violations.push((violation, node.step, id));
            }
        }
        phone.ear.listen(phone.now);
        let silence = phone.ear.longest().millis();
        phone.ear.forget();
        if let Some(best) = self.found.quietest.get_mut(usize::from(node.mishaps))
            && silence > best.millis
        {
            bad = true;
            *best = Quietest {
                millis: silence,
                step: node.step,
                node: id,
            };
        }
        if silence > self.flow.limits.silence && node.mishaps <= 1 {
            let known = self.found.silences.entry(node.step).or_insert((0, id));
            // Of two that are alike, the one with fewer mishaps is told.
            let mishaps = self
                .found
                .nodes
                .get(known.1)
                .map_or(node.mishaps, |known| known.mishaps);
            if (known.0, Reverse(mishaps)) < (silence, Reverse(node.mishaps)) {
                bad = true;
                *known = (silence, id);
            }
        }
        bad
    }
}

/// Whether two violations are told as one.
fn same_kind(one: &Violation, other: &Violation) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Takes out of a state what grows without meaning: numbers of requests and tasks, answers of long ago, the clock.
fn rebase(phone: &mut Phone<'_>) {
    let now = phone.now;
    let call = &mut phone.call;
    if phone.tasks.is_empty() && call.wishes.is_empty() && matches!(call.phase, Phase::Live(_)) {
        call.tasks = 0;
    }
    let ticket = call.live().map(|live| live.wait.ticket);
    for (route, n) in &mut call.uses {
        *n = match ticket {
            Some(ticket) if ticket.route == *route && ticket.n == 1 => 1,
            _ => 0,
        };
    }
    let redirect = call.redirect.as_ref().map(|redirect| redirect.ticket);
    let last = call.answers.back().map(|(ticket, _)| *ticket);
    call.answers
        .retain(|(known, _)| Some(*known) == redirect || Some(*known) == last);
    call.facts.started = crate::call::Time(now.0.saturating_sub(60_000));
    if let Some(limit) = call.timers.get_mut(&Timer::Limit) {
        *limit = now.plus(900_000);
    }
}
