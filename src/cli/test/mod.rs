//! `engine test`: scenarios on virtual time. Nothing is written but what is asked for, and no network is used.

mod covered;
mod results;
mod show;
mod watch;

use super::output::Colour;
use super::{Exit, edited, logs, output};
use crate::flow::suggest;
use crate::report::suites;
use results::{Outcome, Results};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Plays scenarios on virtual time.
#[derive(Clone, Debug, clap::Args)]
pub struct Test {
    /// Scenario files or folders. Default: every scenario under `scenarios/`.
    paths: Vec<PathBuf>,
    /// Plays only scenarios with this in their name or file; upper and lower case are one.
    #[arg(short = 'k', value_name = "PATTERN")]
    pattern: Option<String>,
    /// How results are printed. Default: `human` on a terminal, else `plain`.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Writes the results as JUnit's XML.
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Prints which steps and outcomes no scenario comes to; with a number, fails below so many percent.
    #[arg(long, value_name = "MIN", num_args = 0..=1, require_equals = true, default_missing_value = "0", value_parser = clap::value_parser!(u8).range(0..=100))]
    coverage: Option<u8>,
    /// Writes how often each step and outcome was come to, for `engine graph --coverage`.
    #[arg(long, value_name = "FILE")]
    coverage_out: Option<PathBuf>,
    /// Lists the scenarios, and plays none.
    #[arg(long)]
    list: bool,
    /// Plays them again whenever a scenario, a flow or something that it names changes.
    #[arg(long, conflicts_with_all = ["list"])]
    watch: bool,
    /// No scenario at all is fine.
    #[arg(long)]
    allow_empty: bool,
    /// Prints a line for every scenario.
    #[arg(short, long)]
    verbose: bool,
    /// When output is coloured.
    #[arg(long, value_enum, default_value_t = Colour::Auto, env = "ENGINE_COLOR")]
    color: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// For people at a terminal.
    Human,
    /// In sentences, for a screen reader or a log.
    Plain,
    /// One line for each failure, as editors' problem matchers read it.
    Concise,
    /// One JSON document.
    Json,
    /// JUnit's XML.
    Junit,
}

pub(super) fn run(args: &Test) -> Exit {
    logs::start("error", false);
    if args.watch {
        return watch::watch(args);
    }
    once(args)
}

/// One run over all scenarios.
fn once(args: &Test) -> Exit {
    let files = match files(args) {
        Ok(files) => files,
        Err(exit) => return exit,
    };
    let read = results::read(&files);
    if args.list {
        return list(args, &read);
    }
    let results = results::play(&read, |title, file| chosen(args, title, file));
    if results.all.is_empty() && results.findings.is_empty() {
        return nothing(args, &results);
    }
    let terminal = std::io::stdout().is_terminal();
    let format = args
        .format
        .unwrap_or(if terminal { Format::Human } else { Format::Plain });
    let colour = args.color.on(terminal);
    output::print(&match format {
        Format::Human => show::people(&results, args.verbose, colour),
        Format::Plain => show::people(&results, args.verbose, false),
        Format::Concise => show::concise(&results),
        Format::Json => show::json(&results),
        Format::Junit => suites::write("engine test", &show::suites(&results)),
    });
    let mut exit = if results.failed() { Exit::Problems } else { Exit::Done };
    if let Some(file) = &args.junit
        && let Err(problem) = written(file, &suites::write("engine test", &show::suites(&results)))
    {
        exit = problem;
    }
    if let Some(file) = &args.coverage_out {
        let json = serde_json::to_string_pretty(&results.coverage.visits()).unwrap_or_default();
        if let Err(problem) = written(file, &format!("{json}\n")) {
            exit = problem;
        }
    }
    if let Some(least) = args.coverage {
        let text = covered::told(&results.coverage);
        // A document on standard output is read by a machine.
        match format {
            Format::Human | Format::Plain => output::print(&text),
            _ => eprint!("{text}"),
        }
        let total = results.coverage.total();
        let played = total.all > 0;
        let total = total.percent();
        if played && total < usize::from(least) {
            eprintln!("the coverage of {total} % is below the {least} % that are asked for");
            exit = if exit == Exit::Done { Exit::Problems } else { exit };
        }
    }
    exit
}

fn written(file: &Path, text: &str) -> Result<(), Exit> {
    std::fs::write(file, text).map_err(|error| {
        eprintln!("error: `{}` cannot be written: {error}", file.display());
        Exit::Usage
    })
}

fn files(args: &Test) -> Result<Vec<PathBuf>, Exit> {
    if args.paths.is_empty() {
        return Ok(edited::yaml_under(Path::new("scenarios")));
    }
    let mut files = Vec::new();
    for path in &args.paths {
        if path.is_dir() {
            files.extend(edited::yaml_under(path));
        } else if path.is_file() {
            files.push(path.clone());
        } else {
            eprintln!("error: there is no scenario `{}`", path.display());
            eprintln!("help: {}", elsewhere(path));
            return Err(Exit::Usage);
        }
    }
    files.dedup();
    Ok(files)
}

/// Where a file that is not there may be meant to be: beside its place, or among the project's scenarios.
fn elsewhere(path: &Path) -> String {
    let folders = path.parent().into_iter().chain([Path::new("scenarios")]);
    let files: Vec<PathBuf> = folders
        .filter(|folder| !folder.as_os_str().is_empty())
        .flat_map(edited::yaml_under)
        .collect();
    let same_name = files.iter().find(|file| file.file_stem() == path.file_stem());
    let names = files.iter().filter_map(|file| file.to_str());
    let near = same_name
        .and_then(|file| file.to_str())
        .or_else(|| suggest::nearest(path.to_str()?, names));
    match near {
        Some(near) => format!("did you mean `{near}`?"),
        None => "give the path of a scenario file, or of a folder of them".to_owned(),
    }
}

fn chosen(args: &Test, title: &str, file: &str) -> bool {
    let Some(pattern) = &args.pattern else { return true };
    let pattern = pattern.to_lowercase();
    title.to_lowercase().contains(&pattern) || file.to_lowercase().contains(&pattern)
}

/// Nothing was played.
fn nothing(args: &Test, results: &Results) -> Exit {
    if args.allow_empty {
        return Exit::Done;
    }
    match &args.pattern {
        Some(pattern) if !results.titles.is_empty() => {
            eprintln!("no scenario has `{pattern}` in its name or file");
            let words = results
                .titles
                .iter()
                .flat_map(|title| title.split(|c: char| !c.is_alphanumeric()));
            match suggest::nearest(pattern, words.filter(|word| !word.is_empty())) {
                Some(near) => eprintln!("help: did you mean `-k {near}`?"),
                None => eprintln!("help: `engine test --list` shows them all"),
            }
        }
        _ => none(args),
    }
    Exit::NothingToDo
}

/// There is no scenario at all: what a first one would look like, for a flow that is here.
fn none(args: &Test) {
    match args.paths.as_slice() {
        [] if Path::new("scenarios").is_dir() => {
            eprintln!("there is no scenario to play: no `.yaml` under `scenarios/`")
        }
        [] => eprintln!("there is no scenario to play: no folder `scenarios` here"),
        _ => eprintln!("there is no scenario to play: no `.yaml` in what was named"),
    }
    if !args.paths.is_empty() {
        return;
    }
    match edited::yaml_under(Path::new("flows")).first() {
        Some(flow) => {
            let flow = flow.to_string_lossy().replace('\\', "/");
            eprintln!("help: write a first one, such as `scenarios/first.yaml`:");
            eprintln!("    scenario: somebody calls and hears something until the end");
            eprintln!("    flow: ../{flow}");
            eprintln!("    caller: wait prompt");
            eprintln!("    expect: {{silence: 8s}}");
        }
        None => eprintln!("help: `engine new NAME` makes a project with a flow and a scenario for it"),
    }
}

fn list(args: &Test, read: &results::Read) -> Exit {
    let mut any = false;
    for (file, scenario) in read.scenarios() {
        let title = scenario.title();
        if chosen(args, &title, file) {
            any = true;
            output::say!("{file}:{}  {title}", scenario.place.line());
        }
    }
    let findings = read.findings();
    if !findings.is_empty() {
        eprint!("{}", show::findings(&findings, false));
        return Exit::Problems;
    }
    match any || args.allow_empty {
        true => Exit::Done,
        false => {
            none(args);
            Exit::NothingToDo
        }
    }
}

impl Results {
    /// Whether anything did not come as it must.
    fn failed(&self) -> bool {
        let failed =
            |outcome: &Outcome| matches!(outcome, Outcome::Failed(_) | Outcome::Broken | Outcome::Unexpected(_));
        !self.findings.is_empty() || self.all.iter().any(|one| failed(&one.outcome))
    }
}
