//! Chat completions over real sockets.

use super::server::{Script, Server, Step};
use super::{LONG, asked, booking, said, service, think, wished};
use engine::providers::think::{Request, Thought, thinker};
use engine::providers::{ErrorClass, Patience, ProviderError, Service};
use engine::talk::Usage;
use serde_json::json;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::timeout;

const HI: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n\
    data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"שלום \"},\"finish_reason\":null}]}\n\n";
const END: &str =
    "data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"there.\"},\"finish_reason\":\"stop\"}]}\n\n";
const USAGE: &str = "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":5,\"prompt_tokens_details\":{\"cached_tokens\":16}}}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn send(parts: &[&str]) -> Vec<Step> {
    parts.iter().map(|part| Step::Send((*part).to_owned())).collect()
}

async fn serving(script: Script) -> (Server, Service) {
    let server = Server::start(script).await;
    let service = service("openai", Some(server.url("/v1/")), json!({}));
    (server, service)
}

fn patient(service: Service, first: u64, gap: u64, whole: u64) -> Service {
    let millis = Duration::from_millis;
    Service {
        patience: Patience {
            connect: millis(first),
            first: millis(first),
            gap: millis(gap),
            whole: millis(whole),
        },
        ..service
    }
}

#[tokio::test]
async fn an_answer_comes_word_by_word_with_its_numbers() {
    let (mut server, mut service) = serving(Script::events(send(&[HI, END, USAGE, DONE]))).await;
    service.model = Some("m".to_owned());
    service.options = json!({"temperature": 0.2, "max_tokens": 90})
        .as_object()
        .expect("a map")
        .clone();
    let (thoughts, ended) = think(&service, asked("Hi")).await;
    assert_eq!(thoughts, ["שלום ", "there."].map(|text| Thought::Text(text.to_owned())));
    let expected = Usage {
        prompt: 20,
        cached: 16,
        completion: 5,
        estimated: false,
    };
    assert_eq!(ended, Ok(expected));

    let seen = server.request().await;
    assert_eq!(seen.line, "POST /v1/chat/completions HTTP/1.1");
    assert_eq!(seen.header("authorization"), Some("Bearer sk-secret"));
    assert_eq!(seen.header("accept"), Some("text/event-stream"));
    assert_eq!(
        seen.json(),
        json!({
            "model": "m", "temperature": 0.2, "max_tokens": 90, "stream": true, "stream_options": {"include_usage": true},
            "messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}],
        })
    );
}

#[tokio::test]
async fn path_query_and_headers_can_be_those_of_a_gateway() {
    let mut server = Server::start(Script::events(send(&[HI, END, DONE]))).await;
    let options = json!({"path": "/chat", "query": {"api-version": "2024-10-21"}, "key_header": "api-key"});
    let mut service = service("openai", Some(server.url("/openai/deployments/d?x=1")), options);
    service.headers = vec![("x-gateway".to_owned(), "g".to_owned())];
    think(&service, asked("Hi")).await.1.expect("an answer");
    let seen = server.request().await;
    assert_eq!(
        seen.line,
        "POST /openai/deployments/d/chat?x=1&api-version=2024-10-21 HTTP/1.1"
    );
    let headers = ["api-key", "x-gateway", "authorization"].map(|name| seen.header(name));
    assert_eq!(headers, [Some("sk-secret"), Some("g"), None]);
}

#[tokio::test]
async fn streams_of_every_make_are_read_even_byte_by_byte() {
    let windows = [HI, END, USAGE, DONE].concat().replace('\n', "\r\n");
    let usage_with_the_last_words = END.replace(
        "\"choices\"",
        "\"usage\":{\"prompt_tokens\":20,\"completion_tokens\":5},\"choices\"",
    );
    let cases: [(Vec<Step>, bool); 6] = [
        (vec![Step::Drip([HI, END, USAGE, DONE].concat())], false),
        (vec![Step::Drip(windows)], false),
        (send(&[": waiting\n\n", HI, ": still\n\n", END, DONE]), true),
        (send(&[HI, &usage_with_the_last_words]), false),
        (send(&[HI, END]), true),
        (send(&[HI, END, USAGE.trim_end()]), false),
    ];
    for (number, (steps, estimated)) in cases.into_iter().enumerate() {
        let (_server, service) = serving(Script::events(steps)).await;
        let (thoughts, ended) = think(&service, asked("Hi")).await;
        assert_eq!(said(&thoughts), "שלום there.", "case {number}");
        let usage = ended.expect("an answer");
        assert_eq!(usage.estimated, estimated, "case {number}");
        assert!(usage.prompt >= 20 && usage.completion >= 4, "case {number}: {usage:?}");
    }
}

#[tokio::test]
async fn wishes_of_several_chunks_and_several_at_once_come_out_whole() {
    let chunk = |calls: &str| {
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":null,\"tool_calls\":[{calls}]}}}}]}}\n\n")
    };
    let steps = [
        chunk(r#"{"index":0,"id":"a","type":"function","function":{"name":"book","arguments":""}}"#),
        chunk(
            r#"{"index":0,"function":{"arguments":"{\"day\":"}},{"index":1,"id":"b","function":{"name":"book","arguments":"{}"}}"#,
        ),
        chunk(r#"{"index":0,"function":{"arguments":" \"שני\"}"}}"#),
        "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"tool_calls\"}]}\n\n".to_owned(),
        DONE.to_owned(),
    ];
    let (mut server, service) = serving(Script::events([Step::Drip(steps.concat())])).await;
    let request = Request {
        tools: [booking()].into(),
        ..asked("Book")
    };
    let (thoughts, ended) = think(&service, request).await;
    let own = |parts: [&str; 3]| (parts[0].to_owned(), parts[1].to_owned(), parts[2].to_owned());
    assert_eq!(
        wished(&thoughts),
        [own(["a", "book", "{\"day\": \"שני\"}"]), own(["b", "book", "{}"])]
    );
    assert!(ended.is_ok_and(|usage| usage.estimated && usage.completion > 0));
    assert_eq!(server.request().await.json()["tools"][0]["function"]["name"], "book");
}

#[tokio::test]
async fn every_failure_has_its_class_and_no_key() {
    use ErrorClass::*;
    let error = r#"{"error":{"message":"Incorrect API key provided: sk-secret","type":"invalid_request_error"}}"#;
    let within = "data: {\"error\":{\"message\":\"overloaded\",\"code\":503}}\n\n";
    let cases = [
        (Script::json(401, "", error), Auth, ""),
        (Script::json(400, "", error), BadRequest, ""),
        (Script::json(404, "", ""), BadRequest, ""),
        (Script::json(429, "retry-after: 7\r\n", error), Quota, ""),
        (Script::json(503, "", "oops"), Transient, ""),
        (Script::json(302, "location: /elsewhere\r\n", ""), Protocol, ""),
        (
            Script::json(200, "", r#"{"error":{"code":429,"message":"slow down"}}"#),
            Quota,
            "",
        ),
        (Script::json(200, "", r#"{"choices":[]}"#), Protocol, ""),
        (Script::events(send(&[within])), Transient, ""),
        (Script::events(send(&[HI, within])), Transient, "שלום "),
        (Script::events(send(&[HI, "data: {oops\n\n"])), Protocol, "שלום "),
        (Script::events(send(&["<html>hello</html>\n\n"])), Transient, ""),
        (Script::events(send(&[HI])), Transient, "שלום "),
        (
            Script::events([Step::Send(HI.to_owned()), Step::Cut]),
            Transient,
            "שלום ",
        ),
        (Script::events([Step::Cut]), Transient, ""),
    ];
    for (number, (script, class, words)) in cases.into_iter().enumerate() {
        let (_server, service) = serving(script).await;
        let (thoughts, ended) = think(&service, asked("Hi")).await;
        let failed = ended.expect_err("a failure");
        assert_eq!(
            (failed.class(), said(&thoughts).as_str()),
            (class, words),
            "case {number}: {failed}"
        );
        assert!(!format!("{failed} {failed:?}").contains("sk-secret"), "{failed}");
        let wait = (class == Quota && number == 3).then(|| Duration::from_secs(7));
        assert_eq!(failed.retry_after(), wait, "case {number}");
    }
}

#[tokio::test]
async fn nobody_there_is_a_failure_for_the_moment() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .expect("a port")
        .local_addr()
        .expect("it")
        .port();
    let service = service("openai", Some(format!("http://127.0.0.1:{port}/v1")), json!({}));
    let (_, ended) = think(&service, asked("Hi")).await;
    assert_eq!(ended.expect_err("nobody").class(), ErrorClass::Transient);
}

#[tokio::test]
async fn each_wait_has_its_own_limit() {
    let (short, long) = (150, 20_000);
    let role = &HI[..HI.find("\n\n").expect("an end") + 2];
    let hang_after = |text: &str| Script::events([Step::Send(text.to_owned()), Step::Hang]);
    let comments = Script::events([Step::Endless(": still thinking\n\n".to_owned())]);
    let words = Script::events([Step::Endless(
        "data: {\"choices\":[{\"delta\":{\"content\":\"\"}}]}\n\n".to_owned(),
    )]);
    let cases = [
        (Script::nothing(), (short, long, long)),
        (hang_after(""), (short, long, long)),
        // Somebody who promises an answer has not begun one.
        (hang_after(role), (short, long, long)),
        (comments.clone(), (short, long, long)),
        (hang_after(HI), (long, short, long)),
        (hang_after(HI), (long, long, short)),
        (comments, (long, long, short)),
        (words, (long, long, short)),
    ];
    for (number, (script, (first, gap, whole))) in cases.into_iter().enumerate() {
        let (mut server, service) = serving(script).await;
        let (_, ended) = think(&patient(service, first, gap, whole), asked("Hi")).await;
        let limit = Duration::from_millis(short);
        assert_eq!(ended, Err(ProviderError::Timeout { limit }), "case {number}");
        timeout(LONG, server.left()).await.expect("the connection is closed");
    }
}

#[tokio::test]
async fn a_complete_answer_is_one_even_where_its_end_never_comes() {
    for steps in [
        vec![Step::Send([HI, END].concat()), Step::Hang],
        vec![Step::Send([HI, END].concat()), Step::Cut],
        send(&[HI, END, "data: oops\n\n"]),
        send(&[HI, END, END, DONE, DONE, END]),
    ] {
        let (_server, service) = serving(Script::events(steps)).await;
        let (thoughts, ended) = think(&service, asked("Hi")).await;
        assert_eq!(said(&thoughts), "שלום there.");
        assert!(ended.is_ok_and(|usage| usage.estimated));
    }
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let words = format!(
        "data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n",
        "bla ".repeat(100)
    );
    let wish = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"function\":{\"arguments\":\"xxxxxxxxxxxxxxxx\"}}]}}]}\n\n";
    let wishes = "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,\"id\":\"a\"},{\"index\":0,\"id\":\"b\"}]}}]}\n\n";
    for text in [
        words.as_str(),
        wish,
        wishes,
        "data: no end of line ",
        "data: no end of the event\n",
    ] {
        let (mut server, service) = serving(Script::events([Step::Endless(text.to_owned())])).await;
        let (thoughts, ended) = think(&service, asked("Hi")).await;
        assert_eq!(ended.expect_err("too long").class(), ErrorClass::Protocol, "{text}");
        assert!(said(&thoughts).len() <= 64 * 1024);
        timeout(LONG, server.left()).await.expect("the connection is closed");
    }
}

#[tokio::test]
async fn dropping_the_answer_closes_the_connection() {
    for script in [
        Script::nothing(),
        Script::events([Step::Send(HI.to_owned()), Step::Hang]),
    ] {
        let (mut server, service) = serving(script).await;
        let (sender, _thoughts) = mpsc::channel(8);
        let thinking = tokio::spawn(thinker(&service).expect("a thinker").think(asked("Hi"), sender));
        timeout(LONG, server.request()).await.expect("a request");
        thinking.abort();
        timeout(LONG, server.left()).await.expect("the server sees it");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_takes_any_more_is_given_up_without_an_error() {
    for script in [
        Script::nothing(),
        Script::events([Step::Send(HI.to_owned()), Step::Hang]),
    ] {
        let (mut server, service) = serving(script).await;
        let (sender, thoughts) = mpsc::channel(8);
        let thinking = tokio::spawn(thinker(&service).expect("a thinker").think(asked("Hi"), sender));
        timeout(LONG, server.request()).await.expect("a request");
        drop(thoughts);
        let ended = timeout(LONG, thinking).await.expect("an end").expect("no panic");
        assert!(ended.is_ok_and(|usage| usage.estimated));
        timeout(LONG, server.left()).await.expect("the server sees it");
    }
}

#[tokio::test]
async fn a_warm_connection_serves_the_first_request() {
    let (mut server, service) = serving(Script::events(send(&[HI, END, DONE]))).await;
    let thinker = thinker(&service).expect("a thinker");
    timeout(LONG, std::sync::Arc::clone(&thinker).warm())
        .await
        .expect("an end");
    let seen = server.request().await;
    assert!(seen.line.starts_with("HEAD "), "{}", seen.line);
    assert_eq!(seen.header("authorization"), None);
    let (sender, _thoughts) = mpsc::channel(8);
    thinker.think(asked("Hi"), sender).await.expect("an answer");
    assert!(server.request().await.line.starts_with("POST "));
    assert_eq!(server.connections(), 1);
}

#[tokio::test]
async fn a_connection_serves_again_though_the_end_of_the_answer_comes_late() {
    let steps = vec![Step::Send([HI, END, DONE].concat()), Step::Rest];
    let (server, service) = serving(Script::events(steps)).await;
    let thinker = thinker(&service).expect("a thinker");
    let mut turns = 0;
    while server.connections() == turns {
        assert!(turns < 50, "every turn has a connection of its own");
        turns += 1;
        let (sender, _thoughts) = mpsc::channel(8);
        let thinking = std::sync::Arc::clone(&thinker).think(asked("Hi"), sender);
        thinking.await.expect("an answer");
    }
}

#[tokio::test]
async fn what_cannot_be_used_is_told_before_the_first_call() {
    let refused = |service: &Service| thinker(service).err().expect("refused").class();
    let without = Service {
        key: None,
        ..service("openai", None, json!({}))
    };
    assert_eq!(refused(&without), ErrorClass::Auth);
    let local = Service {
        base_url: Some("http://127.0.0.1:1/v1".to_owned()),
        ..without
    };
    assert!(thinker(&local).is_ok(), "a local server needs no key");
    for base in ["", "api.openai.com", "ws://127.0.0.1"] {
        assert_eq!(
            refused(&service("openai", Some(base.to_owned()), json!({}))),
            ErrorClass::BadRequest,
            "{base}"
        );
    }
    assert_eq!(
        refused(&service("openai", None, json!({"key_header": "a b"}))),
        ErrorClass::BadRequest
    );
    assert_eq!(refused(&service("nothing", None, json!({}))), ErrorClass::BadRequest);
}
