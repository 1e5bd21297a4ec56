//! Checks of a compiled flow: one file per family, one line per finding that `engine list checks` shows.
//!
//! What keeps a flow from compiling is found by `compile`; here is what a flow that compiles still does wrong.

mod agents;
mod documents;
mod graph;
mod keys;
mod limits;
mod messages;
mod recordings;
mod secrets;
mod sounds;
mod speech;
mod unset;
mod urls;
mod waits;
mod window;
mod written;

use crate::compile::{Compiled, Files, compile};
use crate::flow::{Findings, suppress};

/// A finding that can be reported, for `engine list checks`.
pub struct Check {
    /// Its id.
    pub id: &'static str,
    /// One line of what it finds.
    pub about: &'static str,
}

/// Compiles the flow file at `path` and runs every check over it: what `run`, `simulate` and `validate` go by.
///
/// A flow with an error is not there to run. Warnings that the files' comments allow are taken away and counted.
pub fn checked(path: &str, files: &dyn Files) -> Compiled {
    let mut compiled = compile(path, files);
    let mut found = Findings::default();
    for check in CHECKS {
        check(&compiled, &mut found);
    }
    sounds::check(&compiled, files, &mut found);
    compiled.findings.extend(found);
    let mut findings = std::mem::take(&mut compiled.findings);
    for document in &compiled.documents {
        let (kept, suppressed) = suppress(findings, document);
        findings = kept;
        compiled.suppressed += suppressed;
    }
    if findings.has_errors() {
        compiled.flow = None;
    }
    compiled.findings = findings;
    compiled
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
];

/// Every finding there is.
pub static ALL: &[Check] = &[
    Check {
        id: "alias-bomb",
        about: "aliases of aliases make the file grow beyond measure",
    },
    Check {
        id: "allow-without-reason",
        about: "a warning is allowed and nobody says why",
    },
    Check {
        id: "call-limit",
        about: "a conversation or message may last longer than the whole call",
    },
    Check {
        id: "condition-in-braces",
        about: "a condition stands in braces, which belong to texts",
    },
    Check {
        id: "dial-number",
        about: "a dial calls its own line, its own caller or an emergency number",
    },
    Check {
        id: "duplicate-key",
        about: "a key stands twice in a map",
    },
    Check {
        id: "empty-file",
        about: "the file holds nothing",
    },
    Check {
        id: "fallback-too-late",
        about: "a provider is waited for so long that no time is left for its fallback",
    },
    Check {
        id: "file-too-large",
        about: "the file is larger than any flow",
    },
    Check {
        id: "invalid-character",
        about: "a character stands in the file that YAML does not allow",
    },
    Check {
        id: "invalid-utf8",
        about: "the file is not UTF-8 text",
    },
    Check {
        id: "key-not-text",
        about: "a key is a list or a map",
    },
    Check {
        id: "loop-without-end",
        about: "steps go round without the caller's doing until the call's limit",
    },
    Check {
        id: "loop-without-input",
        about: "steps run in a circle without waiting for anybody",
    },
    Check {
        id: "lost-after-hangup",
        about: "work after a message is not done where the caller hangs up",
    },
    Check {
        id: "message-address",
        about: "a message goes to or from an address that cannot be used (21211, 21910, 63031)",
    },
    Check {
        id: "message-body",
        about: "a message has no text, or more than the carrier takes (21602, 21617)",
    },
    Check {
        id: "missing-key",
        about: "something that must be there is not",
    },
    Check {
        id: "multiple-documents",
        about: "the file holds more than one document",
    },
    Check {
        id: "no-entry",
        about: "nothing says where a call begins",
    },
    Check {
        id: "not-after-call",
        about: "a step that needs a caller stands under `after_call`",
    },
    Check {
        id: "not-available-yet",
        about: "this version cannot run it",
    },
    Check {
        id: "private-url",
        about: "the carrier is sent to an address that it cannot reach (11205, 31904)",
    },
    Check {
        id: "secret-in-plain-text",
        about: "a secret stands in a file as text",
    },
    Check {
        id: "self-alias",
        about: "an alias stands inside of what it repeats",
    },
    Check {
        id: "service-url",
        about: "the address of a service cannot be used",
    },
    Check {
        id: "slow-action",
        about: "an action takes longer than the silence after which the conversation is given up",
    },
    Check {
        id: "sound-late-start",
        about: "a sound begins with silence",
    },
    Check {
        id: "sound-low-rate",
        about: "a sound has less in it than a telephone carries",
    },
    Check {
        id: "sound-mismatch",
        about: "a sound's name and its content disagree (13420)",
    },
    Check {
        id: "sound-silent",
        about: "a sound is silent, or nearly so",
    },
    Check {
        id: "sound-too-long",
        about: "a sound is longer than anybody will hear",
    },
    Check {
        id: "sound-unplayable",
        about: "a file is no sound, or of a type that the carrier refuses (12300, 13420)",
    },
    Check {
        id: "template-from-elsewhere",
        about: "a template takes in another one",
    },
    Check {
        id: "template-syntax",
        about: "a template or a condition cannot be read",
    },
    Check {
        id: "text-compared-with-number",
        about: "a text is compared with a number, which is never equal",
    },
    Check {
        id: "twiml",
        about: "the carrier would refuse or ignore what a step sends, with the carrier's error code",
    },
    Check {
        id: "twiml-advice",
        about: "what a step sends does something else than it looks like",
    },
    Check {
        id: "two-kinds",
        about: "a step has two kinds",
    },
    Check {
        id: "unannounced-recording",
        about: "a recording begins without a word",
    },
    Check {
        id: "unanswerable-choice",
        about: "a choice has an answer that nobody can give",
    },
    Check {
        id: "undeclared-variable",
        about: "a template uses what nothing provides",
    },
    Check {
        id: "unencrypted-url",
        about: "data travels over the open network without encryption",
    },
    Check {
        id: "unheard-retry",
        about: "a prompt is for an attempt that never comes",
    },
    Check {
        id: "unknown-agent",
        about: "a step names an agent that is not declared",
    },
    Check {
        id: "unknown-anchor",
        about: "an alias repeats what is not there",
    },
    Check {
        id: "unknown-asset",
        about: "a sound is not there",
    },
    Check {
        id: "unknown-directive",
        about: "a comment for the engine is not understood",
    },
    Check {
        id: "unknown-filter",
        about: "a template uses a filter that is not there",
    },
    Check {
        id: "unknown-flow",
        about: "a flow to be run is not there",
    },
    Check {
        id: "unknown-function",
        about: "a template calls a function that is not there",
    },
    Check {
        id: "unknown-key",
        about: "a key is not known here",
    },
    Check {
        id: "unknown-kind",
        about: "there is no such step kind",
    },
    Check {
        id: "unknown-method",
        about: "a template calls a method of a value",
    },
    Check {
        id: "unknown-outcome",
        about: "an outcome is wired that never happens",
    },
    Check {
        id: "unknown-provider",
        about: "an agent names a provider that the engine does not know",
    },
    Check {
        id: "unknown-step",
        about: "a step is named that is not there",
    },
    Check {
        id: "unknown-tag",
        about: "a value has a tag",
    },
    Check {
        id: "unknown-template",
        about: "a template is named that is not there",
    },
    Check {
        id: "unknown-test",
        about: "a condition uses a test that is not there",
    },
    Check {
        id: "unknown-value",
        about: "a word is not one of those allowed",
    },
    Check {
        id: "unreachable-step",
        about: "no call ever comes to a step",
    },
    Check {
        id: "unreadable-file",
        about: "a file cannot be read",
    },
    Check {
        id: "unset-after-call",
        about: "a follow-up uses a variable that no step may have set when the call ends",
    },
    Check {
        id: "unused-allow",
        about: "a suppression silences nothing",
    },
    Check {
        id: "unused-next",
        about: "`next` is never taken",
    },
    Check {
        id: "unused-template-variable",
        about: "a message template is given a variable that it does not have (63028)",
    },
    Check {
        id: "unwired-outcome",
        about: "an outcome leads nowhere",
    },
    Check {
        id: "watchdog-too-long",
        about: "a watchdog waits longer than the flow allows silence",
    },
    Check {
        id: "whatsapp-window",
        about: "free text goes to somebody who may never have written (63016)",
    },
    Check {
        id: "wrong-hours",
        about: "opening hours cannot be read",
    },
    Check {
        id: "wrong-medium",
        about: "an agent for sound stands in a step by text, or the other way round",
    },
    Check {
        id: "wrong-type",
        about: "a value is of the wrong kind",
    },
    Check {
        id: "yaml-syntax",
        about: "the file is not YAML",
    },
];

#[cfg(test)]
mod tests;
