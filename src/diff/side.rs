//! One side of a comparison: a compiled flow, the YAML it was read from, and the files beside it.

use super::meaning;
use crate::call::{Flow, Step, StepId};
use crate::compile::{Compiled, Files};
use crate::flow::{Document, Node, Place, Span};
use crate::talk::Stage;

/// The variable of the environment that holds a protocol's key by custom, by stage and protocol.
pub type KeyOf = fn(Stage, &str) -> Option<&'static str>;

/// A flow that checks out, with its project.
#[derive(Clone, Copy)]
pub struct Side<'a> {
    /// What was compiled.
    pub compiled: &'a Compiled,
    /// The flow in it.
    pub flow: &'a Flow,
    /// The project that it lies in: its sounds, its `engine.yaml`.
    pub files: &'a dyn Files,
    /// Whose keys are where by custom.
    pub key_of: KeyOf,
}

impl<'a> Side<'a> {
    /// The side of a compiled flow; none where the flow has errors.
    pub fn new(compiled: &'a Compiled, files: &'a dyn Files, key_of: KeyOf) -> Option<Self> {
        let flow = compiled.flow.as_ref()?;
        Some(Self {
            compiled,
            flow,
            files,
            key_of,
        })
    }

    /// The document of a file that was read.
    pub(super) fn document(&self, file: &str) -> Option<&'a Document> {
        self.compiled
            .documents
            .iter()
            .find(|document| document.source.name() == file)
    }

    /// The file of a section; none where it has no step.
    pub(super) fn file(&self, section: usize) -> Option<&'a str> {
        let step = self.flow.steps.iter().find(|step| step.section == section)?;
        Some(step.place.source().name())
    }

    /// The root of a section's document.
    pub(super) fn root(&self, section: usize) -> Option<(&'a Document, &'a Node)> {
        let document = self.document(self.file(section)?)?;
        Some((document, document.root.as_ref()?))
    }

    /// A step's name within its own flow.
    pub(super) fn local(&self, step: &'a Step) -> &'a str {
        let prefix = match step.section {
            0 => None,
            section => self.flow.sections.get(section).map(|section| section.name.as_str()),
        };
        let short = prefix.and_then(|prefix| step.name.strip_prefix(prefix)?.strip_prefix('/'));
        short.unwrap_or(&step.name)
    }

    /// The step as it is written: its document and its map.
    pub(super) fn written(&self, step: &'a Step) -> Option<(&'a Document, &'a Node)> {
        let (document, root) = self.root(step.section)?;
        Some((document, root.key("steps")?.key(self.local(step))?))
    }

    /// The name of a step by its id.
    pub(super) fn name(&self, id: StepId) -> &'a str {
        &self.flow.step(id).name
    }

    /// All steps with their ids.
    pub(super) fn steps(&self) -> impl Iterator<Item = (StepId, &'a Step)> + use<'a> {
        let numbered = self.flow.steps.iter().enumerate();
        numbered.filter_map(|(index, step)| Some((StepId(u16::try_from(index).ok()?), step)))
    }

    /// What a step does, as one text that is equal for equal behaviour; where it leads is not in it.
    pub(super) fn meaning(step: &Step) -> String {
        let when = step.when.as_ref().map(|(when, _)| when.text()).unwrap_or_default();
        format!("{} {when:?} {}", step.kind.name(), meaning::of(&step.kind))
    }
}

/// A span of a document as a place.
pub(super) fn place(document: &Document, span: Option<Span>) -> Option<Place> {
    span.map(|span| Place::new(&document.source, span))
}
