//! pending
use super::Exit;
#[derive(Debug, clap::Args)]
pub struct New {}
pub(super) fn run(_: &New) -> Exit { Exit::Done }
