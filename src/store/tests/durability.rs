//! A process that is killed in the middle of its work loses nothing that it was told is stored.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};

use super::*;

/// Commits that are waited for before each kill.
const ENOUGH: usize = 200;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_a_kill() {
    // The same test is its own child: with these set it is the process that works until it is killed.
    if let (Some(path), Ok(round)) = (std::env::var_os("STORE_TEST_PATH"), std::env::var("STORE_TEST_ROUND")) {
        return commit_until_killed(path.into(), &round).await;
    }
    let (path, _folder) = place();
    let mut acknowledged = std::collections::HashMap::new();
    for round in 0..3 {
        let mut child = Command::new(std::env::current_exe().expect("this program"))
            .args([
                "--exact",
                "store::tests::durability::what_was_acknowledged_survives_a_kill",
                "--nocapture",
            ])
            .env("STORE_TEST_PATH", &path)
            .env("STORE_TEST_ROUND", round.to_string())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the child starts");
        let mut lines = BufReader::new(child.stdout.take().expect("its output is piped"));
        let mut seen = 0;
        let mut line = String::new();
        while lines.read_line(&mut line).expect("its output is read") > 0 {
            // The harness writes before the first word, and the last line may be cut off by the kill.
            if let Some((_, words)) = line.split_once("stored ").filter(|_| line.ends_with(" .\n")) {
                let mut words = words.split(' ');
                let call = words.next().expect("the call").to_owned();
                let version: i64 = words.next().and_then(|word| word.parse().ok()).expect("the version");
                acknowledged.insert(call, version);
                seen += 1;
                if seen == ENOUGH {
                    child.kill().expect("SIGKILL is sent");
                }
            }
            line.clear();
        }
        let status = child.wait().expect("the child is gone");
        assert!(
            !status.success() && seen >= ENOUGH,
            "it was killed while it worked: {status}, {seen} commits"
        );

        let store = SqliteStore::open(&path).await.expect("the database opens after a kill");
        for (call, version) in &acknowledged {
            let stored = store
                .call(call)
                .await
                .expect("a read")
                .expect("an acknowledged call is there");
            assert!(stored.version >= *version, "{call}: {} < {version}", stored.version);
            assert_eq!(stored.state, format!("{{\"n\":{}}}", stored.version - 1));
            let events = store.events(call).await.expect("events");
            assert_eq!(
                i64::try_from(events.len()),
                Ok(stored.version),
                "state and events moved together"
            );
        }
    }
}

async fn commit_until_killed(path: PathBuf, round: &str) {
    let store = Arc::new(SqliteStore::open(path).await.expect("the database opens"));
    let callers: Vec<_> = (0..8)
        .map(|caller| {
            let store = Arc::clone(&store);
            let call = format!("CA{round}-{caller}");
            tokio::spawn(async move {
                for version in 0.. {
                    let change = Change {
                        events: vec![(version, "{}".into())],
                        ..step(&call, version)
                    };
                    let stored = store.commit(change).await.expect("a commit");
                    println!("stored {call} {stored} .");
                }
            })
        })
        .collect();
    for caller in callers {
        caller.await.expect("it goes on until it is killed");
    }
}
