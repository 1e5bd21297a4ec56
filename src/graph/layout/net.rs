//! The boxes on their layers, and in between them a point for every layer that a link passes.

use super::{Item, Link};
use std::collections::BTreeMap;

/// How wide the way of a link is that passes a layer.
const LANE: f64 = 14.0;

/// A box, a label, or a point of a link.
#[derive(Clone, Debug, Default)]
pub(super) struct Vertex {
    pub layer: usize,
    pub width: f64,
    pub height: f64,
    /// A box, not a point of a link.
    pub solid: bool,
    /// Neighbours on the layer above and below.
    pub up: Vec<usize>,
    pub down: Vec<usize>,
}

/// Everything on its layer.
#[derive(Clone, Debug, Default)]
pub(super) struct Net {
    /// The boxes first, in their order.
    pub vertices: Vec<Vertex>,
    /// From the left, from the top.
    pub layers: Vec<Vec<usize>>,
    /// For each link, what it passes, from its box to the other one.
    pub chains: Vec<Vec<usize>>,
}

impl Net {
    pub(super) fn new(items: &[Item], links: &[Link]) -> Self {
        let ranks = ranks(items.len(), links);
        let mut net = Self::default();
        for (item, rank) in items.iter().zip(&ranks) {
            net.vertices.push(Vertex {
                layer: *rank,
                width: item.width + 2.0 * item.margin,
                height: item.height,
                solid: true,
                ..Vertex::default()
            });
        }
        let mut shared = BTreeMap::new();
        for link in links {
            let chain = net.chain(link, &ranks, &mut shared);
            net.chains.push(chain);
        }
        let deepest = net.vertices.iter().map(|vertex| vertex.layer).max().unwrap_or(0);
        net.layers = vec![Vec::new(); deepest + 1];
        for id in net.reading_order(items.len()) {
            net.layers[net.vertices[id].layer].push(id);
        }
        net
    }

    /// The points of a link: its label beside the box it leaves, then those that it shares with others.
    fn chain(
        &mut self,
        link: &Link,
        ranks: &[usize],
        shared: &mut BTreeMap<(usize, u8, bool, usize), usize>,
    ) -> Vec<usize> {
        let (from, to) = (ranks[link.from], ranks[link.to]);
        let downward = from < to;
        let between: Vec<usize> = if downward {
            (from + 1..to).collect()
        } else {
            (to + 1..from).rev().collect()
        };
        let mut chain = vec![link.from];
        for (index, layer) in between.into_iter().enumerate() {
            let id = if index == 0 {
                self.point(layer, link.label.0.max(LANE), link.label.1)
            } else {
                *shared
                    .entry((link.to, link.group, downward, layer))
                    .or_insert_with(|| self.point(layer, LANE, 0.0))
            };
            chain.push(id);
        }
        chain.push(link.to);
        for pair in chain.windows(2) {
            let (upper, lower) = if downward {
                (pair[0], pair[1])
            } else {
                (pair[1], pair[0])
            };
            if !self.vertices[upper].down.contains(&lower) {
                self.vertices[upper].down.push(lower);
                self.vertices[lower].up.push(upper);
            }
        }
        chain
    }

    fn point(&mut self, layer: usize, width: f64, height: f64) -> usize {
        self.vertices.push(Vertex {
            layer,
            width,
            height,
            ..Vertex::default()
        });
        self.vertices.len() - 1
    }

    /// Depth first from the first box, so that what belongs together begins side by side.
    fn reading_order(&self, boxes: usize) -> Vec<usize> {
        let mut seen = vec![false; self.vertices.len()];
        let mut order = Vec::new();
        let sources = (0..boxes).filter(|id| self.vertices[*id].up.is_empty());
        for start in std::iter::once(0).chain(sources).chain(0..self.vertices.len()) {
            let mut open = vec![start];
            while let Some(id) = open.pop() {
                if id < seen.len() && !std::mem::replace(&mut seen[id], true) {
                    order.push(id);
                    open.extend(self.vertices[id].down.iter().rev());
                }
            }
        }
        order
    }
}

/// The layer of each box: below everything that leads to it, with one layer for labels in between. Links that would
/// close a circle lead upward.
fn ranks(boxes: usize, links: &[Link]) -> Vec<usize> {
    let mut out: Vec<Vec<usize>> = vec![Vec::new(); boxes];
    for link in links {
        out[link.from].push(link.to);
    }
    let (order, before) = topological(&out);
    let mut ranks = vec![0; boxes];
    let forward = |from: usize, to: usize| before[from] < before[to];
    for from in &order {
        for to in out[*from].iter().filter(|to| forward(*from, **to)) {
            ranks[*to] = ranks[*to].max(ranks[*from] + 2);
        }
    }
    // What nothing leads to stands right above what it leads to, but for the first box.
    let mut led_to = vec![false; boxes];
    for (from, targets) in out.iter().enumerate() {
        for to in targets.iter().filter(|to| forward(from, **to)) {
            led_to[*to] = true;
        }
    }
    for id in (1..boxes).filter(|id| !led_to[*id]) {
        let below = out[id].iter().filter(|to| forward(id, **to)).map(|to| ranks[*to]).min();
        ranks[id] = below.map_or(ranks[id], |below: usize| below.saturating_sub(2));
    }
    ranks
}

/// An order in which as few links as possible lead back, found depth first, and the place of each box in it.
fn topological(out: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
    let mut seen = vec![false; out.len()];
    let mut done = Vec::new();
    for start in 0..out.len() {
        if std::mem::replace(&mut seen[start], true) {
            continue;
        }
        let mut path = vec![(start, 0)];
        while let Some((id, next)) = path.last_mut() {
            match out[*id].get(*next) {
                Some(to) => {
                    *next += 1;
                    if !std::mem::replace(&mut seen[*to], true) {
                        path.push((*to, 0));
                    }
                }
                None => {
                    done.push(*id);
                    path.pop();
                }
            }
        }
    }
    done.reverse();
    let mut before = vec![0; out.len()];
    for (place, id) in done.iter().enumerate() {
        before[*id] = place;
    }
    (done, before)
}
