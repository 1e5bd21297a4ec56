//! pending
use super::Exit;
#[derive(Debug, clap::Args)]
pub struct Simulate {}
pub(super) fn run(_: &Simulate) -> Exit { Exit::Done }
