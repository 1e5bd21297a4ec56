//! Checks of a compiled flow: one file per family; every finding has one line in [`ALL`] and a page in `pages/`.
//!
//! What keeps a flow from compiling is found by `compile`; here is what a flow that compiles still does wrong.
//!
//! A new finding takes a line in [`ALL`], `pages/ID.md` with [`HEADINGS`], and the flows `tests/flows/{bad,good}/ID.yaml`.
//! Codes of the carrier stand in its page in round brackets, such as `(11200)`, and `engine explain 11200` leads to it.
//! Then `engine explain --all --out docs/checks` writes the pages again.

mod agents;
mod codes;
mod consequences;
mod documents;
mod graph;
mod headless;
mod keys;
mod limits;
mod messages;
mod never;
mod reason;
mod recordings;
mod refer;
mod registry;
mod secrets;
mod sounds;
mod speech;
mod twice;
mod unset;
mod urls;
mod waits;
mod window;
mod written;

use crate::compile::{Compiled, Files, compile};
use crate::flow::{Findings, suppress};
use registry::checks;

pub(crate) use graph::{heads, never_reached};
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
    sounds::check(&compiled, files, &mut found);
    compiled.findings.extend(found);
    consequences::remove(&mut compiled);
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
    if findings.has_errors()
        && let Some(flow) = compiled.flow.take()
    {
        compiled.draft.steps = flow.steps;
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
    speech::check,
    keys::check,
    limits::check,
    recordings::check,
    messages::check,
    urls::check,
    secrets::check,
    waits::check,
    window::check,
    unset::check,
    agents::check,
    never::check,
    reason::check,
    twice::check,
    refer::check,
];

checks! {
    /// Every finding there is, in the order of their ids: what it weighs, its family, and one line of what it finds.
    /// `either` weighs as the carrier weighs it; `without_flow` is what no flow file alone can show.
    pub static ALL =
    "alias-bomb" error file: "aliases of aliases make the file grow beyond measure";
    "allow-without-reason" error comment: "a warning is allowed and nobody says why";
    "call-limit" warning policy: "a conversation or message may last longer than the whole call";
    "condition-in-braces" error template: "a condition stands in braces, which belong to texts";
    "condition-never-holds" warning graph: "a condition holds for no call";
    "dial-number" error policy: "a dial calls its own line, its own caller or an emergency number";
    "duplicate-key" error file: "a key stands twice in a map";
    "empty-file" error file: "the file holds nothing";
    "engine-fault" error proof without_flow: "the engine itself breaks a promise on this flow";
    "failing-step" error proof: "a step fails on data that a call can bring";
    "fallback-too-late" warning policy: "a provider is waited for so long that no time is left for its fallback";
    "file-too-large" error file without_flow: "the file is larger than any flow";
    "invalid-character" error file: "a character stands in the file that YAML does not allow";
    "invalid-utf8" error file: "the file is not UTF-8 text";
    "key-not-text" error file: "a key is a list or a map";
    "loop-without-end" warning graph: "steps go round without the caller's doing until the call's limit";
    "loop-without-input" error graph: "steps run in a circle without waiting for anybody";
    "lost-after-hangup" warning policy: "work after a message is not done where the caller hangs up";
    "message-address" error policy: "a message goes to or from an address that cannot be used (21211, 21910, 63031)";
    "message-body" error policy: "a message has no text, or more than the carrier takes (21602, 21617)";
    "missing-key" error shape: "something that must be there is not";
    "multiple-documents" error file: "the file holds more than one document";
    "nameless-agent" error shape: "an agent's parts stand where its name belongs";
    "no-entry" error graph: "nothing says where a call begins";
    "not-after-call" error shape: "a step that needs a caller stands under `after_call`";
    "not-available-yet" error shape: "this version cannot run it";
    "not-proven" warning proof without_flow: "the flow has more states than the search follows";
    "out-of-reason" warning policy: "a time or a number with which no caller can live";
    "private-url" warning policy: "the carrier is sent to an address that it cannot reach (11205, 31904)";
    "refer-without-sip" warning policy: "a call that may not have come by SIP is handed over";
    "repeated-follow-up" warning policy: "the same follow-up stands twice";
    "scenario-case" error scenario without_flow: "a case is named that the scenario file does not have, or none of several";
    "scenario-fault" error scenario without_flow: "a fault is not known, or not played here";
    "scenario-no-flow" error scenario without_flow: "a scenario's flow is not there";
    "scenario-unknown-action" error scenario without_flow: "a scenario's model wishes for an action that no agent declares";
    "scenario-unknown-sound" error scenario without_flow: "a scenario expects a sound whose name is nearly one of the flow's";
    "scenario-unknown-step" error scenario without_flow: "a scenario names a step that its flow does not have";
    "secret-in-plain-text" either policy: "a secret stands in a file as text";
    "self-alias" error file: "an alias stands inside of what it repeats";
    "service-url" error policy: "the address of a service cannot be used";
    "silence-too-long" error proof: "a caller can hear nothing for longer than the flow allows";
    "silent-queue" error proof: "callers wait in a queue without a sound";
    "slow-action" warning policy: "an action takes longer than the silence after which the conversation is given up";
    "sound-late-start" warning policy: "a sound begins with silence";
    "sound-low-rate" warning policy: "a sound has less in it than a telephone carries";
    "sound-mismatch" warning policy: "a sound's name and its content disagree (13420)";
    "sound-silent" warning policy: "a sound is silent, or nearly so";
    "sound-too-long" warning policy: "a sound is longer than anybody will hear";
    "sound-unplayable" either policy: "a file is no sound, or of a type that the carrier refuses (12300, 13420)";
    "success-to-otherwise" warning graph: "what went well leads to where failures go";
    "template-from-elsewhere" error template: "a template takes in another one";
    "template-syntax" error template: "a template or a condition cannot be read";
    "text-compared-with-number" warning template: "a text is compared with a number, which is never equal";
    "twiml" either policy: "the carrier would refuse or ignore what a step sends, with the carrier's error code";
    "twiml-advice" warning policy: "what a step sends does something else than it looks like";
    "two-kinds" error shape: "a step has two kinds";
    "unannounced-recording" warning policy: "a recording begins without a word";
    "unanswerable-choice" either policy: "a choice has an answer that nobody can give";
    "undeclared-variable" error template: "a template uses what nothing provides";
    "unencrypted-url" warning policy: "data travels over the open network without encryption";
    "unheard-retry" warning policy: "a prompt is for an attempt that never comes";
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
    "unused-template-variable" warning policy: "a message template is given a variable that it does not have (63028)";
    "unwired-outcome" error graph: "an outcome leads nowhere";
    "watchdog-too-long" warning policy: "a watchdog waits longer than the flow allows silence";
    "whatsapp-window" warning policy: "free text goes to somebody who may never have written (63016)";
    "wrong-hours" error template: "opening hours cannot be read";
    "wrong-medium" error reference: "an agent for sound stands in a step by text, or the other way round";
    "wrong-type" error shape: "a value is of the wrong kind";
    "yaml-syntax" error file: "the file is not YAML";
}
