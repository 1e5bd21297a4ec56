//! What several commands print: findings, and why the engine does not start.

use super::Exit;
use super::gathered::Gathered;
use crate::compile::Compiled;
use crate::flow::{Finding, Findings, Severity};
use crate::line::ConfigError;
use crate::report::{Format, Report, Summary};
use crate::store::StoreError;
use std::io::{IsTerminal, Write};

/// When output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Colour {
    /// On a terminal, unless `NO_COLOR` is set.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

impl Colour {
    /// Whether to colour what goes to a terminal or not.
    pub fn on(self, terminal: bool) -> bool {
        let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        match self {
            Self::Always => true,
            Self::Never => false,
            Self::Auto => set("FORCE_COLOR") || (terminal && !set("NO_COLOR")),
        }
    }
}

/// A number and its noun.
pub(super) fn counted(number: usize, noun: &str) -> String {
    format!("{number} {noun}{}", if number == 1 { "" } else { "s" })
}

/// Prints the findings of a file that is no flow.
pub(super) fn print_findings(findings: &Findings) {
    let findings: Vec<Finding> = findings.iter().cloned().collect();
    let summary = Summary::of(1, &findings, 0);
    eprint!("{}", Format::Plain.render(&Report::new(&findings, &summary)));
}

/// Prints what was found in compiled flows for people, on standard error; nothing where nothing was found.
pub(super) fn findings_of(compiled: &[Compiled]) {
    if compiled.iter().all(|compiled| compiled.findings.is_empty()) {
        return;
    }
    let terminal = std::io::stderr().is_terminal();
    let format = if terminal { Format::Human } else { Format::Plain };
    let colour = Colour::Auto.on(terminal);
    let all = Gathered::of(compiled);
    eprint!("{}", all.rendered(format, colour, Some(Severity::Error)));
}

/// Flows that must not run.
pub(super) fn flows_refused(wrong: &[Compiled]) -> Exit {
    findings_of(wrong);
    eprintln!("the flow has errors, so the engine does not start");
    Exit::Config
}

/// Settings that cannot be used.
pub(super) fn config_refused(error: &ConfigError) -> Exit {
    if let ConfigError::Findings(findings) = error {
        print_findings(findings);
    }
    eprintln!("error: {error}");
    Exit::Config
}

/// A store that cannot be used. A restart helps only where the settings are right.
pub(super) fn store_refused(error: &StoreError) -> Exit {
    eprintln!("error: {error}\nhelp: {}", error.help());
    match error {
        StoreError::Address { .. } | StoreError::Unsupported { .. } | StoreError::Newer { .. } => Exit::Config,
        _ => Exit::Unavailable,
    }
}

/// Prints to standard output. A reader that has gone, such as `head`, has seen enough: that is a quiet end.
pub(super) fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    let written = out.write_all(text.as_bytes()).and_then(|()| out.flush());
    if written.is_err_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe) {
        std::process::exit(i32::from(Exit::Done.code()));
    }
}

/// A line on standard output.
macro_rules! say {
    ($($text:tt)*) => { crate::cli::output::print(&format!("{}\n", format_args!($($text)*))) };
}
pub(super) use say;
