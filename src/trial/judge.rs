//! What was expected of a call, held against what came of it.

mod documents;
mod fits;
mod heard;
mod kept;
mod way;

use super::form::Expect;
use super::outcome::Played;
use super::player::Ground;
use super::scenario::Scenario;
use crate::call::{StepId, Time};
use crate::flow::Place;
use crate::phone::Violation;

/// Something that did not come of a call as it must.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The expectation.
    pub place: Place,
    /// What was expected, in a few words.
    pub expected: String,
    /// What came instead.
    pub came: String,
    /// The moment of the call that it is about, where it is about one.
    pub at: Option<Time>,
}

/// Holds a call against its scenario: what failed, and what only warns.
pub fn judge(ground: &Ground<'_>, scenario: &Scenario, played: &Played) -> (Vec<Failure>, Vec<Failure>) {
    let mut failures = Judge::new(ground, scenario, played).all(&scenario.form.expect);
    let judge = Judge::new(ground, scenario, played);
    failures.extend(judge.promises(&scenario.form.expect));
    let warnings = Judge::new(ground, scenario, played).all(&scenario.form.warn);
    (failures, warnings)
}

struct Judge<'a> {
    ground: &'a Ground<'a>,
    scenario: &'a Scenario,
    played: &'a Played,
    failures: Vec<Failure>,
}

impl<'a> Judge<'a> {
    fn new(ground: &'a Ground<'a>, scenario: &'a Scenario, played: &'a Played) -> Self {
        Self {
            ground,
            scenario,
            played,
            failures: Vec::new(),
        }
    }

    fn all(mut self, expect: &Expect) -> Vec<Failure> {
        self.hears(expect);
        self.silence(expect);
        self.counts(expect);
        self.steps(expect);
        self.ends(expect);
        self.within(expect);
        self.stored(expect);
        self.twiml(expect);
        self.requests(expect);
        self.turns(expect);
        self.failures
    }

    /// What every caller is promised, whatever a scenario says.
    fn promises(mut self, expect: &Expect) -> Vec<Failure> {
        let place = self.scenario.place.clone();
        let limit = self.ground.flow().limits.silence;
        let silence = self.played.silence;
        if expect.silence.is_none() && silence.millis() > limit {
            self.miss(
                &place,
                format!("no silence over {}, the flow's `limits.silence`", seconds(limit)),
                format!("{} of silence", seconds(silence.millis())),
                Some(silence.from),
            );
        }
        if self.played.end.is_none() {
            self.miss(
                &place,
                "an end of the call".to_owned(),
                "it never ends".to_owned(),
                Some(self.played.over),
            );
        }
        for violation in &self.played.violations {
            let came = match violation {
                // A step that fails on a call's own data has its way on, and the scenario may be about that.
                Violation::StepFailed(_) | Violation::FollowUpFailed(_) => continue,
                Violation::BadDocument(error) => format!("a document that the carrier cannot read: {error}"),
                Violation::NoDocument => "a request that got no document".to_owned(),
                Violation::SilentQueue => "a queue in which nothing is heard".to_owned(),
                other => format!("a fault of the engine: {other:?}"),
            };
            self.miss(&place, "a call without faults".to_owned(), came, None);
        }
        self.failures
    }

    fn miss(&mut self, place: &Place, expected: String, came: String, at: Option<Time>) {
        self.failures.push(Failure {
            place: place.clone(),
            expected,
            came,
            at,
        });
    }

    fn name(&self, step: StepId) -> &'a str {
        &self.ground.flow().step(step).name
    }
}

/// A length of time for people.
pub(super) fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}
