//! What the pages point at is there: links, paths of the sources, every page in the index, every command in the README.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn text(page: &Path) -> String {
    std::fs::read_to_string(page).unwrap_or_else(|error| panic!("{}: {error}", page.display()))
}

/// The Markdown files below a folder.
fn below(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| if path.is_dir() { below(&path) } else { vec![path] })
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect()
}

/// Everything that people read about the project.
fn pages() -> Vec<PathBuf> {
    let top = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md"].map(|name| root().join(name));
    let folders = ["docs", "src", "templates", "static"].map(|name| root().join(name));
    let mut pages: Vec<PathBuf> = top.into_iter().collect();
    pages.extend(folders.iter().flat_map(|folder| below(folder)));
    pages
}

/// The lines outside of code blocks.
fn prose(text: &str) -> String {
    let mut inside = false;
    let mut kept = String::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            inside = !inside;
        } else if !inside {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    kept
}

/// Where links lead, without what stands behind `#`; those to other sites are left out.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with('#'))
        .filter_map(|target| target.split('#').next())
        .map(str::to_owned)
        .collect()
}

/// Paths of this project that stand between backticks.
fn named(text: &str) -> Vec<String> {
    const FOLDERS: [&str; 8] = [
        "src/",
        "tests/",
        "docs/",
        "examples/",
        "scripts/",
        "benches/",
        "fuzz/",
        "static/",
    ];
    let quoted = text.split('`').skip(1).step_by(2);
    quoted
        .filter(|word| FOLDERS.iter().any(|folder| word.starts_with(folder)))
        // Patterns, commands with arguments, and names that stand for others are no paths.
        .filter(|word| !word.contains(|c: char| c.is_whitespace() || c.is_uppercase() || "*{<…".contains(c)))
        .map(str::to_owned)
        .collect()
}

#[test]
fn every_link_leads_somewhere() {
    let mut seen = 0;
    let mut lost = Vec::new();
    for page in pages() {
        for link in links(&prose(&text(&page))) {
            seen += 1;
            if !page.parent().expect("a folder").join(&link).exists() {
                lost.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(seen > 50, "only {seen} links were looked at");
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn every_path_of_the_architecture_is_there() {
    let mut seen = 0;
    let mut lost = Vec::new();
    for page in ["ARCHITECTURE.md", "docs/proof.md"] {
        for path in named(&prose(&text(&root().join(page)))) {
            seen += 1;
            if !root().join(&path).exists() {
                lost.push(format!("{page}: {path}"));
            }
        }
    }
    assert!(seen > 50, "only {seen} paths were looked at");
    assert!(lost.is_empty(), "{}", lost.join("\n"));
}

#[test]
fn every_page_is_in_the_index() {
    let index = root().join("docs/README.md");
    let listed: BTreeSet<String> = links(&text(&index)).into_iter().collect();
    let folder = std::fs::read_dir(root().join("docs")).expect("the pages");
    let names = folder.map(|entry| entry.expect("a page").file_name().to_string_lossy().into_owned());
    let missing: Vec<String> = names
        .filter(|name| name.ends_with(".md") && name != "README.md" && !listed.contains(name))
        .collect();
    assert!(missing.is_empty(), "docs/README.md lacks {missing:?}");
}

#[test]
fn every_command_is_in_the_readme() {
    let output = Command::new(env!("CARGO_BIN_EXE_engine"))
        .arg("--help")
        .output()
        .expect("it runs");
    let help = String::from_utf8(output.stdout).expect("text");
    let commands = help.split("Commands:\n").nth(1).expect("commands");
    let names = commands.lines().take_while(|line| !line.is_empty());
    let names: Vec<&str> = names.filter_map(|line| line.split_whitespace().next()).collect();
    assert!(names.len() > 10, "{names:?}");
    let readme = text(&root().join("README.md"));
    let table: String = readme.lines().filter(|line| line.starts_with("| `engine ")).collect();
    for name in names.into_iter().filter(|name| *name != "help") {
        let told = |c: &str| table.contains(&format!("`engine {name}{c}"));
        assert!(told(" ") || told("`"), "the table of commands lacks `{name}`");
    }
}

#[test]
fn what_is_lost_would_be_noticed() {
    let page = "[a](b.md#c) and [d](https://e/f), `src/g.rs`, `src/*.rs`\n```\n[h](i)\n```\n[j](k/)\n";
    assert_eq!(links(&prose(page)), ["b.md", "k/"]);
    assert_eq!(named(&prose(page)), ["src/g.rs"]);
}
