//! `whatsapp`: a template, or free text within 24 hours of the person's own message.

use super::{Kind, Stands, message};
use crate::call::{Back, Cx, Next, Outcome, Pii, StepError, StepKind, TaskKind, Touches};
use crate::flow::{Finding, FromYaml, Located, Reader, Template, form};
use serde_json::{Map, Value};

form! {
    /// Sends a WhatsApp message. Who never wrote, or not within 24 hours, can only be sent a `template`.
    pub struct Form {
        /// To whom, such as `{{ call.from }}`.
        to: Template,
        /// A template by name: its text stands in `templates/whatsapp/NAME.txt`, its id may stand in `engine.yaml`.
        template: Option<Located<String>>,
        /// The template's variables.
        with: Vec<(Located<String>, Template)> = Vec::new(),
        /// Free text instead of a template.
        body: Option<Template>,
        /// The sender. Default: the one configured, else the number that was called.
        from: Option<String>,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "whatsapp",
    about: "sends a WhatsApp message, by template outside the 24-hour window",
    place: Stands::Anywhere,
    read: |node, cx, known| {
        let form = Form::from_yaml(node, cx)?;
        if form.template.is_some() == form.body.is_some() {
            cx.report(
                Finding::error(
                    "missing-key",
                    cx.place(node.span),
                    "`whatsapp` needs either a `template` or a `body`",
                )
                .label("here")
                .help("write `whatsapp: {to: \"{{ call.from }}\", template: followup}`"),
            );
            return None;
        }
        let text = match &form.template {
            None => None,
            Some(template) => match known.message(&template.value) {
                Some(text) => {
                    given(&form, template, &text, cx);
                    Some(text)
                }
                None => {
                    let message = format!("there is no message template `{}`", template.value);
                    cx.report(
                        Finding::error("unknown-template", template.place.clone(), message)
                            .label("no such file under `templates/whatsapp/`")
                            .consequence("the message would never be sent")
                            .help(format!("write its text to `templates/whatsapp/{}.txt`", template.value)),
                    );
                    return None;
                }
            },
        };
        Some(Box::new(Whatsapp { form, text }))
    },
    schema: Form::schema,
};

/// Reports every variable of the template's text that `with` does not give.
fn given(form: &Form, template: &Located<String>, text: &Template, cx: &mut Reader) {
    let mut missing: Vec<&str> = Vec::new();
    for one in text.uses().iter().filter(|one| !one.optional) {
        let Some(name) = one.path.first().map(String::as_str) else {
            continue;
        };
        if form.with.iter().all(|(known, _)| known.value != name) && !missing.contains(&name) {
            missing.push(name);
        }
    }
    for name in missing {
        let message = format!("the message template `{}` needs `{name}`", template.value);
        cx.report(
            Finding::error("undeclared-variable", template.place.clone(), message)
                .label("`with` does not give it")
                .consequence("the message would never be sent")
                .help(format!("add it: `with: {{{name}: \"…\"}}`")),
        );
    }
}

#[derive(Debug)]
struct Whatsapp {
    form: Form,
    /// The template's text, whose variables are those of `with`.
    text: Option<Template>,
}

impl StepKind for Whatsapp {
    fn name(&self) -> &'static str {
        "whatsapp"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        message::sent_or_failed()
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let mut variables = Map::new();
        for (name, value) in &self.form.with {
            variables.insert(name.value.clone(), Value::from(cx.text(value)?));
        }
        let body = match (&self.text, &self.form.body) {
            (Some(text), _) => text
                .render(&Value::Object(variables.clone()))
                .map_err(|error| StepError::Eval(error.to_string()))?
                .trim_end()
                .to_owned(),
            (None, Some(body)) => cx.text(body)?,
            (None, None) => return Err(StepError::Unexpected),
        };
        let kind = TaskKind::SendMessage {
            channel: "whatsapp".to_owned(),
            to: Pii::new(cx.text(&self.form.to)?),
            from: self.form.from.clone(),
            template: self.form.template.as_ref().map(|template| template.value.clone()),
            variables,
            body,
            ordered: cx.now(),
        };
        Ok(message::send(cx, kind))
    }

    fn resume(&self, cx: &mut Cx<'_>, back: Back<'_>) -> Result<Next, StepError> {
        message::resume(cx, back)
    }

    fn touches(&self) -> Touches<'_> {
        let mut templates = vec![&self.form.to];
        templates.extend(self.form.with.iter().map(|(_, value)| value));
        templates.extend(&self.form.body);
        Touches {
            templates,
            messages: self.form.template.iter().collect(),
            ..Touches::default()
        }
    }
}
