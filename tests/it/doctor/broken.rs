//! Proxies with one fault each: the probe that is about it fails, with the carrier's code, and the others do not.

use super::proxy::{Act, Proxy, answer, redirect, without};
use super::{Env, failures, of, plan, result, stage, through};
use engine::doctor::Verdict;
use std::time::Duration;

const PAGE: &str = "<!doctype html><html><head><title>Not found</title></head></html>";

fn is_upgrade(head: &str) -> bool {
    head.to_ascii_lowercase().contains("upgrade: websocket")
}

#[tokio::test]
async fn a_proxy_without_fault_is_not_noticed() {
    let stage = stage().await;
    let checkup = through(&stage, Proxy::new()).await;
    assert_eq!(failures(&checkup), [], "{checkup:#?}");
}

#[tokio::test]
async fn signatures_get_lost_or_cannot_match() {
    let stage = stage().await;
    let lost = Proxy::new().request(|_, head| {
        *head = without(head, "x-twilio-signature");
        Act::Pass
    });
    let checkup = through(&stage, lost).await;
    assert_eq!(result(&checkup, "signed").code, Some(11200), "{checkup:#?}");
    assert_eq!(result(&checkup, "unsigned").verdict, Verdict::Ok);

    let renamed = Proxy::new().request(|_, head| {
        *head = without(head, "host").replacen("\r\n", "\r\nHost: inner.internal:8080\r\n", 1);
        Act::Pass
    });
    let checkup = through(&stage, renamed).await;
    let signed = result(&checkup, "signed");
    assert_eq!((signed.verdict, signed.code), (Verdict::Fail, Some(11200)));
    assert!(
        signed.seen.contains("the carrier signs `http://127.0.0.1:"),
        "{signed:?}"
    );
    assert!(
        signed
            .seen
            .contains("the engine checks `http://inner.internal:8080/webhook/doctor`"),
        "{signed:?}"
    );
    let help = signed.help.as_deref().unwrap_or_default();
    assert!(
        help.contains("PUBLIC_BASE_URL=http://127.0.0.1:") && help.contains("`inner.internal:8080`"),
        "{help}"
    );

    let mut env = Env::of(&stage, &stage.carrier.rest_url);
    env.set("TWILIO_AUTH_TOKEN", "another account's");
    let checkup = env.examine(plan(&stage, &stage.url(""))).await;
    assert!(
        result(&checkup, "signed")
            .seen
            .contains("does not have this auth token"),
        "{checkup:#?}"
    );
    assert_eq!(result(&checkup, "carrier-account").code, Some(20003));
}

#[tokio::test]
async fn prompts_that_are_no_sound() {
    let stage = stage().await;
    let cases = [
        ("404 Not Found", "text/html", PAGE, 11200),
        ("200 OK", "text/html; charset=utf-8", PAGE, 12300),
        ("200 OK", "audio/mpeg", "", 13420),
        ("200 OK", "audio/mpeg", PAGE, 13420),
        ("502 Bad Gateway", "text/html", PAGE, 11200),
    ];
    for (status, kind, body, code) in cases {
        let proxy = Proxy::new().request(move |path, _| match path.starts_with("/static/") {
            true => answer(status, kind, body),
            false => Act::Pass,
        });
        let checkup = through(&stage, proxy).await;
        assert_eq!(
            failures(&checkup),
            [("prompt", Some(code))],
            "{status} {kind} {checkup:#?}"
        );
        assert_eq!(of(&checkup, Verdict::Fail).len(), 6, "each sound is named");
    }
}

#[tokio::test]
async fn one_missing_prompt_is_named_and_the_others_are_counted() {
    let stage = stage().await;
    let proxy = Proxy::new().request(|path, _| match path.ends_with("greeting_he.mp3") {
        true => answer("404 Not Found", "text/plain", "no"),
        false => Act::Pass,
    });
    let checkup = through(&stage, proxy).await;
    let prompts: Vec<_> = checkup.outcomes().filter(|one| one.probe == "prompt").collect();
    assert!(prompts[0].seen.starts_with("5 sounds"), "{prompts:?}");
    assert_eq!(prompts.len(), 2);
    assert!(
        prompts[1].seen.contains("`/static/tts/greeting_he.mp3` gives 404"),
        "{prompts:?}"
    );
}

#[tokio::test]
async fn handshakes_that_the_carrier_does_not_take() {
    let stage = stage().await;
    let every = ["handshake", "handshake-slash", "subprotocol"];
    for status in [
        "400 Bad Request",
        "426 Upgrade Required",
        "404 Not Found",
        "200 OK",
        "502 Bad Gateway",
    ] {
        let proxy = Proxy::new().request(move |_, head| match is_upgrade(head) {
            true => answer(status, "text/plain", "no"),
            false => Act::Pass,
        });
        let checkup = through(&stage, proxy).await;
        assert_eq!(
            failures(&checkup),
            every.map(|probe| (probe, Some(31920))),
            "{status} {checkup:#?}"
        );
        assert_eq!(result(&checkup, "frames").verdict, Verdict::Skipped);
    }
    let unasked = Proxy::new().response(|path, head| {
        if path.starts_with("/ws/") && !head.to_ascii_lowercase().contains("sec-websocket-protocol") {
            *head = head.replacen("\r\n", "\r\nSec-WebSocket-Protocol: audio.twilio.com\r\n", 1);
        }
    });
    let checkup = through(&stage, unasked).await;
    assert_eq!(
        failures(&checkup),
        [("handshake", Some(31920)), ("handshake-slash", Some(31920))],
        "{checkup:#?}"
    );
    let tidy = Proxy::new().request(|path, _| match path {
        "/ws/twilio-media/" => redirect("/ws/twilio-media"),
        _ => Act::Pass,
    });
    let checkup = through(&stage, tidy).await;
    assert_eq!(failures(&checkup), [("handshake-slash", Some(31920))], "{checkup:#?}");
    let compressed = Proxy::new().response(|path, head| {
        if path.starts_with("/ws/") {
            *head = head.replacen("\r\n", "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n", 1);
        }
    });
    let checkup = through(&stage, compressed).await;
    assert_eq!(
        failures(&checkup),
        every.map(|probe| (probe, Some(31920))),
        "{checkup:#?}"
    );
}

#[tokio::test]
async fn a_socket_through_which_nothing_goes() {
    let stage = stage().await;
    let proxy = Proxy::new().request(|_, head| match is_upgrade(head) {
        true => Act::Swallow,
        false => Act::Pass,
    });
    let checkup = through(&stage, proxy).await;
    assert_eq!(failures(&checkup), [("frames", Some(31924))], "{checkup:#?}");
}

#[tokio::test]
async fn documents_that_come_as_something_else() {
    let stage = stage().await;
    let html = Proxy::new().response(|_, head| *head = head.replace("text/xml", "text/html"));
    assert_eq!(failures(&through(&stage, html).await), [("document", Some(12300))]);
    let untyped = Proxy::new().response(|path, head| {
        if path == "/webhook/doctor" {
            *head = without(head, "content-type");
        }
    });
    assert_eq!(failures(&through(&stage, untyped).await), [("document", Some(11200))]);
    let kept = Proxy::new().response(|_, head| *head = without(&without(head, "cache-control"), "pragma"));
    let checkup = through(&stage, kept).await;
    assert_eq!(result(&checkup, "document").verdict, Verdict::Warn, "{checkup:#?}");
}

#[tokio::test]
async fn webhooks_that_are_redirected_refused_or_served_by_others() {
    let stage = stage().await;
    let moved = Proxy::new().request(|path, _| match path.starts_with("/webhook/") {
        true => redirect("https://elsewhere.example/"),
        false => Act::Pass,
    });
    let checkup = through(&stage, moved).await;
    let unsigned = result(&checkup, "unsigned");
    assert_eq!(unsigned.code, Some(11200));
    assert!(
        unsigned.seen.contains("301") && unsigned.seen.contains("elsewhere.example"),
        "{unsigned:?}"
    );
    // Only some of the routes: those are named, with the code of what they are.
    for (path, code) in [("/webhook/handle_recording", 11200), ("/webhook/call_status", 15003)] {
        let gone = Proxy::new().request(move |asked, _| match asked == path {
            true => answer("405 Method Not Allowed", "text/html", PAGE),
            false => Act::Pass,
        });
        let checkup = through(&stage, gone).await;
        assert_eq!(failures(&checkup), [("webhooks", Some(code))], "{checkup:#?}");
        assert!(result(&checkup, "webhooks").seen.contains(path));
    }
    let firewall = Proxy::new().request(|path, _| match path.starts_with("/webhook/") {
        true => answer("403 Forbidden", "text/html", PAGE),
        false => Act::Pass,
    });
    let checkup = through(&stage, firewall).await;
    assert!(
        result(&checkup, "signed").seen.contains("something before the engine"),
        "{checkup:#?}"
    );
}

#[tokio::test]
async fn answers_that_never_come() {
    let stage = stage().await;
    let stalled = Proxy::new().request(|path, _| match path == "/webhook/doctor" {
        true => Act::Stall,
        false => Act::Pass,
    });
    let proxy = stalled.start(stage.port).await;
    let mut plan = plan(&stage, &proxy.url);
    plan.timeout = Duration::from_millis(500);
    let checkup = Env::of(&stage, &stage.carrier.rest_url).examine(plan).await;
    assert_eq!(
        failures(&checkup),
        [("unsigned", Some(11205)), ("signed", Some(11205))],
        "{checkup:#?}"
    );
    // What needs no signature was looked at all the same.
    assert_eq!(result(&checkup, "handshake").verdict, Verdict::Ok);
    assert!(
        result(&checkup, "prompt").seen.starts_with("6 sounds"),
        "from the flow at hand"
    );
}

#[tokio::test]
async fn a_clock_that_is_wrong() {
    let stage = stage().await;
    let late = Proxy::new().response(|_, head| {
        *head = without(head, "date").replacen("\r\n", "\r\nDate: Sun, 06 Nov 1994 08:49:37 GMT\r\n", 1);
    });
    let checkup = through(&stage, late).await;
    assert_eq!(failures(&checkup), [("clock", None)], "{checkup:#?}");
}
