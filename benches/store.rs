//! How many commits a second the store acknowledges, each one on disk: `cargo bench --bench store`.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use divan::Bencher;
use divan::counter::ItemsCount;
use engine::store::{Change, NewState, SqliteStore, Store, TimerRow};

/// Commits that each committer makes one after the other in one iteration.
const EACH: usize = 16;

fn main() {
    divan::main();
}

/// What a typical webhook writes: the new state, one event and one timer.
fn change(call: u64) -> Change {
    Change {
        state: Some(NewState {
            flow: "receptionist".into(),
            flow_hash: "f00d".into(),
            state: format!("{{\"step\":\"talk\",\"note\":\"{}\"}}", "x".repeat(400)),
            ended: false,
        }),
        events: vec![(1, format!("{{\"kind\":\"status\",\"note\":\"{}\"}}", "x".repeat(100)))],
        timers_set: vec![TimerRow {
            name: "media".into(),
            due: 6000,
        }],
        ..Change::new(format!("CA{call:032x}"), 0)
    }
}

#[divan::bench(args = [1, 64])]
fn commits(bencher: Bencher, committers: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let store = runtime
        .block_on(SqliteStore::open(folder.path().join("calls.db")))
        .expect("a new database opens");
    let store = Arc::new(store);
    let calls = Arc::new(AtomicU64::new(0));
    bencher.counter(ItemsCount::new(committers * EACH)).bench(|| {
        let tasks: Vec<_> = (0..committers)
            .map(|_| {
                let (store, calls) = (Arc::clone(&store), Arc::clone(&calls));
                runtime.spawn(async move {
                    for _ in 0..EACH {
                        let call = calls.fetch_add(1, Ordering::Relaxed);
                        store.commit(change(call)).await.expect("a commit");
                    }
                })
            })
            .collect();
        runtime.block_on(async {
            for task in tasks {
                task.await.expect("no committer fails");
            }
        });
    });
}
