//! Every webhook, with and without its slash, by every method, well-formed and not.

use std::time::Duration;

use engine::server::{Answer, Hook, MessageHook, ServerConfig};
use reqwest::{Method, Response};
use warp::Filter;

use super::{client, open_door, start, start_with};

const NO_STORE: &str = "no-store, no-cache, must-revalidate, max-age=0";

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    response
        .headers()
        .get(name)
        .map(|v| v.to_str().expect("text"))
        .unwrap_or_default()
}

async fn assert_safe(response: Response, answer: Answer, what: &str) {
    assert_eq!(header(&response, "cache-control"), NO_STORE, "{what}");
    match answer {
        Answer::Nothing => {
            assert_eq!(response.status(), 204, "{what}");
            assert_eq!(response.text().await.expect("body"), "", "{what}");
        }
        Answer::Document | Answer::DocumentOrNothing => {
            assert_eq!(response.status(), 200, "{what}");
            assert_eq!(header(&response, "content-type"), "text/xml; charset=utf-8", "{what}");
            let body = response.text().await.expect("body");
            assert_eq!(body, ServerConfig::default().safe_document, "{what}");
        }
    }
}

#[test]
fn the_safe_document_is_a_response_that_ends_the_call() {
    let text = ServerConfig::default().safe_document;
    let document = roxmltree::Document::parse(&text).expect("well-formed");
    assert_eq!(document.root_element().tag_name().name(), "Response");
    let verbs = document.root_element().children().filter(roxmltree::Node::is_element);
    let verbs: Vec<&str> = verbs.map(|verb| verb.tag_name().name()).collect();
    assert_eq!(verbs, ["Say", "Hangup"], "whoever is on the line hears a sentence");
}

#[tokio::test]
async fn every_webhook_answers_post_and_get_with_and_without_slash() {
    let server = start(open_door()).await;
    let client = client();
    for hook in Hook::ALL {
        for slash in ["", "/", "//"] {
            for method in [Method::POST, Method::GET] {
                let url = server.url(&format!("{}{slash}?n=3", hook.path()));
                let request = client
                    .request(method.clone(), &url)
                    .header("I-Twilio-Idempotency-Token", "t-1");
                let request = match method {
                    Method::POST => request.form(&[("CallSid", "CA1"), ("From", "+972 5")]),
                    _ => request.query(&[("CallSid", "CA1"), ("From", "+972 5")]),
                };
                let response = request.send().await.expect("answer");
                assert_eq!(header(&response, "cache-control"), NO_STORE, "{hook:?}");
                assert_eq!(header(&response, "pragma"), "no-cache", "{hook:?}");
                let (name, asked) = server.asked().pop().expect("the line was asked");
                assert_eq!(name, format!("{hook:?}"));
                assert_eq!(
                    (asked.n, asked.param("From"), asked.param("n")),
                    (3, Some("+972 5"), None)
                );
                assert_eq!(asked.idempotency_token.as_deref(), Some("t-1"));
                if hook.answer() == Answer::Nothing {
                    assert_eq!(response.status(), 204, "{hook:?}");
                    assert_eq!(response.text().await.expect("body"), "");
                } else {
                    assert_eq!(response.status(), 200, "{hook:?}");
                    assert_eq!(header(&response, "content-type"), "text/xml; charset=utf-8");
                    let expected = format!("<Response><Say>{hook:?} 3 http://{}</Say></Response>", server.address);
                    assert_eq!(response.text().await.expect("body"), expected);
                }
            }
        }
    }
}

#[tokio::test]
async fn messages_are_answered_with_their_own_identity() {
    let server = start(open_door()).await;
    for (hook, status) in [(MessageHook::WhatsApp, 200), (MessageHook::Status, 204)] {
        let form = [("MessageSid", "SM1"), ("Body", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}")];
        let response = client()
            .post(server.url(hook.path()))
            .form(&form)
            .send()
            .await
            .expect("answer");
        assert_eq!(response.status(), status, "{hook:?}");
        let (name, asked) = server.asked().pop().expect("asked");
        assert_eq!(
            (name, asked.param("Body"), asked.n),
            (format!("{hook:?}"), Some("\u{5e9}\u{5dc}\u{5d5}\u{5dd}"), 1)
        );
        let missing = client()
            .post(server.url(hook.path()))
            .form(&[("CallSid", "CA1")])
            .send()
            .await
            .expect("answer");
        assert_safe(missing, hook.answer(), "no message named").await;
    }
    assert_eq!(server.asked().len(), 2);
}

#[tokio::test]
async fn odd_methods_and_paths_never_get_an_error_status() {
    let server = start(open_door()).await;
    let client = client();
    for hook in Hook::ALL {
        for method in [Method::PUT, Method::DELETE, Method::PATCH, Method::OPTIONS] {
            let request = client
                .request(method.clone(), server.url(hook.path()))
                .body("CallSid=CA1");
            let response = request.send().await.expect("answer");
            assert_safe(response, hook.answer(), &format!("{method} {hook:?}")).await;
        }
        let head = client.head(server.url(hook.path())).send().await.expect("answer");
        assert!(head.status().is_success(), "{hook:?}");
    }
    for path in [
        "/webhook",
        "/webhook/",
        "/webhook/unknown",
        "/webhook/incoming_call/deeper",
        "/webhook/%69ncoming_call",
    ] {
        let response = client
            .post(server.url(path))
            .form(&[("CallSid", "CA1")])
            .send()
            .await
            .expect("answer");
        assert_safe(response, Answer::Document, path).await;
    }
    assert!(server.asked().is_empty());
    assert_eq!(server.counts.snapshot().safe_answers, 7 * 5 + 5);

    let doubled = client
        .post(server.url("//webhook//incoming_call"))
        .form(&[("CallSid", "CA1")])
        .send();
    assert_eq!(doubled.await.expect("answer").status(), 200);
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn what_cannot_be_read_gets_the_safe_answer() {
    let server = start(open_door()).await;
    let client = client();
    for hook in Hook::ALL {
        let post = |kind: &'static str, body: Vec<u8>| {
            client
                .post(server.url(hook.path()))
                .header("content-type", kind)
                .body(body)
                .send()
        };
        let form = "application/x-www-form-urlencoded";
        for (what, kind, body) in [
            ("no call", form, b"From=%2B1".to_vec()),
            ("blank call", form, b"CallSid=+".to_vec()),
            ("nothing", form, Vec::new()),
            ("junk", form, vec![0xff, 0x00, b'%', b'&', b'=']),
            ("json", "application/json", br#"{"CallSid":"CA1"}"#.to_vec()),
            ("multipart", "multipart/form-data; boundary=x", b"CallSid=CA1".to_vec()),
            ("odd type", "\u{7f}".trim_matches('\u{7f}'), b"x".to_vec()),
            (
                "too long",
                form,
                [b"CallSid=CA1&x=".to_vec(), vec![b'x'; 70_000]].concat(),
            ),
        ] {
            assert_safe(post(kind, body).await.expect("answer"), hook.answer(), what).await;
        }
    }
    assert!(server.asked().is_empty());
    // A type in other spelling, and none at all, are forms.
    let typed = client
        .post(server.url("/webhook/next"))
        .header("content-type", "Application/X-WWW-Form-Urlencoded; charset=UTF-8");
    assert_eq!(typed.body("CallSid=CA1").send().await.expect("answer").status(), 200);
    let untyped = client
        .post(server.url("/webhook/next?n=x"))
        .body(b"CallSid=CA2".to_vec());
    assert_eq!(untyped.send().await.expect("answer").status(), 200);
    let asked = server.asked();
    assert_eq!((asked.len(), asked[1].1.n), (2, 1));
}

#[tokio::test]
async fn a_body_in_chunks_is_read_like_any_other() {
    let server = start(open_door()).await;
    let head = "POST /webhook/next HTTP/1.1\r\nHost: h.example\r\nConnection: close\r\n\
                Content-Type: application/x-www-form-urlencoded\r\nTransfer-Encoding: chunked\r\n\r\n";
    let whole = server
        .raw(format!("{head}5\r\nCallS\r\n6\r\nid=CA1\r\n0\r\n\r\n"))
        .await;
    assert!(
        whole.starts_with("HTTP/1.1 200") && whole.contains("Next 1 http://h.example"),
        "{whole}"
    );

    let part = format!("4000\r\n{}\r\n", "x".repeat(0x4000));
    let long = server.raw(format!("{head}{}0\r\n\r\n", part.repeat(6))).await;
    assert!(long.starts_with("HTTP/1.1 200") && long.contains("<Hangup/>"), "{long}");
    let broken = server.raw(format!("{head}zz\r\n")).await;
    assert!(
        broken.is_empty() || broken.starts_with("HTTP/1.1 200") || broken.starts_with("HTTP/1.1 400"),
        "{broken}"
    );
    assert_eq!(server.asked().len(), 1);
}

#[tokio::test]
async fn a_line_that_fails_is_answered_for() {
    let config = ServerConfig {
        answer_within: Duration::from_millis(50),
        ..open_door()
    };
    let server = start(config).await;
    for hook in Hook::ALL {
        for call in ["CApanic", "CAslow"] {
            let response = client()
                .post(server.url(hook.path()))
                .form(&[("CallSid", call)])
                .send()
                .await
                .expect("answer");
            assert_safe(response, hook.answer(), &format!("{call} {hook:?}")).await;
        }
    }
    assert_eq!(server.counts.snapshot().panics, 7);
    let after = client()
        .post(server.url("/webhook/next"))
        .form(&[("CallSid", "CA1")])
        .send()
        .await
        .expect("answer");
    assert!(after.text().await.expect("body").contains("Next"));
}

#[tokio::test]
async fn replies_the_carrier_would_refuse_are_replaced() {
    let server = start(open_door()).await;
    for hook in Hook::ALL {
        let ask = |call: &'static str| client().post(server.url(hook.path())).form(&[("CallSid", call)]).send();
        let expected = if hook == Hook::StreamEnded {
            Answer::Nothing
        } else {
            hook.answer()
        };
        assert_safe(ask("CAempty").await.expect("answer"), expected, "empty").await;
        assert_safe(ask("CAbig").await.expect("answer"), hook.answer(), "too big").await;
    }
}

#[tokio::test]
async fn mounted_routes_come_first_and_cannot_break_the_promise() {
    let mounted = warp::path!("webhook" / "whatsapp" / "meta").map(|| warp::reply::Response::new("challenge".into()));
    let lost = warp::path!("webhook" / "lost").and(warp::post()).map(|| {
        let mut response = warp::reply::Response::default();
        *response.status_mut() = http::StatusCode::NOT_FOUND;
        response
    });
    let boom = warp::path!("boom").map(|| -> warp::reply::Response { panic!("a route that panics, on purpose") });
    let routes = mounted.or(lost).unify().or(boom).unify().boxed();
    let server = start_with(open_door(), |server| server.mount(routes)).await;
    let meta = client()
        .get(server.url("/webhook/whatsapp/meta"))
        .send()
        .await
        .expect("answer");
    assert_eq!(meta.text().await.expect("body"), "challenge");
    let lost = client().post(server.url("/webhook/lost")).send().await.expect("answer");
    assert_safe(lost, Answer::Document, "a mounted 404").await;
    let boom = client().get(server.url("/boom")).send().await.expect("answer");
    assert_eq!(boom.status(), 500);
    let voice = client()
        .post(server.url("/webhook/next"))
        .form(&[("CallSid", "CA1")])
        .send()
        .await
        .expect("answer");
    assert_eq!(voice.status(), 200);
}
