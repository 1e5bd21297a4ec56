//! One recording through two flows: the same moments, the first that is not, and how far the recording goes on meaning
//! something to the other flow.

use super::fit::{Fit, fit};
use super::run::{Moment, Runner};
use super::same::same;
use super::side::{Excerpt, Side};
use super::tape::Happened;
use crate::call::{Call, Event, StepId, TaskKey, TaskKind, Time};
use std::collections::BTreeMap;

/// What both flows made of one moment of the recording.
#[derive(Clone, Debug)]
pub struct Beat {
    /// When.
    pub at: Time,
    /// The event's place in the recording; none for what happens only to the edited flow.
    pub seq: Option<i64>,
    /// What the recorded flow made of it.
    pub then: Option<Moment>,
    /// What the edited flow makes of it.
    pub now: Option<Moment>,
    /// Whether they are the same.
    pub same: bool,
}

/// Where and why the recording stops meaning anything to the edited flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// When.
    pub at: Time,
    /// Why.
    pub why: String,
}

/// A recording through two flows.
#[derive(Clone, Debug)]
pub struct Comparison {
    /// Everything that happened, in order.
    pub beats: Vec<Beat>,
    /// The first beat that is not the same.
    pub first: Option<usize>,
    /// Where the edited flow's part ends before the recording does.
    pub stop: Option<Stop>,
    /// Where the edited flow still waits when the recording is over.
    pub still_waits: Option<String>,
}

/// A recording through the flow that it was made with.
#[derive(Clone, Debug)]
pub struct Alone {
    /// Everything that happened, in order.
    pub beats: Vec<Beat>,
    /// The call at its end.
    pub call: Option<Call>,
    /// What it ordered outside.
    pub ordered: BTreeMap<TaskKey, TaskKind>,
}

/// Runs a recording through one flow, as it was.
pub fn alone(side: &Side, tape: &[Happened]) -> Alone {
    let mut runner = Runner::new(side);
    let mut beats = Vec::new();
    for happened in tape {
        let moment = runner.feed(happened.at, &happened.event);
        beats.push(Beat {
            at: happened.at,
            seq: Some(happened.seq),
            then: Some(moment),
            now: None,
            same: true,
        });
    }
    Alone {
        beats,
        call: runner.call,
        ordered: runner.ordered,
    }
}

/// Runs a recording through the flow that it was made with and through another one.
pub fn compare(then: &Side, now: &Side, tape: &[Happened]) -> Comparison {
    let mut work = Work {
        then: Runner::new(then),
        now: Runner::new(now),
        unrenderable: false,
        beats: Vec::new(),
        first: None,
        stop: None,
    };
    for happened in tape {
        work.take(happened);
    }
    let ends_at = tape.last().map_or(Time(0), |last| last.at);
    work.settle(ends_at);
    let still_waits = (work.first.is_some() && work.stop.is_none())
        .then(|| work.now.waits().map(|waits| waits.name))
        .flatten()
        // A recording that is itself not over says nothing about this.
        .filter(|_| work.then.has_ended());
    Comparison {
        beats: work.beats,
        first: work.first,
        stop: work.stop,
        still_waits,
    }
}

struct Work<'a> {
    then: Runner<'a>,
    now: Runner<'a>,
    /// The edited flow's latest answer could not be rendered, and the call has not been told yet.
    unrenderable: bool,
    beats: Vec<Beat>,
    first: Option<usize>,
    stop: Option<Stop>,
}

impl Work<'_> {
    fn take(&mut self, happened: &Happened) {
        let Happened { seq, at, event } = happened;
        if let (Event::DocumentFailed { .. }, true) = (event, self.unrenderable && self.stop.is_none()) {
            let then = self.then.feed(*at, event);
            let now = self.tell_unrenderable(*at);
            return self.push(*at, Some(*seq), Some(then), Some(now));
        }
        self.settle(*at);
        if self.first.is_some() && self.stop.is_none() {
            self.own_timers(*at, event);
        }
        let fitting = match (&self.stop, &self.first) {
            (Some(_), _) => Fit::Skipped,
            // Up to here the two calls are one: whatever came to it came to both.
            (None, None) if !matches!(event, Event::DocumentFailed { .. }) => Fit::Applies,
            (None, _) => fit(&self.then, &self.now, *at, event),
        };
        let then = self.then.feed(*at, event);
        match fitting {
            Fit::Applies => {
                let now = self.now.feed(*at, event);
                self.unrenderable = now.is_unrenderable();
                self.push(*at, Some(*seq), Some(then), Some(now));
            }
            Fit::Skipped => self.push(*at, Some(*seq), Some(then), None),
            Fit::Ends(why) => {
                self.stop = Some(Stop { at: *at, why });
                self.push(*at, Some(*seq), Some(then), None);
            }
        }
    }

    /// The edited call learns of a document that cannot be rendered, as it would in the engine, where the recording
    /// has nothing of the kind.
    fn settle(&mut self, at: Time) {
        for _ in 0..3 {
            if !self.unrenderable || self.stop.is_some() {
                return;
            }
            let now = self.tell_unrenderable(at);
            self.push(at, None, None, Some(now));
        }
    }

    fn tell_unrenderable(&mut self, at: Time) -> Moment {
        let event = Event::DocumentFailed {
            ticket: self.now.latest_ticket(),
            error: "the document cannot be rendered".to_owned(),
        };
        let moment = self.now.feed(at, &event);
        self.unrenderable = moment.is_unrenderable();
        moment
    }

    /// Once the flows differ, the edited one's timers are its own: they fire when they are due.
    fn own_timers(&mut self, by: Time, next: &Event) {
        // Each firing clears or moves its timer; the bound only keeps a mistake from running for ever.
        for _ in 0..1000 {
            let Some((timer, due)) = self.now.due(by) else { return };
            if matches!(next, Event::TimerFired { timer: recorded, .. } if *recorded == timer) {
                return;
            }
            let fired = Event::TimerFired {
                timer,
                last_frame: None,
            };
            let now = self.now.feed(due, &fired);
            self.unrenderable = now.is_unrenderable();
            self.push(due, None, None, Some(now));
            self.settle(due);
        }
    }

    fn push(&mut self, at: Time, seq: Option<i64>, then: Option<Moment>, now: Option<Moment>) {
        let same = match (&then, &now) {
            (Some(then), Some(now)) => same(then, now),
            (Some(only), None) | (None, Some(only)) => only.is_idle(),
            (None, None) => true,
        };
        if !same && self.first.is_none() {
            self.first = Some(self.beats.len());
        }
        self.beats.push(Beat {
            at,
            seq,
            then,
            now,
            same,
        });
    }
}

impl Beat {
    /// The YAML that the two flows part at: the first step on either way that is written differently, else the steps in
    /// which they wait.
    pub fn parting(&self, then: &Side, now: &Side) -> (Option<Excerpt>, Option<Excerpt>) {
        let way = |moment: &Option<Moment>, side: &Side| -> Vec<Excerpt> {
            let Some(moment) = moment else { return Vec::new() };
            let waits = moment.waits.as_ref().map(|waits| waits.step);
            let mut steps: Vec<StepId> = moment.trail.clone();
            steps.extend(waits.filter(|step| steps.last() != Some(step)));
            steps.into_iter().map(|step| side.excerpt(step)).collect()
        };
        let (old, new) = (way(&self.then, then), way(&self.now, now));
        let written = |excerpt: &Excerpt| (excerpt.step.clone(), excerpt.text.clone());
        let apart = (0..old.len().max(new.len())).find(|&at| old.get(at).map(written) != new.get(at).map(written));
        let at = apart.unwrap_or(usize::MAX);
        let pick = |way: &[Excerpt]| way.get(at).or(way.last()).cloned();
        (pick(&old), pick(&new))
    }
}
