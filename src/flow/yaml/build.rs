//! From the parser's events to the tree: collections that are open, anchors that are known, limits that hold.

use std::collections::HashMap;
use std::sync::Arc;

use granit_parser::{Event, Parser, ScalarStyle, Tag};

use super::super::finding::{Finding, Findings, Fix, Safety};
use super::super::removal;
use super::super::source::{Place, Source, Span};
use super::{Comment, Entry, Key, MAX_DEPTH, MAX_NODES, Node, Scalar, Style, Value};

/// Takes events and builds the tree.
pub(super) struct Builder<'a> {
    source: &'a Arc<Source>,
    findings: &'a mut Findings,
    pub(super) root: Option<Node>,
    pub(super) comments: Vec<Comment>,
    stack: Vec<Open>,
    anchors: HashMap<usize, Anchor>,
    nodes: usize,
}

impl<'a> Builder<'a> {
    pub(super) fn new(source: &'a Arc<Source>, findings: &'a mut Findings) -> Self {
        Self {
            source,
            findings,
            root: None,
            comments: Vec::new(),
            stack: Vec::new(),
            anchors: HashMap::new(),
            nodes: 0,
        }
    }

    fn report(&mut self, id: &'static str, span: Span, message: impl Into<String>, help: &str) {
        let finding = Finding::error(id, Place::new(self.source, span), message);
        self.findings
            .push(if help.is_empty() { finding } else { finding.help(help) });
    }

    pub(super) fn check_characters(&mut self) {
        let forbidden = |c: char| c.is_control() && !matches!(c, '\t' | '\n' | '\r' | '\u{85}');
        if let Some((at, found)) = self.source.text().char_indices().find(|(_, c)| forbidden(*c)) {
            self.report(
                "invalid-character",
                Span::new(at, at + found.len_utf8()),
                format!("the control character U+{:04X} may not stand in YAML", u32::from(found)),
                "delete it, or write it as an escape inside double quotes",
            );
        }
        // Whoever read the bytes put this sign where they were no text. Nobody writes it into a flow.
        if let Some(at) = self.source.text().find(char::REPLACEMENT_CHARACTER) {
            let span = Span::new(at, at + char::REPLACEMENT_CHARACTER.len_utf8());
            let help = "save the file with the encoding UTF-8";
            self.report("invalid-utf8", span, "what stands here is not UTF-8 text", help);
        }
    }

    /// Reads to the end of the first document; false where a syntax error came first.
    pub(super) fn read_events(&mut self) -> bool {
        let options = granit_parser::options! {
            emit_unresolved_aliases: true,
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
            max_buffered_comment_events: 10_000,
        };
        let source = Arc::clone(self.source);
        let mut documents = 0;
        for next in Parser::new_from_str_with_options(source.text(), options) {
            let (event, span) = match next {
                Ok(read) => read,
                Err(error) => {
                    let at = error.marker().byte_offset().unwrap_or(source.text().len());
                    self.report("yaml-syntax", one_character(source.text(), at), error.info(), "");
                    self.close_all(at);
                    return false;
                }
            };
            let span = span
                .byte_range()
                .map_or(Span::at(0), |range| Span::new(range.start, range.end));
            if let Event::DocumentStart(..) = event {
                documents += 1;
                if documents > 1 {
                    self.report(
                        "multiple-documents",
                        span,
                        "a second document begins here, and only the first is read",
                        "put each flow into its own file",
                    );
                    return true;
                }
            }
            self.take(event, span);
        }
        true
    }

    fn take(&mut self, event: Event<'_>, span: Span) {
        match event {
            Event::Comment(text, _) => self.comments.push(Comment {
                span,
                text: text.trim().to_owned(),
            }),
            Event::Scalar(text, style, anchor, tag) => {
                let as_text = self.check_tag(tag.as_deref(), span);
                let style = match style {
                    ScalarStyle::Plain => Style::Plain,
                    ScalarStyle::SingleQuoted => Style::Single,
                    ScalarStyle::DoubleQuoted => Style::Double,
                    ScalarStyle::Literal => Style::Literal,
                    ScalarStyle::Folded => Style::Folded,
                };
                let null = matches!(&*text, "" | "~" | "null" | "Null" | "NULL");
                let value = if style == Style::Plain && null && !as_text && !self.waits_for_key() {
                    Value::Null
                } else {
                    Value::Scalar(Scalar {
                        text: text.into_owned(),
                        style,
                    })
                };
                self.nodes += 1;
                self.finish(Node { span, value }, anchor, 0, 1);
            }
            Event::SequenceStart(style, anchor, tag) => {
                self.check_tag(tag.as_deref(), span);
                self.open(span, style, anchor, Items::Seq(Vec::new()));
            }
            Event::MappingStart(style, anchor, tag) => {
                self.check_tag(tag.as_deref(), span);
                self.open(span, style, anchor, Items::Map(Vec::new(), HashMap::new(), None));
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(Some(span)),
            Event::Alias(id) => self.follow(id, span),
            Event::UnresolvedAlias(name) => {
                let message = format!("no anchor `&{name}` stands before this alias");
                self.report("unknown-anchor", span, message, "");
                self.finish(
                    Node {
                        span,
                        value: Value::Null,
                    },
                    0,
                    0,
                    1,
                );
            }
            _ => {}
        }
    }

    /// True where the tag says that a plain scalar is text. Other tags would change what is read, so they are refused.
    fn check_tag(&mut self, tag: Option<&Tag>, span: Span) -> bool {
        let Some(tag) = tag else { return false };
        let known = ["str", "int", "float", "bool", "null", "seq", "map"];
        if !known.iter().any(|name| tag.is_yaml_core_schema_tag(name)) {
            let message = format!("the tag `{}` has no meaning here", tag.original());
            self.report("unknown-tag", span, message, "delete the tag");
        }
        tag.is_yaml_core_schema_tag("str")
    }

    fn waits_for_key(&self) -> bool {
        matches!(
            self.stack.last(),
            Some(Open {
                items: Items::Map(_, _, None),
                ..
            })
        )
    }

    fn open(&mut self, span: Span, style: granit_parser::StructureStyle, anchor: usize, items: Items) {
        self.nodes += 1;
        self.stack.push(Open {
            start: span.start,
            flow: style == granit_parser::StructureStyle::Flow,
            anchor,
            height: 0,
            count: 1,
            items,
        });
    }

    /// Ends the innermost collection. Block collections end with their last child: their own end event is empty and
    /// stands after the white space that follows.
    fn close(&mut self, end: Option<Span>) {
        let Some(open) = self.stack.pop() else { return };
        let (value, last) = match open.items {
            Items::Seq(items) => {
                let last = items.last().map(|node| node.span.end);
                (Value::Seq(items), last)
            }
            Items::Map(entries, _, _) => {
                let last = entries.last().map(|entry| entry.value.span.end.max(entry.key.span.end));
                (Value::Map(entries), last)
            }
        };
        let end = match end {
            Some(end) if open.flow => end.end,
            // An alias as the last child has the bytes of its definition, which may lie before.
            _ => last.unwrap_or(open.start).max(open.start),
        };
        let span = Span::new(open.start, end);
        self.finish(Node { span, value }, open.anchor, open.height + 1, open.count);
    }

    fn close_all(&mut self, at: usize) {
        while !self.stack.is_empty() {
            self.close(Some(Span::at(at)));
        }
    }

    fn follow(&mut self, id: usize, span: Span) {
        let null = Node {
            span,
            value: Value::Null,
        };
        let Some(anchor) = self.anchors.get(&id) else {
            let message = "the alias stands inside the value that it names";
            self.report("self-alias", span, message, "write the value out");
            return self.finish(null, 0, 0, 1);
        };
        if self.nodes + anchor.count > MAX_NODES || self.stack.len() + anchor.height > MAX_DEPTH * 2 {
            // Said once: every further alias of a bomb would say the same.
            if !self.findings.iter().any(|finding| finding.id == "alias-bomb") {
                let message =
                    format!("with this alias the document holds more than {MAX_NODES} values, or lies too deep");
                self.report("alias-bomb", span, message, "write the values out, or split the file");
            }
            return self.finish(null, 0, 0, 1);
        }
        let (node, height, count) = (anchor.node.clone(), anchor.height, anchor.count);
        self.nodes += count;
        self.finish(node, 0, height, count);
    }

    /// Puts a finished value where it belongs: under its parent's waiting key, into the list, or at the top.
    fn finish(&mut self, node: Node, anchor: usize, height: usize, count: usize) {
        if anchor != 0 {
            let node = node.clone();
            self.anchors.insert(anchor, Anchor { node, height, count });
        }
        let Some(parent) = self.stack.last_mut() else {
            self.root = Some(node);
            return;
        };
        parent.height = parent.height.max(height);
        parent.count += count;
        match &mut parent.items {
            Items::Seq(items) => items.push(node),
            Items::Map(entries, seen, waiting) => match waiting.take() {
                Some(Waiting::Key(key)) => entries.push(Entry { key, value: node }),
                Some(Waiting::Again(key, finding)) => {
                    self.findings.push(same_again(*finding, &key, &node, entries));
                }
                Some(Waiting::Unusable) => {}
                None => match usable_key(self.source, node, seen) {
                    Ok(key) => *waiting = Some(key),
                    Err(finding) => {
                        *waiting = Some(Waiting::Unusable);
                        self.findings.push(*finding);
                    }
                },
            },
        }
    }
}

/// A collection whose end was not read yet.
struct Open {
    start: usize,
    flow: bool,
    anchor: usize,
    /// How deep the deepest value inside lies, counted from this one.
    height: usize,
    /// Values inside, this one included.
    count: usize,
    items: Items,
}

enum Items {
    Seq(Vec<Node>),
    /// Entries so far, where each key was first seen, and a key that waits for its value.
    Map(Vec<Entry>, HashMap<String, Span>, Option<Waiting>),
}

/// A key that waits for its value.
enum Waiting {
    Key(Key),
    /// A key that was there before: its value is read and dropped, and the finding is told then.
    Again(Key, Box<Finding>),
    /// No key: its value is read and dropped.
    Unusable,
}

struct Anchor {
    node: Node,
    height: usize,
    count: usize,
}

/// The key that a value makes, or a finding that says why it makes none.
fn usable_key(source: &Arc<Source>, node: Node, seen: &mut HashMap<String, Span>) -> Result<Waiting, Box<Finding>> {
    let place = Place::new(source, node.span);
    let Value::Scalar(scalar) = node.value else {
        let message = format!("a key must be text, not {}", node.kind());
        return Err(Box::new(Finding::error("key-not-text", place, message)));
    };
    let text = scalar.text;
    let key = Key {
        text: text.clone(),
        span: node.span,
    };
    if let Some(first) = seen.get(&text) {
        let finding = Finding::error("duplicate-key", place, format!("`{text}` stands twice in this map"))
            .label("again here")
            .related(Place::new(source, *first), "first here")
            .help("delete one of the two, or rename it");
        return Ok(Waiting::Again(key, Box::new(finding)));
    }
    seen.insert(text, node.span);
    Ok(Waiting::Key(key))
}

/// A key that stands twice with the same value can be deleted without a loss.
fn same_again(finding: Finding, key: &Key, value: &Node, entries: &[Entry]) -> Finding {
    let source = finding.place.source();
    let first = entries.iter().find(|entry| entry.key.text == key.text);
    let same = first.is_some_and(|first| alike(&first.value, value));
    // An alias has the bytes of its anchor.
    let here = value.span.start >= key.span.end;
    match removal::entry(source, key.span, value.span).filter(|_| same && here) {
        Some(span) => {
            let place = Place::new(source, span);
            finding.fix(Fix::replace(Safety::Safe, place, ""))
        }
        None => finding,
    }
}

/// Whether two values are written alike, wherever they stand.
fn alike(one: &Node, other: &Node) -> bool {
    match (&one.value, &other.value) {
        (Value::Seq(a), Value::Seq(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b)),
        (Value::Map(a), Value::Map(b)) => {
            let pairs = a.iter().zip(b);
            a.len() == b.len()
                && pairs
                    .into_iter()
                    .all(|(a, b)| a.key.text == b.key.text && alike(&a.value, &b.value))
        }
        (one, other) => one == other,
    }
}

/// The character at an offset, or the last one before the end of the text.
fn one_character(text: &str, at: usize) -> Span {
    let at = (0..=at.min(text.len()))
        .rev()
        .find(|at| text.is_char_boundary(*at))
        .unwrap_or(0);
    let width = text[at..]
        .chars()
        .next()
        .filter(|c| *c != '\n')
        .map_or(0, char::len_utf8);
    Span::new(at, at + width)
}
