//! Any sequence of changes leaves the store where a simple model of it says.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// One thing that may happen.
#[derive(Debug, Clone)]
enum Move {
    /// A commit for one of two calls, worked out from a version that is off by this much.
    Commit {
        call: usize,
        off: i64,
        set: Vec<(u8, i64)>,
        clear: Vec<u8>,
        add: Vec<u8>,
        cancel: Vec<u8>,
        end: Option<u8>,
    },
    /// A claim at this time.
    Claim { now: i64, limit: usize },
}

fn moves() -> impl Strategy<Value = Vec<Move>> {
    let few = || prop::collection::vec(0u8..4, 0..3);
    let commit = (
        0usize..2,
        prop_oneof![6 => Just(0i64), 1 => Just(1), 1 => Just(-1)],
        prop::collection::vec((0u8..4, 0i64..100), 0..3),
        few(),
        few(),
        few(),
        prop::option::weighted(0.3, 0u8..4),
    )
        .prop_map(|(call, off, set, clear, add, cancel, end)| Move::Commit {
            call,
            off,
            set,
            clear,
            add,
            cancel,
            end,
        });
    let claim = (0i64..60, 0usize..3).prop_map(|(now, limit)| Move::Claim { now, limit });
    prop::collection::vec(prop_oneof![3 => commit, 1 => claim], 1..24)
}

/// Tasks are due at ten times their number, and leases last this long.
const LEASE: i64 = 15;

#[derive(Debug, Clone, Copy, PartialEq)]
enum Stage {
    Waiting,
    Running { until: i64 },
    Ended,
}

#[derive(Default, Clone)]
struct Model {
    versions: [i64; 2],
    timers: BTreeMap<(usize, u8), i64>,
    tasks: BTreeMap<u8, (Stage, i64)>,
}

impl Model {
    /// What the store should answer; the model changes only where that is a version.
    fn commit(&mut self, step: &Move) -> Option<i64> {
        let Move::Commit {
            call,
            off,
            set,
            clear,
            add,
            cancel,
            end,
        } = step
        else {
            return None;
        };
        if *off != 0 {
            return None;
        }
        let mut next = self.clone();
        next.versions[*call] += 1;
        next.timers
            .retain(|(owner, name), _| owner != call || !clear.contains(name));
        next.timers.extend(set.iter().map(|(name, due)| ((*call, *name), *due)));
        for key in add {
            next.tasks.entry(*key).or_insert((Stage::Waiting, 0));
        }
        for key in cancel {
            if let Some((stage @ Stage::Waiting, _)) = next.tasks.get_mut(key) {
                *stage = Stage::Ended;
            }
        }
        if let Some(key) = end {
            match next.tasks.get_mut(key) {
                None | Some((Stage::Ended, _)) => return None,
                Some((stage, _)) => *stage = Stage::Ended,
            }
        }
        *self = next;
        Some(self.versions[*call])
    }

    fn claim(&mut self, now: i64, limit: usize) -> Vec<(u8, i64)> {
        let ready = |key: u8, stage: Stage| match stage {
            Stage::Waiting => i64::from(key) * 10 <= now,
            Stage::Running { until } => until <= now,
            Stage::Ended => false,
        };
        let mut claimed = Vec::new();
        for (key, (stage, attempts)) in &mut self.tasks {
            if claimed.len() < limit && ready(*key, *stage) {
                *stage = Stage::Running { until: now + LEASE };
                *attempts += 1;
                claimed.push((*key, *attempts));
            }
        }
        claimed
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_store_does_as_its_model(moves in moves()) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let (store, _folder) = fresh().await;
            let mut model = Model::default();
            for one in &moves {
                match one {
                    Move::Commit { call, off, set, clear, add, cancel, end } => {
                        let name = |n: &u8| n.to_string();
                        let change = Change {
                            timers_set: set.iter().map(|(n, due)| timer(&name(n), *due)).collect(),
                            timers_cleared: clear.iter().map(name).collect(),
                            tasks_added: add.iter().map(|n| task(&name(n), i64::from(*n) * 10)).collect(),
                            tasks_cancelled: cancel.iter().map(name).collect(),
                            tasks_finished: end.iter().map(|n| (name(n), TaskEnd::Done("1".into()))).collect(),
                            ..step(&call.to_string(), model.versions[*call] + off)
                        };
                        prop_assert_eq!(store.commit(change).await.ok(), model.commit(one));
                    }
                    Move::Claim { now, limit } => {
                        let claimed = store.claim_tasks(*now, LEASE, "w", *limit).await.expect("a claim");
                        let claimed: Vec<_> = claimed
                            .iter()
                            .map(|task| (task.key.parse::<u8>().expect("a number"), task.attempts))
                            .collect();
                        prop_assert_eq!(claimed, model.claim(*now, *limit));
                    }
                }
            }
            let timers: BTreeMap<_, _> = store.due_timers(i64::MAX, usize::MAX).await.expect("timers").into_iter()
                .map(|timer| ((timer.call.parse().expect("a call"), timer.name.parse().expect("a name")), timer.due))
                .collect();
            prop_assert_eq!(timers, model.timers);
            Ok(())
        })?;
    }
}
