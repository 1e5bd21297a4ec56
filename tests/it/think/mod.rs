//! Language models: each protocol against a server that follows a script.

mod anthropic;
mod openai;
mod scripted;
mod server;

use engine::providers::think::{Request, Thought, Tool, thinker};
use engine::providers::{ProviderError, Service};
use engine::talk::{Message, Usage};
use serde_json::{Value, json};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

/// What no test takes unless it hangs.
const LONG: Duration = Duration::from_secs(30);

fn service(kind: &str, base_url: Option<String>, options: Value) -> Service {
    Service {
        kind: kind.to_owned(),
        base_url,
        key: Some("sk-secret".into()),
        options: options.as_object().expect("a map").clone(),
        ..Service::default()
    }
}

fn asked(text: &str) -> Request {
    Request {
        messages: [Message::System("Be brief.".into()), Message::Caller(text.into())].into(),
        tools: [].into(),
    }
}

fn booking() -> Tool {
    Tool {
        name: "book".to_owned(),
        description: "Books a table.".to_owned(),
        parameters: json!({"type": "object"}),
    }
}

/// All thoughts of an answer and how it ended.
async fn think(service: &Service, request: Request) -> (Vec<Thought>, Result<Usage, ProviderError>) {
    let (sender, mut thoughts) = mpsc::channel(1);
    let thinking = tokio::spawn(thinker(service).expect("a thinker").think(request, sender));
    let mut all = Vec::new();
    let read = async {
        while let Some(thought) = thoughts.recv().await {
            all.push(thought);
        }
        thinking.await.expect("no panic")
    };
    let ended = timeout(LONG, read).await.expect("an end");
    (all, ended)
}

/// The words of an answer in one.
fn said(thoughts: &[Thought]) -> String {
    let text = |thought: &Thought| match thought {
        Thought::Text(text) => Some(text.clone()),
        Thought::Wish(_) => None,
    };
    thoughts.iter().filter_map(text).collect()
}

/// The wishes of an answer: id, name, arguments.
fn wished(thoughts: &[Thought]) -> Vec<(String, String, String)> {
    let wish = |thought: &Thought| match thought {
        Thought::Wish(call) => Some((call.id.to_string(), call.name.to_string(), call.arguments.to_string())),
        Thought::Text(_) => None,
    };
    thoughts.iter().filter_map(wish).collect()
}
