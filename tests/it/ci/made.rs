//! `engine new`: what it makes is ready for the repository, as it is.

use super::{command, engine, stderr, stdout};
use engine::flow::Node;

/// The lines that a project's own workflow runs with the engine.
fn workflow(text: &str) -> Vec<String> {
    let source = engine::flow::Source::new("flows.yml", text);
    let mut findings = engine::flow::Findings::new();
    let document = engine::flow::parse(&source, &mut findings);
    assert!(findings.is_empty(), "{findings:?}");
    let steps = document
        .root
        .as_ref()
        .and_then(|root| root.key("jobs"))
        .and_then(|jobs| jobs.key("flows"))
        .and_then(|job| job.key("steps"))
        .and_then(Node::as_seq)
        .expect("steps");
    let lines = steps.iter().filter_map(|step| step.key("run")?.scalar());
    let lines = lines.map(|line| line.text.clone());
    lines.filter(|line| line.starts_with("engine ")).collect()
}

#[test]
fn a_new_project_passes_its_own_workflow_and_is_formatted() {
    let folder = tempfile::tempdir().expect("a folder");
    for example in ["menu", "assistant", "voicemail"] {
        let name = format!("my-{example}");
        let made = engine(folder.path())
            .args(["new", &name, "--example", example])
            .output();
        let made = made.expect("the engine");
        assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
        let project = folder.path().join(&name);
        let workflow = workflow(&std::fs::read_to_string(project.join(".github/workflows/flows.yml")).expect("a file"));
        assert_eq!(workflow, ["engine validate", "engine test --junit engine-junit.xml"]);
        // What it advises to type does not take as long as a call.
        let advised = stdout(&made);
        let advised = advised
            .lines()
            .map(str::trim)
            .filter(|line| line.starts_with("engine "));
        let quick = advised.filter(|line| !line.contains("simulate")).map(str::to_owned);
        let lines = workflow.into_iter().chain(quick);
        for line in lines.chain(["engine validate --fail-level warning", "engine fmt --check"].map(str::to_owned)) {
            let output = command("bash", &project).args(["-c", &line]).output().expect("bash");
            let said = format!("{example}: {line}\n{}{}", stdout(&output), stderr(&output));
            assert_eq!(output.status.code(), Some(0), "{said}");
            if line.starts_with("engine test") {
                assert!(said.contains("1 scenario: 1 passed; "), "{said}");
            }
        }
        let report = std::fs::read_to_string(project.join("engine-junit.xml")).expect("the report");
        assert!(report.contains("tests=\"1\" failures=\"0\" errors=\"0\""), "{report}");
        let ignored = std::fs::read_to_string(project.join(".gitignore")).expect("a file");
        assert!(ignored.lines().any(|line| line == "engine-junit.xml"), "{ignored}");
    }
}

#[test]
fn a_new_project_is_called_for_real() {
    let folder = tempfile::tempdir().expect("a folder");
    let made = engine(folder.path())
        .args(["new", "line"])
        .output()
        .expect("the engine");
    let advised = stdout(&made);
    let call = advised.lines().map(str::trim).find(|line| line.contains("simulate"));
    let project = folder.path().join("line");
    let call = call.expect("a call is advised");
    let output = command("bash", &project).args(["-c", call]).output().expect("bash");
    assert_eq!(
        output.status.code(),
        Some(0),
        "{call}\n{}{}",
        stdout(&output),
        stderr(&output)
    );
}
