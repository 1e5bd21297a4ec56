//! How a document is laid out: entries with the comments and blank lines that belong to them.
//!
//! Which comment belongs to what: one behind a value stays behind it; those above a key or item belong to it, unless
//! they stand deeper than it, then they end the collection whose depth they have; a comment for the engine belongs to
//! the line below it in any case.

/// A document whose root is a block map.
#[derive(Debug, PartialEq)]
pub(super) struct Layout {
    /// Lines above `---`; none where it is not there.
    pub above_mark: Option<Vec<Lead>>,
    /// Comments of the whole file, and the blank lines between and after them.
    pub head: Vec<Lead>,
    /// Whether the head may be about the first key as well: nothing stands between them.
    pub first_stays: bool,
    pub root: Map,
}

/// A line that holds no value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Lead {
    /// Nothing; one stands for any number of them.
    Blank,
    /// A comment from its `#` on.
    Comment(String),
}

/// A block map.
#[derive(Debug, PartialEq)]
pub(super) struct Map {
    pub entries: Vec<Entry>,
    /// Lines after the last entry that are as deep as the entries.
    pub tail: Vec<Lead>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Entry {
    /// Lines above it.
    pub lead: Vec<Lead>,
    /// The key's text.
    pub name: String,
    /// The key as it is written.
    pub key: String,
    pub value: Slot,
}

/// A block list.
#[derive(Debug, PartialEq)]
pub(super) struct Seq {
    pub items: Vec<Item>,
    /// Lines after the last item that are as deep as the items.
    pub tail: Vec<Lead>,
}

#[derive(Debug, PartialEq)]
pub(super) struct Item {
    /// Lines above it.
    pub lead: Vec<Lead>,
    pub value: Slot,
}

/// What stands behind a `:` or a `-`.
#[derive(Debug, PartialEq)]
pub(super) struct Slot {
    /// Anchor and tag, as written.
    pub props: Vec<String>,
    /// The comment on the line of the `:` or `-`, or behind the value where it ends on a line of its own, with the
    /// white space before it.
    pub comment: Option<(String, String)>,
    pub body: Body,
}

#[derive(Debug, PartialEq)]
pub(super) enum Body {
    Empty,
    /// A scalar, an alias or a collection in flow style, on one line.
    Inline {
        /// Whether it is in the line of the `:` or `-`.
        beside: bool,
        text: String,
    },
    /// The same over several lines.
    Lines {
        /// Whether the first of them is the line of the `:` or `-`.
        beside: bool,
        lines: Lines,
    },
    /// A scalar under its header.
    Block {
        /// `|`, `>` and what belongs to it.
        header: String,
        /// Its lines without their indentation; an explicit one is in the header.
        lines: Vec<String>,
        /// How deep an explicit indentation is.
        depth: Option<usize>,
    },
    Map(Map),
    Seq(Seq),
}

/// The lines of a value that takes several.
#[derive(Debug, PartialEq)]
pub(super) enum Lines {
    /// Of a scalar: white space at their beginnings means nothing.
    Scalar(Vec<String>),
    /// Of a collection in flow style: each with how much deeper it stands than the line that the collection begins on.
    Flow(Vec<(isize, String)>),
}

/// Why a document is not formatted: something that this does not lay out, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Strange {
    pub byte: usize,
    pub what: &'static str,
}
