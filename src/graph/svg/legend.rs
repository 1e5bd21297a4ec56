//! What the lines and borders mean: only those that are there.

use super::write::{Writer, width};
use crate::graph::model::{Graph, Stroke};

/// The rows' height, and how wide a sample of a line or a border is.
const ROW: f64 = 20.0;
const SAMPLE: f64 = 34.0;
/// The longest row.
const LONGEST: f64 = 620.0;

/// Writes the legend; gives how far it goes to the right and down.
pub(super) fn write(graph: &Graph, out: &mut Writer, left: f64, top: f64) -> (f64, f64) {
    let (mut x, mut y, mut right) = (left, top, left);
    for (class, line, words) in entries(graph) {
        let wide = SAMPLE + 10.0 + width(words) * 11.0 + 22.0;
        if x > left && x + wide > left + LONGEST {
            (x, y) = (left, y + ROW);
        }
        if line {
            out.path(class, &format!("M{x:.1},{y:.1} H{:.1}", x + SAMPLE), true);
        } else {
            out.open(class);
            out.rect("box", (x, y - 7.0, SAMPLE, 14.0), 3.0);
            out.close();
        }
        out.text_at("legend", x + SAMPLE + 8.0, y + 4.0, words);
        x += wide;
        right = right.max(x);
    }
    (right, y + 6.0)
}

/// Class, whether it is a line, and the words.
fn entries(graph: &Graph) -> Vec<(&'static str, bool, &'static str)> {
    let stroke = |stroke: Stroke| graph.edges.iter().any(|edge| edge.stroke() == stroke);
    let all = [
        (stroke(Stroke::Plain), ("plain", true, "an outcome")),
        (
            stroke(Stroke::Otherwise),
            ("otherwise", true, "by the flow's otherwise"),
        ),
        (stroke(Stroke::Watchdog), ("watchdog", true, "the watchdog's")),
        (stroke(Stroke::Skip), ("skip", true, "left out by its when")),
        (stroke(Stroke::Run), ("run", true, "runs a flow, and comes back")),
        (stroke(Stroke::Broken), ("broken", true, "leads nowhere")),
        (
            graph.edges.iter().any(|edge| edge.uncovered()),
            ("untested", true, "not covered"),
        ),
        (
            graph.nodes.iter().any(|node| node.marks.unreachable),
            ("unreachable", false, "no call comes here"),
        ),
        (
            graph.nodes.iter().any(|node| node.marks.dead_end),
            ("dead_end", false, "dead end"),
        ),
        (
            graph.nodes.iter().any(|node| node.marks.uncovered()),
            ("uncovered", false, "not covered"),
        ),
    ];
    let there = all.into_iter().filter(|(there, _)| *there).map(|(_, entry)| entry);
    let entries: Vec<_> = there.collect();
    // One kind of line explains itself.
    if entries.len() > 1 { entries } else { Vec::new() }
}
