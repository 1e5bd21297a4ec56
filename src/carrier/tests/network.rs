//! The faults of the network around the stream: webhooks, signatures and callers who leave.

use super::*;

async fn engine() -> Engine {
    Engine::start(|seen| {
        if seen.path == "/voice" {
            xml("<Say>good morning to all of you</Say>")
        } else {
            empty(204)
        }
    })
    .await
}

#[tokio::test]
async fn repeated_webhooks_share_their_token() {
    let engine = engine().await;
    engine.place_with("", &[Fault::RepeatWebhooks]).await;
    let voice = engine.seen_at("/voice");
    assert_eq!(voice.len(), 2);
    let token = |seen: &Seen| seen.headers["i-twilio-idempotency-token"].clone();
    assert_eq!(token(&voice[0]), token(&voice[1]));
}

#[tokio::test]
async fn reordered_status_callbacks_keep_their_numbers() {
    let engine = engine().await;
    engine.place_with("", &[Fault::ReorderWebhooks]).await;
    let numbers: Vec<String> = engine
        .seen_at("/status")
        .iter()
        .map(|seen| seen.field("SequenceNumber").to_owned())
        .collect();
    assert_eq!(numbers, ["1", "0", "3", "2"]);
}

#[tokio::test]
async fn lost_status_callbacks_never_arrive() {
    let engine = engine().await;
    let report = engine.place_with("", &[Fault::LostStatus]).await;
    assert_eq!(engine.seen_at("/status").len(), 0);
    assert!(told(&report, "status completed is lost"));
}

#[tokio::test]
async fn late_webhooks_leave_the_caller_ringing() {
    let engine = engine().await;
    let report = engine
        .place_with("", &[Fault::DelayWebhooks(Duration::from_millis(400))])
        .await;
    let answered = report
        .timeline
        .iter()
        .find(|event| event.what == Happening::Status("in-progress".to_owned()))
        .expect("an answered call");
    // 400 ms of real time at five times the pace.
    assert!(answered.at >= Duration::from_secs(2), "{:?}", answered.at);
}

#[tokio::test]
async fn signatures_can_be_wrong_or_missing() {
    let engine = engine().await;
    engine.place_with("", &[Fault::NoSignature]).await;
    assert!(
        engine
            .seen()
            .iter()
            .all(|seen| !seen.headers.contains_key("x-twilio-signature"))
    );
    engine.place_with("", &[Fault::WrongSignature]).await;
    let seen = engine.seen_at("/voice").pop().expect("two calls");
    let right = signature(
        "0123456789abcdef0123456789abcdef",
        &format!("{}/voice", engine.url),
        &seen.form,
    );
    assert_ne!(seen.headers["x-twilio-signature"], right);
}

#[tokio::test]
async fn a_caller_may_leave_in_the_greeting_or_before_the_answer() {
    let engine = engine().await;
    let report = engine.place_with("", &[Fault::HangupInGreeting]).await;
    assert_eq!(report.outcome, Outcome::CallerHungUp);
    assert_eq!(
        engine.seen_at("/status").pop().expect("an end").field("CallStatus"),
        "completed"
    );
    let early = Engine::start(|seen| {
        if seen.path == "/voice" {
            xml("<Pause length=\"10\"/>")
        } else {
            empty(204)
        }
    })
    .await;
    let report = early.place("wait 1s; hangup").await;
    assert_eq!(report.outcome, Outcome::CallerHungUp);
    assert_eq!(
        early.seen_at("/status").pop().expect("an end").field("CallStatus"),
        "no-answer"
    );
}

#[tokio::test]
async fn a_failing_status_callback_is_a_warning() {
    let engine = Engine::start(|seen| {
        if seen.path == "/voice" {
            xml("<Hangup/>")
        } else {
            empty(500)
        }
    })
    .await;
    let report = engine.place("").await;
    assert_eq!(codes(&report), [15003; 4]);
    assert_eq!(report.outcome, Outcome::EngineHungUp);
}

#[tokio::test]
async fn events_are_told_while_they_happen() {
    let engine = engine().await;
    let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
    let net = carrier(&[]).await;
    let spec = CallSpec {
        events: Some(sender),
        ..engine.call("")
    };
    let call = tokio::spawn(async move { place(spec, &net).await.expect("a call") });
    let mut live = Vec::new();
    while let Some(event) = receiver.recv().await {
        live.push(event);
    }
    let report = call.await.expect("no panic");
    assert_eq!(live, report.timeline);
    assert!(
        json_lines(&live)
            .lines()
            .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok())
    );
}
