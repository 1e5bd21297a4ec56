//! `engine replay`: a stored call once more, with the flow that it had and with an edited one. Nothing is written.

use super::output::{self, say};
use super::run::located;
use super::{Exit, logs};
use crate::call::{Event, Time};
use crate::check::checked;
use crate::compile::Compiled;
use crate::line::{Disk, config, kept as compiled_of, project_root};
use crate::replay::scenario::scenario;
use crate::replay::story::story;
use crate::replay::{self, Side, tape, veil::Veil, view};
use crate::store::{Address, CallLog, Journal, Kept, StoreError};
use crate::trial;
use serde_json::json;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

/// Runs a stored call again, with the flow that it had and with an edited one.
#[derive(Debug, clap::Args)]
pub struct Replay {
    /// The call's id, or a part of it that no other call has.
    #[arg(required_unless_present = "list")]
    call: Option<String>,
    /// An edited flow that the same events are given to.
    #[arg(long, value_name = "FILE")]
    flow: Option<PathBuf>,
    /// The database, as a path or as `DATABASE_URL` has it. Default: the one that `engine run` would use.
    #[arg(long, value_name = "PATH", env = "DATABASE_URL", hide_env_values = true)]
    db: Option<String>,
    /// How the replay is printed. Default: `human` on a terminal, else `plain`.
    #[arg(long, value_enum)]
    format: Option<Format>,
    /// Writes the call as a scenario, to a file or with `-` to standard output.
    #[arg(long, value_name = "FILE", conflicts_with = "list")]
    as_test: Option<PathBuf>,
    /// Shows numbers, names and what was said.
    #[arg(long)]
    reveal: bool,
    /// Lists the latest calls.
    #[arg(long, conflicts_with_all = ["call", "flow"])]
    list: bool,
    /// How many calls are listed.
    #[arg(long, default_value_t = 20, requires = "list")]
    last: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// Two columns, for people.
    Human,
    /// One thing a line, for screen readers and `grep`.
    Plain,
    /// JSON, for machines.
    Json,
}

pub(super) fn run(args: &Replay) -> Exit {
    logs::start("error", false);
    replayed(args).unwrap_or_else(|exit| exit)
}

fn replayed(args: &Replay) -> Result<Exit, Exit> {
    let journal = journal(args)?;
    let veil_lifted = args.reveal.then(Veil::lifted);
    let format = args.format.unwrap_or_else(|| match std::io::stdout().is_terminal() {
        true => Format::Human,
        false => Format::Plain,
    });
    let Some(part) = args.call.as_deref().filter(|_| !args.list) else {
        return list(&journal, args.last, format, &veil_lifted.unwrap_or_default());
    };
    let (id, kept) = find(&journal, part)?;
    let rows = kept
        .events
        .iter()
        .map(|event| (event.seq, event.at, event.json.as_str()));
    let tape = tape::read(rows).map_err(|error| {
        eprintln!("error: the call `{id}` cannot be replayed: {error}");
        Exit::Usage
    })?;
    let then = recorded_flow(&id, &kept)?;
    let now = args.flow.as_deref().map(edited_flow).transpose()?;
    let sides: Vec<&Side> = std::iter::once(&then).chain(&now).collect();
    let veil = veil_lifted.unwrap_or_else(|| Veil::over(&sides, &tape));

    let alone = replay::alone(&then, &tape);
    if let Some(file) = &args.as_test {
        return as_test(args, file, &id, &then, &alone, &kept, &veil);
    }
    let tasks = kept.tasks.iter().map(|task| (task.key.as_str(), task.payload.as_str()));
    let faults = replay::faults(&alone, &kept.call.state, tasks);
    let compared = now.as_ref().map(|now| replay::compare(&then, now, &tape));
    let report = view::Report {
        call: &id,
        head: head(&kept, &tape, &veil),
        then: &then,
        now: now.as_ref(),
        beats: compared.as_ref().map_or(&alone.beats, |compared| &compared.beats),
        first: compared.as_ref().and_then(|compared| compared.first),
        stop: compared.as_ref().and_then(|compared| compared.stop.as_ref()),
        still_waits: compared.as_ref().and_then(|compared| compared.still_waits.as_deref()),
        faults: &faults,
        veil: &veil,
    };
    match format {
        Format::Human => output::print(&view::human(&report)),
        Format::Plain => output::print(&view::plain(&report)),
        Format::Json => say!("{}", view::json(&report)),
    }
    let same = report.first.is_none() && faults.is_empty();
    Ok(if same { Exit::Done } else { Exit::Problems })
}

fn journal(args: &Replay) -> Result<Journal, Exit> {
    let address = address(args)?;
    let Address::Sqlite(path) = &address;
    if !path.is_file() {
        eprintln!("error: there is no database `{}`", path.display());
        eprintln!("help: give its path with `--db`, or set `DATABASE_URL` as it is set for `engine run`");
        return Err(Exit::Usage);
    }
    Ok(Journal::new(address))
}

fn address(args: &Replay) -> Result<Address, Exit> {
    let url = match &args.db {
        Some(path) if !path.contains(':') || Path::new(path).exists() => {
            return Ok(Address::Sqlite(PathBuf::from(path)));
        }
        Some(url) => url.clone(),
        None => {
            let root = args.flow.as_deref().map_or_else(|| PathBuf::from("."), project_root);
            let settings = config::load(&root, &|name| std::env::var(name).ok());
            settings
                .map_err(|error| {
                    output::config_refused(&error);
                    Exit::Usage
                })?
                .database
        }
    };
    Address::parse(&url).map_err(|error| unreadable(&error))
}

/// A store that cannot be looked into is input that cannot be read.
fn unreadable(error: &StoreError) -> Exit {
    output::store_refused(error);
    Exit::Usage
}

fn list(journal: &Journal, last: usize, format: Format, veil: &Veil) -> Result<Exit, Exit> {
    let calls = journal.recent(last).map_err(|error| unreadable(&error))?;
    if calls.is_empty() {
        eprintln!("no call is stored yet");
        return Ok(Exit::NothingToDo);
    }
    let caller = |call: &CallLog| call.from.as_deref().map_or_else(String::new, |from| veil.private(from));
    if format == Format::Json {
        let row = |call: &CallLog| {
            json!({
                "call": call.call_sid,
                "flow": call.flow,
                "started_at": call.started_at.map(moment),
                "from": caller(call),
                "seconds": call.seconds,
                "end_reason": call.end_reason,
                "watchdog": call.watchdog_reason,
            })
        };
        say!(
            "{}",
            json!({"format_version": "1.0", "calls": calls.iter().map(row).collect::<Vec<_>>()})
        );
        return Ok(Exit::Done);
    }
    for call in &calls {
        let end = call.end_reason.as_deref().unwrap_or("live");
        let watchdog = call
            .watchdog_reason
            .as_ref()
            .map_or_else(String::new, |why| format!(" ({why})"));
        say!(
            "{}  {}  {:>14}  {:>5}  {}  {end}{watchdog}",
            call.call_sid,
            call.started_at.map(moment).unwrap_or_default(),
            caller(call),
            call.seconds.map_or_else(String::new, |seconds| format!("{seconds} s")),
            call.flow.as_deref().unwrap_or_default(),
        );
    }
    Ok(Exit::Done)
}

fn find(journal: &Journal, part: &str) -> Result<(String, Kept), Exit> {
    const SHOWN: usize = 10;
    let found = journal.matching(part, SHOWN + 1).map_err(|error| unreadable(&error))?;
    let id = match found.as_slice() {
        [] => {
            eprintln!("error: there is no call `{part}`\nhelp: `engine replay --list` shows the latest calls");
            return Err(Exit::NothingToDo);
        }
        [id] => id.clone(),
        several => {
            eprintln!("error: several calls have `{part}` in their id; give more of it:");
            for id in several.iter().take(SHOWN) {
                eprintln!("  {id}");
            }
            if several.len() > SHOWN {
                eprintln!("  …");
            }
            return Err(Exit::Usage);
        }
    };
    match journal.kept(&id).map_err(|error| unreadable(&error))? {
        Some(kept) => Ok((id, kept)),
        None => Err(Exit::NothingToDo),
    }
}

/// The very version that the call began with.
fn recorded_flow(id: &str, kept: &Kept) -> Result<Side, Exit> {
    let Some(bundle) = &kept.bundle else {
        eprintln!(
            "error: the version `{}` of the flow `{}`, with which the call `{id}` began, was not kept",
            kept.call.flow_hash, kept.call.flow
        );
        eprintln!("help: versions are kept since engine.db has version 4; earlier calls cannot be replayed");
        return Err(Exit::NothingToDo);
    };
    let compiled = compiled_of(bundle);
    let side = compiled.and_then(|(path, compiled)| {
        if compiled.flow.is_none() {
            output::findings_of(std::slice::from_ref(&compiled));
        }
        Side::new(&path, compiled)
    });
    side.ok_or_else(|| {
        eprintln!("bug: the flow with which the call `{id}` began does not compile any more; please report it");
        Exit::Problems
    })
}

fn edited_flow(file: &Path) -> Result<Side, Exit> {
    let (root, flow) = located(file)?;
    let compiled = checked(&flow, &Disk::new(root));
    if compiled.flow.is_none() {
        output::findings_of(std::slice::from_ref(&compiled));
        eprintln!("the edited flow has errors, so no call can be given to it");
        return Err(Exit::Usage);
    }
    Side::new(&flow, compiled).ok_or(Exit::Usage)
}

/// Writes the call as a scenario for its flow.
fn as_test(
    args: &Replay,
    file: &Path,
    id: &str,
    then: &Side,
    alone: &replay::Alone,
    kept: &Kept,
    veil: &Veil,
) -> Result<Exit, Exit> {
    let began = alone.beats.first().and_then(|first| i64::try_from(first.at.0).ok());
    let at = began.map(|at| moment(at).replace(' ', "T"));
    let story = story(then, alone);
    let flow = args.flow.clone().unwrap_or_else(|| PathBuf::from(&then.path));
    let short: String = id.chars().take(10).collect();
    let text = scenario(
        &story,
        &format!("as in the call {short}"),
        &beside(file, &flow),
        at.as_deref(),
        veil,
    );
    let compiled = flow_for(args, &flow, kept);
    if file.as_os_str() == "-" {
        output::print(&text);
    } else if let Err(error) = std::fs::write(file, &text) {
        eprintln!("error: the scenario `{}` cannot be written: {error}", file.display());
        return Err(Exit::Usage);
    } else {
        eprintln!("the call is written to `{}`", file.display());
    }
    match &compiled {
        Some(compiled) => played(compiled, &text),
        None => eprintln!(
            "note: `{}` is not there, so the scenario was not played",
            flow.display()
        ),
    }
    Ok(Exit::Done)
}

/// The flow that the scenario is for.
fn flow_for(args: &Replay, flow: &Path, kept: &Kept) -> Option<Compiled> {
    match &args.flow {
        Some(file) => {
            let (root, flow) = located(file).ok()?;
            Some(checked(&flow, &Disk::new(root)))
        }
        // Today's file is what `engine test` will take; it need not be the recorded version any more.
        None if flow.is_file() => {
            let (root, flow) = located(flow).ok()?;
            Some(checked(&flow, &Disk::new(root)))
        }
        None => compiled_of(kept.bundle.as_ref()?).map(|(_, compiled)| compiled),
    }
}

/// Plays what was written, as `engine test` will: what does not come as it did in the call is said, since words and
/// times of the call are not in the scenario.
fn played(compiled: &Compiled, text: &str) {
    let file = trial::read("the scenario", text);
    let (Some(flow), Some(scenario)) = (&compiled.flow, file.scenarios.first()) else {
        eprintln!("note: the scenario cannot be played as it is; `engine test` says why");
        return;
    };
    let ground = trial::Ground::new(flow, compiled.templates.clone());
    let wrong = trial::known(scenario, flow);
    let (missed, _) = trial::judge(&ground, scenario, &trial::play(&ground, scenario));
    if wrong.is_empty() && missed.is_empty() {
        eprintln!("`engine test` plays it, and it comes as it did in the call");
        return;
    }
    eprintln!("note: on virtual time it does not come as it did in the call; correct the scenario:");
    for finding in wrong.iter() {
        eprintln!("  line {}: {}", finding.place.line(), finding.message);
    }
    for failure in missed {
        eprintln!(
            "  line {}: expected {}, but {}",
            failure.place.line(),
            failure.expected,
            failure.came
        );
    }
}

/// The flow's path as a scenario in `file` names it: relative to the folder of that file, where both are below one.
fn beside(file: &Path, flow: &Path) -> String {
    let folder = file
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let absolute = |path: &Path| std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let (folder, flow) = (absolute(folder), absolute(flow));
    let shared = folder
        .components()
        .zip(flow.components())
        .take_while(|(a, b)| a == b)
        .count();
    let up = folder
        .components()
        .skip(shared)
        .map(|_| std::path::Component::ParentDir);
    let path: PathBuf = up.chain(flow.components().skip(shared)).collect();
    path.to_string_lossy().replace('\\', "/")
}

fn head(kept: &Kept, tape: &[tape::Happened], veil: &Veil) -> Vec<(&'static str, String)> {
    let mut head = Vec::new();
    if let Some(tape::Happened {
        at: Time(at),
        event: Event::CallArrived(arrival),
        ..
    }) = tape.first()
    {
        head.push(("began", i64::try_from(*at).map(moment).unwrap_or_default()));
        head.push(("from", veil.private(arrival.params.text("From").unwrap_or_default())));
    }
    let log = kept.log.as_ref();
    let seconds = log
        .and_then(|log| log.seconds)
        .map_or_else(String::new, |seconds| format!(" after {seconds} s"));
    let reason = log.and_then(|log| log.end_reason.as_deref());
    head.push((
        "ended",
        reason.map_or_else(|| "not yet".to_owned(), |reason| format!("{reason}{seconds}")),
    ));
    head
}

/// Unix milliseconds for people: universal time, to the second.
fn moment(millis: i64) -> String {
    jiff::Timestamp::from_millisecond(millis)
        .map(|at| at.strftime("%Y-%m-%d %H:%M:%SZ").to_string())
        .unwrap_or_default()
}
