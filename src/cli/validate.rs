//! `engine validate`: everything that can be known of a flow without touching anything.

use super::edited::{self, Replaced};
use super::fix::Fixing;
use super::output::{Colour, rendered};
use super::run::located;
use super::{Exit, logs};
use crate::check::checked;
use crate::compile::Compiled;
use crate::flow::Severity;
use crate::line::Disk;
use crate::report::Format;
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
    #[arg(long, env = "ENGINE_FORMAT")]
    format: Option<Format>,
    /// Writes a report to a file as well: `json=findings.json`. May be repeated.
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report)]
    reports: Vec<(Format, PathBuf)>,
    /// From which weight on findings fail the run.
    #[arg(long, value_enum, default_value_t = FailLevel::Error, env = "ENGINE_FAIL_LEVEL")]
    fail_level: FailLevel,
    /// When output is coloured.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
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

pub(super) fn run(args: &Validate) -> Exit {
    logs::start("error", false);
    if args.fixing.asked()
        && let Some(exit) = super::fix::run(&args.fixing, &args.paths, &args.stdin_name)
    {
        return exit;
    }
    let compiled = match compile_all(args) {
        Ok(compiled) => compiled,
        Err(exit) => return exit,
    };
    if compiled.is_empty() {
        if args.allow_empty {
            return Exit::Done;
        }
        eprintln!("there is no flow to check; name a file, or put flows under `flows/`");
        return Exit::NothingToDo;
    }
    let clean = compiled.iter().all(|one| one.findings.is_empty());
    if !(args.quiet && clean) {
        let terminal = std::io::stdout().is_terminal();
        let format = args
            .format
            .unwrap_or(if terminal { Format::Human } else { Format::Plain });
        super::output::print(&rendered(&compiled, format, args.color.on(terminal)));
    }
    for (format, file) in &args.reports {
        if let Err(error) = std::fs::write(file, rendered(&compiled, *format, false)) {
            eprintln!("error: the report `{}` cannot be written: {error}", file.display());
            return Exit::Usage;
        }
    }
    let fails = |severity: Severity| match args.fail_level {
        FailLevel::Error => severity == Severity::Error,
        FailLevel::Warning => true,
        FailLevel::Never => false,
    };
    let failed = compiled
        .iter()
        .flat_map(|one| one.findings.iter())
        .any(|finding| fails(finding.severity));
    if failed { Exit::Problems } else { Exit::Done }
}

fn compile_all(args: &Validate) -> Result<Vec<Compiled>, Exit> {
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

fn one(file: &Path, disks: &mut BTreeMap<PathBuf, Disk>) -> Result<Compiled, Exit> {
    let (root, flow) = located(file)?;
    let disk = disks.entry(root.clone()).or_insert_with(|| Disk::new(root));
    Ok(checked(&flow, &*disk))
}

fn from_stdin(name: &Path) -> Result<Compiled, Exit> {
    let text = edited::stdin()?;
    let (root, path) = edited::inside(name);
    let disk = Disk::new(root);
    Ok(checked(
        &path,
        &Replaced {
            disk: &disk,
            path: &path,
            text: &text,
        },
    ))
}
