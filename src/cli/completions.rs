//! `engine completions`: what the shell completes.

use super::{Cli, Exit};
use clap::CommandFactory;

/// Prints completions for a shell.
#[derive(Debug, clap::Args)]
pub struct Completions {
    /// The shell.
    shell: clap_complete::Shell,
}

pub(super) fn run(args: &Completions) -> Exit {
    clap_complete::generate(args.shell, &mut Cli::command(), "engine", &mut std::io::stdout());
    Exit::Done
}
