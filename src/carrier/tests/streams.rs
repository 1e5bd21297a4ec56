//! Media streams: messages, marks, clears, strictness, ends and the faults that strand callers.

use super::*;

use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

const CONNECT: &str = "<Connect action=\"/after\"><Stream url=\"wss://HOST/ws\" name=\"one\" \
                       statusCallback=\"/stream\"><Parameter name=\"call_sid\" value=\"x\"/></Stream></Connect>";

/// What a stream's engine side saw.
type Log = Arc<Mutex<Vec<Value>>>;

/// An engine that streams. `talk` gets the stream, its sid and the log, once `start` has come.
async fn engine<F: Future<Output = ()> + Send + 'static>(
    talk: impl Fn(Ws, String, Log) -> F + Send + Sync + 'static,
) -> (Engine, Log) {
    engine_with(CONNECT, talk).await
}

async fn engine_with<F: Future<Output = ()> + Send + 'static>(
    verbs: &'static str,
    talk: impl Fn(Ws, String, Log) -> F + Send + Sync + 'static,
) -> (Engine, Log) {
    let log: Log = Arc::default();
    let kept = log.clone();
    let talk = Arc::new(talk);
    let engine = Engine::with_stream(
        move |seen| match seen.path.as_str() {
            "/voice" => xml(&verbs.replace("HOST", &seen.headers["host"])),
            "/after" => xml("<Say>goodbye</Say>"),
            _ => empty(204),
        },
        move |mut ws| {
            let (kept, talk) = (kept.clone(), talk.clone());
            async move {
                while let Some(message) = next(&mut ws, &kept).await {
                    if message["event"] == "start" {
                        let sid = message["streamSid"].as_str().expect("a sid").to_owned();
                        talk(ws, sid, kept).await;
                        return;
                    }
                }
                note(&kept, "gone");
            }
        },
    )
    .await;
    (engine, log)
}

/// The next message, noted; `None` at the end of the stream.
async fn next(ws: &mut Ws, log: &Log) -> Option<Value> {
    loop {
        match ws.next().await {
            Some(Ok(Message::Text(text))) => {
                let value: Value = serde_json::from_str(&text).expect("JSON");
                log.lock().expect("no panic").push(value.clone());
                return Some(value);
            }
            Some(Ok(Message::Close(_))) => note(log, "close"),
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return None,
        }
    }
}

fn note(log: &Log, event: &str) {
    log.lock().expect("no panic").push(json!({ "event": event }));
}

fn events(log: &Log) -> Vec<String> {
    let log = log.lock().expect("no panic");
    log.iter()
        .filter_map(|value| value["event"].as_str().map(str::to_owned))
        .collect()
}

async fn say(ws: &mut Ws, value: Value) {
    ws.send(Message::text(value.to_string())).await.expect("an open stream");
}

fn media(sid: &str, millis: usize) -> Value {
    let sound = sounds::speechlike(Duration::from_millis(millis as u64), 3);
    json!({"event": "media", "streamSid": sid, "media": {"payload": base64_simd::STANDARD.encode_to_string(sound)}})
}

fn mark(sid: &str, name: &str) -> Value {
    json!({"event": "mark", "streamSid": sid, "mark": {"name": name}})
}

/// Reads until a mark of this name comes back.
async fn until_mark(ws: &mut Ws, log: &Log, name: &str) -> usize {
    let mut frames = 0;
    while let Some(message) = next(ws, log).await {
        if message["event"] == "mark" && message["mark"]["name"] == name {
            return frames;
        }
        frames += usize::from(message["event"] == "media");
    }
    panic!("the stream ended before the mark {name}");
}

#[tokio::test]
async fn a_stream_carries_both_sides_and_its_marks_follow_the_sound() {
    let (engine, log) = engine(|mut ws, sid, log| async move {
        say(&mut ws, mark(&sid, "now")).await;
        let at_once = until_mark(&mut ws, &log, "now").await;
        assert!(at_once < 25, "a mark on an empty queue came after {at_once} frames");
        say(&mut ws, media(&sid, 1000)).await;
        say(&mut ws, mark(&sid, "heard")).await;
        let frames = until_mark(&mut ws, &log, "heard").await;
        assert!((45..150).contains(&frames), "a second of sound took {frames} frames");
        say(&mut ws, media(&sid, 20_000)).await;
        say(&mut ws, mark(&sid, "a")).await;
        say(&mut ws, mark(&sid, "b")).await;
        say(&mut ws, json!({"event": "clear", "streamSid": sid})).await;
        until_mark(&mut ws, &log, "a").await;
        let frames = until_mark(&mut ws, &log, "b").await;
        assert!(
            frames < 100,
            "a clear brings all marks back at once, not after {frames} frames"
        );
        note(&log, "proven");
        ws.close(None).await.expect("an open stream");
        while next(&mut ws, &log).await.is_some() {}
    })
    .await;
    let net = carrier(&[]).await;
    let spec = CallSpec {
        pace: 1.0,
        ..engine.call("wait 1s; speak 1s; keys 5")
    };
    let report = place(spec, &net).await.expect("a call");
    assert!(
        events(&log).contains(&"proven".to_owned()),
        "{}",
        lines(&report.timeline)
    );
    assert_eq!(report.outcome, Outcome::EngineHungUp);
    assert_eq!(codes(&report), NONE);
    assert_eq!(engine.seen_at("/after").len(), 1);
    let log = log.lock().expect("no panic");
    assert_eq!(log[0]["event"], "connected");
    assert_eq!(log[1]["event"], "start");
    assert_eq!(log[1]["start"]["callSid"], report.call_sid);
    assert_eq!(log[1]["start"]["customParameters"]["call_sid"], "x");
    let numbers: Vec<u64> = log
        .iter()
        .filter_map(|value| value["sequenceNumber"].as_str())
        .map(|text| text.parse().expect("a number"))
        .collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let stream: Vec<String> = engine
        .seen_at("/stream")
        .iter()
        .map(|seen| seen.field("StreamEvent").to_owned())
        .collect();
    assert_eq!(stream, ["stream-started", "stream-stopped"]);
    let handshake = &engine.seen_at("/ws")[0];
    assert_eq!(handshake.headers["user-agent"], "Twilio.TmeWs/1.0");
    assert!(!handshake.headers.contains_key("sec-websocket-protocol"));
    let url = format!("wss://{}/ws", engine.url.trim_start_matches("http://"));
    assert_eq!(
        handshake.headers["x-twilio-signature"],
        signature("0123456789abcdef0123456789abcdef", &url, &[])
    );
}

#[tokio::test]
async fn the_callers_voice_and_keys_arrive_in_real_time() {
    let (engine, log) = engine(|mut ws, _, log| async move { while next(&mut ws, &log).await.is_some() {} }).await;
    engine.place("wait 500ms; speak 1s; keys 7; wait 200ms; hangup").await;
    let log = log.lock().expect("no panic");
    let loud = log
        .iter()
        .filter_map(|value| value["media"]["payload"].as_str())
        .map(|payload| base64_simd::STANDARD.decode_to_vec(payload).expect("base64"))
        .filter(|sound| ear::audible(sound))
        .count();
    // A second of voice and a tenth of a key.
    assert!((53..=58).contains(&loud), "{loud}");
    let key = log.iter().find(|value| value["event"] == "dtmf").expect("a key");
    assert_eq!(
        (&key["dtmf"]["digit"], &key["dtmf"]["track"]),
        (&json!("7"), &json!("inbound_track"))
    );
    assert_eq!(log.iter().filter(|value| value["event"] == "stop").count(), 1);
}

#[tokio::test]
async fn a_wrong_message_is_dropped_and_reported_once() {
    let (engine, _) = engine(|mut ws, sid, log| async move {
        say(
            &mut ws,
            json!({"event": "mark", "streamSid": "MZ0", "mark": {"name": "lost"}}),
        )
        .await;
        say(
            &mut ws,
            json!({"event": "media", "streamSid": sid, "sequenceNumber": "1", "media": {"payload": ""}}),
        )
        .await;
        ws.send(Message::text("no JSON")).await.expect("an open stream");
        ws.send(Message::binary(vec![0_u8; 4])).await.expect("an open stream");
        say(&mut ws, mark(&sid, "end")).await;
        until_mark(&mut ws, &log, "end").await;
        ws.close(None).await.expect("an open stream");
        while next(&mut ws, &log).await.is_some() {}
    })
    .await;
    let report = engine.place("").await;
    assert_eq!(codes(&report), [31951, 31950]);
}

#[tokio::test]
async fn an_error_code_or_a_lost_connection_is_noted_and_the_call_goes_on() {
    for (close, code) in [(true, 31921), (false, 31903)] {
        let (engine, _) = engine(move |mut ws, _, log| async move {
            if close {
                let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
                    code: 1011.into(),
                    reason: "".into(),
                };
                ws.close(Some(frame)).await.expect("an open stream");
                while next(&mut ws, &log).await.is_some() {}
            }
        })
        .await;
        let report = engine.place("").await;
        assert_eq!(codes(&report), [code]);
        assert_eq!(engine.seen_at("/after").len(), 1);
    }
}

#[tokio::test]
async fn a_redirect_by_rest_stops_the_stream_at_once() {
    let net = Arc::new(carrier(&[]).await);
    let rest = net.clone();
    let (engine, log) = engine(move |mut ws, _, log| {
        let rest = rest.clone();
        async move {
            let start = log.lock().expect("no panic")[1].clone();
            let call = start["start"]["callSid"].as_str().expect("a call").to_owned();
            let url = format!(
                "{}/2010-04-01/Accounts/{}/Calls/{call}.json",
                rest.rest_url, rest.account_sid
            );
            let twiml = "<Response><Say>one moment please</Say></Response>";
            let answer = reqwest::Client::new()
                .post(url)
                .basic_auth(&rest.account_sid, Some(&rest.auth_token))
                .form(&[("Twiml", twiml)])
                .send()
                .await
                .expect("an answer");
            assert_eq!(answer.status(), 200);
            while next(&mut ws, &log).await.is_some() {}
            note(&log, "over");
        }
    })
    .await;
    let report = place(engine.call(""), &net).await.expect("a call");
    assert_eq!(report.outcome, Outcome::EngineHungUp);
    assert_eq!(
        engine.seen_at("/after").len(),
        0,
        "the interrupted verb's action is not requested"
    );
    assert!(told(&report, "<Connect> ended: interrupted by REST"));
    assert!(told(&report, "<Say> ended: done"));
    let seen = events(&log);
    let tail: Vec<&str> = seen
        .iter()
        .map(String::as_str)
        .filter(|event| *event != "media")
        .collect();
    assert_eq!(tail, ["connected", "start", "stop", "close", "over"]);
}

#[tokio::test]
async fn faults_of_the_stream() {
    let listening = |mut ws: Ws, _: String, log: Log| async move { while next(&mut ws, &log).await.is_some() {} };
    let three = Fault::DropStream(Duration::from_secs(3));
    // Fault, expected codes, whether the engine is told `stop`, whether the action is requested before the caller leaves.
    for (fault, expected, stops, acts) in [
        (Fault::RefuseStream, vec![31920], false, true),
        (Fault::NeverStream, vec![], false, false),
        (Fault::NoStart, vec![], false, false),
        (Fault::NoMedia, vec![], true, false),
        (three, vec![31903], false, true),
        (Fault::NoStop, vec![], false, false),
        (Fault::AbruptClose, vec![], false, false),
        (Fault::ExtraEvent, vec![], true, false),
        (Fault::OfferSubprotocol, vec![], true, false),
    ] {
        let (engine, log) = engine(listening).await;
        let report = engine.place_with("wait 5s; hangup", &[fault]).await;
        assert_eq!(codes(&report), expected, "{fault}");
        let seen = events(&log);
        assert_eq!(seen.contains(&"stop".to_owned()), stops, "{fault}: {seen:?}");
        let after = engine.seen_at("/after");
        let status = after.first().map(|seen| seen.field("CallStatus").to_owned());
        assert_eq!(
            status.as_deref(),
            Some(if acts { "in-progress" } else { "completed" }),
            "{fault}"
        );
        let mute = matches!(
            fault,
            Fault::RefuseStream | Fault::NeverStream | Fault::NoStart | Fault::NoMedia
        );
        assert_eq!(seen.contains(&"media".to_owned()), !mute, "{fault}");
        assert_eq!(seen.contains(&"novelty".to_owned()), fault == Fault::ExtraEvent);
        assert_eq!(
            seen.contains(&"start".to_owned()),
            !matches!(fault, Fault::RefuseStream | Fault::NeverStream | Fault::NoStart)
        );
        if fault == Fault::OfferSubprotocol {
            assert_eq!(
                engine.seen_at("/ws")[0].headers["sec-websocket-protocol"],
                "audio.twilio.com"
            );
        }
        if fault == Fault::AbruptClose {
            assert!(!seen.contains(&"close".to_owned()));
        }
    }
}

#[tokio::test]
async fn marks_may_never_come_back() {
    let (engine, log) = engine(|mut ws, sid, log| async move {
        say(&mut ws, mark(&sid, "a")).await;
        while next(&mut ws, &log).await.is_some() {}
    })
    .await;
    engine.place_with("wait 2s; hangup", &[Fault::NeverEchoMarks]).await;
    assert!(!events(&log).contains(&"mark".to_owned()));
}

#[tokio::test]
async fn a_stream_needs_wss_and_its_own_track() {
    for (verbs, code) in [
        ("<Connect><Stream url=\"https://h.example/ws\"/></Connect>", 31922),
        (
            "<Connect><Stream url=\"wss://HOST/ws\" track=\"both_tracks\"/></Connect>",
            31941,
        ),
        ("<Connect><Stream url=\"wss://127.0.0.1:1/ws\"/></Connect>", 31902),
    ] {
        let (engine, _) = engine_with(verbs, |_, _, _| async {}).await;
        let report = engine.place("").await;
        assert!(codes(&report).contains(&code), "{verbs}: {:?}", report.errors);
    }
}

#[tokio::test]
async fn a_copy_runs_beside_the_call_until_it_is_stopped() {
    let (engine, log) = engine_with(
        "<Start><Stream name=\"copy\" url=\"wss://HOST/ws\" track=\"both_tracks\" statusCallback=\"/stream\"/></Start><Say>good morning to you</Say>\
         <Stop><Stream name=\"copy\"/></Stop><Pause length=\"1\"/>",
        |mut ws, _, log| async move { while next(&mut ws, &log).await.is_some() {} },
    )
    .await;
    let report = engine.place("").await;
    assert_eq!(codes(&report), NONE);
    assert_eq!(engine.seen_at("/stream").len(), 2);
    let log = log.lock().expect("no panic");
    let tracks = |name: &str| log.iter().filter(|value| value["media"]["track"] == name).count();
    assert!(tracks("inbound") > 50);
    assert_eq!(tracks("inbound"), tracks("outbound"));
    assert_eq!(log.iter().filter(|value| value["event"] == "stop").count(), 1);
}

#[tokio::test]
async fn a_relay_speaks_text_and_hears_words() {
    let log: Log = Arc::default();
    let kept = log.clone();
    let engine = Engine::with_stream(
        |seen| match seen.path.as_str() {
            "/voice" => xml(&format!(
                "<Connect action=\"/after\"><ConversationRelay url=\"wss://{}/ws\" welcomeGreeting=\"hello\"/></Connect>",
                seen.headers["host"]
            )),
            "/after" => xml("<Hangup/>"),
            _ => empty(204),
        },
        move |mut ws| {
            let log = kept.clone();
            async move {
                while let Some(message) = next(&mut ws, &log).await {
                    if message["type"] == "prompt" {
                        say(&mut ws, json!({"type": "text", "token": "until then", "last": true})).await;
                        say(&mut ws, json!({"type": "end", "handoffData": "done"})).await;
                    }
                }
            }
        },
    )
    .await;
    engine.place("wait prompt; speak see you at five").await;
    assert_eq!(engine.seen_at("/after")[0].field("HandoffData"), "done");
    let log = log.lock().expect("no panic");
    assert_eq!(log[0]["type"], "setup");
    assert_eq!(log[1]["voicePrompt"], "see you at five");
}
