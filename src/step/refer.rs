//! `refer`: a SIP call is handed to another SIP address.

use super::{Kind, Stands, outcomes};
use crate::call::{Back, Cx, Next, Outcome, Route, StepError, StepKind, Touches, WaitOn};
use crate::flow::{FromYaml, Template, form};
use crate::twiml::Verb;
use serde_json::json;

form! {
    /// Hands a SIP call over to another SIP address. Only for calls that came in by SIP.
    pub struct Refer shorthand to {
        /// The address, `sip:…`.
        to: Template,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "refer",
    about: "hands a SIP call over to another SIP address",
    place: Stands::InCall,
    read: |node, cx, _| Some(Box::new(Refer::from_yaml(node, cx)?)),
    schema: Refer::schema,
};

impl StepKind for Refer {
    fn name(&self) -> &'static str {
        "refer"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        outcomes(&["completed", "failed"])
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let to = cx.text(&self.to)?;
        let ticket = cx.ticket(Route::Next);
        cx.verb(
            Verb::new("refer")
                .with("route", ticket.route.path())
                .with("n", ticket.n)
                .with("address", to),
            0,
        );
        Ok(cx.wait(ticket, 60_000, WaitOn::Action))
    }

    fn resume(&self, cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
        let Back::Asked(params) = back else {
            return Err(StepError::Unexpected);
        };
        // The answer to REFER is 202; the outcome of the new call comes with the NOTIFY (RFC 3515).
        let notified = params
            .number("NotifySipResponseCode")
            .or_else(|| params.number("ReferSipResponseCode"));
        cx.set_result(json!({"status": params.text("ReferCallStatus").unwrap_or_default(), "code": notified}));
        let taken = notified.is_some_and(|code| (200..300).contains(&code));
        Ok(Next::go(if taken { "completed" } else { "failed" }))
    }

    fn touches(&self) -> Touches<'_> {
        Touches {
            templates: vec![&self.to],
            ..Touches::default()
        }
    }
}
