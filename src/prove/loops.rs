//! Ways round and round without the caller's doing: strongly connected states in which documents follow one another.

/// The nodes of a circle that begins a new document and needs nothing of the caller; the one with the lowest number first.
pub(super) fn circle(nodes: usize, ways: &[(usize, usize, bool)]) -> Vec<Vec<usize>> {
    let mut next: Vec<Vec<usize>> = vec![Vec::new(); nodes];
    for (from, to, _) in ways {
        if let Some(list) = next.get_mut(*from) {
            list.push(*to);
        }
    }
    let component = components(&next);
    let mut found: Vec<usize> = ways
        .iter()
        .filter(|(from, to, document)| *document && component.get(*from) == component.get(*to))
        .filter_map(|(from, _, _)| component.get(*from).copied())
        .collect();
    found.sort_unstable();
    found.dedup();
    found
        .into_iter()
        .map(|wanted| {
            let members = component.iter().enumerate();
            members
                .filter(|(_, known)| **known == wanted)
                .map(|(node, _)| node)
                .collect()
        })
        .collect()
}

/// Tarjan's components, without recursion: the number of each node's component.
fn components(next: &[Vec<usize>]) -> Vec<usize> {
    const UNSEEN: usize = usize::MAX;
    let mut order = vec![UNSEEN; next.len()];
    let mut low = vec![0; next.len()];
    let mut component = vec![UNSEEN; next.len()];
    let (mut count, mut components) = (0, 0);
    let mut stack = Vec::new();
    for start in 0..next.len() {
        if order[start] != UNSEEN {
            continue;
        }
        let mut work = vec![(start, 0)];
        while let Some((node, child)) = work.pop() {
            if child == 0 {
                order[node] = count;
                low[node] = count;
                count += 1;
                stack.push(node);
            }
            if let Some(&to) = next[node].get(child) {
                work.push((node, child + 1));
                if order[to] == UNSEEN {
                    work.push((to, 0));
                } else if component[to] == UNSEEN {
                    low[node] = low[node].min(order[to]);
                }
                continue;
            }
            if low[node] == order[node] {
                while let Some(member) = stack.pop() {
                    component[member] = components;
                    if member == node {
                        break;
                    }
                }
                components += 1;
            }
            if let Some((parent, _)) = work.last() {
                low[*parent] = low[*parent].min(low[node]);
            }
        }
    }
    component
}

#[cfg(test)]
mod tests {
    use super::circle;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_circle_counts_where_a_document_begins_in_it() {
        let ways = [(0, 1, true), (1, 2, false), (2, 1, true), (2, 3, true), (3, 3, false)];
        assert_eq!(circle(4, &ways), vec![vec![1, 2]]);
        assert_eq!(circle(2, &[(0, 1, true), (1, 0, false)]), vec![vec![0, 1]]);
        assert_eq!(circle(1, &[(0, 0, true)]), vec![vec![0]]);
        assert_eq!(circle(3, &[(0, 1, true), (1, 2, true)]), Vec::<Vec<usize>>::new());
    }

    #[test]
    fn circles_that_do_not_meet_are_told_apart() {
        let ways = [(0, 1, true), (1, 0, true), (1, 2, true), (2, 3, true), (3, 2, false)];
        let mut found = circle(4, &ways);
        found.sort();
        assert_eq!(found, vec![vec![0, 1], vec![2, 3]]);
    }

    #[test]
    fn circles_that_meet_are_one() {
        let ways = [(0, 1, false), (1, 0, false), (1, 2, true), (2, 1, false)];
        assert_eq!(circle(3, &ways), vec![vec![0, 1, 2]]);
    }

    #[test]
    fn a_long_way_round_needs_no_deep_stack() {
        let nodes = 200_000;
        let ways: Vec<(usize, usize, bool)> = (0..nodes).map(|node| (node, (node + 1) % nodes, node == 7)).collect();
        assert_eq!(circle(nodes, &ways), vec![(0..nodes).collect::<Vec<_>>()]);
    }

    /// Every node that one can come to from this one, by one way at least.
    fn reach(from: usize, ways: &[(usize, usize, bool)]) -> BTreeSet<usize> {
        let mut seen = BTreeSet::new();
        let mut open = vec![from];
        while let Some(at) = open.pop() {
            let next = ways.iter().filter(|(from, _, _)| *from == at).map(|(_, to, _)| *to);
            open.extend(next.filter(|to| seen.insert(*to)));
        }
        seen
    }

    proptest! {
        /// A node is in a circle where it lies on a way from some document's way back to itself.
        #[test]
        fn circles_are_what_one_comes_back_on(ways in prop::collection::vec((0usize..8, 0usize..8, any::<bool>()), 0..24)) {
            let reached: Vec<BTreeSet<usize>> = (0..8).map(|node| reach(node, &ways)).collect();
            let mut expected = BTreeSet::new();
            for (from, to, document) in &ways {
                if *document && (from == to || reached[*to].contains(from)) {
                    let round = |node: &usize| {
                        node == from || reached[*from].contains(node) && reached[*node].contains(from)
                    };
                    expected.insert((0..8).filter(round).collect::<Vec<_>>());
                }
            }
            let found: BTreeSet<Vec<usize>> = circle(8, &ways).into_iter().collect();
            prop_assert_eq!(found, expected);
        }
    }
}
