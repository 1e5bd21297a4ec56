//! Whole recordings over `speech:recognize`.

use std::sync::Arc;
use std::time::Duration;

use engine::audio::wav;
use engine::providers::ErrorClass;
use engine::providers::transcribe::{Audio, GoogleConfig, Transcriber, TranscriberConfig, Transcript, transcriber};
use serde_json::Value;

use crate::wire::{Answer, Seen, Wire};

fn recording(samples: &[i16]) -> Audio {
    Audio {
        bytes: wav::write_mono(8000, samples).into(),
        mime: "audio/wav".to_owned(),
    }
}

fn google(server: &Wire, timeout: Duration) -> Arc<dyn Transcriber> {
    transcriber(TranscriberConfig::Google(GoogleConfig {
        base_url: server.url("/v1"),
        key: Some("AIza-test".into()),
        phrases: vec!["נדל\"ן".to_owned()],
        timeout,
        ..GoogleConfig::default()
    }))
}

const LONG: Duration = Duration::from_secs(60);

fn body(seen: &Seen) -> Value {
    serde_json::from_slice(&seen.body).expect("JSON")
}

fn sound(seen: &Seen) -> Vec<i16> {
    let body = body(seen);
    let content = body["audio"]["content"].as_str().expect("sound");
    let bytes = base64_simd::STANDARD.decode_to_vec(content).expect("base64");
    bytes
        .as_chunks::<2>()
        .0
        .iter()
        .map(|&word| i16::from_le_bytes(word))
        .collect()
}

#[tokio::test]
async fn a_long_recording_goes_in_parts_and_comes_back_in_order() {
    // Each second has its own level, so that the service can say which seconds it heard; seconds 50 and 100 are silent.
    let mut samples: Vec<i16> = (0..120 * 8000).map(|n| (n / 8000 * 100 + 2000) as i16).collect();
    for second in [50, 100] {
        samples[second * 8000..(second + 1) * 8000].fill(0);
    }
    let server = Wire::start(|seen| {
        let part = sound(seen);
        let second = |sample: i16| (sample - 2000) / 100;
        let (first, last) = (part[8000], part[part.len() - 8000]);
        let (from, to) = (second(first), second(last));
        Answer::json(
            200,
            &format!(r#"{{"results":[{{"alternatives":[{{"transcript":"from {from}"}}]}},{{"alternatives":[{{"transcript":" to {to} "}}]}}]}}"#),
        )
    })
    .await;
    let result = google(&server, LONG).transcribe(recording(&samples), Some("he")).await;
    assert_eq!(
        result,
        Ok(Transcript {
            text: "from 1 to 49 from 51 to 99 from 101 to 119".to_owned(),
            seconds: Some(120.0)
        })
    );
    let mut requests = server.requests();
    requests.sort_by_key(|seen| sound(seen)[8000]);
    let config = &body(&requests[0])["config"];
    assert_eq!(
        (
            &config["encoding"],
            &config["sampleRateHertz"],
            &config["languageCode"],
            &config["model"]
        ),
        (&"LINEAR16".into(), &8000.into(), &"iw-IL".into(), &"telephony".into())
    );
    assert_eq!(config["speechContexts"][0]["phrases"][0], "נדל\"ן");
    let heard: Vec<i16> = requests.iter().flat_map(sound).collect();
    assert!(heard == samples, "every sample is sent once");
}

#[tokio::test]
async fn silence_is_an_empty_text() {
    for answer in [
        "{}",
        r#"{"results":[{}]}"#,
        r#"{"results":[{"alternatives":[{}]}],"totalBilledTime":"1s"}"#,
    ] {
        let server = Wire::answering([Answer::json(200, answer)]).await;
        let result = google(&server, LONG).transcribe(recording(&[0; 800]), None).await;
        assert_eq!(result.map(|result| result.text), Ok(String::new()));
    }
    let server = Wire::answering([Answer::json(500, "")]).await;
    let result = google(&server, LONG).transcribe(recording(&[]), None).await;
    assert_eq!(
        result.map(|result| result.text),
        Ok(String::new()),
        "an empty file is not even sent"
    );
}

#[tokio::test]
async fn a_language_without_the_telephone_model_gets_the_services_choice() {
    let refusal = r#"{"error":{"code":400,"message":"Invalid recognition 'config': The requested model is currently not supported for language : iw-IL.","status":"INVALID_ARGUMENT"}}"#;
    let fine = r#"{"results":[{"alternatives":[{"transcript":"שלום"}]}]}"#;
    let server = Wire::start(move |seen| match body(seen)["config"].get("model") {
        Some(_) => Answer::json(400, refusal),
        None => Answer::json(200, fine),
    })
    .await;
    let google = google(&server, LONG);
    for _ in 0..2 {
        let result = google.transcribe(recording(&[0; 800]), Some("he-IL")).await;
        assert_eq!(result.map(|result| result.text), Ok("שלום".to_owned()));
    }
    assert_eq!(server.requests().len(), 3, "it is remembered");
}

#[tokio::test]
async fn every_failure_has_its_class() {
    use ErrorClass::*;
    let invalid = r#"{"error":{"code":400,"message":"API key not valid. Please pass a valid API key.","status":"INVALID_ARGUMENT","details":[{"@type":"type.googleapis.com/google.rpc.ErrorInfo","reason":"API_KEY_INVALID"}]}}"#;
    let exhausted = r#"{"error":{"code":403,"message":"limit","status":"RESOURCE_EXHAUSTED"}}"#;
    let cases = [
        (Answer::json(400, invalid), Auth),
        (Answer::json(400, r#"{"error":{"message":"bad encoding"}}"#), BadRequest),
        (Answer::json(401, ""), Auth),
        (Answer::json(403, exhausted), Quota),
        (Answer::json(429, ""), Quota),
        (Answer::json(503, "oops"), Transient),
        (Answer::json(200, "<html>"), Protocol),
        (Answer::Reset, Transient),
        (Answer::Silence, Timeout),
    ];
    for (answer, class) in cases {
        let server = Wire::answering([answer.clone()]).await;
        let limit = if matches!(answer, Answer::Silence) {
            Duration::from_millis(300)
        } else {
            LONG
        };
        let failed = google(&server, limit)
            .transcribe(recording(&[0; 800]), None)
            .await
            .expect_err("a failure");
        assert_eq!(failed.class(), class, "{answer:?}: {failed}");
        assert_eq!(server.requests().len(), 1);
    }
    let server = Wire::answering([Answer::json(200, "{}")]).await;
    let junk = Audio {
        bytes: (&b"<html>"[..]).into(),
        mime: "audio/wav".to_owned(),
    };
    let failed = google(&server, LONG)
        .transcribe(junk, None)
        .await
        .expect_err("no recording");
    assert_eq!(failed.class(), BadRequest);
}
