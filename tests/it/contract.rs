//! The contract's rows that can be seen from outside, with the bundled receptionist and the real binary.

use std::time::Duration;

use engine::carrier::{Fault, Outcome};
use serde_json::Value;

use crate::stage::{Plan, TALKER, document, heard_within, story};

const LIMIT: Duration = Duration::from_secs(8);

#[tokio::test(flavor = "multi_thread")]
async fn a_whole_call_keeps_the_contract() {
    let stage = Plan::new().start().await;
    let report = stage.call(TALKER, &[Fault::OfferSubprotocol]).await;
    assert_eq!(report.outcome, Outcome::EngineHungUp, "{}", story(&report));
    assert_eq!(report.errors, [], "{}", story(&report));
    heard_within(&report, LIMIT);
    let sid = report.call_sid.as_str();

    // The first document: absolute URLs, no doubled slashes, the stream's token, and nothing else.
    let first = document(&report, "voice");
    assert_eq!(first.status, Some(200));
    assert!(
        first
            .content_type
            .as_deref()
            .is_some_and(|kind| kind.starts_with("text/xml"))
    );
    let xml = roxmltree::Document::parse(&first.body).expect("XML");
    let verbs: Vec<_> = xml
        .root_element()
        .children()
        .filter(roxmltree::Node::is_element)
        .collect();
    let names: Vec<&str> = verbs.iter().map(|verb| verb.tag_name().name()).collect();
    assert_eq!(names, ["Play", "Connect"], "{}", first.body);
    let origin = stage.url("");
    assert!(
        verbs[0]
            .text()
            .is_some_and(|url| url.starts_with(&format!("{origin}/static/tts/greeting_he.mp3"))),
        "{}",
        first.body
    );
    let action = verbs[1].attribute("action").expect("an action");
    assert!(
        action.starts_with(&format!("{origin}/webhook/stream_ended")),
        "{action}"
    );
    let stream = verbs[1].first_element_child().expect("a stream");
    assert_eq!(
        stream.attribute("url"),
        Some(format!("ws://127.0.0.1:{}/ws/twilio-media", stage.port).as_str())
    );
    let status = stream.attribute("statusCallback").expect("a status callback");
    assert!(
        status.starts_with(&format!("{origin}/webhook/stream_status")),
        "{status}"
    );
    let parameter = |name: &str| {
        let mut found = stream.children().filter(|child| child.attribute("name") == Some(name));
        found
            .next()
            .and_then(|child| child.attribute("value"))
            .map(str::to_owned)
    };
    assert_eq!(parameter("call_sid").as_deref(), Some(sid));
    assert!(parameter("token").is_some_and(|token| token.len() == 32));
    let parts = first.body.split(['"', '<', '>', ' ']);
    for url in parts.filter(|part| part.contains("://")) {
        let path = url.split_once("://").map_or("", |(_, rest)| rest);
        assert!(!path.contains("//"), "{url}");
    }

    // Every webhook was answered as the table says.
    for exchange in &report.requests {
        let path = exchange.url.split_once(&origin).map_or("", |(_, path)| path);
        let wanted = match path.split(['?', '#']).next().unwrap_or_default() {
            "/webhook/call_status" | "/webhook/stream_status" => 204,
            _ => 200,
        };
        assert_eq!(exchange.status, Some(wanted), "{exchange:?}");
    }

    stage.finished(sid).await;
    let log = |column: &str| stage.logged(column, sid);
    assert_eq!(log("status"), "completed");
    assert_eq!(log("end_reason"), "hung_up");
    assert_eq!(log("watchdog_reason"), Value::Null);
    assert_eq!(log("flow"), "receptionist");
    assert!(log("seconds").as_i64().is_some_and(|seconds| seconds > 5));
    let turns = stage.rows(
        "SELECT role, text FROM call_turn WHERE call_sid = ?1 ORDER BY n",
        &[sid],
    );
    assert!(
        turns.iter().any(|turn| turn[0] == "agent") && turns.iter().any(|turn| turn[0] == "caller"),
        "{turns:?}"
    );
    assert_eq!(
        stage.messages_to(stage.logged("from_number", sid).as_str().unwrap_or_default()),
        1
    );

    // The words that operators search for.
    let once = |word: &str| {
        stage
            .log
            .of(word, sid)
            .into_iter()
            .next()
            .unwrap_or_else(|| panic!("no {word}\n{}", stage.log.text()))
    };
    assert!(
        once("WS_START")["stream_sid"]
            .as_str()
            .is_some_and(|sid| sid.starts_with("MZ"))
    );
    let stop = once("WS_STOP");
    assert!(stop["frames_in"].as_u64().is_some_and(|frames| frames > 50), "{stop}");
    assert!(stop["frames_out"].as_u64().is_some_and(|frames| frames > 50), "{stop}");
    assert!(once("TTS_LEN")["ms"].as_u64().is_some_and(|ms| ms > 1000));
    assert!(once("EOU")["ms"].as_u64().is_some());
    assert!(once("MEDIA_TX")["frames"].as_u64().is_some());
    let states: Vec<Value> = stage
        .log
        .of("CALL_STATUS", sid)
        .iter()
        .map(|line| line["status"].clone())
        .collect();
    assert!(states.contains(&"completed".into()), "{states:?}");
    let connected = stage.log.lines("WS_CONNECTED");
    assert_eq!(connected[0]["subprotocol"], "audio.twilio.com");
    let req = stage.log.lines("REQ");
    assert!(
        req.iter()
            .any(|line| line["path"] == "/webhook/incoming_call" && line["method"] == "POST")
    );
    let res = stage.log.lines("RES");
    assert!(
        res.iter()
            .any(|line| line["path"] == "/webhook/incoming_call" && line["status"] == 200 && line["ms"].is_u64())
    );
    let text = stage.log.text();
    assert!(
        !text.contains(&report_number(&stage, sid)),
        "numbers of callers stay out of the log"
    );
    assert!(!text.contains(&stage.carrier.auth_token), "so do secrets");
}

fn report_number(stage: &crate::stage::Stage, sid: &str) -> String {
    let number = stage.logged("from_number", sid);
    number.as_str().expect("a number").trim_start_matches('+').to_owned()
}
