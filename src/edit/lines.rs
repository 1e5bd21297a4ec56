//! The lines between values: comments and blank lines, and whom they belong to.

use super::layout::{Lead, Strange};
use std::collections::VecDeque;

/// A place in a text, and the lines before it that nothing has taken yet.
pub(super) struct Reader<'a> {
    pub text: &'a str,
    pub pos: usize,
    /// Blank lines and comments that nothing has taken yet, each with its column.
    pub pending: VecDeque<(usize, Lead)>,
    /// How many of them, from the front, may end a collection; the others belong to what comes next.
    bound: usize,
}

impl<'a> Reader<'a> {
    pub fn new(text: &'a str) -> Self {
        Self {
            text,
            pos: 0,
            pending: VecDeque::new(),
            bound: 0,
        }
    }

    pub fn rest(&self) -> &'a str {
        &self.text[self.pos..]
    }

    pub fn strange(&self, what: &'static str) -> Strange {
        Strange { byte: self.pos, what }
    }

    pub fn line_end(&self, from: usize) -> usize {
        self.text[from..].find('\n').map_or(self.text.len(), |at| from + at)
    }

    pub fn line_start(&self, from: usize) -> usize {
        self.text[..from].rfind('\n').map_or(0, |at| at + 1)
    }

    pub fn indentation(&self, from: usize) -> usize {
        let line = &self.text[self.line_start(from)..];
        line.len() - line.trim_start_matches(' ').len()
    }

    /// From the start of a line, over blank lines and comments, to the next line with a value.
    pub fn between(&mut self) {
        while self.pos < self.text.len() {
            let end = self.line_end(self.pos);
            let line = &self.text[self.pos..end];
            let words = line.trim_matches([' ', '\t']);
            if words.is_empty() {
                if !matches!(self.pending.back(), Some((_, Lead::Blank))) {
                    self.pending.push_back((0, Lead::Blank));
                }
            } else if words.starts_with('#') {
                let column = line.len() - line.trim_start_matches([' ', '\t']).len();
                self.pending.push_back((column, Lead::Comment(words.to_owned())));
            } else {
                break;
            }
            self.pos = (end + 1).min(self.text.len());
        }
        self.bound = self.boundary();
    }

    /// How many of the pending lines stand deeper than what comes next.
    pub fn boundary(&self) -> usize {
        if self.pos == self.text.len() {
            return self.pending.len();
        }
        let next = self.indentation(self.pos);
        let deeper = |(column, lead): &(usize, Lead)| matches!(lead, Lead::Comment(_)) && *column > next;
        let end = self.pending.iter().rposition(deeper).map_or(0, |at| at + 1);
        // A comment for the engine is about the next line that is no comment.
        let close = self.pending.iter().rposition(|(_, lead)| *lead == Lead::Blank);
        let close = close.map_or(0, |at| at + 1);
        let directive = |(_, lead): &(usize, Lead)| matches!(lead, Lead::Comment(text) if is_directive(text));
        match self.pending.iter().skip(close).position(directive) {
            Some(at) => end.min(close + at),
            None => end,
        }
    }

    pub fn take_all(&mut self) -> Vec<Lead> {
        self.bound = 0;
        self.pending.drain(..).map(|(_, lead)| lead).collect()
    }

    /// The pending lines that end a collection at a column.
    pub fn take_tail(&mut self, column: usize) -> Vec<Lead> {
        let within = |(at, lead): &(usize, Lead)| *lead == Lead::Blank || *at >= column;
        let mut count = self
            .pending
            .iter()
            .take(self.bound)
            .take_while(|one| within(one))
            .count();
        while count > 0 && self.pending[count - 1].1 == Lead::Blank {
            count -= 1;
        }
        self.bound -= count;
        self.pending.drain(..count).map(|(_, lead)| lead).collect()
    }

    /// The rest of a line, up to a byte at most: nothing but white space and a comment. The line break is passed.
    pub fn line_gap(&mut self, to: usize) -> Result<Option<(String, String)>, Strange> {
        let end = self.line_end(self.pos).min(to);
        let gap = &self.text[self.pos..end];
        let words = gap.trim_start_matches([' ', '\t']);
        let white = gap.len() - words.len();
        let comment = match words.trim_end_matches([' ', '\t']) {
            "" => None,
            text if text.starts_with('#') && white > 0 => Some((gap[..white].to_owned(), text.to_owned())),
            _ => return Err(self.strange("it is written in a way that is left alone")),
        };
        self.pos = end;
        if self.text[end..].starts_with('\n') {
            self.pos += 1;
        }
        Ok(comment)
    }

    /// After a value that ends in its line: its comment, and the lines up to the next value.
    pub fn after(&mut self, end: usize) -> Result<Option<(String, String)>, Strange> {
        self.pos = end;
        let comment = self.line_gap(self.text.len())?;
        self.between();
        Ok(comment)
    }
}

/// A comment that an editor reads.
pub(super) fn is_modeline(comment: &str) -> bool {
    let text = comment.trim_start_matches('#').trim_start();
    ["yaml-language-server:", "vim:", "vi:", "-*-", "code: language="]
        .iter()
        .any(|known| text.starts_with(known))
}

/// A comment that the engine reads; it is about the line below.
pub(super) fn is_directive(comment: &str) -> bool {
    comment.trim_start_matches('#').trim_start().starts_with("engine:")
}
