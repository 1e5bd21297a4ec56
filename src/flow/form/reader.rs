//! Where a reading stands and what it found, and values that remember their place.

use std::ops::Deref;
use std::sync::Arc;

use serde_json::Value as Json;

use super::super::finding::{Finding, Findings};
use super::super::source::{Place, Source, Span};
use super::super::yaml::{Document, Node};
use super::FromYaml;

/// What an item of a list is called in a message.
const ITEM: &str = "this item";

/// Collects findings while a document is read, and knows the keys that lead to the value being read.
pub struct Reader {
    source: Arc<Source>,
    findings: Findings,
    path: Vec<(String, Span)>,
    complete: bool,
}

impl Reader {
    /// Begins at a document's root.
    pub fn new(document: &Document) -> Self {
        Self {
            source: Arc::clone(&document.source),
            findings: Findings::new(),
            path: Vec::new(),
            complete: document.complete,
        }
    }

    /// Reports a finding about the value being read.
    pub fn report(&mut self, finding: Finding) {
        let finding = if finding.path.is_empty() {
            let path: Vec<String> = self.path.iter().map(|(segment, _)| segment.clone()).collect();
            finding.path(path)
        } else {
            finding
        };
        self.findings.push(finding);
    }

    /// Reports that a value is of the wrong kind, with what `T` looks like.
    pub fn wrong_type<T: FromYaml>(&mut self, node: &Node) {
        let finding = self.wrong_type_finding::<T>(node);
        self.report(finding);
    }

    /// The finding of [`Reader::wrong_type`], for a reader that has more to say.
    pub fn wrong_type_finding<T: FromYaml>(&self, node: &Node) -> Finding {
        let name = self.subject();
        let example = match self.key() {
            Some(_) if name == ITEM => format!("- {}", T::expected()),
            Some(key) => format!("{key}: {}", T::expected()),
            None => T::expected().to_owned(),
        };
        let message = format!("{name} must be {}, not {}", T::what(), node.kind());
        Finding::error("wrong-type", self.place(self.telling_span(node)), message)
            .label(format!("expected {}", T::what()))
            .help(format!("for example `{example}`"))
    }

    /// Reads what lies under a key, with findings that say so.
    pub fn within<R>(&mut self, key: &str, span: Span, read: impl FnOnce(&mut Self) -> R) -> R {
        self.path.push((key.to_owned(), span));
        let result = read(self);
        self.path.pop();
        result
    }

    /// The findings so far.
    pub fn findings(&self) -> &Findings {
        &self.findings
    }

    /// Ends the reading.
    pub fn into_findings(self) -> Findings {
        self.findings
    }

    /// A span as a place of this document.
    pub fn place(&self, span: Span) -> Place {
        Place::new(&self.source, span)
    }

    /// A value's place.
    pub fn place_of(&self, node: &Node) -> Place {
        self.place(node.span)
    }

    /// The key the value being read stands under, or the start of the document.
    pub fn key_place(&self) -> Place {
        self.place(self.path.last().map_or(Span::at(0), |(_, span)| *span))
    }

    /// The innermost key, where there is one.
    pub fn key(&self) -> Option<&str> {
        self.path.last().map(|(key, _)| key.as_str())
    }

    /// The words for the value being read: its key in backticks, `this item`, or `the document`.
    pub fn subject(&self) -> String {
        match self.key() {
            Some(key) if key.parse::<usize>().is_ok() => ITEM.to_owned(),
            Some(key) => format!("`{key}`"),
            None => "the document".to_owned(),
        }
    }

    /// The keys from the root to the value being read.
    pub fn path(&self) -> Vec<String> {
        self.path.iter().map(|(key, _)| key.clone()).collect()
    }

    /// False where a syntax error cut the document short, so that what is missing may be there.
    pub fn complete(&self) -> bool {
        self.complete
    }

    /// A value's bytes, or its key's where the value is empty.
    fn telling_span(&self, node: &Node) -> Span {
        match self.path.last() {
            Some((_, key)) if node.span.start == node.span.end => *key,
            _ => node.span,
        }
    }
}

/// A value and where it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Located<T> {
    /// The value.
    pub value: T,
    /// Where it was written.
    pub place: Place,
}

impl<T> Located<T> {
    /// A value that was written at a place.
    pub fn new(value: T, place: Place) -> Self {
        Self { value, place }
    }
}

impl<T> Deref for Located<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: FromYaml> FromYaml for Located<T> {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        let place = cx.place(cx.telling_span(node));
        Some(Self::new(T::from_yaml(node, cx)?, place))
    }

    fn schema() -> Json {
        T::schema()
    }

    fn expected() -> &'static str {
        T::expected()
    }

    fn what() -> &'static str {
        T::what()
    }

    fn written(&self) -> Option<Json> {
        self.value.written()
    }
}

impl<T: FromYaml> FromYaml for Option<T> {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        T::from_yaml(node, cx).map(Some)
    }

    fn schema() -> Json {
        T::schema()
    }

    fn expected() -> &'static str {
        T::expected()
    }

    fn what() -> &'static str {
        T::what()
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn written(&self) -> Option<Json> {
        self.as_ref()?.written()
    }
}

impl<T: FromYaml> FromYaml for Box<T> {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        T::from_yaml(node, cx).map(Box::new)
    }

    fn schema() -> Json {
        T::schema()
    }

    fn expected() -> &'static str {
        T::expected()
    }

    fn what() -> &'static str {
        T::what()
    }

    fn written(&self) -> Option<Json> {
        (**self).written()
    }
}
