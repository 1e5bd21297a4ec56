//! The boxes of a drawing: what stands in each, and the outline that tells its kind.

use super::panel::{Line, label_size};
use super::write::{Writer, width};
use crate::graph::layout::Item;
use crate::graph::model::Graph;
use crate::graph::text;

/// Where a long line in a box is broken, in characters.
pub(super) const LINE: usize = 30;
/// The heights of a name and of a line under it, and what a box has above and below them.
const NAME: f64 = 17.0;
pub(super) const SMALL: f64 = 14.0;
const PADDING: f64 = 8.0;
/// The sizes of the letters, as the style says.
const NAME_SIZE: f64 = 13.0;
pub(super) const SMALL_SIZE: f64 = 11.0;
/// Bold letters are so much wider.
pub(super) const BOLD: f64 = 1.1;
/// How far a way goes aside that comes back to its own step.
pub(super) const LOOP: f64 = 26.0;
/// How far the sides of a box lean.
const LEAN: f64 = 9.0;

/// A box and what stands in it.
pub(super) struct Figure {
    shape: Shape,
    class: &'static str,
    /// The step, where it is one.
    pub node: Option<usize>,
    name: Option<String>,
    small: Vec<String>,
    tags: Option<String>,
    hint: String,
    pub size: (f64, f64),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    Plain,
    Soft,
    Round,
    Leaning,
    Hexagon,
    Double,
    Start,
    Lost,
}

impl Figure {
    pub fn new(shape: Shape, name: Option<String>, small: Vec<String>, tags: Option<String>, hint: String) -> Self {
        let lean = match shape {
            Shape::Leaning | Shape::Hexagon => 2.0 * LEAN,
            Shape::Double => 10.0,
            _ => 0.0,
        };
        let named = name.as_deref().map_or(0.0, |name| width(name) * NAME_SIZE * BOLD);
        let tagged = tags.as_deref().map_or(0.0, |tags| width(tags) * SMALL_SIZE * BOLD);
        let widest = small
            .iter()
            .map(|line| width(line) * SMALL_SIZE)
            .fold(named.max(tagged), f64::max);
        let lines = small
            .iter()
            .map(|_| SMALL)
            .chain(tags.iter().map(|_| SMALL))
            .sum::<f64>();
        let names = if name.is_some() { NAME } else { 0.0 };
        Self {
            shape,
            class: "",
            node: None,
            size: (widest + 24.0 + lean, lines + names + 2.0 * PADDING),
            name,
            small,
            tags,
            hint,
        }
    }

    pub fn start(word: &str) -> Self {
        Self {
            size: (54.0, 24.0),
            ..Self::new(Shape::Start, None, vec![word.to_owned()], None, String::new())
        }
    }

    pub fn lost() -> Self {
        Self {
            size: (70.0, 26.0),
            ..Self::new(Shape::Lost, None, vec!["nowhere".to_owned()], None, String::new())
        }
    }

    pub fn step(graph: &Graph, number: usize, hint: String) -> Self {
        let node = &graph.nodes[number];
        let shape = match node.kind.as_str() {
            _ if node.end => Shape::Round,
            "choose" => Shape::Hexagon,
            "gather" | "record" | "pay" => Shape::Leaning,
            "run" => Shape::Double,
            "converse" | "relay" | "stream" => Shape::Soft,
            _ => Shape::Plain,
        };
        let marks = &node.marks;
        let class = if marks.unreachable {
            "unreachable"
        } else if marks.dead_end {
            "dead_end"
        } else if marks.uncovered() {
            "uncovered"
        } else if node.end {
            "end"
        } else {
            ""
        };
        let tags = Some(text::tags(node).join(", ")).filter(|tags| !tags.is_empty());
        let name = text::isolated(&text::short(&node.title, LINE + 4));
        let small = text::subtitle(node, LINE);
        Self {
            class,
            node: Some(number),
            ..Self::new(shape, Some(name), small, tags, hint)
        }
    }

    pub fn item(&self) -> Item {
        Item {
            width: self.size.0,
            height: self.size.1,
            margin: 0.0,
        }
    }

    pub fn write(&self, out: &mut Writer, x: f64, y: f64) {
        let (width, height) = self.size;
        out.open(format!("node {}", self.class).trim_end());
        if !self.hint.is_empty() {
            out.title(&self.hint);
        }
        let all = (x, y, width, height);
        let (right, bottom) = (x + width, y + height);
        match self.shape {
            Shape::Plain => out.rect("box", all, 3.0),
            Shape::Soft => out.rect("box", all, 14.0),
            Shape::Round => out.rect("box", all, height / 2.0),
            Shape::Start => out.rect("start", all, height / 2.0),
            Shape::Lost => out.rect("lost", all, 3.0),
            Shape::Leaning => {
                let points = [(x + LEAN, y), (right, y), (right - LEAN, bottom), (x, bottom)];
                out.polygon("box", &points);
            }
            Shape::Hexagon => {
                let middle = y + height / 2.0;
                let upper = [(x + LEAN, y), (right - LEAN, y), (right, middle)];
                let lower = [(right - LEAN, bottom), (x + LEAN, bottom), (x, middle)];
                out.polygon("box", &[upper, lower].concat());
            }
            Shape::Double => {
                out.rect("box", all, 2.0);
                out.rect("inner", (x + 4.0, y, width - 8.0, height), 0.0);
            }
        }
        let middle = x + width / 2.0;
        let mut line = y + PADDING;
        if let Some(name) = &self.name {
            out.text_at("name", middle, line + 12.5, name);
            line += NAME;
        }
        let small = match self.shape {
            Shape::Start => "start-text",
            Shape::Lost => "lost-text",
            _ => "small",
        };
        for text in &self.small {
            let base = if self.name.is_none() && self.size.1 < 30.0 {
                height / 2.0 - PADDING + 4.0
            } else {
                10.5
            };
            out.text_at(small, middle, line + base, text);
            line += SMALL;
        }
        if let Some(tags) = &self.tags {
            out.text_at("tag", middle, line + 10.5, tags);
        }
        out.close();
    }

    /// A way that leaves and comes back at the right side.
    pub fn write_loop(&self, out: &mut Writer, line: &Line, x: f64, y: f64) {
        let (width, height) = self.size;
        let slope = if self.shape == Shape::Leaning { LEAN * 0.7 } else { 0.0 };
        let (right, upper, lower) = (x + width, y + height * 0.28, y + height * 0.72);
        let out_x = right + LOOP - 4.0;
        let path = format!(
            "M{:.1},{upper:.1} C{out_x:.1},{:.1} {out_x:.1},{:.1} {:.1},{lower:.1}",
            right - slope * 0.4,
            upper - 4.0,
            lower + 4.0,
            right - slope,
        );
        out.path(line.class, &path, true);
        let label = label_size(&line.label).0;
        line.write_label(out, right + LOOP + label / 2.0 - 6.0, y + height / 2.0);
    }
}
