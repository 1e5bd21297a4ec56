//! `twiml`: a template of the author's own, for whatever no other kind does.

use super::{Kind, Stands, outcomes};
use crate::call::{Back, Chances, Cx, Next, Outcome, Route, StepError, StepKind, Touches, WaitOn};
use crate::flow::{Condition, Duration, FromYaml, Located, Template, form};
use crate::twiml::Verb;
use serde_json::{Map, Value};

form! {
    /// Renders a template of your own. In it `{{ webhook(route, n) }}` is where the carrier asks for what follows.
    pub struct Twiml shorthand template {
        /// The template's file under `templates/`, without `.xml`.
        template: Located<String>,
        /// Its variables.
        with: Vec<(Located<String>, Template)> = Vec::new(),
        /// Outcomes by name, each with a condition on `step`, the fields of the carrier's request. Where none holds, or
        /// none is declared, the outcome is `done`. With outcomes the document ends here and the carrier asks.
        outcomes: Vec<(Located<String>, Condition)> = Vec::new(),
        /// How long the carrier can take until it asks.
        patience: Duration = Duration::from_millis(60_000),
    }
}

pub(super) const KIND: Kind = Kind {
    name: "twiml",
    about: "renders a template of the author's own",
    place: Stands::InCall,
    read: |node, cx, known| {
        let twiml = Twiml::from_yaml(node, cx)?;
        if !known.has_template(&twiml.template.value) {
            let message = format!("there is no template `{}`", twiml.template.value);
            cx.report(
                crate::flow::Finding::error("unknown-template", twiml.template.place.clone(), message)
                    .label("no such file under `templates/`")
                    .consequence("the caller would hear the fallback instead")
                    .help(format!("write its TwiML to `templates/{}.xml`", twiml.template.value)),
            );
            return None;
        }
        Some(Box::new(twiml))
    },
    schema: Twiml::schema,
};

impl StepKind for Twiml {
    fn name(&self) -> &'static str {
        "twiml"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        let mut names: Vec<&str> = self.outcomes.iter().map(|(name, _)| name.value.as_str()).collect();
        if !names.contains(&"done") {
            names.push("done");
        }
        outcomes(&names)
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let mut with = Map::new();
        for (name, value) in &self.with {
            with.insert(name.value.clone(), cx.value(value)?);
        }
        let verb = with.into_iter().fold(
            Verb::new(&self.template.value),
            |verb, (name, value): (String, Value)| verb.with(&name, value),
        );
        if self.outcomes.is_empty() {
            cx.verb(verb, 0);
            return Ok(Next::go("done"));
        }
        let ticket = cx.ticket(Route::Next);
        cx.verb(verb.with("route", ticket.route.path()).with("n", ticket.n), 0);
        Ok(cx.wait(ticket, self.patience.as_millis(), WaitOn::Action))
    }

    fn resume(&self, cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
        let Back::Asked(params) = back else {
            return Err(StepError::Unexpected);
        };
        cx.set_result(serde_json::to_value(params).unwrap_or_default());
        for (name, condition) in &self.outcomes {
            if cx.holds(condition)? {
                return Ok(Next::go(&name.value));
            }
        }
        Ok(Next::go("done"))
    }

    fn chances(&self) -> Chances {
        Chances {
            asks: true,
            ..Chances::default()
        }
    }

    fn touches(&self) -> Touches<'_> {
        Touches {
            templates: self.with.iter().map(|(_, value)| value).collect(),
            conditions: self.outcomes.iter().map(|(_, condition)| condition).collect(),
            ..Touches::default()
        }
    }
}
