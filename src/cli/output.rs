//! What several commands print: findings, and why the engine does not start.

use super::Exit;
use crate::compile::Compiled;
use crate::flow::Finding;
use crate::line::ConfigError;

/// Prints findings for people, on standard error.
pub(super) fn print_findings<'a>(findings: impl IntoIterator<Item = &'a Finding>) {
    for finding in findings {
        eprintln!("{}: {}[{}] {}", finding.place, finding.severity, finding.id, finding.message);
        for help in &finding.help {
            eprintln!("  help: {help}");
        }
    }
}

/// Prints what was found in compiled flows.
pub(super) fn findings_of(compiled: &[Compiled]) {
    for compiled in compiled {
        print_findings(compiled.findings.iter());
    }
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
        print_findings(findings.iter());
    }
    eprintln!("error: {error}");
    Exit::Config
}
