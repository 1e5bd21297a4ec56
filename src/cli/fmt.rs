//! `engine fmt`: files in their canonical form, or untouched.

use super::edited::{self, Replaced};
use super::{Exit, logs};
use crate::check::checked;
use crate::edit::format;
use crate::flow::{Findings, Severity, Source, parse};
use crate::line::{ConfigError, Disk, config};
use serde_json::Value;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// Brings flows, scenarios and `engine.yaml` into one form: keys in order, comments kept.
#[derive(Debug, clap::Args)]
pub struct Fmt {
    /// Files or folders; `-` formats standard input. Default: `flows/`, `scenarios/` and `engine.yaml`.
    paths: Vec<PathBuf>,
    /// Writes nothing; fails where a file would be changed.
    #[arg(long)]
    check: bool,
    /// Writes nothing; prints what would be changed.
    #[arg(long)]
    diff: bool,
    /// What standard input is called.
    #[arg(long, default_value = "flows/stdin.yaml")]
    stdin_name: PathBuf,
}

pub(super) fn run(args: &Fmt) -> Exit {
    logs::start("error", false);
    match all(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn all(args: &Fmt) -> Result<Exit, Exit> {
    if args.paths.iter().any(|path| path.as_os_str() == "-") {
        return stdin(args);
    }
    let mut worst = Exit::Done;
    let files = files(&args.paths)?;
    if files.is_empty() {
        eprintln!("there is no file to format; name one, or put flows under `flows/`");
        return Ok(Exit::NothingToDo);
    }
    for path in files {
        let old = edited::text(&path)?;
        let new = match formatted(&path, &old) {
            Ok(new) => new,
            Err(why) => {
                eprintln!("error: {why}");
                worst = Exit::Problems;
                continue;
            }
        };
        if new == old {
            continue;
        }
        let name = path.display().to_string();
        if args.diff {
            super::output::print(&edited::diff(&name, &old, &new));
        } else if args.check {
            super::output::say!("{name} is not formatted");
        } else {
            edited::write(&path, &old, &new)?;
            super::output::say!("formatted {name}");
        }
        if args.check {
            worst = Exit::Problems;
        }
    }
    Ok(worst)
}

fn stdin(args: &Fmt) -> Result<Exit, Exit> {
    if args.paths.len() > 1 {
        eprintln!("error: `-` stands alone");
        return Err(Exit::Usage);
    }
    let old = edited::stdin()?;
    let new = match formatted(&args.stdin_name, &old) {
        Ok(new) => new,
        Err(why) => {
            eprintln!("error: {why}");
            return Ok(Exit::Problems);
        }
    };
    if args.diff {
        super::output::print(&edited::diff(&args.stdin_name.to_string_lossy(), &old, &new));
    } else if !args.check {
        super::output::print(&new);
    }
    Ok(if args.check && new != old {
        Exit::Problems
    } else {
        Exit::Done
    })
}

/// The files to format, each once.
fn files(paths: &[PathBuf]) -> Result<BTreeSet<PathBuf>, Exit> {
    let mut files = BTreeSet::new();
    if paths.is_empty() {
        for folder in ["flows", "scenarios"] {
            files.extend(edited::yaml_under(Path::new(folder)));
        }
        files.extend(Some(PathBuf::from("engine.yaml")).filter(|path| path.is_file()));
    }
    for path in paths {
        if path.is_dir() {
            files.extend(edited::yaml_under(path));
        } else if path.is_file() {
            files.insert(path.clone());
        } else {
            eprintln!("error: there is no file `{}`", path.display());
            return Err(Exit::Usage);
        }
    }
    Ok(files)
}

/// What a file holds, by its name and keys.
#[derive(Clone, Copy)]
enum Holds {
    Flow,
    Scenario,
    Engine,
    /// Something else; its keys stay in their order.
    Other,
}

impl Holds {
    fn of(path: &Path, text: &str) -> Self {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if matches!(name, "engine.yaml" | "engine.yml") {
            return Self::Engine;
        }
        let document = parse(&Source::new(name, text), &mut Findings::new());
        let has = |key: &str| document.root.as_ref().is_some_and(|root| root.key(key).is_some());
        if has("scenario") {
            Self::Scenario
        } else if has("flow") || has("steps") {
            Self::Flow
        } else {
            Self::Other
        }
    }

    fn schema(self) -> Option<Value> {
        match self {
            Self::Flow => Some(crate::compile::schema()),
            Self::Scenario => Some(super::schema::scenario_schema()),
            Self::Engine => Some(super::schema::engine_schema()),
            Self::Other => None,
        }
    }

    /// What is found in the file, but for where: it must not change.
    fn found(self, path: &Path, text: &str) -> Vec<(&'static str, Severity, Vec<String>, String)> {
        let findings = match self {
            Self::Flow => {
                let (root, inside) = edited::inside(path);
                let disk = Disk::new(root);
                let files = Replaced {
                    disk: &disk,
                    path: &inside,
                    text,
                };
                checked(&inside, &files).findings
            }
            Self::Scenario => crate::trial::read(&path.to_string_lossy(), text).findings,
            Self::Engine => match config::read("engine.yaml", text) {
                Err(ConfigError::Findings(findings)) => findings,
                _ => Findings::new(),
            },
            Self::Other => Findings::new(),
        };
        let one = |finding: crate::flow::Finding| (finding.id, finding.severity, finding.path, finding.label);
        let mut found: Vec<_> = findings.into_iter().map(one).collect();
        found.sort();
        found
    }
}

/// A file's canonical text, or why it has none.
fn formatted(path: &Path, old: &str) -> Result<String, String> {
    let holds = Holds::of(path, old);
    let new = format(&path.to_string_lossy(), old, holds.schema().as_ref()).map_err(|refusal| refusal.to_string())?;
    if new != old && holds.found(path, old) != holds.found(path, &new) {
        return Err(format!(
            "{}: the result would not have the same findings",
            path.display()
        ));
    }
    Ok(new)
}
