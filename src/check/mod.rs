//! Checks of a compiled flow: one file per family; every finding has one line in [`ALL`] and a page in `pages/`.
//!
//! What keeps a flow from compiling is found by `compile`; here is what a flow that compiles still does wrong.
//!
//! A new finding takes a line in [`ALL`], `pages/ID.md` with [`HEADINGS`], and the flows `tests/flows/{bad,good}/ID.yaml`.
//! Codes of the carrier stand in its page in round brackets, such as `(11200)`, and `engine explain 11200` leads to it.
//! Then `engine explain --all --out docs/checks` writes the pages again.

mod agents;
mod codes;
mod documents;
mod graph;
mod registry;
mod unset;
mod window;

use crate::compile::{Compiled, Files, compile};
use crate::flow::{Findings, suppress};
use registry::checks;

pub use registry::{CATEGORIES, Check, Example, HEADINGS, named, reporting};

/// Compiles the flow file at `path` and runs every check over it. What `validate` proves besides is in `prove`.
///
/// A flow with an error is not there to run. Warnings that the files' comments allow are taken away and counted.
pub fn checked(path: &str, files: &dyn Files) -> Compiled {
    settled(examined(path, files))
}

/// Compiles the flow file and runs every check; nothing is taken away yet.
pub fn examined(path: &str, files: &dyn Files) -> Compiled {
    let mut compiled = compile(path, files);
    let mut found = Findings::default();
    for check in CHECKS {
        check(&compiled, &mut found);
    }
    compiled.findings.extend(found);
    compiled
}

/// Takes away the warnings that the files' comments allow; a flow with an error is not there to run any more.
pub fn settled(mut compiled: Compiled) -> Compiled {
    let mut findings = std::mem::take(&mut compiled.findings);
    for document in &compiled.documents {
        let (kept, suppressed) = suppress(findings, document);
        findings = kept;
        compiled.suppressed.extend(suppressed);
    }
    if findings.has_errors() {
        compiled.flow = None;
    }
    compiled.findings = with_category(findings);
    compiled
}

/// The registry knows each finding's family; who reports it need not say so.
fn with_category(findings: Findings) -> Findings {
    let known = findings.into_iter().map(|mut finding| {
        finding.category = named(finding.id).map_or(finding.category, |check| check.category);
        finding
    });
    known.collect()
}

/// The checks, in the order in which they run.
const CHECKS: &[fn(&Compiled, &mut Findings)] = &[
    graph::check,
    documents::check,
    window::check,
    unset::check,
    agents::check,
];

checks! {
    /// Every finding there is, in the order of their ids: what it weighs, its family, and one line of what it finds.
    /// `either` weighs as the carrier weighs it; `without_flow` is what no flow file alone can show.
    pub static ALL =
    "alias-bomb" error file: "aliases of aliases make the file grow beyond measure";
    "allow-without-reason" error comment: "a warning is allowed and nobody says why";
    "condition-in-braces" error template: "a condition stands in braces, which belong to texts";
    "duplicate-key" error file: "a key stands twice in a map";
    "empty-file" error file: "the file holds nothing";
    "file-too-large" error file without_flow: "the file is larger than any flow";
    "invalid-character" error file: "a character stands in the file that YAML does not allow";
    "invalid-utf8" error file: "the file is not UTF-8 text";
    "key-not-text" error file: "a key is a list or a map";
    "loop-without-end" warning graph: "steps go round without the caller's doing until the call's limit";
    "loop-without-input" error graph: "steps run in a circle without waiting for anybody";
    "missing-key" error shape: "something that must be there is not";
    "multiple-documents" error file: "the file holds more than one document";
    "no-entry" error graph: "nothing says where a call begins";
    "not-after-call" error shape: "a step that needs a caller stands under `after_call`";
    "not-available-yet" error shape: "this version cannot run it";
    "secret-in-plain-text" error policy without_flow: "a secret stands in a file as text";
    "self-alias" error file: "an alias stands inside of what it repeats";
    "template-from-elsewhere" error template: "a template takes in another one";
    "template-syntax" error template: "a template or a condition cannot be read";
    "text-compared-with-number" warning template: "a text is compared with a number, which is never equal";
    "twiml" either policy: "the carrier would refuse or ignore what a step sends, with the carrier's error code";
    "two-kinds" error shape: "a step has two kinds";
    "undeclared-variable" error template: "a template uses what nothing provides";
    "unknown-agent" error reference: "a step names an agent that is not declared";
    "unknown-anchor" error file: "an alias repeats what is not there";
    "unknown-asset" error reference: "a sound is not there";
    "unknown-directive" error comment: "a comment for the engine is not understood";
    "unknown-filter" error template: "a template uses a filter that is not there";
    "unknown-flow" error reference: "a flow to be run is not there";
    "unknown-function" error template: "a template calls a function that is not there";
    "unknown-key" error shape: "a key is not known here";
    "unknown-kind" error shape: "there is no such step kind";
    "unknown-method" error template: "a template calls a method of a value";
    "unknown-outcome" error graph: "an outcome is wired that never happens";
    "unknown-provider" error reference: "an agent names a provider that the engine does not know";
    "unknown-step" error reference: "a step is named that is not there";
    "unknown-tag" error file: "a value has a tag";
    "unknown-template" error reference: "a template is named that is not there";
    "unknown-test" error template: "a condition uses a test that is not there";
    "unknown-value" error shape: "a word is not one of those allowed";
    "unreachable-step" warning graph: "no call ever comes to a step";
    "unreadable-file" error file without_flow: "a file cannot be read";
    "unset-after-call" warning graph: "a follow-up uses a variable that no step may have set when the call ends";
    "unused-allow" warning comment: "a suppression silences nothing";
    "unused-next" warning graph: "`next` is never taken";
    "unwired-outcome" error graph: "an outcome leads nowhere";
    "whatsapp-window" warning policy: "free text goes to somebody who may never have written (63016)";
    "wrong-hours" error template: "opening hours cannot be read";
    "wrong-medium" error reference: "an agent for sound stands in a step by text, or the other way round";
    "wrong-type" error shape: "a value is of the wrong kind";
    "yaml-syntax" error file: "the file is not YAML";
}
