//! pending
use super::Exit;
#[derive(Debug, clap::Args)]
pub struct Run {}
pub(super) fn run(_: &Run) -> Exit { Exit::Done }
