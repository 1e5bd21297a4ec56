//! `engine diff`: what an edit of a flow changes for callers, and what it does to calls in progress.

mod git;
mod human;
mod json;
mod live;
mod sides;

use self::live::Waiting;
use self::sides::{Pair, Wrong};
use super::output::{self, Colour};
use super::{Exit, logs};
use crate::diff::{Class, Diff, Side};
use crate::store::{Address, Glance, glance};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Compares two versions of a flow, or of all flows of a project, by what they do for callers.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// OLD and NEW, or one FLOW with `--against`; none of them for every flow under `flows/`. `git:REF:PATH` names a file
    /// at a commit.
    #[arg(value_name = "FLOW", num_args = 0..=2)]
    flows: Vec<String>,
    /// The older version: `git:REF` for the same files at a commit, `git:REF:PATH` for another file there, or a file.
    #[arg(long, value_name = "git:REF|FILE")]
    against: Option<String>,
    /// Counts calls in progress in this store, which is only read: `sqlite:engine.db` or a path.
    #[arg(long, value_name = "URL|PATH")]
    db: Option<String>,
    /// From which class on the run fails.
    #[arg(long, value_enum, default_value_t = FailOn::Breaking, env = "ENGINE_FAIL_ON")]
    fail_on: FailOn,
    /// How it is printed. Default: `human` on a terminal, else `plain`.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Writes it to a file as well: `json=diff.json`. May be repeated.
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report)]
    reports: Vec<(Format, PathBuf)>,
    /// When output is coloured.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum FailOn {
    /// What breaks calls in progress or other flows.
    Breaking,
    /// Whatever new calls notice, too.
    NewCalls,
    /// Nothing.
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// By step, with values side by side.
    Human,
    /// One line for each change.
    Plain,
    /// One JSON document.
    Json,
}

fn report(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, file) = text
        .split_once('=')
        .ok_or("write FORMAT=FILE, such as `json=diff.json`")?;
    Ok((clap::ValueEnum::from_str(format, false)?, PathBuf::from(file)))
}

/// The comparison of one flow.
struct Compared {
    /// The flow's file: the new one's, or the old one's where it is gone.
    file: String,
    old: Option<Version>,
    new: Option<Version>,
    diff: Diff,
    live: Vec<Waiting>,
}

/// One of the two versions.
struct Version {
    /// Where it was read: `git:main`, `the files`.
    source: String,
    file: String,
    flow: String,
    hash: String,
}

impl Compared {
    /// The heaviest of what it found.
    fn heaviest(&self) -> Option<Class> {
        let live = self
            .live
            .iter()
            .map(Waiting::class)
            .filter(|class| *class > Class::Compatible);
        self.diff.heaviest().max(live.max())
    }

    /// How many changes, and groups of calls in progress that lose something, are of the class.
    fn count(&self, class: Class) -> usize {
        let live = self
            .live
            .iter()
            .filter(|waiting| class > Class::Compatible && waiting.class() == class);
        self.diff.count(class) + live.count()
    }
}

pub(super) fn run(args: &Args) -> Exit {
    logs::start("error", false);
    let sides = match sides::read(&args.flows, args.against.as_deref()) {
        Ok(sides) => sides,
        Err(wrong) => return refused(&wrong),
    };
    if sides.pairs.is_empty() {
        eprintln!("there is no flow on either side; name a file, or put flows under `flows/`");
        return Exit::NothingToDo;
    }
    let seen = match args.db.as_deref().map(store).transpose() {
        Ok(seen) => seen,
        Err(exit) => return exit,
    };
    let mut wrong = false;
    let mut compared = Vec::new();
    for pair in &sides.pairs {
        match compare(pair, seen.as_ref()) {
            Some(one) => compared.push(one),
            None => wrong = true,
        }
    }
    let is_single = sides.pairs.len() == 1;
    if !(wrong && compared.is_empty()) {
        let terminal = std::io::stdout().is_terminal();
        let format = args
            .format
            .unwrap_or(if terminal { Format::Human } else { Format::Plain });
        output::print(&rendered(&compared, format, args.color.on(terminal), is_single));
        for (format, file) in &args.reports {
            if let Err(error) = std::fs::write(file, rendered(&compared, *format, false, is_single)) {
                eprintln!("error: the report `{}` cannot be written: {error}", file.display());
                return Exit::Usage;
            }
        }
    }
    let fails = |class: Class| match args.fail_on {
        FailOn::Breaking => class == Class::Breaking,
        FailOn::NewCalls => class >= Class::NewCalls,
        FailOn::Never => false,
    };
    match wrong {
        true => Exit::Usage,
        false if compared.iter().filter_map(Compared::heaviest).any(fails) => Exit::Problems,
        false => Exit::Done,
    }
}

fn rendered(compared: &[Compared], format: Format, colour: bool, is_single: bool) -> String {
    match format {
        Format::Human => human::render(compared, colour, is_single),
        Format::Plain => human::plain(compared),
        Format::Json => json::render(compared),
    }
}

fn refused(wrong: &Wrong) -> Exit {
    eprintln!("error: {wrong}");
    if let Some(help) = wrong.help() {
        eprintln!("help: {help}");
    }
    Exit::Usage
}

/// What is live in the store.
fn store(text: &str) -> Result<Glance, Exit> {
    let is_url = text.starts_with("sqlite:") || text.contains("://");
    let path = if is_url {
        match Address::parse(text) {
            Ok(Address::Sqlite(path)) => path,
            Err(error) => {
                eprintln!("error: {error}\nhelp: {}", error.help());
                return Err(Exit::Usage);
            }
        }
    } else {
        Path::new(text).to_owned()
    };
    if !path.is_file() {
        eprintln!("error: there is no database `{}`", path.display());
        return Err(Exit::Usage);
    }
    glance(&path).map_err(|error| {
        eprintln!("error: {error}\nhelp: {}", error.help());
        Exit::Usage
    })
}

/// Compares a pair. None where a side has errors: they are shown.
fn compare(pair: &Pair, seen: Option<&Glance>) -> Option<Compared> {
    let mut good = true;
    for (side, compiled) in [("old", &pair.old), ("new", &pair.new)] {
        if let Some(one) = compiled.as_ref().filter(|one| one.compiled.flow.is_none()) {
            output::findings_of(std::slice::from_ref(&one.compiled));
            eprintln!(
                "the {side} side, `{}` of {}, has errors: it is not compared",
                one.file, one.source
            );
            good = false;
        }
    }
    if !good {
        return None;
    }
    let version = |read: &sides::Read| {
        let flow = read.compiled.flow.as_ref()?;
        Some(Version {
            source: read.source.clone(),
            file: read.file.clone(),
            flow: flow.name.clone(),
            hash: flow.hash.0.clone(),
        })
    };
    let (old, new) = (pair.old.as_ref(), pair.new.as_ref());
    let (diff, live) = match (old, new) {
        (Some(old), Some(new)) => {
            let one = Side::new(&old.compiled, &*old.files, crate::line::key_of)?;
            let other = Side::new(&new.compiled, &*new.files, crate::line::key_of)?;
            let diff = Diff::between(&one, &other);
            let paths = [old.file.as_str(), new.file.as_str()];
            let live = seen.map(|glance| live::waiting(glance, &one, &other, &diff, paths, now()));
            (diff, live.unwrap_or_default())
        }
        (Some(old), None) => (Diff::removed(old.compiled.flow.as_ref()?, &old.file), Vec::new()),
        (None, Some(new)) => (Diff::added(new.compiled.flow.as_ref()?, &new.file), Vec::new()),
        (None, None) => return None,
    };
    Some(Compared {
        file: new.or(old)?.file.clone(),
        old: old.and_then(version),
        new: new.and_then(version),
        diff,
        live,
    })
}

/// In Unix milliseconds.
fn now() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since
        .ok()
        .and_then(|since| u64::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}
