//! `contact`: what is known of the caller is written down.

use super::{Kind, Stands, outcomes};
use crate::call::{Cx, Next, Outcome, Pii, Row, StepError, StepKind, Touches};
use crate::flow::{FromYaml, Located, Template, form};
use serde_json::{Map, Value};

form! {
    /// Writes to the caller's contact; later templates see it as `contact`.
    pub struct Contact {
        /// Whose. Default: the caller's number.
        phone: Option<Template>,
        /// The name.
        name: Option<Template>,
        /// Further fields.
        set: Vec<(Located<String>, Template)> = Vec::new(),
    }
}

pub(super) const KIND: Kind = Kind {
    name: "contact",
    about: "writes what is known of the caller",
    place: Stands::Anywhere,
    read: |node, cx, _| Some(Box::new(Contact::from_yaml(node, cx)?)),
    schema: Contact::schema,
};

impl StepKind for Contact {
    fn name(&self) -> &'static str {
        "contact"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        outcomes(&["done", "failed"])
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let phone = match &self.phone {
            Some(phone) => cx.text(phone)?,
            None => cx.facts().from.reveal().clone(),
        };
        if phone.trim().is_empty() {
            return Ok(Next::go("failed"));
        }
        let name = self.name.as_ref().map(|name| cx.text(name)).transpose()?;
        let mut fields = Map::new();
        for (field, value) in &self.set {
            fields.insert(field.value.clone(), cx.value(value)?);
        }
        if phone == *cx.facts().from.reveal() {
            let mut known = fields.clone();
            if let Some(name) = &name {
                known.insert("name".to_owned(), Value::from(name.clone()));
            }
            cx.set_contact(&known);
        }
        cx.write(Row::Contact {
            phone: Pii::new(phone),
            name,
            fields,
        });
        Ok(Next::go("done"))
    }

    fn touches(&self) -> Touches<'_> {
        let mut templates: Vec<&Template> = self.phone.iter().chain(&self.name).collect();
        templates.extend(self.set.iter().map(|(_, value)| value));
        Touches {
            templates,
            ..Touches::default()
        }
    }
}
