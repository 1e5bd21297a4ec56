//! Reading YAML 1.2 into a tree in which every value and key knows its bytes.
//!
//! Everything that is wrong is a finding and reading goes on where it can; nothing that is written panics or blows up.

use std::sync::Arc;

use self::build::Builder;
use super::finding::{Finding, Findings};
use super::source::{MAX_BYTES, Place, Source, Span, too_large};

mod build;

/// How many values a document may hold once its aliases are followed; ends alias bombs.
pub const MAX_NODES: usize = 200_000;

/// How deep values may lie inside one another.
pub const MAX_DEPTH: usize = 64;

/// A document as far as it could be read.
#[derive(Clone, Debug)]
pub struct Document {
    /// The text it was read from.
    pub source: Arc<Source>,
    /// The top value; none where the file is empty.
    pub root: Option<Node>,
    /// Every comment, in order.
    pub comments: Vec<Comment>,
    /// False where a syntax error cut the document short: what is missing may stand after it.
    pub complete: bool,
}

/// A value and its bytes. What an alias stands for has the bytes of its definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// From the first to the last byte of the value, quotes included; of a block scalar, the lines under its `|`.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

impl Node {
    /// The words for this kind of value in a message.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Null => "nothing",
            Value::Scalar(scalar) => scalar.kind(),
            Value::Seq(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// The scalar, where it is one.
    pub fn scalar(&self) -> Option<&Scalar> {
        match &self.value {
            Value::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The value under a key, where this is a map that has it.
    pub fn key(&self, name: &str) -> Option<&Node> {
        match &self.value {
            Value::Map(entries) => {
                let entry = entries.iter().find(|entry| entry.key.text == name)?;
                Some(&entry.value)
            }
            _ => None,
        }
    }
}

/// The kinds of value. What a plain scalar means is decided by whoever reads it, so its text is never lost.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// Text, a number, a boolean.
    Scalar(Scalar),
    /// A list.
    Seq(Vec<Node>),
    /// A map, in the order written; no key stands twice.
    Map(Vec<Entry>),
}

/// Text as written, after quotes and escapes are taken off.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scalar {
    /// The text.
    pub text: String,
    /// How it was written.
    pub style: Style,
}

impl Scalar {
    fn kind(&self) -> &'static str {
        let text = self.text.as_str();
        match self.style {
            Style::Plain if matches!(text, "true" | "false" | "True" | "False" | "TRUE" | "FALSE") => "a boolean",
            Style::Plain if text.parse::<i64>().is_ok() => "a whole number",
            Style::Plain
                if text.starts_with(|c: char| c.is_ascii_digit() || c == '-') && text.parse::<f64>().is_ok() =>
            {
                "a number"
            }
            _ => "text",
        }
    }
}

/// How a scalar was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// Bare.
    Plain,
    /// `'…'`.
    Single,
    /// `"…"`.
    Double,
    /// `|` and the lines under it.
    Literal,
    /// `>` and the lines under it.
    Folded,
}

/// A key of a map and its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// The key.
    pub key: Key,
    /// The value.
    pub value: Node,
}

/// A key's text and bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Key {
    /// The text, without quotes.
    pub text: String,
    /// Its bytes, quotes included.
    pub span: Span,
}

/// A comment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Comment {
    /// From `#` to the end of the line.
    pub span: Span,
    /// What stands after `#`, trimmed.
    pub text: String,
}

/// Reads a document.
pub fn parse(source: &Arc<Source>, findings: &mut Findings) -> Document {
    if source.text().len() > MAX_BYTES {
        findings.push(too_large(source));
        return Document {
            source: Arc::clone(source),
            root: None,
            comments: Vec::new(),
            complete: false,
        };
    }
    let mut builder = Builder::new(source, findings);
    builder.check_characters();
    let complete = builder.read_events();
    let (root, comments) = (builder.root, builder.comments);
    if root.is_none() && complete {
        let place = Place::new(source, Span::at(0));
        findings.push(
            Finding::error("empty-file", place, "the file holds nothing")
                .help("a flow begins with its name: `flow: reception`"),
        );
    }
    Document {
        source: Arc::clone(source),
        root,
        comments,
        complete,
    }
}

#[cfg(test)]
mod tests;
