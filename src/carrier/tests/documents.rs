//! Documents and webhooks: what the carrier asks, how it signs, and which answers it takes.

use super::*;

use base64_simd::STANDARD;
use hmac::{Hmac, KeyInit, Mac};

/// The signature as the documentation words it, written down a second time.
fn expected(url: &str, form: &[(String, String)]) -> String {
    let mut pairs = form.to_vec();
    pairs.sort();
    pairs.dedup();
    let text: String = pairs
        .iter()
        .flat_map(|(name, value)| [name.as_str(), value.as_str()])
        .collect();
    let mut mac = Hmac::<sha1::Sha1>::new_from_slice(b"0123456789abcdef0123456789abcdef").expect("a key");
    mac.update(format!("{url}{text}").as_bytes());
    STANDARD.encode_to_string(mac.finalize().into_bytes())
}

#[tokio::test]
async fn a_call_is_told_to_the_engine_from_ringing_to_its_end() {
    let engine = Engine::start(|seen| match seen.path.as_str() {
        "/voice" => xml("<Say>good morning to you</Say><Pause length=\"1\"/>"),
        _ => empty(204),
    })
    .await;
    let report = engine.place("").await;
    assert_eq!(report.outcome, Outcome::EngineHungUp);
    assert_eq!(codes(&report), NONE);
    let voice = engine.seen_at("/voice");
    assert_eq!(voice.len(), 1);
    assert_eq!(voice[0].field("CallStatus"), "ringing");
    assert_eq!(voice[0].field("CallSid"), report.call_sid);
    assert_eq!(voice[0].field("Caller"), "+972501234567");
    assert_eq!(voice[0].headers["user-agent"], "TwilioProxy/1.1");
    assert_eq!(
        voice[0].headers["content-type"],
        "application/x-www-form-urlencoded; charset=UTF-8"
    );
    assert_eq!(voice[0].headers["i-twilio-idempotency-token"].len(), 36);
    for seen in engine.seen() {
        let url = format!("{}{}", engine.url, seen.uri);
        assert_eq!(
            seen.headers["x-twilio-signature"],
            expected(&url, &seen.form),
            "{}",
            seen.path
        );
    }
    let statuses: Vec<(String, String)> = engine
        .seen_at("/status")
        .iter()
        .map(|seen| {
            (
                seen.field("CallStatus").to_owned(),
                seen.field("SequenceNumber").to_owned(),
            )
        })
        .collect();
    let told = [
        ("initiated", "0"),
        ("ringing", "1"),
        ("in-progress", "2"),
        ("completed", "3"),
    ];
    assert_eq!(
        statuses,
        told.map(|(status, number)| (status.to_owned(), number.to_owned()))
    );
    let last = engine.seen_at("/status").pop().expect("four of them");
    assert_eq!(last.field("CallbackSource"), "call-progress-events");
    assert_eq!(last.field("Duration"), "1");
    let seconds: u64 = last.field("CallDuration").parse().expect("a number");
    assert!((3..10).contains(&seconds), "{seconds}");
    let silence = report.longest_silence.length();
    assert!(silence >= Duration::from_millis(960), "{silence:?}");
    assert_eq!(report.ear.sounds().len(), 1);
}

#[tokio::test]
async fn an_unusable_answer_has_its_code_and_the_callers_hears_the_announcement() {
    type Make = fn() -> Reply;
    let cases: [(Make, u32); 7] = [
        (|| empty(500), 11200),
        (|| empty(404), 11200),
        (|| empty(200), 11200),
        (|| typed(200, "application/json", "{}"), 12300),
        (|| typed(200, "text/xml", "<Response><Say>"), 12100),
        (|| typed(200, "text/html", "<html/>"), 12102),
        (|| typed(200, "text/xml", vec![b' '; 65_537]), 11750),
    ];
    for (make, code) in cases {
        let engine = Engine::start(move |seen| if seen.path == "/voice" { make() } else { empty(204) }).await;
        let report = engine.place("").await;
        assert_eq!(codes(&report), [code]);
        assert_eq!(report.outcome, Outcome::ApplicationError);
        assert_eq!(report.ear.sounds().len(), 1);
    }
}

#[tokio::test]
async fn other_types_are_played_and_spoken() {
    for (kind, body) in [("audio/wav", wav(1.0)), ("text/plain", b"good morning".to_vec())] {
        let engine = Engine::start(move |seen| {
            if seen.path == "/voice" {
                typed(200, kind, body.clone())
            } else {
                empty(204)
            }
        })
        .await;
        let report = engine.place("").await;
        assert_eq!(report.outcome, Outcome::EngineHungUp, "{kind}");
        assert_eq!(codes(&report), NONE);
        assert_eq!(report.ear.sounds().len(), 1);
    }
}

#[tokio::test]
async fn the_fallback_is_asked_with_what_went_wrong() {
    let engine = Engine::start(|seen| match seen.path.as_str() {
        "/voice" => empty(503),
        "/fallback" => xml("<Say>one moment</Say>"),
        _ => empty(204),
    })
    .await;
    let net = carrier(&[]).await;
    let fallback = Some(format!("{}/fallback", engine.url));
    let report = place(
        CallSpec {
            fallback_url: fallback,
            ..engine.call("")
        },
        &net,
    )
    .await
    .expect("a call");
    assert_eq!(report.outcome, Outcome::EngineHungUp);
    assert_eq!(codes(&report), [11200]);
    let asked = engine.seen_at("/fallback");
    assert_eq!(asked[0].field("ErrorCode"), "11200");
    assert_eq!(asked[0].field("ErrorUrl"), format!("{}/voice", engine.url));
}

#[tokio::test]
async fn a_refused_connection_is_tried_twice() {
    let gone = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
        listener.local_addr().expect("bound")
    };
    let net = carrier(&[]).await;
    let spec = CallSpec {
        pace: 5.0,
        ..CallSpec::new(format!("http://{gone}/voice"))
    };
    let report = place(spec, &net).await.expect("a call");
    assert_eq!(codes(&report), [11202]);
    assert!(
        report.requests[0].took >= Duration::from_millis(250),
        "one retry after its pause"
    );
    assert!(matches!(
        place(CallSpec::new("voice"), &net).await,
        Err(PlaceError::BadUrl(_))
    ));
}

#[tokio::test]
async fn retries_follow_the_fragment_with_one_token() {
    let count = Arc::new(std::sync::atomic::AtomicU32::new(0));
    let tries = count.clone();
    let engine = Engine::start(move |seen| match seen.path.as_str() {
        "/voice" if tries.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2 => empty(502),
        "/voice" => xml("<Hangup/>"),
        _ => empty(204),
    })
    .await;
    let net = carrier(&[]).await;
    let voice_url = format!("{}/voice#rc=2&rp=5xx", engine.url);
    let report = place(
        CallSpec {
            voice_url,
            ..engine.call("")
        },
        &net,
    )
    .await
    .expect("a call");
    assert_eq!(codes(&report), NONE);
    let seen = engine.seen_at("/voice");
    assert_eq!(seen.len(), 3);
    let tokens: std::collections::HashSet<_> = seen
        .iter()
        .map(|seen| &seen.headers["i-twilio-idempotency-token"])
        .collect();
    assert_eq!(tokens.len(), 1);
    assert_eq!(
        seen[0].headers["x-twilio-signature"],
        expected(&format!("{}/voice", engine.url), &seen[0].form)
    );
}

#[tokio::test]
async fn redirects_lose_the_form_and_cookies_stay() {
    let engine = Engine::start(|seen| match seen.path.as_str() {
        "/voice" => Reply {
            status: 302,
            headers: vec![
                ("location", "/moved?x=1".to_owned()),
                ("set-cookie", "seat=4; Path=/".to_owned()),
            ],
            body: Vec::new(),
        },
        "/moved" => xml("<Redirect>again</Redirect>"),
        "/again" => Reply {
            status: 307,
            headers: vec![("location", "/end".to_owned())],
            body: Vec::new(),
        },
        "/loop" => Reply {
            status: 302,
            headers: vec![("location", "/loop".to_owned())],
            body: Vec::new(),
        },
        "/end" => xml("<Redirect>/loop</Redirect>"),
        _ => empty(204),
    })
    .await;
    let report = engine.place("").await;
    let moved = &engine.seen_at("/moved")[0];
    assert_eq!((moved.method.as_str(), moved.form.len()), ("GET", 0));
    assert_eq!(moved.headers["cookie"], "seat=4");
    let end = &engine.seen_at("/end")[0];
    assert_eq!(end.method, "POST");
    assert_eq!(end.field("CallSid"), report.call_sid);
    assert_eq!(engine.seen_at("/loop").len(), 11);
    assert_eq!(codes(&report), [11215]);
}

#[tokio::test]
async fn get_webhooks_carry_everything_in_the_query() {
    let engine = Engine::start(|seen| {
        if seen.path == "/voice" {
            xml("<Hangup/>")
        } else {
            empty(204)
        }
    })
    .await;
    let net = carrier(&[]).await;
    let spec = CallSpec {
        voice_method: Method::Get,
        ..engine.call("")
    };
    place(spec, &net).await.expect("a call");
    let seen = &engine.seen_at("/voice")[0];
    assert_eq!(seen.method, "GET");
    assert!(seen.uri.contains("From=%2B972501234567"), "{}", seen.uri);
    assert_eq!(
        seen.headers["x-twilio-signature"],
        expected(&format!("{}{}", engine.url, seen.uri), &[])
    );
}

#[tokio::test]
async fn a_front_stands_for_the_public_address() {
    let engine = Engine::start(|seen| {
        if seen.path == "/voice" {
            xml("<Redirect>/next</Redirect>")
        } else {
            xml("")
        }
    })
    .await;
    let net = carrier(&[]).await;
    let spec = CallSpec {
        voice_url: "https://voice.example.com/voice".to_owned(),
        fronts: vec![Front::new("https://voice.example.com", &engine.url).expect("addresses")],
        ..engine.call("")
    };
    let report = place(spec, &net).await.expect("a call");
    assert_eq!(codes(&report), NONE);
    let seen = &engine.seen_at("/next")[0];
    assert_eq!(seen.headers["host"], "voice.example.com");
    assert_eq!(seen.headers["x-forwarded-proto"], "https");
    assert_eq!(
        seen.headers["x-twilio-signature"],
        expected("https://voice.example.com/next", &seen.form)
    );
}
