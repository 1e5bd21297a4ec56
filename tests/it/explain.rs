//! The registry of checks and what is said of each: pages, flows, weights, the carrier's codes, and `engine explain`.

use engine::call::Asset;
use engine::check::{ALL, CATEGORIES, Check, HEADINGS};
use engine::compile::Files;
use engine::flow::{Severity, Source, parse};
use engine::prove::proven;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

#[test]
fn every_check_has_its_page_its_flows_and_its_family() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut missing = Vec::new();
    for check in ALL {
        let id = check.id;
        let mut files = vec![format!("docs/checks/{id}.md")];
        if check.example.is_some() {
            files.extend([
                format!("tests/flows/bad/{id}.yaml"),
                format!("tests/flows/good/{id}.yaml"),
            ]);
        }
        missing.extend(files.into_iter().filter(|file| !root.join(file).is_file()));
        if CATEGORIES.iter().all(|(name, _)| *name != check.category) {
            missing.push(format!("{id}: the family `{}` in `CATEGORIES`", check.category));
        }
        missing.extend(faults(check).into_iter().map(|fault| format!("{id}: {fault}")));
    }
    assert!(missing.is_empty(), "{}", missing.join("\n"));
}

/// What a page lacks: its headings in their order, and one to six lines under each.
fn faults(check: &Check) -> Vec<String> {
    let mut faults = Vec::new();
    let found: Vec<&str> = headings(check.page);
    let warns = check.severities.contains(&Severity::Warning);
    let wanted: Vec<&str> = HEADINGS
        .into_iter()
        .filter(|heading| match *heading {
            "Why it happens" => found.contains(heading),
            "When to allow it" => warns,
            _ => true,
        })
        .collect();
    if found != wanted {
        faults.push(format!("its headings are {found:?}, not {wanted:?}"));
    }
    if check.page.starts_with("# ") || check.page.contains("\n# ") && !check.page.contains("```") {
        faults.push("a page has no title".to_owned());
    }
    for section in check.page.split("## ").skip(1) {
        let (heading, text) = section.split_once('\n').unwrap_or((section, ""));
        let prose: Vec<&str> = text.split("```").step_by(2).flat_map(str::lines).collect();
        let lines = prose.iter().filter(|line| !line.trim().is_empty()).count();
        if !(1..=6).contains(&lines) {
            faults.push(format!("`{heading}` has {lines} lines"));
        }
    }
    if !check.page.contains("```yaml") {
        faults.push("it shows nothing to type".to_owned());
    }
    faults
}

fn headings(page: &str) -> Vec<&str> {
    page.lines().filter_map(|line| line.strip_prefix("## ")).collect()
}

#[test]
fn what_lacks_something_is_noticed() {
    let page = |page| Check {
        id: "x",
        about: "x",
        severities: &[Severity::Error],
        category: "shape",
        page,
        example: None,
    };
    let good =
        "## What it is\n\nx\n\n## What a caller would notice\n\nx\n\n## How to mend it\n\nx\n\n```yaml\na: 1\n```\n";
    assert_eq!(faults(&page(good)), [] as [String; 0]);
    for bad in [
        "## What it is\n\nx\n\n## How to mend it\n\nx\n\n```yaml\na: 1\n```\n",
        "## What it is\n\n## What a caller would notice\n\nx\n\n## How to mend it\n\nx\n\n```yaml\na: 1\n```\n",
        "## What it is\n\nx\n\n## What a caller would notice\n\nx\n\n## How to mend it\n\nx\n",
        "## What it is\n\nx\n\n## What a caller would notice\n\nx\n\n## How to mend it\n\nx\n\n```yaml\na: 1\n```\n\n## When to allow it\n\nx\n",
    ] {
        assert_eq!(faults(&page(bad)).len(), 1, "{bad}");
    }
}

/// Every page shows what `validate` really says of its flow, with the weight and the family of the registry.
#[test]
fn examples_show_their_own_finding() {
    let documents: BTreeMap<String, String> = engine::cli::explain::documents().into_iter().collect();
    for check in ALL.iter().filter(|check| check.example.is_some()) {
        let page = &documents[&format!("{}.md", check.id)];
        let weights = check.severities.iter();
        let shown = weights
            .map(|weight| format!("```text\n{weight}[{}]: ", check.id))
            .any(|head| page.contains(&head));
        assert!(shown, "{page}");
    }
}

#[test]
fn the_sources_weigh_findings_as_the_registry_does() {
    let mut weights: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for file in super::purity::sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for (start, weight) in [("Finding::error(", "error"), ("Finding::warning(", "warning")] {
            for (at, _) in text.match_indices(start) {
                let rest = text[at + start.len()..].trim_start();
                if let Some(id) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) {
                    weights.entry(id.to_owned()).or_default().insert(weight);
                }
            }
        }
    }
    assert!(weights.len() > 30, "only {weights:?}");
    for check in ALL {
        let Some(found) = weights.get(check.id) else { continue };
        let known: BTreeSet<&str> = check.severities.iter().map(|one| one.as_str()).collect();
        assert_eq!(*found, known, "{}", check.id);
    }
}

/// Each example that a page gives is a part of a flow that has no such finding, and no error at all.
#[test]
fn what_pages_advise_to_type_is_right() {
    let mut wrong = Vec::new();
    let mut seen = 0;
    for check in ALL {
        for block in check.page.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            if block.starts_with("# wrong") {
                continue;
            }
            seen += 1;
            if block.starts_with("# engine.yaml") || block.contains("\ncarrier:") {
                if let Err(error) = engine::line::config::read("engine.yaml", block) {
                    wrong.push(format!("{}: {error}\n{block}", check.id));
                }
                continue;
            }
            if check.category == "scenario" {
                wrong.extend(
                    in_scenario(block)
                        .into_iter()
                        .map(|one| format!("{}: {one}\n{block}", check.id)),
                );
                continue;
            }
            let text = whole(block);
            let findings = proven("flows/page.yaml", &Advice(&text)).0.findings.into_vec();
            let bad = findings
                .iter()
                .filter(|one| one.id == check.id || one.severity == Severity::Error);
            for one in bad {
                wrong.push(format!(
                    "{}: {} {} at line {} of\n{text}",
                    check.id,
                    one.id,
                    one.message,
                    one.place.line()
                ));
            }
        }
    }
    assert!(seen >= ALL.len(), "only {seen} examples");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// What is wrong with a whole scenario of one of the bundled flows.
fn in_scenario(text: &str) -> Vec<String> {
    let file = engine::trial::read("scenarios/page.yaml", text);
    let mut wrong: Vec<String> = file.findings.into_vec().into_iter().map(|one| one.message).collect();
    for scenario in &file.scenarios {
        let path = scenario.form.flow.value.trim_start_matches("../");
        let project = engine::line::Disk::new(env!("CARGO_MANIFEST_DIR"));
        match engine::check::checked(path, &project).flow {
            Some(flow) => wrong.extend(
                engine::trial::known(scenario, &flow)
                    .into_vec()
                    .into_iter()
                    .map(|one| one.message),
            ),
            None => wrong.push(format!("there is no flow `{path}`")),
        }
    }
    wrong
}

/// A whole flow around a part of one: its head where it has none, and the steps that it names and does not show.
fn whole(part: &str) -> String {
    let is_head = |line: &str| {
        [
            "flow:",
            "start:",
            "otherwise:",
            "limits:",
            "steps:",
            "after_call:",
            "agents:",
        ]
        .iter()
        .any(|key| line.starts_with(key))
    };
    let mut text = if part.lines().any(is_head) {
        part.to_owned()
    } else {
        let lines = part.lines().map(|line| format!("  {line}\n"));
        format!("steps:\n{}", lines.collect::<String>())
    };
    if !text.lines().any(|line| line.starts_with("steps:")) {
        text.push_str("steps:\n");
    }
    let mut added = String::new();
    for step in ["goodbye", "desk", "menu", "voicemail", "greeting"] {
        let named = step == "goodbye" || text.contains(&format!(": {step}"));
        if named && !text.contains(&format!("  {step}:")) {
            added.push_str(&format!("  {step}: {{hangup: {{}}}}\n"));
        }
    }
    // A call begins with the first step that is shown, but for one that is allowed to be out of reach.
    let shown = text.lines().skip_while(|line| *line != "steps:").nth(1);
    let first = shown.and_then(|line| line.trim().split_once(':')).map(|(name, _)| name);
    let begins = first.filter(|name| !name.starts_with('#')).unwrap_or("goodbye");
    let head = format!("start: {{call: {begins}}}\n");
    text = text.replacen("steps:\n", &format!("steps:\n{added}"), 1);
    for (key, line) in [
        ("otherwise:", "otherwise: goodbye\n"),
        ("start:", head.as_str()),
        ("locale:", "locale: en-US\n"),
        ("flow:", "flow: page\n"),
    ] {
        if !text.lines().any(|known| known.starts_with(key)) {
            text.insert_str(0, line);
        }
    }
    text
}

/// A project that has every sound, and the texts that pages speak of.
struct Advice<'a>(&'a str);

impl Files for Advice<'_> {
    fn text(&self, path: &str) -> Option<String> {
        let text = match path {
            "flows/page.yaml" => self.0,
            "flows/shared/ask_name.yaml" => {
                "flow: ask\nstart: {call: q}\nends: [done]\nsteps:\n  q: {say: what?, next: e}\n  e: {end: done}\n"
            }
            "prompts/desk.md" | "prompts/reception.md" => "Answer.",
            "templates/whatsapp/thanks.txt" => "Thank you, {{ name }}.",
            _ => return None,
        };
        Some(text.to_owned())
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        Some((
            Asset {
                millis: Some(2_000),
                lead: 0,
            },
            path.to_owned(),
        ))
    }

    fn list(&self, _folder: &str) -> Vec<String> {
        Vec::new()
    }

    fn providers(&self) -> engine::compile::ProviderNames {
        engine::line::declared("")
    }
}

/// A rule that gets a code of its own is found by that code.
#[test]
fn every_code_of_the_grammar_leads_to_a_check() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/twiml");
    let mut codes = BTreeSet::new();
    for file in super::purity::sources(&src.join("check")) {
        if file.file_name().is_some_and(|name| name != "tests.rs") {
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            // What a help says is no code: `milliseconds from 100 to 15000`.
            let unquoted = text.lines().flat_map(|line| line.split('"').step_by(2));
            codes.extend(unquoted.flat_map(numbers));
        }
    }
    let grammar = std::fs::read_to_string(src.join("grammar.json")).unwrap_or_default();
    for (at, key) in grammar.match_indices("code\": ") {
        codes.extend(numbers(&grammar[at + key.len()..][..5]));
    }
    assert!(codes.len() > 80, "only {codes:?}");
    let lost: Vec<u32> = codes
        .into_iter()
        .filter(|code| engine::check::reporting(*code).is_empty())
        .collect();
    assert!(lost.is_empty(), "add to `src/check/codes.rs`: {lost:?}");
}

/// The error codes in a text: whole numbers of five digits from 10000 to 69999.
fn numbers(text: &str) -> Vec<u32> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != '.');
    words
        .filter(|word| word.len() == 5)
        .filter_map(|word| word.parse().ok())
        .filter(|number| (10_000..70_000).contains(number))
        .collect()
}

fn explain(arguments: &[&str]) -> (i32, String, String) {
    let output: Output = Command::new(env!("CARGO_BIN_EXE_engine"))
        .arg("explain")
        .args(arguments)
        .env_remove("NO_COLOR")
        .env_remove("FORCE_COLOR")
        .output()
        .expect("the engine runs");
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("it prints text");
    (
        output.status.code().unwrap_or(-1),
        text(output.stdout),
        text(output.stderr),
    )
}

#[test]
fn a_page_says_all_that_somebody_needs_at_night() {
    let (exit, text, errors) = explain(&["loop-without-end", "unknown-step", "--format", "human"]);
    assert_eq!((exit, errors.as_str()), (0, ""));
    for part in [
        "loop-without-end (warning, graph)\n",
        "What a caller would notice\n",
        "    # engine: allow(loop-without-end) because REASON\n",
        "unknown-step (error, reference)\n",
        "    error[unknown-step]: there is no step `goodby`\n",
        "    help: did you mean `goodbye`?\n",
        "Without the finding:\n",
    ] {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
    assert!(!text.contains("allow(unknown-step)"), "an error cannot be allowed");
    assert!(!text.contains('\u{1b}'), "colour where nobody asked for it");
    let (_, text, _) = explain(&["unknown-step", "--format", "human", "--color", "always"]);
    assert!(text.contains("\u{1b}[1munknown-step\u{1b}[0m"));
    let (_, text, _) = explain(&["invalid-character"]);
    assert!(!text.contains('\u{7}') && text.contains('␇'));
}

#[test]
fn a_code_of_the_carrier_leads_to_its_checks() {
    let (exit, text, _) = explain(&["11200"]);
    assert_eq!(exit, 0);
    assert!(
        text.contains("unknown-asset") && text.contains("engine explain unknown-asset"),
        "{text}"
    );
    let (exit, text, errors) = explain(&["10001"]);
    assert_eq!((exit, text.as_str()), (2, ""));
    assert!(
        errors.contains("no check reports the carrier's error 10001"),
        "{errors}"
    );
}

#[test]
fn what_is_not_known_brings_the_nearest() {
    let (exit, text, errors) = explain(&["unknown-step", "unknwon-key"]);
    assert_eq!((exit, text.as_str()), (2, ""));
    assert!(errors.contains("there is no finding `unknwon-key`"), "{errors}");
    assert!(errors.contains("did you mean `unknown-key`?"), "{errors}");
    let (exit, ..) = explain(&["--out", "x"]);
    assert_eq!(exit, 2, "`--out` wants `--all`");
}

#[test]
fn everything_is_listed_for_people_and_for_machines() {
    for arguments in [&[][..], &["--list"]] {
        let (exit, text, _) = explain(arguments);
        assert_eq!((exit, text.lines().count()), (0, ALL.len()));
    }
    let (exit, text, _) = explain(&["--list", "--format", "json"]);
    assert_eq!(exit, 0);
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    assert_eq!(json["format_version"], "1.0");
    let listed = json["checks"].as_array().expect("a list");
    assert_eq!(listed.len(), ALL.len());
    for (check, one) in ALL.iter().zip(listed) {
        assert_eq!(
            (one["id"].as_str(), one["page"].as_str()),
            (Some(check.id), Some(check.page))
        );
        assert_eq!(one["severity"].as_str(), Some(check.severity().as_str()));
    }
    let (_, text, _) = explain(&["63016", "twiml", "--format", "json"]);
    let json: Value = serde_json::from_str(&text).expect("it is JSON");
    let ids: Vec<&str> = json["checks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter_map(|one| one["id"].as_str())
        .collect();
    assert!(ids.contains(&"whatsapp-window") && ids.contains(&"twiml"), "{ids:?}");
}

#[test]
fn the_pages_are_written_and_strangers_named() {
    let folder = tempfile::tempdir().expect("a folder");
    let out = folder.path().join("checks");
    std::fs::create_dir(&out).expect("it is made");
    std::fs::write(out.join("gone.md"), "x").expect("it is written");
    let (exit, text, errors) = explain(&["--all", "--out", &out.to_string_lossy()]);
    assert_eq!((exit, text.as_str()), (0, ""));
    assert!(errors.contains("`gone.md` is the page of no check"), "{errors}");
    for (name, text) in engine::cli::explain::documents() {
        let written = std::fs::read_to_string(out.join(&name)).expect("it was written");
        assert!(written == text, "{name}");
    }
    let index = std::fs::read_to_string(out.join("README.md")).expect("it was written");
    for check in ALL {
        assert!(index.contains(&format!("[{0}]({0}.md)", check.id)), "{}", check.id);
    }
}

/// Pages are Markdown that closes what it opens, and each block in them is YAML.
#[test]
fn blocks_in_pages_can_be_read() {
    for check in ALL {
        assert_eq!(check.page.matches("```").count() % 2, 0, "{}", check.id);
        for block in check.page.split("```yaml\n").skip(1) {
            let block = block.split("```").next().unwrap_or_default();
            let mut findings = engine::flow::Findings::default();
            parse(&Source::new(check.id, block), &mut findings);
            assert!(findings.is_empty(), "{}: {findings:?}", check.id);
        }
    }
}
