//! A whole call by text: the carrier listens and speaks, the engine gets the caller's words.

use std::time::Duration;

use engine::carrier::{Fault, Happening, Outcome};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::connect_async;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;

use super::stage::{Plan, Stage, began, document};

const EXAMPLE: &str = include_str!("../../examples/relay.yaml");
const GREETING: &str = "Hello, and thank you for calling our office.";
const ANSWER: &str = "Thank you, I have noted that. Is there anything else you would like?";

async fn stage() -> Stage {
    Plan::new().flow(EXAMPLE).start().await
}

/// Who said what, and whether it was cut off.
fn turns(stage: &Stage, call: &str) -> Vec<(String, String, bool)> {
    let rows = stage.rows(
        "SELECT role, text, interrupted FROM call_turn WHERE call_sid = ?1 ORDER BY n",
        &[call],
    );
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    rows.iter()
        .map(|row| (text(&row[0]), text(&row[1]), row[2] == 1))
        .collect()
}

#[tokio::test]
async fn a_caller_is_heard_answered_and_let_go() {
    let stage = stage().await;
    // The answer has a pause of its own that ends a prompt, so that the second utterance cuts it off.
    let report = stage
        .call(
            "wait prompt; speak I am looking for a flat by the sea; wait prompt; speak No, that was all",
            &[],
        )
        .await;
    let call = report.call_sid.as_str();
    stage.finished(call).await;
    assert_eq!(report.outcome, Outcome::EngineHungUp);
    assert_eq!(report.errors, []);

    // Each answer was heard as sound, and soon after what it answers.
    for file in ["greeting_en", "answer_en", "goodbye_en"] {
        let fetched = format!("/static/tts/{file}.mp3");
        let wanted = |url: &str| url.starts_with("http://127.0.0.1:") && url.ends_with(&fetched);
        assert!(report.requests.iter().any(|request| wanted(&request.url)), "{file}");
    }
    assert!(began(&report, "Play") && !began(&report, "Record"));
    assert_eq!(report.ear.utterances().len(), 2);
    assert!(
        report.ear.answers().iter().all(Option::is_some),
        "{:?}",
        report.ear.answers()
    );
    assert!(report.ear.heard_time() > Duration::from_secs(4));

    let turns = turns(&stage, call);
    let caller: Vec<&str> = turns
        .iter()
        .filter(|turn| turn.0 == "caller")
        .map(|turn| turn.1.as_str())
        .collect();
    assert_eq!(caller, ["I am looking for a flat by the sea", "No, that was all"]);
    assert_eq!(turns[0], ("agent".to_owned(), GREETING.to_owned(), false));
    assert_eq!(turns[2].0, "agent");
    assert!(
        ANSWER.starts_with(&turns[2].1) && turns[2].1.starts_with("Thank you"),
        "{:?}",
        turns[2]
    );
    assert_eq!(turns.len(), 4, "{turns:?}");

    let action = document(&report, "action Connect");
    let said = |name: &str| {
        let found = action.params.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    assert!(said("SessionId").starts_with("VX"));
    assert_eq!(
        (said("SessionStatus"), said("HandoffData")),
        ("ended", r#"{"exit":"completed"}"#)
    );
    assert!(said("SessionDuration").parse::<u32>().is_ok_and(|seconds| seconds >= 4));
}

#[tokio::test]
async fn keys_count_as_words_and_what_is_cut_off_is_not_said() {
    let stage = stage().await;
    let report = stage.call("wait sound; wait 700ms; keys 7#; wait 20s", &[]).await;
    stage.finished(&report.call_sid).await;
    let turns = turns(&stage, &report.call_sid);
    let (role, text, cut) = &turns[0];
    assert_eq!((role.as_str(), *cut), ("agent", true));
    assert!(
        GREETING.starts_with(text.as_str()) && text.len() < GREETING.len(),
        "{text}"
    );
    assert_eq!(turns[1], ("caller".to_owned(), "7".to_owned(), false));
    assert_eq!(turns[2], ("agent".to_owned(), ANSWER.to_owned(), false));
}

#[tokio::test]
async fn a_session_that_fails_leads_to_the_recording() {
    let stage = stage().await;
    for fault in [
        Fault::RefuseStream,
        Fault::NeverStream,
        Fault::NoStart,
        Fault::DropStream(Duration::from_secs(2)),
    ] {
        let report = stage.call("wait verb Record; wait 300ms; hang up", &[fault]).await;
        assert!(began(&report, "Record"), "{fault:?}");
        let silence = report.longest_silence.length();
        assert!(silence < Duration::from_secs(9), "{fault:?}: {silence:?}");
    }
}

#[tokio::test]
async fn a_caller_who_hangs_up_leaves_their_words() {
    let stage = stage().await;
    let report = stage
        .call(
            "wait prompt; speak please call me back tomorrow; wait sound; hang up",
            &[],
        )
        .await;
    stage.finished(&report.call_sid).await;
    assert_eq!(report.outcome, Outcome::CallerHungUp);
    let stopped = |what: &Happening| matches!(what, Happening::StreamEnded { why, .. } if why.contains("hung up"));
    assert!(report.timeline.iter().any(|event| stopped(&event.what)));
    let turns = turns(&stage, &report.call_sid);
    assert_eq!(
        turns[1],
        ("caller".to_owned(), "please call me back tomorrow".to_owned(), false)
    );
    assert_eq!(turns.get(2).map(|turn| turn.2), Some(true), "{turns:?}");
}

#[tokio::test]
async fn a_stranger_gets_no_conversation() {
    let stage = stage().await;
    for path in ["/ws/twilio-relay", "/ws/twilio-relay/"] {
        let (mut socket, _) = connect_async(stage.url(path).replace("http", "ws"))
            .await
            .expect("a socket");
        let setup = json!({
            "type": "setup", "sessionId": "VX1", "callSid": "CA1",
            "customParameters": {"call_sid": "CA1", "token": "guessed"},
        });
        socket.send(Message::text(setup.to_string())).await.expect("sent");
        let code = loop {
            match socket.next().await {
                Some(Ok(Message::Close(Some(CloseFrame { code, .. })))) => break u16::from(code),
                Some(Ok(Message::Ping(_))) => {}
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(code, 1008);
    }
}
