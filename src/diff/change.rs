//! What a comparison finds: single changes, each with what it was, what it is, where, and whom it reaches.

use crate::flow::Place;

/// Whom a change reaches, from nobody to those who are on the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Class {
    /// Nobody hears, says or is sent anything else.
    Compatible,
    /// Calls that begin afterwards. A call in progress goes on with the version that it began with: the engine keeps its
    /// texts in memory and in the store, and compiles it again from there after a restart.
    NewCalls,
    /// Somebody loses what worked: a call in progress needs what is kept with no version and is there no more (a sound's
    /// bytes, a provider of `engine.yaml`), a sound outlasts the watchdog that was set by its old length, or flows that run
    /// this one do not compile with it any more.
    Breaking,
}

impl Class {
    /// All, from the lightest on.
    pub const ALL: [Self; 3] = [Self::Compatible, Self::NewCalls, Self::Breaking];

    /// The word for machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::NewCalls => "new_calls",
            Self::Breaking => "breaking",
        }
    }

    /// The words for people.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Compatible => "compatible",
            Self::NewCalls => "new calls",
            Self::Breaking => "breaking",
        }
    }
}

/// What happened to a thing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Sign {
    Added,
    Removed,
    Changed,
    Renamed,
}

impl Sign {
    /// The word for machines.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed => "changed",
            Self::Renamed => "renamed",
        }
    }

    /// The mark before it.
    pub const fn mark(self) -> char {
        match self {
            Self::Added => '+',
            Self::Removed => '-',
            Self::Changed | Self::Renamed => '~',
        }
    }
}

/// Which part of a flow a change belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    /// The head of the flow, or of the named flow that it runs.
    Flow(Option<String>),
    /// A step, by its name: the new one where it has one.
    Step(String),
    /// The follow-ups.
    AfterCall,
    /// An agent, by its name.
    Agent(String),
    /// Files that the flow names: sounds, texts, templates.
    Files,
    /// What the flow needs of its surroundings: providers, secrets, webhooks.
    Needs,
}

impl Subject {
    /// The kind of part, for machines.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Flow(_) => "flow",
            Self::Step(_) => "step",
            Self::AfterCall => "after_call",
            Self::Agent(_) => "agent",
            Self::Files => "files",
            Self::Needs => "needs",
        }
    }

    /// The part's own name, where there are several of its kind.
    pub fn name(&self) -> Option<&str> {
        match self {
            Self::Flow(name) => name.as_deref(),
            Self::Step(name) | Self::Agent(name) => Some(name),
            Self::AfterCall | Self::Files | Self::Needs => None,
        }
    }
}

/// One difference.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What kind of change it is, such as `step-removed`: never renamed.
    pub id: &'static str,
    /// Whom it reaches.
    pub class: Class,
    /// What happened.
    pub sign: Sign,
    /// The part of the flow.
    pub subject: Subject,
    /// What of it: `record.max`, `on busy`; empty for the part as a whole.
    pub what: String,
    /// What it was; none where it was not there.
    pub was: Option<String>,
    /// What it is; none where it is gone.
    pub is: Option<String>,
    /// Where it stood.
    pub old: Option<Place>,
    /// Where it stands.
    pub new: Option<Place>,
    /// What a caller notices of it.
    pub caller: String,
}

impl Change {
    /// A change of something that is there on both sides; the rest is told by the methods below.
    pub(super) fn new(id: &'static str, class: Class, subject: Subject, what: impl Into<String>) -> Self {
        Self {
            id,
            class,
            sign: Sign::Changed,
            subject,
            what: what.into(),
            was: None,
            is: None,
            old: None,
            new: None,
            caller: String::new(),
        }
    }

    pub(super) fn sign(mut self, sign: Sign) -> Self {
        self.sign = sign;
        self
    }

    pub(super) fn values(mut self, was: Option<String>, is: Option<String>) -> Self {
        (self.was, self.is) = (was, is);
        self
    }

    pub(super) fn places(mut self, old: Option<Place>, new: Option<Place>) -> Self {
        (self.old, self.new) = (old, new);
        self
    }

    pub(super) fn caller(mut self, caller: impl Into<String>) -> Self {
        self.caller = caller.into();
        self
    }
}

/// What became of a step that a call may wait at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It does the same, under this name.
    Same(String),
    /// It is there under this name and does something else, or leads elsewhere.
    Changed(String),
    /// It is gone.
    Removed,
}
