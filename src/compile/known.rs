//! What a step kind can ask of the rest of the flow while it is read.

use super::files::Recorded;
use super::section::Build;
use crate::flow::{Findings, Source, Template};
use crate::step::{Known, Part};
use std::cell::RefCell;
use std::collections::BTreeMap;

/// What the kinds of one section can ask while they are read.
pub(super) struct View<'a, 'b> {
    build: RefCell<&'a mut Build<'b>>,
    pub findings: RefCell<Findings>,
    exits: &'a BTreeMap<String, Vec<String>>,
    folder: &'a str,
    files: &'a Recorded<'b>,
}

impl<'a, 'b> View<'a, 'b> {
    pub fn new(build: &'a mut Build<'b>, exits: &'a BTreeMap<String, Vec<String>>, folder: &'a str) -> Self {
        let files = build.files;
        Self {
            build: RefCell::new(build),
            findings: RefCell::default(),
            exits,
            folder,
            files,
        }
    }
}

impl Known for View<'_, '_> {
    fn exits(&self, agent: &str) -> Option<Vec<String>> {
        self.exits.get(agent).cloned()
    }

    fn part(&self, file: &str) -> Option<Part> {
        let path = join(self.folder, file);
        self.build.borrow_mut().run(&path, &mut self.findings.borrow_mut())
    }

    fn message(&self, name: &str) -> Option<Template> {
        let path = format!("templates/whatsapp/{name}.txt");
        let text = self.files.text(&path)?;
        let source = Source::new(path, text);
        let (template, findings) = Template::of_file(&source);
        self.findings.borrow_mut().extend(findings);
        template
    }

    fn has_template(&self, name: &str) -> bool {
        self.files.text(&format!("templates/{name}.xml")).is_some()
    }
}

/// A path beside the flow that names it; `..` goes up.
fn join(folder: &str, file: &str) -> String {
    let mut parts: Vec<&str> = folder.split('/').filter(|part| !part.is_empty()).collect();
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}
