//! Every fault that the carrier knows, as a whole call: what the caller hears, what is stored, and nothing twice.

use std::time::Duration;

use engine::carrier::{CallReport, FAULTS, Fault, Outcome};
use serde_json::Value;

use crate::stage::{Plan, Stage, TALKER, began, document, heard_within, rest, story};
use crate::wire::{Answer, Wire};

/// `limits.silence` of the receptionist.
const SILENCE: Duration = Duration::from_secs(8);

/// Leaves a message where the call falls back to one.
const LEAVES_A_MESSAGE: &str = "wait verb Record; speak Please call me back about the flat";

/// Waits for a rescue that never comes.
const PATIENT: &str = "wait prompt; wait 26s; hangup";

/// What the caller of a fault does, and the faults that must come along for it to show.
fn part(name: &str) -> (&'static str, Vec<Fault>) {
    match name {
        "refuse-stream" | "never-stream" | "no-start" | "no-media" | "drop-stream" => (LEAVES_A_MESSAGE, Vec::new()),
        "no-stop" | "abrupt-close" => ("wait prompt; speak Hello there; wait prompt; hangup", Vec::new()),
        "fail-rest" | "rest-401" | "rest-404" | "rest-429" => (PATIENT, vec![Fault::NeverStream]),
        "slow-rest" | "reset-rest" => (LEAVES_A_MESSAGE, vec![Fault::NeverStream]),
        "no-recording" => (LEAVES_A_MESSAGE, vec![Fault::RefuseStream]),
        _ => (TALKER, Vec::new()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_fault_leaves_the_caller_with_sound_and_the_engine_with_the_truth() {
    let stage = Plan::new()
        .settings("transcribe: {provider: command, run: [sh, -c, 'test -s $0 && echo call me back', '{file}']}\n")
        .start()
        .await;
    let mut calls = Vec::new();
    for (fault, name, _) in FAULTS {
        let (caller, mut faults) = part(name);
        faults.push(*fault);
        let spec = stage.spec(caller, &faults);
        calls.push((*name, spec.from.clone(), stage.dial(spec)));
    }
    let mut wrong = Vec::new();
    for (name, from, call) in calls {
        let report = call.await.expect("the call's task");
        if !matches!(name, "wrong-signature" | "no-signature") {
            stage.finished(&report.call_sid).await;
            stage
                .until("the transcription is tried", || {
                    let open = "SELECT COUNT(*) FROM outbox WHERE kind = 'transcribe' AND call = ?1
                        AND state IN ('waiting', 'running') AND attempts < 2";
                    stage.value(open, &[&report.call_sid]) == 0
                })
                .await;
        }
        if let Err(problem) = judge(&stage, name, &from, &report) {
            wrong.push(format!(
                "{name}: {problem}\n{}{}",
                story(&report),
                stage.log.about(&report.call_sid)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn ensure(holds: bool, what: impl Into<String>) -> Result<(), String> {
    if holds { Ok(()) } else { Err(what.into()) }
}

/// The call went as the contract wants it under this fault.
fn judge(stage: &Stage, name: &str, from: &str, report: &CallReport) -> Result<(), String> {
    let sid = report.call_sid.as_str();
    let messages = stage.messages_to(from);
    let reason = stage.logged("watchdog_reason", sid);
    let end = stage.logged("end_reason", sid);
    let silence = report.longest_silence.length();
    let fell_back = began(report, "Record");
    let redirects = rest(report, "POST");
    let rescued = |by: &str| {
        ensure(fell_back, "no fallback")?;
        ensure(reason == by, format!("the reason is {reason}"))?;
        ensure(silence <= SILENCE, format!("silence of {silence:?}"))?;
        ensure(report.recordings.len() == 1, "no recording")?;
        ensure(end == "hung_up", format!("ended as {end}"))?;
        ensure(messages == 1, format!("{messages} messages"))?;
        let text = stage.value("SELECT transcript FROM recording WHERE call_sid = ?1", &[sid]);
        ensure(
            text == "call me back" || name == "no-recording",
            format!("transcript {text}"),
        )
    };
    let redirected = |by: &str| {
        rescued(by)?;
        ensure(redirects == [200], format!("redirects {redirects:?}"))?;
        ensure(
            stage
                .log
                .of("WATCHDOG_REDIRECT", sid)
                .iter()
                .any(|line| line["reason"] == by),
            "no WATCHDOG_REDIRECT",
        )?;
        ensure(
            stage.log.of("WATCHDOG_REDIRECT_OK", sid).len() == 1,
            "no WATCHDOG_REDIRECT_OK",
        )
    };
    let whole = || {
        ensure(report.outcome == Outcome::EngineHungUp, "not to its end")?;
        ensure(!fell_back, "fell back without need")?;
        ensure(silence <= SILENCE, format!("silence of {silence:?}"))?;
        ensure(reason == Value::Null, format!("the watchdog barked: {reason}"))?;
        ensure(end == "hung_up", format!("ended as {end}"))?;
        ensure(messages == 1, format!("{messages} messages"))?;
        let greeted = report
            .timeline
            .iter()
            .filter(|event| {
                matches!(event.what, engine::carrier::Happening::Hears { .. }) && event.line().contains("greeting_he")
            })
            .count();
        ensure(greeted <= 1, "greeted twice")
    };
    let unrescued = |tries: usize| {
        ensure(!fell_back, "a fallback through a REST that fails?")?;
        ensure(reason == "no_stream_start", format!("the reason is {reason}"))?;
        ensure(redirects.len() >= tries, format!("only {} tries", redirects.len()))?;
        ensure(
            !stage.log.of("WATCHDOG_REDIRECT_FAIL", sid).is_empty(),
            "no WATCHDOG_REDIRECT_FAIL",
        )?;
        ensure(messages == 1, format!("{messages} messages"))
    };
    match name {
        "refuse-stream" => {
            rescued("no_stream_start")?;
            let told = stage.log.of("WATCHDOG", sid);
            ensure(
                told.iter().any(|line| line["reason"] == "no_stream_start"),
                "no word of it in the log",
            )?;
            ensure(redirects.is_empty(), "the carrier asked by itself")
        }
        "never-stream" | "no-start" => redirected("no_stream_start"),
        "no-media" => redirected("no_media"),
        "drop-stream" => {
            ensure(
                fell_back && reason == Value::Null,
                format!("fallback {fell_back}, {reason}"),
            )?;
            ensure(silence <= SILENCE, format!("silence of {silence:?}"))?;
            ensure(messages == 1, format!("{messages} messages"))
        }
        "no-stop" | "abrupt-close" => {
            ensure(end == "caller_left", format!("ended as {end}"))?;
            ensure(messages == 1, format!("{messages} messages"))
        }
        "offer-subprotocol" | "never-echo-marks" | "extra-event" | "repeat-webhooks" | "reorder-webhooks"
        | "delay-webhooks" | "lost-status" => whole(),
        "wrong-signature" | "no-signature" => {
            ensure(report.outcome == Outcome::ApplicationError, "let in")?;
            ensure(document(report, "voice").status == Some(403), "not refused")?;
            ensure(stage.logged("call_sid", sid) == Value::Null, "stored")
        }
        "fail-rest" | "rest-429" => unrescued(6),
        "rest-401" => unrescued(3),
        "rest-404" => {
            ensure(reason == "no_stream_start", format!("the reason is {reason}"))?;
            ensure(messages == 1, format!("{messages} messages"))
        }
        "slow-rest" | "reset-rest" => {
            rescued("no_stream_start")?;
            // The first one was carried out and not answered; the second one shows by the carrier's request.
            ensure(redirects == [200, 200], format!("redirects {redirects:?}"))
        }
        "no-recording" => {
            rescued("no_stream_start")?;
            let row = stage.rows(
                "SELECT state, attempts, error FROM outbox WHERE kind = 'transcribe' AND call = ?1",
                &[sid],
            );
            ensure(
                row.len() == 1 && row[0][0] != "failed" && row[0][1].as_i64() > Some(1) && row[0][2].is_string(),
                format!("the transcription stands at {row:?}"),
            )
        }
        "hangup-in-greeting" => {
            ensure(end == "caller_left", format!("ended as {end}"))?;
            ensure(messages == 0, format!("{messages} messages after so short a call"))
        }
        other => Err(format!("nothing is known of the fault `{other}`")),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_redirect_is_tried_again_and_brings_a_quiet_record() {
    let rest = Wire::answering([
        Answer::json(
            500,
            r#"{"code":20500,"message":"An internal server error has occurred","status":500}"#,
        ),
        Answer::Reset,
        Answer::json(200, r#"{"sid":"CA0","status":"in-progress"}"#),
    ])
    .await;
    let stage = Plan::new().env("TWILIO_API_URL", rest.url("")).start().await;
    let mut spec = stage.spec("wait prompt; wait 14s; hangup", &[Fault::NeverStream]);
    spec.linger = Duration::ZERO;
    let report = stage.dial(spec).await.expect("the call's task");
    let sid = &report.call_sid;
    stage
        .until("the redirect is through", || {
            !stage.log.of("WATCHDOG_REDIRECT_OK", sid).is_empty()
        })
        .await;

    let path = format!("/2010-04-01/Accounts/{}/Calls/{sid}.json", stage.carrier.account_sid);
    let asked: Vec<_> = rest
        .requests()
        .into_iter()
        .filter(|seen| seen.target == path && seen.method == "POST")
        .collect();
    assert_eq!(asked.len(), 3, "{asked:?}");
    let field = |at: usize, name: &str| {
        asked[at]
            .form()
            .into_iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value)
    };
    let twiml = field(0, "Twiml").expect("TwiML");
    // A further try says where the document is, so that the carrier's request for it shows that it arrived.
    for at in [1, 2] {
        let url = field(at, "Url").expect("a URL");
        assert!(url.starts_with(&stage.url("/webhook/stream_ended")), "{url}");
    }
    let xml = roxmltree::Document::parse(&twiml).expect("XML");
    let verbs: Vec<_> = xml
        .root_element()
        .children()
        .filter(roxmltree::Node::is_element)
        .collect();
    assert_eq!(verbs[0].tag_name().name(), "Play");
    assert!(
        verbs[0]
            .text()
            .is_some_and(|url| url.starts_with(&stage.url("/static/tts/fallback_he.mp3")))
    );
    let record = verbs[1];
    assert_eq!(record.tag_name().name(), "Record");
    for (name, value) in [("playBeep", "false"), ("timeout", "4"), ("maxLength", "30")] {
        assert_eq!(record.attribute(name), Some(value), "{name} in {twiml}");
    }
    let action = record.attribute("action").expect("an action");
    assert!(action.starts_with(&stage.url("/webhook/handle_recording")), "{action}");
    heard_within(&report, Duration::from_secs(16));
}
