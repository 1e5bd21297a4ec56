//! Steps, follow-ups and actions as they are written, for checks that look at values and their places.

use crate::call::Step;
use crate::compile::Compiled;
use crate::flow::{Document, Duration, Node, Place};

/// Something of a kind that stands in a flow file.
pub(super) struct Written<'a> {
    /// The file.
    pub document: &'a Document,
    /// The kind's name, such as `dial`.
    pub kind: &'static str,
    /// Where the kind's name stands.
    pub place: Place,
    /// Its settings: a map, or the one value that is written short.
    pub body: &'a Node,
    /// The compiled step; none for a follow-up and for what an agent does.
    pub step: Option<&'a Step>,
}

/// A text with where it stands.
#[derive(Clone)]
pub(super) struct Text<'a> {
    pub text: &'a str,
    pub place: Place,
}

/// Every step, follow-up and deed of an agent, in the order of the files.
pub(super) fn all(compiled: &Compiled) -> Vec<Written<'_>> {
    let mut found = Vec::new();
    for document in &compiled.documents {
        let Some(root) = &document.root else { continue };
        for entry in root.key("steps").and_then(Node::as_map).unwrap_or_default() {
            let place = Place::new(&document.source, entry.key.span);
            let steps = compiled.flow.iter().flat_map(|flow| &flow.steps);
            let step = steps.into_iter().find(|step| same(&step.place, &place));
            found.extend(written(document, &entry.value).map(|one| Written { step, ..one }));
        }
        for item in root.key("after_call").and_then(Node::as_seq).unwrap_or_default() {
            found.extend(written(document, item));
        }
        for agent in root.key("agents").and_then(Node::as_map).unwrap_or_default() {
            for action in agent.value.key("actions").and_then(Node::as_map).unwrap_or_default() {
                found.extend(action.value.key("do").and_then(|work| written(document, work)));
            }
        }
    }
    found
}

/// Every text, number and word below a node, in the order written. Keys are not among them.
pub(super) fn scalars(node: &Node) -> Vec<&Node> {
    let mut found = Vec::new();
    let mut open = vec![node];
    while let Some(node) = open.pop() {
        if node.scalar().is_some() {
            found.push(node);
        }
        open.extend(node.as_seq().unwrap_or_default().iter().rev());
        open.extend(node.as_map().unwrap_or_default().iter().rev().map(|entry| &entry.value));
    }
    found
}

/// Whether a text has something to fill in.
pub(super) fn is_filled(text: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|open| text.contains(open))
}

/// A text without what is filled in: what is said whatever the call's data is.
pub(super) fn fixed_part(text: &str) -> String {
    let mut fixed = String::new();
    let mut rest = text;
    while let Some(at) = ["{{", "{%", "{#"].iter().filter_map(|open| rest.find(open)).min() {
        let (before, inside) = rest.split_at(at);
        fixed.push_str(before);
        let close = match inside.as_bytes().get(1) {
            Some(b'{') => "}}",
            Some(b'%') => "%}",
            _ => "#}",
        };
        rest = inside
            .find(close)
            .map_or("", |end| inside.get(end + close.len()..).unwrap_or_default());
    }
    fixed.push_str(rest);
    fixed
}

/// A length of time where one is written.
pub(super) fn millis_in(node: &Node, key: &str) -> Option<u64> {
    Duration::parse(&node.key(key)?.scalar()?.text).map(Duration::as_millis)
}

/// A duration in words.
pub(super) fn lasting(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

impl<'a> Written<'a> {
    /// Where a value of this file stands.
    pub fn at(&self, node: &Node) -> Place {
        Place::new(&self.document.source, node.span)
    }

    /// The text under a key.
    pub fn text(&self, key: &str) -> Option<Text<'a>> {
        let body: &'a Node = self.body;
        self.scalar(body.key(key)?)
    }

    /// The text under a key, or the whole value where it is written short.
    pub fn text_or_short(&self, key: &str) -> Option<Text<'a>> {
        self.scalar(self.body).or_else(|| self.text(key))
    }

    /// The length of time under a key.
    pub fn millis(&self, key: &str) -> Option<u64> {
        millis_in(self.body, key)
    }

    /// The place of the value under a key, else that of the kind.
    pub fn place_of(&self, key: &str) -> Place {
        self.body
            .key(key)
            .map_or_else(|| self.place.clone(), |node| self.at(node))
    }

    /// The number under a key.
    pub fn number(&self, key: &str) -> Option<u64> {
        self.body.key(key)?.scalar()?.text.parse().ok()
    }

    /// The text of a scalar.
    pub fn scalar(&self, node: &'a Node) -> Option<Text<'a>> {
        let text = node.scalar()?.text.as_str();
        let place = self.at(node);
        Some(Text { text, place })
    }
}

/// The one key of a step that is a kind.
fn written<'a>(document: &'a Document, node: &'a Node) -> Option<Written<'a>> {
    node.as_map()?.iter().find_map(|entry| {
        let kind = crate::step::kind(&entry.key.text)?.name;
        Some(Written {
            document,
            kind,
            place: Place::new(&document.source, entry.key.span),
            body: &entry.value,
            step: None,
        })
    })
}

fn same(one: &Place, other: &Place) -> bool {
    one.span() == other.span() && one.source().name() == other.source().name()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_filled_in_is_left_out() {
        for (text, fixed) in [
            ("plain", "plain"),
            ("Hello {{ call.from }}, bye", "Hello , bye"),
            ("a{% if x %}b{% endif %}c{# no #}", "abc"),
            ("open {{ for ever", "open "),
        ] {
            assert_eq!(fixed_part(text), fixed);
        }
        assert!(is_filled("a {{ b }}") && !is_filled("a { b }"));
    }
}
