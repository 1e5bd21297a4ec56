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

    #[test]
    fn a_circle_counts_where_a_document_begins_in_it() {
        let ways = [(0, 1, true), (1, 2, false), (2, 1, true), (2, 3, true), (3, 3, false)];
        assert_eq!(circle(4, &ways), vec![vec![1, 2]]);
        assert_eq!(circle(2, &[(0, 1, true), (1, 0, false)]), vec![vec![0, 1]]);
        assert_eq!(circle(1, &[(0, 0, true)]), vec![vec![0]]);
        assert_eq!(circle(3, &[(0, 1, true), (1, 2, true)]), Vec::<Vec<usize>>::new());
    }
}
