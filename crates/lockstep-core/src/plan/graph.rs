//! Order among records that refer to each other.

/// The nodes so ordered that each comes after all of its targets, otherwise in the given order as far as possible;
/// the second list holds the nodes that are on, or lead to, a cycle.
pub(super) fn targets_first(targets: &[Vec<usize>]) -> (Vec<usize>, Vec<usize>) {
    let mut waiting: Vec<usize> = targets.iter().map(Vec::len).collect();
    let mut referrers = vec![Vec::new(); targets.len()];
    for (node, of_node) in targets.iter().enumerate() {
        for target in of_node {
            referrers[*target].push(node);
        }
    }
    let mut order: Vec<usize> = (0..targets.len()).filter(|node| waiting[*node] == 0).collect();
    let mut next = 0;
    while let Some(&done) = order.get(next) {
        next += 1;
        for referrer in &referrers[done] {
            waiting[*referrer] -= 1;
            if waiting[*referrer] == 0 {
                order.push(*referrer);
            }
        }
    }
    let stuck = (0..targets.len()).filter(|node| waiting[*node] > 0).collect();
    (order, stuck)
}

/// The group of each node: nodes that reach each other have the same one. A group has a lower number than those that
/// refer to it.
pub(super) fn components(targets: &[Vec<usize>]) -> Vec<usize> {
    let mut search = Search {
        targets,
        index: vec![None; targets.len()],
        low: vec![0; targets.len()],
        open: vec![false; targets.len()],
        stack: Vec::new(),
        groups: vec![0; targets.len()],
        next: 0,
        found: 0,
    };
    for node in 0..targets.len() {
        if search.index[node].is_none() {
            search.from(node);
        }
    }
    search.groups
}

/// Tarjan's search, with a stack of its own: chains of records may be long.
struct Search<'a> {
    targets: &'a [Vec<usize>],
    index: Vec<Option<usize>>,
    low: Vec<usize>,
    open: Vec<bool>,
    stack: Vec<usize>,
    groups: Vec<usize>,
    next: usize,
    found: usize,
}

impl Search<'_> {
    fn from(&mut self, root: usize) {
        let mut path = vec![(root, 0)];
        self.enter(root);
        while let Some((node, edge)) = path.last_mut() {
            let (node, place) = (*node, *edge);
            *edge += 1;
            match self.targets[node].get(place) {
                Some(&target) => match self.index[target] {
                    None => {
                        self.enter(target);
                        path.push((target, 0));
                    }
                    Some(index) if self.open[target] => self.low[node] = self.low[node].min(index),
                    Some(_) => {}
                },
                None => {
                    path.pop();
                    if let Some((parent, _)) = path.last() {
                        self.low[*parent] = self.low[*parent].min(self.low[node]);
                    }
                    if Some(self.low[node]) == self.index[node] {
                        self.close(node);
                    }
                }
            }
        }
    }

    fn enter(&mut self, node: usize) {
        self.index[node] = Some(self.next);
        self.low[node] = self.next;
        self.next += 1;
        self.stack.push(node);
        self.open[node] = true;
    }

    fn close(&mut self, node: usize) {
        while let Some(member) = self.stack.pop() {
            self.open[member] = false;
            self.groups[member] = self.found;
            if member == node {
                break;
            }
        }
        self.found += 1;
    }
}

/// One cycle among the stuck nodes, each node referring to the next one and the last to the first.
pub(super) fn cycle(targets: &[Vec<usize>], stuck: &[usize]) -> Vec<usize> {
    let Some(&start) = stuck.first() else { return Vec::new() };
    let mut path = vec![start];
    loop {
        let last = path[path.len() - 1];
        let Some(&next) = targets[last].iter().find(|target| stuck.contains(target)) else { return path };
        if let Some(place) = path.iter().position(|node| *node == next) {
            return path.split_off(place);
        }
        path.push(next);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_cycle_is_found_and_named_in_its_order() {
        let targets = vec![vec![1], vec![2], vec![3], vec![1], vec![]];
        let (order, stuck) = targets_first(&targets);
        assert_eq!(order, [4]);
        assert_eq!(cycle(&targets, &stuck), [1, 2, 3]);
        assert_eq!(cycle(&[vec![0]], &[0]), [0]);
    }

    #[test]
    fn nodes_that_reach_each_other_are_one_group() {
        let groups = components(&[vec![1], vec![2, 3], vec![1], vec![], vec![0, 4]]);
        assert_eq!(groups, [2, 1, 1, 0, 3]);
    }

    proptest! {
        #[test]
        fn every_node_comes_once_and_after_its_targets(
            edges in prop::collection::vec(prop::collection::vec(0..40_usize, 0..3), 1..40)
        ) {
            // Referring only to lower numbers, no cycle is possible.
            let targets: Vec<Vec<usize>> = edges
                .iter()
                .enumerate()
                .map(|(node, of_node)| of_node.iter().filter(|_| node > 0).map(|t| t % node.max(1)).collect())
                .collect();
            let reversed: Vec<Vec<usize>> = {
                let last = targets.len() - 1;
                let mut reversed: Vec<Vec<usize>> =
                    targets.iter().map(|of_node| of_node.iter().map(|t| last - t).collect()).collect();
                reversed.reverse();
                reversed
            };
            let (order, stuck) = targets_first(&reversed);
            prop_assert!(stuck.is_empty());
            let place = |node: usize| order.iter().position(|n| *n == node);
            for (node, of_node) in reversed.iter().enumerate() {
                for target in of_node {
                    prop_assert!(place(*target) < place(node));
                }
            }
            prop_assert_eq!(order.len(), reversed.len());
        }
    }
}
