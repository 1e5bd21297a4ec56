//! The schemas under `schemas/`: fresh, and true of every flow that is shipped.

use std::path::{Path, PathBuf};

use engine::flow::yaml::{Scalar, Style};
use engine::flow::{Findings, Node, Source, Value, parse};
use serde_json::{Value as Json, json};

#[test]
fn the_flow_schema_is_fresh() {
    fresh("flow", &engine::compile::schema());
}

#[test]
fn the_engine_schema_is_fresh() {
    fresh("engine", &engine::cli::schema::engine_schema());
}

#[test]
fn the_scenario_schema_is_fresh() {
    fresh("scenario", &engine::cli::schema::scenario_schema());
}

#[test]
fn the_pages_of_the_checks_are_fresh() {
    let folder = root().join("docs/checks");
    let documents = engine::cli::explain::documents();
    let how = "write them again: cargo run --quiet -- explain --all --out docs/checks";
    for (name, text) in &documents {
        let committed = std::fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(committed == *text, "docs/checks/{name} is stale; {how}");
    }
    for entry in std::fs::read_dir(&folder).expect("the folder is there") {
        let name = entry.expect("an entry").file_name().to_string_lossy().into_owned();
        assert!(
            documents.iter().any(|(known, _)| *known == name),
            "docs/checks/{name} is the page of no check; delete it"
        );
    }
}

#[test]
fn shipped_scenarios_are_as_their_schema_says() {
    let validator = jsonschema::validator_for(&engine::cli::schema::scenario_schema()).expect("the schema is one");
    let files = yaml_files("scenarios");
    assert!(!files.is_empty(), "there are scenarios");
    for file in files {
        assert_eq!(
            faults(&validator, &read(&file)),
            [] as [String; 0],
            "{}",
            file.display()
        );
    }
}

#[test]
fn shipped_flows_are_as_their_schema_says() {
    let files: Vec<PathBuf> = ["flows", "examples"]
        .iter()
        .flat_map(|folder| yaml_files(folder))
        .collect();
    assert!(files.len() >= 3, "only {files:?}");
    let validator = jsonschema::validator_for(&engine::compile::schema()).expect("the schema is one");
    for file in files {
        let wrong = faults(&validator, &read(&file));
        assert_eq!(wrong, [] as [String; 0], "{}", file.display());
    }
}

#[test]
fn shipped_settings_are_as_their_schema_says() {
    let validator = jsonschema::validator_for(&engine::cli::schema::engine_schema()).expect("the schema is one");
    let known = json!({
        "listen": "0.0.0.0:5000",
        "public_url": "https://voice.example.com",
        "carrier": {"auth_token": {"env": "TWILIO_AUTH_TOKEN"}},
    });
    assert_eq!(faults(&validator, &known), [] as [String; 0]);
    let example = root().join("engine.yaml");
    if example.is_file() {
        assert_eq!(faults(&validator, &read(&example)), [] as [String; 0], "engine.yaml");
    }
}

#[test]
fn the_schemas_refuse_what_is_not_known() {
    let flow = jsonschema::validator_for(&engine::compile::schema()).expect("the schema is one");
    let good = json!({"flow": "a", "start": {"call": "b"}, "steps": {"b": {"hangup": {}}}});
    assert_eq!(faults(&flow, &good), [] as [String; 0]);
    for (what, bad) in [
        (
            "a key that is not known",
            json!({"flow": "a", "start": {}, "steps": {"b": {"hangup": {}}}, "colour": 1}),
        ),
        (
            "a step without a kind",
            json!({"flow": "a", "start": {}, "steps": {"b": {}}}),
        ),
        (
            "a kind that is not known",
            json!({"flow": "a", "start": {}, "steps": {"b": {"hangupp": {}}}}),
        ),
        ("no steps", json!({"flow": "a", "start": {}})),
    ] {
        assert!(!flow.is_valid(&bad), "{what}");
    }
    let settings = jsonschema::validator_for(&engine::cli::schema::engine_schema()).expect("the schema is one");
    assert!(
        !settings.is_valid(&json!({"carrier": {"auth_token": "secret"}})),
        "a secret in plain text"
    );
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What is wrong with a document, with the place of it.
fn faults(validator: &jsonschema::Validator, document: &Json) -> Vec<String> {
    validator
        .iter_errors(document)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect()
}

fn fresh(which: &str, schema: &Json) {
    let file = format!("schemas/{which}.v1.json");
    let committed = std::fs::read_to_string(root().join(&file)).unwrap_or_else(|error| panic!("{file}: {error}"));
    // Compared without the texts in the panic: they are thousands of lines.
    assert!(
        committed == engine::cli::schema::pretty(schema),
        "{file} is stale; write it again: cargo run --quiet -- schema {which} > {file}"
    );
}

fn yaml_files(folder: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root().join(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "yaml") && is_flow(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// Examples may hold an `engine.yaml` and test scenarios beside their flows; a flow says that it is one.
fn is_flow(path: &Path) -> bool {
    read(path).get("flow").is_some_and(Json::is_string)
}

fn read(path: &Path) -> Json {
    let text = std::fs::read_to_string(path).expect("the file is there");
    let mut findings = Findings::default();
    let document = parse(&Source::new(path.display().to_string(), text), &mut findings);
    assert!(findings.is_empty(), "{}: {findings:?}", path.display());
    as_json(&document.root.expect("the file holds something"))
}

/// The tree as an editor's schema validator sees it: plain scalars are what YAML 1.2's core schema makes of them.
fn as_json(node: &Node) -> Json {
    match &node.value {
        Value::Null => Json::Null,
        Value::Scalar(scalar) => scalar_as_json(scalar),
        Value::Seq(items) => items.iter().map(as_json).collect(),
        Value::Map(entries) => entries
            .iter()
            .map(|entry| (entry.key.text.clone(), as_json(&entry.value)))
            .collect(),
    }
}

fn scalar_as_json(scalar: &Scalar) -> Json {
    let text = scalar.text.as_str();
    if scalar.style != Style::Plain {
        return Json::from(text);
    }
    match text {
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    if let Ok(number) = text.parse::<i64>() {
        return Json::from(number);
    }
    let numeric = text.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.');
    match text.parse::<f64>() {
        Ok(number) if numeric => Json::from(number),
        _ => Json::from(text),
    }
}
