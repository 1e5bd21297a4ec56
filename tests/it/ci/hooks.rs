//! The hooks of pre-commit, and the problem matcher: both are told by a regular expression what is theirs.

use super::{Repository, command, engine, stderr, stdout, text, yaml};
use engine::flow::Node;
use std::path::Path;
use std::process::Output;

/// What a regular expression matches, by bash: the groups, where it does.
fn matched(expression: &str, line: &str) -> Option<Vec<String>> {
    let script = r#"[[ $LINE =~ $EXPRESSION ]] && printf '%s\n' "${BASH_REMATCH[@]:1}""#;
    let output = command("bash", Path::new("."))
        .args(["-c", script])
        .envs([("LINE", line), ("EXPRESSION", expression)])
        .output()
        .expect("bash");
    assert!(output.status.code() != Some(2), "{expression} is no expression");
    let groups = output.status.success().then(|| stdout(&output));
    groups.map(|groups| groups.lines().map(str::to_owned).collect())
}

/// A hook by its id.
fn hook<'a>(hooks: &'a Node, id: &str) -> &'a Node {
    let mut all = hooks.as_seq().expect("a list").iter();
    all.find(|hook| text(hook, "id") == id).expect("the hook")
}

/// Runs a hook as pre-commit does: in the repository's root, with the files that were changed behind its entry.
fn run(hook: &Node, repository: &Repository) -> Output {
    let entry = format!("{} voice/flows/voice.yaml", text(hook, "entry"));
    command("bash", repository.path())
        .args(["-c", &entry])
        .output()
        .expect("bash")
}

const VALIDATE: [&str; 2] = ["engine-validate", "engine-validate-system"];

#[test]
fn the_hooks_select_their_files_and_nothing_else() {
    // Which are validated, and which are formatted.
    let files = [
        ("flows/voice.yaml", true, true),
        ("flows/parts/goodbye.yml", true, true),
        ("voice/flows/voice.yaml", true, true),
        ("flows/engine.yaml", false, true),
        ("flows/voice.test.yaml", false, true),
        ("flows/notes.md", false, false),
        ("workflows/ci.yaml", false, false),
        (".github/workflows/flows.yml", false, false),
        ("scenarios/voice.yaml", false, true),
        ("voice/scenarios/voice.yml", false, true),
        ("engine.yaml", false, true),
        ("voice/engine.yaml", false, true),
        ("search-engine.yaml", false, false),
    ];
    let hooks = yaml(".pre-commit-hooks.yaml");
    let all = hooks.as_seq().expect("a list");
    let ids: Vec<&str> = all.iter().map(|hook| text(hook, "id")).collect();
    assert_eq!(ids, [VALIDATE[0], VALIDATE[1], "engine-fmt"]);
    for hook in all {
        let exclude = match text(hook, "exclude") {
            "" => "^$",
            exclude => exclude,
        };
        for (file, validated, formatted) in files {
            let id = text(hook, "id");
            let wanted = if id == "engine-fmt" { formatted } else { validated };
            let chosen = matched(text(hook, "files"), file).is_some() && matched(exclude, file).is_none();
            assert_eq!(chosen, wanted, "{id} and {file}");
        }
    }
}

#[test]
fn a_hook_says_nothing_of_a_good_flow_and_fails_a_bad_one() {
    let repository = Repository::new();
    let hooks = yaml(".pre-commit-hooks.yaml");
    for id in VALIDATE {
        let hook = hook(&hooks, id);
        let good = run(hook, &repository);
        assert_eq!((good.status.code(), stdout(&good)), (Some(0), String::new()));
        assert_eq!(stderr(&good), "");

        let whole = std::fs::read(repository.flow()).expect("the flow");
        let line = repository.without("  goodbye:", "next: goodbye");
        let bad = run(hook, &repository);
        assert_eq!(bad.status.code(), Some(1));
        let place = format!("voice/flows/voice.yaml, line {line}");
        assert!(stdout(&bad).contains(&place), "{}", stdout(&bad));
        std::fs::write(repository.flow(), whole).expect("written");
    }
}

/// pre-commit itself fails a commit whose files a hook has changed.
#[test]
fn the_formatter_leaves_a_good_flow_changes_another_and_fails_what_it_cannot_read() {
    let repository = Repository::new();
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hook = hook(&hooks, "engine-fmt");
    let whole = std::fs::read_to_string(repository.flow()).expect("the flow");
    let good = run(hook, &repository);
    let said = (good.status.code(), stdout(&good), stderr(&good));
    assert_eq!(said, (Some(0), String::new(), String::new()));
    assert_eq!(std::fs::read_to_string(repository.flow()).expect("the flow"), whole);

    std::fs::write(
        repository.flow(),
        whole.replace("{call: greeting}", "{ call:  greeting }"),
    )
    .expect("written");
    let changed = run(hook, &repository);
    let said = (changed.status.code(), stdout(&changed));
    assert_eq!(said, (Some(0), "formatted voice/flows/voice.yaml\n".to_owned()));
    assert_eq!(std::fs::read_to_string(repository.flow()).expect("the flow"), whole);

    std::fs::write(repository.flow(), format!("{whole}version: 1\n")).expect("written");
    let left = std::fs::read(repository.flow()).expect("the flow");
    let bad = run(hook, &repository);
    assert_eq!(bad.status.code(), Some(1));
    assert!(stderr(&bad).contains("voice/flows/voice.yaml:"), "{}", stderr(&bad));
    assert_eq!(std::fs::read(repository.flow()).expect("the flow"), left);
}

#[test]
fn the_problem_matcher_reads_every_line_of_the_concise_format() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/engine-matcher.json");
    let matcher: serde_json::Value = serde_json::from_slice(&std::fs::read(file).expect("the file")).expect("JSON");
    let pattern = &matcher["problemMatcher"][0]["pattern"][0];
    let group = |name: &str| pattern[name].as_u64().expect("a group") as usize - 1;

    let repository = Repository::new();
    let text = std::fs::read_to_string(repository.flow()).expect("the flow");
    std::fs::write(repository.flow(), text.replace("hangup: {}", "hang: {}")).expect("written");
    let line = repository.without("  goodbye:", "next: goodbye");
    let output = engine(repository.path())
        .args(["validate", "--format", "concise", "voice/flows"])
        .output()
        .expect("the engine");
    let text = stdout(&output);
    assert!(text.lines().count() >= 2, "{text}");
    for (at, written) in text.lines().enumerate() {
        let groups = matched(pattern["regexp"].as_str().expect("an expression"), written);
        let groups = groups.unwrap_or_else(|| panic!("not matched: {written}"));
        assert_eq!(groups[group("file")], "voice/flows/voice.yaml");
        assert_eq!(groups[group("severity")], "error");
        assert!(groups[group("column")].parse::<usize>().is_ok());
        if at == 0 {
            assert_eq!(groups[group("line")], line.to_string());
            assert_eq!(groups[group("code")], "unknown-step");
            assert!(groups[group("message")].contains("`goodbye`"));
        }
    }
}
