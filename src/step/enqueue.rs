//! `enqueue`: the caller waits in a queue until somebody takes the call.

use super::{Kind, Sound, Stands, outcomes};
use crate::call::{Back, Cx, Next, Outcome, Params, Route, StepError, StepKind, Touches, WaitOn};
use crate::flow::{FromYaml, Template, form};
use crate::twiml::Verb;
use serde_json::json;

form! {
    /// Puts the caller into a queue.
    pub struct Enqueue shorthand queue {
        /// The queue's name, up to 63 characters.
        queue: Template,
        /// What the caller hears while waiting, over and over. Default: the carrier's music.
        wait: Vec<Sound> = Vec::new(),
    }
}

pub(super) const KIND: Kind = Kind {
    name: "enqueue",
    about: "puts the caller into a queue until somebody takes the call",
    place: Stands::InCall,
    read: |node, cx, _| Some(Box::new(Enqueue::from_yaml(node, cx)?)),
    schema: Enqueue::schema,
};

/// Nobody knows how long a queue is; the carrier is asked about the call this often, in milliseconds.
const WAIT_MS: u64 = 600_000;

impl StepKind for Enqueue {
    fn name(&self) -> &'static str {
        "enqueue"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        outcomes(&["bridged", "left", "full", "failed"])
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let queue = cx.text(&self.queue)?;
        let ticket = cx.ticket(Route::Next);
        let mut verb = Verb::new("enqueue")
            .with("route", ticket.route.path())
            .with("n", ticket.n)
            .with("name", queue);
        if !self.wait.is_empty() {
            verb = verb.with("wait", "aside");
        }
        cx.verb(verb, 0);
        Ok(cx.wait(ticket, WAIT_MS, WaitOn::Action))
    }

    fn resume(&self, cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
        let Back::Asked(params) = back else {
            return Err(StepError::Unexpected);
        };
        let result = params.text("QueueResult").unwrap_or("error");
        cx.set_result(json!({"result": result, "seconds": params.number("QueueTime").unwrap_or(0)}));
        Ok(Next::go(match result {
            "bridged" | "bridging-in-process" | "redirected-from-bridged" => "bridged",
            "leave" | "redirected" => "left",
            "queue-full" => "full",
            _ => "failed",
        }))
    }

    /// The document that plays while the caller waits; the carrier asks for it again whenever it ends.
    fn aside(&self, cx: &mut Cx<'_>, _params: &Params, _round: u32) -> Result<(), StepError> {
        self.wait.iter().try_for_each(|sound| sound.write(cx))
    }

    fn touches(&self) -> Touches<'_> {
        let mut touches = Touches {
            templates: vec![&self.queue],
            ..Touches::default()
        };
        for sound in &self.wait {
            sound.touch(&mut touches);
        }
        touches
    }
}
