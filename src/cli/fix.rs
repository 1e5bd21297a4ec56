//! `engine validate --fix`: what findings offer is written into the files, as far as it makes them better.

use super::Exit;
use super::edited::{self, Replaced};
use crate::check::checked;
use crate::edit::{Mended, mend};
use crate::flow::{Finding, Findings, Fix};
use crate::line::Disk;
use std::path::{Path, PathBuf};

/// How findings are mended.
#[derive(Debug, clap::Args)]
pub(super) struct Fixing {
    /// Mends what can be mended safely, then checks. With `-`, prints the mended text.
    #[arg(long)]
    fix: bool,
    /// Also makes guesses, such as the nearest name to a misspelt step. Read the changes before you deploy them.
    #[arg(long, requires = "fix")]
    unsafe_fixes: bool,
    /// With `--fix`: writes nothing and prints what would be changed.
    #[arg(long, visible_alias = "dry-run", requires = "fix")]
    diff: bool,
}

impl Fixing {
    /// Whether anything is to be mended.
    pub(super) fn asked(&self) -> bool {
        self.fix
    }
}

/// Mends the given flows. None where they are to be checked now; the exit where all is said already.
pub(super) fn run(args: &Fixing, paths: &[PathBuf], stdin_name: &Path) -> Option<Exit> {
    match all(args, paths, stdin_name) {
        Ok(exit) => exit,
        Err(exit) => Some(exit),
    }
}

fn all(args: &Fixing, paths: &[PathBuf], stdin_name: &Path) -> Result<Option<Exit>, Exit> {
    if paths.iter().any(|path| path.as_os_str() == "-") {
        if paths.len() > 1 {
            eprintln!("error: with `--fix`, `-` stands alone");
            return Err(Exit::Usage);
        }
        let old = edited::stdin()?;
        let mended = mended(stdin_name, &old, args.unsafe_fixes);
        let changed = mended.text != old;
        let findings: Findings = mended.findings.into_iter().collect();
        if !findings.is_empty() {
            super::output::print_findings(&findings);
        }
        super::output::print(&match args.diff {
            true => edited::diff(&stdin_name.to_string_lossy(), &old, &mended.text),
            false => mended.text,
        });
        let problems = findings.has_errors() || args.diff && changed;
        return Ok(Some(if problems { Exit::Problems } else { Exit::Done }));
    }
    let mut would_change = false;
    for path in files(paths) {
        let old = edited::text(&path)?;
        let new = mended(&path, &old, args.unsafe_fixes).text;
        if new == old {
            continue;
        }
        would_change = true;
        if args.diff {
            super::output::print(&edited::diff(&path.to_string_lossy(), &old, &new));
        } else {
            edited::write(&path, &old, &new)?;
        }
    }
    Ok(match (args.diff, would_change) {
        (true, true) => Some(Exit::Problems),
        (true, false) => Some(Exit::Done),
        (false, _) => None,
    })
}

/// The flows among the paths. What is not there is told by the check that follows.
fn files(paths: &[PathBuf]) -> Vec<PathBuf> {
    let default = [PathBuf::from("flows")];
    let mut files = Vec::new();
    for path in if paths.is_empty() { &default[..] } else { paths } {
        if path.is_dir() {
            files.extend(edited::yaml_under(path));
        } else if path.is_file() && !files.contains(path) {
            files.push(path.clone());
        }
    }
    files
}

/// A flow's text after its fixes. What was done and what was not goes to standard error.
fn mended(path: &Path, text: &str, guesses: bool) -> Mended {
    let (root, inside) = edited::inside(path);
    let disk = Disk::new(root);
    let mut check = |text: &str| {
        let files = Replaced {
            disk: &disk,
            path: &inside,
            text,
        };
        checked(&inside, &files).findings.sorted().into_vec()
    };
    let mended = mend(&inside, text, guesses, &mut check);
    for finding in &mended.done {
        eprintln!("fixed {}: {}: {}", finding.place, finding.id, change(finding));
    }
    for (finding, why) in &mended.left {
        eprintln!(
            "not fixed {}: {}: {}: {why}",
            finding.place,
            finding.id,
            change(finding)
        );
    }
    mended
}

/// What a finding's fix does, in a few words.
fn change(finding: &Finding) -> String {
    let edits = finding.fix.as_ref().map_or(&[][..], |fix: &Fix| &fix.edits);
    let one = |edit: &crate::flow::Edit| {
        let (old, new) = (edit.place.text().trim(), edit.text.trim());
        match (old.is_empty(), new.is_empty()) {
            (_, true) => format!("`{old}` is deleted"),
            (true, _) => format!("`{new}` is added"),
            _ => format!("`{old}` becomes `{new}`"),
        }
    };
    let parts: Vec<String> = edits.iter().map(one).collect();
    parts.join(", ")
}
