//! The canonical form of a file, or why it is left as it is: nothing is returned that was not proven to be the same.

use super::layout::{Body, Layout, Lead, Lines, Map, Seq, Slot};
use super::order::Forms;
use super::print::{Keys, print};
use super::read::layout;
use super::written::{Kind, Written, written};
use crate::flow::form::free::to_json;
use crate::flow::{Document, Findings, Node, Place, Source, Span, Value, parse};
use serde_json::Value as Json;
use std::fmt;
use std::sync::Arc;

/// Why a file is left as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// Where in the text.
    pub place: Place,
    /// What keeps it from being formatted.
    pub reason: Reason,
}

/// What keeps a file from being formatted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reason {
    /// It is not well formed, with what is wrong: that is mended first.
    Malformed(String),
    /// It is written in a way that the formatter does not lay out.
    Strange(&'static str),
    /// The result would not have been the same, with what differs. That is a fault of the formatter.
    Different(&'static str),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::Malformed(message) => write!(f, "{}: {message}; mend it first", self.place),
            Reason::Strange(what) => write!(f, "{}: {what}", self.place),
            Reason::Different(what) => write!(f, "{}: the result would not have {what}", self.place.source().name()),
        }
    }
}

impl std::error::Error for Refusal {}

/// The canonical form of a text under the name that refusals print. Keys are in the order of the schema's forms.
///
/// The line ending and a byte order mark stay as they are.
///
/// # Errors
/// Where the text is not well formed, is written in a way that is not laid out, or where the result would not hold the
/// same values, the same comments at the same places, or would itself be formatted differently.
pub fn format(name: &str, text: &str, schema: Option<&Json>) -> Result<String, Refusal> {
    let forms = Forms::of(schema);
    let (mark, body) = match text.strip_prefix('\u{feff}') {
        Some(body) => ("\u{feff}", body),
        None => ("", text),
    };
    let crlf = body.find('\n').is_some_and(|at| body[..at].ends_with('\r'));
    let body = body.replace("\r\n", "\n");
    let before = Read::new(name, &body, &forms)?;
    if let Some(at) = body.find('\r') {
        return Err(before.strange(at, "a line ends in a way that is left alone"));
    }
    let keys = if has_alias(&before.root) {
        Keys::AsWritten
    } else {
        Keys::Ordered(&forms)
    };
    let printed = print(&before.layout, keys);
    let after = Read::new(name, &printed, &forms).map_err(|_| before.different("the form of a file"))?;
    if !same_values(&before, &after, matches!(keys, Keys::Ordered(_)), &forms) {
        return Err(before.different("the same values"));
    }
    if comments(&before.layout) != comments(&after.layout) || all_comments(&before) != all_comments(&after) {
        return Err(before.different("the same comments at the same places"));
    }
    if print(&after.layout, keys) != printed {
        return Err(before.different("one form only"));
    }
    let printed = if crlf { printed.replace('\n', "\r\n") } else { printed };
    Ok(format!("{mark}{printed}"))
}

/// A text with all that is known of it.
struct Read {
    source: Arc<Source>,
    document: Document,
    root: Written,
    layout: Layout,
}

impl Read {
    fn new(name: &str, text: &str, forms: &Forms<'_>) -> Result<Self, Refusal> {
        let source = Source::new(name, text);
        let mut findings = Findings::new();
        let document = parse(&source, &mut findings);
        if let Some(first) = findings.sorted().into_vec().into_iter().next() {
            return Err(Refusal {
                place: first.place,
                reason: Reason::Malformed(first.message),
            });
        }
        let strange = |byte, what| Refusal {
            place: Place::new(&source, Span::at(byte)),
            reason: Reason::Strange(what),
        };
        let root = written(text).ok_or_else(|| strange(0, "the document is written in a way that is left alone"))?;
        let layout = layout(text, &root, forms).map_err(|found| strange(found.byte, found.what))?;
        Ok(Self {
            source,
            document,
            root,
            layout,
        })
    }

    fn strange(&self, byte: usize, what: &'static str) -> Refusal {
        Refusal {
            place: Place::new(&self.source, Span::at(byte)),
            reason: Reason::Strange(what),
        }
    }

    fn different(&self, what: &'static str) -> Refusal {
        Refusal {
            place: Place::start_of(&self.source),
            reason: Reason::Different(what),
        }
    }
}

fn has_alias(value: &Written) -> bool {
    match &value.kind {
        Kind::Alias => true,
        Kind::Map { entries, .. } => entries.iter().any(|(key, value)| has_alias(key) || has_alias(value)),
        Kind::Seq { items, .. } => items.iter().any(has_alias),
        _ => false,
    }
}

/// Whether both hold the same values, aliases followed. The order of keys counts where it is the author's.
fn same_values(one: &Read, other: &Read, ordered: bool, forms: &Forms<'_>) -> bool {
    match (&one.document.root, &other.document.root) {
        (Some(one), Some(other)) => same(one, other, ordered, forms),
        _ => false,
    }
}

fn same(one: &Node, other: &Node, ordered: bool, forms: &Forms<'_>) -> bool {
    match (&one.value, &other.value) {
        (Value::Null, Value::Null) => true,
        (Value::Scalar(a), Value::Scalar(b)) => {
            a.text == b.text && one.kind() == other.kind() && to_json(one) == to_json(other)
        }
        (Value::Seq(a), Value::Seq(b)) => {
            let below = forms.item();
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b, ordered, &below))
        }
        (Value::Map(a), Value::Map(b)) => {
            let names: Vec<&str> = a.iter().map(|entry| entry.key.text.as_str()).collect();
            let free = ordered && forms.order(&names).is_some();
            let in_order = || a.iter().zip(b).all(|(a, b)| a.key.text == b.key.text);
            a.len() == b.len()
                && (free || in_order())
                && a.iter().all(|entry| {
                    let below = forms.key(&entry.key.text);
                    other
                        .key(&entry.key.text)
                        .is_some_and(|value| same(&entry.value, value, ordered, &below))
                })
        }
        _ => false,
    }
}

/// The comments that the parser saw, as bytes.
fn all_comments(read: &Read) -> Vec<&str> {
    let text = read.source.text();
    let mut all: Vec<&str> = read
        .document
        .comments
        .iter()
        .map(|comment| text[comment.span.start..comment.span.end].trim_end())
        .collect();
    all.sort_unstable();
    all
}

/// Every comment with the path of what it belongs to and how it stands to it, sorted.
fn comments(layout: &Layout) -> Vec<String> {
    let mut owners = Owners {
        path: String::new(),
        found: Vec::new(),
    };
    owners.leads("mark", layout.above_mark.as_deref().unwrap_or_default());
    owners.leads("head", &layout.head);
    owners.map(&layout.root);
    owners.found.sort_unstable();
    owners.found
}

struct Owners {
    path: String,
    found: Vec<String>,
}

impl Owners {
    fn leads(&mut self, how: &str, lines: &[Lead]) {
        for (at, line) in lines.iter().enumerate() {
            if let Lead::Comment(text) = line {
                let at = lines[..at].iter().filter(|line| **line != Lead::Blank).count();
                self.found.push(format!("{} {how} {at} {text}", self.path));
            }
        }
    }

    fn below(&mut self, name: &str, look: impl FnOnce(&mut Self)) {
        let length = self.path.len();
        self.path.push('/');
        self.path.push_str(name);
        look(self);
        self.path.truncate(length);
    }

    fn map(&mut self, map: &Map) {
        for entry in &map.entries {
            self.below(&entry.name, |owners| {
                owners.leads("above", &entry.lead);
                owners.slot(&entry.value);
            });
        }
        self.leads("end", &map.tail);
    }

    fn seq(&mut self, seq: &Seq) {
        for (index, item) in seq.items.iter().enumerate() {
            self.below(&index.to_string(), |owners| {
                owners.leads("above", &item.lead);
                owners.slot(&item.value);
            });
        }
        self.leads("end", &seq.tail);
    }

    fn slot(&mut self, slot: &Slot) {
        if let Some((_, text)) = &slot.comment {
            self.found.push(format!("{} beside {text}", self.path));
        }
        match &slot.body {
            Body::Map(map) => self.map(map),
            Body::Seq(seq) => self.seq(seq),
            Body::Lines {
                lines: Lines::Flow(lines),
                ..
            } => {
                let lines = lines.iter().map(|(_, line)| line.as_str());
                let lines: Vec<&str> = lines.filter(|line| line.contains('#')).collect();
                self.found.push(format!("{} within {}", self.path, lines.join("\n")));
            }
            _ => {}
        }
    }
}
