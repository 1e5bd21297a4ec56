//! What every kind of store must do, told against the trait alone. To run it on another one, call `store_suite!` with
//! a function that opens it.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use serde_json::json;

use super::*;

/// Makes a test of each case below for the stores that `$open` gives.
macro_rules! store_suite {
    ($open:path) => {
        store_suite!(@each $open:
            versions_guard_a_call, facts_need_no_version, a_change_is_all_or_nothing, hebrew_and_odd_text_come_back,
            live_calls_are_those_that_have_not_ended, events_are_numbered_in_order, timers_stay_until_cleared,
            tasks_are_claimed_exactly_once, a_lease_runs_out, a_retried_task_waits_and_keeps_its_past,
            a_task_is_cancelled_only_while_it_waits, a_task_is_added_once, a_task_ends_once,
            failing_changes_undo_only_themselves, one_of_many_rivals_wins, tasks_are_listed_by_filter,
            the_log_keeps_what_is_not_mentioned, turns_come_in_order, an_interaction_is_stored_once,
            a_contact_is_merged, a_recording_keeps_its_failure, the_last_message_counts, unknown_things_are_absent);
    };
    (@each $open:path: $($case:ident),*) => {
        $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $case() {
            let (store, _folder) = $open().await;
            crate::store::tests::suite::$case(store).await;
        })*
    };
}

pub async fn versions_guard_a_call(store: Arc<dyn Store>) {
    assert_eq!(store.commit(step("CA1", 0)).await, Ok(1));
    assert_eq!(store.commit(step("CA1", 1)).await, Ok(2));
    for expected in [0, 1, 3] {
        let conflict = StoreError::Conflict {
            call: "CA1".into(),
            expected,
            found: 2,
        };
        assert_eq!(store.commit(step("CA1", expected)).await, Err(conflict));
    }
    let want = StoredCall {
        id: "CA1".into(),
        flow: "receptionist".into(),
        flow_hash: "f00d".into(),
        version: 2,
        state: r#"{"n":1}"#.into(),
        ended: false,
    };
    assert_eq!(store.call("CA1").await, Ok(Some(want)));
    let never = StoreError::Conflict {
        call: "CA2".into(),
        expected: 1,
        found: 0,
    };
    assert_eq!(store.commit(step("CA2", 1)).await, Err(never));
    assert_eq!(store.call("CA2").await, Ok(None));
}

pub async fn facts_need_no_version(store: Arc<dyn Store>) {
    store.commit(step("CA1", 0)).await.expect("a new call");
    let fact = |version| Change {
        events: vec![(7, "\"seen\"".into())],
        ..Change::new("CA1", version)
    };
    assert_eq!(store.commit(fact(ANY_VERSION)).await, Ok(1), "the version stays");
    assert_eq!(store.commit(fact(1)).await, Ok(1));
    assert!(matches!(
        store.commit(fact(0)).await,
        Err(StoreError::Conflict { found: 1, .. })
    ));
    // A state without its exact version would overwrite what another has just learnt.
    let blind = Change {
        state: Some(state("{}")),
        ..Change::facts("CA1")
    };
    assert!(matches!(
        store.commit(blind).await,
        Err(StoreError::Conflict { found: 1, .. })
    ));
    assert_eq!(store.commit(Change::facts("nobody")).await, Ok(0));
    assert_eq!(store.events("CA1").await.expect("events").len(), 2);
}

pub async fn a_change_is_all_or_nothing(store: Arc<dyn Store>) {
    let whole = |version| Change {
        events: vec![(1, "1".into())],
        timers_set: vec![timer("watchdog", 5)],
        tasks_added: vec![task("CA1/redirect", 5)],
        rows: vec![Row::Call(CallLog {
            call_sid: "CA1".into(),
            ..CallLog::default()
        })],
        ..step("CA1", version)
    };
    let broken = Change {
        tasks_finished: vec![("no such".into(), TaskEnd::Done("1".into()))],
        ..whole(0)
    };
    assert_eq!(
        store.commit(broken).await,
        Err(StoreError::TaskUnknown { key: "no such".into() })
    );
    assert_eq!(store.call("CA1").await, Ok(None));
    assert_eq!(store.events("CA1").await, Ok(vec![]));
    assert_eq!(store.next_timer_due().await, Ok(None));
    assert_eq!(store.next_task_due().await, Ok(None));
    assert_eq!(store.call_log("CA1").await, Ok(None));

    assert_eq!(store.commit(whole(0)).await, Ok(1));
    assert_eq!(store.events("CA1").await.expect("events").len(), 1);
    assert_eq!(store.next_timer_due().await, Ok(Some(5)));
    assert_eq!(store.next_task_due().await, Ok(Some(5)));
    assert!(store.call_log("CA1").await.expect("a log").is_some());
}

pub async fn hebrew_and_odd_text_come_back(store: Arc<dyn Store>) {
    let texts = ["שלום, אפשר דירה בת 3 חדרים?", "a'b\"c;--", "👩‍💻\u{200f}\r\n\t", ""];
    for (n, text) in (1..).zip(texts) {
        let json = serde_json::to_string(text).expect("text is JSON");
        let call = format!("שיחה-{n}");
        let change = Change {
            state: Some(state(&json)),
            events: vec![(n, json.clone())],
            rows: vec![Row::Turn(CallTurn {
                call_sid: call.clone(),
                text: text.into(),
                ..CallTurn::default()
            })],
            ..Change::new(&call, 0)
        };
        store.commit(change).await.expect("any text is stored");
        assert_eq!(
            store.call(&call).await.expect("a call").map(|call| call.state),
            Some(json.clone())
        );
        assert_eq!(store.events(&call).await.expect("events")[0].json, json);
        assert_eq!(store.turns(&call).await.expect("turns")[0].text, text);
    }
}

pub async fn live_calls_are_those_that_have_not_ended(store: Arc<dyn Store>) {
    for call in ["CA3", "CA1", "CA2"] {
        store.commit(step(call, 0)).await.expect("a new call");
    }
    let ended = NewState {
        ended: true,
        ..state("{}")
    };
    store
        .commit(Change {
            state: Some(ended),
            ..Change::new("CA1", 1)
        })
        .await
        .expect("the end");
    assert_eq!(store.live_calls().await, Ok(vec!["CA2".to_owned(), "CA3".to_owned()]));
    assert!(
        store
            .call("CA1")
            .await
            .expect("a read")
            .expect("it is still known")
            .ended
    );
}

pub async fn events_are_numbered_in_order(store: Arc<dyn Store>) {
    let first = Change {
        events: vec![(10, "\"a\"".into()), (5, "\"b\"".into())],
        ..step("CA1", 0)
    };
    let second = Change {
        events: vec![(20, "\"c\"".into())],
        ..step("CA1", 1)
    };
    let other = Change {
        events: vec![(1, "\"x\"".into())],
        ..step("CA2", 0)
    };
    for change in [first, other, second] {
        store.commit(change).await.expect("a commit");
    }
    let events = store.events("CA1").await.expect("events");
    let seen: Vec<_> = events
        .iter()
        .map(|event| (event.seq, event.at, event.json.as_str()))
        .collect();
    assert_eq!(seen, [(1, 10, "\"a\""), (2, 5, "\"b\""), (3, 20, "\"c\"")]);
}

pub async fn timers_stay_until_cleared(store: Arc<dyn Store>) {
    let set = |call: &str, timers: Vec<TimerRow>| Change {
        timers_set: timers,
        ..Change::facts(call)
    };
    store
        .commit(set("CA1", vec![timer("start", 100), timer("media", 50)]))
        .await
        .expect("set");
    store.commit(set("CA2", vec![timer("start", 75)])).await.expect("set");
    let due = |call: &str, name: &str, due| DueTimer {
        call: call.into(),
        name: name.into(),
        due,
    };
    let all = vec![
        due("CA1", "media", 50),
        due("CA2", "start", 75),
        due("CA1", "start", 100),
    ];
    assert_eq!(store.next_timer_due().await, Ok(Some(50)));
    assert_eq!(store.due_timers(49, 10).await, Ok(vec![]));
    for _ in 0..2 {
        assert_eq!(
            store.due_timers(100, 10).await,
            Ok(all.clone()),
            "it is kept until a commit clears it"
        );
    }
    assert_eq!(store.due_timers(100, 2).await, Ok(all[..2].to_vec()));

    let moved = Change {
        timers_cleared: vec!["media".into(), "start".into(), "never set".into()],
        timers_set: vec![timer("start", 300)],
        ..Change::facts("CA1")
    };
    store.commit(moved).await.expect("cleared and set");
    assert_eq!(store.due_timers(299, 10).await, Ok(vec![due("CA2", "start", 75)]));
    assert_eq!(store.due_timers(300, 10).await.expect("timers").len(), 2);

    let many = (0..100).map(|n| timer(&format!("t{n}"), 1000 + n)).collect();
    store.commit(set("CA3", many)).await.expect("a hundred timers");
    let due = store.due_timers(2000, 1000).await.expect("timers");
    assert_eq!(due.iter().filter(|timer| timer.call == "CA3").count(), 100);
}

pub async fn tasks_are_claimed_exactly_once(store: Arc<dyn Store>) {
    for n in 0..100 {
        store
            .commit(adding(&format!("CA{n}"), [task(&format!("task{n}"), n)]))
            .await
            .expect("added");
    }
    let claimers = (0..8).map(|worker| {
        let store = Arc::clone(&store);
        tokio::spawn(async move {
            let mut mine = Vec::new();
            loop {
                let claimed = store
                    .claim_tasks(99, 1000, &format!("w{worker}"), 3)
                    .await
                    .expect("a claim");
                if claimed.is_empty() {
                    return mine;
                }
                assert!(claimed.len() <= 3);
                assert!(claimed.iter().all(|task| task.attempts == 1 && !task.claimed_before));
                mine.extend(claimed.into_iter().map(|task| (task.key, task.call)));
            }
        })
    });
    let mut all = Vec::new();
    for claimer in claimers.collect::<Vec<_>>() {
        all.extend(claimer.await.expect("no claimer fails"));
    }
    assert_eq!(all.len(), 100);
    assert_eq!(all.into_iter().collect::<HashSet<_>>().len(), 100);
}

pub async fn a_lease_runs_out(store: Arc<dyn Store>) {
    store
        .commit(adding("CA1", [task("late", 20), task("early", 10)]))
        .await
        .expect("added");
    assert_eq!(
        store.claim_tasks(9, 100, "a", 10).await,
        Ok(vec![]),
        "nothing is due yet"
    );
    assert_eq!(store.next_task_due().await, Ok(Some(10)));
    let keys = |tasks: Vec<Task>| tasks.into_iter().map(|task| task.key).collect::<Vec<_>>();
    assert_eq!(
        keys(store.claim_tasks(20, 100, "a", 10).await.expect("a claim")),
        ["early", "late"]
    );
    assert_eq!(
        store.next_task_due().await,
        Ok(Some(120)),
        "the leases are what is next"
    );
    assert_eq!(
        store.claim_tasks(119, 100, "b", 10).await,
        Ok(vec![]),
        "the leases hold"
    );

    let again = store.claim_tasks(120, 100, "b", 1).await.expect("a claim");
    assert_eq!(again.len(), 1);
    assert_eq!(
        (again[0].key.as_str(), again[0].attempts, again[0].claimed_before),
        ("early", 2, true)
    );
    let lost = Err(StoreError::LeaseLost { key: "early".into() });
    assert_eq!(store.retry_task("early", "a", 500, "slow").await, lost, "it is b's now");
    assert_eq!(store.retry_task("early", "b", 500, "slow").await, Ok(()));
}

pub async fn a_retried_task_waits_and_keeps_its_past(store: Arc<dyn Store>) {
    store.commit(adding("CA1", [task("k", 0)])).await.expect("added");
    assert_eq!(store.claim_tasks(0, 10, "a", 1).await.expect("a claim").len(), 1);
    store.retry_task("k", "a", 50, "HTTP 503").await.expect("put back");
    assert_eq!(store.next_task_due().await, Ok(Some(50)));
    assert_eq!(store.claim_tasks(49, 10, "a", 1).await, Ok(vec![]));
    let seen = store.tasks(TaskFilter::default()).await.expect("tasks");
    assert_eq!(
        (seen[0].state, seen[0].error.as_deref()),
        (TaskState::Waiting, Some("HTTP 503"))
    );

    let second = store.claim_tasks(50, 10, "a", 1).await.expect("a claim");
    assert_eq!(
        (second[0].attempts, second[0].claimed_before),
        (2, false),
        "its worker said that it failed"
    );
    let third = store.claim_tasks(60, 10, "b", 1).await.expect("a claim");
    assert!(third[0].claimed_before, "its worker never said");
    store.retry_task("k", "b", 70, "HTTP 503").await.expect("put back");
    let fourth = store.claim_tasks(70, 10, "c", 1).await.expect("a claim");
    assert!(
        fourth[0].claimed_before,
        "a later failure does not undo what an earlier worker may have done"
    );
}

pub async fn a_task_is_cancelled_only_while_it_waits(store: Arc<dyn Store>) {
    store
        .commit(adding("CA1", [task("held", 0), task("waits", 10)]))
        .await
        .expect("added");
    assert_eq!(
        store.claim_tasks(0, 1000, "a", 1).await.expect("a claim")[0].key,
        "held"
    );
    let change = Change {
        tasks_added: vec![task("both", 10)],
        tasks_cancelled: vec!["held".into(), "waits".into(), "both".into(), "unknown".into()],
        ..Change::facts("CA1")
    };
    store.commit(change).await.expect("cancelled");
    assert_eq!(store.claim_tasks(500, 1000, "a", 10).await, Ok(vec![]));
    let states: BTreeMap<_, _> = store
        .tasks(TaskFilter::default())
        .await
        .expect("tasks")
        .into_iter()
        .map(|task| (task.key, task.state))
        .collect();
    let want = [
        ("both".to_owned(), TaskState::Cancelled),
        ("held".to_owned(), TaskState::Running),
        ("waits".to_owned(), TaskState::Cancelled),
    ];
    assert_eq!(states, BTreeMap::from(want));
    assert_eq!(
        store.commit(finishing("CA1", "held", "1")).await,
        Ok(0),
        "what was begun still ends"
    );
    let ended = Err(StoreError::TaskEnded { key: "waits".into() });
    assert_eq!(store.commit(finishing("CA1", "waits", "1")).await, ended);
    store.commit(adding("CA1", [task("waits", 10)])).await.expect("ignored");
    assert_eq!(
        store.claim_tasks(500, 1000, "a", 10).await,
        Ok(vec![]),
        "a cancelled key does not come back"
    );
}

pub async fn a_task_is_added_once(store: Arc<dyn Store>) {
    let other = TaskRow {
        payload: "{\"other\":1}".into(),
        ..task("k", 99)
    };
    store
        .commit(adding("CA1", [task("k", 1), other.clone()]))
        .await
        .expect("added");
    store
        .commit(adding("CA2", [other.clone()]))
        .await
        .expect("the second is ignored");
    let tasks = store.tasks(TaskFilter::default()).await.expect("tasks");
    assert_eq!(tasks.len(), 1);
    assert_eq!(
        (tasks[0].call.as_str(), tasks[0].payload.as_str(), tasks[0].due),
        ("CA1", "{}", 1)
    );
    store.commit(finishing("CA1", "k", "1")).await.expect("finished");
    store.commit(adding("CA2", [other])).await.expect("ignored still");
    assert_eq!(store.next_task_due().await, Ok(None));
}

pub async fn a_task_ends_once(store: Arc<dyn Store>) {
    store.commit(adding("CA1", [task("k", 0)])).await.expect("added");
    store.claim_tasks(0, 1, "slow", 1).await.expect("a claim");
    store
        .claim_tasks(5, 100, "fast", 1)
        .await
        .expect("a claim after the lease");
    let rivals = (0..16).map(|n| {
        let store = Arc::clone(&store);
        let change = Change {
            events: vec![(n, n.to_string())],
            ..finishing("CA1", "k", &n.to_string())
        };
        tokio::spawn(async move { store.commit(change).await })
    });
    let mut won = 0;
    for rival in rivals.collect::<Vec<_>>() {
        match rival.await.expect("no rival panics") {
            Ok(_) => won += 1,
            Err(error) => assert_eq!(error, StoreError::TaskEnded { key: "k".into() }),
        }
    }
    assert_eq!(won, 1);
    let events = store.events("CA1").await.expect("events");
    let task = store.tasks(TaskFilter::default()).await.expect("tasks").remove(0);
    assert_eq!(task.state, TaskState::Done);
    assert_eq!(
        events.iter().map(|event| Some(event.json.clone())).collect::<Vec<_>>(),
        [task.result]
    );
    assert!(store.retry_task("k", "fast", 9, "late").await.is_err());
}

pub async fn failing_changes_undo_only_themselves(store: Arc<dyn Store>) {
    let commits = (0..90).map(|n| {
        let store = Arc::clone(&store);
        let call = format!("CA{n}");
        let mut change = Change {
            events: vec![(n, "1".into()), (n, "2".into())],
            timers_set: vec![timer("t", n)],
            tasks_added: vec![task(&format!("k{n}"), n)],
            rows: vec![Row::Call(CallLog {
                call_sid: call.clone(),
                ..CallLog::default()
            })],
            ..step(&call, 0)
        };
        if n % 3 == 1 {
            change
                .tasks_finished
                .push(("unknown".into(), TaskEnd::Failed("1".into())));
        }
        tokio::spawn(async move { (n, store.commit(change).await) })
    });
    for commit in commits.collect::<Vec<_>>() {
        let (n, outcome) = commit.await.expect("no commit panics");
        let fails = n % 3 == 1;
        assert_eq!(outcome.is_err(), fails, "{n}");
        let call = format!("CA{n}");
        assert_eq!(store.call(&call).await.expect("a read").is_none(), fails);
        assert_eq!(store.events(&call).await.expect("a read").is_empty(), fails);
        assert_eq!(store.call_log(&call).await.expect("a read").is_none(), fails);
    }
    assert_eq!(store.due_timers(1000, 1000).await.expect("timers").len(), 60);
    assert_eq!(store.claim_tasks(1000, 1, "w", 1000).await.expect("tasks").len(), 60);
}

pub async fn one_of_many_rivals_wins(store: Arc<dyn Store>) {
    for version in 0..5 {
        let rivals = (0..20).map(|_| {
            let store = Arc::clone(&store);
            tokio::spawn(async move { store.commit(step("CA1", version)).await })
        });
        let mut won = 0;
        for rival in rivals.collect::<Vec<_>>() {
            match rival.await.expect("no rival panics") {
                Ok(new) => {
                    assert_eq!(new, version + 1);
                    won += 1;
                }
                Err(error) => assert!(matches!(error, StoreError::Conflict { .. }), "{error}"),
            }
        }
        assert_eq!(won, 1, "version {version}");
    }
}

pub async fn tasks_are_listed_by_filter(store: Arc<dyn Store>) {
    let mail = TaskRow {
        kind: "mail".into(),
        ..task("c", 30)
    };
    store
        .commit(adding("CA1", [task("a", 10), task("b", 20)]))
        .await
        .expect("added");
    store.commit(adding("CA2", [mail])).await.expect("added");
    store.commit(finishing("CA1", "a", "{}")).await.expect("finished");
    let every = TaskFilter::default();
    let table = [
        (every.clone(), vec!["c", "b", "a"]),
        (
            TaskFilter {
                limit: 2,
                ..every.clone()
            },
            vec!["c", "b"],
        ),
        (
            TaskFilter {
                call: Some("CA1".into()),
                ..every.clone()
            },
            vec!["b", "a"],
        ),
        (
            TaskFilter {
                kind: Some("mail".into()),
                ..every.clone()
            },
            vec!["c"],
        ),
        (
            TaskFilter {
                state: Some(TaskState::Done),
                ..every.clone()
            },
            vec!["a"],
        ),
        (
            TaskFilter {
                call: Some("CA2".into()),
                state: Some(TaskState::Done),
                ..every
            },
            vec![],
        ),
    ];
    for (filter, want) in table {
        let found = store.tasks(filter.clone()).await.expect("tasks");
        assert_eq!(
            found.iter().map(|task| task.key.as_str()).collect::<Vec<_>>(),
            want,
            "{filter:?}"
        );
    }
}

async fn write(store: &Arc<dyn Store>, row: Row) {
    let change = Change {
        rows: vec![row],
        ..Change::facts("rows")
    };
    store.commit(change).await.expect("a row is written");
}

pub async fn the_log_keeps_what_is_not_mentioned(store: Arc<dyn Store>) {
    let begin = CallLog {
        call_sid: "CA1".into(),
        flow: Some("receptionist".into()),
        from: Some("+972501234567".into()),
        to: Some("+97231234567".into()),
        direction: Some("inbound".into()),
        status: Some("ringing".into()),
        started_at: Some(100),
        ..CallLog::default()
    };
    let end = CallLog {
        call_sid: "CA1".into(),
        status: Some("completed".into()),
        ended_at: Some(900),
        seconds: Some(8),
        end_reason: Some("hangup".into()),
        watchdog_reason: Some("no_media".into()),
        last_step: Some("goodbye".into()),
        ..CallLog::default()
    };
    write(&store, Row::Call(begin.clone())).await;
    assert_eq!(store.call_log("CA1").await, Ok(Some(begin.clone())));
    write(&store, Row::Call(end.clone())).await;
    let whole = CallLog {
        flow: begin.flow,
        from: begin.from,
        to: begin.to,
        direction: begin.direction,
        started_at: begin.started_at,
        ..end
    };
    assert_eq!(store.call_log("CA1").await, Ok(Some(whole)));

    for (call_sid, started_at) in [("CA3", Some(300)), ("CA0", None), ("CA2", Some(200))] {
        write(
            &store,
            Row::Call(CallLog {
                call_sid: call_sid.into(),
                started_at,
                ..CallLog::default()
            }),
        )
        .await;
    }
    let sids = |calls: Vec<CallLog>| calls.into_iter().map(|call| call.call_sid).collect::<Vec<_>>();
    assert_eq!(
        sids(store.calls(10).await.expect("calls")),
        ["CA3", "CA2", "CA1", "CA0"]
    );
    assert_eq!(sids(store.calls(2).await.expect("calls")), ["CA3", "CA2"]);
}

pub async fn turns_come_in_order(store: Arc<dyn Store>) {
    let turn = |n, text: &str| CallTurn {
        call_sid: "CA1".into(),
        n,
        role: "agent".into(),
        text: text.into(),
        started_at: Some(10),
        ended_at: Some(20),
        interrupted: false,
        timings: json!({"tts": 140}),
        provider: Some("openai, cartesia".into()),
        tokens_in: Some(120),
        tokens_out: Some(17),
        cost: Some(0.25),
    };
    write(&store, Row::Turn(turn(2, "להתראות"))).await;
    write(&store, Row::Turn(turn(1, "שלום, איך אפשר לעזור?"))).await;
    // Only the first words were heard before the caller spoke.
    let heard = CallTurn {
        interrupted: true,
        ended_at: Some(15),
        ..turn(1, "שלום")
    };
    write(&store, Row::Turn(heard.clone())).await;
    assert_eq!(store.turns("CA1").await, Ok(vec![heard, turn(2, "להתראות")]));
}

pub async fn an_interaction_is_stored_once(store: Arc<dyn Store>) {
    let interaction = |key: &str, at| Interaction {
        key: key.into(),
        at,
        phone: "+972501234567".into(),
        kind: "lead".into(),
        call_sid: Some("CA1".into()),
        channel: "voice".into(),
        summary: "דירה בחיפה".into(),
        data: json!({"rooms": 3}),
    };
    for row in [interaction("a", 1), interaction("a", 5), interaction("b", 2)] {
        write(&store, Row::Interaction(row)).await;
    }
    let want = vec![interaction("b", 2), interaction("a", 1)];
    assert_eq!(store.interactions("+972501234567", 10).await, Ok(want.clone()));
    assert_eq!(store.interactions("+972501234567", 1).await, Ok(want[..1].to_vec()));
    assert_eq!(store.interactions("+972500000000", 10).await, Ok(vec![]));
}

pub async fn a_contact_is_merged(store: Arc<dyn Store>) {
    let learn = |name: Option<&str>, fields: serde_json::Value, at| {
        let fields = fields.as_object().expect("an object").clone();
        Row::Contact(ContactUpdate {
            phone: "+972501234567".into(),
            name: name.map(Into::into),
            fields,
            at,
        })
    };
    write(
        &store,
        learn(Some("דנה"), json!({"city": "חיפה", "rooms": 3, "old": 1}), 10),
    )
    .await;
    write(&store, learn(None, json!({"rooms": 4, "old": null, "never": null}), 20)).await;
    store
        .note_inbound("whatsapp", "+972501234567", "+97231234567", 30)
        .await
        .expect("noted");
    store
        .note_inbound("whatsapp", "+972501234567", "+97239999999", 40)
        .await
        .expect("noted");
    store
        .note_inbound("sms", "+972501234567", "+97231234567", 5)
        .await
        .expect("noted");
    let want = Contact {
        phone: "+972501234567".into(),
        name: Some("דנה".into()),
        fields: json!({"city": "חיפה", "rooms": 4})
            .as_object()
            .expect("an object")
            .clone(),
        first_seen_at: 10,
        updated_at: 20,
        last_inbound_at: BTreeMap::from([("sms".into(), 5), ("whatsapp".into(), 40)]),
    };
    assert_eq!(store.contact("+972501234567").await, Ok(Some(want)));
}

pub async fn a_recording_keeps_its_failure(store: Arc<dyn Store>) {
    let first = Recording {
        sid: "RE1".into(),
        call_sid: "CA1".into(),
        url: Some("https://api.twilio.com/RE1".into()),
        seconds: Some(12),
        status: Some("queued".into()),
        ..Recording::default()
    };
    let amend = |status: &str, attempts| Recording {
        sid: "RE1".into(),
        status: Some(status.into()),
        attempts: Some(attempts),
        ..Recording::default()
    };
    write(&store, Row::Recording(first.clone())).await;
    write(
        &store,
        Row::Recording(Recording {
            error: Some("HTTP 503".into()),
            ..amend("failed", 1)
        }),
    )
    .await;
    let failed = Recording {
        status: Some("failed".into()),
        error: Some("HTTP 503".into()),
        attempts: Some(1),
        ..first.clone()
    };
    assert_eq!(store.recordings("CA1").await, Ok(vec![failed.clone()]));
    write(
        &store,
        Row::Recording(Recording {
            transcript: Some("שלום".into()),
            ..amend("transcribed", 2)
        }),
    )
    .await;
    let done = Recording {
        status: Some("transcribed".into()),
        transcript: Some("שלום".into()),
        error: None,
        attempts: Some(2),
        ..failed
    };
    assert_eq!(store.recordings("CA1").await, Ok(vec![done]));
}

pub async fn the_last_message_counts(store: Arc<dyn Store>) {
    let last = |recipient: &'static str| {
        let store = Arc::clone(&store);
        async move { store.last_inbound("whatsapp", "+1", recipient).await.expect("a read") }
    };
    assert_eq!(last("+2").await, None);
    for at in [100, 300, 200] {
        store.note_inbound("whatsapp", "+1", "+2", at).await.expect("noted");
    }
    assert_eq!(
        last("+2").await,
        Some(300),
        "a late message does not shorten the window"
    );
    assert_eq!(last("+3").await, None, "each of our numbers has its own window");
    write(
        &store,
        Row::Inbound(Inbound {
            channel: "whatsapp".into(),
            sender: "+1".into(),
            recipient: "+3".into(),
            at: 7,
        }),
    )
    .await;
    assert_eq!(last("+3").await, Some(7));
    assert_eq!(store.last_inbound("sms", "+1", "+2").await, Ok(None));
}

pub async fn unknown_things_are_absent(store: Arc<dyn Store>) {
    assert_eq!(store.ping().await, Ok(()));
    assert_eq!(store.call("x").await, Ok(None));
    assert_eq!(store.live_calls().await, Ok(vec![]));
    assert_eq!(store.contact("x").await, Ok(None));
    assert_eq!(store.call_log("x").await, Ok(None));
    assert_eq!(store.events("x").await, Ok(vec![]));
    assert_eq!(store.turns("x").await, Ok(vec![]));
    assert_eq!(store.recordings("x").await, Ok(vec![]));
    assert_eq!(store.calls(usize::MAX).await, Ok(vec![]));
    assert_eq!(store.next_timer_due().await, Ok(None));
    assert_eq!(store.next_task_due().await, Ok(None));
    assert_eq!(
        store.retry_task("x", "w", 1, "e").await,
        Err(StoreError::LeaseLost { key: "x".into() })
    );
}
