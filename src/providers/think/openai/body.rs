//! A chat completion's request: the conversation as messages in which every wish has its result.

use super::super::{Request, Tool, history};
use crate::providers::Service;
use crate::talk::{ActionCall, Message};
use serde_json::{Map, Value, json};

/// What OpenAI's own service answers with unless a model is named.
const DEFAULT_MODEL: &str = "gpt-4.1-mini";

/// Options that are read here or for the address, and not passed on.
const OWN: [&str; 7] = [
    "path",
    "query",
    "key_header",
    "include_usage",
    "max_tokens",
    "max_tokens_field",
    "system_role",
];

/// What all requests of a service have in common.
pub(super) struct Shape {
    common: Map<String, Value>,
    system_role: String,
}

impl Shape {
    /// Reads the options. `own`: the requests go to OpenAI itself, which knows fields that others refuse.
    pub fn new(service: &Service, own: bool) -> Self {
        let options = service.options.iter().filter(|(name, _)| !OWN.contains(&name.as_str()));
        let mut common: Map<String, Value> = options.map(|(name, value)| (name.clone(), value.clone())).collect();
        let default = own.then(|| DEFAULT_MODEL.to_owned());
        if let Some(model) = service.model.clone().or(default) {
            common.insert("model".to_owned(), model.into());
        }
        if let Some(most) = service.options.get("max_tokens") {
            let default = if own { "max_completion_tokens" } else { "max_tokens" };
            let field = service.option("max_tokens_field").unwrap_or_else(|| default.to_owned());
            common.insert(field, most.clone());
        }
        common.insert("stream".to_owned(), true.into());
        if service.options.get("include_usage") != Some(&Value::Bool(false)) {
            let mut stream = json!({"include_usage": true});
            if own {
                // Padding that hides lengths from listeners on the network; it doubles what each word costs.
                stream["include_obfuscation"] = false.into();
            }
            common.insert("stream_options".to_owned(), stream);
        }
        let system_role = service.option("system_role").unwrap_or_else(|| "system".to_owned());
        Self { common, system_role }
    }

    /// The body of one request.
    pub fn body(&self, request: &Request) -> Value {
        let mut body = self.common.clone();
        body.insert("messages".to_owned(), self.messages(&request.messages).into());
        if request.tools.is_empty() {
            // Without tools, some servers refuse whatever speaks of them.
            body.remove("tool_choice");
            body.remove("parallel_tool_calls");
        } else {
            let tools: Vec<Value> = request.tools.iter().map(tool).collect();
            body.insert("tools".to_owned(), tools.into());
        }
        body.into()
    }

    fn messages(&self, messages: &[Message]) -> Vec<Value> {
        let mut out = Vec::new();
        for (at, message) in messages.iter().enumerate() {
            match message {
                Message::System(text) => out.push(json!({"role": self.system_role, "content": &**text})),
                Message::Caller(text) => out.push(json!({"role": "user", "content": &**text})),
                Message::Agent { text, calls } if calls.is_empty() => {
                    if !text.is_empty() {
                        out.push(json!({"role": "assistant", "content": &**text}));
                    }
                }
                Message::Agent { text, calls } => {
                    let content = if text.is_empty() { Value::Null } else { (&**text).into() };
                    let wishes: Vec<Value> = calls.iter().map(wish).collect();
                    out.push(json!({"role": "assistant", "content": content, "tool_calls": wishes}));
                    for call in calls {
                        let result = history::result_of(messages, at, &call.id);
                        out.push(json!({"role": "tool", "tool_call_id": &*call.id, "content": result}));
                    }
                }
                // Stands right behind its wish already.
                Message::Result { .. } => {}
            }
        }
        out
    }
}

fn wish(call: &ActionCall) -> Value {
    json!({
        "id": &*call.id,
        "type": "function",
        "function": {"name": &*call.name, "arguments": &*call.arguments},
    })
}

fn tool(tool: &Tool) -> Value {
    json!({
        "type": "function",
        "function": {"name": tool.name, "description": tool.description, "parameters": tool.parameters},
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn service(options: Value) -> Service {
        Service {
            options: options.as_object().expect("a map").clone(),
            ..Service::default()
        }
    }

    fn request(messages: Vec<Message>) -> Request {
        Request {
            messages: messages.into(),
            tools: [].into(),
        }
    }

    fn call(id: &str) -> ActionCall {
        ActionCall {
            id: id.into(),
            name: "book".into(),
            arguments: "{\"day\": 1}".into(),
        }
    }

    #[test]
    fn every_wish_is_answered_right_behind_it() {
        let messages = vec![
            Message::System("Be brief.".into()),
            Message::Agent {
                text: "Hello".into(),
                calls: vec![],
            },
            Message::Caller("Book it".into()),
            Message::Agent {
                text: "".into(),
                calls: vec![call("a"), call("b")],
            },
            Message::Caller("wait".into()),
            Message::Result {
                id: "a".into(),
                text: "done".into(),
            },
            Message::Result {
                id: "stray".into(),
                text: "?".into(),
            },
            Message::Agent {
                text: "".into(),
                calls: vec![],
            },
        ];
        let body = Shape::new(&service(json!({})), false).body(&request(messages));
        let wish =
            |id: &str| json!({"id": id, "type": "function", "function": {"name": "book", "arguments": "{\"day\": 1}"}});
        assert_eq!(
            body["messages"],
            json!([
                {"role": "system", "content": "Be brief."},
                {"role": "assistant", "content": "Hello"},
                {"role": "user", "content": "Book it"},
                {"role": "assistant", "content": null, "tool_calls": [wish("a"), wish("b")]},
                {"role": "tool", "tool_call_id": "a", "content": "done"},
                {"role": "tool", "tool_call_id": "b", "content": history::NO_RESULT},
                {"role": "user", "content": "wait"},
            ])
        );
        assert_eq!(body.get("tools"), None);
    }

    #[test]
    fn options_go_through_and_cannot_take_the_place_of_what_is_needed() {
        let options = json!({
            "temperature": 0.3, "max_tokens": 200, "stream": false, "messages": [], "query": {"a": "b"}, "tool_choice": "auto",
        });
        let shape = Shape::new(&service(options), true);
        let expected = json!({
            "temperature": 0.3, "max_completion_tokens": 200, "stream": true, "messages": [], "model": DEFAULT_MODEL,
            "stream_options": {"include_usage": true, "include_obfuscation": false},
        });
        assert_eq!(shape.body(&request(vec![])), expected);

        let options = json!({"include_usage": false, "max_tokens": 5, "system_role": "developer"});
        let body = Shape::new(&service(options), false).body(&request(vec![Message::System("x".into())]));
        let expected = json!({"max_tokens": 5, "stream": true, "messages": [{"role": "developer", "content": "x"}]});
        assert_eq!(body, expected);

        let options = json!({"max_tokens": 5, "max_tokens_field": "n_predict"});
        assert_eq!(
            Shape::new(&service(options), false).body(&request(vec![]))["n_predict"],
            5
        );
    }

    #[test]
    fn tools_are_nested_under_their_function() {
        let tool = Tool {
            name: "book".into(),
            description: "Books.".into(),
            parameters: json!({"type": "object"}),
        };
        let request = Request {
            messages: [].into(),
            tools: [tool].into(),
        };
        let body = Shape::new(&service(json!({"parallel_tool_calls": false})), false).body(&request);
        let function = json!({"name": "book", "description": "Books.", "parameters": {"type": "object"}});
        assert_eq!(body["tools"], json!([{"type": "function", "function": function}]));
        assert_eq!(body["parallel_tool_calls"], false);
    }
}
