//! `say`: words that the carrier speaks.

use super::{Kind, Stands, outcomes};
use crate::call::{Cx, Next, Outcome, StepError, StepKind, Touches};
use crate::flow::{FromYaml, Located, Template, form};

form! {
    /// Has the carrier speak a text.
    pub struct Say shorthand text {
        /// What to say; may contain `{{ … }}`.
        text: Template,
        /// The voice, such as `Google.he-IL-Wavenet-A`; for Hebrew one of the eight Google voices.
        voice: Option<Located<String>>,
        /// The language, such as `he-IL`. Default: the flow's locale.
        language: Option<Located<String>>,
        /// How often it is said.
        times: u32 = 1,
    }
}

pub(super) const KIND: Kind = Kind {
    name: "say",
    about: "has the carrier speak a text",
    place: Stands::InCall,
    read: |node, cx, _| Some(Box::new(Say::from_yaml(node, cx)?)),
    schema: Say::schema,
};

impl StepKind for Say {
    fn name(&self) -> &'static str {
        "say"
    }

    fn outcomes(&self) -> Vec<Outcome> {
        outcomes(&["done"])
    }

    fn enter(&self, cx: &mut Cx<'_>) -> Result<Next, StepError> {
        let text = cx.text(&self.text)?;
        let millis = cx.speech_millis(&text).saturating_mul(u64::from(self.times.max(1)));
        let verb = super::sound::say_verb(cx, &text, self.voice.as_ref(), self.language.as_ref());
        cx.verb(
            if self.times == 1 {
                verb
            } else {
                verb.with("loop", self.times)
            },
            millis,
        );
        Ok(Next::go("done"))
    }

    fn touches(&self) -> Touches<'_> {
        Touches {
            templates: vec![&self.text],
            ..Touches::default()
        }
    }
}
