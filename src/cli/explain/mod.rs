//! `engine explain`: a page for every finding, and for the carrier's error codes the findings that report them early.

mod example;
mod page;

use super::Exit;
use super::output::{Colour, print};
use crate::check::{ALL, Check, named, reporting};
use crate::flow::nearest;
use crate::report::Format;
use serde_json::json;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Explains findings: what each is, what a caller would notice, how to mend it.
#[derive(Debug, clap::Args)]
pub struct Explain {
    /// Ids of findings, such as `unknown-step`, or error codes of the carrier, such as `11200`. Default: a list of all.
    ids: Vec<String>,
    /// Lists all findings, a line each.
    #[arg(long, conflicts_with_all = ["ids", "all"])]
    list: bool,
    /// Explains every finding.
    #[arg(long, conflicts_with = "ids")]
    all: bool,
    /// Writes a Markdown page of each into this folder, and a README with a table of them.
    #[arg(long, value_name = "FOLDER", requires = "all")]
    out: Option<PathBuf>,
    /// How it is printed. Default: `human` on a terminal, else `plain`.
    #[arg(long, value_enum)]
    format: Option<Form>,
    /// When output is coloured.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Form {
    /// For people at a terminal.
    Human,
    /// Without drawings, for a screen reader or a log.
    Plain,
    /// As the pages in `docs/checks`.
    Markdown,
    /// One JSON document.
    Json,
}

pub(super) fn run(args: &Explain) -> Exit {
    if let Some(folder) = &args.out {
        return write(folder);
    }
    let terminal = std::io::stdout().is_terminal();
    let form = args.format.unwrap_or(if terminal { Form::Human } else { Form::Plain });
    let asked = match asked(&args.ids) {
        Ok(asked) => asked,
        Err(exit) => return exit,
    };
    let nothing = args.ids.is_empty() && !args.all;
    if form == Form::Json {
        let checks: Vec<&Check> = if args.ids.is_empty() {
            ALL.iter().collect()
        } else {
            asked.iter().flat_map(Asked::checks).collect()
        };
        print(&as_json(&checks));
        return Exit::Done;
    }
    if nothing {
        print(&list(&ALL.iter().collect::<Vec<_>>()));
        return Exit::Done;
    }
    let colour = args.color.on(terminal);
    let show = |check: &'static Check| match form {
        Form::Markdown => page::markdown(check),
        Form::Plain => page::terminal(check, Format::Plain, false),
        Form::Human | Form::Json => page::terminal(check, Format::Human, colour),
    };
    let texts: Vec<String> = if args.all {
        ALL.iter().map(show).collect()
    } else {
        let text = |asked: &Asked| match asked {
            Asked::Check(check) => show(check),
            Asked::Code(code, checks) => of_code(*code, checks),
        };
        asked.iter().map(text).collect()
    };
    print(&texts.join("\n\n"));
    Exit::Done
}

/// The files under `docs/checks`: their names and texts.
pub fn documents() -> Vec<(String, String)> {
    let pages = ALL
        .iter()
        .map(|check| (format!("{}.md", check.id), page::markdown(check)));
    let index = ("README.md".to_owned(), page::index(ALL));
    pages.chain([index]).collect()
}

/// What somebody wants to have explained.
enum Asked {
    Check(&'static Check),
    /// An error code of the carrier, and who reports it.
    Code(u32, Vec<&'static Check>),
}

impl Asked {
    fn checks(&self) -> Vec<&'static Check> {
        match self {
            Self::Check(check) => vec![check],
            Self::Code(_, checks) => checks.clone(),
        }
    }
}

/// Finds all that is asked for; one that is not known is wrong usage.
fn asked(ids: &[String]) -> Result<Vec<Asked>, Exit> {
    let mut found = Vec::new();
    let mut good = true;
    for id in ids {
        let code = id.parse::<u32>().ok();
        let checks = code.map(reporting).unwrap_or_default();
        match (named(id), code) {
            (Some(check), _) => found.push(Asked::Check(check)),
            (None, Some(code)) if !checks.is_empty() => found.push(Asked::Code(code, checks)),
            _ => {
                good = false;
                unknown(id, code);
            }
        }
    }
    if good { Ok(found) } else { Err(Exit::Usage) }
}

fn unknown(id: &str, code: Option<u32>) {
    if let Some(code) = code {
        eprintln!("error: no check reports the carrier's error {code}{}", meaning(code));
        return;
    }
    eprintln!("error: there is no finding `{id}`");
    match nearest(id, ALL.iter().map(|check| check.id)) {
        Some(near) => eprintln!("help: did you mean `{near}`?"),
        None => eprintln!("help: `engine explain --list` shows them all"),
    }
}

fn list(checks: &[&Check]) -> String {
    let width = |of: fn(&Check) -> usize| checks.iter().map(|check| of(check)).max().unwrap_or(0);
    let (ids, weights) = (width(|check| check.id.len()), width(|check| check.weight().len()));
    let line = |check: &&Check| format!("{:ids$}  {:weights$}  {}\n", check.id, check.weight(), check.about);
    checks.iter().map(line).collect()
}

fn of_code(code: u32, checks: &[&Check]) -> String {
    let who = if checks.len() == 1 {
        "this check reports"
    } else {
        "these checks report"
    };
    let first = checks.first().map_or("ID", |check| check.id);
    format!(
        "{code} is an error of the carrier{}\nBefore any call, {who} what leads to it:\n\n{}\nRead on with `engine explain {first}`.\n",
        meaning(code),
        list(checks)
    )
}

/// What a code means, where the built-in carrier knows it.
fn meaning(code: u32) -> String {
    match crate::carrier::meaning(code) {
        "unknown error" => ".".to_owned(),
        known => format!(": {known}."),
    }
}

fn as_json(checks: &[&Check]) -> String {
    let one = |check: &&Check| {
        json!({
            "id": check.id,
            "about": check.about,
            "severity": check.severity().as_str(),
            "severities": check.severities.iter().map(|one| one.as_str()).collect::<Vec<_>>(),
            "can_be_allowed": check.can_be_allowed(),
            "category": check.category,
            "codes": check.codes(),
            "page": check.page,
            "wrong": check.example.as_ref().map(|example| example.wrong()),
            "right": check.example.as_ref().map(|example| example.right()),
        })
    };
    let checks: Vec<_> = checks.iter().map(one).collect();
    format!("{}\n", json!({"format_version": "1.0", "checks": checks}))
}

/// Writes the pages, and names what lies beside them and is no page any more.
fn write(folder: &Path) -> Exit {
    let documents = documents();
    let written = std::fs::create_dir_all(folder).and_then(|()| {
        let mut files = documents.iter();
        files.try_for_each(|(name, text)| std::fs::write(folder.join(name), text))
    });
    if let Err(error) = written {
        eprintln!("error: `{}` cannot be written: {error}", folder.display());
        return Exit::Usage;
    }
    eprintln!("{} files written to {}", documents.len(), folder.display());
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if name.ends_with(".md") && documents.iter().all(|(known, _)| *known != name) {
            eprintln!("`{name}` is the page of no check any more; delete it");
        }
    }
    Exit::Done
}
