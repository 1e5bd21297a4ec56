//! A text somebody wrote, and places in it.
//!
//! Offsets are bytes; lines and columns are counted from 1, columns in Unicode scalar values.

use std::fmt;
use std::sync::Arc;

use super::finding::Finding;

/// The largest text that is read, in bytes. A flow of thousands of steps stays far below it.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;

/// A named text, shared by every place that points into it.
pub struct Source {
    name: String,
    text: String,
    /// Byte offset at which each line begins; the first is 0.
    lines: Vec<usize>,
}

impl Source {
    /// Takes a text under the name that findings print, usually a path relative to the project.
    pub fn new(name: impl Into<String>, text: impl Into<String>) -> Arc<Self> {
        let text = text.into();
        let lines = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(at, _)| at + 1))
            .collect();
        Arc::new(Self {
            name: name.into(),
            text,
            lines,
        })
    }

    /// Takes a file's bytes.
    ///
    /// # Errors
    /// The finding `invalid-utf8`, at the first byte that is not text, or `file-too-large` above [`MAX_BYTES`].
    pub fn from_bytes(name: impl Into<String>, bytes: &[u8]) -> Result<Arc<Self>, Box<Finding>> {
        let name = name.into();
        if bytes.len() > MAX_BYTES {
            return Err(Box::new(too_large(&Self::new(name, ""))));
        }
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Self::new(name, text)),
            Err(error) => {
                let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
                let at = good.len();
                let place = Place::new(&Self::new(name, good), Span::at(at));
                Err(Box::new(
                    Finding::error("invalid-utf8", place, "the file is not UTF-8 text")
                        .label("the text ends here")
                        .help("save the file with the encoding UTF-8"),
                ))
            }
        }
    }

    /// The name findings print.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The whole text.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where a byte offset lies. Offsets past the end, or inside a character, are moved back.
    pub fn position(&self, byte: usize) -> Position {
        let byte = self.boundary(byte);
        let line = self.lines.partition_point(|start| *start <= byte);
        let start = self.lines[line - 1];
        Position {
            line,
            column: self.text[start..byte].chars().count() + 1,
            byte,
        }
    }

    /// The text of a line, counted from 1, without its line break; empty where there is no such line.
    pub fn line(&self, number: usize) -> &str {
        let Some(&start) = number.checked_sub(1).and_then(|index| self.lines.get(index)) else {
            return "";
        };
        let end = self.lines.get(number).copied().unwrap_or(self.text.len());
        self.text[start..end].trim_end_matches(['\n', '\r'])
    }

    /// The byte offset at which a line begins, counted from 1.
    pub fn line_start(&self, number: usize) -> Option<usize> {
        self.lines.get(number.checked_sub(1)?).copied()
    }

    /// Moves an offset back to the start of the character it lies in.
    fn boundary(&self, byte: usize) -> usize {
        let mut byte = byte.min(self.text.len());
        while !self.text.is_char_boundary(byte) {
            byte -= 1;
        }
        byte
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Source({}, {} bytes)", self.name, self.text.len())
    }
}

/// A range of bytes, the end excluded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Span {
    /// The first byte.
    pub start: usize,
    /// The byte after the last one.
    pub end: usize,
}

impl Span {
    /// The range from `start` to `end`; empty where `end` lies before `start`.
    pub fn new(start: usize, end: usize) -> Self {
        Self {
            start,
            end: end.max(start),
        }
    }

    /// The empty range at an offset.
    pub fn at(byte: usize) -> Self {
        Self::new(byte, byte)
    }
}

/// Where a byte lies in its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Position {
    /// Counted from 1.
    pub line: usize,
    /// Counted from 1, in Unicode scalar values.
    pub column: usize,
    /// Counted from 0.
    pub byte: usize,
}

/// A span of one source.
#[derive(Clone)]
pub struct Place {
    source: Arc<Source>,
    span: Span,
}

impl Place {
    /// Points at a span, which is cut to what the source holds.
    pub fn new(source: &Arc<Source>, span: Span) -> Self {
        let span = Span::new(source.boundary(span.start), source.boundary(span.end));
        Self {
            source: Arc::clone(source),
            span,
        }
    }

    /// The text pointed into.
    pub fn source(&self) -> &Arc<Source> {
        &self.source
    }

    /// The bytes pointed at.
    pub fn span(&self) -> Span {
        self.span
    }

    /// Where the first byte lies.
    pub fn start(&self) -> Position {
        self.source.position(self.span.start)
    }

    /// Where the byte after the last one lies.
    pub fn end(&self) -> Position {
        self.source.position(self.span.end)
    }

    /// The line of the first byte, counted from 1.
    pub fn line(&self) -> usize {
        self.start().line
    }

    /// The column of the first byte, counted from 1 in Unicode scalar values.
    pub fn column(&self) -> usize {
        self.start().column
    }

    /// The text pointed at.
    pub fn text(&self) -> &str {
        &self.source.text[self.span.start..self.span.end]
    }
}

impl PartialEq for Place {
    fn eq(&self, other: &Self) -> bool {
        self.span == other.span && self.source.name == other.source.name
    }
}

impl Eq for Place {}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let start = self.start();
        write!(f, "{}:{}:{}", self.source.name, start.line, start.column)
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Place({self})")
    }
}

/// A text that is too long to be a flow.
pub(super) fn too_large(source: &Arc<Source>) -> Finding {
    let message = format!("the file has more than {MAX_BYTES} bytes, which no flow has");
    Finding::error("file-too-large", Place::new(source, Span::at(0)), message)
        .help("put long texts, such as an agent's instructions, into files of their own")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn columns_count_characters_not_bytes() {
        let source = Source::new("a.yaml", "שלום: 1\nb: 2\r\n");
        let cases = [
            (0, (1, 1)),
            ("שלום".len(), (1, 5)),
            ("שלום: 1\n".len(), (2, 1)),
            ("שלום: 1\nb: 2".len(), (2, 5)),
            (1, (1, 1)),
            (999, (3, 1)),
        ];
        for (byte, expected) in cases {
            let at = source.position(byte);
            assert_eq!((at.line, at.column), expected, "byte {byte}");
        }
        assert_eq!(source.line(1), "שלום: 1");
        assert_eq!(source.line(2), "b: 2");
        assert_eq!(source.line(9), "");
    }

    #[test]
    fn bytes_that_are_not_text_are_a_finding_at_the_first_of_them() {
        let finding = Source::from_bytes("a.yaml", b"a: 1\nb: \xff").unwrap_err();
        assert_eq!(finding.id, "invalid-utf8");
        assert_eq!(finding.place.to_string(), "a.yaml:2:4");
        let finding = Source::from_bytes("a.yaml", &vec![b' '; MAX_BYTES + 1]).unwrap_err();
        assert_eq!(finding.id, "file-too-large");
    }

    proptest! {
        #[test]
        fn any_span_of_any_text_has_a_place(text in "\\PC{0,40}", start in 0usize..200, end in 0usize..200) {
            let source = Source::new("x", text);
            let place = Place::new(&source, Span { start, end });
            prop_assert!(source.text().contains(place.text()));
            prop_assert!(place.start() <= place.end());
        }
    }
}
