//! `hangup`: the call ends.

use super::{Kind, Stands};
use crate::call::{Cx, EndReason, Next, Outcome, StepError, StepKind};
use crate::flow::{FromYaml, form};
use crate::twiml::Verb;

form! {
    /// Ends the call.
    pub struct Hangup {}
}

pub(super) const KIND: Kind = Kind {
    name: "hangup",
    about: "ends the call",
    place: Stands::InCall,
    read: |node, cx, _| Some(Box::new(Hangup::from_yaml(node, cx)?)),
    schema: Hangup::schema,
};

impl StepKind for Hangup {
    fn name(&self) -> &'static str {
        "hangup"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        Vec::new()
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        cx.verb(Verb::new("hangup"), 0);
        Ok(Next::End(EndReason::HungUp))
    }
}
