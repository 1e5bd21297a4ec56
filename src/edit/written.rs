//! A document as it was written: the parser's events as a tree that still knows block from flow style, and aliases.

use crate::flow::Span;
use crate::flow::yaml::MAX_DEPTH;
use granit_parser::{Event, Parser, ScalarStyle, StructureStyle};

/// A value as written.
#[derive(Clone, Debug)]
pub(super) struct Written {
    /// Its bytes, without anchor and tag; of a block scalar, from the first character of its text.
    pub span: Span,
    pub kind: Kind,
}

/// What was written.
#[derive(Clone, Debug)]
pub(super) enum Kind {
    /// Nothing at all.
    Empty,
    /// A scalar that stands in its line, with its text.
    Scalar {
        text: String,
        quoted: bool,
    },
    /// A scalar under its `|` or `>`.
    Block,
    /// `*name`.
    Alias,
    Map {
        flow: bool,
        entries: Vec<(Written, Written)>,
    },
    Seq {
        flow: bool,
        items: Vec<Written>,
    },
}

/// The root of a document that is known to be well formed; none where it is not, or holds no value or several documents.
pub(super) fn written(text: &str) -> Option<Written> {
    let options = granit_parser::options! {
        flow_nesting_limit: MAX_DEPTH,
        block_nesting_limit: MAX_DEPTH,
        max_buffered_comment_events: 10_000,
    };
    let mut stack: Vec<Open> = Vec::new();
    let mut root = None;
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, span) = next.ok()?;
        let span = span.byte_range().map(|range| Span::new(range.start, range.end))?;
        let done = match event {
            Event::Scalar(value, style, ..) => {
                let kind = match style {
                    ScalarStyle::Literal | ScalarStyle::Folded => Kind::Block,
                    ScalarStyle::Plain if span.start == span.end => Kind::Empty,
                    style => Kind::Scalar {
                        text: value.into_owned(),
                        quoted: style != ScalarStyle::Plain,
                    },
                };
                Written { span, kind }
            }
            Event::Alias(_) => Written {
                span,
                kind: Kind::Alias,
            },
            Event::SequenceStart(style, ..) => {
                stack.push(Open::new(span, style, false));
                continue;
            }
            Event::MappingStart(style, ..) => {
                stack.push(Open::new(span, style, true));
                continue;
            }
            Event::SequenceEnd | Event::MappingEnd => stack.pop()?.close(span)?,
            _ => continue,
        };
        match stack.last_mut() {
            Some(open) => open.values.push(done),
            None if root.is_none() => root = Some(done),
            None => return None,
        }
    }
    root
}

/// A collection whose end was not read yet. A map's keys and values alternate.
struct Open {
    start: usize,
    flow: bool,
    map: bool,
    values: Vec<Written>,
}

impl Open {
    fn new(span: Span, style: StructureStyle, map: bool) -> Self {
        Self {
            start: span.start,
            flow: style == StructureStyle::Flow,
            map,
            values: Vec::new(),
        }
    }

    fn close(self, end: Span) -> Option<Written> {
        let last = self.values.last().map_or(self.start, |last| last.span.end);
        let span = Span::new(self.start, if self.flow { end.end } else { last });
        let flow = self.flow;
        let kind = if self.map {
            let mut entries = Vec::new();
            let mut values = self.values.into_iter();
            while let Some(key) = values.next() {
                entries.push((key, values.next()?));
            }
            Kind::Map { flow, entries }
        } else {
            Kind::Seq {
                flow,
                items: self.values,
            }
        };
        Some(Written { span, kind })
    }
}
