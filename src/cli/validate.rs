//! `engine validate`: everything that can be known of a flow without touching anything.

use super::ci;
use super::edited::{self, Replaced};
use super::fix::Fixing;
use super::gathered::{Gathered, prefix_of};
use super::output::Colour;
use super::run::located;
use super::{Exit, logs};
use crate::check::ALL;
use crate::compile::Compiled;
use crate::flow::{Severity, suggest};
use crate::graph::{FlowVisits, Visits};
use crate::line::Disk;
use crate::prove::{Proof, proven};
use crate::report::Format;
use clap::builder::{FalseyValueParser, PossibleValuesParser, TypedValueParser};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Checks flows: no network, no database, no secrets; nothing is written but by `--fix`.
#[derive(Debug, clap::Args)]
pub struct Validate {
    /// Flow files or folders; `-` reads one from standard input. Default: every flow under `flows/`.
    paths: Vec<PathBuf>,
    /// What a flow from standard input is called; its project is that file's.
    #[arg(long, default_value = "flows/stdin.yaml")]
    stdin_name: PathBuf,
    /// How findings are printed. Default: `human` on a terminal, else `plain`.
    #[arg(long, value_parser = formats(), env = "ENGINE_FORMAT")]
    format: Option<Format>,
    /// Writes a report to a file as well: `sarif=findings.sarif`. May be repeated.
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report, value_delimiter = ',', env = "ENGINE_REPORT")]
    reports: Vec<(Format, PathBuf)>,
    /// Writes how often the proof came to each step and outcome, for `engine graph --proof`.
    #[arg(long, value_name = "FILE")]
    proof_out: Option<PathBuf>,
    /// Reports no warnings but those of these checks. Errors are always reported.
    #[arg(long, value_name = "ID,…", value_parser = known_check, value_delimiter = ',', env = "ENGINE_SELECT")]
    select: Vec<&'static str>,
    /// Reports no warnings of these checks. Errors cannot be ignored.
    #[arg(long, value_name = "ID,…", value_parser = known_check, value_delimiter = ',', env = "ENGINE_IGNORE")]
    ignore: Vec<&'static str>,
    /// From which weight on findings fail the run.
    #[arg(long, value_enum, default_value_t = FailLevel::Error, env = "ENGINE_FAIL_LEVEL")]
    fail_level: FailLevel,
    /// When output is coloured.
    #[arg(long, value_enum, default_value_t = Colour::Auto, env = "ENGINE_COLOR")]
    color: Colour,
    /// In GitHub Actions, annotates no lines; elsewhere none are annotated anyway.
    #[arg(long, env = "ENGINE_NO_ANNOTATIONS", value_parser = FalseyValueParser::new())]
    no_annotations: bool,
    /// Prints nothing where nothing was found.
    #[arg(short, long)]
    quiet: bool,
    /// No flow at all is fine.
    #[arg(long)]
    allow_empty: bool,
    #[command(flatten)]
    fixing: Fixing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailLevel {
    /// Errors fail.
    Error,
    /// Warnings fail too.
    Warning,
    /// Nothing fails.
    Never,
}

impl FailLevel {
    /// The lightest weight that fails the run.
    fn lightest(self) -> Option<Severity> {
        match self {
            Self::Error => Some(Severity::Error),
            Self::Warning => Some(Severity::Warning),
            Self::Never => None,
        }
    }
}

/// Names of formats, which the help lists.
fn formats() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.iter().map(|format| format.as_str())).try_map(|name| name.parse())
}

fn known_check(id: &str) -> Result<&'static str, String> {
    if let Some(check) = ALL.iter().find(|check| check.id == id) {
        return Ok(check.id);
    }
    let known = || ALL.iter().map(|check| check.id);
    Err(match suggest::nearest(id, known()) {
        Some(nearest) => format!("there is no check `{id}`; did you mean `{nearest}`?"),
        None => format!("there is no check `{id}`; `engine list checks` shows all"),
    })
}

fn report(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, file) = text
        .split_once('=')
        .ok_or("write FORMAT=FILE, such as `json=findings.json`")?;
    Ok((
        format
            .parse()
            .map_err(|error: crate::report::UnknownFormat| error.to_string())?,
        PathBuf::from(file),
    ))
}

/// A flow that was read.
struct Checked {
    /// The folder of its project.
    root: PathBuf,
    /// Its path in there.
    path: String,
    compiled: Compiled,
    /// What is proven of it; nothing of a flow with errors.
    proof: Option<Proof>,
}

pub(super) fn run(args: &Validate) -> Exit {
    logs::start("error", false);
    if args.fixing.asked()
        && let Some(exit) = super::fix::run(&args.fixing, &args.paths, &args.stdin_name)
    {
        return exit;
    }
    let read = match compile_all(args) {
        Ok(read) => read,
        Err(exit) => return exit,
    };
    if read.is_empty() && !args.allow_empty {
        eprintln!("there is no flow to check; name a file, or put flows under `flows/`");
        return Exit::NothingToDo;
    }
    let mut all = gathered(&read);
    for id in all.narrow(&args.select, &args.ignore) {
        eprintln!("note: `{id}` is an error here, and errors cannot be ignored: such a flow does not run");
    }
    if let Some(file) = &args.proof_out
        && let Err(exit) = visits_to(file, &read)
    {
        return exit;
    }
    told(args, &all)
}

/// Writes what the proof came to, for `engine graph --proof`.
fn visits_to(file: &Path, read: &[Checked]) -> Result<(), Exit> {
    let flows = read.iter().filter_map(|one| {
        let proof = one.proof.as_ref()?;
        let (steps, edges) = (proof.steps.clone(), proof.edges.clone());
        Some((one.path.clone(), FlowVisits { steps, edges }))
    });
    let visits = Visits {
        flows: flows.collect(),
        ..Visits::default()
    };
    let text = serde_json::to_string_pretty(&visits).unwrap_or_default();
    std::fs::write(file, text + "\n").map_err(|error| {
        eprintln!("error: `{}` cannot be written: {error}", file.display());
        Exit::Usage
    })
}

/// The format on standard output.
fn shown_in(args: &Validate) -> Format {
    let usual = if std::io::stdout().is_terminal() {
        Format::Human
    } else {
        Format::Plain
    };
    args.format.unwrap_or(usual)
}

/// Reports to everybody who is to know, and the exit code.
fn told(args: &Validate, all: &Gathered) -> Exit {
    let fails = args.fail_level.lightest();
    let terminal = std::io::stdout().is_terminal();
    let format = shown_in(args);
    if !(args.quiet && all.findings.is_empty()) {
        super::output::print(&all.rendered(format, args.color.on(terminal), fails));
    }
    for (format, file) in &args.reports {
        if let Err(error) = std::fs::write(file, all.rendered(*format, false, fails)) {
            eprintln!("error: the report `{}` cannot be written: {error}", file.display());
            return Exit::Usage;
        }
    }
    if !args.no_annotations && format != Format::Github {
        ci::annotate(|| all.rendered(Format::Github, false, fails));
    }
    ci::summarise("engine validate", || all.rendered(Format::Markdown, false, fails));
    let failed = all
        .findings
        .iter()
        .any(|finding| fails.is_some_and(|lightest| finding.severity <= lightest));
    if failed { Exit::Problems } else { Exit::Done }
}

fn gathered(read: &[Checked]) -> Gathered {
    let mut prefixes: BTreeMap<&Path, String> = BTreeMap::new();
    for one in read {
        prefixes.entry(&one.root).or_insert_with(|| prefix_of(&one.root));
    }
    Gathered::from_projects(read.iter().map(|one| {
        let prefix = prefixes[one.root.as_path()].as_str();
        (prefix, one.path.clone(), &one.compiled, one.proof.as_ref())
    }))
}

fn compile_all(args: &Validate) -> Result<Vec<Checked>, Exit> {
    let mut compiled = Vec::new();
    let mut disks: BTreeMap<PathBuf, Disk> = BTreeMap::new();
    let default = [PathBuf::from("flows")];
    let given = !args.paths.is_empty();
    for path in if given { &args.paths[..] } else { &default[..] } {
        if path.as_os_str() == "-" {
            compiled.push(from_stdin(&args.stdin_name)?);
            continue;
        }
        if path.is_dir() {
            for file in edited::yaml_under(path) {
                compiled.push(one(&file, &mut disks)?);
            }
        } else if given {
            compiled.push(one(path, &mut disks)?);
        }
    }
    Ok(compiled)
}

fn one(file: &Path, disks: &mut BTreeMap<PathBuf, Disk>) -> Result<Checked, Exit> {
    let (root, path) = located(file)?;
    let disk = disks.entry(root.clone()).or_insert_with(|| Disk::new(&root));
    let (compiled, proof) = proven(&path, &*disk);
    Ok(Checked {
        root,
        path,
        compiled,
        proof,
    })
}

fn from_stdin(name: &Path) -> Result<Checked, Exit> {
    let text = edited::stdin()?;
    let (root, path) = edited::inside(name);
    let disk = Disk::new(&root);
    let (compiled, proof) = proven(
        &path,
        &Replaced {
            disk: &disk,
            path: &path,
            text: &text,
        },
    );
    Ok(Checked {
        root,
        path,
        compiled,
        proof,
    })
}
