//! The form of a scenario file: a caller, what goes wrong, what services and models answer, and what must come of it.

use crate::flow::form::free::to_json;
use crate::flow::yaml::{Node, Value as Yaml};
use crate::flow::{Duration, FromYaml, Located, Reader, form};
use serde_json::{Value, json};

form! {
    /// A call to a flow.
    pub struct ScenarioForm {
        /// What it shows, in a sentence.
        scenario: Located<String>,
        /// The flow, relative to this file.
        flow: Located<String>,
        /// What the caller does: `wait prompt; speak Hello; keys 1#; hangup`, as a text or as a list.
        caller: Steps = Steps::default(),
        /// The caller's number.
        from: Option<String>,
        /// The number that is called.
        to: Option<String>,
        /// When the call comes in: `2026-11-22 10:30 Asia/Jerusalem`, or with an offset: `2026-11-22T10:30:00Z`.
        at: Option<Located<String>>,
        /// What is known of the caller.
        contact: Vec<(Located<String>, Value)> = Vec::new(),
        /// What goes wrong: names of `engine list faults`, some with a time: `drop-stream=3s`, `restart=3s`.
        faults: Vec<Located<String>> = Vec::new(),
        /// How dialled parties answer, in order: `answer`, `busy`, `no-answer`, `failed`, `canceled`.
        dials: Vec<Located<String>> = Vec::new(),
        /// How the queue ends: `bridged`, `leave`, `queue-full`, `error`; `bridged` where nothing is said.
        queue: Option<Located<String>>,
        /// How a payment ends, with the carrier's word: `success`, `too-many-failed-attempts` …
        payment: Option<Located<String>>,
        /// How a `refer` ends: `taken` or `refused`.
        refer: Option<Located<String>>,
        /// What services answer, by a part of the URL (`*` for anything), by the step's or action's name, or by the
        /// channel of a message. What is not named succeeds, with an answer that fits the step's `returns`.
        services: Vec<(Located<String>, Answers)> = Vec::new(),
        /// What the language model answers, turn by turn.
        model: Vec<Thought> = Vec::new(),
        /// Stages of conversations that fail: `{listen: fails}`.
        providers: Vec<(Located<String>, Located<String>)> = Vec::new(),
        /// What must come of it.
        expect: Expect = Expect::none(),
        /// What had better come of it: where it does not, that is said and nothing fails.
        warn: Expect = Expect::none(),
        /// Why this scenario fails for now. It passes only where it does fail.
        fails: Option<Located<String>>,
        /// The same with other values, each a scenario of its own: a name and the keys that differ.
        cases: Vec<Case> = Vec::new(),
    }
}

form! {
    /// What must come of a call.
    pub struct Expect {
        /// What the caller hears, in this order; other things may be heard between. Files, or words that are said.
        hears: Vec<Located<String>> = Vec::new(),
        /// What the caller never hears.
        not_hears: Vec<Located<String>> = Vec::new(),
        /// The longest time without sound. Where nothing is said, the flow's `limits.silence`.
        silence: Option<Located<Duration>>,
        /// How many recordings are made.
        recordings: Option<Located<u32>>,
        /// The messages that are sent: how many, or each with what it must be.
        messages: Option<Located<Counted<MessageForm>>>,
        /// The steps that the call comes to, in this order; others may lie between.
        steps: Vec<Located<String>> = Vec::new(),
        /// Steps that it never comes to.
        not_steps: Vec<Located<String>> = Vec::new(),
        /// How the call ends: `hung_up`, `caller_left`, `too_long`, `handed_over`, `rejected`, `failed`, `lost`.
        ends: Option<Located<String>>,
        /// How long it takes from the call's first moment at most: `{end: 40s, goodbye: 20s, tts/hello.mp3: 1s}`.
        within: Vec<(Located<String>, Duration)> = Vec::new(),
        /// What is kept of it.
        stored: Option<Stored>,
        /// The document at a step: its verbs in order, such as `[Play, {Record: {maxLength: 30}}]`; others may lie between.
        twiml: Vec<(Located<String>, Vec<Located<VerbForm>>)> = Vec::new(),
        /// Services that are called.
        requests: Vec<Located<RequestForm>> = Vec::new(),
        /// What is said in conversations, in order: `{caller: words}`, `{agent: words}`; other turns may lie between.
        turns: Vec<Located<TurnForm>> = Vec::new(),
    }
}

impl Expect {
    /// Nothing is expected.
    pub fn none() -> Self {
        Self {
            hears: Vec::new(),
            not_hears: Vec::new(),
            silence: None,
            recordings: None,
            messages: None,
            steps: Vec::new(),
            not_steps: Vec::new(),
            ends: None,
            within: Vec::new(),
            stored: None,
            twiml: Vec::new(),
            requests: Vec::new(),
            turns: Vec::new(),
        }
    }
}

form! {
    /// A message that is sent.
    pub struct MessageForm {
        /// `whatsapp` or `sms`.
        channel: Option<String>,
        /// To whom.
        to: Option<String>,
        /// The template's name.
        template: Option<String>,
        /// A part of its text.
        body: Option<String>,
    }
}

form! {
    /// What is kept of a call.
    pub struct Stored {
        /// Variables at its end.
        vars: Vec<(Located<String>, Value)> = Vec::new(),
        /// Fields of the contact.
        contact: Vec<(Located<String>, Value)> = Vec::new(),
        /// Interactions: how many, or each with what it must be.
        interactions: Option<Located<Counted<InteractionForm>>>,
    }
}

form! {
    /// Something that is kept of a contact.
    pub struct InteractionForm {
        /// Its kind.
        kind: Option<String>,
        /// A part of its summary.
        summary: Option<String>,
        /// Fields that its data must hold.
        data: Vec<(Located<String>, Value)> = Vec::new(),
    }
}

form! {
    /// A request to a service.
    pub struct RequestForm shorthand to {
        /// A part of the URL, with `*` for anything; or the step's or action's name.
        to: String,
        /// The method.
        method: Option<String>,
        /// Fields that the body must hold.
        body: Vec<(Located<String>, Value)> = Vec::new(),
        /// How often. At least once where nothing is said.
        times: Option<u32>,
    }
}

form! {
    /// Somebody's turn.
    pub struct TurnForm {
        /// A part of what the caller says.
        caller: Option<String>,
        /// A part of what the agent says.
        agent: Option<String>,
    }
}

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

/// What a caller does, as a text or as a list of texts.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Steps(pub Vec<Located<String>>);

impl FromYaml for Steps {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        match &node.value {
            Yaml::Seq(_) => Vec::from_yaml(node, cx).map(Self),
            _ => Located::from_yaml(node, cx).map(|one| Self(vec![one])),
        }
    }

    fn schema() -> Value {
        json!({"anyOf": [String::schema(), Vec::<String>::schema()]})
    }

    fn expected() -> &'static str {
        "wait prompt; keys 1"
    }

    fn what() -> &'static str {
        "a caller's script"
    }
}

/// How many there are, or each of them.
#[derive(Clone, Debug, PartialEq)]
pub enum Counted<T> {
    /// So many.
    Number(u32),
    /// These, in order, and no more.
    Each(Vec<T>),
}

impl<T: FromYaml> FromYaml for Counted<T> {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        match &node.value {
            Yaml::Seq(_) => Vec::from_yaml(node, cx).map(Self::Each),
            _ => u32::from_yaml(node, cx).map(Self::Number),
        }
    }

    fn schema() -> Value {
        json!({"anyOf": [u32::schema(), Vec::<T>::schema()]})
    }

    fn expected() -> &'static str {
        "1"
    }

    fn what() -> &'static str {
        "a number, or a list"
    }
}

/// A verb of TwiML: its name, and what of it is said: attributes, `text`, `children`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct VerbForm {
    /// Its name.
    pub name: String,
    /// Attributes that it must have.
    pub attributes: Vec<(String, String)>,
    /// A part of its text.
    pub text: Option<String>,
    /// Its children, in order.
    pub children: Vec<VerbForm>,
}

impl FromYaml for VerbForm {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        match &node.value {
            Yaml::Scalar(scalar) => Some(Self {
                name: scalar.text.clone(),
                ..Self::default()
            }),
            Yaml::Map(entries) if entries.len() == 1 => {
                let entry = entries.first()?;
                let mut verb = Self {
                    name: entry.key.text.clone(),
                    ..Self::default()
                };
                match &entry.value.value {
                    Yaml::Map(fields) => {
                        for field in fields {
                            match (field.key.text.as_str(), &field.value.value) {
                                ("text", _) => verb.text = Some(plain(&field.value)),
                                ("children", Yaml::Seq(items)) => {
                                    for item in items {
                                        verb.children.push(Self::from_yaml(item, cx)?);
                                    }
                                }
                                (name, _) => verb.attributes.push((name.to_owned(), plain(&field.value))),
                            }
                        }
                    }
                    Yaml::Null => {}
                    Yaml::Seq(items) => {
                        for item in items {
                            verb.children.push(Self::from_yaml(item, cx)?);
                        }
                    }
                    Yaml::Scalar(scalar) => verb.text = Some(scalar.text.clone()),
                }
                Some(verb)
            }
            _ => {
                cx.wrong_type::<Self>(node);
                None
            }
        }
    }

    fn schema() -> Value {
        json!({"anyOf": [{"type": "string"}, {"type": "object", "minProperties": 1, "maxProperties": 1}]})
    }

    fn expected() -> &'static str {
        "Record: {maxLength: 30}"
    }

    fn what() -> &'static str {
        "a verb of TwiML"
    }
}

fn plain(node: &Node) -> String {
    match node.scalar() {
        Some(scalar) => scalar.text.clone(),
        None => to_json(node).to_string(),
    }
}

/// One row of a table of cases, as it was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Case(pub Node);

impl FromYaml for Case {
    fn from_yaml(node: &Node, cx: &mut Reader) -> Option<Self> {
        if node.as_map().is_none() {
            cx.wrong_type::<Self>(node);
            return None;
        }
        Some(Self(node.clone()))
    }

    fn schema() -> Value {
        // Its keys are the scenario's; they are known where it is read.
        json!({"type": "object", "required": ["name"]})
    }

    fn expected() -> &'static str {
        "{name: sales, caller: keys 1}"
    }

    fn what() -> &'static str {
        "a case"
    }
}
