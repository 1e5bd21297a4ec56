//! One flow file's steps, laid out: boxes, ways and labels, and a frame where the flow is run by another one.

use super::figure::{BOLD, Figure, LINE, LOOP, SMALL, SMALL_SIZE, Shape};
use super::write::{Writer, width};
use crate::graph::layout::{Item, Layout, Link, Track, layout};
use crate::graph::model::{Edge, Graph, Path, Stroke};
use crate::graph::text;
use std::fmt::Write;

/// Inside of a frame, and its title with the size of its letters.
const INSET: f64 = 20.0;
const TITLE: f64 = 26.0;
const TITLE_SIZE: f64 = 12.0;

/// A laid out part of the drawing.
pub(super) struct Panel {
    pub width: f64,
    pub height: f64,
    title: Option<String>,
    boxes: Vec<Figure>,
    ways: Vec<Line>,
    loops: Vec<Loop>,
    layout: Layout,
}

/// A way and what stands at it.
pub(super) struct Line {
    pub class: &'static str,
    pub label: Vec<String>,
}

/// A way back to its own step.
struct Loop {
    of: usize,
    line: Line,
}

impl Panel {
    /// The steps of one flow file.
    pub fn of_cluster(graph: &Graph, index: usize) -> Self {
        let cluster = &graph.clusters[index];
        let mut boxes = vec![Figure::start(if index == 0 { "call" } else { "begin" })];
        let mut place = vec![0; graph.nodes.len()];
        for (number, node) in graph.nodes.iter().enumerate().filter(|(_, node)| node.cluster == index) {
            place[number] = boxes.len();
            let hint = format!("{} ({}:{})", node.name, cluster.file, node.line);
            boxes.push(Figure::step(graph, number, hint));
        }
        let mut links = Vec::new();
        let mut ways = Vec::new();
        if let Some(entry) = cluster.entry {
            links.push(link(0, place[entry], Stroke::Plain, &[]));
            ways.push(Line {
                class: "plain",
                label: Vec::new(),
            });
        }
        let mut loops = Vec::new();
        let own = |edge: &&Edge| graph.nodes[edge.from].cluster == index && edge.path != Path::Run;
        for edge in graph.edges.iter().filter(own) {
            let line = Line::new(graph, edge);
            let from = place[edge.from];
            let to = match edge.to {
                Some(to) => place[to],
                None => {
                    boxes.push(Figure::lost());
                    boxes.len() - 1
                }
            };
            if from == to {
                loops.push(Loop { of: from, line });
            } else {
                let mut link = link(from, to, edge.stroke(), &line.label);
                // Ways that nobody took do not share theirs with those that somebody took.
                link.group += u8::from(edge.uncovered()) * GROUPS;
                links.push(link);
                ways.push(line);
            }
        }
        let title = (index > 0).then(|| format!("{} · {}", cluster.name, text::isolated(&cluster.file)));
        Self::laid(title, boxes, links, ways, loops)
    }

    /// What is done after the call, one after the other; none where there is nothing.
    pub fn after_call(graph: &Graph) -> Option<Self> {
        if graph.after_call.is_empty() {
            return None;
        }
        let mut boxes = Vec::new();
        let mut links = Vec::new();
        let mut ways = Vec::new();
        for (index, item) in graph.after_call.iter().enumerate() {
            let mut small = text::follow_up(item, LINE);
            small.extend(item.when.iter().map(|when| format!("when {}", text::condition(when))));
            let hint = format!("{}:{}", graph.file, item.line);
            boxes.push(Figure::new(Shape::Plain, None, small, None, hint));
            if index > 0 {
                links.push(link(index - 1, index, Stroke::Plain, &[]));
                ways.push(Line {
                    class: "plain",
                    label: Vec::new(),
                });
            }
        }
        let title = Some("after the call, however it ended".to_owned());
        Some(Self::laid(title, boxes, links, ways, Vec::new()))
    }

    fn laid(title: Option<String>, boxes: Vec<Figure>, links: Vec<Link>, ways: Vec<Line>, loops: Vec<Loop>) -> Self {
        let mut items: Vec<Item> = boxes.iter().map(Figure::item).collect();
        for one in &loops {
            let aside = LOOP + label_size(&one.line.label).0;
            items[one.of].margin = items[one.of].margin.max(aside);
        }
        let layout = layout(&items, &links);
        let inset = if title.is_some() { INSET } else { 0.0 };
        let head = if title.is_some() { INSET + TITLE } else { 0.0 };
        let titled = title.as_deref().map_or(0.0, |title| width(title) * TITLE_SIZE * BOLD);
        Self {
            width: layout.width.max(titled) + 2.0 * inset,
            height: layout.height + head + inset,
            title,
            boxes,
            ways,
            loops,
            layout,
        }
    }

    /// The right end of a step's lower side, its height, and where the step's row ends.
    pub fn foot_of(&self, node: usize) -> Option<(f64, f64, f64)> {
        let index = self.boxes.iter().position(|one| one.node == Some(node))?;
        let (x, y) = self.corner();
        let (left, top) = self.layout.items[index];
        let (width, height) = self.boxes[index].size;
        Some((x + left + width - 8.0, y + top + height, y + self.layout.floors[index]))
    }

    /// The height of the title's middle.
    pub fn title_middle(&self) -> f64 {
        INSET
    }

    /// Where the layout begins within the panel.
    fn corner(&self) -> (f64, f64) {
        let inset = if self.title.is_some() { INSET } else { 0.0 };
        let head = if self.title.is_some() { INSET + TITLE } else { 0.0 };
        ((self.width - self.layout.width) / 2.0, head.max(inset))
    }

    pub fn write(&self, out: &mut Writer, x: f64, y: f64) {
        if let Some(title) = &self.title {
            out.rect("frame", (x, y, self.width, self.height), 10.0);
            out.text_at("frame-title", x + INSET, y + INSET + 4.0, title);
        }
        let (dx, dy) = self.corner();
        let (x, y) = (x + dx, y + dy);
        for (line, track) in self.ways.iter().zip(&self.layout.tracks) {
            out.path(line.class, &along(track, x, y), track.arrives);
        }
        for one in &self.loops {
            let (left, top) = self.layout.items[one.of];
            self.boxes[one.of].write_loop(out, &one.line, x + left, y + top);
        }
        for (one, (left, top)) in self.boxes.iter().zip(&self.layout.items) {
            one.write(out, x + left, y + top);
        }
        for (line, track) in self.ways.iter().zip(&self.layout.tracks) {
            if let Some((middle, height)) = track.label {
                line.write_label(out, x + middle, y + height);
            }
        }
    }
}

impl Line {
    fn new(graph: &Graph, edge: &Edge) -> Self {
        let class = match edge.stroke() {
            Stroke::Broken => "broken",
            Stroke::Run => "run",
            _ if edge.uncovered() => "untested",
            Stroke::Plain => "plain",
            Stroke::Otherwise => "otherwise",
            Stroke::Watchdog => "watchdog",
            Stroke::Skip => "skip",
        };
        Self {
            class,
            label: text::label(graph, edge),
        }
    }

    /// The lines of the label around its middle, each on a patch of the page's colour.
    pub fn write_label(&self, out: &mut Writer, x: f64, y: f64) {
        if self.label.is_empty() {
            return;
        }
        let (wide, high) = label_size(&self.label);
        out.rect("page", (x - wide / 2.0 + 4.0, y - high / 2.0, wide - 8.0, high), 3.0);
        let mut line = y - high / 2.0;
        for text in &self.label {
            out.text_at("label", x, line + 10.5, text);
            line += SMALL;
        }
    }
}

/// So many groups of ways there are.
const GROUPS: u8 = 6;

fn link(from: usize, to: usize, stroke: Stroke, label: &[String]) -> Link {
    let group = match stroke {
        Stroke::Plain => 0,
        Stroke::Otherwise => 1,
        Stroke::Watchdog => 2,
        Stroke::Skip => 3,
        Stroke::Run => 4,
        Stroke::Broken => 5,
    };
    Link {
        from,
        to,
        group,
        label: label_size(label),
    }
}

/// Width and height of a label.
pub(super) fn label_size(label: &[String]) -> (f64, f64) {
    let widest = label.iter().map(|line| width(line) * SMALL_SIZE).fold(0.0, f64::max);
    let height = label.iter().map(|_| SMALL).sum::<f64>();
    (if height > 0.0 { widest + 12.0 } else { 0.0 }, height)
}

/// The way as a path: upright pieces, and bends between them.
fn along(track: &Track, x: f64, y: f64) -> String {
    let mut path = String::new();
    let mut before: Option<(f64, f64)> = None;
    let last = track.posts.len() - 1;
    for (index, post) in track.posts.iter().enumerate() {
        let (at, from, to) = (x + post.x, y + post.from, y + post.to);
        match before {
            None => {
                let _ = write!(path, "M{at:.1},{from:.1}");
            }
            Some((before_x, before_y)) => {
                let middle = (before_y + from) / 2.0;
                let _ = write!(
                    path,
                    " C{before_x:.1},{middle:.1} {at:.1},{middle:.1} {at:.1},{from:.1}"
                );
            }
        }
        // Where a way meets another one it ends right there.
        if index < last || track.arrives {
            let _ = write!(path, " V{to:.1}");
        }
        before = Some((at, to));
    }
    path
}
