//! What a CI server is told beside the output that was asked for.

use std::io::Write;

/// In GitHub Actions, writes annotations. They go to standard error, which the runner reads as well, so that standard
/// output stays what was asked for.
pub(super) fn annotate(annotations: impl FnOnce() -> String) {
    if set("GITHUB_ACTIONS").is_some_and(|value| value == "true") {
        eprint!("{}", annotations());
    }
}

/// Appends to the summary of the CI run, where there is one. What cannot be written there is said and forgiven.
pub(super) fn summarise(title: &str, markdown: impl FnOnce() -> String) {
    let Some(file) = set("GITHUB_STEP_SUMMARY") else { return };
    let text = format!("### {title}\n\n{}\n", markdown());
    let opened = std::fs::OpenOptions::new().append(true).create(true).open(&file);
    if let Err(error) = opened.and_then(|mut file| file.write_all(text.as_bytes())) {
        eprintln!("the summary `{file}` cannot be written: {error}");
    }
}

fn set(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}
