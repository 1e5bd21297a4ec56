//! Follow-ups that stand twice: each would be done, and somebody would be written to two times.

use crate::compile::Compiled;
use crate::flow::{Finding, Findings, Node, Place};

pub(super) fn check(compiled: &Compiled, findings: &mut Findings) {
    for document in &compiled.documents {
        let items = document.root.as_ref().and_then(|root| root.key("after_call"));
        let items = items.and_then(Node::as_seq).unwrap_or_default();
        for (index, item) in items.iter().enumerate() {
            let earlier = items.get(..index).unwrap_or_default();
            let Some(first) = earlier.iter().find(|one| both_done(one, item)) else {
                continue;
            };
            findings.push(
                Finding::warning(
                    "repeated-follow-up",
                    Place::new(&document.source, item.span),
                    "this follow-up stands here twice",
                )
                .category("policy")
                .label("the same once more")
                .related(Place::new(&document.source, first.span), "the first one")
                .consequence("it is done twice after the same call: a caller gets the same message two times")
                .help("delete one of the two, or give them a `when` each that cannot both hold"),
            );
        }
    }
}

/// Whether two items do the same and there is a call after which both are done, as far as can be seen.
fn both_done(one: &Node, other: &Node) -> bool {
    let work = |node: &Node| {
        let entries = node.as_map().unwrap_or_default().iter();
        let mut work: Vec<(String, Vec<String>)> = entries
            .filter(|entry| !["when", "describe"].contains(&entry.key.text.as_str()))
            .map(|entry| (entry.key.text.clone(), words(&entry.value)))
            .collect();
        work.sort();
        work
    };
    let when = |node: &Node| node.key("when").map(words);
    let (first, second) = (when(one), when(other));
    work(one) == work(other) && (first == second || first.is_none() || second.is_none())
}

/// A value with its keys in one order, as words that can be compared.
fn words(node: &Node) -> Vec<String> {
    if let Some(scalar) = node.scalar() {
        return vec![scalar.text.trim().to_owned()];
    }
    if let Some(items) = node.as_seq() {
        let items = items.iter().flat_map(words);
        return ["[".to_owned()]
            .into_iter()
            .chain(items)
            .chain(["]".to_owned()])
            .collect();
    }
    let mut entries: Vec<Vec<String>> = node
        .as_map()
        .unwrap_or_default()
        .iter()
        .map(|entry| [vec![format!("{}:", entry.key.text)], words(&entry.value)].concat())
        .collect();
    entries.sort();
    entries.concat()
}
