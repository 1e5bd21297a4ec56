//! The contract's rows that can be seen from outside, with the bundled receptionist and the real binary.

use std::time::Duration;

use engine::carrier::{Fault, Outcome};
use serde_json::Value;

use crate::stage::{Plan, TALKER, client, document, heard_within, story};
use crate::wire::{Answer, Wire};

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

#[tokio::test(flavor = "multi_thread")]
async fn a_recording_is_stored_and_transcribed_by_a_service_or_a_command() {
    let whisper = Wire::answering([
        Answer::json(503, r#"{"error":{"message":"overloaded"}}"#),
        Answer::json(200, r#"{"text":"call me back about the flat"}"#),
    ])
    .await;
    let service = Plan::new()
        .env("OPENAI_BASE_URL", whisper.url("/v1"))
        .env("OPENAI_API_KEY", "sk-a-secret")
        .start()
        .await;
    let broken = Plan::new()
        .settings("transcribe: {provider: command, run: [sh, -c, 'echo no model >&2; exit 3', '{file}']}\n")
        .start()
        .await;
    let caller = "wait verb Record; speak Please call me back about the flat";
    let refused = [Fault::RefuseStream];
    let (report, failing) = tokio::join!(service.call(caller, &refused), broken.call(caller, &refused));
    let sid = report.call_sid.as_str();
    heard_within(&report, LIMIT);

    // The stream never worked: what follows is the fallback, with a prompt, no beep, and the contract's times.
    let after = document(&report, "action Connect");
    assert_eq!(after.status, Some(200));
    let xml = roxmltree::Document::parse(&after.body).expect("XML");
    let verbs: Vec<_> = xml
        .root_element()
        .children()
        .filter(roxmltree::Node::is_element)
        .collect();
    assert_eq!(verbs[0].tag_name().name(), "Play");
    assert_eq!(verbs[1].tag_name().name(), "Record");
    for (name, value) in [("playBeep", "false"), ("timeout", "4"), ("maxLength", "30")] {
        assert_eq!(verbs[1].attribute(name), Some(value), "{}", after.body);
    }
    let next = document(&report, "action Record");
    assert_eq!(next.status, Some(200));
    assert!(
        next.body.contains("goodbye_he.mp3") && next.body.contains("<Hangup"),
        "{}",
        next.body
    );
    assert!(next.took < Duration::from_secs(2), "nobody waits for the transcription");

    let row = |stage: &crate::stage::Stage, column: &str, call: &str| {
        stage.value(&format!("SELECT {column} FROM recording WHERE call_sid = ?1"), &[call])
    };
    service
        .until("it is transcribed", || row(&service, "status", sid) == "transcribed")
        .await;
    assert_eq!(row(&service, "transcript", sid), "call me back about the flat");
    assert_eq!(row(&service, "error", sid), Value::Null);
    assert!(
        row(&service, "seconds", sid)
            .as_i64()
            .is_some_and(|seconds| seconds >= 2)
    );
    assert!(
        row(&service, "url", sid)
            .as_str()
            .is_some_and(|url| url.starts_with(&service.carrier.rest_url))
    );
    assert_eq!(service.log.of("RECORDING_TRANSCRIBED", sid).len(), 1);
    let asked = whisper.requests();
    assert_eq!(asked.len(), 2, "tried again after the first refusal");
    assert_eq!(asked[1].target, "/v1/audio/transcriptions");
    assert_eq!(asked[1].header("authorization"), Some("Bearer sk-a-secret"));
    assert!(!service.log.text().contains("sk-a-secret"));

    let sid = failing.call_sid.as_str();
    assert_eq!(failing.outcome, Outcome::EngineHungUp);
    broken.finished(sid).await;
    let task = "SELECT COALESCE(error, result) FROM outbox WHERE kind = 'transcribe' AND call = ?1";
    broken
        .until("the failure shows", || broken.value(task, &[sid]).is_string())
        .await;
    let error = broken.value(task, &[sid]);
    assert!(
        error
            .as_str()
            .is_some_and(|error| error.contains("no model") || error.contains('3')),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_path_answers_as_the_table_says() {
    let stage = Plan::new().env("DEPLOY_ID", "deploy-7").start().await;
    let get = |path: &str| client().get(stage.url(path)).send();

    let health = get("/healthz").await.expect("an answer");
    assert_eq!(health.status(), 200);
    assert_eq!(health.text().await.expect("text").trim_end(), "ok");
    let version = get("/version").await.expect("an answer");
    assert_eq!(version.status(), 200);
    let version = version.text().await.expect("text");
    assert!(
        version.contains(env!("CARGO_PKG_VERSION")) && version.contains("deploy-7"),
        "{version}"
    );
    let ready = get("/readyz").await.expect("an answer");
    assert_eq!(ready.status(), 200);
    let ready: Value = serde_json::from_str(&ready.text().await.expect("text")).expect("JSON");
    for (part, state) in [
        ("db", "ok"),
        ("flows", "ok"),
        ("carrier", "ok"),
        ("stt", "disabled"),
        ("llm", "disabled"),
    ] {
        assert_eq!(ready[part], state, "{ready}");
    }

    let whole = get("/static/tts/greeting_he.mp3").await.expect("an answer");
    assert_eq!(whole.status(), 200);
    assert_eq!(whole.headers()["content-type"], "audio/mpeg");
    let tag = whole.headers()["etag"].clone();
    let size = whole.bytes().await.expect("bytes").len();
    let part = client()
        .get(stage.url("/static/tts/greeting_he.mp3"))
        .header("range", "bytes=0-99");
    let part = part.send().await.expect("an answer");
    assert_eq!(part.status(), 206);
    assert_eq!(part.headers()["content-range"], format!("bytes 0-99/{size}"));
    assert_eq!(part.bytes().await.expect("bytes").len(), 100);
    let same = client()
        .get(stage.url("/static/tts/greeting_he.mp3"))
        .header("if-none-match", tag);
    assert_eq!(same.send().await.expect("an answer").status(), 304);
    let head = client()
        .head(stage.url("/static/tts/greeting_he.mp3"))
        .send()
        .await
        .expect("an answer");
    assert_eq!(head.status(), 200);
    assert_eq!(head.headers()["content-length"], size.to_string());

    // With and without a slash at the end, by POST and by GET, for a call that nobody knows.
    let forbidden = |status: u16| (300..400).contains(&status) || [404, 405, 426, 501].contains(&status);
    let documents = ["incoming_call", "handle_recording"];
    for route in [
        "incoming_call",
        "handle_recording",
        "stream_ended",
        "stream_status",
        "call_status",
    ] {
        for slash in ["", "/"] {
            let path = format!("/webhook/{route}{slash}");
            let answer = stage
                .post(&path, &[("CallSid", &format!("CA{route}")), ("CallStatus", "ringing")])
                .await;
            let status = answer.status().as_u16();
            if documents.contains(&route) {
                assert_eq!(status, 200, "{path}");
                assert!(
                    answer.headers()["content-type"]
                        .to_str()
                        .is_ok_and(|kind| kind.starts_with("text/xml"))
                );
                assert_eq!(
                    answer.headers()["cache-control"],
                    "no-store, no-cache, must-revalidate, max-age=0"
                );
                assert_eq!(answer.headers()["pragma"], "no-cache");
                roxmltree::Document::parse(&answer.text().await.expect("text")).expect("XML");
            } else {
                assert_eq!(status, 204, "{path}");
                assert!(answer.bytes().await.expect("bytes").is_empty());
            }
            for method in ["GET", "PUT", "DELETE", "OPTIONS", "HEAD"] {
                let method = method.parse().expect("a method");
                let answer = client()
                    .request(method, stage.url(&path))
                    .send()
                    .await
                    .expect("an answer");
                assert!(!forbidden(answer.status().as_u16()), "{path} {}", answer.status());
            }
        }
    }
    // The stream's own reports need no signature; everything else does.
    for (route, wanted) in [("stream_status", 204), ("call_status", 403), ("incoming_call", 403)] {
        let answer = client()
            .post(stage.url(&format!("/webhook/{route}")))
            .form(&[("CallSid", "CAx")])
            .send()
            .await;
        assert_eq!(answer.expect("an answer").status(), wanted, "{route}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_configured_public_address_is_the_one_in_every_document() {
    let stage = Plan::new()
        .env("PUBLIC_BASE_URL", "https://voice.example.com/")
        .start()
        .await;
    let params = [
        ("CallSid", "CA00000000000000000000000000000001"),
        ("From", "+972501"),
        ("To", "+9723"),
    ];
    let owned: Vec<(String, String)> = params
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let signed = engine::carrier::signature(
        &stage.carrier.auth_token,
        "https://voice.example.com/webhook/incoming_call",
        &owned,
    );
    let answer = client()
        .post(stage.url("/webhook/incoming_call"))
        .header("X-Twilio-Signature", signed)
        .form(&params)
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.status(), 200);
    let body = answer.text().await.expect("text");
    for part in [
        "<Play>https://voice.example.com/static/tts/greeting_he.mp3",
        "action=\"https://voice.example.com/webhook/stream_ended",
        "url=\"wss://voice.example.com/ws/twilio-media\"",
        "statusCallback=\"https://voice.example.com/webhook/stream_status",
    ] {
        assert!(body.contains(part), "{part} in {body}");
    }
    assert!(!body.contains("127.0.0.1"), "{body}");
}
