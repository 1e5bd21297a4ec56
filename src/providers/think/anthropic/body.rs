//! A Messages request: turns that alternate between user and assistant, blocks within them, the instructions apart.

use super::super::{Request, Tool, history};
use crate::providers::Service;
use crate::talk::{ActionCall, Message};
use serde_json::{Map, Value, json};

const DEFAULT_MODEL: &str = "claude-haiku-4-5";

/// Tokens of one answer: minutes of speech. The service wants a number.
const DEFAULT_MOST: u32 = 1024;

/// Options that are read elsewhere and not passed on.
const OWN: [&str; 4] = ["path", "query", "key_header", "version"];

/// In place of a caller's turn where none is: before the agent's greeting, or when the agent speaks again by itself.
const NOTHING_SAID: &str = "(The caller has said nothing.)";

/// What all requests of a service have in common.
pub(super) struct Shape {
    common: Map<String, Value>,
}

impl Shape {
    /// Reads the options.
    pub fn new(service: &Service) -> Self {
        let options = service.options.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
        let mut common: Map<String, Value> = options.map(|(name, value)| (name.clone(), value.clone())).collect();
        let model = service.model.clone().unwrap_or_else(|| DEFAULT_MODEL.to_owned());
        common.insert("model".to_owned(), model.into());
        common.entry("max_tokens").or_insert(DEFAULT_MOST.into());
        common.insert("stream".to_owned(), true.into());
        Self { common }
    }

    /// The body of one request.
    pub fn body(&self, request: &Request) -> Value {
        let mut body = self.common.clone();
        let instructions: Vec<&str> = request
            .messages
            .iter()
            .filter_map(|message| match message {
                Message::System(text) if !text.trim().is_empty() => Some(text.as_ref()),
                _ => None,
            })
            .collect();
        if !instructions.is_empty() {
            body.insert("system".to_owned(), instructions.join("\n\n").into());
        }
        body.insert("messages".to_owned(), turns(&request.messages).into());
        if request.tools.is_empty() {
            body.remove("tool_choice");
        } else {
            let tools: Vec<Value> = request.tools.iter().map(tool).collect();
            body.insert("tools".to_owned(), tools.into());
        }
        body.into()
    }
}

/// Turns that alternate, the user's first and last; results open the turn behind their wishes.
fn turns(messages: &[Message]) -> Vec<Value> {
    let mut turns: Vec<(&'static str, Vec<Value>)> = Vec::new();
    let mut add = |role: &'static str, blocks: Vec<Value>| {
        if blocks.is_empty() {
            return;
        }
        match turns.last_mut() {
            Some((last, there)) if *last == role => there.extend(blocks),
            Some(_) => turns.push((role, blocks)),
            None if role == "user" => turns.push((role, blocks)),
            None => turns.extend([("user", text(NOTHING_SAID)), (role, blocks)]),
        }
    };
    for (at, message) in messages.iter().enumerate() {
        match message {
            Message::Caller(words) => add("user", text(words)),
            Message::Agent { text: words, calls } => {
                let mut blocks = text(words);
                blocks.extend(calls.iter().map(wish));
                add("assistant", blocks);
                let results = calls.iter().map(|call| {
                    let content = history::result_of(messages, at, &call.id);
                    json!({"type": "tool_result", "tool_use_id": &*call.id, "content": content})
                });
                add("user", results.collect());
            }
            // Instructions stand apart, and results behind their wishes already.
            Message::System(_) | Message::Result { .. } => {}
        }
    }
    if turns.last().is_none_or(|(role, _)| *role != "user") {
        turns.push(("user", text(NOTHING_SAID)));
    }
    let turn = |(role, blocks)| json!({"role": role, "content": Value::Array(blocks)});
    turns.into_iter().map(turn).collect()
}

/// A block of words; the service refuses empty ones.
fn text(words: &str) -> Vec<Value> {
    match words.trim() {
        "" => Vec::new(),
        words => vec![json!({"type": "text", "text": words})],
    }
}

fn wish(call: &ActionCall) -> Value {
    // What is not an object was refused as arguments before; the service takes nothing else.
    let input = serde_json::from_str::<Value>(&call.arguments).ok();
    let input = input.filter(Value::is_object).unwrap_or_else(|| json!({}));
    json!({"type": "tool_use", "id": &*call.id, "name": &*call.name, "input": input})
}

fn tool(tool: &Tool) -> Value {
    json!({"name": tool.name, "description": tool.description, "input_schema": tool.parameters})
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(options: Value, messages: Vec<Message>) -> Value {
        let service = Service {
            options: options.as_object().expect("a map").clone(),
            ..Service::default()
        };
        Shape::new(&service).body(&Request {
            messages: messages.into(),
            tools: [].into(),
        })
    }

    fn agent(text: &str, ids: &[&str]) -> Message {
        let call = |id: &&str| ActionCall {
            id: (*id).into(),
            name: "book".into(),
            arguments: "{\"day\":1}".into(),
        };
        Message::Agent {
            text: text.into(),
            calls: ids.iter().map(call).collect(),
        }
    }

    #[test]
    fn turns_alternate_and_results_come_first_behind_their_wishes() {
        let messages = vec![
            Message::System("Be brief.".into()),
            agent("Hello ", &[]),
            Message::Caller("Book".into()),
            Message::Caller("it".into()),
            agent("One moment.", &["a", "b"]),
            Message::Caller("wait".into()),
            Message::Result {
                id: "b".into(),
                text: "done".into(),
            },
            Message::System("Speak Hebrew.".into()),
        ];
        let body = body(json!({"temperature": 1, "version": "x"}), messages);
        assert_eq!(body["system"], "Be brief.\n\nSpeak Hebrew.");
        assert_eq!(
            (&body["max_tokens"], &body["temperature"], body.get("version")),
            (&json!(1024), &json!(1), None)
        );
        let use_of = |id: &str| json!({"type": "tool_use", "id": id, "name": "book", "input": {"day": 1}});
        assert_eq!(
            body["messages"],
            json!([
                {"role": "user", "content": [{"type": "text", "text": NOTHING_SAID}]},
                {"role": "assistant", "content": [{"type": "text", "text": "Hello"}]},
                {"role": "user", "content": [{"type": "text", "text": "Book"}, {"type": "text", "text": "it"}]},
                {"role": "assistant", "content": [{"type": "text", "text": "One moment."}, use_of("a"), use_of("b")]},
                {"role": "user", "content": [
                    {"type": "tool_result", "tool_use_id": "a", "content": history::NO_RESULT},
                    {"type": "tool_result", "tool_use_id": "b", "content": "done"},
                    {"type": "text", "text": "wait"},
                ]},
            ])
        );
    }

    #[test]
    fn the_last_turn_is_the_users_and_there_is_one_at_least() {
        let nothing = json!([{"role": "user", "content": [{"type": "text", "text": NOTHING_SAID}]}]);
        assert_eq!(body(json!({}), vec![Message::System("x".into())])["messages"], nothing);
        let turns = body(json!({}), vec![Message::Caller("a".into()), agent("b", &[])]);
        assert_eq!(turns["messages"][2], nothing[0]);
    }
}
