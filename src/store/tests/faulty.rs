//! The store that breaks on command does as it is told, and nothing else.

use super::*;

fn full() -> StoreError {
    StoreError::Full {
        path: "calls.db".into(),
    }
}

#[tokio::test]
async fn it_fails_as_often_as_told_and_then_works() {
    let (inner, _folder) = fresh().await;
    let store = FaultyStore::new(inner);
    store.fail_next(Operation::Commit, 2, full());
    assert_eq!(store.commit(step("CA1", 0)).await, Err(full()));
    assert_eq!(store.ping().await, Ok(()), "another family is not concerned");
    assert_eq!(store.commit(step("CA1", 0)).await, Err(full()));
    assert_eq!(
        store.commit(step("CA1", 0)).await,
        Ok(1),
        "the failures left nothing behind"
    );
}

#[tokio::test]
async fn a_lost_answer_has_taken_effect() {
    let (inner, _folder) = fresh().await;
    let store = FaultyStore::new(inner);
    store.lose_answers(Operation::Commit, 1, StoreError::Interrupted);
    assert_eq!(store.commit(step("CA1", 0)).await, Err(StoreError::Interrupted));
    assert!(matches!(
        store.commit(step("CA1", 0)).await,
        Err(StoreError::Conflict { found: 1, .. })
    ));
}

#[tokio::test]
async fn it_breaks_down_until_healed() {
    let (inner, _folder) = fresh().await;
    let store = FaultyStore::new(inner);
    store.break_down(&full());
    for _ in 0..3 {
        assert_eq!(store.call("CA1").await, Err(full()));
        assert_eq!(store.due_timers(1, 1).await, Err(full()));
        assert_eq!(store.claim_tasks(1, 1, "w", 1).await, Err(full()));
        assert_eq!(store.ping().await, Err(full()));
        assert_eq!(store.calls(1).await, Err(full()));
    }
    store.heal();
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(store.commit(step("CA1", 0)).await, Ok(1));
}
