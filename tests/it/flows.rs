//! One bad flow for every finding, and the nearest good one: `tests/flows/bad/ID.yaml` says in its head what is
//! expected, as `# expects: ID LINE:COLUMN` and `# help: TEXT` for each finding; `good/ID.yaml` has none of them.

use engine::audio::about::{About, NoSound, about};
use engine::audio::wav;
use engine::call::Asset;
use engine::check::{ALL, checked};
use engine::compile::Files;
use engine::flow::Finding;
use engine::prove::proven;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Findings that no flow file alone can show; each has a test of its own below.
const ELSEWHERE: [&str; 4] = ["unreadable-file", "file-too-large", "engine-fault", "not-proven"];

/// The project under `tests/flows`. Its sounds are made here: two that are as they should be, and one for each fault.
struct Project(PathBuf);

impl Project {
    fn here() -> Self {
        Self(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/flows"))
    }

    /// The names of the flows of a folder.
    fn flows(&self, folder: &str) -> Vec<String> {
        let names = self.list(folder).into_iter();
        names.filter(|name| name.ends_with(".yaml")).collect()
    }

    fn findings(&self, path: &str) -> (Vec<Finding>, bool) {
        let (compiled, _) = proven(path, self);
        (compiled.findings.sorted().into_vec(), compiled.flow.is_some())
    }
}

impl Files for Project {
    fn text(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(self.0.join(path)).ok()
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        let sound = sound(path)?;
        let millis = about(&sound).ok().map(|about| about.millis);
        Some((Asset { millis, lead: 0 }, path.to_owned()))
    }

    fn heard(&self, path: &str) -> Option<Result<About, NoSound>> {
        sound(path).map(|sound| about(&sound))
    }

    fn providers(&self) -> engine::compile::ProviderNames {
        engine::line::declared("")
    }

    fn list(&self, folder: &str) -> Vec<String> {
        if folder == "static/tts" {
            return vec!["hello.mp3".to_owned(), "menu.mp3".to_owned()];
        }
        let Ok(entries) = std::fs::read_dir(self.0.join(folder)) else {
            return Vec::new();
        };
        let mut names: Vec<String> = entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .collect();
        names.sort();
        names
    }
}

/// The bytes of a sound by its path.
fn sound(path: &str) -> Option<Vec<u8>> {
    let tone = |rate: usize, seconds: usize, peak: f64| -> Vec<i16> {
        let wave = |n: usize| (std::f64::consts::TAU * 440.0 * n as f64 / rate as f64).sin() * peak;
        (0..rate * seconds).map(|n| wave(n) as i16).collect()
    };
    let mp3 = include_bytes!("../fixtures/tone_440hz_24k.mp3");
    Some(match path {
        "tts/hello.mp3" | "tts/menu.mp3" | "tts/real.mp3" | "tts/real.ogg" => mp3.to_vec(),
        "tts/page.mp3" => b"<!doctype html><html><body>404 Not Found</body></html>".to_vec(),
        "tts/real.wav" | "tts/wave.mp3" => wav::write_mono(8_000, &tone(8_000, 2, 8_000.0)),
        "tts/silent.wav" => wav::write_mono(8_000, &[0; 24_000]),
        "tts/late.wav" => wav::write_mono(8_000, &[vec![0; 12_000], tone(8_000, 2, 8_000.0)].concat()),
        "tts/low.wav" => wav::write_mono(6_000, &tone(6_000, 2, 8_000.0)),
        "tts/long.wav" => wav::write_mono(8_000, &tone(8_000, 90, 8_000.0)),
        _ => return None,
    })
}

/// What a bad flow is expected to be told, in the form of its own head.
fn told(findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        let help: Vec<String> = finding.help.iter().map(|help| format!("# help: {help}\n")).collect();
        format!(
            "# expects: {} {}:{}\n{}",
            finding.id,
            finding.place.line(),
            finding.place.column(),
            help.concat()
        )
    };
    findings.iter().map(one).collect()
}

fn head(text: &str) -> String {
    let lines = text
        .lines()
        .take_while(|line| line.starts_with("# expects:") || line.starts_with("# help:"));
    lines.map(|line| format!("{line}\n")).collect()
}

#[test]
fn every_bad_flow_is_told_what_its_head_says() {
    let project = Project::here();
    let mut wrong = Vec::new();
    for name in project.flows("bad") {
        let path = format!("bad/{name}");
        let text = project.text(&path).unwrap_or_default();
        let (findings, runs) = project.findings(&path);
        if told(&findings) != head(&text) {
            wrong.push(format!("{path}\n{}instead of\n{}", told(&findings), head(&text)));
        }
        let id = name.trim_end_matches(".yaml");
        if !findings.iter().any(|finding| finding.id == id) {
            wrong.push(format!("{path} does not show `{id}`"));
        }
        let errors = findings
            .iter()
            .any(|finding| finding.severity == engine::flow::Severity::Error);
        if errors == runs {
            wrong.push(format!("{path}: a flow runs exactly where nothing is an error"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_nearest_good_flow_has_no_finding() {
    let project = Project::here();
    for name in project.flows("bad") {
        let (findings, runs) = project.findings(&format!("good/{name}"));
        assert!(runs && findings.is_empty(), "good/{name}: {findings:#?}");
    }
    for name in project.flows("good") {
        assert!(
            project.text(&format!("bad/{name}")).is_some(),
            "bad/{name} is not there"
        );
    }
}

#[test]
fn every_finding_has_a_bad_example() {
    let project = Project::here();
    let shown: BTreeSet<String> = project
        .flows("bad")
        .iter()
        .map(|name| name.replace(".yaml", ""))
        .collect();
    let missing: Vec<&str> = ALL
        .iter()
        .filter(|check| check.category != "scenario")
        .map(|check| check.id)
        .filter(|id| !shown.contains(*id) && !ELSEWHERE.contains(id))
        .collect();
    assert!(missing.is_empty(), "no file under tests/flows/bad shows {missing:?}");
    let strange: Vec<&String> = shown
        .iter()
        .filter(|id| ALL.iter().all(|check| check.id != *id))
        .collect();
    assert!(strange.is_empty(), "`check::ALL` does not have {strange:?}");
}

#[test]
fn every_finding_in_the_sources_is_listed() {
    let mut unlisted = BTreeSet::new();
    let mut seen = 0;
    for file in super::purity::sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src")) {
        let text = std::fs::read_to_string(&file).unwrap_or_default();
        let text = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
        for start in ["Finding::error(", "Finding::warning(", "self.report("] {
            for (at, _) in text.match_indices(start) {
                let rest = text[at + start.len()..].trim_start();
                let Some(id) = rest.strip_prefix('"').and_then(|rest| rest.split('"').next()) else {
                    continue;
                };
                seen += 1;
                if ALL.iter().all(|check| check.id != id) {
                    unlisted.insert(format!("{id} in {}", file.display()));
                }
            }
        }
    }
    assert!(seen > 60, "only {seen} findings were seen");
    assert!(unlisted.is_empty(), "not in `check::ALL`: {unlisted:?}");
}

#[test]
fn findings_are_listed_once_and_in_order() {
    let ids: Vec<&str> = ALL.iter().map(|check| check.id).collect();
    let mut sorted = ids.clone();
    sorted.sort_unstable();
    sorted.dedup();
    assert_eq!(ids, sorted);
}

#[test]
fn a_flow_that_is_not_there_is_a_finding() {
    let (findings, runs) = Project::here().findings("bad/nothing.yml");
    assert_eq!((findings.len(), runs), (1, false));
    assert_eq!((findings[0].id, findings[0].place.line()), ("unreadable-file", 1));
}

#[test]
fn a_secret_in_the_configuration_is_a_finding() {
    let text = "carrier:\n  auth_token: 0123456789abcdef\n";
    let Err(engine::line::ConfigError::Findings(findings)) = engine::line::config::read("engine.yaml", text) else {
        panic!("the secret was taken")
    };
    let told: Vec<_> = findings
        .iter()
        .map(|one| (one.id, one.place.line(), one.place.column()))
        .collect();
    assert_eq!(told, [("secret-in-plain-text", 2, 15)]);
    let by_name = "carrier:\n  auth_token: {env: TOKEN}\n";
    assert!(engine::line::config::read("engine.yaml", by_name).is_ok());
}

#[test]
fn bytes_that_are_no_text_are_a_finding() {
    use engine::flow::Source;
    let id = |bytes: &[u8]| {
        Source::from_bytes("a.yaml", bytes)
            .map(|_| ())
            .map_err(|finding| finding.id)
    };
    assert_eq!(id(b"flow: t\nx: \xff\n"), Err("invalid-utf8"));
    assert_eq!(id(&vec![b'#'; 64 * 1024 * 1024]), Err("file-too-large"));
    assert_eq!(id(b"flow: t\n"), Ok(()));
}

#[test]
fn bytes_on_the_disk_are_told_like_those_in_memory() {
    let project = tempfile::tempdir().expect("a folder");
    let disk = engine::line::Disk::new(project.path());
    let told = |name: &str, bytes: &[u8]| {
        std::fs::write(project.path().join(name), bytes).expect("it is written");
        let findings = checked(name, &disk).findings.sorted().into_vec();
        findings
            .iter()
            .map(|one| (one.id, one.place.line(), one.place.column()))
            .collect::<Vec<_>>()
    };
    let latin = b"flow: t\nstart: {call: a}\nsteps:\n  a: {reject: busy, describe: caf\xe9}\n";
    assert_eq!(told("latin.yaml", latin), [("invalid-utf8", 4, 34)]);
    let large = vec![b'#'; engine::flow::source::MAX_BYTES + 2];
    assert_eq!(told("large.yaml", &large), [("file-too-large", 1, 1)]);
    assert_eq!(
        told(
            "right.yaml",
            b"flow: t\nstart: {call: a}\nsteps:\n  a: {reject: busy}\n"
        ),
        []
    );
}

#[test]
fn what_is_wrong_deep_in_a_flow_names_its_key_and_its_path() {
    let project = tempfile::tempdir().expect("a folder");
    let disk = engine::line::Disk::new(project.path());
    let text = "flow: t\nlocale: en-US\nstart: {call: a}\nsteps:\n  a: {reject: {reason: buzy}}\n  b: {pause: 2}\n  \
                c: {play: {tims: 2}, on: [a]}\nafter_call:\n  - sms: {too: x}\nagents:\n  d: {think: {otherwise: {exitt: x}}}\n";
    std::fs::write(project.path().join("deep.yaml"), text).expect("it is written");
    let findings = checked("deep.yaml", &disk).findings.sorted().into_vec();
    let told: BTreeSet<String> = findings
        .iter()
        .map(|one| format!("{}: {}", one.path.join("."), one.message))
        .collect();
    for expected in [
        "steps.a.reject.reason: `reason` cannot be `buzy`",
        "steps.b.pause: `pause` must be a length of time with its unit (`ms`, `s`, `m`, `h` or `d`), not a whole number",
        "steps.c.play: `play` has no key `tims`",
        "steps.c.on: `on` must be a map, not a list",
        "after_call.0.sms: `sms` has no key `too`",
        "agents.d.think.otherwise: `otherwise` has no key `exitt`",
    ] {
        assert!(told.contains(expected), "{expected}\nis not among\n{told:#?}");
    }
    assert!(!told.iter().any(|one| one.contains("the document")), "{told:#?}");
}
