//! What stops a file from being used is told by name, and the same store works again when it is gone.

use std::path::Path;

use super::*;

/// Opens nothing yet.
fn lazy(path: &Path) -> SqliteStore {
    SqliteStore::new(SqliteConfig::new(path))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_missing_folder_is_named_and_may_come_later() {
    let (_, folder) = place();
    let missing = folder.path().join("data");
    let store = lazy(&missing.join("calls.db"));
    let error = StoreError::MissingFolder { path: missing.clone() };
    assert_eq!(store.commit(step("CA1", 0)).await, Err(error.clone()));
    assert_eq!(store.call("CA1").await, Err(error.clone()), "a read says so too");
    assert!(error.help().contains(&format!("mkdir -p {}", missing.display())));
    std::fs::create_dir(&missing).expect("the folder is made");
    assert_eq!(store.commit(step("CA1", 0)).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_in_the_files_place_cannot_be_opened() {
    let (path, _folder) = place();
    std::fs::create_dir(&path).expect("a folder");
    let store = lazy(&path);
    let error = store.ping().await.expect_err("a folder is no database");
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error}");
    std::fs::remove_dir(&path).expect("the folder goes");
    assert_eq!(store.ping().await, Ok(()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_is_no_database_is_left_alone() {
    let (path, _folder) = place();
    let text = "these are no calls at all\n".repeat(400);
    std::fs::write(&path, &text).expect("the file is written");
    let store = lazy(&path);
    for _ in 0..2 {
        let error = store.commit(step("CA1", 0)).await.expect_err("it is no database");
        assert!(
            matches!(error, StoreError::Corrupt { .. }) && error.is_outage(),
            "{error}"
        );
    }
    assert_eq!(std::fs::read_to_string(&path).expect("it is still there"), text);
    std::fs::remove_file(&path).expect("the file goes");
    assert_eq!(
        store.commit(step("CA1", 0)).await,
        Ok(1),
        "the same store starts afresh"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_database_is_an_error_and_not_a_panic() {
    let (path, _folder) = place();
    {
        let store = SqliteStore::open(&path).await.expect("a new database opens");
        store.commit(step("CA1", 0)).await.expect("a commit");
    }
    // Everything into the one file, and then a hole in it.
    rusqlite::Connection::open(&path)
        .and_then(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
        .expect("the log is emptied");
    let mut bytes = std::fs::read(&path).expect("the file is read");
    bytes[4096..].fill(0xA5);
    let damaged = path.with_file_name("damaged.db");
    std::fs::write(&damaged, bytes).expect("the damage is done");
    let store = lazy(&damaged);
    let error = store.commit(step("CA1", 1)).await.expect_err("it is damaged");
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    let error = store.call("CA1").await.expect_err("it is damaged for reading too");
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_that_was_acknowledged() {
    let (path, _folder) = place();
    let full = StoreError::Full { path: path.clone() };
    let mut acknowledged = 0;
    {
        let store = SqliteStore::new(SqliteConfig {
            page_limit: Some(80),
            ..SqliteConfig::new(&path)
        });
        let large = state(&format!("{:?}", "x".repeat(20_000)));
        let error = loop {
            let change = Change {
                state: Some(large.clone()),
                ..Change::new(format!("CA{acknowledged}"), 0)
            };
            match store.commit(change).await {
                Ok(_) => acknowledged += 1,
                Err(error) => break error,
            }
            assert!(acknowledged < 100, "the limit holds");
        };
        assert_eq!(error, full);
        assert!(acknowledged > 0);
        assert_eq!(
            store.live_calls().await.map(|calls| calls.len()),
            Ok(acknowledged),
            "reads go on"
        );
        // What still fits is still taken.
        assert_eq!(store.commit(step("CA0", 1)).await, Ok(2));
    }
    let store = SqliteStore::open(&path).await.expect("with room it opens");
    assert_eq!(store.live_calls().await.map(|calls| calls.len()), Ok(acknowledged));
    assert_eq!(store.commit(step("new", 0)).await, Ok(1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_lock_held_too_long_is_told_and_passes() {
    let (path, _folder) = place();
    let store = SqliteStore::new(SqliteConfig {
        busy_timeout: std::time::Duration::from_millis(20),
        ..SqliteConfig::new(&path)
    });
    store.commit(step("CA1", 0)).await.expect("a commit");
    let other = rusqlite::Connection::open(&path).expect("another process opens it");
    other.execute_batch("BEGIN IMMEDIATE").expect("and locks it");
    assert_eq!(
        store.commit(step("CA1", 1)).await,
        Err(StoreError::Busy { path: path.clone() })
    );
    assert_eq!(
        store.call("CA1").await.map(|call| call.map(|call| call.version)),
        Ok(Some(1)),
        "reads go on"
    );
    other.execute_batch("ROLLBACK").expect("it lets go");
    assert_eq!(store.commit(step("CA1", 1)).await, Ok(2));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_that_was_moved_away_is_not_written_any_more() {
    let (path, _folder) = place();
    let store = SqliteStore::open(&path).await.expect("a new database opens");
    store.commit(step("old", 0)).await.expect("a commit");
    assert!(store.call("old").await.expect("a read").is_some());
    for end in ["", "-wal", "-shm"] {
        let name = format!("{}{end}", path.display());
        std::fs::rename(&name, format!("{name}.aside")).expect("it is moved");
    }
    store.commit(step("new", 0)).await.expect("a commit to a new file");
    assert_eq!(store.call("old").await, Ok(None));
    let reopened = SqliteStore::open(&path).await.expect("the new file opens");
    assert_eq!(reopened.live_calls().await, Ok(vec!["new".to_owned()]));
}

#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_backup_is_taken_up_without_a_restart() {
    let (path, folder) = place();
    let backup = folder.path().join("backup.db");
    SqliteStore::open(&backup)
        .await
        .expect("it opens")
        .commit(step("kept", 0))
        .await
        .expect("a commit");
    rusqlite::Connection::open(&backup)
        .and_then(|connection| connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
        .expect("the backup is one file");
    let store = SqliteStore::open(&path).await.expect("a new database opens");
    store.commit(step("lost", 0)).await.expect("a commit");
    for end in ["-wal", "-shm"] {
        std::fs::remove_file(format!("{}{end}", path.display())).expect("it goes");
    }
    std::fs::rename(&backup, &path).expect("the backup takes its place");
    assert_eq!(
        store.commit(step("kept", 1)).await,
        Ok(2),
        "the call of the backup goes on"
    );
    assert_eq!(store.live_calls().await, Ok(vec!["kept".to_owned()]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_group_that_meets_a_full_disk_is_told_the_truth() {
    let (path, _folder) = place();
    let full = StoreError::Full { path: path.clone() };
    let config = SqliteConfig {
        page_limit: Some(120),
        ..SqliteConfig::new(&path)
    };
    let store = Arc::new(SqliteStore::new(config));
    let large = state(&format!("{:?}", "x".repeat(20_000)));
    let committers: Vec<_> = (0..64)
        .map(|n| {
            let (store, state) = (Arc::clone(&store), Some(large.clone()));
            let change = Change {
                state,
                ..Change::new(format!("CA{n}"), 0)
            };
            tokio::spawn(async move { (change.call.clone(), store.commit(change).await) })
        })
        .collect();
    let mut refused = 0;
    for committer in committers {
        let (call, outcome) = committer.await.expect("no committer panics");
        let stored = store.call(&call).await.expect("reads go on").is_some();
        assert_eq!(stored, outcome.is_ok(), "{call}");
        if let Err(error) = outcome {
            assert_eq!(error, full);
            refused += 1;
        }
    }
    assert!(refused > 0, "64 times 20 kB do not fit");
    assert_eq!(store.commit(step("small", 0)).await, Ok(1), "the store is not wedged");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tables_changed_by_hand_are_told() {
    let (path, _folder) = place();
    let store = SqliteStore::open(&path).await.expect("a new database opens");
    let other = rusqlite::Connection::open(&path).expect("it opens");
    other.execute_batch("DROP TABLE call_event").expect("a table goes");
    let change = Change {
        events: vec![(1, "1".into())],
        ..step("CA1", 0)
    };
    let error = store.commit(change).await.expect_err("the table is gone");
    assert!(
        matches!(error, StoreError::Refused { .. }) && !error.is_outage(),
        "{error}"
    );
    assert_eq!(
        store.commit(step("CA1", 0)).await,
        Ok(1),
        "what does not need it goes on"
    );
    // JSON that is none any more is given as the text that it is, and not lost by the next change.
    let contact = |fields: &str| {
        let fields = serde_json::from_str(fields).expect("fields");
        let row = Row::Contact(ContactUpdate {
            phone: "+1".into(),
            fields,
            ..ContactUpdate::default()
        });
        Change {
            rows: vec![row],
            ..Change::facts("rows")
        }
    };
    store.commit(contact(r#"{"a":1}"#)).await.expect("a contact");
    other
        .execute("UPDATE contacts SET fields = 'oops'", [])
        .expect("a slip of the hand");
    store
        .commit(contact(r#"{"b":2}"#))
        .await
        .expect("the contact can still be amended");
    let fields = store.contact("+1").await.expect("a read").expect("a contact").fields;
    assert_eq!(
        serde_json::Value::Object(fields),
        serde_json::json!({"unreadable": "oops", "b": 2})
    );
}

/// Permissions mean nothing to root, so the test proper runs in a child as a user without rights.
#[cfg(unix)]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_may_not_be_written_is_told_and_passes() {
    if let Some(folder) = std::env::var_os("STORE_TEST_FOLDER") {
        return without_rights(Path::new(&folder)).await;
    }
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    use std::os::unix::process::CommandExt;

    const NOBODY: u32 = 65534;
    let folder = tempfile::tempdir().expect("a temporary folder");
    std::fs::set_permissions(folder.path(), PermissionsExt::from_mode(0o777)).expect("all may enter");
    // The build's folder may be closed to that user.
    let program = folder.path().join("tests");
    std::fs::copy(std::env::current_exe().expect("this program"), &program).expect("a copy of it");
    std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).expect("all may run it");
    let mut child = std::process::Command::new(&program);
    child
        .args([
            "--exact",
            "store::tests::trouble::what_may_not_be_written_is_told_and_passes",
            "--nocapture",
        ])
        .env("STORE_TEST_FOLDER", folder.path())
        .current_dir(folder.path());
    if std::fs::metadata(folder.path()).expect("the folder").uid() == 0 {
        child.uid(NOBODY).gid(NOBODY);
    }
    let output = child.output().expect("the child runs");
    let told = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && told.contains("1 passed"), "{told}");
}

#[cfg(unix)]
async fn without_rights(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    let allow = |path: &Path, mode| std::fs::set_permissions(path, PermissionsExt::from_mode(mode)).expect("chmod");
    let folder = folder.join("data");
    std::fs::create_dir(&folder).expect("a folder of this user");
    let path = folder.join("calls.db");

    allow(&folder, 0o555);
    let store = lazy(&path);
    let error = store.commit(step("CA1", 0)).await.expect_err("nothing can be created");
    assert!(matches!(error, StoreError::CannotOpen { .. }), "{error}");
    allow(&folder, 0o755);
    assert_eq!(
        store.commit(step("CA1", 0)).await,
        Ok(1),
        "the same store works when it may"
    );
    drop(store);

    allow(&path, 0o444);
    let store = lazy(&path);
    assert_eq!(
        store.commit(step("CA1", 1)).await,
        Err(StoreError::ReadOnly { path: path.clone() })
    );
    allow(&path, 0o644);
    assert_eq!(store.commit(step("CA1", 1)).await, Ok(2));
}
