//! What the search means for an author: numbers that are proven, and findings with the story of a call.

use super::explore::{Bounds, explore};
use super::explored::{Explored, Quietest};
use super::loops::circle;
use super::proof::{Longest, Proof, seconds};
use super::story::{Story, moves, story};
use crate::call::{Flow, StepId};
use crate::check::{examined, heads, never_reached, settled};
use crate::compile::{Compiled, Files};
use crate::flow::{Finding, Findings, Place, Scene, Severity};
use crate::phone::{Drive, Machine, Stage, Violation};
use std::collections::{BTreeMap, BTreeSet};

/// Compiles the flow file at `path`, runs every check and proves it: what `validate` goes by.
pub fn proven(path: &str, files: &dyn Files) -> (Compiled, Option<Proof>) {
    let mut compiled = examined(path, files);
    let proof = if compiled.findings.has_errors() {
        None
    } else {
        prove(&mut compiled)
    };
    (settled(compiled), proof)
}

/// Proves a flow that compiles without an error, and adds what is wrong to its findings.
pub fn prove(compiled: &mut Compiled) -> Option<Proof> {
    prove_with(compiled, &Machine, Bounds::default())
}

/// As [`prove`], with a machine and bounds of one's own.
pub fn prove_with(compiled: &mut Compiled, drive: &dyn Drive, bounds: Bounds) -> Option<Proof> {
    let flow = compiled.flow.as_ref()?;
    // A part is proven with the flows that run it: alone it has nothing to come back to.
    let is_part = |step: &crate::call::Step| step.section == 0 && step.kind.ends().is_some();
    if flow.steps.iter().any(is_part) {
        return None;
    }
    let stage = Stage::new(compiled.templates.clone());
    let explored = explore(flow, &stage, drive, bounds);
    let teller = Teller {
        explored: &explored,
        flow,
        stage: &stage,
        drive,
    };
    let mut found = Findings::default();
    teller.silences(&mut found);
    teller.violations(&compiled.findings, &mut found);
    if explored.complete {
        teller.circles(&compiled.findings, &mut found);
        teller.unreached(&compiled.findings, &mut found);
    } else {
        found.push(teller.cut_short());
    }
    let quietest = |mishaps: &[usize]| {
        let all = mishaps.iter().filter_map(|number| explored.quietest.get(*number));
        // Of two that are alike, the one with fewer mishaps.
        all.fold(Quietest::default(), |most, one| {
            if one.millis > most.millis { one.clone() } else { most }
        })
    };
    let proof = Proof {
        states: explored.states,
        ways: explored.ways,
        complete: explored.complete,
        errors: found
            .iter()
            .filter(|finding| finding.severity == Severity::Error)
            .count(),
        silence: teller.longest(&quietest(&[0, 1])),
        silence_of_two: teller.longest(&quietest(&[0, 1, 2])),
        limit: flow.limits.silence,
        steps: teller.steps(),
        edges: teller.edges(),
    };
    compiled.findings.extend(found);
    Some(proof)
}

struct Teller<'a> {
    explored: &'a Explored,
    flow: &'a Flow,
    stage: &'a Stage,
    drive: &'a dyn Drive,
}

impl Teller<'_> {
    fn story(&self, node: usize) -> Story {
        story(self.explored, self.flow, self.stage, self.drive, node)
    }

    fn longest(&self, quietest: &Quietest) -> Longest {
        if quietest.millis == 0 {
            return Longest::default();
        }
        let story = self.story(quietest.node);
        let step = story.quiet_step(self.flow).or(quietest.step);
        Longest {
            millis: quietest.millis,
            step: step.map(|step| self.flow.step(step).name.clone()).unwrap_or_default(),
            when: story.cause(),
            way: moves(self.explored, quietest.node),
        }
    }

    /// One finding for each step at which a silence is too long, the longest first.
    fn silences(&self, found: &mut Findings) {
        let mut by_step: BTreeMap<StepId, (u64, Story)> = BTreeMap::new();
        for (ends, (millis, node)) in &self.explored.silences {
            let story = self.story(*node);
            let Some(step) = story.quiet_step(self.flow).or(*ends) else {
                continue;
            };
            let better = |(known, other): &(u64, Story)| (*known, other.plainness()) < (*millis, story.plainness());
            if by_step.get(&step).is_none_or(better) {
                by_step.insert(step, (*millis, story));
            }
        }
        for (id, (millis, story)) in by_step {
            let step = self.flow.step(id);
            let limit = self.flow.limits.silence;
            let cause = story.cause();
            let mut finding = Finding::error(
                "silence-too-long",
                step.place.clone(),
                format!(
                    "a caller can hear nothing for {}; `limits.silence` allows {}",
                    seconds(millis),
                    seconds(limit)
                ),
            )
            .category("proof")
            .label(if cause.is_empty() {
                "here".to_owned()
            } else {
                format!("when {cause}")
            })
            .consequence(format!(
                "silence from {} to {} of the call below",
                seconds(Story::since(story.silence.from)),
                seconds(Story::since(story.silence.to))
            ));
            for help in helps(step.kind.name(), limit) {
                finding = finding.help(help);
            }
            found.push(finding.story(self.scenes(&story)));
        }
    }

    fn violations(&self, known: &Findings, found: &mut Findings) {
        for (violation, at, node) in &self.explored.violations {
            let finding = match violation {
                Violation::StepFailed(detail) => self.failing_step(detail, *at),
                Violation::FollowUpFailed(detail) => {
                    let place = self.after_call(detail);
                    let told_before = |finding: &Finding| finding.id == "unset-after-call";
                    if known.iter().any(told_before) {
                        continue;
                    }
                    Finding::error("failing-step", place, format!("a follow-up fails: {detail}"))
                        .label("this item")
                        .consequence("it would not be done for such a call")
                        .help("give what may be missing a `default(…)`, or the item a `when`")
                }
                Violation::SilentQueue => Finding::error(
                    "silent-queue",
                    self.place(*at),
                    "the queue's own sounds hold nothing to hear",
                )
                .label("callers wait here")
                .consequence("a caller would wait in silence")
                .help("name a sound under `wait`, or leave `wait` out for the carrier's music"),
                other => self.engine_fault(other, *at),
            };
            found.push(finding.category("proof").story(self.scenes(&self.story(*node))));
        }
    }

    fn failing_step(&self, detail: &str, at: Option<StepId>) -> Finding {
        let named = detail
            .split_once(": ")
            .and_then(|(name, error)| Some((self.flow.step_named(name)?, error)));
        let (place, message) = match named {
            Some((step, error)) => {
                let step = self.flow.step(step);
                (
                    step.place.clone(),
                    format!("`{}` fails for some callers: {error}", step.name),
                )
            }
            None => (self.place(at), format!("a step fails for some callers: {detail}")),
        };
        Finding::error("failing-step", place, message)
            .label("this step")
            .consequence("such a caller would hear the fallback instead")
            .help("set what it uses on every way to it, or give each part that may be missing its default: `(vars.a | default({})).b | default('')`")
    }

    fn engine_fault(&self, violation: &Violation, at: Option<StepId>) -> Finding {
        let fact = match violation {
            Violation::NoDocument => "a live call's request is answered with nothing".to_owned(),
            Violation::BadDocument(error) => format!("a document cannot be used: {error}"),
            Violation::OrderedTwice(key) => format!("the task `{key}` is ordered twice"),
            Violation::Stray(name) => format!("a `{name}` is ordered that nobody waits for"),
            Violation::FollowUpTwice(item) => format!("follow-up {} is done twice", item + 1),
            Violation::RowTwice(kind) => format!("a follow-up of the kind `{kind}` is done twice"),
            Violation::FollowUpLost(item) => format!("nobody does follow-up {}", item + 1),
            Violation::Unbounded => "a live call has lost the timer that bounds it".to_owned(),
            Violation::Stranded => "a live call has nothing that moves it on".to_owned(),
            Violation::Revived => "a call that was over lives again".to_owned(),
            Violation::NotRepeatable => "what comes twice has another effect than what comes once".to_owned(),
            other => format!("{other:?}"),
        };
        Finding::error("engine-fault", self.place(at), fact)
            .label("at this step")
            .consequence("what the engine promises does not hold for this flow")
            .help("this is a bug in the engine: please report it with the flow")
    }

    /// Circles in which the caller has no part, unless the graph's own check has told of them.
    fn circles(&self, known: &Findings, found: &mut Findings) {
        for states in circle(self.explored.alike.len(), &self.explored.idle_ways) {
            let nodes: Vec<usize> = states
                .iter()
                .filter_map(|state| self.explored.alike.get(*state).copied())
                .collect();
            let steps: BTreeSet<StepId> = nodes
                .iter()
                .filter_map(|node| self.explored.nodes.get(*node)?.step)
                .collect();
            let places: Vec<&Place> = steps.iter().map(|step| &self.flow.step(*step).place).collect();
            let told = known.iter().chain(found.iter()).any(|finding| {
                finding.id.starts_with("loop-without") && (places.contains(&&finding.place) || places.is_empty())
            });
            let (Some(first), false) = (steps.first(), told) else {
                continue;
            };
            let names: Vec<String> = steps
                .iter()
                .map(|step| format!("`{}`", self.flow.step(*step).name))
                .collect();
            let mut finding = Finding::warning(
                "loop-without-end",
                self.flow.step(*first).place.clone(),
                format!(
                    "{} can go round without the caller's doing until the call's limit",
                    names.join(", ")
                ),
            )
            .category("proof")
            .label("begins here")
            .consequence("a caller who does nothing, or whom nothing reaches, would hear the same over and over")
            .help("lead the failure elsewhere, such as to a recording, or count the rounds with `set` and `choose`");
            if let Some(node) = nodes.first() {
                finding = finding.story(self.scenes(&self.story(*node)));
            }
            found.push(finding);
        }
    }

    /// Steps that no call comes to, though something leads there.
    fn unreached(&self, known: &Findings, found: &mut Findings) {
        let steps = (0..self.flow.steps.len()).filter_map(|index| u16::try_from(index).ok().map(StepId));
        let unreached: BTreeSet<StepId> = steps.filter(|id| !self.explored.entered.contains(id)).collect();
        for (id, behind) in heads(self.flow, &unreached) {
            let place = &self.flow.step(id).place;
            let told = |finding: &Finding| finding.id == "unreachable-step" && finding.place == *place;
            // A step that fails is come to, and what is behind it is missed for that alone.
            let fails = |finding: &Finding| finding.id == "failing-step" && finding.place == *place;
            if known.iter().any(told) || found.iter().any(fails) {
                continue;
            }
            found.push(
                Finding::warning("unreachable-step", place.clone(), never_reached(self.flow, id, &behind))
                    .category("proof")
                    .label("no state of any call leads here")
                    .help("look at the conditions before it: one of them never holds"),
            );
        }
    }

    fn cut_short(&self) -> Finding {
        let place = self
            .flow
            .sections
            .first()
            .map(|section| self.flow.step(section.start).place.clone());
        Finding::warning(
            "not-proven",
            place.unwrap_or_else(|| self.place(None)),
            if self.explored.cut {
                "more conditions are judged in one document than the search decides both ways: nothing is proven of this flow"
                    .to_owned()
            } else if self.explored.exact {
                format!(
                    "the search was cut short after {} states: nothing is proven of this flow",
                    self.explored.states
                )
            } else {
                "the flow counts further than the search does: nothing is proven of it".to_owned()
            },
        )
        .category("proof")
        .label("from here on")
        .consequence("what was found is true, what was not found may still be there")
        .help("split the flow into several that it runs, or bound what it counts")
    }

    fn scenes(&self, story: &Story) -> Vec<Scene> {
        story.scenes(self.flow)
    }

    fn place(&self, step: Option<StepId>) -> Place {
        let step = step.or_else(|| self.flow.sections.first().map(|section| section.start));
        let step = step.map_or_else(|| self.flow.steps.first(), |step| Some(self.flow.step(step)));
        step.map_or_else(
            || Place::start_of(&crate::flow::Source::new("", "")),
            |step| step.place.clone(),
        )
    }

    fn after_call(&self, detail: &str) -> Place {
        let item = self.flow.after_call.iter().find(|item| detail.starts_with(&item.name));
        item.map_or_else(|| self.place(None), |item| item.place.clone())
    }

    fn steps(&self) -> BTreeMap<String, u64> {
        let passed = self.explored.passed.iter();
        passed
            .filter(|((_, outcome), _)| outcome.is_none())
            .map(|((step, _), count)| (self.flow.step(*step).name.clone(), *count))
            .collect()
    }

    fn edges(&self) -> BTreeMap<String, u64> {
        let passed = self.explored.passed.iter();
        passed
            .filter_map(|((step, outcome), count)| {
                let name = &self.flow.step(*step).name;
                Some((format!("{name}/{}", outcome.as_ref()?), *count))
            })
            .collect()
    }
}

/// What can be done about a silence at a step of this kind.
fn helps(kind: &str, limit: u64) -> Vec<String> {
    let first = match kind {
        "http" | "whatsapp" | "sms" => {
            "let something be heard right before it, or shorten its `timeout` and `retries`; two such steps in a row add up"
        }
        "gather" => "shorten its `timeout`, so that the caller is asked again sooner",
        "record" => "shorten its `silence`, or let something be heard right after it",
        "pause" => "shorten the pause, or let something be heard instead",
        "converse" | "relay" => {
            "lower `watchdog.start` or `watchdog.media`, or the agent's `idle.after`; a `greeting` ends the silence sooner"
        }
        "stream" => "lower its `start`, or let something be heard right before it",
        "refer" | "dial" => "let something be heard right before it",
        _ => "let something be heard sooner",
    };
    vec![
        first.to_owned(),
        format!(
            "or raise `limits.silence` above {}, if your callers can bear it",
            seconds(limit)
        ),
    ]
}
