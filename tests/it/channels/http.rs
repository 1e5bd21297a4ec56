//! The `http` step's client: what is sent, what is read, and where it must not go.

use std::time::Duration;

use engine::channels::http::{HttpBody, HttpCall, HttpError, ReplyBody, send};
use http::Method;
use serde_json::json;

use crate::wire::{Answer, Wire};

fn post(url: String, body: HttpBody) -> HttpCall {
    HttpCall {
        body,
        ..HttpCall::new(Method::POST, url)
    }
}

#[tokio::test]
async fn bodies_and_headers_arrive_as_given() {
    let server = Wire::answering([Answer::json(201, r#"{"id":7}"#)
        .header("etag", "\"a\"")
        .header("set-cookie", "s=1")])
    .await;
    let value = json!({"name": "דנה"});
    let mut call = post(server.url("/leads?source=phone"), HttpBody::Json(value.clone()));
    call.headers.push(("X-Api-Key".to_owned(), "k".to_owned()));
    let reply = send(&call).await.expect("a reply");
    assert_eq!((reply.status, reply.body), (201, ReplyBody::Json(json!({"id": 7}))));
    let names: Vec<&str> = reply.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["content-type", "etag"], "cookies are not shown");

    send(&post(
        server.url("/form"),
        HttpBody::Form(vec![("a".to_owned(), "1 & 2".to_owned())]),
    ))
    .await
    .expect("a reply");
    let mut text = post(server.url("/text"), HttpBody::Text("<a/>".to_owned()));
    text.headers.push(("content-type".to_owned(), "text/xml".to_owned()));
    send(&text).await.expect("a reply");

    let seen = server.requests();
    assert_eq!(
        (seen[0].method.as_str(), seen[0].target.as_str()),
        ("POST", "/leads?source=phone")
    );
    assert_eq!(seen[0].header("x-api-key"), Some("k"));
    assert_eq!(seen[0].header("content-type"), Some("application/json"));
    assert_eq!(
        serde_json::from_slice::<serde_json::Value>(&seen[0].body).expect("JSON"),
        value
    );
    assert_eq!(seen[1].form(), [("a".to_owned(), "1 & 2".to_owned())]);
    assert_eq!(seen[2].header("content-type"), Some("text/xml"));
    assert_eq!(seen[2].headers.get_all("content-type").iter().count(), 1);
}

#[tokio::test]
async fn every_complete_answer_is_a_reply() {
    let cases = [
        (
            Answer::json(404, r#"{"error":"x"}"#),
            404,
            ReplyBody::Json(json!({"error": "x"})),
        ),
        (Answer::json(500, ""), 500, ReplyBody::Empty),
        (
            Answer::with(200, "application/problem+json", "[1]"),
            200,
            ReplyBody::Json(json!([1])),
        ),
        (
            Answer::with(200, "text/plain", "{}"),
            200,
            ReplyBody::Text("{}".to_owned()),
        ),
        (Answer::with(304, "text/plain", ""), 304, ReplyBody::Empty),
    ];
    for (answer, status, body) in cases {
        let server = Wire::answering([answer]).await;
        let reply = send(&HttpCall::new(Method::GET, server.url("/")))
            .await
            .expect("a reply");
        assert_eq!((reply.status, reply.body), (status, body));
    }
}

#[tokio::test]
async fn failures_are_told_apart() {
    let cases = [
        (
            Answer::with(200, "application/json", "{"),
            HttpError::Unreadable {
                media_type: "application/json".to_owned(),
            },
        ),
        (
            Answer::with(200, "text/plain", vec![0xff, 0xfe]),
            HttpError::Unreadable {
                media_type: "text/plain".to_owned(),
            },
        ),
        (
            Answer::with(200, "text/plain", vec![b'a'; 1001]),
            HttpError::TooLarge { limit: 1000 },
        ),
        (
            Answer::Stream {
                start: "a".into(),
                total: 1 << 20,
            },
            HttpError::TooLarge { limit: 1000 },
        ),
        (Answer::Reset, HttpError::Broken),
        (Answer::Silence, HttpError::Timeout { sent: true }),
        (Answer::redirect(302, "/"), HttpError::TooManyRedirects),
        (
            Answer::redirect(302, "https://127.0.0.1:1/"),
            HttpError::RedirectRefused,
        ),
        (Answer::redirect(302, "file:///etc/passwd"), HttpError::RedirectRefused),
    ];
    for (answer, expected) in cases {
        let server = Wire::answering([answer.clone()]).await;
        let mut call = HttpCall::new(Method::GET, server.url("/"));
        call.max_bytes = 1000;
        if matches!(answer, Answer::Silence) {
            call.timeout = Duration::from_millis(200);
        }
        assert_eq!(send(&call).await, Err(expected), "{answer:?}");
    }
    let exact = Wire::answering([Answer::with(200, "text/plain", vec![b'a'; 1000])]).await;
    let call = HttpCall {
        max_bytes: 1000,
        ..HttpCall::new(Method::GET, exact.url("/"))
    };
    send(&call).await.expect("exactly at the limit");
}

#[tokio::test]
async fn what_cannot_be_sent_is_not() {
    let server = Wire::answering([Answer::json(200, "{}")]).await;
    for url in ["", "example.com", "file:///etc/passwd", "gopher://x"] {
        assert_eq!(
            send(&HttpCall::new(Method::GET, url)).await,
            Err(HttpError::BadUrl),
            "{url}"
        );
    }
    for (name, value) in [("a b", "x"), ("x", "a\r\nb: c"), ("Host", "x"), ("content-length", "9")] {
        let mut call = HttpCall::new(Method::GET, server.url("/"));
        call.headers.push((name.to_owned(), value.to_owned()));
        assert_eq!(send(&call).await, Err(HttpError::BadHeader { name: name.to_owned() }));
    }
    assert_eq!(server.connections(), 0);

    let closed = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", closed.local_addr().expect("an address"));
    drop(closed);
    let failed = send(&HttpCall::new(Method::POST, url)).await.expect_err("nobody there");
    assert_eq!(failed, HttpError::Unreachable);
    assert!(failed.is_retryable() && !failed.may_have_happened());
}

#[tokio::test]
async fn a_redirect_to_another_host_takes_neither_keys_nor_bodies_along() {
    let other = Wire::answering([Answer::json(200, "{}")]).await;
    let target = format!("http://localhost:{}/there", other.port);
    let server = Wire::start(move |seen| match seen.target.as_str() {
        "/same" => Answer::redirect(307, "/end"),
        "/end" => Answer::json(200, "{}"),
        "/see-other" => Answer::redirect(303, &target),
        _ => Answer::redirect(307, &target),
    })
    .await;
    let with_key = |mut call: HttpCall| {
        call.headers.push(("x-api-key".to_owned(), "k".to_owned()));
        call
    };

    send(&with_key(HttpCall::new(Method::GET, server.url("/"))))
        .await
        .expect("a reply");
    assert_eq!(other.request().header("x-api-key"), None);

    let body = HttpBody::Json(json!({"secret": 1}));
    let failed = send(&with_key(post(server.url("/"), body.clone()))).await;
    assert_eq!(failed, Err(HttpError::RedirectRefused));
    assert_eq!(other.requests().len(), 1);

    send(&post(server.url("/see-other"), body.clone()))
        .await
        .expect("a reply");
    let seen = other.requests();
    assert_eq!((seen[1].method.as_str(), seen[1].body.len()), ("GET", 0));

    send(&with_key(post(server.url("/same"), body))).await.expect("a reply");
    let end = server.requests().pop().expect("a request");
    assert_eq!((end.method.as_str(), end.header("x-api-key")), ("POST", Some("k")));
    assert_eq!(&end.body[..], br#"{"secret":1}"#);
}
