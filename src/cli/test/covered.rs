//! Coverage for people: each flow's share of steps and outcomes, and the lines that no scenario comes to.

use crate::trial::Coverage;
use std::fmt::Write;

/// The table, and what is missing.
pub(super) fn told(coverage: &Coverage) -> String {
    let total = coverage.total();
    if total.all == 0 {
        return "\ncoverage: no flow was played\n".to_owned();
    }
    let mut text = String::from("\ncoverage\n");
    let shares: Vec<_> = coverage.shares().collect();
    let width = shares.iter().map(|(path, _, _)| path.len()).max().unwrap_or(0);
    for (path, steps, edges) in shares {
        let _ = writeln!(
            text,
            "  {path:<width$}  steps {:>3} % ({}/{})  outcomes {:>3} % ({}/{})",
            steps.percent(),
            steps.reached,
            steps.all,
            edges.percent(),
            edges.reached,
            edges.all
        );
        for missed in coverage.missed(path) {
            let what = if missed.is_edge { "the outcome" } else { "the step" };
            let _ = writeln!(
                text,
                "    {}:{}  {what} `{}` is never come to",
                missed.file, missed.line, missed.name
            );
        }
    }
    let _ = writeln!(text, "  in all {} % ({}/{})", total.percent(), total.reached, total.all);
    text
}
