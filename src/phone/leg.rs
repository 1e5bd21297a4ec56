//! The carrier's side of a call: which act of which document is under way, and until when.

use super::act::Act;
use crate::call::Time;
use std::rc::Rc;

/// A call leg at the carrier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// The document that is being played.
    pub(super) acts: Rc<[Act]>,
    /// Which of its acts is under way.
    pub(super) at: usize,
    /// What is being done.
    pub(super) doing: Doing,
    /// Whether the call has been answered.
    pub(super) answered: bool,
}

/// What the carrier is doing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Doing {
    /// It rings, and no document has come yet.
    Ringing,
    /// A sound is heard.
    Playing { until: Time },
    /// A pause.
    Pausing { until: Time },
    /// A gather's prompts are heard; input stops them.
    Prompting { until: Time },
    /// Input is waited for.
    Listening { until: Time },
    /// A message is recorded; unless something is said it ends then.
    Recording { until: Time },
    /// Somebody is called; unless something happens nobody answers by then.
    Dialling { until: Time },
    /// A stream is being opened.
    Connecting,
    /// A stream of this id runs.
    Streaming { sid: String },
    /// A stream to somebody else's endpoint runs.
    StreamingAway,
    /// The stream is over and the carrier is about to ask.
    Returning,
    /// The caller waits in a queue.
    Queueing,
    /// The carrier takes a payment.
    Paying,
    /// The carrier hands the call over.
    Referring,
    /// A server that is not the engine's decides.
    Away,
    /// The call is over.
    Over,
}

impl Leg {
    pub(super) fn new() -> Self {
        Self {
            acts: Rc::new([]),
            at: 0,
            doing: Doing::Ringing,
            answered: false,
        }
    }

    /// What is being done.
    pub fn doing(&self) -> &Doing {
        &self.doing
    }

    /// The act under way.
    pub fn act(&self) -> Option<&Act> {
        self.acts.get(self.at)
    }

    /// What is left of the document, the act under way included.
    pub fn rest(&self) -> &[Act] {
        self.acts.get(self.at..).unwrap_or_default()
    }

    /// The acts of the document, all of them.
    pub fn document(&self) -> &[Act] {
        &self.acts
    }

    /// Whether the caller has been answered.
    pub fn is_answered(&self) -> bool {
        self.answered
    }

    /// When the carrier goes on by itself.
    pub fn due(&self) -> Option<Time> {
        match self.doing {
            Doing::Playing { until }
            | Doing::Pausing { until }
            | Doing::Prompting { until }
            | Doing::Listening { until }
            | Doing::Recording { until }
            | Doing::Dialling { until } => Some(until),
            _ => None,
        }
    }

    /// Whether nobody is on the line any more.
    pub fn is_over(&self) -> bool {
        self.doing == Doing::Over
    }
}
