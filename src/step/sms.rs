//! `sms`: a text message.

use super::{Kind, Stands, message};
use crate::call::{Back, Cx, Next, Outcome, Pii, StepError, StepKind, TaskKind, Touches};
use crate::flow::{FromYaml, Template, form};
use serde_json::Map;

form! {
    /// Sends a text message.
    pub struct Sms {
        /// To whom, such as `{{ call.from }}`.
        to: Template,
        /// The text, up to 1600 characters.
        body: Template,
        /// The sender. Default: the number that was called.
        from: Option<String>,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "sms",
    about: "sends a text message",
    place: Stands::Anywhere,
    read: |node, cx, _| Some(Box::new(Sms::from_yaml(node, cx)?)),
    schema: Sms::schema,
};

impl StepKind for Sms {
    fn name(&self) -> &'static str {
        "sms"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        message::sent_or_failed()
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let kind = TaskKind::SendMessage {
            channel: "sms".to_owned(),
            to: Pii::new(cx.text(&self.to)?),
            from: self.from.clone(),
            template: None,
            variables: Map::new(),
            body: cx.text(&self.body)?,
            ordered: cx.now(),
        };
        Ok(message::send(cx, kind))
    }

    fn resume(&self, cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
        message::resume(cx, back)
    }

    fn touches(&self) -> Touches<'_> {
        Touches {
            templates: vec![&self.to, &self.body],
            ..Touches::default()
        }
    }
}
