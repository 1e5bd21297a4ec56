//! Which two versions are meant: files, the same files at a commit, or all flows of a project.

use super::git::{GitError, Tree};
use crate::check::checked;
use crate::compile::{Compiled, Files};
use crate::line::{Disk, project_root};
use std::collections::BTreeSet;
use std::fmt;
use std::path::{Path, PathBuf};
use std::rc::Rc;

/// Flows to compare.
pub struct Sides {
    pub pairs: Vec<Pair>,
}

/// One flow on both sides; none where it is not there.
pub struct Pair {
    pub old: Option<Read>,
    pub new: Option<Read>,
}

/// One version of a flow, compiled.
pub struct Read {
    /// Where it was read, for people: `git:main`, `the files`.
    pub source: String,
    /// Its path in the project.
    pub file: String,
    pub files: Rc<dyn Files>,
    pub compiled: Compiled,
}

/// Why there is nothing to compare.
#[derive(Debug)]
pub enum Wrong {
    /// The arguments do not name two versions.
    Arguments,
    /// No such file.
    NoFile(String),
    /// The file was not there at the commit.
    NotThen { file: String, name: String },
    /// `git:REF` alone, where a path is needed.
    NoPath(String),
    /// Git.
    Git(GitError),
}

impl Wrong {
    /// What to type instead.
    pub fn help(&self) -> Option<String> {
        let help = match self {
            Self::Arguments => {
                "write `engine diff OLD NEW`, `engine diff FLOW --against git:REF`, or `engine diff --against git:REF`"
            }
            Self::NoFile(_) => "give the path of a flow, such as `flows/receptionist.yaml`",
            Self::NotThen { .. } => {
                "name the file that it was then: `--against git:REF:PATH`; without a flow, all flows are compared, new ones too"
            }
            Self::NoPath(_) => "write `git:REF:PATH`, with the path in the project",
            Self::Git(GitError::UnknownRef(_)) => {
                "name a branch, a tag or a commit, such as `git:main` or `git:HEAD~1`; a shallow clone may not have it"
            }
            Self::Git(_) => return None,
        };
        Some(help.to_owned())
    }
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments => f.write_str("two versions are needed"),
            Self::NoFile(file) => write!(f, "there is no flow file `{file}`"),
            Self::NotThen { file, name } => write!(f, "there was no `{file}` at `{name}`"),
            Self::NoPath(spec) => write!(f, "`{spec}` names no file"),
            Self::Git(error) => write!(f, "{error}"),
        }
    }
}

impl std::error::Error for Wrong {}

impl From<GitError> for Wrong {
    fn from(error: GitError) -> Self {
        Self::Git(error)
    }
}

/// Reads both sides of what the arguments name.
pub fn read(flows: &[String], against: Option<&str>) -> Result<Sides, Wrong> {
    let (old, new) = match (flows, against) {
        ([], Some(against)) => return project(against),
        ([flow], Some(against)) => (against, flow.as_str()),
        ([old, new], None) => (old.as_str(), new.as_str()),
        _ => return Err(Wrong::Arguments),
    };
    let pair = match (Spec::parse(old), Spec::parse(new)) {
        (Spec::File(old), Spec::File(new)) => (on_disk(old)?, on_disk(new)?),
        (Spec::Commit { name, path }, Spec::File(new)) => {
            let (root, file) = located(new)?;
            (at_commit(&root, name, path.unwrap_or(&file))?, on_disk(new)?)
        }
        (Spec::File(old), Spec::Commit { name, path }) => {
            let (root, file) = located(old)?;
            (on_disk(old)?, at_commit(&root, name, path.unwrap_or(&file))?)
        }
        (
            Spec::Commit { name, path },
            Spec::Commit {
                name: other,
                path: then,
            },
        ) => {
            let root = here();
            let (Some(one), Some(two)) = (path.or(then), then.or(path)) else {
                return Err(Wrong::NoPath(old.to_owned()));
            };
            (at_commit(&root, name, one)?, at_commit(&root, other, two)?)
        }
    };
    Ok(Sides {
        pairs: vec![Pair {
            old: Some(pair.0),
            new: Some(pair.1),
        }],
    })
}

/// One side as it is named.
enum Spec<'a> {
    File(&'a str),
    Commit { name: &'a str, path: Option<&'a str> },
}

impl<'a> Spec<'a> {
    fn parse(text: &'a str) -> Self {
        match text.strip_prefix("git:") {
            // No ref has a colon in its name.
            Some(commit) => match commit.split_once(':') {
                Some((name, path)) => Self::Commit { name, path: Some(path) },
                None => Self::Commit {
                    name: commit,
                    path: None,
                },
            },
            None => Self::File(text),
        }
    }
}

/// The project of a flow file and the file's path in it, from wherever it is named.
fn located(flow: &str) -> Result<(PathBuf, String), Wrong> {
    let path = Path::new(flow).canonicalize().ok().filter(|path| path.is_file());
    let path = path.ok_or_else(|| Wrong::NoFile(flow.to_owned()))?;
    let root = project_root(&path);
    let file = path
        .strip_prefix(&root)
        .unwrap_or(&path)
        .to_string_lossy()
        .replace('\\', "/");
    Ok((root, file))
}

fn on_disk(flow: &str) -> Result<Read, Wrong> {
    let (root, file) = located(flow)?;
    Ok(compiled("the files", &file, Rc::new(Disk::new(root))))
}

fn at_commit(root: &Path, name: &str, file: &str) -> Result<Read, Wrong> {
    let tree = Tree::at(root, name)?;
    if tree.text(file).is_none() {
        return Err(Wrong::NotThen {
            file: file.to_owned(),
            name: name.to_owned(),
        });
    }
    Ok(compiled(&format!("git:{name}"), file, Rc::new(tree)))
}

fn compiled(source: &str, file: &str, files: Rc<dyn Files>) -> Read {
    Read {
        source: source.to_owned(),
        file: file.to_owned(),
        compiled: checked(file, &*files),
        files,
    }
}

/// The project around the working folder: the nearest folder that has flows.
fn here() -> PathBuf {
    let here = Path::new(".").canonicalize().unwrap_or_else(|_| PathBuf::from("."));
    let with_flows = here
        .ancestors()
        .find(|folder| folder.join("flows").is_dir())
        .map(Path::to_path_buf);
    with_flows.unwrap_or(here)
}

/// All flows of the project, those that came and those that went among them.
fn project(against: &str) -> Result<Sides, Wrong> {
    let Spec::Commit { name, path: None } = Spec::parse(against) else {
        return Err(Wrong::Arguments);
    };
    let root = here();
    let old: Rc<dyn Files> = Rc::new(Tree::at(&root, name)?);
    let new: Rc<dyn Files> = Rc::new(Disk::new(root));
    let (mut before, mut after) = (BTreeSet::new(), BTreeSet::new());
    flows_under("flows", &*old, &mut before);
    flows_under("flows", &*new, &mut after);
    let pair = |file: &String| Pair {
        old: before
            .contains(file)
            .then(|| compiled(&format!("git:{name}"), file, Rc::clone(&old))),
        new: after
            .contains(file)
            .then(|| compiled("the files", file, Rc::clone(&new))),
    };
    Ok(Sides {
        pairs: before.union(&after).map(pair).collect(),
    })
}

/// The flow files below a folder, but for hidden ones.
fn flows_under(folder: &str, files: &dyn Files, found: &mut BTreeSet<String>) {
    for name in files.list(folder).iter().filter(|name| !name.starts_with('.')) {
        let path = format!("{folder}/{name}");
        if name.ends_with(".yaml") || name.ends_with(".yml") {
            found.insert(path);
        } else {
            flows_under(&path, files, found);
        }
    }
}
