//! Where outcomes lead. The wired graph is compared, so that `next`, `on` and `otherwise` count by what they come to.

use super::change::{Change, Class, Sign, Subject};
use super::pair::Pairs;
use super::side::Side;
use crate::call::{Step, StepId};
use crate::flow::{Node, Place};

/// Outcomes that lead elsewhere, came or went; those that moved together are one change.
pub(super) fn compare(old: &Side<'_>, new: &Side<'_>, was: &Step, is: &Step, pairs: &Pairs, out: &mut Vec<Change>) {
    let mut moved: Vec<Moved> = Vec::new();
    let mut note = |outcome: &str, from: Option<StepId>, to: Option<StepId>| {
        if let Some(same) = moved.iter_mut().find(|one| (one.from, one.to) == (from, to)) {
            same.outcomes.push(outcome.to_owned());
        } else {
            moved.push(Moved {
                outcomes: vec![outcome.to_owned()],
                from,
                to,
            });
        }
    };
    for (outcome, to) in &is.wiring {
        let from = was.target(outcome);
        if from.is_none_or(|from| pairs.steps.get(&from) != Some(to)) {
            note(outcome.as_str(), from, Some(*to));
        }
    }
    for (outcome, from) in was.wiring.iter().filter(|(outcome, _)| is.target(outcome).is_none()) {
        note(outcome.as_str(), Some(*from), None);
    }
    for one in moved {
        let first = one.outcomes.first().map_or("", String::as_str);
        let (sign, caller) = match (one.from, one.to) {
            (Some(_), Some(to)) => (
                Sign::Changed,
                format!("callers to whom this happens come to `{}`", new.name(to)),
            ),
            (None, Some(to)) => (
                Sign::Added,
                format!("this can happen now, and leads to `{}`", new.name(to)),
            ),
            _ => (Sign::Removed, "this cannot happen any more".to_owned()),
        };
        let id = match sign {
            Sign::Added => "outcome-added",
            Sign::Removed => "outcome-removed",
            Sign::Changed | Sign::Renamed => "edge-rewired",
        };
        out.push(
            Change::new(
                id,
                Class::NewCalls,
                Subject::Step(is.name.clone()),
                format!("on {}", one.outcomes.join(", ")),
            )
            .sign(sign)
            .values(
                one.from.map(|from| old.name(from).to_owned()),
                one.to.map(|to| new.name(to).to_owned()),
            )
            .places(wired_at(old, was, first), wired_at(new, is, first))
            .caller(caller),
        );
    }
    let (skipped, skips) = (
        was.when.as_ref().map(|(_, to)| *to),
        is.when.as_ref().map(|(_, to)| *to),
    );
    if let (Some(from), Some(to)) = (skipped, skips)
        && pairs.steps.get(&from) != Some(&to)
    {
        out.push(
            Change::new(
                "edge-rewired",
                Class::NewCalls,
                Subject::Step(is.name.clone()),
                "skipped, to",
            )
            .values(Some(old.name(from).to_owned()), Some(new.name(to).to_owned()))
            .places(wired_at(old, was, ""), wired_at(new, is, ""))
            .caller(format!(
                "callers for whom `when` does not hold come to `{}`",
                new.name(to)
            )),
        );
    }
}

struct Moved {
    outcomes: Vec<String>,
    from: Option<StepId>,
    to: Option<StepId>,
}

/// Where it is written whither the outcome leads: in `on`, in `next`, or with the flow's `otherwise`.
fn wired_at(side: &Side<'_>, step: &Step, outcome: &str) -> Option<Place> {
    let (document, node) = side.written(step)?;
    let otherwise = || side.root(step.section)?.1.key("otherwise");
    let target = step
        .target(&outcome.into())
        .or_else(|| step.when.as_ref().map(|(_, to)| *to))?;
    let named = |node: &&Node| {
        node.scalar()
            .is_some_and(|name| name.text == side.local(side.flow.step(target)))
    };
    let own = node.key("on").and_then(|on| on.key(outcome));
    let span = own
        .or_else(|| node.key("next").filter(named))
        .or_else(otherwise)
        .map(|node| node.span);
    Some(span.map_or_else(|| step.place.clone(), |span| Place::new(&document.source, span)))
}
