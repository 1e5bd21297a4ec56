//! `engine replay`: calls of the real engine, read while it runs and after it was killed.

use crate::stage::{Plan, RECEPTIONIST, Stage, TALKER, story};
use engine::carrier::Outcome;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What a replay printed, and its exit code.
struct Replayed {
    out: String,
    errors: String,
    code: i32,
}

impl Replayed {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}\n{}{}", self.out, self.errors))
    }
}

fn replay(database: &Path, args: &[&str]) -> Replayed {
    let output = Command::new(env!("CARGO_BIN_EXE_engine"))
        .arg("replay")
        .arg("--db")
        .arg(database)
        .args(args)
        .env_clear()
        .output()
        .expect("the command runs");
    Replayed {
        out: String::from_utf8(output.stdout).expect("text"),
        errors: String::from_utf8(output.stderr).expect("text"),
        code: output.status.code().expect("an exit code"),
    }
}

/// An edited flow in the stage's project.
fn edited(stage: &Stage, name: &str, text: &str) -> PathBuf {
    let path = stage.folder.path().join("flows").join(name);
    std::fs::write(&path, text).expect("a flow");
    path
}

fn with<'a>(call: &'a str, flow: &'a Path) -> [&'a str; 5] {
    [call, "--flow", flow.to_str().expect("a path"), "--format", "json"]
}

#[tokio::test(flavor = "multi_thread")]
async fn a_conversation_is_replayed_beside_edited_flows() {
    let stage = Plan::new().start().await;
    let spec = stage.spec(TALKER, &[]);
    let number = spec.from.clone();
    let report = stage.dial(spec).await.expect("the call's task");
    assert_eq!(report.outcome, Outcome::EngineHungUp, "{}", story(&report));
    let call = report.call_sid.as_str();
    stage.finished(call).await;

    // The engine is still running on the database.
    let own = replay(&stage.database, &[&call[2..20]]);
    assert_eq!(own.code, 0, "{}{}", own.out, own.errors);
    assert!(own.out.contains("the call does everything as it did"), "{}", own.out);
    for shown in [
        "Play tts/greeting_he.mp3",
        "Connect Stream",
        "Play tts/goodbye_he.mp3",
        "Hangup",
        "hung_up",
    ] {
        assert!(own.out.contains(shown), "{shown} in\n{}", own.out);
    }
    assert!(!own.out.contains(&number[4..]), "{}", own.out);
    assert!(replay(&stage.database, &[call, "--reveal"]).out.contains(&number));

    let same = edited(&stage, "same.yaml", &format!("# A remark.\n{RECEPTIONIST}"));
    let same = replay(&stage.database, &with(call, &same));
    assert_eq!(
        (same.code, same.json()["same"].clone()),
        (0, Value::Bool(true)),
        "{}",
        same.out
    );

    let edits = [
        (
            "greeting.yaml",
            "tts/greeting_he.mp3",
            "tts/answer_he.mp3",
            "greeting",
            "a call from",
        ),
        (
            "goodbye.yaml",
            "play: tts/goodbye_he.mp3",
            "play: tts/transfer_he.mp3",
            "goodbye",
            "stream_ended 1",
        ),
        (
            "rewired.yaml",
            "completed: goodbye\n",
            "completed: voicemail\n",
            "voicemail",
            "stream_ended 1",
        ),
        (
            "removed.yaml",
            "    next: talk\n",
            "    next: voicemail\n",
            "greeting",
            "a call from",
        ),
    ];
    for (name, from, to, step, event) in edits {
        assert!(RECEPTIONIST.contains(from), "{from}");
        let mut text = RECEPTIONIST.replacen(from, to, 1);
        if name == "removed.yaml" {
            // Nothing leads to the conversation any more.
            let (before, rest) = text.split_once("  talk:\n").expect("a step");
            let (_, after) = rest.split_once("  human:\n").expect("the next step");
            let (_, after) = after.split_once("  voicemail:\n").expect("the next step");
            text = format!("{before}  voicemail:\n{after}");
        }
        let flow = edited(&stage, name, &text);
        let other = replay(&stage.database, &with(call, &flow));
        assert_eq!(other.code, 1, "{name}: {}{}", other.out, other.errors);
        let difference = &other.json()["difference"];
        assert_eq!(difference["now"]["step"], step, "{name}: {difference}");
        assert!(
            difference["what"].as_str().is_some_and(|what| what.contains(event)),
            "{name}: {difference}"
        );
        let stops = ["rewired.yaml", "removed.yaml"].contains(&name);
        assert_eq!(!other.json()["stop"].is_null(), stops, "{name}: {}", other.out);
    }
    let wrong = edited(&stage, "wrong.yaml", &RECEPTIONIST.replace("next: talk", "next: tolk"));
    let wrong = replay(&stage.database, &with(call, &wrong));
    assert_eq!((wrong.code, wrong.out.as_str()), (2, ""), "{}", wrong.errors);
    assert!(wrong.errors.contains("tolk"), "{}", wrong.errors);

    // As a scenario it is played again, and comes to the same.
    let scenario = stage.folder.path().join("again.yaml");
    let written = replay(
        &stage.database,
        &[
            call,
            "--as-test",
            scenario.to_str().expect("a path"),
            "--flow",
            stage.folder.path().join("flows/main.yaml").to_str().expect("a path"),
        ],
    );
    assert_eq!((written.code, written.out.as_str()), (0, ""), "{}", written.errors);
    let played = Command::new(env!("CARGO_BIN_EXE_engine"))
        .args(["simulate", "--scenario"])
        .arg(&scenario)
        .output()
        .expect("the command runs");
    let text = std::fs::read_to_string(&scenario).expect("a scenario");
    let told = String::from_utf8_lossy(&played.stdout);
    assert_eq!(
        played.status.code(),
        Some(0),
        "{text}\n{told}{}",
        String::from_utf8_lossy(&played.stderr)
    );
    // On virtual time too.
    let played = Command::new(env!("CARGO_BIN_EXE_engine"))
        .arg("test")
        .arg(&scenario)
        .output()
        .expect("the command runs");
    let told = String::from_utf8_lossy(&played.stdout);
    assert_eq!(played.status.code(), Some(0), "{text}\n{told}");
}

const DESK: &str = r#"flow: desk
version: 1
locale: en-US
start: {call: hello}
limits: {call: 10m, silence: 8s}
otherwise: over
steps:
  hello:
    say: "Hello {{ call.caller_name }}."
    next: question
  question:
    gather: {prompt: {say: "What can we do for you?"}, speech: {}, into: wish}
    on: {matched: code, no_input: over, no_match: over}
  code:
    gather: {prompt: {say: "Your code, please."}, keys: 6}
    on: {matched: told, no_input: over, no_match: over}
  told:
    say: "You want {{ vars.wish }}."
    next: over
  over:
    hangup: {}
"#;

/// A call by signed requests, without sound: what the carrier would send.
async fn desk_call(stage: &Stage, sid: &str) {
    let base = [
        ("CallSid", sid),
        ("From", "+972507654321"),
        ("To", "+97239998888"),
        ("CallerName", "Zelda Quux"),
    ];
    let requests: [(&str, &[(&str, &str)]); 5] = [
        ("/webhook/incoming_call", &[("CallStatus", "ringing")]),
        ("/webhook/call_status", &[("CallStatus", "in-progress")]),
        ("/webhook/next", &[("SpeechResult", "a purple elephant")]),
        ("/webhook/next?n=2", &[("Digits", "482915")]),
        (
            "/webhook/call_status",
            &[("CallStatus", "completed"), ("CallDuration", "33")],
        ),
    ];
    for (path, more) in requests {
        let params: Vec<(&str, &str)> = base.iter().chain(more).copied().collect();
        let answer = stage.post(path, &params).await;
        assert!(answer.status().is_success(), "{path}: {}", answer.status());
    }
    stage.finished(sid).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_shown_says_nothing_of_a_person() {
    let mut stage = Plan::new().flow(DESK).start().await;
    let (call, other) = (
        "CA00000000000000000000000000000d01",
        "CA00000000000000000000000000000d02",
    );
    desk_call(&stage, call).await;
    desk_call(&stage, other).await;
    stage.kill().await;
    let flow = edited(&stage, "edited.yaml", &DESK.replace("You want", "You would like"));
    let flow = flow.to_str().expect("a path");
    let private = ["507654321", "Zelda", "Quux", "purple", "elephant", "482915", "39998888"];
    for args in [
        &[call][..],
        &[call, "--format", "human"],
        &[call, "--format", "json"],
        &[call, "--flow", flow],
        &[call, "--flow", flow, "--format", "human"],
        &[call, "--flow", flow, "--format", "json"],
        &[call, "--as-test", "-"],
        &["--list"],
        &["--list", "--format", "json"],
    ] {
        let shown = replay(&stage.database, args);
        let code = i32::from(args.contains(&"--flow"));
        assert_eq!(shown.code, code, "{args:?} {}{}", shown.out, shown.errors);
        assert!(!shown.out.is_empty());
        for word in private {
            assert!(
                !shown.out.contains(word) && !shown.errors.contains(word),
                "{word} in\n{}",
                shown.out
            );
        }
    }
    let told = replay(&stage.database, &[call, "--flow", flow]).out;
    assert!(
        told.contains("then:   Say") && told.contains("You would like ***."),
        "{told}"
    );
    let revealed = replay(&stage.database, &[call, "--reveal"]).out;
    for word in &private[..6] {
        assert!(revealed.contains(word), "{word} in\n{revealed}");
    }
    let listed = replay(&stage.database, &["--list", "--last", "1"]).out;
    assert_eq!(listed.lines().count(), 1, "{listed}");

    let unknown = replay(&stage.database, &["CAnone"]);
    assert_eq!((unknown.code, unknown.out.as_str()), (3, ""), "{}", unknown.errors);
    let several = replay(&stage.database, &["0d0"]);
    assert_eq!(several.code, 2, "{}", several.out);
    assert!(
        several.errors.contains(call) && several.errors.contains(other),
        "{}",
        several.errors
    );
    let missing = replay(&stage.folder.path().join("none.db"), &["--list"]);
    assert_eq!(missing.code, 2, "{}", missing.out);
    assert!(!stage.folder.path().join("none.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_state_that_no_event_explains_is_a_fault() {
    let mut stage = Plan::new().flow(DESK).start().await;
    let call = "CA00000000000000000000000000000d03";
    desk_call(&stage, call).await;
    stage.kill().await;
    let connection = rusqlite::Connection::open(&stage.database).expect("the database");
    let change = "UPDATE call_state SET state = json_set(state, '$.vars.wish', 'a grey mouse') WHERE call = ?1";
    assert_eq!(connection.execute(change, [call]), Ok(1));
    let bent = replay(&stage.database, &[call]);
    assert_eq!(bent.code, 1, "{}", bent.out);
    assert!(
        bent.out.contains("`vars` of the stored state is another"),
        "{}",
        bent.out
    );
    assert!(!bent.out.contains("mouse"), "{}", bent.out);
    let forget = "DELETE FROM flow_version";
    assert_eq!(connection.execute(forget, []), Ok(1));
    let unknown = replay(&stage.database, &[call]);
    assert_eq!(unknown.code, 3, "{}", unknown.out);
    assert!(unknown.errors.contains("was not kept"), "{}", unknown.errors);
}
