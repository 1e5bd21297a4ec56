//! The REST side: calls, messages and their errors, and the faults of the API.

use super::*;

use serde_json::Value;

async fn ask(net: &Carrier, path: &str, form: Option<&[(&str, &str)]>) -> (u16, Value) {
    let url = format!("{}/2010-04-01/Accounts/{}/{path}", net.rest_url, net.account_sid);
    let client = reqwest::Client::new();
    let request = match form {
        Some(form) => client.post(url).form(form),
        None => client.get(url),
    };
    let answer = request
        .basic_auth(&net.account_sid, Some(&net.auth_token))
        .send()
        .await
        .expect("an answer");
    (answer.status().as_u16(), answer.json().await.expect("JSON"))
}

const ROOM: (&str, &str) = ("From", "whatsapp:+97231234567");
const DANA: (&str, &str) = ("To", "whatsapp:+972501234567");

#[tokio::test]
async fn what_the_carrier_refuses_at_once() {
    let net = carrier(&[]).await;
    let long = "x".repeat(1601);
    let template = ("ContentSid", "HX0123456789abcdef0123456789abcdef");
    let cases: Vec<(Vec<(&str, &str)>, u64)> = vec![
        (vec![ROOM, ("Body", "hi")], 21604),
        (vec![DANA, ("Body", "hi")], 21603),
        (vec![DANA, ("From", "+97231234567"), ("Body", "hi")], 21910),
        (vec![DANA, ("From", DANA.1), ("Body", "hi")], 63031),
        (vec![DANA, ROOM], 21602),
        (vec![DANA, ROOM, ("Body", &long)], 21617),
        (vec![DANA, ROOM, ("ContentVariables", "{}")], 21654),
        (vec![DANA, ROOM, ("ContentSid", "HX1")], 21655),
        (vec![DANA, ROOM, template, ("ContentVariables", "[]")], 21656),
        (vec![DANA, ROOM, ("MediaUrl", "a.png")], 21620),
    ];
    for (form, code) in cases {
        let (status, body) = ask(&net, "Messages.json", Some(&form)).await;
        assert_eq!((status, &body["code"]), (400, &Value::from(code)), "{form:?}");
        assert_eq!(body["status"], 400);
    }
    assert_eq!(net.messages().len(), 0);
}

/// The engine's status callbacks for one message, once `count` have come.
async fn statuses(engine: &Engine, sid: &str, count: usize) -> Vec<(String, String)> {
    loop {
        let seen: Vec<(String, String)> = engine
            .seen_at("/sent")
            .iter()
            .filter(|seen| seen.field("MessageSid") == sid)
            .map(|seen| {
                (
                    seen.field("MessageStatus").to_owned(),
                    seen.field("ErrorCode").to_owned(),
                )
            })
            .collect();
        if seen.len() >= count {
            return seen;
        }
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn free_text_fails_outside_of_the_window_and_templates_do_not() {
    let engine = Engine::start(|_| empty(204)).await;
    let net = carrier(&[]).await;
    let callback = format!("{}/sent", engine.url);
    let callback = ("StatusCallback", callback.as_str());
    let sid = |body: &Value| body["sid"].as_str().expect("a sid").to_owned();
    let (status, body) = ask(&net, "Messages.json", Some(&[DANA, ROOM, ("Body", "hello"), callback])).await;
    assert_eq!((status, &body["status"]), (201, &Value::from("queued")));
    assert_eq!(
        statuses(&engine, &sid(&body), 1).await,
        [("failed".to_owned(), "63016".to_owned())]
    );
    let template = [
        DANA,
        ROOM,
        ("ContentSid", "HX0123456789abcdef0123456789abcdef"),
        ("ContentVariables", "{\"1\":\"Dana\"}"),
        callback,
    ];
    let (_, body) = ask(&net, "Messages.json", Some(&template)).await;
    let delivered = [
        ("sent".to_owned(), String::new()),
        ("delivered".to_owned(), String::new()),
    ];
    assert_eq!(statuses(&engine, &sid(&body), 2).await, delivered);
    let url = format!("{}/inbound", engine.url);
    assert_eq!(
        net.write_message(&url, DANA.1, ROOM.1, "are you open?").await,
        Ok((204, String::new()))
    );
    assert_eq!(engine.seen_at("/inbound")[0].field("Body"), "are you open?");
    let (_, body) = ask(&net, "Messages.json", Some(&[DANA, ROOM, ("Body", "yes"), callback])).await;
    assert_eq!(statuses(&engine, &sid(&body), 2).await, delivered);
    let (_, read) = ask(&net, &format!("Messages/{}.json", sid(&body)), None).await;
    assert_eq!(read["status"], "delivered");
}

#[tokio::test]
async fn messages_are_listed_by_page_and_filter() {
    let net = carrier(&[]).await;
    for (to, body) in [("+15550001", "a"), ("+15550002", "b"), ("+15550001", "c")] {
        ask(
            &net,
            "Messages.json",
            Some(&[("To", to), ("From", "+15550009"), ("Body", body)]),
        )
        .await;
    }
    let (_, page) = ask(&net, "Messages.json?To=%2B15550001&PageSize=1", None).await;
    assert_eq!(page["messages"][0]["body"], "c");
    assert_eq!(page["previous_page_uri"], Value::Null);
    let next = page["next_page_uri"].as_str().expect("a second page").to_owned();
    let path = next
        .split_once(&format!("{}/", net.account_sid))
        .expect("a path")
        .1
        .to_owned();
    let (_, page) = ask(&net, &path, None).await;
    assert_eq!(page["messages"][0]["body"], "a");
    assert_eq!(page["next_page_uri"], Value::Null);
    for (filter, count) in [
        ("DateSent%3E=2000-01-01", 3),
        ("DateSent=2000-01-01", 0),
        ("DateSent%3C=2000-01-01", 0),
    ] {
        let (_, page) = ask(&net, &format!("Messages.json?{filter}"), None).await;
        assert_eq!(page["messages"].as_array().map(Vec::len), Some(count), "{filter}");
    }
    assert_eq!(ask(&net, "Messages.json?PageSize=1001", None).await.1["code"], 20007);
}

#[tokio::test]
async fn calls_that_are_over_or_unknown() {
    let engine = Engine::start(|_| xml("<Hangup/>")).await;
    let net = carrier(&[]).await;
    let report = place(engine.call(""), &net).await.expect("a call");
    let path = format!("Calls/{}.json", report.call_sid);
    let (status, body) = ask(&net, &path, Some(&[("Twiml", "<Response/>")])).await;
    assert_eq!((status, &body["code"]), (400, &Value::from(21220)));
    let (_, body) = ask(&net, &path, None).await;
    assert_eq!(
        (&body["status"], &body["direction"]),
        (&Value::from("completed"), &Value::from("inbound"))
    );
    assert_eq!(ask(&net, "Calls/CA0.json", None).await.1["code"], 20404);
    let long = "x".repeat(4001);
    assert_eq!(ask(&net, &path, Some(&[("Twiml", &long)])).await.1["code"], 32018);
    let stranger = reqwest::Client::new().get(format!("{}/2010-04-01/Accounts/AC0/Calls.json", net.rest_url));
    let answer = stranger.send().await.expect("an answer");
    assert_eq!(answer.status(), 401);
    assert_eq!(answer.headers()["www-authenticate"], "Basic realm=\"Twilio API\"");
}

#[tokio::test]
async fn a_live_call_can_be_sent_elsewhere_and_ended() {
    let engine = Engine::start(|seen| match seen.path.as_str() {
        "/voice" => xml("<Play loop=\"0\">/sound.wav</Play>"),
        "/sound.wav" => typed(200, "audio/wav", wav(1.0)),
        "/next" => xml("<Pause length=\"60\"/>"),
        _ => empty(204),
    })
    .await;
    let net = Arc::new(carrier(&[]).await);
    let (sender, mut events) = tokio::sync::mpsc::unbounded_channel();
    let (line, spec) = (
        net.clone(),
        CallSpec {
            events: Some(sender),
            ..engine.call("")
        },
    );
    let call = tokio::spawn(async move { place(spec, &line).await.expect("a call") });
    let next = format!("{}/next", engine.url);
    let mut sent = 0;
    while let Some(event) = events.recv().await {
        let order = match &event.what {
            Happening::VerbStarted(name) if name == "Play" => ("Url", next.as_str()),
            Happening::VerbStarted(name) if name == "Pause" => ("Status", "completed"),
            _ => continue,
        };
        let (status, _) = ask(&net, &format!("Calls/{}.json", event.call), Some(&[order])).await;
        assert_eq!(status, 200);
        sent += 1;
    }
    assert_eq!(sent, 2);
    let report = call.await.expect("no panic");
    assert_eq!(report.outcome, Outcome::EndedByRest);
    assert_eq!(engine.seen_at("/next")[0].field("CallStatus"), "in-progress");
}

#[tokio::test]
async fn the_api_fails_as_told() {
    for (fault, status, code) in [
        (Fault::FailRest, 500, 20500),
        (Fault::Rest401, 401, 20003),
        (Fault::Rest404, 404, 20404),
        (Fault::Rest429, 429, 20429),
    ] {
        let net = carrier(&[fault]).await;
        let (given, body) = ask(&net, "Messages.json", Some(&[DANA, ROOM, ("Body", "hello")])).await;
        assert_eq!((given, &body["code"]), (status, &Value::from(code)), "{fault}");
        assert_eq!(net.messages().len(), 0);
    }
    let net = carrier(&[Fault::ResetRest]).await;
    let url = format!("{}/2010-04-01/Accounts/{}/Messages.json", net.rest_url, net.account_sid);
    let request = reqwest::Client::new()
        .post(url)
        .basic_auth(&net.account_sid, Some(&net.auth_token));
    assert!(request.form(&[DANA, ROOM, ("Body", "hello")]).send().await.is_err());
    assert_eq!(net.messages().len(), 1, "the request was carried out all the same");
    let net = carrier(&[Fault::SlowRest(Duration::from_millis(200))]).await;
    let began = std::time::Instant::now();
    ask(&net, "Messages.json", None).await;
    assert!(began.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn a_recording_may_never_come() {
    let engine = Engine::start(|seen| match seen.path.as_str() {
        "/voice" => xml("<Record timeout=\"1\" action=\"/recorded\" recordingStatusCallback=\"/kept\"/>"),
        "/recorded" => xml("<Hangup/>"),
        _ => empty(204),
    })
    .await;
    let net = carrier(&[Fault::NoRecording]).await;
    place(engine.call("wait 1s; speak 1s"), &net).await.expect("a call");
    let sid = engine.seen_at("/recorded")[0].field("RecordingSid").to_owned();
    assert_eq!(ask(&net, &format!("Recordings/{sid}.wav"), None).await.0, 404);
    assert_eq!(
        ask(&net, &format!("Recordings/{sid}.json"), None).await.1["status"],
        "processing"
    );
    assert_eq!(engine.seen_at("/kept").len(), 0);
}
