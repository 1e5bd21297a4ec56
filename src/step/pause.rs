//! `pause`: measured silence.

use super::{Kind, Stands, outcomes};
use crate::call::{Cx, Next, Outcome, StepError, StepKind};
use crate::flow::{Duration, FromYaml, form};
use crate::twiml::Verb;

form! {
    /// Waits in silence. The carrier counts whole seconds, so the time is rounded up.
    pub struct Pause shorthand length {
        /// How long, such as `2s`.
        length: Duration,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "pause",
    about: "waits in silence for a measured time",
    place: Stands::InCall,
    read: |node, cx, _| Some(Box::new(Pause::from_yaml(node, cx)?)),
    schema: Pause::schema,
};

impl StepKind for Pause {
    fn name(&self) -> &'static str {
        "pause"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        outcomes(&["done"])
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let seconds = self.length.as_secs_ceil().max(1);
        cx.verb(
            Verb::new("pause").with("seconds", seconds),
            seconds.saturating_mul(1000),
        );
        Ok(Next::go("done"))
    }
}
