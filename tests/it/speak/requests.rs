//! The protocols that answer one request a piece: OpenAI's and Azure's.

use super::server::{HttpServer, Reply, Step};
use super::{KEY, LONG, Voice, assert_speaks, service, sound_of, tone};
use engine::audio::wav::write_mono;
use engine::providers::speak::{Say, Spoken, speaker};
use engine::providers::{ErrorClass, Service};
use serde_json::{Value, json};
use std::time::Duration;

const WORDS: &str = "Good morning.";

/// The sound of the words as the kind's server sends it.
fn wire_sound(kind: &str, text: &str) -> Vec<u8> {
    match kind {
        "openai" => tone(24_000, text.chars().count() * 60)
            .iter()
            .flat_map(|sample| sample.to_le_bytes())
            .collect(),
        _ => sound_of(text),
    }
}

/// The sound in steps of this many bytes.
fn steps(sound: &[u8], step: usize) -> Vec<Step> {
    sound.chunks(step).map(|chunk| Step::Send(chunk.to_vec())).collect()
}

#[tokio::test]
async fn any_cut_of_the_body_is_the_same_sound() {
    for kind in ["openai", "azure"] {
        let sound = wire_sound(kind, WORDS);
        let drip = sound
            .chunks(sound.len() / 5 + 1)
            .flat_map(|chunk| [Step::Send(chunk.to_vec()), Step::Wait(Duration::from_millis(30))]);
        let mut odd = wire_sound(kind, WORDS);
        odd.push(0);
        let scripts = [
            steps(&sound, 1 << 20),
            steps(&sound, 1),
            steps(&sound, 4097),
            drip.collect(),
            steps(&odd, 999),
            [vec![Step::Wait(Duration::from_millis(150))], steps(&sound, 3000)].concat(),
            steps(&write_mono(16_000, &tone(16_000, WORDS.len() * 60)), 1000),
        ];
        for (number, script) in scripts.into_iter().enumerate() {
            let server = HttpServer::start([Reply::sound(script)]).await;
            let (piece, end) = Voice::one(&service(kind, server.url.clone()), WORDS).await;
            assert_eq!((piece.outcome, end), (Some(Ok(())), Ok(())), "{kind} {number}");
            assert_speaks(&piece.ulaw, WORDS);
        }
    }
}

#[tokio::test]
async fn the_request_is_what_the_service_expects_and_the_key_is_in_its_header() {
    let server = HttpServer::start([Reply::sound(steps(&wire_sound("openai", "x & <y>"), 5000))]).await;
    let mut openai = service("openai", format!("{}/v1", server.url));
    openai.options.insert("instructions".to_owned(), json!("calm"));
    openai.headers = vec![("x-gateway".to_owned(), "g1".to_owned())];
    Voice::one(&openai, "x & <y>").await.1.unwrap();
    let asked = &server.asked()[0];
    assert!(
        asked.head.starts_with("POST /v1/audio/speech HTTP/1.1"),
        "{}",
        asked.head
    );
    assert!(asked.head.contains(&format!("authorization: Bearer {KEY}")) && asked.head.contains("x-gateway: g1"));
    let body: Value = serde_json::from_str(&asked.body).unwrap();
    let expected = json!({"model": "gpt-4o-mini-tts", "voice": "voice-1", "input": "x & <y>", "response_format": "pcm", "instructions": "calm"});
    assert_eq!(body, expected);

    let server = HttpServer::start([Reply::sound(steps(&sound_of("x & <y>"), 5000))]).await;
    let mut azure = service("azure", server.url.clone());
    azure.language = Some("he-IL".to_owned());
    Voice::one(&azure, "x & <y>").await.1.unwrap();
    let asked = &server.asked()[0];
    assert!(
        asked.head.starts_with("POST /cognitiveservices/v1 HTTP/1.1"),
        "{}",
        asked.head
    );
    let head = asked.head.to_lowercase();
    for header in [
        &format!("ocp-apim-subscription-key: {KEY}"),
        "x-microsoft-outputformat: raw-8khz-8bit-mono-mulaw",
        "content-type: application/ssml+xml",
    ] {
        assert!(head.contains(header), "{head}");
    }
    assert!(
        asked.body.contains("xml:lang=\"he-IL\"")
            && asked.body.contains("<voice name=\"voice-1\">x &amp; &lt;y&gt;</voice>")
    );
}

#[tokio::test]
async fn every_failure_has_its_class_and_no_key() {
    use ErrorClass::*;
    let leak = format!("{{\"error\":{{\"message\":\"bad key {KEY}\"}}}}");
    let silence = |kind: &str| match kind {
        "openai" => vec![0; 48_000],
        _ => vec![0xFF; 8000],
    };
    // Per character and in addition to a minute, nobody speaks longer than 200 ms.
    let hour = |kind: &str| match kind {
        "openai" => wire_sound(kind, &"x".repeat(1100)),
        _ => sound_of(&"x".repeat(1100)),
    };
    for kind in ["openai", "azure"] {
        let half = wire_sound(kind, WORDS)[..4000].to_vec();
        let cases = [
            (Reply::error(401, &leak), Auth, 1),
            (Reply::error(429, &leak), Quota, 1),
            (Reply::error(400, &leak), BadRequest, 1),
            (Reply::error(503, &leak), Transient, 2),
            (Reply::error(200, &leak), Protocol, 1),
            (Reply::sound(vec![Step::Send(leak.clone().into_bytes())]), Protocol, 1),
            (Reply::sound(vec![]), Protocol, 1),
            (Reply::sound(vec![Step::Send(silence(kind))]), Protocol, 1),
            (Reply::sound(vec![Step::Send(hour(kind))]), Protocol, 1),
            (Reply::sound(vec![Step::Cut]), Transient, 2),
            (Reply::sound(vec![Step::Send(half.clone()), Step::Cut]), Transient, 1),
            (Reply::sound(vec![Step::Stall]), Timeout, 1),
            (Reply::sound(vec![Step::Send(half), Step::Stall]), Timeout, 1),
        ];
        for (number, (reply, class, requests)) in cases.into_iter().enumerate() {
            let stalls = matches!(reply.steps.last(), Some(Step::Stall));
            let server = HttpServer::start([reply]).await;
            let mut service = service(kind, server.url.clone());
            if stalls {
                service.patience.first = Duration::from_millis(400);
                service.patience.gap = Duration::from_millis(400);
            }
            let (piece, end) = Voice::one(&service, WORDS).await;
            assert_eq!(end, Ok(()), "the speaker is still good for other pieces");
            let error = piece.outcome.expect("an outcome").expect_err("a failure");
            assert_eq!(error.class(), class, "{kind} {number}: {error}");
            assert!(!format!("{error:?}").contains(KEY), "{error:?}");
            assert_eq!(server.asked().len(), requests, "{kind} {number}: {error}");
        }
    }
}

#[tokio::test]
async fn a_service_that_fails_once_before_the_first_byte_is_asked_again() {
    let sound = Reply::sound(steps(&wire_sound("openai", WORDS), 5000));
    let server = HttpServer::start([Reply::error(500, ""), sound]).await;
    let (piece, _) = Voice::one(&service("openai", server.url.clone()), WORDS).await;
    assert_eq!(piece.outcome, Some(Ok(())));
    assert_speaks(&piece.ulaw, WORDS);
}

#[tokio::test]
async fn pieces_leave_in_order_and_the_next_is_asked_for_ahead() {
    let texts = ["The first.", "…", "The second one.", "A third."];
    // The first piece waits within its sound until the second was asked for.
    let first = wire_sound("azure", texts[0]);
    let (front, back) = first.split_at(1000);
    let slow = vec![
        Step::Send(front.to_vec()),
        Step::Wait(Duration::from_millis(300)),
        Step::Send(back.to_vec()),
    ];
    let replies = [
        Reply::sound(slow),
        Reply::sound(steps(&sound_of(texts[2]), 800)),
        Reply::sound(steps(&sound_of(texts[3]), 800)),
    ];
    let server = HttpServer::start(replies).await;
    let mut voice = Voice::of(&service("azure", server.url.clone()));
    for (number, text) in (0..).zip(texts) {
        voice.say(1, number, text).await;
    }
    let pieces = voice.pieces(4).await;
    for (number, (piece, text)) in (0..).zip(pieces.iter().zip(texts)) {
        assert_eq!(
            (piece.generation, piece.piece, &piece.outcome),
            (1, number, &Some(Ok(())))
        );
        match text {
            "…" => assert!(piece.ulaw.is_empty()),
            text => assert_speaks(&piece.ulaw, text),
        }
    }
    assert_eq!(server.asked().len(), 3, "what cannot be spoken is not asked for");
    voice.end().await.unwrap();
}

#[tokio::test]
async fn cancel_drops_requests_at_once_and_what_comes_later_is_heard_alone() {
    let stalled = Reply::sound(vec![Step::Send(sound_of("begun")), Step::Stall]);
    let server = HttpServer::start([stalled.clone(), stalled, Reply::sound(steps(&sound_of("new"), 100))]).await;
    let mut voice = Voice::of(&service("azure", server.url.clone()));
    for piece in 0..3 {
        voice.say(4, piece, "old words").await;
    }
    assert!(matches!(
        voice.next().await,
        Some(Spoken::Sound {
            generation: 4,
            piece: 0,
            ..
        })
    ));
    while server.asked().len() < 2 {
        tokio::task::yield_now().await;
    }
    voice.order(Say::Cancel { generation: 4 }).await;
    tokio::time::timeout(LONG, server.left(2))
        .await
        .expect("both requests were dropped");
    voice.say(4, 3, "late").await;
    voice.say(5, 0, "new").await;
    let pieces = voice.pieces(1).await;
    assert_eq!((pieces[0].generation, &pieces[0].outcome), (5, &Some(Ok(()))));
    assert_speaks(&pieces[0].ulaw, "new");
    assert_eq!(server.asked().len(), 3);
}

#[tokio::test]
async fn long_texts_are_cut_to_what_the_service_takes() {
    let text = "Eight words make a sentence of this size. ".repeat(160);
    let server = HttpServer::start([Reply::sound(steps(&wire_sound("openai", WORDS), 1 << 20))]).await;
    let (piece, _) = Voice::one(&service("openai", server.url.clone()), &text).await;
    assert_eq!(piece.outcome, Some(Ok(())));
    let inputs: Vec<String> = server
        .asked()
        .iter()
        .map(|asked| {
            serde_json::from_str::<Value>(&asked.body).unwrap()["input"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    assert_eq!(inputs.len(), 2);
    assert!(
        inputs
            .iter()
            .all(|input| input.chars().count() <= 4096 && input.ends_with('.')),
        "{inputs:?}"
    );
    assert_eq!(inputs.join(" "), text.trim());
}

#[test]
fn settings_that_cannot_work_are_refused_when_made() {
    let refused = |change: fn(&mut Service), kind: &str| {
        let mut service = service(kind, "http://127.0.0.1:1".to_owned());
        change(&mut service);
        speaker(&service).err().map(|error| error.class())
    };
    let no_voice: fn(&mut Service) = |service| service.voice = None;
    for kind in ["azure", "cartesia", "elevenlabs"] {
        assert_eq!(refused(no_voice, kind), Some(ErrorClass::BadRequest), "{kind}");
    }
    let nothing: fn(&mut Service) = |service| (service.base_url, service.key) = (None, None);
    for kind in ["openai", "cartesia", "elevenlabs", "deepgram"] {
        assert_eq!(refused(nothing, kind), Some(ErrorClass::Auth), "{kind}");
        assert_eq!(refused(|service| service.key = None, kind), None, "{kind}");
        assert_eq!(
            refused(|service| service.base_url = Some("ftp://x".to_owned()), kind),
            Some(ErrorClass::BadRequest)
        );
    }
    assert_eq!(refused(nothing, "azure"), Some(ErrorClass::BadRequest));
    assert_eq!(refused(|_| (), "parrot"), Some(ErrorClass::BadRequest));
    assert_eq!(refused(|_| (), "command"), Some(ErrorClass::BadRequest));
}
