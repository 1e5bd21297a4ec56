//! pending
use super::Exit;
#[derive(Debug, clap::Args)]
pub struct Validate {}
pub(super) fn run(_: &Validate) -> Exit { Exit::Done }
