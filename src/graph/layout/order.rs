//! The order on each layer, so that few links cross: towards the middle of the neighbours, then by exchanging pairs.

use super::net::Net;

/// How often the layers are gone through. More hardly ever helps.
const SWEEPS: usize = 24;

/// How often pairs are exchanged.
const EXCHANGES: usize = 12;

/// Above so many points pairs are not exchanged: it takes long, and such a picture is not looked at closely.
const LARGE: usize = 4_000;

pub(super) fn order(net: &mut Net) {
    let mut best = net.layers.clone();
    let mut fewest = crossings(net);
    for sweep in 0..SWEEPS {
        if fewest == 0 {
            break;
        }
        sweep_once(net, sweep % 2 == 0);
        if net.vertices.len() <= LARGE {
            exchange(net);
        }
        let now = crossings(net);
        if now < fewest {
            fewest = now;
            best.clone_from(&net.layers);
        }
    }
    net.layers = best;
}

/// Where each vertex stands on its layer.
fn places(net: &Net) -> Vec<usize> {
    let mut places = vec![0; net.vertices.len()];
    for layer in &net.layers {
        for (place, id) in layer.iter().enumerate() {
            places[*id] = place;
        }
    }
    places
}

fn sweep_once(net: &mut Net, downward: bool) {
    let mut places = places(net);
    let count = net.layers.len();
    for step in 1..count {
        let at = if downward { step } else { count - 1 - step };
        let mut keyed: Vec<(f64, usize)> = Vec::new();
        for (place, id) in net.layers[at].iter().enumerate() {
            let vertex = &net.vertices[*id];
            let near = if downward { &vertex.up } else { &vertex.down };
            keyed.push((middle(near, &places).unwrap_or(as_f64(place)), *id));
        }
        keyed.sort_by(|left, right| left.0.total_cmp(&right.0));
        net.layers[at] = keyed.into_iter().map(|(_, id)| id).collect();
        for (place, id) in net.layers[at].iter().enumerate() {
            places[*id] = place;
        }
    }
}

fn middle(near: &[usize], places: &[usize]) -> Option<f64> {
    let sum: usize = near.iter().map(|id| places[*id]).sum();
    (!near.is_empty()).then(|| as_f64(sum) / as_f64(near.len()))
}

/// Exchanges neighbours on a layer as long as that takes crossings away.
fn exchange(net: &mut Net) {
    let mut places = places(net);
    for _ in 0..EXCHANGES {
        let mut better = false;
        for layer in &mut net.layers {
            for right in 1..layer.len() {
                let (a, b) = (layer[right - 1], layer[right]);
                let (one, other) = (&net.vertices[a], &net.vertices[b]);
                let now = crossed(&one.up, &other.up, &places) + crossed(&one.down, &other.down, &places);
                let then = crossed(&other.up, &one.up, &places) + crossed(&other.down, &one.down, &places);
                if then < now {
                    layer.swap(right - 1, right);
                    places.swap(a, b);
                    better = true;
                }
            }
        }
        if !better {
            return;
        }
    }
}

/// How many links of a vertex on the left cross those of one on the right of it.
fn crossed(left: &[usize], right: &[usize], places: &[usize]) -> usize {
    let pairs = left
        .iter()
        .map(|one| right.iter().filter(|other| places[*one] > places[**other]).count());
    pairs.sum()
}

/// All crossings: for each pair of layers, the inversions among the links' lower ends.
pub(super) fn crossings(net: &Net) -> usize {
    let places = places(net);
    let mut count = 0;
    for (upper, lower) in net.layers.iter().zip(net.layers.iter().skip(1)) {
        // A Fenwick tree of how many links end at which place so far.
        let mut tree = vec![0_usize; lower.len() + 1];
        let mut seen = 0;
        for id in upper {
            let mut ends: Vec<usize> = net.vertices[*id].down.iter().map(|below| places[*below]).collect();
            ends.sort_unstable();
            for end in &ends {
                let mut index = end + 1;
                let mut not_right = 0;
                while index > 0 {
                    not_right += tree[index];
                    index &= index - 1;
                }
                count += seen - not_right;
            }
            for end in ends {
                seen += 1;
                let mut index = end + 1;
                while index < tree.len() {
                    tree[index] += 1;
                    index += index & index.wrapping_neg();
                }
            }
        }
    }
    count
}

/// Counts of points are far below 2^52.
fn as_f64(count: usize) -> f64 {
    count as f64
}
