//! What `engine validate` proves, from outside.

use crate::large;
use engine::line::Disk;
use engine::prove::{Proof, proven};
use serde_json::Value;
use std::path::Path;
use std::process::{Command, Output};

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A project with the bundled sounds and templates, and this flow.
fn project(flow: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    for part in ["static", "templates"] {
        std::os::unix::fs::symlink(here().join(part), folder.path().join(part)).expect("a link");
    }
    std::fs::create_dir(folder.path().join("flows")).expect("a folder");
    std::fs::write(folder.path().join("flows/a.yaml"), flow).expect("it is written");
    folder
}

fn proof(flow: &str) -> Proof {
    let project = project(flow);
    let (compiled, proof) = proven("flows/a.yaml", &Disk::new(project.path()));
    proof.unwrap_or_else(|| panic!("it is not proven: {:?}", compiled.findings))
}

fn engine(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
    command.current_dir(folder).args(args).env_remove("GITHUB_ACTIONS");
    command.output().expect("it runs")
}

#[test]
fn states_grow_with_the_steps_and_no_faster() {
    let [short, long] = [2, 4].map(|desks| proof(&large::flow(desks)));
    assert!(short.complete && long.complete, "{short}, {long}");
    assert!(long.states < short.states * 3, "{} and {}", short.states, long.states);
    assert_eq!(long.steps.len(), 4 * large::STEPS_PER_DESK + 3, "every step is passed");
}

#[test]
fn what_is_proven_is_told_to_people_to_machines_and_drawn() {
    let human = engine(here(), &["validate", "flows/receptionist.yaml"]);
    let text = String::from_utf8_lossy(&human.stdout).into_owned();
    assert!(
        text.contains("flows/receptionist.yaml: proven: longest silence 7.0 s, at `talk`"),
        "{text}"
    );

    let json = engine(here(), &["validate", "flows/receptionist.yaml", "--format", "json"]);
    let report: Value = serde_json::from_slice(&json.stdout).expect("JSON");
    let proof = &report["flows"][0]["proof"];
    assert_eq!(proof["complete"], true, "{report}");
    assert_eq!(proof["silence"]["ms"], 7000, "{report}");
    assert_eq!(proof["silence"]["step"], "talk", "{report}");

    let folder = tempfile::tempdir().expect("a folder");
    let visits = folder.path().join("proof.json");
    let visits = visits.to_str().expect("a path");
    let validated = engine(here(), &["validate", "flows/menu.yaml", "--proof-out", visits]);
    assert!(validated.status.success());
    let drawn = engine(
        here(),
        &["graph", "flows/menu.yaml", "--proof", visits, "--format", "json"],
    );
    let graph: Value = serde_json::from_slice(&drawn.stdout).expect("JSON");
    assert!(drawn.stderr.is_empty(), "{}", String::from_utf8_lossy(&drawn.stderr));
    let text = graph.to_string();
    assert!(text.contains("\"proven\":"), "{text}");
    assert!(!text.contains("\"proven\":0"), "every step and edge is passed: {text}");
}

#[test]
fn a_pause_that_is_too_long_is_told_as_a_call() {
    let flow = std::fs::read_to_string(here().join("flows/voicemail.yaml")).expect("a flow");
    let broken = flow.replace("silence: 4s", "silence: 9s");
    assert_ne!(flow, broken);
    let project = project(&broken);
    let output = engine(project.path(), &["validate"]);
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(1), "{text}");
    for part in [
        "silence-too-long",
        "hears nothing for 9.0 s",
        "leaves a message",
        "shorten its `silence`",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

/// A caller who presses 1 so many times gets to a step with too long a pause.
fn counting(set: &str, condition: &str) -> String {
    format!(
        "flow: t\nversion: 1\nlocale: en-US\nstart: {{call: begin}}\notherwise: end\nsteps:\n\
         \x20 begin: {{set: {{n: \"{{{{ 0 }}}}\"}}, next: ask}}\n\
         \x20 ask:\n    gather: {{prompt: {{say: Again?}}, keys: 1, timeout: 5s, choices: {{again: \"1\"}}}}\n\
         \x20   on: {{again: count, no_input: end, no_match: end}}\n\
         \x20 count: {{set: {{n: \"{set}\"}}, next: enough}}\n\
         \x20 enough: {{choose: {{enough: \"{condition}\"}}, on: {{enough: quiet, else: ask}}}}\n\
         \x20 quiet: {{pause: 20s, next: end}}\n\
         \x20 end: {{hangup: {{}}}}\n"
    )
}

#[test]
fn numbers_are_followed_as_far_as_a_flow_counts() {
    for (set, condition) in [
        ("{{ vars.n + 1 }}", "vars.n >= 60"),
        ("{{ vars.n + 1 }}", "vars.n > 400"),
        ("{{ vars.n + 1 }}", "vars.n % 3 == 0 and vars.n > 4"),
        ("{{ vars.n + 7 }}", "vars.n - 30 == 5"),
    ] {
        let proof = proof(&counting(set, condition));
        assert!(proof.complete, "{condition}: {proof}");
        assert!(proof.silence.millis >= 20_000, "{condition}: {proof}");
        assert!(!proof.holds(), "{condition}: {proof}");
    }
    let far = proof(&counting("{{ vars.n + 1 }}", "vars.n > 5000000"));
    assert!(!far.complete && !far.holds(), "{far}");
}

/// Flows that a search could take for better or worse than they are, each with what is to be found in it.
#[test]
fn nothing_is_proven_that_a_call_could_show_to_be_wrong() {
    let folder = tempfile::tempdir().expect("a folder");
    let mine = here().join("tests/proof");
    for (name, target) in [
        ("static", here().join("static")),
        ("flows", mine.join("flows")),
        ("templates", mine.join("templates")),
    ] {
        std::os::unix::fs::symlink(target, folder.path().join(name)).expect("a link");
    }
    let disk = Disk::new(folder.path());
    let mut wrong = Vec::new();
    let mut flows = 0;
    for entry in std::fs::read_dir(mine.join("flows")).expect("the flows") {
        let path = entry.expect("a flow").path();
        let (Some(name), true) = (path.file_name().and_then(|name| name.to_str()), path.is_file()) else {
            continue;
        };
        flows += 1;
        let text = std::fs::read_to_string(&path).expect("a flow");
        let finds = text.lines().next().and_then(|line| line.strip_prefix("# finds: "));
        let finds = finds.unwrap_or_else(|| panic!("{name} begins with `# finds: ID` or `# finds: nothing`"));
        let (compiled, proof) = proven(&format!("flows/{name}"), &disk);
        let found: Vec<&str> = compiled.findings.iter().map(|finding| finding.id).collect();
        let holds = proof.as_ref().is_some_and(Proof::holds);
        let right = match finds {
            "nothing" => holds && found.is_empty(),
            // A warning leaves the proof of everything else.
            "loop-without-end" => holds && found == [finds],
            _ => !holds && found.contains(&finds),
        };
        if !right {
            wrong.push(format!("{name}: {finds} in place of {found:?}, {proof:?}"));
        }
    }
    assert!(flows > 10, "{flows} flows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is found in a flow of these steps that begins with `ask`, and the longest silence in it.
fn judged(steps: &str) -> (Vec<&'static str>, u64) {
    judged_with(steps, "")
}

fn judged_with(steps: &str, agents: &str) -> (Vec<&'static str>, u64) {
    let flow = format!(
        "flow: t\nversion: 1\nlocale: en-US\nstart: {{call: ask}}\notherwise: bye\nlimits: {{call: 10m, silence: 8s}}\n\
         steps:\n{steps}  bye: {{say: \"Goodbye to you\", next: hang}}\n  hang: {{hangup: {{}}}}\n{agents}"
    );
    let project = project(&flow);
    let (compiled, proof) = proven("flows/a.yaml", &Disk::new(project.path()));
    let ids: Vec<&str> = compiled.findings.iter().map(|finding| finding.id).collect();
    let proof = proof.unwrap_or_else(|| panic!("it is not proven: {ids:?}"));
    (ids, proof.silence.millis)
}

/// A step that is found wherever a call comes to it.
const DEAD: &str = "  dead: {pause: 60s, next: bye}\n";

/// A question without a second try: what it has besides, and where a valid and a wrong answer lead.
fn question(more: &str, outcomes: &str) -> String {
    format!(
        "  ask: {{gather: {{prompt: {{say: Please enter it}}, tries: 1, {more}}}, on: {{no_input: bye, {outcomes}}}}}\n"
    )
}

#[test]
fn fewer_keys_than_wanted_cost_their_timeout() {
    let look = "  look: {http: {url: \"https://example.com/x\", timeout: 3s}, on: {ok: bye, failed: bye}}\n";
    let outcomes = "matched: look, no_match: bye";
    let asks = |more: &str| judged(&(question(more, outcomes) + look));
    let (ids, partial) = asks("keys: 6, timeout: 7s, into: nr");
    assert_eq!(ids, ["silence-too-long"]);
    assert!(partial >= 10_000, "{partial}");
    let (ids, single) = asks("keys: 1, timeout: 7s, into: nr");
    assert!(ids.is_empty() && single == 7_000, "{ids:?}, {single}");
}

#[test]
fn keys_that_are_no_digits_are_pressed() {
    let digits =
        "keys: 1, timeout: 5s, choices: {any: [\"0\", \"1\", \"2\", \"3\", \"4\", \"5\", \"6\", \"7\", \"8\", \"9\"";
    let outcomes = "any: bye, no_match: dead";
    let (ids, silence) = judged(&(question(&format!("{digits}]}}"), outcomes) + DEAD));
    assert_eq!((ids, silence >= 60_000), (vec!["silence-too-long"], true));
    // The number sign ends the input, the star is taken: nothing else is left.
    let (ids, _) = judged(&(question(&format!("{digits}, \"*\"]}}"), outcomes) + DEAD));
    assert_eq!(ids, ["unreachable-step"]);

    let number =
        "  add: {set: {k: \"{{ (vars.k | int) + 1 }}\"}, next: tell}\n  tell: {say: \"{{ vars.k }}\", next: bye}\n";
    for more in ["into: k", "keys: 2, into: k"] {
        let (ids, _) = judged(&(question(more, "matched: add, no_match: bye") + number));
        assert_eq!(ids, ["failing-step"], "{more}");
    }
}

/// What is found where this condition leads from a question on to that step, `hello`.
fn choice(condition: &str, hello: &str) -> Vec<&'static str> {
    let choose = format!(
        "  pick: {{choose: {{yes: \"{condition}\"}}, on: {{yes: hello, else: bye}}}}\n  hello: {{{hello}, next: bye}}\n"
    );
    judged(&(question("keys: 1, timeout: 5s", "matched: pick, no_match: bye") + &choose)).0
}

#[test]
fn what_is_there_is_judged_and_what_it_says_is_open() {
    let names = "say: \"Hello {{ contact.name }}\"";
    for condition in [
        "contact.name is defined",
        "not contact.name is undefined",
        "contact.name is defined and step.digits == '1'",
        "contact.name is defined and contact.name != 'Ann' and contact.city is defined",
    ] {
        assert!(choice(condition, names).is_empty(), "{condition}");
    }
    for condition in [
        "contact.name is undefined",
        "contact.name is defined or step.digits == '1'",
        "contact.city is defined or not contact.name is defined",
    ] {
        assert_eq!(choice(condition, names), ["failing-step"], "{condition}");
    }
    // A variable that nobody has set decides only what depends on it alone.
    for condition in [
        "vars.vip is defined or step.digits == '1'",
        "vars.vip is undefined and step.digits == '1'",
    ] {
        assert_eq!(choice(condition, "pause: 60s"), ["silence-too-long"], "{condition}");
    }
    assert_eq!(
        choice("vars.vip is defined and step.digits == '1'", "pause: 60s"),
        ["unreachable-step"]
    );
}

#[test]
fn a_step_that_fails_is_not_told_as_one_that_no_call_comes_to() {
    let fails = "  ask: {set: {k: \"{{ 'x' | int }}\"}, next: after}\n  after: {say: Done, next: bye}\n";
    assert_eq!(judged(fails).0, ["failing-step"]);
}

/// What is found in a conversation with such a voice and such a line for silent callers, and what follows it.
fn agent(speak: &str, idle: &str, completed: &str) -> (Vec<&'static str>, u64) {
    let look = match completed {
        "look" => "  look: {http: {url: \"https://example.com/x\", timeout: 5500ms}, on: {ok: bye, failed: bye}}\n",
        _ => "",
    };
    let talk =
        format!("  ask: {{converse: {{agent: guide}}, on: {{completed: {completed}, no_reply: bye, failed: bye}}}}\n");
    let agents = format!(
        "agents:\n  guide:\n    instructions: Be brief.\n    listen: {{provider: deepgram}}\n\
         \x20   think: {{provider: openai, model: m}}\n\
         \x20   speak: {{provider: openai, greeting: tts/greeting_en.mp3, greeting_text: Hello{speak}}}\n\
         \x20   idle: {{{idle}, then: no_reply}}\n"
    );
    judged_with(&(talk + look), &agents)
}

#[test]
fn a_voice_that_does_not_come_adds_to_the_silence_of_a_caller_who_says_nothing() {
    let words = "after: 5s, say: Hello?, times: 1";
    assert!(agent("", words, "bye").1 >= 8_000);
    let (ids, silence) = agent(", timeout: 4s", words, "bye");
    assert_eq!((ids, silence), (vec!["silence-too-long"], 9_500));
    let (ids, silence) = agent(
        ", timeout: 4s",
        "after: 5s, play: tts/still_there_en.mp3, text: Hello?, times: 1",
        "bye",
    );
    assert!(ids.is_empty() && silence < 8_000, "{ids:?}, {silence}");
}

#[test]
fn half_a_sentence_is_waited_for_before_what_follows_it() {
    let sound = "after: 5s, play: tts/still_there_en.mp3, text: Hello?, times: 1";
    let (ids, silence) = agent("", sound, "look");
    assert!(
        ids.contains(&"silence-too-long") && silence >= 8_500,
        "{ids:?}, {silence}"
    );
}
