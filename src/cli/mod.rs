//! The command line: one file per command. Logs go to standard error; standard output carries only what was asked for.

mod ci;
mod completions;
mod diff;
mod doctor;
mod edited;
mod exit_code;
pub mod explain;
mod fix;
mod fmt;
mod gathered;
mod graph;
mod hosted;
mod judged;
mod list;
mod logs;
mod new;
mod output;
mod replay;
mod run;
mod scenario;
pub mod schema;
mod score;
mod simulate;
mod test;
mod told;
mod validate;
mod whereabouts;

use clap::{Parser, Subcommand};
use std::process::ExitCode;

pub use exit_code::Exit;

/// Declarative telephony: call flows in YAML, checked before they are deployed.
#[derive(Debug, Parser)]
#[command(name = "engine", version, about, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs a flow: answers the carrier's webhooks and media streams.
    Run(run::Run),
    /// Checks flows without touching anything: no network, no database, no secrets.
    Validate(validate::Validate),
    /// Brings files into one form.
    Fmt(fmt::Fmt),
    /// Draws a flow: its steps, and where each outcome leads.
    Graph(graph::Graph),
    /// Plays scenarios on virtual time: no network, no store, milliseconds for a call.
    Test(test::Test),
    /// Places calls with the built-in carrier, against a flow or a deployed engine.
    Simulate(Box<simulate::Simulate>),
    /// Looks at a project and its environment, or at a deployment as the carrier sees it.
    Doctor(doctor::Doctor),
    /// Runs a stored call again, with the flow that it had and with an edited one.
    Replay(replay::Replay),
    /// Judges a recorded call: response times, interruptions, cut-ins, dead air.
    Score(score::Args),
    /// Explains findings: what each is, what a caller would notice, how to mend it.
    Explain(explain::Explain),
    /// Shows what an edit of a flow changes for callers, and for calls in progress.
    Diff(diff::Args),
    /// Prints a JSON Schema.
    Schema(schema::Schema),
    /// Makes a new project that validates.
    New(new::New),
    /// Lists step kinds, checks, voices, templates or faults.
    List(list::List),
    /// Prints completions for a shell.
    Completions(completions::Completions),
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors; everything else is wrong usage.
            let exit = if error.use_stderr() { Exit::Usage } else { Exit::Done };
            let _printed = error.print();
            return exit.into();
        }
    };
    report_bugs();
    let exit = match cli.command {
        Command::Run(args) => run::run(&args),
        Command::Validate(args) => validate::run(&args),
        Command::Fmt(args) => fmt::run(&args),
        Command::Graph(args) => graph::run(&args),
        Command::Test(args) => test::run(&args),
        Command::Simulate(args) => simulate::run(&args),
        Command::Doctor(args) => doctor::run(&args),
        Command::Replay(args) => replay::run(&args),
        Command::Score(args) => score::run(&args),
        Command::Explain(args) => explain::run(&args),
        Command::Diff(args) => diff::run(&args),
        Command::Schema(args) => schema::run(&args),
        Command::New(args) => new::run(&args),
        Command::List(args) => list::run(&args),
        Command::Completions(args) => completions::run(&args),
    };
    exit.into()
}

/// A panic of the main thread is a bug of ours: it says so and ends with its own code. On other threads it is logged,
/// and the calls go on.
fn report_bugs() {
    let default = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        default(panic);
        eprintln!(
            "this is a bug in engine {}; please report it with the command and the lines above",
            env!("CARGO_PKG_VERSION")
        );
        if std::thread::current().name() == Some("main") {
            std::process::exit(i32::from(exit_code::BUG));
        }
    }));
}
