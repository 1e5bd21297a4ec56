//! The verbs, one call each.

use super::*;

/// An engine that answers `/voice` with these verbs, serves a sound, and says goodbye everywhere else.
async fn engine(verbs: &'static str) -> Engine {
    Engine::start(move |seen| match seen.path.as_str() {
        "/voice" => xml(verbs),
        "/sound.wav" => typed(200, "audio/x-wav", wav(2.0)),
        "/page" => typed(200, "text/html", "a page"),
        "/noise.mp3" => typed(200, "audio/mpeg", "no sound at all"),
        "/status" => empty(204),
        "/wait" => xml("<Play>/sound.wav</Play>"),
        "/leave" => xml("<Pause length=\"1\"/><Leave/>"),
        path if path.starts_with("/missing") => empty(404),
        _ => xml("<Say>goodbye</Say>"),
    })
    .await
}

#[tokio::test]
async fn play_is_heard_at_its_length_and_as_often_as_it_says() {
    let engine = engine("<Play loop=\"2\">/sound.wav</Play><Play digits=\"12w3\"/>").await;
    let report = engine.place("").await;
    assert_eq!(codes(&report), NONE);
    let heard: Duration = report.ear.sounds().iter().map(Span::length).sum();
    assert!((4400..5000).contains(&heard.as_millis()), "{heard:?}");
}

#[tokio::test]
async fn what_cannot_be_played_is_noted_and_skipped() {
    for (verbs, code) in [
        ("<Play>/missing.wav</Play><Say>on we go</Say>", 11200),
        ("<Play>/page</Play><Say>on we go</Say>", 12300),
        ("<Play>/noise.mp3</Play><Say>on we go</Say>", 13420),
        ("<Say> </Say><Say>on we go</Say>", 13520),
    ] {
        let engine = engine(verbs).await;
        let report = engine.place("").await;
        assert!(codes(&report).contains(&code), "{verbs}: {:?}", report.errors);
        assert_eq!(report.outcome, Outcome::EngineHungUp);
        assert_eq!(report.ear.sounds().len(), 1, "{verbs}");
    }
}

#[tokio::test]
async fn a_key_stops_the_prompt_and_goes_to_the_action() {
    let engine = engine("<Gather action=\"/menu\" numDigits=\"2\"><Play loop=\"0\">/sound.wav</Play></Gather>").await;
    let report = engine.place("wait 3s; keys 42").await;
    let menu = &engine.seen_at("/menu")[0];
    assert_eq!((menu.field("Digits"), menu.field("msg")), ("42", "Gather End"));
    assert_eq!(menu.field("CallStatus"), "in-progress");
    assert_eq!(report.outcome, Outcome::EngineHungUp);
}

#[tokio::test]
async fn gather_ends_on_its_finish_key_its_timeout_and_on_nothing() {
    let verbs = "<Gather action=\"/menu\" timeout=\"2\"/><Say>nothing</Say>";
    for (caller, digits, key) in [
        ("wait verb Gather; keys 123#9", "123", "#"),
        ("wait verb Gather; keys 7", "7", ""),
    ] {
        let engine = engine(verbs).await;
        engine.place(caller).await;
        let menu = &engine.seen_at("/menu")[0];
        assert_eq!((menu.field("Digits"), menu.field("FinishedOnKey")), (digits, key));
    }
    let quiet = engine(verbs).await;
    let report = quiet.place("").await;
    assert_eq!(quiet.seen_at("/menu").len(), 0);
    assert!(told(&report, "<Say> ended: done"));
    let asked = engine("<Gather action=\"/menu\" timeout=\"1\" actionOnEmptyResult=\"true\"/>").await;
    asked.place("").await;
    assert_eq!(asked.seen_at("/menu")[0].field("Digits"), "");
}

#[tokio::test]
async fn speech_is_what_the_script_says() {
    let engine = engine(
        "<Gather input=\"dtmf speech\" action=\"/menu\" speechTimeout=\"auto\"><Say>what can I do for you?</Say></Gather>",
    )
    .await;
    engine.place("wait prompt; speak a table for two").await;
    assert_eq!(engine.seen_at("/menu")[0].field("SpeechResult"), "a table for two");
}

#[tokio::test]
async fn a_recording_can_be_fetched_with_the_accounts_name_only() {
    let engine = engine(
        "<Record action=\"/recorded\" timeout=\"2\" recordingStatusCallback=\"/kept\" \
         recordingStatusCallbackEvent=\"completed absent\"/><Say>nothing</Say>",
    )
    .await;
    let net = carrier(&[]).await;
    let report = place(engine.call("wait verb Record; wait 1s; speak 3s"), &net)
        .await
        .expect("a call");
    let recorded = &engine.seen_at("/recorded")[0];
    assert_eq!(recorded.field("RecordingDuration"), "3");
    assert_eq!(engine.seen_at("/kept")[0].field("RecordingStatus"), "completed");
    let url = format!("{}.wav", recorded.field("RecordingUrl"));
    let client = reqwest::Client::new();
    let refused = client.get(&url).send().await.expect("an answer");
    assert_eq!(refused.status(), 401);
    let answer = client
        .get(&url)
        .basic_auth(&net.account_sid, Some(&net.auth_token))
        .send()
        .await
        .expect("an answer");
    assert_eq!(answer.headers()["content-type"], "audio/x-wav");
    let sound = crate::audio::wav::read(&answer.bytes().await.expect("a body")).expect("a WAV file");
    assert_eq!((sound.rate, sound.channels), (8000, 1));
    assert!(
        (22_000..=25_000).contains(&sound.samples.len()),
        "{}",
        sound.samples.len()
    );
    assert_eq!(report.recordings.len(), 1);
}

#[tokio::test]
async fn nothing_recorded_falls_through_and_a_hang_up_is_told() {
    let verbs = "<Record action=\"/recorded\" timeout=\"2\"/><Say>nothing</Say>";
    let quiet = engine(verbs).await;
    let report = quiet.place("").await;
    assert_eq!(quiet.seen_at("/recorded").len(), 0);
    assert_eq!(codes(&report), [16102]);
    assert!(told(&report, "<Say> ended: done"));
    let gone = engine(verbs).await;
    let report = gone.place("wait 2s; speak 2s; hangup").await;
    assert_eq!(report.outcome, Outcome::CallerHungUp);
    let recorded = &gone.seen_at("/recorded")[0];
    assert_eq!(
        (recorded.field("Digits"), recorded.field("CallStatus")),
        ("hangup", "completed")
    );
    let keyed = engine(verbs).await;
    keyed.place("wait 2s; speak 2s; keys #").await;
    assert_eq!(keyed.seen_at("/recorded")[0].field("Digits"), "#");
}

#[tokio::test]
async fn dial_ends_as_scripted() {
    let answered = DialOutcome::Answered {
        after: Duration::from_secs(2),
        talk: Duration::from_secs(3),
    };
    for (outcome, status, duration) in [
        (answered, "completed", "3"),
        (DialOutcome::Busy, "busy", ""),
        (DialOutcome::NoAnswer, "no-answer", ""),
        (DialOutcome::Failed, "failed", ""),
    ] {
        let engine = engine(
            "<Dial action=\"/dialled\" timeout=\"5\"><Number statusCallback=\"/leg\" \
             statusCallbackEvent=\"initiated completed\">+97231112222</Number></Dial>",
        )
        .await;
        let net = carrier(&[]).await;
        let report = place(
            CallSpec {
                dials: vec![outcome],
                ..engine.call("")
            },
            &net,
        )
        .await
        .expect("a call");
        let dialled = &engine.seen_at("/dialled")[0];
        assert_eq!(
            (dialled.field("DialCallStatus"), dialled.field("DialCallDuration")),
            (status, duration)
        );
        let legs = engine.seen_at("/leg");
        assert_eq!(legs.len(), 2);
        assert_eq!(legs[1].field("ParentCallSid"), report.call_sid);
        assert_eq!(legs[1].field("CallStatus"), status);
    }
}

#[tokio::test]
async fn a_queue_plays_its_waiting_document_until_somebody_comes() {
    let taken = engine("<Enqueue waitUrl=\"/wait\" action=\"/queued\">sales</Enqueue>").await;
    let net = carrier(&[]).await;
    let spec = CallSpec {
        dequeued_after: Duration::from_secs(5),
        ..taken.call("")
    };
    place(spec, &net).await.expect("a call");
    assert_eq!(taken.seen_at("/queued")[0].field("QueueResult"), "bridged");
    assert_eq!(taken.seen_at("/wait").len(), 3);
    assert_eq!(taken.seen_at("/wait")[0].field("QueuePosition"), "1");
    let left = engine("<Enqueue waitUrl=\"/leave\">sales</Enqueue><Say>so long</Say>").await;
    let report = left.place("").await;
    assert!(told(&report, "<Say> ended: done"));
}

#[tokio::test]
async fn reject_never_answers() {
    for (verbs, status) in [("<Reject/>", "no-answer"), ("<Reject reason=\"busy\"/>", "busy")] {
        let engine = engine(verbs).await;
        let report = engine.place("").await;
        assert_eq!(report.outcome, Outcome::Refused(status));
        let last = engine.seen_at("/status").pop().expect("status callbacks");
        assert_eq!((last.field("CallStatus"), last.field("Duration")), (status, "0"));
        assert_eq!(engine.seen_at("/status").len(), 3);
    }
}

#[tokio::test]
async fn refer_needs_sip_and_pay_ends_as_scripted() {
    let verbs = "<Refer action=\"/referred\"><Sip>sip:a@h.example</Sip></Refer><Pay action=\"/paid\"/>";
    let phone = engine(verbs).await;
    let net = carrier(&[]).await;
    let spec = CallSpec {
        pay: PayOutcome::ConnectorError,
        ..phone.call("")
    };
    let report = place(spec, &net).await.expect("a call");
    assert!(codes(&report).contains(&13801));
    assert_eq!(phone.seen_at("/paid")[0].field("Result"), "payment-connector-error");
    let sip = engine(verbs).await;
    place(
        CallSpec {
            sip: true,
            ..sip.call("")
        },
        &net,
    )
    .await
    .expect("a call");
    assert_eq!(sip.seen_at("/referred")[0].field("ReferCallStatus"), "completed");
}

#[tokio::test]
async fn echo_returns_the_callers_voice_until_the_longest_time() {
    let engine = engine("<Echo/>").await;
    let net = carrier(&[]).await;
    let spec = CallSpec {
        max_length: Duration::from_secs(4),
        ..engine.call("wait 1s; speak 1s")
    };
    let report = place(spec, &net).await.expect("a call");
    assert_eq!(report.outcome, Outcome::TooLong);
    assert_eq!(report.ear.sounds().len(), 1);
}

#[tokio::test]
async fn a_leading_pause_rings_on() {
    let engine = engine("<Pause length=\"3\"/><Say>hello</Say>").await;
    let report = engine.place("").await;
    assert!(report.longest_silence.length() < Duration::from_secs(1));
    assert_eq!(engine.seen_at("/status").len(), 4);
}
