//! What follows a call: once per call however it ended, and never in silence where it fails.

use engine::carrier::Fault;
use serde_json::Value;

use crate::stage::{Plan, RECEPTIONIST, Stage, TALKER, story};
use crate::wire::{Answer, Wire};

async fn settled(stage: &Stage, call: &str) {
    stage.finished(call).await;
    stage
        .until("nothing is left to do", || {
            let open = "SELECT COUNT(*) FROM outbox WHERE call = ?1 AND state IN ('waiting', 'running')";
            stage.value(open, &[call]) == 0
        })
        .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_message_a_call_however_it_ended() {
    let mut stage = Plan::new().start().await;
    let ways: [(&str, &[Fault], usize); 8] = [
        (TALKER, &[], 1),
        ("wait 1s; hangup", &[], 0),
        ("wait prompt; wait 2s; hangup", &[], 1),
        ("wait prompt; speak Hello; wait 2s; hangup", &[Fault::LostStatus], 1),
        ("wait verb Record; wait 1s; hangup", &[Fault::RefuseStream], 1),
        ("wait verb Record; speak My message; hangup", &[Fault::RefuseStream], 1),
        ("wait prompt; keys 0; wait verb Dial; wait 1s; hangup", &[], 1),
        (
            "wait verb Record; wait prompt; hangup",
            &[Fault::RefuseStream, Fault::RepeatWebhooks],
            1,
        ),
    ];
    let mut calls = Vec::new();
    for (caller, faults, wanted) in ways {
        let spec = stage.spec(caller, faults);
        calls.push((caller, spec.from.clone(), wanted, stage.dial(spec)));
    }
    // A process that dies while calls end loses none of them.
    let log = stage.log.clone();
    stage.until("conversations go on", || log.lines("EOU").len() >= 2).await;
    stage.kill().await;
    stage.start().await;
    for (caller, from, wanted, call) in calls {
        let report = call.await.expect("the call's task");
        settled(&stage, &report.call_sid).await;
        let sent = stage.messages_to(&from);
        assert_eq!(sent, wanted, "`{caller}`\n{}", story(&report));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_whose_end_nobody_reports_is_found_out_by_asking() {
    let flow = RECEPTIONIST.replace("  call: 15m ", "  call: 20s ");
    let stage = Plan::new().flow(flow).start().await;
    let from_greeting = stage.dial(stage.spec("wait 1s; hangup", &[Fault::LostStatus]));
    let from_record = stage.dial(stage.spec(
        "wait verb Record; wait 1s; hangup",
        &[Fault::RefuseStream, Fault::LostStatus],
    ));
    for call in [from_greeting, from_record] {
        let report = call.await.expect("the call's task");
        settled(&stage, &report.call_sid).await;
        assert_eq!(
            stage.logged("status", &report.call_sid),
            "completed",
            "{}",
            story(&report)
        );
        let from = stage.logged("from_number", &report.call_sid);
        let seconds = stage.logged("seconds", &report.call_sid).as_i64().expect("a length");
        let long = report.ear.heard().len().div_ceil(8_000);
        assert!(
            seconds.unsigned_abs() <= long as u64 + 2,
            "{seconds} s stored, {long} s long"
        );
        assert_eq!(
            stage.messages_to(from.as_str().unwrap_or_default()),
            usize::from(seconds > 5)
        );
    }
}

const SHORT: &str = "flow: short
version: 1
locale: he-IL
start: {call: bye}
limits: {call: 1m, silence: 8s}
otherwise: bye
steps:
  bye: {play: tts/goodbye_he.mp3, next: over}
  over: {hangup: {}}
";

#[tokio::test(flavor = "multi_thread")]
async fn a_template_goes_by_its_id_where_there_is_one_and_else_as_its_text() {
    let after = "after_call:
  - whatsapp: {to: \"{{ call.from }}\", template: followup_he, with: {name: \"{{ contact.name | default('') }}\"}}
    when: call.seconds >= 0
  - whatsapp: {to: \"{{ call.from }}\", template: followup_he, with: {name: Dana}}
    when: call.seconds > 600
";
    let id = "HX0123456789abcdef0123456789abcdef";
    let with_id = Plan::new()
        .flow(format!("{SHORT}{after}"))
        .settings(&format!(
            "whatsapp: {{from: \"+972500000000\", templates: {{followup_he: {id}}}}}\n"
        ))
        .start()
        .await;
    let without = Plan::new().flow(format!("{SHORT}{after}")).start().await;
    let (by_id, by_text) = tokio::join!(with_id.call("", &[]), without.call("", &[]));
    settled(&with_id, &by_id.call_sid).await;
    settled(&without, &by_text.call_sid).await;

    let messages = with_id.carrier.messages();
    assert_eq!(messages.len(), 1, "the condition keeps the second one back");
    assert_eq!(messages[0].content_sid.as_deref(), Some(id));
    assert_eq!(messages[0].from, "whatsapp:+972500000000");
    let variables: Value =
        serde_json::from_str(messages[0].content_variables.as_deref().expect("variables")).expect("JSON");
    assert_eq!(variables["name"], "");

    let messages = without.carrier.messages();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].content_sid, None);
    assert!(
        !messages[0].body.is_empty() && !messages[0].body.contains("{{"),
        "{}",
        messages[0].body
    );
    assert_eq!(messages[0].from, "whatsapp:+97231234567", "the number that was called");
}

#[tokio::test(flavor = "multi_thread")]
async fn free_text_outside_the_window_is_refused_before_it_is_sent() {
    let after = "after_call:
  - whatsapp: {to: \"{{ call.from }}\", body: \"Thank you for calling\"}
";
    let stage = Plan::new().flow(format!("{SHORT}{after}")).start().await;
    let stranger = stage.spec("", &[]);
    let mut writer = stage.spec("", &[]);
    writer.to = "+97231234567".to_owned();
    let wrote = stage
        .carrier
        .write_message(
            &stage.url("/webhook/whatsapp/twilio"),
            &format!("whatsapp:{}", writer.from),
            &format!("whatsapp:{}", writer.to),
            "hello",
        )
        .await;
    assert!(wrote.is_ok_and(|(status, _)| status < 300));
    let (to_stranger, to_writer) = (stranger.from.clone(), writer.from.clone());
    let (stranger, writer) = (stage.dial(stranger), stage.dial(writer));
    let (stranger, writer) = (stranger.await.expect("a call"), writer.await.expect("a call"));
    settled(&stage, &stranger.call_sid).await;
    settled(&stage, &writer.call_sid).await;

    assert_eq!(stage.messages_to(&to_stranger), 0);
    assert_eq!(stage.messages_to(&to_writer), 1);
    let failed = stage.value(
        "SELECT result FROM outbox WHERE kind = 'send_message' AND state = 'failed'",
        &[],
    );
    assert!(failed.as_str().is_some_and(|error| error.contains("63016")), "{failed}");
    assert_eq!(
        stage.log.of("FOLLOW_UP_FAILED", &stranger.call_sid).len(),
        1,
        "{}",
        stage.log.text()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_follow_up_is_tried_again_and_the_next_one_goes_out_all_the_same() {
    let after = "after_call:
  - sms: {to: \"{{ call.from }}\", body: \"first\"}
  - sms: {to: \"{{ call.from }}\", body: \"second\"}
";
    let rest = Wire::start(|seen| {
        let body = seen
            .form()
            .into_iter()
            .find(|(name, _)| name == "Body")
            .map(|(_, body)| body);
        match body.as_deref() {
            Some("first") => Answer::json(400, r#"{"code":21211,"message":"Invalid 'To'","status":400}"#),
            Some(_)
                if seen.header("user-agent").is_some()
                    && FAILURES.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 =>
            {
                Answer::json(503, r#"{"code":20503,"message":"Service unavailable","status":503}"#)
            }
            Some(_) => Answer::json(201, r#"{"sid":"SM0123456789abcdef0123456789abcdef","status":"queued"}"#),
            None => Answer::json(200, r#"{"messages":[],"next_page_uri":null}"#),
        }
    })
    .await;
    let stage = Plan::new()
        .flow(format!("{SHORT}{after}"))
        .env("TWILIO_API_URL", rest.url(""))
        .start()
        .await;
    let report = stage.call("", &[]).await;
    settled(&stage, &report.call_sid).await;
    let tasks = stage.rows(
        "SELECT state, attempts FROM outbox WHERE kind = 'send_message' ORDER BY due, key",
        &[],
    );
    assert_eq!(tasks.len(), 2, "{tasks:?}");
    assert_eq!(
        (&tasks[0][0], &tasks[1][0]),
        (&"failed".into(), &"done".into()),
        "{tasks:?}"
    );
    assert_eq!(tasks[0][1], 1, "what the carrier refuses is not tried again");
    assert_eq!(tasks[1][1], 3);
    assert!(!stage.log.lines("TASK_RETRY").is_empty());
    assert_eq!(stage.log.of("FOLLOW_UP_FAILED", &report.call_sid).len(), 1);
}

static FAILURES: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
