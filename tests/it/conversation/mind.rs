//! A model that speaks the protocol of chat completions: what it says, and how it fails.

use super::tones;
use crate::speak::server::{Asked, HttpServer, Reply, Step};
use serde_json::{Value, json};

/// The text of a request, and every wish in it has exactly one result right behind it, as the real service insists on.
pub fn messages(request: &Asked) -> Vec<Value> {
    let body: Value = serde_json::from_str(&request.body).expect("JSON");
    let messages = body["messages"].as_array().expect("messages").clone();
    let mut open: Vec<String> = Vec::new();
    for message in &messages {
        if message["role"] == "tool" {
            let id = message["tool_call_id"].as_str().expect("an id");
            let at = open.iter().position(|known| known == id);
            open.remove(at.unwrap_or_else(|| panic!("a result of no wish, or a second one: {messages:#?}")));
            continue;
        }
        assert!(open.is_empty(), "wishes without a result: {messages:#?}");
        let calls = message["tool_calls"].as_array().into_iter().flatten();
        open.extend(calls.map(|call| call["id"].as_str().expect("an id").to_owned()));
    }
    assert!(open.is_empty(), "wishes without a result: {messages:#?}");
    messages
}

/// What the caller said last.
pub fn last_said(messages: &[Value]) -> &str {
    let said = messages.iter().rev().find(|message| message["role"] == "user");
    said.and_then(|message| message["content"].as_str()).unwrap_or_default()
}

/// What came of the wishes of the last round, if the request goes on from there.
pub fn results(messages: &[Value]) -> Vec<&str> {
    let last = messages.iter().rev().take_while(|message| message["role"] == "tool");
    let mut results: Vec<&str> = last.filter_map(|message| message["content"].as_str()).collect();
    results.reverse();
    results
}

/// Whether the model was asked after the caller's turn, and the request does not go on from its wishes.
pub fn is_first(messages: &[Value]) -> bool {
    messages.last().is_some_and(|message| message["role"] == "user")
}

/// A model that gives this answer to its messages.
pub async fn mind(answer: impl Fn(&[Value]) -> Reply + Send + Sync + 'static) -> HttpServer {
    HttpServer::answering(move |request| answer(&messages(request))).await
}

/// A model that answers every line by its number.
pub async fn echo() -> HttpServer {
    mind(|messages| says(&answer(last_said(messages)))).await
}

/// The answer of [`echo`].
pub fn answer(line: &str) -> String {
    format!("Answer {}, all is well with that.", tones::number(line))
}

/// Says this.
pub fn says(text: &str) -> Reply {
    let mut steps = words(text);
    steps.extend(end("stop"));
    stream(steps)
}

/// Says this and wishes these: name and arguments.
pub fn wishes(text: &str, calls: &[(&str, &str, &str)]) -> Reply {
    let mut steps = words(text);
    for (index, (id, name, arguments)) in calls.iter().enumerate() {
        let (one, two) = arguments.split_at(arguments.len() / 2);
        let head = json!({"index": index, "id": id, "type": "function", "function": {"name": name, "arguments": one}});
        steps.push(delta(&json!({"tool_calls": [head]}), None));
        let tail = json!({"index": index, "function": {"arguments": two}});
        steps.push(delta(&json!({"tool_calls": [tail]}), None));
    }
    steps.extend(end("tool_calls"));
    stream(steps)
}

/// Says this and then does something else than ending in order.
pub fn begins(text: &str, then: Step) -> Reply {
    let mut steps = words(text);
    steps.push(then);
    stream(steps)
}

pub fn stream(steps: Vec<Step>) -> Reply {
    Reply {
        status: 200,
        media: "text/event-stream",
        steps,
    }
}

/// An event with a part of an answer.
pub fn delta(delta: &Value, finish: Option<&str>) -> Step {
    event(&json!({"choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}))
}

fn words(text: &str) -> Vec<Step> {
    let mut steps = vec![delta(&json!({"role": "assistant", "content": ""}), None)];
    let parts = text
        .split_inclusive(' ')
        .map(|word| delta(&json!({"content": word}), None));
    steps.extend(parts);
    steps
}

fn end(reason: &str) -> [Step; 3] {
    [
        delta(&json!({}), Some(reason)),
        event(&json!({"choices": [], "usage": {"prompt_tokens": 100, "completion_tokens": 10}})),
        Step::Send(b"data: [DONE]\n\n".to_vec()),
    ]
}

fn event(value: &Value) -> Step {
    Step::Send(format!("data: {value}\n\n").into_bytes())
}
