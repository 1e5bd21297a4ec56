//! The way of a call: the steps that it comes to, how it ends, and when.

use super::fits::{is_heard, listed};
use super::{Judge, seconds};
use crate::call::Time;
use crate::flow::{Duration, Located};
use crate::trial::form::Expect;

impl Judge<'_> {
    pub(super) fn steps(&mut self, expect: &Expect) {
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

    pub(super) fn ends(&mut self, expect: &Expect) {
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

    pub(super) fn within(&mut self, expect: &Expect) {
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

    fn visited(&self) -> String {
        listed(self.played.steps.iter().map(|(_, step)| self.name(*step).to_owned()))
    }
}
