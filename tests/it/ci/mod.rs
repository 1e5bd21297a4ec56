//! What CI servers get: reports in every format, the action of GitHub, the hooks of pre-commit.

mod action;
mod hooks;
mod made;
mod reports;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// A folder that is a repository, with an example project in it.
struct Repository {
    folder: tempfile::TempDir,
}

impl Repository {
    /// With the project `voice`, as `engine new` makes it.
    fn new() -> Self {
        let repository = Self {
            folder: tempfile::tempdir().expect("a folder"),
        };
        let made = engine(repository.path()).args(["new", "voice"]).output();
        assert!(made.expect("the engine").status.success());
        repository
    }

    fn path(&self) -> &Path {
        self.folder.path()
    }

    fn flow(&self) -> PathBuf {
        self.path().join("voice/flows/voice.yaml")
    }

    /// Takes a step out of the flow and returns the number of another line, after that.
    fn without(&self, line: &str, other: &str) -> usize {
        let text = std::fs::read_to_string(self.flow()).expect("the flow");
        let mut inside = false;
        let mut left: Vec<&str> = Vec::new();
        for one in text.lines() {
            inside = one == line || inside && one.starts_with("    ");
            if !inside {
                left.push(one);
            }
        }
        assert!(left.len() < text.lines().count(), "the step is there");
        std::fs::write(self.flow(), left.join("\n") + "\n").expect("written");
        let at = left.iter().position(|one| one.contains(other));
        at.expect("the other line") + 1
    }
}

/// A command in an environment that is nobody's: no CI server, no settings.
fn command(program: &str, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env_clear().env("PATH", path_with_engine()).current_dir(folder);
    command
}

fn engine(folder: &Path) -> Command {
    command(env!("CARGO_BIN_EXE_engine"), folder)
}

/// The search path with the engine of this build first.
fn path_with_engine() -> std::ffi::OsString {
    let engine = Path::new(env!("CARGO_BIN_EXE_engine"));
    let first = engine.parent().expect("a folder").to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let all = std::iter::once(first).chain(std::env::split_paths(&others));
    std::env::join_paths(all).expect("a search path")
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).expect("UTF-8")
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).expect("UTF-8")
}

/// A YAML file of this repository, read by the engine's own reader.
fn yaml(path: &str) -> engine::flow::Node {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    let text = std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"));
    let source = engine::flow::Source::new(path, text);
    let mut findings = engine::flow::Findings::new();
    let document = engine::flow::parse(&source, &mut findings);
    assert!(findings.is_empty(), "{path}: {findings:?}");
    document.root.expect("a document")
}

/// The text under a key; empty where there is none.
fn text<'a>(node: &'a engine::flow::Node, key: &str) -> &'a str {
    node.key(key)
        .and_then(|value| value.scalar())
        .map_or("", |scalar| scalar.text.as_str())
}
