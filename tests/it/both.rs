//! `engine test` held against `engine simulate`: the same scenarios on virtual time and over real sockets, with the built-in
//! carrier. What is heard, how the call ends and how long nobody is heard must be the same.

use serde_json::Value;
use std::fmt::Write as _;
use std::path::Path;
use tokio::process::Command;

/// How far the longest silences may be apart: so many hundredths, and so many milliseconds.
const HUNDREDTHS: u64 = 10;
const MILLIS: u64 = 300;
/// Pauses inside of sounds, which virtual time knows nothing of: a longest silence below this is none.
const PAUSE: u64 = 1_000;
/// A busy machine adds to a silence that is measured: such a call is placed again.
const TRIES: usize = 3;

/// Keys and words to one question, which no bundled flow asks for.
const DESK: &str = "\
flow: desk
version: 1
locale: en-US
start: {call: ask}
otherwise: sorry
steps:
  ask:
    gather: {prompt: {say: Which desk}, keys: 4, timeout: 2s, speech: {end: 1s}, choices: {all: [\"1234\", sales], one: \"1\"}}
    on: {all: all, one: one, no_input: sorry, no_match: sorry}
  all:
    say: All of them
    next: over
  one:
    say: The first
    next: over
  sorry:
    say: Sorry
    next: over
  over:
    hangup: {}
";

/// A flow, what the caller does, and what else is in the scenario.
const CALLS: [(&str, &str, &str); 18] = [
    ("examples/hello", "silent", ""),
    (
        "flows/voicemail",
        "wait verb Record; speak Please call me back tomorrow",
        "",
    ),
    ("flows/voicemail", "wait verb Record", ""),
    ("flows/voicemail", "wait verb Record; wait 1s; speak 2s; hangup", ""),
    ("flows/voicemail", "wait verb Record; wait 1s; speak 2s; keys 5", ""),
    (
        "flows/menu",
        "wait prompt; keys 1; wait verb Record; speak 2s",
        "dials: [busy]",
    ),
    ("flows/menu", "wait prompt; keys 1", "dials: [answer]"),
    (
        "flows/menu",
        "wait prompt; keys 3; wait verb Record; wait 3s; speak 2s; wait 3s; speak 2s",
        "",
    ),
    ("flows/menu", "wait prompt; keys 93; wait verb Record; speak 2s", ""),
    ("flows/menu", "wait sound; wait 1s; hangup", ""),
    (
        "flows/menu",
        "wait sound; wait 1s; keys 3; wait verb Record; speak 2s; hangup",
        "",
    ),
    (
        "examples/retries",
        "wait prompt; keys 12; wait 3s; keys 3; wait 3s; keys 45",
        "",
    ),
    ("examples/retries", "wait prompt; keys 1w2W345", ""),
    (
        "examples/retries",
        "wait prompt; keys 12#; wait prompt; keys 123456",
        "",
    ),
    (
        "examples/screening",
        "wait verb Record; speak Please call me back",
        "dials: [failed]",
    ),
    (
        "flows/desk",
        "wait prompt; keys 1; wait 1s; keys 23; wait 1s; keys 4",
        "",
    ),
    ("flows/desk", "wait prompt; keys 1; wait 500ms; speak sales", ""),
    ("flows/desk", "wait prompt; speak sales", ""),
];

/// The bundled project, with an office that is always open, and a scenario for each call.
fn project() -> tempfile::TempDir {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["static", "templates"] {
        std::os::unix::fs::symlink(here.join(part), folder.path().join(part)).expect("a link");
    }
    for part in ["flows", "examples", "scenarios"] {
        std::fs::create_dir(folder.path().join(part)).expect("a folder");
    }
    for flow in [
        "flows/menu",
        "flows/voicemail",
        "examples/hello",
        "examples/retries",
        "examples/screening",
    ] {
        let file = format!("{flow}.yaml");
        let text = std::fs::read_to_string(here.join(&file)).expect("a flow");
        let text = text.replace("sun-thu 09:00-18:00", "sun-sat 00:00-24:00");
        std::fs::write(folder.path().join(file), text).expect("it is written");
    }
    std::fs::write(folder.path().join("flows/desk.yaml"), DESK).expect("it is written");
    for (index, (flow, caller, more)) in CALLS.iter().enumerate() {
        let text = format!("scenario: call {index}\nflow: ../{flow}.yaml\ncaller: \"{caller}\"\n{more}\n");
        std::fs::write(folder.path().join(scenario(index)), text).expect("it is written");
    }
    folder
}

fn scenario(index: usize) -> String {
    format!("scenarios/call{index:02}.yaml")
}

/// What matters of a call: what was heard, how it ended, and the longest silence.
#[derive(Debug)]
struct Came {
    heard: Vec<String>,
    ended: String,
    silence: u64,
}

impl Came {
    fn read(json: &Value) -> Self {
        let heard = json["heard"].as_array().expect("what was heard").iter();
        Self {
            heard: heard.map(|what| what.as_str().expect("a name").to_owned()).collect(),
            ended: json["ended"].as_str().expect("an end").to_owned(),
            silence: json["longest_silence_ms"].as_u64().expect("milliseconds").max(PAUSE),
        }
    }

    fn is_like(&self, other: &Self) -> bool {
        let apart = self.silence.abs_diff(other.silence);
        self.heard == other.heard && self.ended == other.ended && apart <= self.silence * HUNDREDTHS / 100 + MILLIS
    }
}

async fn engine(folder: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
    let output = command.current_dir(folder).args(arguments).output().await;
    let output = output.expect("the engine runs");
    assert!(
        output.status.success(),
        "{arguments:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8_lossy(&output.stdout).into_owned()
}

async fn simulated(folder: &Path, index: usize) -> Came {
    let file = scenario(index);
    let text = engine(folder, &["simulate", "--scenario", &file, "--format", "json"]).await;
    let last = text.lines().last().expect("a summary");
    let json: Value = serde_json::from_str(last).expect("a JSON object");
    Came::read(&json["summary"])
}

#[tokio::test(flavor = "multi_thread")]
async fn virtual_calls_are_like_real_ones() {
    let folder = project();
    let text = engine(folder.path(), &["test", "--format", "json"]).await;
    let json: Value = serde_json::from_str(&text).expect("a JSON document");
    let played: Vec<Came> = json["scenarios"]
        .as_array()
        .expect("scenarios")
        .iter()
        .map(Came::read)
        .collect();
    assert_eq!(played.len(), CALLS.len());
    let mut left: Vec<usize> = (0..CALLS.len()).collect();
    let mut apart = String::new();
    for _ in 0..TRIES {
        apart.clear();
        let mut calls = tokio::task::JoinSet::new();
        for index in left.drain(..) {
            let folder = folder.path().to_owned();
            calls.spawn(async move { (index, simulated(&folder, index).await) });
        }
        while let Some(call) = calls.join_next().await {
            let (index, real) = call.expect("it is placed");
            if !played[index].is_like(&real) {
                left.push(index);
                let (flow, caller, _) = CALLS[index];
                let _ = writeln!(apart, "{flow}, {caller}:\n  test {:?}\n  real {real:?}", played[index]);
            }
        }
        if left.is_empty() {
            return;
        }
    }
    panic!("{apart}");
}

/// What is expected of a real call is judged, and what cannot be played is said.
#[tokio::test(flavor = "multi_thread")]
async fn a_real_call_fails_its_scenario() {
    let folder = project();
    let expected = "\
scenario: nothing of this comes
flow: ../flows/desk.yaml
caller: wait prompt; keys 1
services: {\"*\": fails}
expect:
  hears: [All of them]
  not_hears: [The first]
  steps: [ask, all]
  ends: caller_left
  recordings: 1
  within: {end: 1s}
  twiml: {ask: [{Gather: {numDigits: 5}}]}
";
    std::fs::write(folder.path().join("scenarios/wrong.yaml"), expected).expect("it is written");
    let output = Command::new(env!("CARGO_BIN_EXE_engine"))
        .current_dir(folder.path())
        .args(["simulate", "--scenario", "scenarios/wrong.yaml"])
        .output()
        .await
        .expect("the engine runs");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{errors}");
    for part in [
        "6:11: expected the caller hears `All of them`",
        "7:15: expected the caller never hears `The first`",
        "8:16: expected the call comes to `all`",
        "9:9: expected the call ends as `caller_left`, but it ended as `hung_up`",
        "10:15: expected 1 recording",
        "expected `end` within 1.0 s",
        "expected these verbs in the document at `ask`",
        "passed over, as only `engine test` plays it: `services`",
    ] {
        assert!(errors.contains(part), "{part}: {errors}");
    }
}
