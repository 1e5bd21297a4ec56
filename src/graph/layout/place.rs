//! Where everything stands: each layer in its order, as near to its neighbours' middle as the room allows.

use super::net::Net;
use super::{Item, Layout, Link, Post, Track};
use std::collections::{BTreeMap, BTreeSet};

/// Between two things on a layer.
const GAP: f64 = 22.0;
/// Between two layers, and what is added for links that go far to the side.
const LAYER_GAP: f64 = 15.0;
const STEEP: f64 = 0.05;
const LONGEST_LAYER_GAP: f64 = 52.0;
/// Between two links at the same side of a box, and between a link and the box's corner.
const PORT_GAP: f64 = 16.0;
const CORNER: f64 = 12.0;
/// The last straight piece before a box, which gives the arrow its direction.
const RUN_UP: f64 = 8.0;
/// How often the layers are gone through.
const ROUNDS: usize = 24;

pub(super) fn place(net: &Net, items: &[Item], links: &[Link]) -> Layout {
    let xs = across(net);
    let rows = down(net, &xs);
    let ports = Ports::new(net, items, &xs);
    let mut met = BTreeSet::new();
    let tracks = net.chains.iter().zip(links);
    let tracks = tracks.map(|(chain, link)| track(net, chain, link, &xs, &rows, &ports, &mut met));
    let mut layout = Layout {
        tracks: tracks.collect(),
        height: rows.last().map_or(0.0, |(_, bottom)| *bottom),
        ..Layout::default()
    };
    for (id, item) in items.iter().enumerate() {
        let (top, bottom) = rows[net.vertices[id].layer];
        let y = (top + bottom - item.height) / 2.0;
        layout.items.push((xs[id] - item.width / 2.0, y));
        layout.floors.push(bottom);
    }
    let right = |id: usize| xs[id] + net.vertices[id].width / 2.0;
    layout.width = (0..xs.len()).map(right).fold(0.0, f64::max);
    layout
}

/// The middle of each vertex, from the left.
fn across(net: &Net) -> Vec<f64> {
    let mut xs = vec![0.0; net.vertices.len()];
    for layer in &net.layers {
        let mut x = 0.0;
        for id in layer {
            let half = net.vertices[*id].width / 2.0;
            xs[*id] = x + half;
            x += 2.0 * half + GAP;
        }
    }
    let count = net.layers.len();
    for round in 0..ROUNDS {
        // The last rounds look both ways.
        let both = round + 6 >= ROUNDS;
        for step in 0..count {
            let downward = round % 2 == 0;
            let at = if downward { step } else { count - 1 - step };
            settle(net, &net.layers[at], &mut xs, both || !downward, both || downward);
        }
    }
    straighten(net, &mut xs);
    let left = |id: usize| xs[id] - net.vertices[id].width / 2.0;
    let least = (0..xs.len()).map(left).fold(f64::INFINITY, f64::min);
    xs.iter().map(|x| x - least).collect()
}

/// Moves one layer's vertices towards their neighbours below and above.
fn settle(net: &Net, layer: &[usize], xs: &mut [f64], below: bool, above: bool) {
    let mut wanted = Vec::new();
    let mut weights = Vec::new();
    for id in layer {
        let vertex = &net.vertices[*id];
        let up = if above { vertex.up.as_slice() } else { &[] };
        let down = if below { vertex.down.as_slice() } else { &[] };
        let (mut sum, mut weight) = (0.0, 0.0);
        for other in up.iter().chain(down) {
            // Long links are to be straight before short ones are.
            let pull = match (vertex.solid, net.vertices[*other].solid) {
                (false, false) => 6.0,
                (true, true) => 1.0,
                _ => 2.0,
            };
            sum += pull * xs[*other];
            weight += pull;
        }
        wanted.push(if weight > 0.0 { sum / weight } else { xs[*id] });
        weights.push(f64::max(weight, 0.1));
    }
    let gaps: Vec<f64> = layer.windows(2).map(|pair| apart(net, pair[0], pair[1])).collect();
    for (id, x) in layer.iter().zip(spread(&wanted, &weights, &gaps)) {
        xs[*id] = x;
    }
}

/// How far the middles of two neighbours on a layer are apart at least.
fn apart(net: &Net, left: usize, right: usize) -> f64 {
    let (left, right) = (&net.vertices[left], &net.vertices[right]);
    let room = if left.solid || right.solid { GAP } else { GAP / 2.0 };
    (left.width + right.width) / 2.0 + room
}

/// Long links go straight down as far as their neighbours let them, and aside in one bend rather than in many.
fn straighten(net: &Net, xs: &mut [f64]) {
    let mut beside = vec![(None, None); xs.len()];
    for layer in &net.layers {
        for pair in layer.windows(2) {
            beside[pair[0]].1 = Some(pair[1]);
            beside[pair[1]].0 = Some(pair[0]);
        }
    }
    let mut done = vec![false; xs.len()];
    for chain in &net.chains {
        let points: Vec<usize> = chain
            .iter()
            .copied()
            .filter(|id| !net.vertices[*id].solid && !done[*id])
            .collect();
        let mut start = 0;
        while start < points.len() {
            let (mut low, mut high) = (f64::NEG_INFINITY, f64::INFINITY);
            let mut end = start;
            while let Some(id) = points.get(end) {
                let (left, right) = beside[*id];
                let least = left.map_or(f64::NEG_INFINITY, |other| xs[other] + apart(net, other, *id));
                let most = right.map_or(f64::INFINITY, |other| xs[other] - apart(net, *id, other));
                if end > start && (least.max(low) > most.min(high)) {
                    break;
                }
                (low, high) = (least.max(low), most.min(high));
                end += 1;
            }
            // The last piece stands over its box where it can; others stay near to where they began.
            let wanted = match chain.last() {
                Some(target) if end == points.len() && start > 0 => xs[*target],
                _ => xs[points[start]],
            };
            for id in &points[start..end] {
                // Rounding may have turned the bounds around by a hair.
                xs[*id] = wanted.max(low).min(high.max(low));
                done[*id] = true;
            }
            start = end;
        }
    }
}

/// Places as near to the wanted ones as possible (least squares) at which neighbours keep their gaps. There is one gap
/// less than there are places.
pub(super) fn spread(wanted: &[f64], weights: &[f64], gaps: &[f64]) -> Vec<f64> {
    // Without the gaps this asks for a sequence that never falls: neighbours that fall are pooled at their mean.
    let mut offsets = vec![0.0];
    for gap in gaps {
        offsets.push(offsets.last().copied().unwrap_or(0.0) + gap);
    }
    let mut pools: Vec<(f64, f64, usize)> = Vec::new();
    for ((wanted, weight), offset) in wanted.iter().zip(weights).zip(&offsets) {
        let mut pool = (wanted - offset, *weight, 1);
        while let Some(before) = pools.last().copied().filter(|before| before.0 > pool.0) {
            pools.pop();
            let weight = before.1 + pool.1;
            pool = (
                (before.0 * before.1 + pool.0 * pool.1) / weight,
                weight,
                before.2 + pool.2,
            );
        }
        pools.push(pool);
    }
    let means = pools
        .iter()
        .flat_map(|(mean, _, count)| std::iter::repeat_n(*mean, *count));
    means.zip(&offsets).map(|(mean, offset)| mean + offset).collect()
}

/// Top and bottom of each layer.
fn down(net: &Net, xs: &[f64]) -> Vec<(f64, f64)> {
    let mut rows: Vec<(f64, f64)> = Vec::new();
    for layer in &net.layers {
        let height = layer.iter().map(|id| net.vertices[*id].height).fold(0.0, f64::max);
        let widest = layer
            .iter()
            .flat_map(|id| net.vertices[*id].up.iter().map(|above| (xs[*id] - xs[*above]).abs()))
            .fold(0.0, f64::max);
        let gap = (LAYER_GAP + widest * STEEP).min(LONGEST_LAYER_GAP);
        let top = rows.last().map_or(0.0, |(_, bottom)| bottom + gap);
        rows.push((top, top + height));
    }
    rows
}

/// Where links leave and reach the boxes' lower and upper sides, by box and neighbour.
struct Ports {
    at: BTreeMap<(usize, usize), f64>,
}

impl Ports {
    fn new(net: &Net, items: &[Item], xs: &[f64]) -> Self {
        let mut at = BTreeMap::new();
        for (id, item) in items.iter().enumerate() {
            for side in [&net.vertices[id].up, &net.vertices[id].down] {
                let mut side = side.clone();
                side.sort_by(|left, right| xs[*left].total_cmp(&xs[*right]));
                let room = f64::max(item.width / 2.0 - CORNER, 0.0);
                let wanted: Vec<f64> = side
                    .iter()
                    .map(|other| (xs[*other] - xs[id]).clamp(-room, room))
                    .collect();
                let spaces = side.len().saturating_sub(1).max(1);
                let gap = PORT_GAP.min(2.0 * room / count(spaces));
                let places = spread(
                    &wanted,
                    &vec![1.0; side.len()],
                    &vec![gap; side.len().saturating_sub(1)],
                );
                for (index, (other, place)) in side.iter().zip(places).enumerate() {
                    // Each port leaves room for those between it and the corners.
                    let (before, after) = (count(index), count(side.len() - 1 - index));
                    let (least, most) = (before * gap - room, room - after * gap);
                    at.insert((id, *other), xs[id] + place.max(least).min(most.max(least)));
                }
            }
        }
        Self { at }
    }

    fn of(&self, id: usize, other: usize, xs: &[f64]) -> f64 {
        self.at.get(&(id, other)).copied().unwrap_or(xs[id])
    }
}

/// Links at one box are few.
fn count(links: usize) -> f64 {
    links as f64
}

fn track(
    net: &Net,
    chain: &[usize],
    link: &Link,
    xs: &[f64],
    rows: &[(f64, f64)],
    ports: &Ports,
    met: &mut BTreeSet<usize>,
) -> Track {
    let mut track = Track::default();
    let last = chain.len() - 1;
    let downward = net.vertices[chain[0]].layer < net.vertices[chain[last]].layer;
    for (index, id) in chain.iter().enumerate() {
        let vertex = &net.vertices[*id];
        let (top, bottom) = rows[vertex.layer];
        let inner = (top + bottom - vertex.height) / 2.0;
        let (near, far) = if downward { (top, bottom) } else { (bottom, top) };
        let edge = |lower: bool| if lower { inner + vertex.height } else { inner };
        let post = if index == 0 {
            Post {
                x: ports.of(*id, chain[1], xs),
                from: edge(downward),
                to: far,
            }
        } else if index == last {
            Post {
                x: ports.of(*id, chain[last - 1], xs),
                from: if downward { near - RUN_UP } else { near + RUN_UP },
                to: edge(!downward),
            }
        } else {
            Post {
                x: xs[*id],
                from: near,
                to: far,
            }
        };
        track.posts.push(post);
        if index == 1 && index < last && link.label.1 > 0.0 {
            track.label = Some((xs[*id], (top + bottom) / 2.0));
        }
        if index > 1 && index < last && !met.insert(*id) {
            return track;
        }
    }
    track.arrives = true;
    track
}
