//! `engine test` from outside: what it plays, what it prints, how it ends.

use engine::graph::Visits;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Output, Stdio};

const FLOW: &str = "\
flow: shop
version: 1
locale: en-US
start: {call: menu}
otherwise: goodbye
steps:
  menu:
    gather: {prompt: {say: Press one for our hours.}, keys: 1, choices: {hours: \"1\"}}
    on: {hours: hours, no_input: goodbye, no_match: goodbye}
  hours:
    say: We are open from nine to five.
    next: goodbye
  goodbye:
    hangup: {}
";

const HOURS: &str = "\
scenario: the hours are told
flow: ../flows/shop.yaml
caller: wait prompt; keys 1
expect:
  hears: [open from nine to five]
  steps: [menu, hours, goodbye]
";

/// A project with one flow and these scenarios.
fn project(scenarios: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for name in ["flows", "scenarios"] {
        std::fs::create_dir(folder.path().join(name)).expect("a folder");
    }
    std::fs::write(folder.path().join("flows/shop.yaml"), FLOW).expect("the flow");
    for (name, text) in scenarios {
        std::fs::write(folder.path().join("scenarios").join(name), text).expect("a scenario");
    }
    folder
}

fn command(folder: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
    command.current_dir(folder).arg("test").args(arguments);
    for name in ["GITHUB_ACTIONS", "GITHUB_WORKSPACE", "CI_PROJECT_DIR", "FORCE_COLOR"] {
        command.env_remove(name);
    }
    command
}

fn test(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let Output { status, stdout, stderr } = command(folder, arguments).output().expect("the engine runs");
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
    (status.code().expect("it ends by itself"), text(stdout), text(stderr))
}

#[test]
fn the_bundled_flows_are_tested_in_every_way() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (code, out, errors) = test(here, &["--coverage=100"]);
    assert_eq!(code, 0, "{out}{errors}");
    assert!(out.contains("in all 100 %"), "{out}");
}

#[test]
fn agents_services_and_models_are_played() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (code, out, errors) = test(here, &["tests/scenarios"]);
    assert_eq!(code, 0, "{out}{errors}");
}

#[test]
fn a_scenario_passes_and_nothing_is_written() {
    let folder = project(&[("hours.yaml", HOURS)]);
    let (code, out, errors) = test(folder.path(), &[]);
    assert_eq!((code, errors.as_str()), (0, ""), "{out}");
    assert!(out.starts_with("1 scenario: 1 passed; "), "{out}");
    let (_, out, _) = test(folder.path(), &["-v"]);
    assert!(
        out.starts_with("passed  the hours are told  (scenarios/hours.yaml:1, "),
        "{out}"
    );
    let mut left: Vec<String> = std::fs::read_dir(folder.path())
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    left.sort();
    assert_eq!(left, ["flows", "scenarios"]);
}

#[test]
fn a_failure_names_its_line_what_came_and_the_call_around_it() {
    let wrong = HOURS.replace("nine to five", "ten to six");
    let folder = project(&[("hours.yaml", &wrong)]);
    let (code, out, errors) = test(folder.path(), &[]);
    assert_eq!((code, errors.as_str()), (1, ""));
    let expected = "\
FAILED  the hours are told  (scenarios/hours.yaml:1, a call of 5.3 s)
  scenarios/hours.yaml:5:11
    expected: the caller hears `open from ten to six`
    but:      heard was “Press one for our hours.”, “We are open from nine to five.”
    |    0.0 s  menu             carrier answers the call
    |    0.0 s                   <Gather>
    |    0.0 s                   hears “Press one for our hours.” (2.2 s)
    |    2.7 s                   caller presses 1
    |    2.7 s  goodbye          hears “We are open from nine to five.” (2.6 s)
    |    5.3 s                   over: the flow hangs up
1 scenario: 0 passed, 1 failed; 5.3 s of calls
";
    assert_eq!(out, expected);
    let (code, out, _) = test(folder.path(), &["--format", "concise"]);
    assert_eq!(code, 1);
    assert!(
        out.starts_with("scenarios/hours.yaml:5:11: error: the hours are told: expected the caller hears"),
        "{out}"
    );
    let (code, out, _) = test(folder.path(), &["--format", "json"]);
    let json: serde_json::Value = serde_json::from_str(&out).expect("a JSON document");
    assert_eq!(code, 1);
    assert_eq!(json["format_version"], "1.0");
    assert_eq!(json["scenarios"][0]["outcome"], "failed");
    assert_eq!(json["scenarios"][0]["failures"][0]["line"], 5);
    let report = folder.path().join("junit.xml");
    let (code, _, _) = test(folder.path(), &["--junit", "junit.xml"]);
    let junit = std::fs::read_to_string(report).expect("the report");
    assert_eq!(code, 1);
    assert!(junit.contains("tests=\"1\" failures=\"1\" errors=\"0\""), "{junit}");
    assert!(junit.contains("file=\"scenarios/hours.yaml\" line=\"1\""), "{junit}");
}

#[test]
fn what_is_known_to_fail_passes_only_while_it_fails() {
    let known = |text: &str| format!("{text}fails: the hours are not recorded yet\n");
    let fails = known(&HOURS.replace("nine to five", "ten to six"));
    let folder = project(&[("hours.yaml", &fails)]);
    let (code, out, _) = test(folder.path(), &[]);
    assert_eq!(code, 0);
    assert!(out.contains("1 fails as expected"), "{out}");
    let folder = project(&[("hours.yaml", &known(HOURS))]);
    let (code, out, _) = test(folder.path(), &[]);
    assert_eq!(code, 1);
    assert!(
        out.contains("PASSED UNEXPECTEDLY") && out.contains("take `fails` out"),
        "{out}"
    );
}

#[test]
fn a_warning_fails_nothing() {
    let warns = format!("{HOURS}warn:\n  within: {{end: 1s}}\n");
    let folder = project(&[("hours.yaml", &warns)]);
    let (code, out, _) = test(folder.path(), &[]);
    assert_eq!(code, 0);
    assert!(out.contains("warning: scenarios/hours.yaml:8:12"), "{out}");
    assert!(out.contains("1 warning;"), "{out}");
}

#[test]
fn cases_are_scenarios_of_their_own_and_their_mistakes_are_found() {
    let cases = "\
scenario: the menu
flow: ../flows/shop.yaml
expect: {ends: hung_up}
cases:
  - {name: hours, caller: wait prompt; keys 1, expect: {steps: [hours]}}
  - {name: nothing, expect: {not_steps: [hours]}}
  - {name: wrong key, caller: wait prompt; keys 7, expect: {not_steps: [hours]}}
";
    let folder = project(&[("menu.yaml", cases)]);
    let (code, out, _) = test(folder.path(), &["--list"]);
    assert_eq!(
        (code, out.as_str()),
        (
            0,
            "scenarios/menu.yaml:5  the menu: hours\nscenarios/menu.yaml:6  the menu: nothing\n\
             scenarios/menu.yaml:7  the menu: wrong key\n"
        )
    );
    let (code, out, _) = test(folder.path(), &["-k", "KEY"]);
    assert_eq!(code, 0);
    assert!(out.starts_with("1 scenario: 1 passed"), "{out}");
    for (wrong, at, part) in [
        ("{name: a, callr: keys 1}", "callr", "`callr`"),
        ("{caller: keys 1}", "{caller", "`name`"),
        ("{name: a, dials: [bussy]}", "bussy", "busy"),
        ("{name: a, expect: {ends: hung-up}}", "hung-up", "hung_up"),
        ("{name: a, expect: {steps: [huors]}}", "huors", "hours"),
        ("{name: a, expect: {twiml: {menu: [say]}}}", "say", "no verb of TwiML"),
        ("{name: a, caller: dance}", "dance", "no step of a caller"),
        (
            "{name: a, faults: [wrong-signature]}",
            "wrong-signature",
            "engine simulate",
        ),
        ("{name: a, faults: [restrat]}", "restrat", "did you mean `restart`"),
        ("{name: a, model: [{action: transfer}]}", "transfer", "transfer"),
        ("{name: a, at: soon}", "soon", "no moment"),
        ("{name: a, flow: ../flows/shop.yml}", "../flows", "there is no flow"),
    ] {
        let text = format!("scenario: the menu\nflow: ../flows/shop.yaml\n\ncases:\n  - {wrong}\n");
        std::fs::write(folder.path().join("scenarios/menu.yaml"), text).expect("a scenario");
        let (code, out, errors) = test(folder.path(), &["--format", "concise"]);
        assert_eq!(code, 1, "{wrong}: {out}{errors}");
        let column = wrong.find(at).expect("it is there") + 5;
        assert!(
            out.starts_with(&format!("scenarios/menu.yaml:5:{column}: error[")),
            "{wrong}: {out}"
        );
        let (_, out, _) = test(folder.path(), &[]);
        assert!(out.contains(part), "{wrong}: {out}");
    }
}

#[test]
fn a_flow_that_does_not_compile_breaks_its_scenarios() {
    let folder = project(&[("hours.yaml", HOURS)]);
    let flow = FLOW.replace("next: goodbye", "next: godbye");
    std::fs::write(folder.path().join("flows/shop.yaml"), flow).expect("the flow");
    let (code, out, _) = test(folder.path(), &["--junit", "junit.xml"]);
    assert_eq!(code, 1);
    assert!(out.contains("flows/shop.yaml") && out.contains("godbye"), "{out}");
    assert!(out.contains("1 could not be played"), "{out}");
    let junit = std::fs::read_to_string(folder.path().join("junit.xml")).expect("the report");
    assert!(junit.contains("errors=\"1\""), "{junit}");
}

#[test]
fn coverage_names_the_lines_and_has_a_floor() {
    let folder = project(&[("hours.yaml", HOURS)]);
    let (code, out, errors) = test(folder.path(), &["--coverage=90", "--coverage-out", "seen.json"]);
    assert_eq!(code, 1, "{out}");
    assert!(out.contains("steps 100 % (3/3)"), "{out}");
    assert!(
        out.contains("flows/shop.yaml:7  the outcome `menu/no_input` is never come to"),
        "{out}"
    );
    assert!(errors.contains("below the 90 %"), "{errors}");
    let text = std::fs::read_to_string(folder.path().join("seen.json")).expect("the visits");
    let visits = Visits::read(&text).expect("the form of `engine graph --coverage`");
    let shop = &visits.flows["flows/shop.yaml"];
    assert_eq!(
        (
            shop.steps["hours"],
            shop.edges["menu/hours"],
            shop.edges["menu/no_match"]
        ),
        (1, 1, 0)
    );
    let (code, out, _) = test(folder.path(), &["--coverage=10"]);
    assert_eq!(code, 0, "{out}");
    // Also where scenarios fail.
    let wrong = HOURS.replace("nine to five", "ten to six");
    std::fs::write(folder.path().join("scenarios/hours.yaml"), wrong).expect("a scenario");
    let (code, out, _) = test(folder.path(), &["--coverage"]);
    assert_eq!(code, 1);
    assert!(out.contains("menu/no_match"), "{out}");
}

#[test]
fn nothing_to_play_has_a_code_of_its_own() {
    let folder = project(&[]);
    let (code, out, errors) = test(folder.path(), &[]);
    assert_eq!((code, out.as_str()), (3, ""));
    assert!(errors.contains("scenarios/"), "{errors}");
    assert_eq!(test(folder.path(), &["--allow-empty"]).0, 0);
    assert_eq!(test(folder.path(), &["nowhere.yaml"]).0, 2);
    assert_eq!(test(folder.path(), &["--coverage=101"]).0, 2);
    let folder = project(&[("hours.yaml", HOURS)]);
    let (code, _, errors) = test(folder.path(), &["-k", "huors"]);
    assert_eq!(code, 3);
    assert!(errors.contains("did you mean `-k hours`"), "{errors}");
}

#[test]
fn a_newcomer_is_told_what_to_do_next() {
    let folder = project(&[("hours.yaml", HOURS)]);
    let here = folder.path();
    // A flow in a scenario's place, a path that is nearly right, and a flow's path from the wrong folder.
    let (code, out, _) = test(here, &["flows"]);
    assert_eq!(code, 1);
    assert!(
        out.contains("this is a flow, not a scenario") && !out.contains("unknown-key"),
        "{out}"
    );
    let (code, _, errors) = test(here, &["scenarios/hours.yml"]);
    assert_eq!(code, 2);
    assert!(errors.contains("did you mean `scenarios/hours.yaml`?"), "{errors}");
    let (code, _, errors) = test(here, &["nowhere.yaml", "--watch"]);
    assert_eq!(code, 2, "{errors}");
    std::fs::write(here.join("scenarios/hours.yaml"), HOURS.replace("../flows", "flows")).expect("a scenario");
    let (code, out, _) = test(here, &[]);
    assert_eq!(code, 1);
    assert!(out.contains("did you mean `../flows/shop.yaml`?"), "{out}");
    assert!(out.contains("more: engine explain scenario-no-flow"), "{out}");
    // A flow with an error is told once, however many scenarios it has.
    let mut cases = String::from("scenario: many\nflow: ../flows/shop.yaml\ncases:\n");
    (0..50).for_each(|number| cases.push_str(&format!("  - {{name: \"{number}\"}}\n")));
    std::fs::write(here.join("scenarios/hours.yaml"), cases).expect("scenarios");
    std::fs::write(
        here.join("flows/shop.yaml"),
        FLOW.replace("next: goodbye", "next: goodbey"),
    )
    .expect("the flow");
    let (code, out, _) = test(here, &[]);
    assert_eq!(code, 1);
    assert!(out.lines().count() < 25 && out.contains("… and 45 more"), "{out}");
    assert_eq!(test(here, &["-v"]).1.matches("BROKEN").count(), 50);
    // The first scenario that is shown is one that passes.
    std::fs::remove_dir_all(here.join("scenarios")).expect("the scenarios");
    std::fs::write(here.join("flows/shop.yaml"), FLOW).expect("the flow");
    let (code, _, errors) = test(here, &[]);
    assert_eq!(code, 3);
    let first: String = errors
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .map(|line| format!("{line}\n"))
        .collect();
    std::fs::create_dir(here.join("scenarios")).expect("a folder");
    std::fs::write(here.join("scenarios/first.yaml"), first).expect("the scenario");
    let (code, out, errors) = test(here, &[]);
    assert_eq!(code, 0, "{out}{errors}");
}

#[test]
fn the_list_of_faults_says_who_plays_each() {
    let list = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
        let output = command
            .args(["list", "faults"])
            .args(arguments)
            .output()
            .expect("the engine runs");
        String::from_utf8(output.stdout).expect("text")
    };
    let rows: serde_json::Value = serde_json::from_str(&list(&["--json"])).expect("a JSON document");
    let by = |name: &str| {
        let row = rows
            .as_array()
            .and_then(|rows| rows.iter().find(|row| row["name"] == name));
        row.map_or(serde_json::Value::Null, |row| row["played_by"].clone())
    };
    for (name, wanted, word) in [
        ("refuse-stream", serde_json::json!(["simulate", "test"]), "both"),
        ("wrong-signature", serde_json::json!(["simulate"]), "simulate"),
        ("restart", serde_json::json!(["test"]), "test"),
        ("drain", serde_json::json!(["test"]), "test"),
        ("store-fails", serde_json::json!(["test"]), "test"),
        ("render-fails", serde_json::json!(["test"]), "test"),
    ] {
        assert_eq!(by(name), wanted, "{name}");
        let text = list(&[]);
        let line = text.lines().find(|line| line.split_whitespace().next() == Some(name));
        assert_eq!(
            line.and_then(|line| line.split_whitespace().nth(1)),
            Some(word),
            "{text}"
        );
    }
}

#[test]
fn a_thousand_scenarios_are_played_in_one_run() {
    let mut cases = String::from("scenario: many\nflow: ../flows/shop.yaml\ncases:\n");
    for number in 0..1000 {
        let (keys, step) = if number % 2 == 0 {
            ("1", "steps")
        } else {
            ("5", "not_steps")
        };
        cases.push_str(&format!(
            "  - {{name: \"{number}\", caller: wait prompt; keys {keys}, expect: {{{step}: [hours]}}}}\n"
        ));
    }
    let folder = project(&[("many.yaml", &cases)]);
    let (code, out, errors) = test(folder.path(), &[]);
    assert_eq!(code, 0, "{out}{errors}");
    assert!(out.starts_with("1000 scenarios: 1000 passed"), "{out}");
}

#[test]
fn a_change_plays_them_again() {
    let folder = project(&[("hours.yaml", HOURS)]);
    let mut child = command(folder.path(), &["--watch"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("the engine runs");
    let mut lines = BufReader::new(child.stdout.take().expect("its output")).lines();
    let first = lines.next().expect("a line").expect("text");
    assert!(first.starts_with("1 scenario: 1 passed"), "{first}");
    let flow = FLOW.replace("nine to five", "ten to six");
    std::fs::write(folder.path().join("flows/shop.yaml"), flow).expect("the flow");
    let failed = lines
        .by_ref()
        .map_while(Result::ok)
        .find(|line| line.contains("1 failed"));
    child.kill().expect("it is stopped");
    child.wait().expect("it is gone");
    assert!(failed.is_some(), "the second run fails");
}
