//! Flows that work, with one mistake made in each: `tests/hurt/*.yaml` says what a caller would suffer and where the finding
//! must stand; edits that hurt nobody must raise none. Every miss is told at once.

use engine::audio::about::{About, NoSound, about};
use engine::audio::wav;
use engine::call::Asset;
use engine::compile::{Files, ProviderNames};
use engine::flow::{Finding, Findings, Node, Source, parse};
use engine::line::{ConfigError, Disk, config};
use engine::prove::{Proof, proven};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

/// One mistake is told in so many findings at most: who made it reads them all.
const MOST_FINDINGS: usize = 3;
/// A configuration is not a flow: it is read as `engine run` reads it.
const CONFIGURATION: &str = "engine.yaml";

fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The project as it is, with some files in memory that are others or missing.
struct Edited<'a> {
    disk: &'a Disk,
    files: BTreeMap<String, Option<Vec<u8>>>,
}

impl Edited<'_> {
    fn sound(&self, path: &str) -> Option<&Option<Vec<u8>>> {
        self.files.get(&format!("static/{path}"))
    }
}

impl Files for Edited<'_> {
    fn text(&self, path: &str) -> Option<String> {
        match self.files.get(path) {
            Some(bytes) => Some(String::from_utf8_lossy(bytes.as_ref()?).into_owned()),
            None => self.disk.text(path),
        }
    }

    fn asset(&self, path: &str) -> Option<(Asset, String)> {
        match self.sound(path) {
            Some(bytes) => {
                let millis = about(bytes.as_ref()?).ok().map(|about| about.millis);
                Some((Asset { millis, lead: 0 }, path.to_owned()))
            }
            None => self.disk.asset(path),
        }
    }

    fn heard(&self, path: &str) -> Option<Result<About, NoSound>> {
        match self.sound(path) {
            Some(bytes) => Some(about(bytes.as_ref()?)),
            None => self.disk.heard(path),
        }
    }

    fn list(&self, folder: &str) -> Vec<String> {
        let mut names: BTreeSet<String> = self.disk.list(folder).into_iter().collect();
        for (path, bytes) in &self.files {
            let name = path.strip_prefix(folder).and_then(|rest| rest.strip_prefix('/'));
            match (name, bytes) {
                (Some(name), Some(_)) => names.insert(name.to_owned()),
                (Some(name), None) => names.remove(name),
                (None, _) => false,
            };
        }
        names.into_iter().collect()
    }

    fn providers(&self) -> ProviderNames {
        self.disk.providers()
    }
}

/// A file's bytes by the word that a table has for them.
fn bytes(word: &str) -> Option<Vec<u8>> {
    let tone = |rate: usize, seconds: usize, peak: f64| -> Vec<i16> {
        let wave = |n: usize| (std::f64::consts::TAU * 440.0 * n as f64 / rate as f64).sin() * peak;
        (0..rate * seconds).map(|n| wave(n) as i16).collect()
    };
    Some(match word {
        "empty" => Vec::new(),
        "page" => b"<!doctype html><html><body>404 Not Found</body></html>".to_vec(),
        "noise" => (0..4_000_u32)
            .map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect(),
        "wave" => wav::write_mono(8_000, &tone(8_000, 2, 8_000.0)),
        "louder" => wav::write_mono(16_000, &tone(16_000, 3, 16_000.0)),
        "silent" => wav::write_mono(8_000, &[0; 24_000]),
        "late" => wav::write_mono(8_000, &[vec![0; 12_000], tone(8_000, 2, 8_000.0)].concat()),
        "low" => wav::write_mono(4_000, &tone(4_000, 2, 8_000.0)),
        "long" => wav::write_mono(8_000, &tone(8_000, 150, 8_000.0)),
        _ => return None,
    })
}

/// A row of a table.
#[derive(Debug, Clone)]
struct Case {
    /// Where it stands, for the report.
    name: String,
    flow: String,
    /// The text of the edited file, where it is not on disk.
    base: Option<String>,
    why: String,
    /// The file that the text edits change; usually the flow itself.
    of: String,
    edits: Vec<(String, String)>,
    files: Vec<(String, Option<Vec<u8>>)>,
    finds: String,
    at: String,
}

fn text(node: &Node, key: &str) -> Option<String> {
    Some(node.key(key)?.scalar()?.text.clone())
}

/// The tables by their files' names.
fn tables() -> Vec<(Arc<Source>, Node)> {
    let folder = here().join("tests/hurt");
    let mut paths: Vec<_> = std::fs::read_dir(&folder)
        .expect("the tables")
        .map(|entry| entry.expect("a table").path())
        .collect();
    paths.sort();
    let read = |path: std::path::PathBuf| {
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        let source = Source::new(name.clone(), std::fs::read_to_string(&path).expect("a table"));
        let mut findings = Findings::default();
        let root = parse(&source, &mut findings).root;
        assert!(findings.is_empty(), "{name}: {}", told(&findings.into_vec()));
        (source, root.expect("a map"))
    };
    paths.into_iter().map(read).collect()
}

/// The rows under a key of all tables.
fn cases(section: &str) -> Vec<Case> {
    let mut cases = Vec::new();
    for (source, root) in tables() {
        let name = source.name();
        for row in root.key(section).and_then(Node::as_seq).unwrap_or_default() {
            let flow = text(row, "flow").or_else(|| text(&root, "flow")).expect("a flow");
            let edit = |node: &Node| match text(node, "delete") {
                Some(line) => (format!("{line}\n"), String::new()),
                None => {
                    let replace = text(node, "replace").expect("`replace` or `delete`");
                    (replace, text(node, "with").expect("`with` beside `replace`"))
                }
            };
            let mut edits: Vec<(String, String)> = match row.key("edits").and_then(Node::as_seq) {
                Some(several) => several.iter().map(edit).collect(),
                None => Vec::new(),
            };
            if row.key("replace").is_some() || row.key("delete").is_some() {
                edits.push(edit(row));
            }
            let file = |entry: &engine::flow::Entry| {
                let value = match (&entry.value.scalar(), text(&entry.value, "text")) {
                    (_, Some(text)) => Some(text.into_bytes()),
                    (Some(word), _) if word.text == "missing" => None,
                    (Some(word), _) => Some(bytes(&word.text).unwrap_or_else(|| panic!("{name}: {}", word.text))),
                    _ => panic!("{name}: a file is a word or a `text`"),
                };
                (entry.key.text.clone(), value)
            };
            let files = row.key("files").and_then(Node::as_map).unwrap_or_default();
            cases.push(Case {
                name: format!("{name}:{}", source.position(row.span.start).line),
                base: text(&root, "base").filter(|_| row.key("flow").is_none()),
                why: text(row, "why").expect("why"),
                of: text(row, "of").unwrap_or_else(|| flow.clone()),
                flow,
                edits,
                files: files.iter().map(file).collect(),
                finds: text(row, "finds").unwrap_or_default(),
                at: text(row, "at").unwrap_or_default(),
            });
        }
    }
    cases
}

/// What `validate` says of a flow in this project.
struct Said {
    findings: Vec<Finding>,
    proof: Option<Proof>,
}

fn said(path: &str, files: &dyn Files) -> Said {
    if path == CONFIGURATION {
        let findings = match config::read(path, &files.text(path).unwrap_or_default()) {
            Err(ConfigError::Findings(findings)) => findings.sorted().into_vec(),
            Err(other) => panic!("{other}"),
            Ok(_) => Vec::new(),
        };
        return Said { findings, proof: None };
    }
    let (mut compiled, proof) = proven(path, files);
    let findings = std::mem::take(&mut compiled.findings).sorted().into_vec();
    Said { findings, proof }
}

/// The project with a case's edits made; what is wrong with the case itself otherwise.
fn edited<'a>(case: &Case, disk: &'a Disk) -> Result<Edited<'a>, String> {
    let mut files: BTreeMap<String, Option<Vec<u8>>> = case.files.iter().cloned().collect();
    if let Some(base) = &case.base {
        files.insert(case.flow.clone(), Some(base.clone().into_bytes()));
    }
    if !case.edits.is_empty() {
        let project = Edited { disk, files };
        let mut text = project
            .text(&case.of)
            .ok_or_else(|| format!("{} is not there", case.of))?;
        files = project.files;
        for (from, to) in &case.edits {
            let found = text.matches(from.as_str()).count();
            if found != 1 {
                return Err(format!("{from:?} is found {found} times"));
            }
            text = text.replacen(from.as_str(), to, 1);
        }
        files.insert(case.of.clone(), Some(text.into_bytes()));
    }
    Ok(Edited { disk, files })
}

/// The findings, one line each.
fn told(findings: &[Finding]) -> String {
    let one = |finding: &Finding| {
        let (place, line) = (&finding.place, finding.place.line());
        let shown = place.source().line(line).trim().to_owned();
        format!(
            "    {} {}:{line} | {shown} | {}\n",
            finding.id,
            place.source().name(),
            finding.message
        )
    };
    findings.iter().map(one).collect()
}

/// Whether a finding stands where the case wants it.
fn stands(finding: &Finding, case: &Case) -> bool {
    let source = finding.place.source();
    let lines = source.text().lines().filter(|line| line.contains(&case.at)).count();
    finding.id == case.finds
        && (lines == 1 || case.at.is_empty())
        && source.line(finding.place.line()).contains(&case.at)
}

#[test]
fn whatever_hurts_a_caller_is_found_where_it_is_written() {
    let disk = Disk::new(here());
    let cases = cases("hurts");
    let mut wrong = Vec::new();
    for case in &cases {
        let title = format!("{} {} ({})", case.name, case.why, case.flow);
        let project = match edited(case, &disk) {
            Ok(project) => project,
            Err(fault) => {
                wrong.push(format!("{title}: {fault}\n"));
                continue;
            }
        };
        let said = said(&case.flow, &project);
        if !said.findings.iter().any(|finding| stands(finding, case)) {
            let instead = told(&said.findings);
            wrong.push(format!("{title}: no `{}` at `{}`\n{instead}", case.finds, case.at));
        } else if said.findings.len() > MOST_FINDINGS {
            wrong.push(format!("{title}: too much is told\n{}", told(&said.findings)));
        }
    }
    println!("{} mistakes, {} of them missed", cases.len(), wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {}\n{}",
        wrong.len(),
        cases.len(),
        wrong.concat()
    );
    let kinds: BTreeSet<&str> = cases.iter().map(|case| case.finds.as_str()).collect();
    assert!(cases.len() >= 80, "only {} mistakes are tried", cases.len());
    assert!(kinds.len() >= 40, "only {} kinds of finding are tried", kinds.len());
}

/// What is said of the untouched flow, without its lines.
fn known(findings: &[Finding]) -> BTreeSet<(&'static str, String)> {
    findings
        .iter()
        .map(|finding| (finding.id, finding.message.clone()))
        .collect()
}

/// What an edit raised that was not there before.
fn raised(before: &[Finding], after: Vec<Finding>) -> Vec<Finding> {
    let known = known(before);
    after
        .into_iter()
        .filter(|finding| !known.contains(&(finding.id, finding.message.clone())))
        .collect()
}

#[test]
fn whatever_hurts_nobody_raises_nothing() {
    let disk = Disk::new(here());
    let mut untouched: BTreeMap<String, Vec<Finding>> = BTreeMap::new();
    let mut cases = cases("harmless");
    for flow in BUNDLED {
        cases.extend(mechanical(flow));
    }
    let mut wrong = Vec::new();
    for case in &cases {
        let title = format!("{} {} ({})", case.name, case.why, case.flow);
        let project = match edited(case, &disk) {
            Ok(project) => project,
            Err(fault) => {
                wrong.push(format!("{title}: {fault}\n"));
                continue;
            }
        };
        let before = untouched.entry(case.flow.clone()).or_insert_with(|| {
            let bare = Case {
                edits: Vec::new(),
                files: Vec::new(),
                ..case.clone()
            };
            said(&case.flow, &edited(&bare, &disk).expect("nothing is edited")).findings
        });
        let said = said(&case.flow, &project);
        let raised = raised(before, said.findings);
        if !raised.is_empty() {
            wrong.push(format!("{title}: a false alarm\n{}", told(&raised)));
        }
        if said
            .proof
            .is_some_and(|proof| !proof.complete || proof.silence.millis > proof.limit)
        {
            wrong.push(format!("{title}: is not proven\n"));
        }
    }
    println!("{} harmless edits, {} of them complained of", cases.len(), wrong.len());
    assert!(
        wrong.is_empty(),
        "{} of {}\n{}",
        wrong.len(),
        cases.len(),
        wrong.concat()
    );
    assert!(cases.len() >= 100, "only {} edits are tried", cases.len());
}

/// The flows that come with the engine.
const BUNDLED: [&str; 3] = ["flows/menu.yaml", "flows/receptionist.yaml", "flows/voicemail.yaml"];

/// Edits that any editor, formatter or tidy person makes, whatever the flow says.
fn mechanical(flow: &str) -> Vec<Case> {
    let text = std::fs::read_to_string(here().join(flow)).expect("a flow");
    let lines: Vec<&str> = text.lines().collect();
    let each = |change: &dyn Fn(&str) -> String| lines.iter().map(|line| change(line)).collect::<String>();
    let mut made: Vec<(String, String)> = vec![
        (
            "a comment before every line".to_owned(),
            each(&|line| format!("# more of it\n{line}\n")),
        ),
        (
            "a blank line after every line".to_owned(),
            each(&|line| format!("{line}\n\n")),
        ),
        (
            "spaces at the end of every line".to_owned(),
            each(&|line| format!("{line}   \n")),
        ),
        (
            "a comment at the end of every line".to_owned(),
            each(&|line| format!("{line}   # so it is\n")),
        ),
        (
            "line ends of another system".to_owned(),
            each(&|line| format!("{line}\r\n")),
        ),
        ("no line end at the end".to_owned(), text.trim_end().to_owned()),
        ("the file begins with `---`".to_owned(), format!("---\n{text}")),
    ];
    let schema = engine::compile::schema();
    if let Ok(tidy) = engine::edit::format(flow, &text, Some(&schema)) {
        made.push(("as `engine fmt` writes it".to_owned(), tidy));
    }
    let blocks = steps_of(&lines);
    for (name, _) in &blocks {
        made.push((
            format!("`{name}` has another name"),
            renamed(&text, name, &format!("{name}_2nd")),
        ));
    }
    for pair in blocks.windows(2) {
        let [(first, one), (second, two)] = pair else { continue };
        let swapped = [
            &lines[..one.start],
            &lines[two.clone()],
            &lines[one.clone()],
            &lines[two.end..],
        ]
        .concat();
        made.push((format!("`{second}` stands before `{first}`"), swapped.join("\n") + "\n"));
    }
    let case = |(why, new): (String, String)| Case {
        name: "each line".to_owned(),
        flow: flow.to_owned(),
        base: None,
        why,
        of: flow.to_owned(),
        edits: vec![(text.clone(), new)],
        files: Vec::new(),
        finds: String::new(),
        at: String::new(),
    };
    made.into_iter().map(case).collect()
}

/// The steps of a bundled flow and their lines, blank lines behind them included.
fn steps_of(lines: &[&str]) -> Vec<(String, std::ops::Range<usize>)> {
    let begin = lines.iter().position(|line| *line == "steps:").expect("steps") + 1;
    let length = lines[begin..]
        .iter()
        .take_while(|line| line.is_empty() || line.starts_with(' '))
        .count();
    let end = begin + length;
    let heads: Vec<usize> = (begin..end)
        .filter(|at| lines[*at].starts_with("  ") && !lines[*at][2..].starts_with(' '))
        .collect();
    let ends = heads.iter().skip(1).copied().chain([end]);
    let block = |(from, to): (&usize, usize)| (lines[*from].trim().trim_end_matches(':').to_owned(), *from..to);
    heads.iter().zip(ends).map(block).collect()
}

/// A whole word by another one.
fn renamed(text: &str, word: &str, other: &str) -> String {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut new = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(word) {
        let (before, behind) = (&rest[..at], &rest[at + word.len()..]);
        let inside = before.ends_with(is_word) || behind.starts_with(is_word);
        new.push_str(before);
        new.push_str(if inside { word } else { other });
        rest = behind;
    }
    new + rest
}

/// Lines that may go without a word, with what then happens: the tables' `deletable`.
fn deletable(flow: &str) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    for (_, root) in tables() {
        if text(&root, "flow").as_deref() != Some(flow) {
            continue;
        }
        for row in root.key("deletable").and_then(Node::as_seq).unwrap_or_default() {
            lines.insert(
                text(row, "line").expect("a line"),
                text(row, "then").expect("what then"),
            );
        }
    }
    lines
}

#[test]
fn no_line_can_be_lost_without_a_word_unless_the_calls_are_still_good() {
    let disk = Disk::new(here());
    let mut wrong = Vec::new();
    for flow in BUNDLED {
        let text = std::fs::read_to_string(here().join(flow)).expect("a flow");
        let lines: Vec<&str> = text.lines().collect();
        let without = |at: usize| -> String {
            let kept = lines.iter().enumerate().filter(|(line, _)| *line != at);
            kept.map(|(_, line)| format!("{line}\n")).collect()
        };
        let whole = said(flow, &disk).proof.expect("it is proven");
        let (mut found, mut proven, mut empty) = (0, 0, 0);
        let mut silent = BTreeSet::new();
        for (at, line) in lines.iter().enumerate() {
            let content = line.trim();
            if content.is_empty() || content.starts_with('#') {
                empty += 1;
                continue;
            }
            let files = BTreeMap::from([(flow.to_owned(), Some(without(at).into_bytes()))]);
            let said = said(flow, &Edited { disk: &disk, files });
            if !said.findings.is_empty() {
                found += 1;
                continue;
            }
            proven += 1;
            silent.insert(content.to_owned());
            let title = format!("{flow}:{} {content}", at + 1);
            match said.proof {
                Some(proof) if !proof.complete => wrong.push(format!("{title}: nothing is proven\n")),
                Some(proof) if proof.silence.millis > proof.limit => {
                    wrong.push(format!("{title}: {proof}, and nobody says so\n"));
                }
                Some(proof) if proof.limit > whole.limit => wrong.push(format!("{title}: more silence is allowed\n")),
                Some(_) => {}
                None => wrong.push(format!("{title}: neither found nor proven\n")),
            }
        }
        println!("{flow}: {found} lost lines are found, {proven} leave a flow that is proven, {empty} say nothing");
        let known = deletable(flow);
        for line in silent.iter().filter(|line| !known.contains_key(*line)) {
            wrong.push(format!("{flow}: `{line}` is lost without a word; is it missed?\n"));
        }
        for line in known.keys().filter(|line| !silent.contains(*line)) {
            wrong.push(format!("{flow}: `{line}` is `deletable` in vain\n"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.concat());
}
