//! `reject`: the call is refused before it is answered.

use super::{Kind, Stands};
use crate::call::{Cx, EndReason, Next, Outcome, StepError, StepKind};
use crate::flow::{FromYaml, form, words};
use crate::twiml::Verb;

words! {
    /// What the caller hears instead of an answer.
    pub enum Reason {
        /// An announcement that the number cannot be reached.
        Rejected = "rejected",
        /// The busy tone.
        Busy = "busy",
    }
}

form! {
    /// Refuses the call without answering it. Only of use before anything else was played.
    pub struct Reject shorthand reason {
        /// `rejected` or `busy`.
        reason: Reason = Reason::Rejected,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "reject",
    about: "refuses the call without answering it",
    place: Stands::InCall,
    read: |node, cx, _| Some(Box::new(Reject::from_yaml(node, cx)?)),
    schema: Reject::schema,
};

impl StepKind for Reject {
    fn name(&self) -> &'static str {
        "reject"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        Vec::new()
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        cx.verb(Verb::new("reject").with("reason", self.reason.as_str()), 0);
        Ok(Next::End(EndReason::Rejected))
    }
}
