//! The core decides and nothing else: its sources name no clock, disk, network, environment, lock or runtime.

use std::path::{Path, PathBuf};

/// The folders of `src/` that must stay pure.
const PURE: [&str; 8] = ["flow", "step", "compile", "check", "call", "talk", "twiml", "audio"];

/// What they must not name, and what takes its place.
const FORBIDDEN: [(&str, &str); 20] = [
    ("tokio", "return an effect; `line` performs it"),
    ("async fn", "return an effect; `line` performs it"),
    ("warp", "the server calls the core, never the other way"),
    ("hyper", "the server calls the core, never the other way"),
    ("reqwest", "return an effect; `line` performs it"),
    ("rusqlite", "return an effect; `line` commits it"),
    ("tracing", "return a finding or a warning effect"),
    ("println!", "return a finding or a warning effect"),
    ("std::fs", "take `compile::Files`"),
    ("std::io", "take bytes"),
    ("std::net", "return an effect; `line` performs it"),
    ("std::process", "return an effect; `line` performs it"),
    ("std::thread", "the core runs on whoever calls it"),
    ("std::env", "take the value as an argument"),
    ("std::time::Instant", "take `now` as an argument"),
    ("SystemTime", "take `now` as an argument"),
    ("::now()", "take `now` as an argument"),
    ("Mutex", "take `&mut self`"),
    ("RwLock", "take `&mut self`"),
    ("getrandom", "take a seed as an argument"),
];

#[test]
fn the_core_touches_nothing() {
    let mut wrong = Vec::new();
    for room in PURE {
        let files = sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(room));
        assert!(!files.is_empty(), "src/{room} has no sources");
        for file in files {
            let text = std::fs::read_to_string(&file).expect("a source");
            for (number, line) in production(&text) {
                for (word, instead) in offences(line) {
                    wrong.push(format!("{}:{number}: names `{word}`; {instead}", file.display()));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn an_offence_would_be_seen() {
    let source =
        "//! Reads no SystemTime.\nuse std::fs::File; // for tokio\n#[cfg(test)]\nmod tests { use std::env; }\n";
    let seen: Vec<_> = production(source)
        .flat_map(|(number, line)| offences(line).map(move |(word, _)| (number, word)))
        .collect();
    assert_eq!(seen, [(2, "std::fs")]);
}

/// The lines before a file's tests, with their numbers and without comments.
fn production(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.lines()
        .enumerate()
        .take_while(|(_, line)| *line != "#[cfg(test)]")
        .map(|(number, line)| (number + 1, line.split("//").next().unwrap_or_default()))
}

fn offences(line: &str) -> impl Iterator<Item = (&'static str, &'static str)> {
    FORBIDDEN.into_iter().filter(move |(word, _)| line.contains(word))
}

/// The sources below a folder, but for those that are tests only.
fn sources(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry").path();
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let tests = name == "tests" || name.ends_with("_tests");
        if path.is_dir() && !tests {
            found.extend(sources(&path));
        } else if path.extension().is_some_and(|end| end == "rs") && !tests {
            found.push(path);
        }
    }
    found.sort();
    found
}
