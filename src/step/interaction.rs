//! `interaction`: something worth remembering of a person is written down.

use super::{Kind, Stands, outcomes};
use crate::call::{Cx, Next, Outcome, Pii, Row, StepError, StepKind, Touches};
use crate::flow::{FromYaml, Located, Template, form};
use serde_json::{Map, Value};

form! {
    /// Writes an interaction with the caller: a lead, a complaint, a message left.
    pub struct Interaction {
        /// What it is, in a word.
        kind: String,
        /// What happened, in a sentence.
        summary: Template,
        /// Further data.
        data: Vec<(Located<String>, Template)> = Vec::new(),
    }
}

pub(super) const KIND: Kind = Kind {
    name: "interaction",
    about: "writes an interaction with the caller",
    place: Stands::Anywhere,
    read: |node, cx, _| Some(Box::new(Interaction::from_yaml(node, cx)?)),
    schema: Interaction::schema,
};

impl StepKind for Interaction {
    fn name(&self) -> &'static str {
        "interaction"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        outcomes(&["done", "failed"])
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let summary = cx.text(&self.summary)?;
        let mut data = Map::new();
        for (field, value) in &self.data {
            data.insert(field.value.clone(), cx.value(value)?);
        }
        let key = cx.row_key("interaction");
        cx.write(Row::Interaction {
            key,
            phone: Pii::new(cx.facts().from.reveal().clone()),
            kind: self.kind.clone(),
            channel: "voice".to_owned(),
            summary,
            data: Value::Object(data),
        });
        Ok(Next::go("done"))
    }

    fn touches(&self) -> Touches<'_> {
        let mut templates = vec![&self.summary];
        templates.extend(self.data.iter().map(|(_, value)| value));
        Touches {
            templates,
            ..Touches::default()
        }
    }
}
