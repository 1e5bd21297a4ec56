//! `action.yml`: its steps are taken out and run as a runner runs them, with the engine of this build.

use super::{Repository, command, path_with_engine, stderr, stdout, text, yaml};
use engine::flow::Node;
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Output;

/// The action, and the folder of the runner that has it at work.
struct Runner {
    action: Node,
    inputs: BTreeMap<String, String>,
    /// `GITHUB_OUTPUT`, `GITHUB_PATH`, `GITHUB_STEP_SUMMARY` and `RUNNER_TEMP` are in here.
    temp: tempfile::TempDir,
    server: String,
    /// Goes before everything else on the search path.
    first: Option<PathBuf>,
}

impl Runner {
    fn new(inputs: &[(&str, &str)]) -> Self {
        let action = yaml("action.yml");
        let declared = action.key("inputs").and_then(Node::as_map).expect("inputs");
        let mut all: BTreeMap<String, String> = declared
            .iter()
            .map(|entry| (entry.key.text.clone(), text(&entry.value, "default").to_owned()))
            .collect();
        for (name, value) in inputs {
            let known = all.insert((*name).to_owned(), (*value).to_owned());
            assert!(known.is_some(), "there is no input `{name}`");
        }
        Self {
            action,
            inputs: all,
            temp: tempfile::tempdir().expect("a folder"),
            server: "http://127.0.0.1:9".to_owned(),
            first: None,
        }
    }

    /// Runs the step with this id as `shell: bash` is run.
    fn step(&self, id: &str, workspace: &Path) -> Output {
        let steps = self.action.key("runs").and_then(|runs| runs.key("steps"));
        let steps = steps.and_then(Node::as_seq).expect("steps");
        let step = steps.iter().find(|step| text(step, "id") == id).expect("the step");
        assert_eq!(text(step, "shell"), "bash");
        let script = text(step, "run");
        assert!(!script.contains("${{"), "what others write must not become a program");
        let file = self.file("script.sh");
        std::fs::write(&file, script).expect("written");

        let folder = match text(step, "working-directory") {
            "" => workspace.to_owned(),
            folder => workspace.join(self.evaluated(folder)),
        };
        let mut bash = command("bash", &folder);
        bash.args(["--noprofile", "--norc", "-eo", "pipefail"]).arg(&file);
        for entry in step.key("env").and_then(Node::as_map).unwrap_or_default() {
            let value = entry.value.scalar().expect("a text");
            bash.env(&entry.key.text, self.evaluated(&value.text));
        }
        if let Some(first) = &self.first {
            let others = path_with_engine();
            let all = std::iter::once(first.clone()).chain(std::env::split_paths(&others));
            bash.env("PATH", std::env::join_paths(all).expect("a search path"));
        }
        bash.envs([("GITHUB_ACTIONS", "true"), ("GITHUB_SERVER_URL", &self.server)])
            .env("GITHUB_WORKSPACE", workspace)
            .env("GITHUB_OUTPUT", self.file("output"))
            .env("GITHUB_PATH", self.file("path"))
            .env("GITHUB_STEP_SUMMARY", self.file("summary.md"))
            .env("RUNNER_TEMP", self.temp.path());
        bash.output().expect("bash")
    }

    fn evaluated(&self, written: &str) -> String {
        let Some(name) = written.strip_prefix("${{ ").and_then(|rest| rest.strip_suffix(" }}")) else {
            assert!(!written.contains("${{"), "not understood: {written}");
            return written.to_owned();
        };
        match name {
            "github.action_path" => env!("CARGO_MANIFEST_DIR").to_owned(),
            "github.action_repository" => "somebody/engine".to_owned(),
            "github.action_ref" => "v1".to_owned(),
            name => {
                let input = name.strip_prefix("inputs.").and_then(|name| self.inputs.get(name));
                input.unwrap_or_else(|| panic!("there is no `{name}`")).clone()
            }
        }
    }

    fn file(&self, name: &str) -> PathBuf {
        self.temp.path().join(name)
    }

    fn written(&self, name: &str) -> String {
        std::fs::read_to_string(self.file(name)).unwrap_or_default()
    }

    /// Puts a program before all others.
    fn stand_in(&mut self, name: &str, script: &str) {
        use std::os::unix::fs::PermissionsExt;
        let folder = self.file("stand-ins");
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join(name);
        std::fs::write(&file, format!("#!/usr/bin/env bash\n{script}\n")).expect("written");
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).expect("executable");
        self.first = Some(folder);
    }
}

#[test]
fn a_good_project_passes_and_a_line_less_is_annotated_where_it_is_missed() {
    let repository = Repository::new();
    let runner = Runner::new(&[("working-directory", "voice")]);
    let good = runner.step("validate", repository.path());
    assert_eq!(good.status.code(), Some(0), "{}", stderr(&good));
    assert_eq!(runner.written("output"), "sarif=engine.sarif\nproblems=false\n");
    assert!(!stderr(&good).contains("::"), "{}", stderr(&good));

    let line = repository.without("  goodbye:", "next: goodbye");
    let runner = Runner::new(&[("working-directory", "voice")]);
    let bad = runner.step("validate", repository.path());
    assert_eq!(bad.status.code(), Some(1), "{}", stderr(&bad));
    assert_eq!(runner.written("output"), "sarif=engine.sarif\nproblems=true\n");
    let first = format!("::error file=voice/flows/voice.yaml,line={line},endLine={line},");
    let said = stderr(&bad);
    assert!(said.lines().next().is_some_and(|one| one.starts_with(&first)), "{said}");
    let row = format!("| error | `unknown-step` | voice/flows/voice.yaml:{line}:");
    assert!(
        runner.written("summary.md").contains(&row),
        "{}",
        runner.written("summary.md")
    );

    let report = std::fs::read(repository.path().join("voice/engine.sarif")).expect("the report");
    let report: serde_json::Value = serde_json::from_slice(&report).expect("JSON");
    let place = &report["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(place["artifactLocation"]["uri"], "voice/flows/voice.yaml");
    assert_eq!(place["region"]["startLine"], line);
}

#[test]
fn the_documentation_names_every_input_and_its_default() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md");
    let documentation = std::fs::read_to_string(file).expect("the documentation");
    for (name, default) in Runner::new(&[]).inputs {
        let row = match default.as_str() {
            "" => format!("\n| `{name}` | "),
            default => format!("\n| `{name}` | `{default}` | "),
        };
        assert!(documentation.contains(&row), "{row}");
    }
}

#[test]
fn inputs_say_what_is_validated_and_how() {
    let repository = Repository::new();
    let copy = repository.path().join("voice/flows/b c.yaml");
    let text = std::fs::read_to_string(repository.flow()).expect("the flow");
    std::fs::write(
        copy,
        text.replace("    hangup: {}", "    hangup: {}\n    next: greeting"),
    )
    .expect("written");
    let cases: &[(&[(&str, &str)], i32)] = &[
        (&[], 0),
        (&[("fail-level", "warning")], 1),
        (&[("fail-level", "warning"), ("ignore", "unused-next")], 0),
        (
            &[
                ("fail-level", "warning"),
                ("paths", "flows/voice.yaml\nflows/voice.yaml"),
            ],
            0,
        ),
        (&[("paths", "flows/none.yaml")], 2),
        (&[("ignore", "no-such-check")], 2),
        (&[("paths", "$(touch made) ; touch made")], 2),
    ];
    for (inputs, code) in cases {
        let mut inputs = inputs.to_vec();
        inputs.push(("working-directory", "voice"));
        let runner = Runner::new(&inputs);
        let output = runner.step("validate", repository.path());
        assert_eq!(output.status.code(), Some(*code), "{inputs:?}: {}", stderr(&output));
        assert_eq!(runner.written("output").contains("sarif="), *code < 2, "{inputs:?}");
    }
    assert!(!repository.path().join("voice/made").exists());
}

#[test]
fn scenarios_are_played_where_there_are_any_and_the_engine_can() {
    let repository = Repository::new();
    let record = r#"echo "$*" >>"$RUNNER_TEMP/called""#;
    let mut runner = Runner::new(&[("working-directory", "voice")]);
    runner.stand_in("engine", record);
    let played = runner.step("test", repository.path());
    assert_eq!(played.status.code(), Some(0), "{}", stderr(&played));
    let called = runner.written("called");
    assert_eq!(called, "help test\ntest --junit engine-junit.xml scenarios\n");
    assert_eq!(runner.written("output"), "junit=engine-junit.xml\n");

    let mut runner = Runner::new(&[("working-directory", "voice")]);
    runner.stand_in("engine", &format!("{record}; exit 1"));
    let too_old = runner.step("test", repository.path());
    assert_eq!(too_old.status.code(), Some(0));
    assert!(
        stdout(&too_old).starts_with("::notice title=engine::"),
        "{}",
        stdout(&too_old)
    );
    assert_eq!(runner.written("called"), "help test\n");

    let mut runner = Runner::new(&[("working-directory", "voice"), ("scenarios", "none")]);
    runner.stand_in("engine", record);
    assert_eq!(runner.step("test", repository.path()).status.code(), Some(0));
    assert_eq!(runner.written("called"), "");
}

/// Serves a release's archive and its sum, until the test ends.
fn releases(archive: Vec<u8>, sum: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.expect("a connection");
            let mut lines = BufReader::new(connection.try_clone().expect("a handle")).lines();
            let request = lines.next().expect("a request").expect("a line");
            // The head has to be read before the connection is closed.
            while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
            let path = request.split(' ').nth(1).expect("a path");
            let name = path.strip_prefix("/somebody/engine/releases/download/v1/");
            let body = match name {
                Some(name) if name.ends_with(".tar.gz") => archive.clone(),
                Some(name) => format!("{sum}  {}\n", name.trim_end_matches(".sha256")).into_bytes(),
                None => Vec::new(),
            };
            let head = format!(
                "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
                body.len()
            );
            let _gone = connection
                .write_all(head.as_bytes())
                .and_then(|()| connection.write_all(&body));
        }
    });
    format!("http://{address}")
}

/// An archive with a program in it, and the archive's sum.
fn archive(folder: &Path) -> (Vec<u8>, String) {
    std::fs::write(folder.join("engine"), "#!/usr/bin/env bash\necho released\n").expect("written");
    let script = "chmod +x engine && tar -czf a.tar.gz engine && sha256sum a.tar.gz";
    let output = command("bash", folder).args(["-c", script]).output().expect("bash");
    let sum = stdout(&output).split(' ').next().expect("a sum").to_owned();
    (std::fs::read(folder.join("a.tar.gz")).expect("the archive"), sum)
}

#[test]
fn a_release_is_installed_only_where_its_sum_is_right() {
    let folder = tempfile::tempdir().expect("a folder");
    let (archive, sum) = archive(folder.path());

    let mut runner = Runner::new(&[]);
    runner.server = releases(archive.clone(), sum.clone());
    let output = runner.step("install", folder.path());
    assert_eq!(output.status.code(), Some(0), "{}{}", stdout(&output), stderr(&output));
    let bin = runner.file("engine/bin");
    assert_eq!(runner.written("path"), format!("{}\n", bin.display()));
    let installed = command(bin.join("engine").to_str().expect("UTF-8"), folder.path()).output();
    assert_eq!(stdout(&installed.expect("the program")), "released\n");

    let mut runner = Runner::new(&[]);
    runner.server = releases(archive, sum.chars().rev().collect());
    let output = runner.step("install", folder.path());
    assert_eq!(output.status.code(), Some(1));
    assert!(
        stdout(&output).starts_with("::error title=engine::the sum of engine-"),
        "{}",
        stdout(&output)
    );
    assert!(!runner.file("engine/bin/engine").exists());
}

#[test]
fn without_a_release_the_source_is_built() {
    let folder = tempfile::tempdir().expect("a folder");
    let record = r#"echo "$*" >>"$RUNNER_TEMP/called""#;
    // Nobody answers where releases would be.
    for (install, code, built) in [
        ("auto", 0, true),
        ("source", 0, true),
        ("release", 1, false),
        ("path", 0, false),
        ("x", 2, false),
    ] {
        let mut runner = Runner::new(&[("install", install)]);
        runner.stand_in("cargo", record);
        let output = runner.step("install", folder.path());
        assert_eq!(output.status.code(), Some(code), "{install}: {}", stderr(&output));
        let source = env!("CARGO_MANIFEST_DIR");
        let root = runner.file("engine");
        let wanted = format!("install --locked --path {source} --root {}\n", root.display());
        assert_eq!(
            runner.written("called"),
            if built { wanted } else { String::new() },
            "{install}"
        );
        assert_eq!(runner.written("path").is_empty(), !built, "{install}");
    }
}
