//! `engine validate` and its formats, as a program: standard output holds the format and nothing else.

use super::{engine, stderr, stdout};
use engine::report::Format;
use serde_json::{Value as Json, json};
use std::path::Path;
use std::process::Output;

/// An error in the second step and a warning in each of the others, one of them allowed; with text that every format
/// has to escape.
const FLOW: &str = "\
flow: reception
locale: en-US
start: {call: hello}
steps:
  hello: {say: hello, next: <&>\"100%\"}
  bye: {hangup: {}, next: hello}
  # engine: allow(unused-next) because it | <stays>
  end: {hangup: {}, next: hello}
";

struct Project(tempfile::TempDir);

impl Project {
    fn new(flow: &str) -> Self {
        let project = Self(tempfile::tempdir().expect("a folder"));
        project.write("flows/reception.yaml", flow);
        project
    }

    fn write(&self, path: &str, text: &str) {
        let file = self.0.path().join(path);
        std::fs::create_dir_all(file.parent().expect("a folder")).expect("made");
        std::fs::write(file, text).expect("written");
    }

    fn read(&self, path: &str) -> String {
        std::fs::read_to_string(self.0.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn validate(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
        engine(self.path())
            .arg("validate")
            .args(arguments)
            .envs(environment.iter().copied())
            .output()
            .expect("the engine")
    }
}

/// A flow in which nothing is wrong but what a warning says.
fn warned() -> Project {
    Project::new("flow: a\nlocale: en-US\nstart: {call: z}\nsteps:\n  z: {hangup: {}, next: z}\n")
}

#[test]
fn standard_output_is_the_format_and_nothing_else() {
    let project = Project::new(FLOW);
    for format in Format::ALL {
        let environment = [("RUST_LOG", "trace"), ("GITHUB_ACTIONS", "true")];
        let output = project.validate(&["--format", format.as_str()], &environment);
        assert_eq!(output.status.code(), Some(1), "{format}: {}", stderr(&output));
        let text = stdout(&output);
        parsed(*format, &text);
        // The same in a file.
        let output = project.validate(&["--report", &format!("{format}=report")], &[]);
        assert_eq!(output.status.code(), Some(1), "{format}: {}", stderr(&output));
        if *format != Format::Human {
            assert_eq!(project.read("report"), text, "{format}");
        }
    }
}

/// Reads a report as whoever gets it would, and holds it to what is wrong with the flow.
fn parsed(format: Format, text: &str) {
    let found = [("unknown-step", 5), ("unused-next", 6)];
    match format {
        Format::Human | Format::Plain => {
            for (id, _) in found {
                assert!(text.contains(&format!("more: engine explain {id}\n")), "{text}");
            }
        }
        Format::Concise => {
            for (line, (id, number)) in text.lines().zip(found) {
                assert!(line.starts_with(&format!("flows/reception.yaml:{number}:")), "{line}");
                assert!(line.contains(&format!("[{id}] ")), "{line}");
            }
            assert_eq!(text.lines().count(), found.len());
        }
        Format::Json => {
            let report: Json = serde_json::from_str(text).expect("JSON");
            let seen = report["diagnostics"].as_array().expect("a list").iter();
            let seen: Vec<_> = seen
                .map(|one| (one["id"].as_str(), one["range"]["start"]["line"].as_u64()))
                .collect();
            assert_eq!(seen, found.map(|(id, line)| (Some(id), Some(line))));
            let allowed = &report["suppressed"][0];
            assert_eq!(allowed["reason"], "it | <stays>");
            assert_eq!(allowed["diagnostic"]["path"], json!(["steps", "end", "next"]));
        }
        Format::Sarif => {
            let report: Json = serde_json::from_str(text).expect("JSON");
            let validator = jsonschema::validator_for(&sarif()).expect("a schema");
            let wrong: Vec<String> = validator.iter_errors(&report).map(|error| error.to_string()).collect();
            assert_eq!(wrong, [] as [String; 0]);
            let run = &report["runs"][0];
            let results = run["results"].as_array().expect("a list");
            let seen = results.iter().map(|one| {
                let rule = &run["tool"]["driver"]["rules"][one["ruleIndex"].as_u64().expect("an index") as usize];
                assert_eq!(rule["id"], one["ruleId"]);
                let line = &one["locations"][0]["physicalLocation"]["region"]["startLine"];
                (one["ruleId"].as_str(), line.as_u64())
            });
            let seen: Vec<_> = seen.collect();
            assert_eq!(seen, found.map(|(id, line)| (Some(id), Some(line))));
        }
        Format::Github => {
            for (line, (id, number)) in text.lines().zip(found) {
                let (command, message) = line[2..].split_once("::").expect("a command");
                let (level, properties) = command.split_once(' ').expect("properties");
                assert!(["error", "warning"].contains(&level), "{line}");
                let properties: Vec<_> = properties.split(',').filter_map(|one| one.split_once('=')).collect();
                for wanted in [
                    ("file", "flows/reception.yaml"),
                    ("line", &number.to_string()),
                    ("title", id),
                ] {
                    assert!(properties.contains(&wanted), "{wanted:?}: {line}");
                }
                assert!(
                    message.starts_with(&format!("flows/reception.yaml:{number} ")),
                    "{line}"
                );
            }
            assert_eq!(text.lines().count(), found.len());
            assert!(text.contains("100%25"), "{text}");
        }
        Format::Gitlab => {
            let report: Json = serde_json::from_str(text).expect("JSON");
            let issues = report.as_array().expect("a list");
            for (issue, (id, line)) in issues.iter().zip(found) {
                assert_eq!(issue["check_name"], id);
                assert_eq!(issue["location"]["lines"]["begin"], line);
                assert_eq!(issue["location"]["path"], "flows/reception.yaml");
                let levels = ["info", "minor", "major", "critical", "blocker"];
                assert!(levels.contains(&issue["severity"].as_str().expect("a level")));
                assert!(issue["description"].is_string() && issue["fingerprint"].is_string());
            }
            assert_eq!(issues.len(), found.len());
            assert_ne!(issues[0]["fingerprint"], issues[1]["fingerprint"]);
        }
        Format::Junit => {
            let xml = roxmltree::Document::parse(text).expect("XML");
            let named = |name: &str| {
                xml.descendants()
                    .find(|node| node.has_tag_name(name))
                    .expect("the element")
            };
            assert_eq!(named("testcase").attribute("name"), Some("reception"));
            assert_eq!(named("testcase").attribute("line"), Some("5"));
            assert_eq!(named("failure").attribute("type"), Some("unknown-step"));
            assert!(named("failure").text().is_some_and(|text| text.contains("<&>\"100%\"")));
            assert!(
                named("system-out")
                    .text()
                    .is_some_and(|text| text.contains("unused-next"))
            );
        }
        Format::Markdown => {
            let rows: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
            assert_eq!(rows.len(), 2 + found.len(), "{text}");
            for row in &rows {
                assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
            }
        }
    }
}

/// The part of SARIF 2.1.0 that the engine writes, after the standard's sections 3.13 to 3.57; nothing else may stand
/// in a report.
fn sarif() -> Json {
    let object = |required: &[&str], properties: Json| json!({"type": "object", "required": required, "properties": properties, "additionalProperties": false});
    let list = |of: Json| json!({"type": "array", "items": of, "minItems": 1});
    let count = |least: u8| json!({"type": "integer", "minimum": least});
    let message = object(&["text"], json!({"text": {"type": "string", "minLength": 1}}));
    let region = object(
        &["startLine", "startColumn", "endLine", "endColumn"],
        json!({"startLine": count(1), "startColumn": count(1), "endLine": count(1), "endColumn": count(1)}),
    );
    let artifact = object(
        &["uri"],
        json!({"uri": {"type": "string", "pattern": "^[A-Za-z0-9._~/%:-]+$"}, "uriBaseId": {"const": "%SRCROOT%"}}),
    );
    let physical = object(
        &["artifactLocation", "region"],
        json!({"artifactLocation": artifact, "region": region}),
    );
    let logical = object(
        &["fullyQualifiedName"],
        json!({"fullyQualifiedName": {"type": "string"}}),
    );
    let location = object(
        &["physicalLocation"],
        json!({"id": count(0), "physicalLocation": physical, "logicalLocations": list(logical), "message": message}),
    );
    let replacement = object(
        &["deletedRegion", "insertedContent"],
        json!({"deletedRegion": region, "insertedContent": object(&["text"], json!({"text": {"type": "string"}}))}),
    );
    let change = object(
        &["artifactLocation", "replacements"],
        json!({"artifactLocation": artifact, "replacements": list(replacement)}),
    );
    let fix = object(
        &["artifactChanges"],
        json!({"description": message, "artifactChanges": list(change)}),
    );
    let result = object(
        &[
            "ruleId",
            "ruleIndex",
            "level",
            "message",
            "locations",
            "partialFingerprints",
        ],
        json!({
            "ruleId": {"type": "string"},
            "ruleIndex": count(0),
            "level": {"enum": ["none", "note", "warning", "error"]},
            "message": message,
            "locations": list(location.clone()),
            "relatedLocations": list(location),
            "partialFingerprints": {"type": "object", "additionalProperties": {"type": "string"}},
            "fixes": list(fix),
        }),
    );
    let rule = object(
        &["id", "shortDescription", "help"],
        json!({"id": {"type": "string"}, "shortDescription": message, "help": message, "helpUri": {"type": "string", "format": "uri"}}),
    );
    let driver = object(
        &["name", "version", "rules"],
        json!({"name": {"const": "engine"}, "version": {"type": "string"}, "informationUri": {"type": "string"}, "rules": list(rule)}),
    );
    let run = object(
        &["tool", "columnKind", "results"],
        json!({
            "tool": object(&["driver"], json!({"driver": driver})),
            "columnKind": {"enum": ["utf16CodeUnits", "unicodeCodePoints"]},
            "results": {"type": "array", "items": result},
        }),
    );
    object(
        &["$schema", "version", "runs"],
        json!({"$schema": {"type": "string"}, "version": {"const": "2.1.0"}, "runs": list(run)}),
    )
}

#[test]
fn the_documentation_names_every_format() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md");
    let text = std::fs::read_to_string(file).expect("the documentation");
    for format in Format::ALL {
        assert!(text.contains(&format!("\n| `{format}` | ")), "{format}");
    }
}

#[test]
fn several_reports_are_written_in_one_run() {
    let project = Project::new(FLOW);
    let output = project.validate(
        &[
            "--report",
            "sarif=a.sarif",
            "--report",
            "junit=a.xml",
            "--format",
            "concise",
        ],
        &[],
    );
    assert_eq!(output.status.code(), Some(1));
    parsed(Format::Concise, &stdout(&output));
    parsed(Format::Sarif, &project.read("a.sarif"));
    parsed(Format::Junit, &project.read("a.xml"));
    let output = project.validate(
        &[],
        &[
            ("ENGINE_REPORT", "gitlab=b.json,github=b.txt"),
            ("ENGINE_FORMAT", "json"),
        ],
    );
    parsed(Format::Json, &stdout(&output));
    parsed(Format::Gitlab, &project.read("b.json"));
    parsed(Format::Github, &project.read("b.txt"));
}

#[test]
fn without_flows_reports_are_empty_and_whole() {
    let project = warned();
    std::fs::remove_file(project.path().join("flows/reception.yaml")).expect("removed");
    assert_eq!(project.validate(&[], &[]).status.code(), Some(3));
    let output = project.validate(
        &["--allow-empty", "--format", "gitlab", "--report", "sarif=a.sarif"],
        &[],
    );
    assert_eq!((output.status.code(), stdout(&output).as_str()), (Some(0), "[]\n"));
    let report: Json = serde_json::from_str(&project.read("a.sarif")).expect("JSON");
    assert_eq!(report["runs"][0]["results"], json!([]));
}

#[test]
fn warnings_are_selected_and_ignored_and_errors_are_not() {
    let project = warned();
    let ids = |arguments: &[&str], environment: &[(&str, &str)]| {
        let mut all = vec!["--format", "json", "--fail-level", "warning"];
        all.extend(arguments);
        let output = project.validate(&all, environment);
        let report: Json = serde_json::from_str(&stdout(&output)).unwrap_or_else(|_| panic!("{}", stderr(&output)));
        let list = report["diagnostics"].as_array().expect("a list").iter();
        let ids: Vec<String> = list.map(|one| one["id"].as_str().expect("an id").to_owned()).collect();
        assert_eq!(output.status.code(), Some(i32::from(!ids.is_empty())), "{arguments:?}");
        ids
    };
    assert_eq!(ids(&[], &[]), ["unused-next"]);
    assert_eq!(ids(&["--ignore", "unused-next"], &[]), [] as [&str; 0]);
    assert_eq!(ids(&["--ignore", "unused-allow,unused-next"], &[]), [] as [&str; 0]);
    assert_eq!(ids(&[], &[("ENGINE_IGNORE", "unused-next")]), [] as [&str; 0]);
    assert_eq!(ids(&["--select", "unused-next"], &[]), ["unused-next"]);
    assert_eq!(ids(&["--select", "unused-allow"], &[]), [] as [&str; 0]);
    assert_eq!(ids(&[], &[("ENGINE_SELECT", "unused-allow")]), [] as [&str; 0]);

    let wrong = Project::new(FLOW);
    let output = wrong.validate(&["--ignore", "unknown-step", "--format", "concise"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stdout(&output).contains("error[unknown-step]"));
    let said = "note: `unknown-step` is an error here, and errors cannot be ignored";
    assert!(stderr(&output).starts_with(said), "{}", stderr(&output));
    let output = wrong.validate(&["--select", "unused-allow", "--format", "concise"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(stdout(&output).lines().count(), 1, "{}", stdout(&output));
}

#[test]
fn a_check_that_is_not_there_is_wrong_usage() {
    let project = warned();
    for flag in ["--select", "--ignore"] {
        let output = project.validate(&[flag, "unused-nxt"], &[]);
        assert_eq!(output.status.code(), Some(2));
        let said = stderr(&output);
        assert!(
            said.contains("there is no check `unused-nxt`; did you mean `unused-next`?"),
            "{said}"
        );
    }
}

#[test]
fn annotations_are_added_in_github_actions_alone() {
    let project = Project::new(FLOW);
    let in_actions = ("GITHUB_ACTIONS", "true");
    type Environment<'a> = &'a [(&'a str, &'a str)];
    let cases: &[(&[&str], Environment<'_>, usize)] = &[
        (&[], &[], 0),
        (&[], &[in_actions], 2),
        (&["--format", "json"], &[in_actions], 2),
        (&["--format", "github"], &[in_actions], 0),
        (&["--no-annotations"], &[in_actions], 0),
        (&[], &[in_actions, ("ENGINE_NO_ANNOTATIONS", "1")], 0),
        (&[], &[in_actions, ("ENGINE_NO_ANNOTATIONS", "0")], 2),
    ];
    for (arguments, environment, count) in cases {
        let output = project.validate(arguments, environment);
        let said = stderr(&output);
        let annotations = said.lines().filter(|line| line.starts_with("::")).count();
        assert_eq!(annotations, *count, "{arguments:?} {environment:?}: {said}");
        if !arguments.contains(&"github") {
            assert!(!stdout(&output).contains("\n::"), "{}", stdout(&output));
        }
    }
}

#[test]
fn the_summary_of_a_run_is_appended_to() {
    let project = Project::new(FLOW);
    project.write("summary.md", "before\n");
    let file = project.path().join("summary.md");
    project.validate(&["--quiet"], &[("GITHUB_STEP_SUMMARY", file.to_str().expect("UTF-8"))]);
    let summary = project.read("summary.md");
    assert!(
        summary.starts_with("before\n### engine validate\n\n1 flow, "),
        "{summary}"
    );
    parsed(Format::Markdown, &summary);

    let output = project.validate(&[], &[("GITHUB_STEP_SUMMARY", "/nowhere/summary.md")]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("`/nowhere/summary.md` cannot be written"));
}

#[test]
fn paths_lead_from_the_repository_or_from_here() {
    let project = Project::new(FLOW);
    project.write("engine.yaml", "");
    let first = |folder: &str, argument: &str, environment: &[(&str, &str)]| {
        let output = engine(&project.path().join(folder))
            .args(["validate", "--format", "concise", argument])
            .envs(environment.iter().copied())
            .output()
            .expect("the engine");
        let text = stdout(&output);
        text.split(':').next().unwrap_or_default().to_owned()
    };
    let outer = project.path().parent().expect("a folder").to_str().expect("UTF-8");
    let outer = outer.to_owned();
    let name = project
        .path()
        .file_name()
        .and_then(|name| name.to_str())
        .expect("UTF-8");
    let from_outside = format!("{name}/flows/reception.yaml");
    assert_eq!(first(".", "flows", &[]), "flows/reception.yaml");
    assert_eq!(first("..", &from_outside, &[]), from_outside);
    assert_eq!(first(".", "flows", &[("GITHUB_WORKSPACE", &outer)]), from_outside);
    assert_eq!(first(".", "flows", &[("CI_PROJECT_DIR", &outer)]), from_outside);
    assert_eq!(
        first(".", "flows", &[("CI_PROJECT_DIR", "/nowhere")]),
        "flows/reception.yaml"
    );
    let whole = project
        .path()
        .canonicalize()
        .expect("a path")
        .join("flows/reception.yaml");
    assert_eq!(first("flows", "../flows", &[]), whole.to_str().expect("UTF-8"));
}
