//! Many committers at once: each is answered, and what is written after a wait is written together.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_and_fifty_six_committers_are_all_served() {
    let (path, _folder) = place();
    let store = Arc::new(SqliteStore::open(&path).await.expect("a new database opens"));
    let committers = (0..256).map(|n| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let call = format!("CA{n}");
            for version in 0..4 {
                let change = Change {
                    events: vec![(version, "{}".into())],
                    ..step(&call, version)
                };
                assert_eq!(store.commit(change).await, Ok(version + 1));
                // Whoever is answered sees what was written.
                let seen = store.call(&call).await.expect("a read").expect("the call is known");
                assert_eq!(seen.version, version + 1);
            }
        })
    });
    for committer in committers.collect::<Vec<_>>() {
        committer.await.expect("no committer fails");
    }
    drop(store);
    let reopened = SqliteStore::open(&path).await.expect("it opens again");
    assert_eq!(reopened.live_calls().await.expect("calls").len(), 256);
    for n in 0..256 {
        assert_eq!(reopened.events(&format!("CA{n}")).await.expect("events").len(), 4);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_dropped_asker_does_not_undo_its_commit() {
    let (store, _folder) = fresh().await;
    let asked = {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            tokio::select! {
                biased;
                // It is polled once, which hands the job over, and then dropped.
                _ = store.commit(step("CA1", 0)) => {}
                () = std::future::ready(()) => {}
            }
        })
    };
    asked.await.expect("the asker gave up");
    // The writer takes jobs in order, so the commit is through when the ping is.
    store.ping().await.expect("the store lives");
    assert_eq!(
        store.call("CA1").await.expect("a read").map(|call| call.version),
        Some(1)
    );
}
