//! What is proven of a flow, in numbers and in one line.

use crate::phone::Move;
use std::collections::BTreeMap;

/// What is proven of a flow.
#[derive(Clone, Debug, PartialEq)]
pub struct Proof {
    /// How many states a call can be in.
    pub states: usize,
    /// How many ways lead from one to another.
    pub ways: usize,
    /// Whether all of them were visited; where not, nothing is proven.
    pub complete: bool,
    /// How many errors the search has found; with any, nothing is proven.
    pub errors: usize,
    /// The longest silence with nothing or one thing going wrong.
    pub silence: Longest,
    /// With two things at once.
    pub silence_of_two: Longest,
    /// What the flow allows, in milliseconds.
    pub limit: u64,
    /// How often each step lies on a way.
    pub steps: BTreeMap<String, u64>,
    /// How often each outcome does, as `step/outcome`.
    pub edges: BTreeMap<String, u64>,
}

impl Proof {
    /// Whether every call keeps what callers are promised, as far as the search goes.
    pub fn holds(&self) -> bool {
        self.complete && self.errors == 0 && self.silence.millis <= self.limit
    }
}

/// The longest silence that a caller can hear.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Longest {
    /// In milliseconds.
    pub millis: u64,
    /// The step.
    pub step: String,
    /// When, such as `the stream never starts`.
    pub when: String,
    /// What happens on the way there, from the call's beginning.
    pub way: Vec<Move>,
}

/// `6.4 s`.
pub(super) fn seconds(millis: u64) -> String {
    format!("{}.{} s", millis / 1000, millis % 1000 / 100)
}

/// The line that says what is proven, for people.
impl std::fmt::Display for Proof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let states = grouped(self.states);
        if !self.complete {
            return write!(f, "not proven: cut short after {states} states");
        }
        if self.holds() {
            f.write_str("proven: ")?;
        } else if self.silence.millis > self.limit {
            f.write_str("not within the limit: ")?;
        } else {
            f.write_str("not proven: ")?;
        }
        match &self.silence {
            Longest { millis: 0, .. } => f.write_str("a caller never hears nothing")?,
            Longest { millis, step, when, .. } => {
                write!(f, "longest silence {}, at `{step}`", seconds(*millis))?;
                if !when.is_empty() {
                    write!(f, " when {when}")?;
                }
            }
        }
        write!(f, " (allowed {})", seconds(self.limit))?;
        if self.silence_of_two.millis > self.silence.millis {
            write!(
                f,
                ", {} where two things fail at once",
                seconds(self.silence_of_two.millis)
            )?;
        }
        write!(f, "; {states} states")
    }
}

/// `1 842`.
fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push('\u{a0}');
        }
        text.push(digit);
    }
    text
}
