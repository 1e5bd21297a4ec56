//! A model that follows a script: for tests, for demonstrations and for lines without a key. The same words get the same answer.
//!
//! Options: `answers`, a list of rules of which the first that fits is followed, and `otherwise`, what is said where none does.
//! A rule: `words` (all must occur), `hears` (these words in a row), `turn` (which turn of the caller, from 1; 0 before the first),
//! `say`, `action: {name, arguments}`, `then` (said when the action is done; `{result}` stands for what came of it).

use super::words::{holds, stand_in, words};
use super::{Kind, Request, Thinker, Thought, relay};
use crate::providers::{ProviderError, Service};
use crate::talk::{ActionCall, Message, Usage};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use serde_json::{Map, Value};
use std::sync::Arc;
use tokio::sync::mpsc;

pub(super) const KIND: Kind = Kind {
    name: "scripted",
    about: "answers by rules, without a service",
    key_env: None,
    make,
};

struct Scripted {
    rules: Vec<Rule>,
    otherwise: String,
}

/// When something is said, and what.
#[derive(Default)]
struct Rule {
    words: Vec<String>,
    hears: Vec<String>,
    turn: Option<usize>,
    say: String,
    action: Option<(String, String)>,
    then: String,
}

fn make(service: &Service) -> Result<Arc<dyn Thinker>, ProviderError> {
    Ok(Arc::new(read(&service.options)?))
}

/// What the rules of these options answer to these messages, and what they wish; none where they cannot be read.
pub(super) fn by_rules(options: &Map<String, Value>, messages: &[Message]) -> Option<(String, Option<ActionCall>)> {
    Some(read(options).ok()?.answer(messages))
}

fn read(options: &Map<String, Value>) -> Result<Scripted, ProviderError> {
    let rules = match options.get("answers") {
        None => Vec::new(),
        Some(Value::Array(rules)) => rules.iter().map(rule).collect::<Result<_, _>>()?,
        Some(_) => return Err(bad("`answers` is not a list")),
    };
    let otherwise = options.get("otherwise").and_then(Value::as_str).map(str::to_owned);
    let always = |rule: &Rule| rule.words.is_empty() && rule.hears.is_empty() && rule.turn.is_none();
    if otherwise.is_none() && !rules.iter().any(always) {
        return Err(bad("`otherwise` is missing: what is said where no answer fits"));
    }
    let otherwise = otherwise.unwrap_or_default();
    Ok(Scripted { rules, otherwise })
}

impl Scripted {
    /// What is said to these messages, and what is wished.
    fn answer(&self, messages: &[Message]) -> (String, Option<ActionCall>) {
        let turns = messages
            .iter()
            .filter(|message| matches!(message, Message::Caller(_)))
            .count();
        let heard = messages.iter().rev().find_map(|message| match message {
            Message::Caller(text) => Some(words(text)),
            _ => None,
        });
        let heard = heard.unwrap_or_default();
        let mut fitting = self.rules.iter().filter(|rule| rule.fits(&heard, turns));
        if let Some((name, result)) = done(messages) {
            let of = |rule: &&Rule| rule.action.as_ref().is_some_and(|(action, _)| action == name);
            let then = fitting.find(of).map(|rule| rule.then.replace("{result}", result));
            return (then.unwrap_or_default(), None);
        }
        match fitting.next() {
            Some(rule) => {
                let action = rule.action.as_ref();
                let call = action.map(|(name, arguments)| relay::wish("", name, arguments, messages.len(), 0));
                (rule.say.clone(), call)
            }
            None => (self.otherwise.clone(), None),
        }
    }
}

impl Thinker for Scripted {
    fn think(
        self: Arc<Self>,
        request: Request,
        thoughts: mpsc::Sender<Thought>,
    ) -> BoxFuture<'static, Result<Usage, ProviderError>> {
        async move {
            let (say, call) = self.answer(&request.messages);
            for word in say.split_inclusive(char::is_whitespace) {
                // Nobody wants the rest: that is no error.
                if thoughts.send(Thought::Text(word.to_owned())).await.is_err() {
                    return Ok(Usage::default());
                }
            }
            if let Some(call) = call {
                let _nobody_wants_it = thoughts.send(Thought::Wish(call)).await;
            }
            Ok(Usage::default())
        }
        .boxed()
    }
}

impl Rule {
    fn fits(&self, heard: &[String], turns: usize) -> bool {
        self.turn.is_none_or(|turn| turn == turns)
            && self.words.iter().all(|word| holds(heard, word))
            && stand_in(heard, &self.hears)
    }
}

/// The name and the result of the last action, where nobody has said anything since.
fn done(messages: &[Message]) -> Option<(&str, &str)> {
    let Some(Message::Result { id, text }) = messages.last() else {
        return None;
    };
    let mut calls = messages.iter().rev().filter_map(|message| match message {
        Message::Agent { calls, .. } => calls.iter().find(|call| call.id == *id),
        _ => None,
    });
    calls.next().map(|call| (call.name.as_ref(), text.as_ref()))
}

fn rule(value: &Value) -> Result<Rule, ProviderError> {
    let fields = value.as_object().ok_or_else(|| bad("an answer is not a map"))?;
    let mut rule = Rule::default();
    for (name, value) in fields {
        match name.as_str() {
            "words" => rule.words = some_words(value)?,
            "hears" => rule.hears = some_words(value)?,
            "turn" => rule.turn = Some(turn(value)?),
            "say" => rule.say = text("say", value)?,
            "then" => rule.then = text("then", value)?,
            "action" => rule.action = Some(action(value)?),
            other => return Err(bad(&format!("an answer knows no `{other}`"))),
        }
    }
    match rule.say.trim().is_empty() && rule.action.is_none() {
        true => Err(bad("an answer has neither `say` nor `action`")),
        false => Ok(rule),
    }
}

fn some_words(value: &Value) -> Result<Vec<String>, ProviderError> {
    let all = match value {
        Value::String(text) => words(text),
        Value::Array(list) => {
            let texts: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            texts.map(|texts| words(&texts.join(" "))).unwrap_or_default()
        }
        _ => Vec::new(),
    };
    match all.is_empty() {
        true => Err(bad(
            "`words` and `hears` want a text or a list of texts, such as `[book, table]`",
        )),
        false => Ok(all),
    }
}

fn turn(value: &Value) -> Result<usize, ProviderError> {
    let turn = value.as_u64().and_then(|turn| usize::try_from(turn).ok());
    turn.ok_or_else(|| bad("`turn` is not a number"))
}

fn text(name: &str, value: &Value) -> Result<String, ProviderError> {
    let text = value.as_str().map(str::to_owned);
    text.ok_or_else(|| bad(&format!("`{name}` is not a text")))
}

/// A name alone, or a map; arguments as a map or as JSON text.
fn action(value: &Value) -> Result<(String, String), ProviderError> {
    let empty = Map::new();
    let (name, arguments) = match value {
        Value::String(name) => (name.as_str(), None),
        other => {
            let fields = other.as_object().unwrap_or(&empty);
            (
                fields.get("name").and_then(Value::as_str).unwrap_or(""),
                fields.get("arguments"),
            )
        }
    };
    let arguments = match arguments {
        None => "{}".to_owned(),
        Some(Value::String(text)) => text.clone(),
        Some(other) => other.to_string(),
    };
    match name.is_empty() {
        true => Err(bad("`action` has no `name`")),
        false => Ok((name.to_owned(), arguments)),
    }
}

fn bad(detail: &str) -> ProviderError {
    ProviderError::BadRequest {
        detail: detail.to_owned(),
    }
}
