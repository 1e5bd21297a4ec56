//! A drawing that needs nothing else: no fonts, no scripts, readable on light and on dark pages and without colour.

mod figure;
mod legend;
mod panel;
mod style;
mod write;

use super::model::{Graph, Path};
use panel::Panel;
use write::Writer;

/// Around everything.
const MARGIN: f64 = 24.0;
/// The flow's name over the drawing.
const HEAD: f64 = 44.0;
/// Between two panels in a column, and between two columns.
const ROW_GAP: f64 = 28.0;
const COLUMN_GAP: f64 = 56.0;
/// Between two lines into flows that are run.
const LANE: f64 = 6.0;
/// Flows that are run stand in columns at least so high.
const LEAST_COLUMN: f64 = 480.0;

pub(super) fn render(graph: &Graph) -> String {
    let drawing = Drawing::new(graph);
    let mut out = Writer::default();
    drawing.write(&mut out);
    let legend = legend::write(graph, &mut out, MARGIN, drawing.bottom() + 20.0);
    let width = (drawing.right() + MARGIN).max(legend.0 + MARGIN);
    let height = legend.1 + MARGIN;
    style::document(graph, width, height, out.text())
}

/// The panels and where each stands.
struct Drawing<'a> {
    graph: &'a Graph,
    /// The flow, those that it runs, and what is done after the call.
    panels: Vec<Panel>,
    /// Each panel's left upper corner and its column.
    at: Vec<(f64, f64, usize)>,
    /// Where each column begins and ends.
    columns: Vec<(f64, f64)>,
}

impl<'a> Drawing<'a> {
    fn new(graph: &'a Graph) -> Self {
        let mut panels: Vec<Panel> = (0..graph.clusters.len())
            .map(|index| Panel::of_cluster(graph, index))
            .collect();
        panels.extend(Panel::after_call(graph));
        let mut drawing = Self {
            graph,
            panels,
            at: Vec::new(),
            columns: Vec::new(),
        };
        drawing.arrange();
        drawing
    }

    /// The flow itself first; beside it the others, in columns about as high.
    fn arrange(&mut self) {
        let top = MARGIN + HEAD;
        let high = self.panels.first().map_or(0.0, |main| main.height).max(LEAST_COLUMN);
        let (mut x, mut y) = (MARGIN, top);
        let mut widest = 0.0_f64;
        for (index, panel) in self.panels.iter().enumerate() {
            let full = index == 1 || (y > top && y + panel.height > top + high);
            if index > 0 && full {
                self.columns.push((x, x + widest));
                x += widest + COLUMN_GAP;
                (y, widest) = (top, 0.0);
            }
            self.at.push((x, y, self.columns.len()));
            y += panel.height + ROW_GAP;
            widest = widest.max(panel.width);
        }
        self.columns.push((x, x + widest));
    }

    fn right(&self) -> f64 {
        self.columns.last().map_or(0.0, |(_, right)| *right)
    }

    fn bottom(&self) -> f64 {
        let bottoms = self
            .panels
            .iter()
            .zip(&self.at)
            .map(|(panel, (_, y, _))| y + panel.height);
        bottoms.fold(MARGIN + HEAD, f64::max)
    }

    fn write(&self, out: &mut Writer) {
        out.text_at("flow", MARGIN, MARGIN + 14.0, &self.graph.flow);
        out.text_at("file", MARGIN, MARGIN + 30.0, &self.graph.file);
        for (panel, (x, y, _)) in self.panels.iter().zip(&self.at) {
            panel.write(out, *x, *y);
        }
        let mut lane = 0.0;
        for edge in self.graph.edges.iter().filter(|edge| edge.path == Path::Run) {
            if let Some(to) = edge.to {
                self.run(out, edge.from, to, lane);
                lane += LANE;
            }
        }
    }

    /// The line from a step to the flow that it runs: right below the step's row, then between the columns, where
    /// nothing else is. To a column that is not the next one it goes over the top.
    fn run(&self, out: &mut Writer, from: usize, to: usize, lane: f64) {
        let cluster = |node: usize| self.graph.nodes[node].cluster;
        let (source, target) = (&self.panels[cluster(from)], &self.panels[cluster(to)]);
        let (x, y, column) = self.at[cluster(from)];
        let (to_x, to_y, to_column) = self.at[cluster(to)];
        let Some((start_x, bottom, floor)) = source.foot_of(from) else {
            return;
        };
        let gutter = |column: usize| self.columns[column].1 + COLUMN_GAP / 4.0 + lane % (COLUMN_GAP / 2.0);
        let entry = to_y + target.title_middle() + lane % 12.0;
        let mut points = vec![
            (x + start_x, y + bottom),
            (x + start_x, y + floor + 6.0),
            (gutter(column), y + floor + 6.0),
        ];
        if to_column != column + 1 {
            let over = MARGIN + HEAD - 8.0 - lane % 12.0;
            let before = match to_column {
                0 => MARGIN - 8.0,
                _ => gutter(to_column - 1),
            };
            points.extend([(gutter(column), over), (before, over), (before, entry)]);
        } else {
            points.push((gutter(column), entry));
        }
        points.push((to_x - 2.0, entry));
        out.polyline("run", &points);
    }
}
