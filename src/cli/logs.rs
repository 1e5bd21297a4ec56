//! Logs: structured lines on standard error, as text for people or JSON for machines.

use std::io::IsTerminal;
use tracing_subscriber::EnvFilter;

/// Begins logging at this level unless `ENGINE_LOG` or `RUST_LOG` says otherwise.
pub(super) fn start(default: &str, json: bool) {
    let wanted = std::env::var("ENGINE_LOG").or_else(|_| std::env::var("RUST_LOG"));
    let filter = EnvFilter::new(wanted.as_deref().unwrap_or(default));
    let colour = super::output::Colour::Auto.on(std::io::stderr().is_terminal());
    let builder = tracing_subscriber::fmt()
        .with_ansi(colour)
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_target(false);
    // A second start in the same process keeps the first.
    let _already = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.try_init()
    };
}
