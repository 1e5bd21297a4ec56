//! Scenario files are read, their flows compiled once each, and every scenario is played.

use crate::check::checked;
use crate::cli::edited::yaml_under;
use crate::cli::gathered::prefix_of;
use crate::compile::Compiled;
use crate::flow::{Finding, Severity, suggest};
use crate::line::{Disk, project_root};
use crate::trial::{self, Coverage, Failure, Ground, Scenario, ScenarioFile, judge, known, timeline};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Lines of a call that a failure shows.
const LINES: usize = 14;

/// What was read: files, and the flows of their scenarios.
pub(super) struct Read {
    files: Vec<(PathBuf, ScenarioFile)>,
    flows: BTreeMap<PathBuf, (String, Compiled)>,
    unreadable: Vec<Finding>,
}

/// What came of all of them.
pub(super) struct Results {
    /// Each scenario in the order of the files.
    pub all: Vec<Played>,
    /// What is wrong with files and flows.
    pub findings: Vec<Finding>,
    /// What was come to.
    pub coverage: Coverage,
    /// Every title, also of those that were not chosen.
    pub titles: Vec<String>,
}

/// A scenario that was played.
pub(super) struct Played {
    pub title: String,
    pub file: String,
    pub line: usize,
    pub outcome: Outcome,
    pub warnings: Vec<Failure>,
    pub took: Duration,
    /// How long the call was, in milliseconds of its own time.
    pub lasted: u64,
    /// What the caller heard, in order.
    pub heard: Vec<String>,
    /// How it ended; none where it did not.
    pub ended: Option<&'static str>,
    /// The longest time without sound, in milliseconds.
    pub silence: u64,
    /// Things worth knowing, such as a script that was not played to its end.
    pub notes: Vec<String>,
}

/// How it ended.
pub(super) enum Outcome {
    Passed,
    /// What did not come as it must, each with the call around it.
    Failed(Vec<(Failure, Vec<String>)>),
    /// It fails for a known reason.
    Expected(String),
    /// It should have failed for a known reason, and passed.
    Unexpected(String),
    /// It could not be played: the findings say why.
    Broken,
}

impl Read {
    pub fn scenarios(&self) -> impl Iterator<Item = (&str, &Scenario)> {
        self.files
            .iter()
            .flat_map(|(_, file)| file.scenarios.iter().map(|one| (file.source.name(), one)))
    }

    pub fn findings(&self) -> Vec<Finding> {
        let files = self.files.iter().flat_map(|(_, file)| file.findings.iter().cloned());
        self.unreadable.iter().cloned().chain(files).collect()
    }
}

pub(super) fn read(files: &[PathBuf]) -> Read {
    let mut read = Read {
        files: Vec::new(),
        flows: BTreeMap::new(),
        unreadable: Vec::new(),
    };
    for path in files {
        let name = path.to_string_lossy().replace('\\', "/");
        let name = name.strip_prefix("./").unwrap_or(&name).to_owned();
        match std::fs::read(path).map(String::from_utf8) {
            Ok(Ok(text)) => read.files.push((path.clone(), trial::read(&name, &text))),
            other => {
                let why = match other {
                    Err(error) => error.to_string(),
                    _ => "it is no text".to_owned(),
                };
                let place = crate::flow::Place::start_of(&crate::flow::Source::new(name.as_str(), ""));
                let message = format!("`{name}` cannot be read: {why}");
                read.unreadable.push(Finding::error("unreadable-file", place, message));
            }
        }
    }
    for (path, file) in &read.files {
        for scenario in &file.scenarios {
            let flow = flow_of(path, scenario);
            if flow.is_file() && !read.flows.contains_key(&key(&flow)) {
                let root = project_root(&flow);
                let inside = inside(&flow, &root);
                let compiled = checked(&inside, &Disk::new(&root));
                let prefix = prefix_of(&root);
                let shown = match prefix.as_str() {
                    "" => inside,
                    prefix => format!("{}/{inside}", prefix.trim_end_matches('/')),
                };
                read.flows.insert(key(&flow), (shown, compiled));
            }
        }
    }
    read
}

fn flow_of(file: &Path, scenario: &Scenario) -> PathBuf {
    file.parent().unwrap_or(Path::new(".")).join(&scenario.form.flow.value)
}

fn key(flow: &Path) -> PathBuf {
    flow.canonicalize().unwrap_or_else(|_| flow.to_owned())
}

fn inside(flow: &Path, root: &Path) -> String {
    let inside = match (flow.canonicalize(), root.canonicalize()) {
        (Ok(flow), Ok(root)) => flow.strip_prefix(root).map(Path::to_path_buf).unwrap_or(flow),
        _ => flow.to_owned(),
    };
    inside.to_string_lossy().replace('\\', "/")
}

/// Plays the scenarios that are chosen by their title and file.
pub(super) fn play(read: &Read, chosen: impl Fn(&str, &str) -> bool) -> Results {
    let mut results = Results {
        all: Vec::new(),
        findings: read.findings(),
        coverage: Coverage::default(),
        titles: Vec::new(),
    };
    let grounds: BTreeMap<&PathBuf, (&str, Ground<'_>)> = read
        .flows
        .iter()
        .filter_map(|(path, (shown, compiled))| {
            let flow = compiled.flow.as_ref()?;
            Some((path, (shown.as_str(), Ground::new(flow, compiled.templates.clone()))))
        })
        .collect();
    for (path, file) in &read.files {
        for scenario in &file.scenarios {
            let title = scenario.title();
            results.titles.push(title.clone());
            if !chosen(&title, file.source.name()) {
                continue;
            }
            let flow = flow_of(path, scenario);
            let ground = grounds.get(&key(&flow));
            let wrong = match (ground, read.flows.get(&key(&flow))) {
                (Some((_, ground)), _) => known(scenario, ground.flow()).into_vec(),
                (None, Some((_, compiled))) => errors(compiled),
                (None, None) => vec![no_flow(path, scenario)],
            };
            let mut one = Played {
                title,
                file: file.source.name().to_owned(),
                line: scenario.place.line(),
                outcome: Outcome::Broken,
                warnings: Vec::new(),
                took: Duration::ZERO,
                lasted: 0,
                heard: Vec::new(),
                ended: None,
                silence: 0,
                notes: Vec::new(),
            };
            match ground {
                Some((shown, ground)) if wrong.is_empty() => {
                    played(&mut one, shown, ground, scenario, &mut results.coverage);
                }
                _ => {
                    for finding in wrong {
                        let known = |other: &Finding| other.place == finding.place && other.message == finding.message;
                        if !results.findings.iter().any(known) {
                            results.findings.push(finding);
                        }
                    }
                }
            }
            results.all.push(one);
        }
    }
    results
}

fn played(one: &mut Played, shown: &str, ground: &Ground<'_>, scenario: &Scenario, coverage: &mut Coverage) {
    let began = Instant::now();
    let call = trial::play(ground, scenario);
    let (failures, warnings) = judge(ground, scenario, &call);
    one.took = began.elapsed();
    one.lasted = call.over.since(call.began);
    one.heard = call.heard.iter().map(|heard| heard.what.clone()).collect();
    one.ended = call.end.map(|reason| reason.word());
    one.silence = call.silence.millis();
    coverage.add(shown, ground.flow(), &call);
    one.warnings = warnings;
    if call.unplayed > 0 {
        let steps = if call.unplayed == 1 { "step" } else { "steps" };
        one.notes.push(format!(
            "the call was over before the caller's last {} {steps}",
            call.unplayed
        ));
    }
    if call.ran_out > 0 {
        one.notes.push(format!(
            "the model was asked {} times more than `model` has answers; it said “I see.”",
            call.ran_out
        ));
    }
    let failed = !failures.is_empty();
    one.outcome = match (&scenario.form.fails, failed) {
        (None, false) => Outcome::Passed,
        (Some(reason), true) => Outcome::Expected(reason.value.clone()),
        (Some(reason), false) => Outcome::Unexpected(reason.value.clone()),
        (None, true) => Outcome::Failed(
            failures
                .into_iter()
                .map(|failure| {
                    let lines = timeline(ground.flow(), &call, failure.at, LINES);
                    (failure, lines)
                })
                .collect(),
        ),
    };
}

fn errors(compiled: &Compiled) -> Vec<Finding> {
    let errors = compiled
        .findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error);
    errors.cloned().collect()
}

fn no_flow(file: &Path, scenario: &Scenario) -> Finding {
    let flow = &scenario.form.flow;
    let finding = Finding::error(
        "scenario-no-flow",
        flow.place.clone(),
        format!("there is no flow `{}`", flow.value),
    )
    .label("no such file");
    match flow_meant(file, &flow.value) {
        Some(meant) => finding.nearest_word(&flow.value, Some(&meant)),
        None => finding.help("a flow's path is relative to the scenario's file, such as `../flows/menu.yaml`"),
    }
}

/// So many folders up from a scenario are looked through for flows.
const NEAR: usize = 4;

/// The project's flow of the nearest name, by its path from the scenario.
fn flow_meant(file: &Path, written: &str) -> Option<String> {
    let folder = file.parent()?.canonicalize().ok()?;
    let (up, root) = folder
        .ancestors()
        .enumerate()
        .take(NEAR)
        .find(|(_, above)| above.join("flows").is_dir())?;
    let name = Path::new(written).file_name()?.to_str()?;
    let flows = yaml_under(&root.join("flows"));
    let named = |flow: &PathBuf| flow.file_name().and_then(|name| name.to_str()).map(str::to_owned);
    let names: Vec<String> = flows.iter().filter_map(named).collect();
    let near = match names.iter().any(|known| known == name) {
        true => name,
        false => suggest::nearest(name, names.iter().map(String::as_str))?,
    };
    let flow = flows.iter().find(|flow| named(flow).as_deref() == Some(near))?;
    Some(format!("{}{}", "../".repeat(up), inside(flow, root)))
}
