//! The heads of the flow and of those that it runs: names, language, limits, where calls begin and fall back to, and the
//! interface of a flow that others run.

use super::change::{Change, Class, Sign, Subject};
use super::pair::Pairs;
use super::side::{Side, place};
use super::{notice, tree};
use crate::call::StepId;
use crate::flow::{Node, Span};
use serde_json::Value as Json;
use std::collections::BTreeMap;

/// Single values of the head, with what a caller notices of each.
const VALUES: [(&str, &str, &str); 4] = [
    (
        "flow",
        "flow-renamed",
        "nothing; new calls are logged under the new name",
    ),
    (
        "locale",
        "locale-changed",
        "what names no language of its own is spoken and understood in another one",
    ),
    (
        "limits",
        "limit-changed",
        "calls, or waits without a sound, may last longer or less long",
    ),
    (
        "apology",
        "apology-changed",
        "callers hear another apology where nothing else is left",
    ),
];

pub(super) fn compare(old: &Side<'_>, new: &Side<'_>, pairs: &Pairs, schema: &Json) -> Vec<Change> {
    let mut out = Vec::new();
    for (one, other) in &pairs.sections {
        let (Some((before, was)), Some((after, is))) = (old.root(*one), new.root(*other)) else {
            continue;
        };
        let name = (*other > 0).then(|| new.flow.sections[*other].name.clone());
        let subject = || Subject::Flow(name.clone());
        for (key, id, caller) in VALUES {
            let text = |root: &Node| root.key(key).and_then(Node::scalar).map(|scalar| scalar.text.clone());
            if text(was).is_some() && text(was) == text(is) {
                continue;
            }
            let same = tree::compare(key, was.key(key), is.key(key), tree::property(schema, key));
            // Of a flow that is run, only the name matters: language, limits and apology are the caller's.
            let counts = |delta: &tree::Delta| !delta.is_default && (*other == 0 || key == "flow");
            for delta in same.into_iter().filter(counts) {
                let class = if key == "flow" {
                    Class::Compatible
                } else {
                    Class::NewCalls
                };
                let caller = if key == "limits" {
                    notice::of(&delta)
                } else {
                    caller.to_owned()
                };
                let change = Change::new(id, class, subject(), delta.path).values(delta.was, delta.is);
                out.push(
                    change
                        .places(place(before, delta.old), place(after, delta.new))
                        .caller(caller),
                );
            }
        }
        let (begins, began) = (&new.flow.sections[*other], &old.flow.sections[*one]);
        let mut led = |id,
                       what: &str,
                       key: &dyn Fn(&Node) -> Option<Span>,
                       from: Option<StepId>,
                       to: Option<StepId>,
                       caller: &str| {
            if from.and_then(|from| pairs.steps.get(&from)) == to.as_ref() && from.is_some() == to.is_some() {
                return;
            }
            let named = |side: &Side<'_>, id: Option<StepId>| id.map(|id| side.name(id).to_owned());
            let change = Change::new(id, Class::NewCalls, subject(), what).values(named(old, from), named(new, to));
            out.push(
                change
                    .places(place(before, key(was)), place(after, key(is)))
                    .caller(caller),
            );
        };
        let start = |node: &Node| Some(node.key("start")?.key("call")?.span);
        let otherwise = |node: &Node| Some(node.key("otherwise")?.span);
        led(
            "start-changed",
            "start.call",
            &start,
            Some(began.start),
            Some(begins.start),
            "calls begin with another step",
        );
        let caller = "callers for whom something fails come to another step";
        led(
            "otherwise-changed",
            "otherwise",
            &otherwise,
            began.otherwise,
            begins.otherwise,
            caller,
        );
        for key in ["takes", "ends"] {
            interface(key, (*one, *other), (old, new), &mut out);
        }
    }
    out.extend(parts(old, new, pairs));
    out
}

/// What a flow takes and with what it ends: those that run it name the same.
fn interface(key: &str, (one, other): (usize, usize), (old, new): (&Side<'_>, &Side<'_>), out: &mut Vec<Change>) {
    let (Some((before, was)), Some((after, is))) = (old.root(one), new.root(other)) else {
        return;
    };
    let items = |root: &Node| -> BTreeMap<String, Span> {
        let nodes = root.key(key).and_then(Node::as_seq).unwrap_or_default().iter();
        nodes
            .filter_map(|node| Some((node.scalar()?.text.clone(), node.span)))
            .collect()
    };
    let (was, is) = (items(was), items(is));
    // A flow that is run from here was compiled with the one that runs it, so that one has followed.
    let class = if other == 0 { Class::Breaking } else { Class::NewCalls };
    let name = (other > 0).then(|| new.flow.sections[other].name.clone());
    let mut push = |item: &str, sign: Sign, spans: (Option<Span>, Option<Span>)| {
        let caller = match (key, sign) {
            ("takes", Sign::Added) => "flows that run this one and do not give it do not compile any more",
            ("takes", _) => "flows that run this one and give it do not compile any more",
            (_, Sign::Added) => "flows that run this one have to say where this end leads, or they do not compile",
            _ => "flows that run this one and wire this end do not compile any more",
        };
        let (was, is) = (spans.0.map(|_| item.to_owned()), spans.1.map(|_| item.to_owned()));
        let change = Change::new("interface-changed", class, Subject::Flow(name.clone()), key)
            .sign(sign)
            .values(was, is);
        out.push(
            change
                .places(place(before, spans.0), place(after, spans.1))
                .caller(caller),
        );
    };
    for (item, span) in is.iter().filter(|(item, _)| !was.contains_key(*item)) {
        push(item, Sign::Added, (None, Some(*span)));
    }
    for (item, span) in was.iter().filter(|(item, _)| !is.contains_key(*item)) {
        push(item, Sign::Removed, (Some(*span), None));
    }
}

/// Flows that are run and were not, or the other way round.
fn parts<'a>(old: &Side<'a>, new: &Side<'a>, pairs: &Pairs) -> Vec<Change> {
    let gone = (1..old.flow.sections.len()).filter(|one| !pairs.sections.contains_key(one));
    let gone = gone.map(|one| (Sign::Removed, *old, one));
    let came = (1..new.flow.sections.len()).filter(|one| !pairs.sections.values().any(|known| known == one));
    let came = came.map(|one| (Sign::Added, *new, one));
    let change = |(sign, side, section): (Sign, Side<'_>, usize)| {
        let name = side.flow.sections[section].name.clone();
        let start = side
            .root(section)
            .and_then(|(document, root)| place(document, Some(root.key("flow")?.span)));
        let file = side.file(section).map(str::to_owned);
        let is_new = sign == Sign::Added;
        let id = if is_new { "part-added" } else { "part-removed" };
        let change = Change::new(id, Class::NewCalls, Subject::Flow(Some(name)), "").sign(sign);
        let change = if is_new {
            change.values(None, file)
        } else {
            change.values(file, None)
        };
        let change = if is_new {
            change.places(None, start)
        } else {
            change.places(start, None)
        };
        change.caller(if is_new {
            "callers can come to the steps of another flow"
        } else {
            "new calls run this flow no more"
        })
    };
    gone.chain(came).map(change).collect()
}
