//! `engine diff` from outside: a real repository, a real store with a call in progress, and the exit codes.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::stage::{Plan, RECEPTIONIST};

fn git(folder: &Path, arguments: &[&str]) {
    let own = [
        "-c",
        "user.name=Somebody",
        "-c",
        "user.email=somebody@example.com",
        "-c",
        "commit.gpgsign=false",
    ];
    let run = Command::new("git")
        .arg("-C")
        .arg(folder)
        .args(own)
        .args(arguments)
        .output()
        .expect("git");
    assert!(
        run.status.success(),
        "{arguments:?}: {}",
        String::from_utf8_lossy(&run.stderr)
    );
}

fn commit(folder: &Path, name: &str) {
    git(folder, &["add", "-A", "."]);
    git(folder, &["commit", "-q", "-m", name]);
}

fn diff(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_engine"))
        .current_dir(folder)
        .arg("diff")
        .args(arguments)
        // As within a hook of the repository.
        .env("GIT_DIR", ".git")
        .output()
        .expect("the engine runs")
}

/// Standard output, standard error and the exit code.
fn told(folder: &Path, arguments: &[&str]) -> (String, String, i32) {
    let run = diff(folder, arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
    (
        text(run.stdout),
        text(run.stderr),
        run.status.code().expect("an exit code"),
    )
}

fn json(folder: &Path, arguments: &[&str]) -> (Value, i32) {
    let (out, err, code) = told(folder, &[arguments, &["--format", "json"]].concat());
    let value = serde_json::from_str(&out).unwrap_or_else(|error| panic!("{error}: {out}{err}"));
    (value, code)
}

fn write(folder: &Path, path: &str, content: impl AsRef<[u8]>) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
    std::fs::write(path, content).expect("a file");
}

/// Two seconds of a tone.
fn sound() -> Vec<u8> {
    let wave = |n: u32| (f64::from(n) * std::f64::consts::TAU * 440.0 / 8_000.0).sin() * 8_000.0;
    let samples: Vec<i16> = (0..16_000).map(|n| wave(n) as i16).collect();
    engine::audio::wav::write_mono(8_000, &samples)
}

const SMALL: &str = "flow: small\nlocale: en-US\nstart: {call: hello}\nsteps:\n  hello: {play: a.wav, next: bye}\n  bye: {hangup: {}}\n";

/// A project in a folder of a repository.
fn repository() -> (tempfile::TempDir, std::path::PathBuf) {
    let top = tempfile::tempdir().expect("a temporary folder");
    git(top.path(), &["init", "-q", "-b", "main"]);
    let project = top.path().join("line");
    write(&project, "flows/small.yaml", SMALL);
    write(&project, "static/a.wav", sound());
    commit(top.path(), "first");
    (top, project)
}

#[test]
fn a_commit_is_compared_with_the_files_from_any_folder() {
    let (_top, project) = repository();
    let against = ["flows/small.yaml", "--against", "git:main"];
    assert_eq!(
        told(&project, &against),
        ("no difference for any caller\n".to_owned(), String::new(), 0)
    );

    write(
        &project,
        "flows/small.yaml",
        format!("# only a comment\n{}", SMALL.replace("{hangup: {}}", "{hangup: }")),
    );
    let (out, _, code) = told(&project, &against);
    assert_eq!((out.as_str(), code), ("no difference for any caller\n", 0));

    write(&project, "flows/small.yaml", SMALL.replace("play: a.wav", "say: Hello"));
    for (folder, flow) in [
        (project.clone(), "flows/small.yaml"),
        (project.join("flows"), "small.yaml"),
    ] {
        let (out, _, code) = told(&folder, &[flow, "--against", "git:HEAD"]);
        assert!(
            out.contains("flows/small.yaml:5: new calls: step `hello`, kind: was play: a.wav, is say: Hello"),
            "{out}"
        );
        assert!(out.ends_with("1 for new calls\n"), "{out}");
        assert_eq!(code, 0, "nothing breaks");
    }
    assert_eq!(
        diff(&project, &[&against[..], &["--fail-on", "new-calls"]].concat())
            .status
            .code(),
        Some(1)
    );
    assert_eq!(
        diff(&project, &[&against[..], &["--fail-on", "never"]].concat())
            .status
            .code(),
        Some(0)
    );

    // The sound goes, and with it what calls in progress would hear.
    std::fs::remove_file(project.join("static/a.wav")).expect("a file");
    let (found, code) = json(&project, &against);
    assert_eq!(code, 1);
    assert_eq!(found["format_version"], "1.0");
    assert_eq!(
        found["summary"],
        serde_json::json!({"compatible": 0, "new_calls": 1, "breaking": 1})
    );
    let change = &found["flows"][0]["changes"][1];
    assert_eq!(
        (&change["id"], &change["class"]),
        (&"sound-removed".into(), &"breaking".into()),
        "{change}"
    );
    assert_eq!(
        change["old"],
        serde_json::json!({"file": "flows/small.yaml", "line": 5, "column": 17})
    );
}

#[test]
fn a_whole_project_is_compared_with_what_came_and_went() {
    let (top, project) = repository();
    write(&project, "flows/parts/other.yaml", SMALL.replace("small", "other"));
    commit(top.path(), "second");
    std::fs::remove_file(project.join("flows/parts/other.yaml")).expect("a file");
    write(&project, "flows/third.yaml", SMALL.replace("small", "third"));
    let (found, code) = json(&project, &["--against", "git:HEAD"]);
    let flows = found["flows"].as_array().expect("flows");
    let short: Vec<(&str, Option<&str>)> = flows
        .iter()
        .map(|flow| {
            (
                flow["file"].as_str().expect("a file"),
                flow["changes"][0]["id"].as_str(),
            )
        })
        .collect();
    let want = [
        ("flows/parts/other.yaml", Some("flow-removed")),
        ("flows/small.yaml", None),
        ("flows/third.yaml", Some("flow-added")),
    ];
    assert_eq!((short.as_slice(), code), (&want[..], 1));
    let report = project.join("diff.json");
    let run = told(
        &project,
        &[
            "--against",
            "git:HEAD",
            "--format",
            "human",
            "--report",
            "json=diff.json",
        ],
    );
    assert!(
        run.0
            .starts_with("flows/parts/other.yaml: in git:HEAD only\n- the flow: flows/parts/other.yaml  [breaking]\n"),
        "{}",
        run.0
    );
    let written: Value = serde_json::from_str(&std::fs::read_to_string(report).expect("a report")).expect("JSON");
    assert_eq!(written, found);
}

#[test]
fn what_cannot_be_compared_says_why_and_ends_with_two() {
    let (_top, project) = repository();
    write(&project, "flows/new.yaml", SMALL);
    write(&project, "flows/wrong.yaml", SMALL.replace("next: bye", "next: by"));
    let elsewhere = tempfile::tempdir().expect("a temporary folder");
    write(elsewhere.path(), "flows/small.yaml", SMALL);
    write(elsewhere.path(), "static/a.wav", "x");
    let cases: [(&Path, &[&str], &str); 8] = [
        (
            &project,
            &["flows/new.yaml", "--against", "git:main"],
            "there was no `flows/new.yaml` at `main`",
        ),
        (
            &project,
            &["flows/none.yaml", "--against", "git:main"],
            "there is no flow file `flows/none.yaml`",
        ),
        (
            &project,
            &["flows/small.yaml", "--against", "git:--help"],
            "git knows no commit `--help`",
        ),
        (&project, &["flows/small.yaml"], "two versions are needed"),
        (
            &project,
            &["flows/small.yaml", "flows/wrong.yaml"],
            "there is no step `by`",
        ),
        (
            &project,
            &["flows/wrong.yaml", "flows/small.yaml"],
            "the old side, `flows/wrong.yaml` of the files, has errors",
        ),
        (
            &project,
            &["flows/small.yaml", "flows/small.yaml", "--db", "none.db"],
            "there is no database `none.db`",
        ),
        (
            elsewhere.path(),
            &["flows/small.yaml", "--against", "git:main"],
            "is in no git repository",
        ),
    ];
    for (folder, arguments, want) in cases {
        let (out, err, code) = told(folder, arguments);
        assert_eq!((out.as_str(), code), ("", 2), "{arguments:?}: {err}");
        assert!(err.contains(want), "{arguments:?}: {err}");
    }
    assert!(!project.join("none.db").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_in_progress_are_counted_at_their_step() {
    // Whoever says nothing stays in the conversation.
    let flow = RECEPTIONIST.replace("times: 2,", "times: 20,");
    assert_ne!(flow, RECEPTIONIST);
    let stage = Plan::new().flow(flow.clone()).start().await;
    let folder = stage.folder.path();
    git(folder, &["init", "-q", "-b", "main"]);
    git(folder, &["add", "flows", "templates", "static", "engine.yaml"]);
    git(folder, &["commit", "-q", "-m", "first"]);
    let log = stage.log.clone();
    let call = stage.dial(stage.spec("wait 120s; hangup", &[]));
    stage.until("it talks", || log.lines("WS_START").len() == 1).await;

    write(folder, "flows/main.yaml", flow.replace("media: 6s", "media: 7s"));
    let arguments = ["flows/main.yaml", "--against", "git:main", "--db", "engine.db"];
    let (found, code) = json(folder, &arguments);
    let live = &found["flows"][0]["live"];
    let first = &live[0];
    assert_eq!(live.as_array().map(Vec::len), Some(1), "{live}");
    assert_eq!(
        (&first["version"], &first["step"], &first["fate"]),
        (&"old".into(), &"talk".into(), &"changed".into()),
        "{first}"
    );
    assert_eq!(
        (&first["calls"], &first["lost"], code),
        (&1.into(), &serde_json::json!([]), 0),
        "{first}"
    );

    // Of a version that is neither of the two, the store knows the steps; its sounds are looked for, too.
    let other = flow.replace("media: 6s", "media: 5s");
    write(folder, "flows/main.yaml", &other);
    git(folder, &["commit", "-q", "-a", "-m", "second"]);
    let gone = other.replace("play: tts/goodbye_he.mp3", "pause: 1s");
    write(folder, "flows/main.yaml", &gone);
    let (out, _, code) = told(folder, &arguments);
    assert!(out.contains("1 live call of another version ("), "{out}");
    assert!(out.contains(") is at `talk` (changed), since "), "{out}");
    assert_eq!(code, 0, "{out}");
    std::fs::remove_file(folder.join("static/tts/goodbye_he.mp3")).expect("a sound");
    let (out, _, code) = told(folder, &arguments);
    assert!(
        out.contains("; breaking: sound-removed `tts/goodbye_he.mp3`: calls in progress"),
        "{out}"
    );
    assert_eq!(code, 1, "{out}");
    assert!(!out.contains("+1"), "nobody's number: {out}");
    drop(call);
}
