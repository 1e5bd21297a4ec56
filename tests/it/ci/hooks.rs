//! The hooks of pre-commit, and the problem matcher: both are told by a regular expression what is theirs.

use super::{Repository, command, engine, stderr, stdout, text, yaml};
use std::path::Path;

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

#[test]
fn the_hooks_select_flows_and_nothing_else() {
    let files = [
        ("flows/voice.yaml", true),
        ("flows/parts/goodbye.yml", true),
        ("voice/flows/voice.yaml", true),
        ("flows/engine.yaml", false),
        ("flows/voice.test.yaml", false),
        ("flows/notes.md", false),
        ("workflows/ci.yaml", false),
        (".github/workflows/flows.yml", false),
        ("scenarios/voice.yaml", false),
        ("engine.yaml", false),
    ];
    let hooks = yaml(".pre-commit-hooks.yaml");
    let hooks = hooks.as_seq().expect("a list");
    let ids: Vec<&str> = hooks.iter().map(|hook| text(hook, "id")).collect();
    assert_eq!(ids, ["engine-validate", "engine-validate-system"]);
    for hook in hooks {
        for (file, wanted) in files {
            let chosen = matched(text(hook, "files"), file).is_some() && matched(text(hook, "exclude"), file).is_none();
            assert_eq!(chosen, wanted, "{} and {file}", text(hook, "id"));
        }
    }
}

/// pre-commit runs the entry in the repository's root, with the files that were changed behind it.
#[test]
fn a_hook_says_nothing_of_a_good_flow_and_fails_a_bad_one() {
    let repository = Repository::new();
    let hooks = yaml(".pre-commit-hooks.yaml");
    for hook in hooks.as_seq().expect("a list") {
        let run = || {
            let entry = format!("{} voice/flows/voice.yaml", text(hook, "entry"));
            command("bash", repository.path())
                .args(["-c", &entry])
                .output()
                .expect("bash")
        };
        let good = run();
        assert_eq!((good.status.code(), stdout(&good)), (Some(0), String::new()));
        assert_eq!(stderr(&good), "");

        let whole = std::fs::read(repository.flow()).expect("the flow");
        let line = repository.without("  goodbye:", "empty: goodbye");
        let bad = run();
        assert_eq!(bad.status.code(), Some(1));
        let place = format!("voice/flows/voice.yaml, line {line}");
        assert!(stdout(&bad).contains(&place), "{}", stdout(&bad));
        std::fs::write(repository.flow(), whole).expect("written");
    }
}

#[test]
fn the_problem_matcher_reads_every_line_of_the_concise_format() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(".github/engine-matcher.json");
    let matcher: serde_json::Value = serde_json::from_slice(&std::fs::read(file).expect("the file")).expect("JSON");
    let pattern = &matcher["problemMatcher"][0]["pattern"][0];
    let group = |name: &str| pattern[name].as_u64().expect("a group") as usize - 1;

    let repository = Repository::new();
    let line = repository.without("  goodbye:", "empty: goodbye");
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
