//! What services and the language model answer in a scenario: their forms.

use crate::flow::yaml::{Node, Value as Yaml};
use crate::flow::{Duration, FromYaml, Located, Reader, form};
use serde_json::{Value, json};

form! {
    /// What a language model answers in one turn.
    pub struct Thought shorthand say {
        /// What it says.
        say: Option<String>,
        /// The action that it wishes for.
        action: Option<Located<String>>,
        /// The action's arguments.
        with: Vec<(Located<String>, Value)> = Vec::new(),
        /// Whether it fails.
        fails: bool = false,
        /// How long it takes.
        slow: Option<Duration>,
    }
}

form! {
    /// What a service answers.
    pub struct AnswerForm {
        /// The status.
        status: u32 = 200,
        /// The body.
        body: Option<Value>,
        /// How long it takes.
        slow: Option<Duration>,
        /// Whether it holds for one call alone, with the usual answer after it.
        once: bool = false,
        /// Whether no answer comes: `fails`.
        fails: bool = false,
        /// Whether the answer never comes: `times out`.
        never: bool = false,
    }
}

/// The answers of a service, call after call; the last one stays.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answers(pub Vec<AnswerForm>);

/// What an answer can be in short.
const WORDS: [&str; 2] = ["fails", "times out"];

impl FromYaml for Answers {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        match &node.value {
            Yaml::Seq(items) => {
                let read: Vec<Option<AnswerForm>> = items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| cx.within(&index.to_string(), item.span, |cx| answer(item, cx)))
                    .collect();
                read.into_iter().collect::<Option<Vec<_>>>().map(Self)
            }
            _ => answer(node, cx).map(|one| Self(vec![one])),
        }
    }

    fn schema() -> Value {
        let one = json!({"anyOf": [AnswerForm::schema(), {"type": "string", "enum": WORDS}, {"type": "integer"}]});
        json!({"anyOf": [one, {"type": "array", "items": one}]})
    }

    fn expected() -> &'static str {
        "{status: 200, body: {…}}"
    }

    fn what() -> &'static str {
        "an answer, or a list of them"
    }
}

fn answer(node: &Node, cx: &mut Reader) -> Option<AnswerForm> {
    let mut form = AnswerForm {
        status: 200,
        body: None,
        slow: None,
        once: false,
        fails: false,
        never: false,
    };
    match node.scalar().map(|scalar| scalar.text.as_str()) {
        Some("fails") => form.fails = true,
        Some("times out") => form.never = true,
        Some(text) => match text.parse() {
            Ok(status) => form.status = status,
            Err(_) => {
                cx.wrong_type::<Answers>(node);
                return None;
            }
        },
        None => return AnswerForm::from_yaml(node, cx),
    }
    Some(form)
}
