//! Looking into a tree without reading it yet: raw nodes as fields, and the parts of maps and lists.

use super::form::{FromYaml, Reader};
use super::source::{Place, Source, Span};
use super::yaml::{Entry, Node, Value};
use serde_json::{Value as Json, json};
use std::sync::Arc;

impl Node {
    /// The entries, where this is a map.
    pub fn as_map(&self) -> Option<&[Entry]> {
        match &self.value {
            Value::Map(entries) => Some(entries),
            _ => None,
        }
    }

    /// The items, where this is a list.
    pub fn as_seq(&self) -> Option<&[Node]> {
        match &self.value {
            Value::Seq(items) => Some(items),
            _ => None,
        }
    }

    /// The entry under a key, where this is a map that has it.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.as_map()?.iter().find(|entry| entry.key.text == name)
    }
}

/// A part of the document that somebody else reads.
impl FromYaml for Node {
    fn from_yaml(node: &Node, _cx: &mut Reader) -> Option<Self> {
        Some(node.clone())
    }

    fn schema() -> Json {
        json!({})
    }

    fn expected() -> &'static str {
        "…"
    }
}

impl Place {
    /// The first byte of a text.
    pub fn start_of(source: &Arc<Source>) -> Self {
        Self::new(source, Span::at(0))
    }

    /// A whole line, counted from 1; the first where there is no such line.
    pub fn of_line(source: &Arc<Source>, line: usize) -> Self {
        let start = source.line_start(line).unwrap_or(0);
        let end = start + source.line(line).trim_end().len();
        Self::new(source, Span::new(start, end))
    }
}
