//! From a well-formed document to its layout. What is not understood to the last byte is refused.

use super::flow_style;
use super::layout::{Body, Entry, Item, Layout, Lead, Lines, Map, Seq, Slot, Strange};
use super::lines::{Reader, is_directive, is_modeline};
use super::order::Forms;
use super::written::{Kind, Written};

/// The layout of a text whose root was read before. Line breaks are `\n`, and there is no byte order mark.
pub(super) fn layout(text: &str, root: &Written, forms: &Forms<'_>) -> Result<Layout, Strange> {
    let Kind::Map { flow: false, entries } = &root.kind else {
        return Err(Strange {
            byte: root.span.start,
            what: "the document is no map in block style",
        });
    };
    let mut reader = Reader::new(text);
    reader.between();
    let mut above_mark = None;
    if reader.rest().starts_with("---") {
        let mut above = reader.take_all();
        if above.first() == Some(&Lead::Blank) {
            above.remove(0);
        }
        above_mark = Some(above);
        reader.pos += 3;
        let behind = reader.strange("something stands behind `---`");
        if reader.line_gap(text.len()) != Ok(None) {
            return Err(behind);
        }
        reader.between();
    }
    let (head, first) = split_head(reader.take_all());
    let plain = |lead: &Lead| matches!(lead, Lead::Comment(text) if !is_modeline(text));
    let first_stays = head.last().is_some_and(plain);
    let mut root = reader.map(entries, 0, first, forms)?;
    root.tail.extend(reader.take_all());
    trim(&mut root.tail);
    if reader.pos != text.len() {
        return Err(reader.strange("something stands behind the document"));
    }
    Ok(Layout {
        above_mark,
        head,
        first_stays,
        root,
    })
}

/// The comments before the first key: those of the file, and those of the key.
fn split_head(mut lines: Vec<Lead>) -> (Vec<Lead>, Vec<Lead>) {
    if lines.first() == Some(&Lead::Blank) {
        lines.remove(0);
    }
    let last_blank = lines.iter().rposition(|line| *line == Lead::Blank);
    let at = match last_blank {
        Some(at) => at + 1,
        None => lines
            .iter()
            .position(|line| matches!(line, Lead::Comment(text) if is_directive(text)))
            .unwrap_or(lines.len()),
    };
    let of_key = lines.split_off(at);
    (lines, of_key)
}

/// Takes blank lines off the end.
fn trim(lines: &mut Vec<Lead>) {
    while lines.last() == Some(&Lead::Blank) {
        lines.pop();
    }
}

/// The comment beside a key, and a collection's column and the lines above its first line.
type Beginning = (Option<(String, String)>, usize, Vec<Lead>);

impl Reader<'_> {
    fn map(
        &mut self,
        entries: &[(Written, Written)],
        column: usize,
        first: Vec<Lead>,
        forms: &Forms<'_>,
    ) -> Result<Map, Strange> {
        let mut read = Vec::new();
        let mut first = Some(first);
        for (key, value) in entries {
            let lead = match first.take() {
                Some(lead) => lead,
                None => self.take_all(),
            };
            let Kind::Scalar { text: name, quoted } = &key.kind else {
                return Err(self.strange("a key is no plain text"));
            };
            let blank = self.text.get(self.pos..key.span.start);
            if !blank.is_some_and(|blank| blank.bytes().all(|byte| byte == b' ')) {
                return Err(self.strange("a key is written in a way that is left alone"));
            }
            let key_text = &self.text[key.span.start..key.span.end];
            if key_text.contains('\n') || key_text.starts_with(['&', '!', '?']) {
                return Err(self.strange("a key is written in a way that is left alone"));
            }
            self.pos = key.span.end;
            let gap = self.rest();
            let colon = gap.len() - gap.trim_start_matches([' ', '\t']).len();
            if !gap[colon..].starts_with(':') {
                return Err(self.strange("a key is written in a way that is left alone"));
            }
            self.pos += colon + 1;
            let value = self.slot(value, column, false, &forms.key(name))?;
            read.push(Entry {
                lead,
                name: name.clone(),
                key: flow_style::scalar(key_text, name, *quoted),
                value,
            });
        }
        Ok(Map {
            entries: read,
            tail: self.take_tail(column),
        })
    }

    fn seq(&mut self, items: &[Written], first: Vec<Lead>, forms: &Forms<'_>) -> Result<Seq, Strange> {
        let mut column = 0;
        let mut read = Vec::new();
        let mut first = Some(first);
        for item in items {
            let lead = match first.take() {
                Some(lead) => lead,
                None => self.take_all(),
            };
            let gap = self.rest();
            self.pos += gap.len() - gap.trim_start_matches(' ').len();
            if !self.rest().starts_with('-') {
                return Err(self.strange("an item is written in a way that is left alone"));
            }
            column = self.pos - self.line_start(self.pos);
            self.pos += 1;
            let value = self.slot(item, column, true, &forms.item())?;
            read.push(Item { lead, value });
        }
        Ok(Seq {
            items: read,
            tail: self.take_tail(column),
        })
    }

    /// What stands behind a `:` or `-`, with all that follows up to the next key or item.
    fn slot(&mut self, value: &Written, column: usize, dash: bool, forms: &Forms<'_>) -> Result<Slot, Strange> {
        let mut props = Vec::new();
        loop {
            let gap = self.rest();
            let words = gap.trim_start_matches([' ', '\t']);
            if !words.starts_with(['&', '!']) {
                break;
            }
            let end = words.find([' ', '\t', '\n']).unwrap_or(words.len());
            props.push(words[..end].to_owned());
            self.pos += gap.len() - words.len() + end;
        }
        // Where the parser counts the anchor to the value.
        let start = value.span.start.max(self.pos);
        let beside = start <= self.line_end(self.pos);
        let (comment, body) = match &value.kind {
            Kind::Empty => (self.after(self.pos)?, Body::Empty),
            Kind::Block => self.block(column)?,
            Kind::Map { flow: false, entries } => {
                let (comment, inner, first) = self.inner(start, beside)?;
                if beside && !dash {
                    return Err(self.strange("it is written in a way that is left alone"));
                }
                (comment, Body::Map(self.map(entries, inner, first, forms)?))
            }
            Kind::Seq { flow: false, items } => {
                // The parser may have it begin behind its first dash.
                let gap = self.rest();
                let dash = self.pos + gap.len() - gap.trim_start_matches(' ').len();
                let start = if beside { dash.min(start) } else { start };
                let (comment, _, first) = self.inner(start, beside)?;
                (comment, Body::Seq(self.seq(items, first, forms)?))
            }
            _ => {
                if !beside {
                    if self.line_gap(start)?.is_some() {
                        return Err(self.strange("a comment stands between a key and its value"));
                    }
                    self.between();
                    self.pending.retain(|(_, lead)| *lead != Lead::Blank);
                    if !self.pending.is_empty() {
                        return Err(self.strange("a comment stands between a key and its value"));
                    }
                }
                if !self.text[self.pos..start].trim_matches([' ', '\t']).is_empty() {
                    return Err(self.strange("it is written in a way that is left alone"));
                }
                let base = if beside { column } else { start - self.line_start(start) };
                let body = self.inline(value, start, beside, base, forms);
                (self.after(value.span.end)?, body)
            }
        };
        Ok(Slot { props, comment, body })
    }

    /// Up to the first line of a block collection: the comment beside its key, its column, and the lines above it.
    fn inner(&mut self, start: usize, beside: bool) -> Result<Beginning, Strange> {
        let mut comment = None;
        let mut first = Vec::new();
        if beside {
            if !self.text[self.pos..start].trim_matches(' ').is_empty() {
                return Err(self.strange("it is written in a way that is left alone"));
            }
        } else {
            comment = self.line_gap(start)?;
            self.between();
            first = self.take_all();
            if first.first() == Some(&Lead::Blank) {
                first.remove(0);
            }
        }
        Ok((comment, start - self.line_start(start), first))
    }

    /// A value in flow style, a scalar or an alias; the column is what further lines are measured from.
    fn inline(&self, value: &Written, start: usize, beside: bool, column: usize, forms: &Forms<'_>) -> Body {
        let text = &self.text[start..value.span.end];
        let flow = matches!(value.kind, Kind::Map { .. } | Kind::Seq { .. });
        if !text.contains('\n') {
            let text = match &value.kind {
                Kind::Scalar { text: value, quoted } => flow_style::scalar(text, value, *quoted),
                _ if flow => flow_style::collection(self.text, value, forms).unwrap_or_else(|| text.to_owned()),
                _ => text.to_owned(),
            };
            return Body::Inline { beside, text };
        }
        let lines = if flow {
            let deeper = |(index, line): (usize, &str)| {
                let words = line.trim_start_matches(' ');
                let by = if index == 0 {
                    0
                } else {
                    (line.len() - words.len()) as isize - column as isize
                };
                (by, words.trim_end_matches([' ', '\t']).to_owned())
            };
            Lines::Flow(text.split('\n').enumerate().map(deeper).collect())
        } else {
            let words = |(index, line): (usize, &str)| {
                let line = if index == 0 {
                    line
                } else {
                    line.trim_start_matches([' ', '\t'])
                };
                line.to_owned()
            };
            Lines::Scalar(text.split('\n').enumerate().map(words).collect())
        };
        Body::Lines { beside, lines }
    }

    /// A scalar under its header, below a key or dash at a column.
    fn block(&mut self, column: usize) -> Result<(Option<(String, String)>, Body), Strange> {
        let gap = self.rest();
        let words = gap.trim_start_matches([' ', '\t']);
        if !words.starts_with(['|', '>']) {
            return Err(self.strange("it is written in a way that is left alone"));
        }
        let end = words.find([' ', '\t', '\n']).unwrap_or(words.len());
        let header = words[..end].to_owned();
        self.pos += gap.len() - words.len() + end;
        let comment = self.line_gap(self.text.len())?;
        let digit = header.chars().find_map(|c| c.to_digit(10)).map(|digit| digit as usize);
        let mut depth = digit.map(|digit| column + digit);
        let keep = header.contains('+');
        let mut lines = Vec::new();
        let mut kept = (0, self.pos);
        while self.pos < self.text.len() {
            let end = self.line_end(self.pos);
            let line = &self.text[self.pos..end];
            let indent = line.len() - line.trim_start_matches(' ').len();
            let next = (end + 1).min(self.text.len());
            if indent == line.len() {
                lines.push(line.get(depth.unwrap_or(indent)..).unwrap_or_default().to_owned());
                if keep || depth.is_some_and(|depth| indent > depth) {
                    kept = (lines.len(), next);
                }
            } else {
                let depth = *depth.get_or_insert(indent);
                if indent < depth || indent <= column {
                    break;
                }
                lines.push(line[depth..].to_owned());
                kept = (lines.len(), next);
            }
            self.pos = next;
        }
        lines.truncate(kept.0);
        self.pos = kept.1;
        self.between();
        Ok((
            comment,
            Body::Block {
                header,
                lines,
                depth: digit,
            },
        ))
    }
}
