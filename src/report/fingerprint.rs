//! What a finding is known by from one run to the next: its check, its path in the document and its file, not its line.

use std::collections::HashMap;

use sha2::{Digest, Sha256};

use crate::flow::finding::Finding;

/// A mark for each finding, in their order. Findings that share check, path and file are told apart by their order.
pub fn fingerprints<'a>(findings: impl IntoIterator<Item = &'a Finding>) -> Vec<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    findings
        .into_iter()
        .map(|finding| {
            let key = key(finding);
            let before = seen.entry(key.clone()).or_default();
            *before += 1;
            hashed(&format!("{key}\0{before}"))
        })
        .collect()
}

fn key(finding: &Finding) -> String {
    let path = finding.path.join("\u{1f}");
    format!("{}\0{}\0{path}", finding.id, finding.place.source().name())
}

fn hashed(text: &str) -> String {
    let hash = Sha256::digest(text.as_bytes());
    hash.iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::flow::source::{Place, Source, Span};

    fn finding(id: &'static str, file: &str, line: usize, path: &[&str]) -> Finding {
        let source = Source::new(file, "a\nb\nc\n");
        let start = source.line_start(line).expect("a line");
        Finding::error(id, Place::new(&source, Span::new(start, start + 1)), "x").path(path.iter().copied())
    }

    #[test]
    fn a_moved_line_keeps_its_mark_and_anything_else_changes_it() {
        let mark = |one: &Finding| fingerprints([one]).remove(0);
        let one = finding("x", "a.yaml", 1, &["steps", "a"]);
        assert_eq!(mark(&one), mark(&finding("x", "a.yaml", 3, &["steps", "a"])));
        for other in [
            finding("y", "a.yaml", 1, &["steps", "a"]),
            finding("x", "b.yaml", 1, &["steps", "a"]),
            finding("x", "a.yaml", 1, &["steps", "b"]),
            finding("x", "a.yaml", 1, &["stepsa"]),
        ] {
            assert_ne!(mark(&one), mark(&other), "{other:?}");
        }
    }

    #[test]
    fn marks_of_one_run_are_unique() {
        let same = finding("x", "a.yaml", 1, &["a"]);
        let marks = fingerprints([&same, &same, &same]);
        assert!(marks[0] != marks[1] && marks[1] != marks[2] && marks[0] != marks[2]);
        assert_eq!(marks[0], fingerprints([&same])[0]);
    }
}
