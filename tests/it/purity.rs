//! The pure rooms do no IO, read no clock and hold no lock: their sources do not name what they would need for it.

use std::path::{Path, PathBuf};

const ROOMS: [&str; 16] = [
    "flow", "step", "compile", "check", "diff", "edit", "graph", "replay", "call", "talk", "twiml", "audio", "score",
    "phone", "prove", "trial",
];

const FORBIDDEN: [&str; 18] = [
    "tokio",
    "warp",
    "reqwest",
    "rusqlite",
    "hyper",
    "tracing",
    "std::fs",
    "std::env",
    "std::net",
    "std::io",
    "std::process",
    "std::thread",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "Mutex",
    "RwLock",
];

#[test]
fn the_pure_rooms_name_nothing_of_the_outside() {
    let src = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut seen = 0;
    let mut found = Vec::new();
    for room in ROOMS {
        for file in sources(&src.join(room)) {
            seen += 1;
            let text = std::fs::read_to_string(&file).unwrap_or_default();
            for (number, line) in code(&text) {
                let words = FORBIDDEN.iter().filter(|word| names(line, word));
                found.extend(words.map(|word| format!("{}:{number}: `{word}`", file.display())));
            }
        }
    }
    assert!(seen > 80, "only {seen} files were looked at");
    assert!(found.is_empty(), "{}", found.join("\n"));
}

#[test]
fn what_is_looked_for_would_be_found() {
    let text = "//! tokio\nuse std::fs;\nlet x = 1; // Mutex\nlet swarm = 2;\nlet m: Mutex<u8>;\n#[cfg(test)]\nmod tests {\n    use std::env;\n}\n";
    let found: Vec<(usize, &str)> = code(text)
        .flat_map(|(number, line)| {
            FORBIDDEN
                .iter()
                .filter(move |word| names(line, word))
                .map(move |word| (number, *word))
        })
        .collect();
    assert_eq!(found, [(2, "std::fs"), (5, "Mutex")]);
}

/// Every source file below a folder; tests that stand in files of their own are left out.
pub(super) fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let Ok(entries) = std::fs::read_dir(folder) else {
        return files;
    };
    for path in entries.filter_map(|entry| Some(entry.ok()?.path())) {
        let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        if name == "tests" {
            continue;
        }
        if path.is_dir() {
            files.extend(sources(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

/// The lines of code with their numbers: no comments, and nothing from the tests at a file's end on.
fn code(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let before_tests = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or_default();
    let lines = before_tests.lines().enumerate();
    lines.map(|(index, line)| (index + 1, line.split("//").next().unwrap_or_default()))
}

/// Whether the line holds the word by itself, not as a part of another one.
fn names(line: &str, word: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_';
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back().is_some_and(part);
        let after = line[at + word.len()..].chars().next().is_some_and(part);
        !before && !after
    })
}
