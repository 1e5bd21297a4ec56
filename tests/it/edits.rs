//! `engine fmt` and `engine validate --fix` as commands: what they write, what they leave, what they print and return.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

struct Ran {
    code: Option<i32>,
    out: String,
    err: String,
}

/// Runs the engine in a folder, with a text on its standard input.
fn engine(folder: &Path, args: &[&str], input: &str) -> Ran {
    let mut child = Command::new(env!("CARGO_BIN_EXE_engine"))
        .args(args)
        .current_dir(folder)
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the engine's process");
    let mut stdin = child.stdin.take().expect("its input");
    // A command that does not read its input may have closed it.
    let _unread = stdin.write_all(input.as_bytes());
    drop(stdin);
    let output = child.wait_with_output().expect("its end");
    Ran {
        code: output.status.code(),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

/// A project with these files under `flows/`.
fn project(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir(folder.path().join("flows")).expect("a folder in it");
    for (name, text) in files {
        std::fs::write(folder.path().join("flows").join(name), text).expect("a file in it");
    }
    folder
}

fn text(folder: &tempfile::TempDir, name: &str) -> String {
    std::fs::read_to_string(folder.path().join("flows").join(name)).expect("a file")
}

const LOOSE: &str = "version: 1\nflow: a   # the name\nlocale: en-US\nstart: { call: x }\n\n\nsteps:\n    x:\n        next: z\n        say: 'Hello there.'\n    z:\n        hangup: {}\n";
const TIDY: &str = "flow: a   # the name\nversion: 1\nlocale: en-US\nstart: {call: x}\n\nsteps:\n  x:\n    say: \"Hello there.\"\n    next: z\n  z:\n    hangup: {}\n";

#[test]
fn files_are_formatted_and_those_that_cannot_be_stay() {
    let twice = "flow: a\nflow: b\n";
    let folder = project(&[("loose.yaml", LOOSE), ("tidy.yaml", TIDY), ("twice.yaml", twice)]);

    let ran = engine(folder.path(), &["fmt", "--check"], "");
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.out, "flows/loose.yaml is not formatted\n");
    assert_eq!(text(&folder, "loose.yaml"), LOOSE);

    let ran = engine(folder.path(), &["fmt", "--diff", "flows/loose.yaml"], "");
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    assert!(
        ran.out
            .starts_with("--- a/flows/loose.yaml\n+++ b/flows/loose.yaml\n@@ "),
        "{}",
        ran.out
    );
    assert_eq!(text(&folder, "loose.yaml"), LOOSE);

    let ran = engine(folder.path(), &["fmt"], "");
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.out, "formatted flows/loose.yaml\n");
    assert_eq!(
        ran.err,
        "error: flows/twice.yaml:2:1: `flow` stands twice in this map; mend it first\n"
    );
    assert_eq!(text(&folder, "loose.yaml"), TIDY);
    assert_eq!(text(&folder, "twice.yaml"), twice);

    let ran = engine(folder.path(), &["fmt", "-"], LOOSE);
    assert_eq!((ran.code, ran.out.as_str()), (Some(0), TIDY));
    let ran = engine(folder.path(), &["fmt", "nowhere.yaml"], "");
    assert_eq!(ran.code, Some(2));
    let empty = tempfile::tempdir().expect("a folder");
    assert_eq!(engine(empty.path(), &["fmt"], "").code, Some(3));
}

#[test]
fn what_comes_with_the_engine_is_formatted() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ran = engine(here, &["fmt", "--check", "flows", "examples", "scenarios"], "");
    assert_eq!((ran.code, ran.out.as_str(), ran.err.as_str()), (Some(0), "", ""));
}

#[test]
fn no_flow_at_hand_is_changed_by_formatting() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ran = engine(here, &["fmt", "--diff", "tests/flows"], "");
    assert!(!ran.out.is_empty(), "some of them are written loosely");
    assert!(!ran.err.contains("the result would not"), "{}", ran.err);
}

const FAULTY: &str = "flow: a
locale: en-US
start: {call: x}
otherwise: z
steps:
  # a comment   with  its own spaces
  x: {dial: {number: \"+14155550100\", timeout: 20s, limit: 2m}, on: {completed: z, noAnswer: y}}   # and another
  # engine: allow(unreachable-step) because it is kept
  y: {say: Hello., next: goodby}
  y: {say: Hello., next: goodby}
  goodbye: {hangup: {}, next: x}
  z: {record: {max: 1.5m}, next: end}
  end: {hangup: {}}
";

const SAFELY: &str = "flow: a
locale: en-US
start: {call: x}
otherwise: z
steps:
  # a comment   with  its own spaces
  x: {dial: {number: \"+14155550100\", timeout: 20s, limit: 2m}, on: {completed: z, no_answer: y}}   # and another
  # engine: allow(unreachable-step) because it is kept
  y: {say: Hello., next: goodby}
  goodbye: {hangup: {}, next: x}
  z: {record: {max: 90s}, next: end}
  end: {hangup: {}}
";

const BOLDLY: &str = "flow: a
locale: en-US
start: {call: x}
otherwise: z
steps:
  # a comment   with  its own spaces
  x: {dial: {number: \"+14155550100\", timeout: 20s, limit: 2m}, on: {completed: z, no_answer: y}}   # and another
  y: {say: Hello., next: goodbye}
  goodbye: {hangup: {}}
  z: {record: {max: 90s}, next: end}
  end: {hangup: {}}
";

#[test]
fn what_is_safe_is_mended_and_a_guess_only_where_it_is_asked_for() {
    let folder = project(&[("a.yaml", FAULTY)]);

    let ran = engine(folder.path(), &["validate", "--fix", "--dry-run"], "");
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.starts_with("--- a/flows/a.yaml\n"), "{}", ran.out);
    assert_eq!(text(&folder, "a.yaml"), FAULTY);

    let ran = engine(folder.path(), &["validate", "--fix", "--format", "concise"], "");
    assert_eq!(text(&folder, "a.yaml"), SAFELY, "{}{}", ran.out, ran.err);
    assert_eq!(ran.code, Some(1));
    assert!(ran.out.contains("unknown-step"), "{}", ran.out);
    let told = ran.err.lines().filter(|line| line.starts_with("fixed ")).count();
    assert_eq!(told, 3, "{}", ran.err);
    let guess = "not fixed flows/a.yaml:9:26: unknown-step: `goodby` becomes `goodbye`: it is a guess; `--unsafe-fixes` makes it";
    assert!(ran.err.lines().any(|line| line == guess), "{}", ran.err);

    let ran = engine(folder.path(), &["validate", "--fix", "--unsafe-fixes"], "");
    assert_eq!(text(&folder, "a.yaml"), BOLDLY, "{}{}", ran.out, ran.err);
    assert_eq!(ran.code, Some(0));
    let clean = "1 flow, 5 steps: no problems\nflows/a.yaml: proven: ";
    assert!(
        ran.out.starts_with(clean) && ran.out.lines().count() == 2,
        "{}",
        ran.out
    );

    let ran = engine(folder.path(), &["validate", "--fix", "-"], FAULTY);
    assert_eq!((ran.code, ran.out.as_str()), (Some(1), SAFELY), "{}", ran.err);
    assert_eq!(engine(folder.path(), &["validate", "--unsafe-fixes"], "").code, Some(2));
}

#[test]
fn a_fix_that_brings_up_something_else_is_not_made() {
    // With its kind, the step would name a sound that is not there.
    let text_before =
        "flow: a\nlocale: en-US\nstart: {call: x}\nsteps:\n  x: {pl_ay: tts/nowhere.mp3, next: z}\n  z: {hangup: {}}\n";
    let folder = project(&[("a.yaml", text_before)]);
    let ran = engine(folder.path(), &["validate", "--fix"], "");
    assert_eq!(text(&folder, "a.yaml"), text_before);
    assert_eq!(ran.code, Some(1));
    let why = "`pl_ay` becomes `play`: `unknown-asset` would come up; mend it by hand";
    assert!(ran.err.contains(why), "{}", ran.err);
}
