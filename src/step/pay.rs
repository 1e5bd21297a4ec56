//! `pay`: the carrier takes a card payment by keys; card numbers never reach the engine.

use super::{Kind, Stands, outcomes};
use crate::call::{Back, Cx, Next, Outcome, Route, StepError, StepKind, Touches, WaitOn};
use crate::flow::{Finding, FromYaml, Located, Template, form};
use crate::twiml::Verb;
use serde_json::json;

form! {
    /// Has the carrier take a card payment by keys. `step.confirmation` is the payment's code afterwards.
    pub struct Pay {
        /// The amount, such as `19.90`; without it the card is only tokenised.
        amount: Option<Template>,
        /// The currency, such as `usd` or `ils`.
        currency: String = "usd".to_owned(),
        /// The payment connector's name at the carrier.
        connector: String = "Default".to_owned(),
        /// What the payment is for.
        description: Option<Template>,
        /// How often the caller may try, 1 to 3.
        attempts: Option<Located<u32>>,
        /// The language of the carrier's prompts. Hebrew is not among them.
        language: Option<String>,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "pay",
    about: "has the carrier take a card payment by keys",
    place: Stands::InCall,
    read: |node, cx, _| {
        let pay = Pay::from_yaml(node, cx)?;
        if let Some(attempts) = pay
            .attempts
            .as_ref()
            .filter(|attempts| !(1..=3).contains(&attempts.value))
        {
            cx.report(
                Finding::error(
                    "wrong-type",
                    attempts.place.clone(),
                    "the carrier allows 1 to 3 attempts",
                )
                .label("out of range")
                .help("write `attempts: 3`"),
            );
        }
        Some(Box::new(pay))
    },
    schema: Pay::schema,
};

/// Card number, date, code, each several times: what the carrier's dialogue can take, in milliseconds.
const DIALOGUE_MS: u64 = 300_000;

impl StepKind for Pay {
    fn name(&self) -> &'static str {
        "pay"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        outcomes(&["paid", "canceled", "failed"])
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let ticket = cx.ticket(Route::Next);
        let mut verb = Verb::new("pay")
            .with("route", ticket.route.path())
            .with("n", ticket.n)
            .with("currency", self.currency.clone())
            .with("connector", self.connector.clone())
            .with(
                "max_attempts",
                self.attempts.as_ref().map_or(3, |attempts| attempts.value),
            )
            .with("language", self.language.clone());
        if let Some(amount) = &self.amount {
            verb = verb.with("amount", cx.text(amount)?);
        }
        if let Some(description) = &self.description {
            verb = verb.with("description", cx.text(description)?);
        }
        cx.verb(verb, 0);
        Ok(cx.wait(ticket, DIALOGUE_MS, WaitOn::Action))
    }

    fn resume(&self, cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
        let Back::Asked(params) = back else {
            return Err(StepError::Unexpected);
        };
        let result = params.text("Result").unwrap_or("internal-error");
        cx.set_result(json!({
            "result": result,
            "confirmation": params.text("PaymentConfirmationCode").unwrap_or_default(),
            "token": params.text("PaymentToken").unwrap_or_default(),
        }));
        Ok(Next::go(match result {
            "success" => "paid",
            "caller-interrupted-with-star" | "caller-hung-up" => "canceled",
            _ => "failed",
        }))
    }

    fn touches(&self) -> Touches<'_> {
        Touches {
            templates: self.amount.iter().chain(&self.description).collect(),
            ..Touches::default()
        }
    }
}
