//! What was expected of a call, held against what came of it.

mod fits;

use super::form::{Counted, Expect, TurnForm};
use super::outcome::{Heard, Played};
use super::player::Ground;
use super::scenario::Scenario;
use super::shape;
use crate::call::{Row, StepId, Time};
use crate::flow::{Duration, Located, Place};
use crate::phone::Violation;
use fits::{counted, is_asked, is_heard, is_kept, is_sent, is_turn, listed, message, message_form, same, shown};
use serde_json::Value;

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

    fn hears(&mut self, expect: &Expect) {
        let mut from = 0;
        let mut latest = self.played.began;
        for wanted in &expect.hears {
            let rest = self.played.heard.get(from..).unwrap_or_default();
            match rest.iter().position(|heard| is_heard(&wanted.value, heard)) {
                Some(at) => {
                    latest = rest.get(at).map_or(latest, |heard| heard.at);
                    from += at + 1;
                }
                None => {
                    let came = match rest.len() {
                        0 => "nothing was heard after that".to_owned(),
                        _ => format!("heard was {}", listed(rest.iter().map(shown))),
                    };
                    let earlier = self
                        .played
                        .heard
                        .iter()
                        .take(from)
                        .any(|heard| is_heard(&wanted.value, heard));
                    let order = if earlier {
                        " (it was heard before its place)"
                    } else {
                        ""
                    };
                    let expected = format!("the caller hears `{}`", wanted.value);
                    self.miss(&wanted.place, expected, format!("{came}{order}"), Some(latest));
                    break;
                }
            }
        }
        for unwanted in &expect.not_hears {
            let is = |heard: &&Heard| is_heard(&unwanted.value, heard) || heard.what.contains(unwanted.value.as_str());
            let heard = self.played.heard.iter().find(is);
            if let Some(heard) = heard {
                let at = heard.at;
                let came = format!("it was heard after {}", seconds(at.since(self.played.began)));
                let expected = format!("the caller never hears `{}`", unwanted.value);
                self.miss(&unwanted.place, expected, came, Some(at));
            }
        }
    }

    fn silence(&mut self, expect: &Expect) {
        let Some(most) = &expect.silence else { return };
        let silence = self.played.silence;
        if silence.millis() > most.value.as_millis() {
            self.miss(
                &most.place,
                format!("no silence over {}", seconds(most.value.as_millis())),
                format!("{} of silence", seconds(silence.millis())),
                Some(silence.from),
            );
        }
    }

    fn counts(&mut self, expect: &Expect) {
        if let Some(wanted) = &expect.recordings
            && usize::try_from(wanted.value) != Ok(self.played.recordings)
        {
            let expected = counted(wanted.value as usize, "recording");
            self.miss(
                &wanted.place,
                expected,
                counted(self.played.recordings, "recording"),
                None,
            );
        }
        let Some(wanted) = &expect.messages else { return };
        let sent = &self.played.messages;
        match &wanted.value {
            Counted::Number(number) if usize::try_from(*number) != Ok(sent.len()) => {
                let expected = counted(*number as usize, "message");
                self.miss(&wanted.place, expected, counted(sent.len(), "message"), None);
            }
            Counted::Each(forms) if forms.len() != sent.len() => {
                let came = format!(
                    "{}: {}",
                    counted(sent.len(), "message"),
                    listed(sent.iter().map(message))
                );
                self.miss(&wanted.place, counted(forms.len(), "message"), came, None);
            }
            Counted::Each(forms) => {
                for (form, sent) in forms.iter().zip(sent) {
                    if !is_sent(form, sent) {
                        let expected = format!("a message like {}", message_form(form));
                        self.miss(&wanted.place, expected, message(sent), Some(sent.at));
                    }
                }
            }
            Counted::Number(_) => {}
        }
    }

    fn name(&self, step: StepId) -> &'a str {
        &self.ground.flow().step(step).name
    }

    fn visited(&self) -> String {
        listed(self.played.steps.iter().map(|(_, step)| self.name(*step).to_owned()))
    }

    fn steps(&mut self, expect: &Expect) {
        let mut from = 0;
        let mut latest = self.played.began;
        for wanted in &expect.steps {
            let rest = self.played.steps.get(from..).unwrap_or_default();
            match rest.iter().position(|(_, step)| self.name(*step) == wanted.value) {
                Some(at) => {
                    latest = rest.get(at).map_or(latest, |(at, _)| *at);
                    from += at + 1;
                }
                None => {
                    let expected = format!("the call comes to `{}`", wanted.value);
                    let came = format!("it came through {}", self.visited());
                    self.miss(&wanted.place, expected, came, Some(latest));
                    break;
                }
            }
        }
        for unwanted in &expect.not_steps {
            let found = self
                .played
                .steps
                .iter()
                .find(|(_, step)| self.name(*step) == unwanted.value);
            if let Some((at, _)) = found {
                let came = format!("it did after {}", seconds(at.since(self.played.began)));
                let expected = format!("the call never comes to `{}`", unwanted.value);
                self.miss(&unwanted.place, expected, came, Some(*at));
            }
        }
    }

    fn ends(&mut self, expect: &Expect) {
        let Some(wanted) = &expect.ends else { return };
        let came = self.played.end.map_or("live", |reason| reason.word());
        if came != wanted.value {
            self.miss(
                &wanted.place,
                format!("the call ends as `{}`", wanted.value),
                format!("it ended as `{came}`"),
                Some(self.played.over),
            );
        }
    }

    fn within(&mut self, expect: &Expect) {
        for (what, most) in &expect.within {
            let came = if what.value == "end" {
                Some(self.played.over)
            } else {
                let step = self
                    .played
                    .steps
                    .iter()
                    .find(|(_, step)| self.name(*step) == what.value);
                step.map(|(at, _)| *at).or_else(|| {
                    let heard = self.played.heard.iter().find(|heard| is_heard(&what.value, heard));
                    heard.map(|heard| heard.at)
                })
            };
            self.in_time(what, *most, came);
        }
    }

    fn in_time(&mut self, what: &Located<String>, most: Duration, came: Option<Time>) {
        let expected = format!("`{}` within {}", what.value, seconds(most.as_millis()));
        match came {
            Some(at) if at.since(self.played.began) > most.as_millis() => {
                let came = format!("it came after {}", seconds(at.since(self.played.began)));
                self.miss(&what.place, expected, came, Some(at));
            }
            Some(_) => {}
            None => self.miss(
                &what.place,
                expected,
                "it never came".to_owned(),
                Some(self.played.over),
            ),
        }
    }

    fn stored(&mut self, expect: &Expect) {
        let Some(stored) = &expect.stored else { return };
        let played = self.played;
        for (kept, known, what) in [
            (&stored.vars, &played.vars, "the variable"),
            (&stored.contact, &played.contact, "the contact's"),
        ] {
            for (name, wanted) in kept {
                let came = known.get(&name.value);
                if !came.is_some_and(|came| same(wanted, came)) {
                    let expected = format!("{what} `{}` is {wanted}", name.value);
                    let came = came.map_or_else(|| "it is not set".to_owned(), |came| format!("it is {came}"));
                    self.miss(&name.place, expected, came, None);
                }
            }
        }
        let Some(wanted) = &stored.interactions else { return };
        let kept: Vec<(&str, &str, &Value)> = played
            .rows
            .iter()
            .filter_map(|row| match row {
                Row::Interaction {
                    kind, summary, data, ..
                } => Some((kind.as_str(), summary.as_str(), data)),
                _ => None,
            })
            .collect();
        let shown = || listed(kept.iter().map(|(kind, summary, _)| format!("{kind}: {summary}")));
        match &wanted.value {
            Counted::Number(number) if usize::try_from(*number) != Ok(kept.len()) => {
                let expected = counted(*number as usize, "interaction");
                self.miss(&wanted.place, expected, counted(kept.len(), "interaction"), None);
            }
            Counted::Each(forms) => {
                let fit = forms.len() == kept.len() && forms.iter().zip(&kept).all(|(form, kept)| is_kept(form, *kept));
                if !fit {
                    let expected = format!("{} as written here", counted(forms.len(), "interaction"));
                    let came = format!("{}: {}", counted(kept.len(), "interaction"), shown());
                    self.miss(&wanted.place, expected, came, None);
                }
            }
            Counted::Number(_) => {}
        }
    }

    fn twiml(&mut self, expect: &Expect) {
        for (step, verbs) in &expect.twiml {
            let documents: Vec<_> = self
                .played
                .documents
                .iter()
                .filter(|(_, steps, _)| steps.iter().any(|at| self.name(*at) == step.value))
                .collect();
            if documents.is_empty() {
                let expected = format!("a document at `{}`", step.value);
                self.miss(&step.place, expected, "there was none".to_owned(), None);
                continue;
            }
            let forms: Vec<_> = verbs.iter().map(|verb| &verb.value).collect();
            let mut first = None;
            for (at, _, document) in documents {
                let read = self.ground.stage().render(document).map_err(|error| error.to_string());
                let read = read.and_then(|xml| crate::twiml::read(&xml).map_err(|problem| problem.message));
                match read {
                    Ok(root) => match shape::difference(&forms, &root.children) {
                        None => {
                            first = None;
                            break;
                        }
                        Some(tree) => {
                            first.get_or_insert((*at, tree));
                        }
                    },
                    Err(error) => {
                        first.get_or_insert((*at, error));
                    }
                }
            }
            if let Some((at, tree)) = first {
                let place = verbs.first().map_or(&step.place, |verb| &verb.place);
                let expected = format!("these verbs in the document at `{}`", step.value);
                self.miss(
                    place,
                    expected,
                    format!("a document of another form:\n{tree}"),
                    Some(at),
                );
            }
        }
    }

    fn requests(&mut self, expect: &Expect) {
        for wanted in &expect.requests {
            let form = &wanted.value;
            let count = self
                .played
                .requests
                .iter()
                .filter(|request| is_asked(form, request))
                .count();
            let good = match form.times {
                Some(times) => usize::try_from(times) == Ok(count),
                None => count > 0,
            };
            if !good {
                let came = match self.played.requests.len() {
                    0 => "no service was called".to_owned(),
                    _ => {
                        let shown =
                            |request: &super::Request| format!("{} {} {}", request.method, request.url, request.body);
                        format!("called were {}", listed(self.played.requests.iter().map(shown)))
                    }
                };
                let expected = match form.times {
                    Some(times) => format!("`{}` is called {times} times as written here", form.to),
                    None => format!("`{}` is called as written here", form.to),
                };
                self.miss(&wanted.place, expected, came, None);
            }
        }
    }

    fn turns(&mut self, expect: &Expect) {
        let mut from = 0;
        for wanted in &expect.turns {
            let rest = self.played.turns.get(from..).unwrap_or_default();
            match rest.iter().position(|(_, who, text)| is_turn(&wanted.value, who, text)) {
                Some(at) => from += at + 1,
                None => {
                    let turns = self.played.turns.iter();
                    let came = format!(
                        "the turns were {}",
                        listed(turns.map(|(_, who, text)| format!("{who}: “{text}”")))
                    );
                    let TurnForm { caller, agent } = &wanted.value;
                    let who = |who: &str, text: &Option<String>| text.as_ref().map(|text| format!("{who}: “{text}”"));
                    let parts: Vec<String> = [who("caller", caller), who("agent", agent)]
                        .into_iter()
                        .flatten()
                        .collect();
                    return self.miss(&wanted.place, format!("a turn with {}", parts.join(", ")), came, None);
                }
            }
        }
    }
}

/// A length of time for people.
pub(super) fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}
