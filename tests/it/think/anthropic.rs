//! Messages over real sockets.

use super::server::{Script, Server, Step};
use super::{LONG, asked, booking, said, service, think, wished};
use engine::providers::think::Request;
use engine::providers::{ErrorClass, Patience, ProviderError, Service};
use engine::talk::Usage;
use serde_json::json;
use std::time::Duration;
use tokio::time::timeout;

fn event(data: serde_json::Value) -> String {
    format!("event: {}\ndata: {data}\n\n", data["type"].as_str().expect("a type"))
}

fn start() -> String {
    let usage =
        json!({"input_tokens": 5, "cache_read_input_tokens": 30, "cache_creation_input_tokens": 2, "output_tokens": 1});
    event(json!({"type": "message_start", "message": {"role": "assistant", "content": [], "usage": usage}}))
        + &event(json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}))
        + &event(json!({"type": "ping"}))
        + &event(json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "שלום "}}))
}

fn end(reason: &str) -> String {
    event(json!({"type": "content_block_stop", "index": 0}))
        + &event(json!({"type": "message_delta", "delta": {"stop_reason": reason}, "usage": {"output_tokens": 12}}))
        + &event(json!({"type": "message_stop"}))
}

fn wish() -> String {
    let piece = |json: &str| {
        event(
            json!({"type": "content_block_delta", "index": 1, "delta": {"type": "input_json_delta", "partial_json": json}}),
        )
    };
    event(
        json!({"type": "content_block_start", "index": 1, "content_block": {"type": "tool_use", "id": "toolu_1", "name": "book", "input": {}}}),
    ) + &piece("{\"day\"")
        + &piece(":\"שני\"}")
        + &event(json!({"type": "content_block_stop", "index": 1}))
        + &event(json!({"type": "content_block_stop", "index": 1}))
}

async fn serving(steps: impl Into<Vec<Step>>) -> (Server, Service) {
    let server = Server::start(Script::events(steps)).await;
    let service = service("anthropic", Some(server.url("/v1")), json!({"temperature": 0.5}));
    (server, service)
}

#[tokio::test]
async fn words_wishes_and_numbers() {
    let text = start() + &wish() + &end("tool_use");
    for steps in [Step::Send(text.clone()), Step::Drip(text)] {
        let (mut server, service) = serving([steps]).await;
        let request = Request {
            tools: [booking()].into(),
            ..asked("Hi")
        };
        let (thoughts, ended) = think(&service, request).await;
        assert_eq!(said(&thoughts), "שלום ");
        let expected = ("toolu_1".to_owned(), "book".to_owned(), "{\"day\":\"שני\"}".to_owned());
        assert_eq!(wished(&thoughts), [expected]);
        let expected = Usage {
            prompt: 37,
            cached: 30,
            completion: 12,
            estimated: false,
        };
        assert_eq!(ended, Ok(expected));

        let seen = server.request().await;
        assert_eq!(seen.line, "POST /v1/messages HTTP/1.1");
        let headers = ["x-api-key", "anthropic-version", "authorization"].map(|name| seen.header(name));
        assert_eq!(headers, [Some("sk-secret"), Some("2023-06-01"), None]);
        let body = seen.json();
        assert_eq!(
            (&body["system"], &body["temperature"], &body["stream"]),
            (&json!("Be brief."), &json!(0.5), &json!(true))
        );
        assert_eq!(body["tools"][0]["input_schema"], json!({"type": "object"}));
    }
}

#[tokio::test]
async fn every_failure_has_its_class() {
    use ErrorClass::*;
    let overloaded = event(json!({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}));
    let cases = [
        (
            Script::json(
                401,
                "",
                r#"{"type":"error","error":{"type":"authentication_error","message":"no"}}"#,
            ),
            Auth,
            "",
        ),
        (Script::json(429, "retry-after: 3\r\n", "{}"), Quota, ""),
        (Script::json(529, "", "{}"), Transient, ""),
        (Script::events([Step::Send(overloaded.clone())]), Transient, ""),
        (Script::events([Step::Send(start() + &overloaded)]), Transient, "שלום "),
        (Script::events([Step::Send(start())]), Transient, "שלום "),
        (Script::events([Step::Send(start()), Step::Cut]), Transient, "שלום "),
        (Script::events([Step::Send("data: oops\n\n".to_owned())]), Protocol, ""),
        (Script::events([Step::Endless(start())]), Protocol, "…"),
    ];
    for (number, (script, class, words)) in cases.into_iter().enumerate() {
        let server = Server::start(script).await;
        let (thoughts, ended) = think(&service("anthropic", Some(server.url("")), json!({})), asked("Hi")).await;
        let failed = ended.expect_err("a failure");
        assert_eq!(failed.class(), class, "case {number}: {failed}");
        if words != "…" {
            assert_eq!(said(&thoughts), words, "case {number}");
        }
    }
}

#[tokio::test]
async fn a_stalled_answer_ends_at_its_limit_and_an_unfinished_wish_is_none() {
    let half = wish().replace("content_block_stop", "ping");
    let (mut server, service) = serving([Step::Send(start() + &half), Step::Hang]).await;
    let gap = Duration::from_millis(150);
    let patience = Patience {
        gap,
        ..Patience::default()
    };
    let (thoughts, ended) = think(&Service { patience, ..service }, asked("Hi")).await;
    assert_eq!(ended, Err(ProviderError::Timeout { limit: gap }));
    assert_eq!((said(&thoughts).as_str(), wished(&thoughts)), ("שלום ", vec![]));
    timeout(LONG, server.left()).await.expect("the connection is closed");
}
