//! Conditions that hold for no call: what stands behind them is never done.

use super::written::{self, Written};
use crate::call::Flow;
use crate::compile::Compiled;
use crate::flow::{Condition, Finding, Findings};
use serde_json::json;
use std::collections::BTreeSet;

/// A call may last a little longer than its limit before the carrier has ended it, in seconds.
const MARGIN: i64 = 60;

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    let Some(flow) = &compiled.flow else { return };
    for step in &flow.steps {
        let branches = if step.kind.name() == "choose" {
            step.kind.touches().conditions
        } else {
            Vec::new()
        };
        let own = step
            .when
            .as_ref()
            .map(|(when, _)| (when, "this step is always skipped"));
        let branches = branches.into_iter().map(|one| (one, "no call ever takes this branch"));
        for (condition, consequence) in own.into_iter().chain(branches) {
            if condition.uses().is_empty() && never(condition, [(0, 0)]) {
                findings.push(told(condition, consequence));
            }
        }
    }
    for step in written::all(compiled).iter().filter(|one| one.kind == "gather") {
        valid(step, findings);
    }
    for item in &flow.after_call {
        let Some(condition) = &item.when else { continue };
        if after_a_call(condition) && never(condition, calls(flow, condition.text())) {
            findings.push(told(condition, "this follow-up is never done"));
        }
    }
}

/// An answer of so many keys that no caller can give.
fn valid(gather: &Written<'_>, findings: &mut Findings) {
    let (Some(keys), Some(valid)) = (gather.number("keys"), gather.text("valid")) else {
        return;
    };
    let plain: String = valid.text.chars().filter(|letter| !letter.is_whitespace()).collect();
    let asked = ["==", ">=", ">"].iter().find_map(|sign| {
        let number = plain.strip_prefix("step.digits|length")?.strip_prefix(sign)?;
        let number: u64 = number.parse().ok()?;
        Some(number + u64::from(*sign == ">"))
    });
    let Some(asked) = asked.filter(|asked| *asked > keys) else {
        return;
    };
    findings.push(
        Finding::warning(
            "condition-never-holds",
            valid.place,
            format!("`{}` holds for no answer: `keys: {keys}` are taken", valid.text),
        )
        .category("graph")
        .label("always false")
        .consequence("every caller is told that the answer is wrong, and nobody gets on")
        .help(format!("write `keys: {asked}`, or ask for fewer here")),
    );
}

/// Whether nothing but the length of the call and the number of its messages counts.
fn after_a_call(condition: &Condition) -> bool {
    condition.uses().iter().all(|one| {
        let path: Vec<&str> = one.path.iter().map(String::as_str).collect();
        matches!(path.as_slice(), ["call", "seconds" | "recordings"])
    })
}

/// Whether the condition is false for all of these calls: their seconds, and their messages.
fn never(condition: &Condition, calls: impl IntoIterator<Item = (i64, i64)>) -> bool {
    calls.into_iter().all(|(seconds, recordings)| {
        let context = json!({"call": {"seconds": seconds, "recordings": recordings}});
        condition.holds(&context) == Ok(false)
    })
}

/// Calls that differ for a condition: the numbers that it names lie between them.
fn calls(flow: &Flow, text: &str) -> BTreeSet<(i64, i64)> {
    let longest = i64::try_from(flow.limits.call / 1_000)
        .unwrap_or(i64::MAX)
        .saturating_add(MARGIN);
    let numbers = text
        .split(|letter: char| !letter.is_ascii_digit())
        .filter_map(|part| part.parse::<i64>().ok());
    let mut numbers: BTreeSet<i64> = numbers
        .flat_map(|number| [number.saturating_sub(1), number, number.saturating_add(1)])
        .collect();
    numbers.extend([0, 1, 2, longest / 2, longest]);
    let seconds = numbers.iter().filter(|number| (0..=longest).contains(*number));
    let messages = |seconds: &i64| {
        let seconds = *seconds;
        let messages = numbers.iter().filter(|number| (0..=10).contains(*number));
        messages.map(move |messages| (seconds, *messages)).collect::<Vec<_>>()
    };
    seconds.flat_map(messages).collect()
}

fn told(condition: &Condition, consequence: &str) -> Finding {
    let text = condition.text();
    let help = if condition.uses().is_empty() {
        "it asks nothing of the call: mend it, or remove what it keeps from happening"
    } else {
        "compare with what a call can have: at most the seconds of `limits.call`, and numbers without quotes"
    };
    Finding::warning(
        "condition-never-holds",
        condition.place().clone(),
        format!("`{text}` holds for no call"),
    )
    .category("graph")
    .label("always false")
    .consequence(consequence)
    .help(help)
}
