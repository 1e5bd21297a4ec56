//! `engine graph`: a flow as a picture.

use super::run::located;
use super::{Exit, logs, output};
use crate::compile::compile;
use crate::graph::{Format, Seen, Visits, build};
use crate::line::Disk;
use std::path::{Path, PathBuf};

/// Draws a flow: its steps, and where each outcome leads.
#[derive(Debug, clap::Args)]
pub struct Graph {
    /// The flow's file. Default: the only flow under `flows/`.
    flow: Option<PathBuf>,
    /// How it is drawn: `mermaid`, `dot`, `json` or `svg`. Default: by the ending of `--out`, else `mermaid`.
    #[arg(long)]
    format: Option<Format>,
    /// Writes to this file instead of standard output.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Marks what no test came to, by the file that the tests wrote.
    #[arg(long, value_name = "FILE")]
    coverage: Option<PathBuf>,
    /// Marks what the proof never came to, by the file that it wrote.
    #[arg(long, value_name = "FILE")]
    proof: Option<PathBuf>,
}

pub(super) fn run(args: &Graph) -> Exit {
    logs::start("error", false);
    match draw(args) {
        Ok(exit) | Err(exit) => exit,
    }
}

fn draw(args: &Graph) -> Result<Exit, Exit> {
    let format = format(args)?;
    let flow = match &args.flow {
        Some(flow) => flow.clone(),
        None => only_flow()?,
    };
    let (root, path) = located(&flow)?;
    let compiled = compile(&path, &Disk::new(root));
    let mut graph = match build(&compiled) {
        Ok(graph) => graph,
        Err(error) => {
            output::findings_of(&[compiled]);
            eprintln!("error: {error}");
            return Err(Exit::Problems);
        }
    };
    for (file, seen) in [(&args.coverage, Seen::Tested), (&args.proof, Seen::Proven)] {
        if let Some(file) = file {
            for warning in graph.note(&visits(file)?, seen) {
                eprintln!("warning: {}: {warning}", file.display());
            }
        }
    }
    let text = format.render(&graph);
    match &args.out {
        None => output::print(&text),
        Some(file) => std::fs::write(file, text).map_err(|error| {
            eprintln!("error: `{}` cannot be written: {error}", file.display());
            Exit::Usage
        })?,
    }
    if compiled.findings.has_errors() {
        eprintln!("the flow has errors, and is drawn as far as it could be read; `engine validate` shows them");
        return Ok(Exit::Problems);
    }
    Ok(Exit::Done)
}

fn format(args: &Graph) -> Result<Format, Exit> {
    if let Some(format) = args.format {
        return Ok(format);
    }
    let Some(out) = &args.out else {
        return Ok(Format::Mermaid);
    };
    let ending = out.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    Format::of_ending(ending).ok_or_else(|| {
        eprintln!("error: `{}` does not tell the format by its ending", out.display());
        eprintln!("help: name it with `--format`, or end the file's name with .svg, .mmd, .dot or .json");
        Exit::Usage
    })
}

/// The flow that is meant where none is named.
fn only_flow() -> Result<PathBuf, Exit> {
    let mut found: Vec<PathBuf> = std::fs::read_dir("flows")
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .filter(|path| is_flow(path))
                .collect()
        })
        .unwrap_or_default();
    found.sort();
    match found.as_slice() {
        [one] => Ok(one.clone()),
        [] => {
            eprintln!("there is no flow to draw; name a file, or put one under `flows/`");
            Err(Exit::NothingToDo)
        }
        many => {
            let names: Vec<String> = many.iter().map(|path| path.display().to_string()).collect();
            eprintln!("error: there are several flows; name one of {}", names.join(", "));
            Err(Exit::Usage)
        }
    }
}

fn is_flow(path: &Path) -> bool {
    path.is_file()
        && path
            .extension()
            .is_some_and(|ending| ending == "yaml" || ending == "yml")
}

fn visits(file: &Path) -> Result<Visits, Exit> {
    let text = std::fs::read_to_string(file).map_err(|error| {
        eprintln!("error: `{}` cannot be read: {error}", file.display());
        Exit::Usage
    })?;
    Visits::read(&text).map_err(|error| {
        eprintln!("error: `{}`: {error}", file.display());
        Exit::Usage
    })
}
