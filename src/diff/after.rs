//! Follow-ups: what is done once per call after it, in order.

use super::change::{Change, Class, Sign, Subject};
use super::side::{Side, place};
use super::steps::kind_entry;
use super::{meaning, notice, tree};
use crate::call::AfterItem;
use crate::flow::{Document, Node};
use serde_json::Value as Json;

pub(super) fn compare(old: &Side<'_>, new: &Side<'_>, schema: &Json) -> Vec<Change> {
    let (before, after) = (Items::of(old), Items::of(new));
    let mut out = Vec::new();
    let (mut from, mut to) = (0, 0);
    // What is alike holds the rest in place; between, items of one kind are the same item.
    for (one, other) in alike(&before, &after) {
        gap(&before, &after, (from, one), (to, other), schema, &mut out);
        (from, to) = (one + 1, other + 1);
    }
    gap(
        &before,
        &after,
        (from, before.all.len()),
        (to, after.all.len()),
        schema,
        &mut out,
    );
    out
}

/// The follow-ups of one side.
struct Items<'a> {
    all: &'a [AfterItem],
    meanings: Vec<String>,
    document: Option<&'a Document>,
    nodes: &'a [Node],
}

impl<'a> Items<'a> {
    fn of(side: &Side<'a>) -> Self {
        let all = side.flow.after_call.as_slice();
        let meaning = |item: &AfterItem| {
            let when = item.when.as_ref().map(|when| when.text());
            format!("{} {when:?} {}", item.kind.name(), meaning::of(&item.kind))
        };
        let root = side.root(0);
        Self {
            all,
            meanings: all.iter().map(meaning).collect(),
            document: root.map(|(document, _)| document),
            nodes: root
                .and_then(|(_, root)| root.key("after_call")?.as_seq())
                .unwrap_or_default(),
        }
    }

    fn summary(&self, index: usize) -> Option<String> {
        self.nodes.get(index).map(tree::compact)
    }
}

/// The longest row of equal items in both lists, as pairs of positions.
fn alike(before: &Items<'_>, after: &Items<'_>) -> Vec<(usize, usize)> {
    let (rows, columns) = (before.meanings.len(), after.meanings.len());
    let mut best = vec![vec![0usize; columns + 1]; rows + 1];
    for row in (0..rows).rev() {
        for column in (0..columns).rev() {
            best[row][column] = if before.meanings[row] == after.meanings[column] {
                best[row + 1][column + 1] + 1
            } else {
                best[row + 1][column].max(best[row][column + 1])
            };
        }
    }
    let (mut row, mut column, mut pairs) = (0, 0, Vec::new());
    while row < rows && column < columns {
        if before.meanings[row] == after.meanings[column] {
            pairs.push((row, column));
            (row, column) = (row + 1, column + 1);
        } else if best[row + 1][column] >= best[row][column + 1] {
            row += 1;
        } else {
            column += 1;
        }
    }
    pairs
}

/// The items between two that are alike.
fn gap(
    before: &Items<'_>,
    after: &Items<'_>,
    (from, until): (usize, usize),
    (to, end): (usize, usize),
    schema: &Json,
    out: &mut Vec<Change>,
) {
    let mut left: Vec<usize> = (from..until).collect();
    for other in to..end {
        let kind = after.all[other].kind.name();
        let same = left.iter().position(|one| before.all[*one].kind.name() == kind);
        match same.map(|at| left.remove(at)) {
            Some(one) => changed(before, after, (one, other), schema, out),
            None => {
                let change = Change::new(
                    "follow-up-added",
                    Class::NewCalls,
                    Subject::AfterCall,
                    after.all[other].name.clone(),
                );
                let change = change.sign(Sign::Added).values(None, after.summary(other));
                let change = change.places(None, Some(after.all[other].place.clone()));
                out.push(change.caller("something more is done after each new call"));
            }
        }
    }
    for one in left {
        let change = Change::new(
            "follow-up-removed",
            Class::NewCalls,
            Subject::AfterCall,
            before.all[one].name.clone(),
        );
        let change = change.sign(Sign::Removed).values(before.summary(one), None);
        let change = change.places(Some(before.all[one].place.clone()), None);
        out.push(change.caller("this is not done any more after new calls; calls in progress still get it"));
    }
}

fn changed(before: &Items<'_>, after: &Items<'_>, (one, other): (usize, usize), schema: &Json, out: &mut Vec<Change>) {
    let (Some(was), Some(is)) = (before.nodes.get(one), after.nodes.get(other)) else {
        return;
    };
    let (Some(old), Some(new)) = (before.document, after.document) else {
        return;
    };
    let name = &after.all[other].name;
    let when = |item: &AfterItem| {
        item.when
            .as_ref()
            .map(|when| (when.text().to_owned(), when.place().clone()))
            .unzip()
    };
    let ((text, place_was), (now, place_is)) = (when(&before.all[one]), when(&after.all[other]));
    if text != now {
        let change = Change::new(
            "follow-up-changed",
            Class::NewCalls,
            Subject::AfterCall,
            format!("{name} when"),
        );
        out.push(
            change
                .values(text, now)
                .places(place_was, place_is)
                .caller("it is done after other calls"),
        );
    }
    let (Some(was), Some(is)) = (kind_entry(was), kind_entry(is)) else {
        return;
    };
    let form = tree::property(schema, &is.key.text);
    for delta in tree::compare("", Some(&was.value), Some(&is.value), form) {
        let class = if delta.is_default {
            Class::Compatible
        } else {
            Class::NewCalls
        };
        let caller = notice::of(&delta);
        let what = if delta.path.is_empty() {
            name.clone()
        } else {
            format!("{name} {}", delta.path)
        };
        let change = Change::new("follow-up-changed", class, Subject::AfterCall, what).values(delta.was, delta.is);
        let places = (
            place(old, delta.old.or(Some(was.key.span))),
            place(new, delta.new.or(Some(is.key.span))),
        );
        out.push(change.places(places.0, places.1).caller(caller));
    }
}
