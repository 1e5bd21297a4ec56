//! `end`: back to the flow that runs this one.

use super::{Kind, Stands};
use crate::call::{Cx, Next, Outcome, StepError, StepKind};
use crate::flow::{FromYaml, Located, form};

form! {
    /// Ends a flow that another one runs, with one of its declared `ends`.
    pub struct End shorthand with {
        /// One of the names under `ends:`.
        with: Located<String>,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "end",
    about: "goes back to the flow that runs this one, with one of its ends",
    place: Stands::InCall,
    read: |node, cx, _| Some(Box::new(End::from_yaml(node, cx)?)),
    schema: End::schema,
};

impl StepKind for End {
    fn name(&self) -> &'static str {
        "end"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        Vec::new()
    }

    fn enter(&self, _cx: &mut Cx<'_>) -> Result<Next, StepError> {
        Ok(Next::Return(Outcome(self.with.value.clone())))
    }

    fn ends(&self) -> Option<&Located<String>> {
        Some(&self.with)
    }
}
