//! The form of a scenario file: a caller, what goes wrong, what services and models answer, and what must come of it.

mod answers;
mod case;
mod counted;
mod expect;
mod steps;
mod verb;

pub use answers::{AnswerForm, Answers, Thought};
pub use case::Case;
pub use counted::Counted;
pub use expect::{Expect, InteractionForm, MessageForm, RequestForm, Stored, TurnForm};
pub use steps::Steps;
pub use verb::VerbForm;

use crate::flow::{Located, form};
use serde_json::Value;

form! {
    /// A call to a flow.
    pub struct ScenarioForm {
        /// What it shows, in a sentence.
        scenario: Located<String>,
        /// The flow, relative to this file.
        flow: Located<String>,
        /// What the caller does: `wait prompt; speak Hello; keys 1#; hangup`, as a text or as a list.
        caller: Steps = Steps::default(),
        /// The caller's number.
        from: Option<String>,
        /// The number that is called.
        to: Option<String>,
        /// When the call comes in: `2026-11-22 10:30 Asia/Jerusalem`, or with an offset: `2026-11-22T10:30:00Z`.
        at: Option<Located<String>>,
        /// What is known of the caller.
        contact: Vec<(Located<String>, Value)> = Vec::new(),
        /// What goes wrong: names of `engine list faults`, some with a time: `drop-stream=3s`, `restart=3s`.
        faults: Vec<Located<String>> = Vec::new(),
        /// How dialled parties answer, in order: `answer`, `busy`, `no-answer`, `failed`, `canceled`.
        dials: Vec<Located<String>> = Vec::new(),
        /// How the queue ends: `bridged`, `leave`, `queue-full`, `error`; `bridged` where nothing is said.
        queue: Option<Located<String>>,
        /// How a payment ends, with the carrier's word: `success`, `too-many-failed-attempts` …
        payment: Option<Located<String>>,
        /// How a `refer` ends: `taken` or `refused`.
        refer: Option<Located<String>>,
        /// What services answer, by a part of the URL (`*` for anything), by the step's or action's name, or by the
        /// channel of a message. What is not named succeeds, with an answer that fits the step's `returns`.
        services: Vec<(Located<String>, Answers)> = Vec::new(),
        /// What the language model answers, turn by turn.
        model: Vec<Thought> = Vec::new(),
        /// Stages of conversations that fail: `{listen: fails}`.
        providers: Vec<(Located<String>, Located<String>)> = Vec::new(),
        /// What must come of it.
        expect: Expect = Expect::none(),
        /// What had better come of it: where it does not, that is said and nothing fails.
        warn: Expect = Expect::none(),
        /// Why this scenario fails for now. It passes only where it does fail.
        fails: Option<Located<String>>,
        /// The same with other values, each a scenario of its own: a name and the keys that differ.
        cases: Vec<Case> = Vec::new(),
    }
}
