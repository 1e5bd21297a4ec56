//! `engine graph` from outside: what it prints, what it writes, how it ends.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn engine(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_engine"))
        .current_dir(folder)
        .arg("graph")
        .args(arguments)
        .output()
        .expect("the engine runs")
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn prints_mermaid_and_nothing_else() {
    let output = engine(project(), &["flows/menu.yaml"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).starts_with("flowchart TD\n"));
    assert_eq!(text(&output.stderr), "");
}

#[test]
fn the_ending_of_the_file_says_the_format() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("menu.svg");
    let file = file.to_str().expect("a path in UTF-8");
    let output = engine(project(), &["flows/menu.yaml", "--out", file]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(0), String::new()));
    let svg = std::fs::read_to_string(file).expect("the drawing");
    assert!(svg.starts_with("<svg "));

    let other = folder.path().join("menu.png");
    let output = engine(
        project(),
        &["flows/menu.yaml", "--out", other.to_str().expect("a path in UTF-8")],
    );
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("--format"));
    assert!(!other.exists());
}

#[test]
fn a_flow_that_is_not_named_is_found_or_asked_for() {
    let folder = tempfile::tempdir().expect("a folder");
    assert_eq!(engine(folder.path(), &[]).status.code(), Some(3));
    let flows = folder.path().join("flows");
    std::fs::create_dir(&flows).expect("a folder for flows");
    let flow = "flow: a\nversion: 1\nlocale: en-US\nstart: {call: bye}\nsteps:\n  bye: {hangup: {}}\n";
    std::fs::write(flows.join("a.yaml"), flow).expect("a flow");
    let output = engine(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert!(text(&output.stdout).contains("<b>bye</b>"));
    std::fs::write(flows.join("b.yaml"), flow).expect("another flow");
    let output = engine(folder.path(), &[]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("a.yaml") && text(&output.stderr).contains("b.yaml"));
}

#[test]
fn a_flow_with_errors_is_drawn_and_fails() {
    let output = engine(project(), &["tests/flows/bad/unwired-outcome.yaml"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stdout).contains("\"nowhere\""));
    assert!(text(&output.stderr).contains("engine validate"));

    let output = engine(project(), &["tests/flows/bad/unknown-kind.yaml"]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(1), String::new()));
    assert!(text(&output.stderr).contains("unknown-kind"));
}

#[test]
fn visits_mark_steps_and_stale_ones_are_warned_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("coverage.json");
    let name = file.to_str().expect("a path in UTF-8");
    let visits = r#"{"format_version":"1.0","flows":{"flows/menu.yaml":{"steps":{"hours":1,"fax":1},"edges":{}}}}"#;
    std::fs::write(&file, visits).expect("a file of visits");
    let output = engine(project(), &["flows/menu.yaml", "--coverage", name]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("not tested"));
    assert!(text(&output.stderr).contains("has no step `fax`"));

    std::fs::write(&file, r#"{"format_version":"2.0","flows":{}}"#).expect("a file of visits");
    let output = engine(project(), &["flows/menu.yaml", "--proof", name]);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
}

#[test]
fn graphviz_reads_what_is_written_for_it() {
    let there = Command::new("dot").arg("-V").output().is_ok();
    if !there {
        eprintln!("graphviz_reads_what_is_written_for_it: skipped, since `dot` is not installed");
        return;
    }
    let flows = [
        "flows/receptionist.yaml",
        "examples/parts.yaml",
        "tests/flows/bad/unwired-outcome.yaml",
    ];
    for flow in flows {
        let graph = engine(project(), &[flow, "--format", "dot"]).stdout;
        let mut dot = Command::new("dot")
            .arg("-Tplain")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("dot runs");
        let written = dot.stdin.take().expect("it reads").write_all(&graph);
        let output = dot.wait_with_output().expect("dot ends");
        assert!(
            written.is_ok() && output.status.success(),
            "{flow}: {}",
            text(&output.stderr)
        );
        assert!(text(&output.stdout).contains("node n0 "), "{flow}");
    }
}
