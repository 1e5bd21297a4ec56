//! From a layout to canonical text: keys in their forms' order, two spaces a level, one blank line at most.

use super::layout::{Body, Entry, Item, Layout, Lead, Lines, Map, Seq, Slot};
use super::order::Forms;

/// The widest line that a value is pulled up to its key for.
const WIDEST: usize = 120;

/// How keys are ordered.
#[derive(Clone, Copy)]
pub(super) enum Keys<'a> {
    /// By the forms.
    Ordered(&'a Forms<'a>),
    /// As they are: an alias must stay behind its anchor.
    AsWritten,
}

/// The whole text.
pub(super) fn print(layout: &Layout, keys: Keys<'_>) -> String {
    let mut printer = Printer {
        out: String::new(),
        ordered: matches!(keys, Keys::Ordered(_)),
        keeping: false,
    };
    let none = Forms::default();
    let forms = match keys {
        Keys::Ordered(forms) => forms,
        Keys::AsWritten => &none,
    };
    if let Some(lines) = &layout.above_mark {
        printer.leads(lines, 0);
        printer.out.push_str("---\n");
    }
    printer.leads(&layout.head, 0);
    let stays = layout.first_stays || would_join_head(layout, forms);
    printer.map(&layout.root, 0, false, stays, forms);
    printer.out
}

/// Whether the comments of the key that comes first would then look like those of the file.
fn would_join_head(layout: &Layout, forms: &Forms<'_>) -> bool {
    let entries = &layout.root.entries;
    let order = order(entries, false, forms);
    let Some(first) = order.first().filter(|first| **first != 0) else {
        return false;
    };
    let lead = &entries[*first].lead;
    let lead = lead.strip_prefix(&[Lead::Blank]).unwrap_or(lead);
    !lead.is_empty() && (layout.head.last() != Some(&Lead::Blank) || lead.contains(&Lead::Blank))
}

/// The order in which entries are printed.
pub(super) fn order(entries: &[Entry], stays: bool, forms: &Forms<'_>) -> Vec<usize> {
    let names: Vec<&str> = entries.iter().map(|entry| entry.name.as_str()).collect();
    let mut order = forms.order(&names).unwrap_or_else(|| (0..entries.len()).collect());
    if stays && let Some(at) = order.iter().position(|index| *index == 0) {
        order.remove(at);
        order.insert(0, 0);
    }
    order
}

struct Printer {
    out: String,
    ordered: bool,
    /// The last line is of a scalar that keeps its blank lines: one more would belong to it.
    keeping: bool,
}

impl Printer {
    fn leads(&mut self, lines: &[Lead], indent: usize) {
        for line in lines {
            match line {
                Lead::Blank if self.keeping => continue,
                Lead::Blank => {}
                Lead::Comment(text) => {
                    self.keeping = false;
                    self.indent(indent);
                    self.out.push_str(text);
                }
            }
            self.out.push('\n');
        }
    }

    fn indent(&mut self, by: usize) {
        self.out.extend(std::iter::repeat_n(' ', by));
    }

    /// A map whose first key stands in the line that was begun, or in one of its own.
    fn map(&mut self, map: &Map, indent: usize, begun: bool, stays: bool, forms: &Forms<'_>) {
        let comments = |entry: &Entry| entry.lead.iter().any(|lead| *lead != Lead::Blank);
        // Above the first key of an item, a comment would belong to the item.
        let stays = stays || begun && map.entries.iter().skip(1).any(comments);
        let order = match self.ordered {
            true => order(&map.entries, stays, forms),
            false => (0..map.entries.len()).collect(),
        };
        for (at, index) in order.iter().enumerate() {
            let entry = &map.entries[*index];
            if at > 0 || !begun {
                // The first key's blank line goes with its place: the key that was first before gets it.
                let lead = match entry.lead.split_first() {
                    Some((Lead::Blank, rest)) if at == 0 => rest,
                    _ => &entry.lead[..],
                };
                let swapped = at > 0 && *index == 0 && !begun;
                let first = &map.entries[order[0]].lead;
                if swapped && first.first() == Some(&Lead::Blank) && lead.first() != Some(&Lead::Blank) {
                    self.leads(&[Lead::Blank], indent);
                }
                self.leads(lead, indent);
                self.indent(indent);
            }
            self.out.push_str(&entry.key);
            self.out.push(':');
            self.slot(&entry.value, indent, false, &forms.key(&entry.name));
        }
        self.leads(&map.tail, indent);
    }

    fn seq(&mut self, seq: &Seq, indent: usize, begun: bool, forms: &Forms<'_>) {
        for (at, Item { lead, value }) in seq.items.iter().enumerate() {
            if at > 0 || !begun {
                let lead = match lead.split_first() {
                    Some((Lead::Blank, rest)) if at == 0 => rest,
                    _ => &lead[..],
                };
                self.leads(lead, indent);
                self.indent(indent);
            }
            self.out.push('-');
            self.slot(value, indent, true, &forms.item());
        }
        self.leads(&seq.tail, indent);
    }

    /// What stands behind a `:` or `-` that was just printed, to the end of its last line.
    fn slot(&mut self, slot: &Slot, indent: usize, dash: bool, forms: &Forms<'_>) {
        self.keeping = false;
        for prop in &slot.props {
            self.out.push(' ');
            self.out.push_str(prop);
        }
        let compact = dash && slot.props.is_empty() && slot.comment.is_none();
        match &slot.body {
            Body::Empty => self.end(slot),
            Body::Inline { beside, text } => {
                let begun = self.out.rsplit('\n').next().unwrap_or_default().chars().count();
                if *beside || begun + 1 + text.chars().count() <= WIDEST {
                    self.out.push(' ');
                } else {
                    self.out.push('\n');
                    self.indent(indent + 2);
                }
                self.out.push_str(text);
                self.end(slot);
            }
            Body::Lines { beside, lines } => self.lines(slot, *beside, lines, indent),
            Body::Block { header, lines, depth } => {
                self.out.push(' ');
                self.out.push_str(header);
                self.end(slot);
                for line in lines {
                    if !line.is_empty() {
                        self.indent(indent + depth.unwrap_or(2));
                    }
                    self.out.push_str(line);
                    self.out.push('\n');
                }
                self.keeping = header.contains('+');
            }
            Body::Map(map) => {
                let begun = compact && map.entries.first().is_some_and(|first| first.lead.is_empty());
                self.begin(begun, slot);
                self.map(map, indent + 2, begun, false, forms);
            }
            Body::Seq(seq) => {
                let begun = compact && seq.items.first().is_some_and(|first| first.lead.is_empty());
                self.begin(begun, slot);
                self.seq(seq, indent + 2, begun, forms);
            }
        }
    }

    fn begin(&mut self, begun: bool, slot: &Slot) {
        if begun {
            self.out.push(' ');
        } else {
            self.end(slot);
        }
    }

    /// The comment behind a value, and the line's end.
    fn end(&mut self, slot: &Slot) {
        if let Some((gap, text)) = &slot.comment {
            self.out.push_str(gap);
            self.out.push_str(text);
        }
        self.out.push('\n');
    }

    fn lines(&mut self, slot: &Slot, beside: bool, lines: &Lines, indent: usize) {
        if beside {
            self.out.push(' ');
        } else {
            self.out.push('\n');
            self.indent(indent + 2);
        }
        match lines {
            Lines::Scalar(lines) => {
                for (at, line) in lines.iter().enumerate() {
                    if at > 0 {
                        self.out.push('\n');
                        if !line.is_empty() {
                            self.indent(indent + 2);
                        }
                    }
                    self.out.push_str(line);
                }
            }
            Lines::Flow(lines) => {
                let base = if beside { indent } else { indent + 2 };
                for (at, (deeper, line)) in lines.iter().enumerate() {
                    if at > 0 {
                        self.out.push('\n');
                        if !line.is_empty() {
                            self.indent(base.saturating_add_signed(*deeper));
                        }
                    }
                    self.out.push_str(line);
                }
            }
        }
        self.end(slot);
    }
}
