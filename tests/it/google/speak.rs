//! Voices over `text:synthesize`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use engine::providers::speak::{Say, Spoken, speaker};
use engine::providers::{ErrorClass, Patience, ProviderError, Service};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use crate::wire::{Answer, Seen, Wire};

const LONG: Duration = Duration::from_secs(20);

fn service(server: &Wire) -> Service {
    Service {
        name: "voice".to_owned(),
        kind: "google".to_owned(),
        base_url: Some(server.url("/v1/")),
        key: Some("AIza-test".into()),
        voice: Some("he-IL-Wavenet-A".to_owned()),
        options: json!({"speaking_rate": 1.1, "effects": ["telephony-class-application"]})
            .as_object()
            .cloned()
            .unwrap_or_default(),
        patience: Patience {
            first: LONG,
            ..Patience::default()
        },
        ..Service::default()
    }
}

struct Voice {
    orders: mpsc::Sender<Say>,
    spoken: mpsc::Receiver<Spoken>,
    running: JoinHandle<Result<(), ProviderError>>,
}

impl Voice {
    fn start(service: &Service) -> Self {
        let speaker = speaker(service).expect("settings that can be used");
        let (orders, taken) = mpsc::channel(64);
        let (given, spoken) = mpsc::channel(64);
        let running = tokio::spawn(speaker.speak(taken, given));
        Self {
            orders,
            spoken,
            running,
        }
    }

    async fn say(&self, generation: u32, piece: u32, text: &str) {
        let text: Arc<str> = text.into();
        let order = Say::Piece {
            generation,
            piece,
            text,
        };
        self.orders.send(order).await.expect("the speaker listens");
    }

    async fn next(&mut self) -> Spoken {
        let next = tokio::time::timeout(LONG, self.spoken.recv()).await;
        next.expect("in time").expect("the speaker speaks")
    }

    async fn end(self) -> Result<(), ProviderError> {
        let Voice {
            orders,
            running,
            spoken: _spoken,
        } = self;
        drop(orders);
        tokio::time::timeout(LONG, running)
            .await
            .expect("in time")
            .expect("no panic")
    }
}

fn text_of(seen: &Seen) -> String {
    let body: Value = serde_json::from_slice(&seen.body).expect("JSON");
    body["input"]["text"].as_str().expect("a text").to_owned()
}

/// The words' own bytes as mu-law, behind the header that the service writes.
fn sound_of(text: &str) -> Answer {
    let mut file = engine::audio::wav::header(8000, 1, Some(text.len())).to_vec();
    (file[20], file[32], file[34]) = (7, 1, 8);
    file.extend(text.as_bytes());
    Answer::json(
        200,
        &json!({"audioContent": base64_simd::STANDARD.encode_to_string(file)}).to_string(),
    )
}

fn sound(generation: u32, piece: u32, text: &str) -> Spoken {
    let ulaw = Bytes::copy_from_slice(text.as_bytes());
    Spoken::Sound {
        generation,
        piece,
        ulaw,
    }
}

#[tokio::test]
async fn pieces_are_asked_for_ahead_and_given_in_order() {
    let server = Wire::start(|seen| sound_of(&text_of(seen))).await;
    let mut voice = Voice::start(&service(&server));
    for (piece, text) in [(0, "one."), (1, "two."), (2, "…"), (3, "three.")] {
        voice.say(1, piece, text).await;
    }
    voice
        .orders
        .send(Say::Finish { generation: 1 })
        .await
        .expect("the speaker listens");
    for (piece, text) in [(0, "one."), (1, "two."), (2, ""), (3, "three.")] {
        if !text.is_empty() {
            assert_eq!(voice.next().await, sound(1, piece, text));
        }
        assert_eq!(voice.next().await, Spoken::Done { generation: 1, piece });
    }
    assert_eq!(voice.end().await, Ok(()));

    let requests = server.requests();
    assert_eq!(requests.len(), 3, "signs alone are not asked for");
    let body: Value = serde_json::from_slice(&requests[0].body).expect("JSON");
    assert_eq!(requests[0].target, "/v1/text:synthesize");
    assert_eq!(
        body["voice"],
        json!({"languageCode": "he-IL", "name": "he-IL-Wavenet-A"})
    );
    assert_eq!(
        body["audioConfig"],
        json!({"audioEncoding": "MULAW", "sampleRateHertz": 8000, "speakingRate": 1.1, "effectsProfileId": ["telephony-class-application"]})
    );
}

#[tokio::test]
async fn what_is_cancelled_is_not_given_and_the_next_answer_is() {
    let server = Wire::start(|seen| match text_of(seen).as_str() {
        "never" => Answer::Silence,
        text => sound_of(text),
    })
    .await;
    let mut voice = Voice::start(&service(&server));
    voice.say(1, 0, "never").await;
    voice.say(1, 1, "after it").await;
    voice.say(1, 2, "and that").await;
    voice
        .orders
        .send(Say::Cancel { generation: 1 })
        .await
        .expect("the speaker listens");
    voice.say(2, 0, "fresh").await;
    assert_eq!(voice.next().await, sound(2, 0, "fresh"));
    assert_eq!(
        voice.next().await,
        Spoken::Done {
            generation: 2,
            piece: 0
        }
    );
    assert!(
        !server.requests().iter().any(|seen| text_of(seen) == "and that"),
        "two at once at most"
    );
}

#[tokio::test]
async fn words_that_cannot_be_spoken_stop_nothing() {
    let server = Wire::start(|seen| match text_of(seen).as_str() {
        "bad" => Answer::json(400, r#"{"error":{"message":"bad words","status":"INVALID_ARGUMENT"}}"#),
        text => sound_of(text),
    })
    .await;
    let mut voice = Voice::start(&service(&server));
    voice.say(1, 0, "bad").await;
    voice.say(1, 1, "good").await;
    let Spoken::Failed { piece: 0, error, .. } = voice.next().await else {
        panic!("not failed")
    };
    assert_eq!(error.class(), ErrorClass::BadRequest);
    assert_eq!(voice.next().await, sound(1, 1, "good"));
}

#[tokio::test]
async fn a_request_that_the_network_failed_is_sent_once_more() {
    let server = Wire::answering([Answer::Reset, sound_of("again")]).await;
    let mut voice = Voice::start(&service(&server));
    voice.say(1, 0, "again").await;
    assert_eq!(voice.next().await, sound(1, 0, "again"));
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn every_failure_has_its_class_and_what_was_complete_is_given() {
    use ErrorClass::*;
    let cases = [
        (Answer::json(401, ""), Auth),
        (Answer::json(429, ""), Quota),
        (Answer::json(503, ""), Transient),
        (Answer::json(200, "{}"), Protocol),
        (Answer::json(200, r#"{"audioContent":"***"}"#), Protocol),
        (Answer::json(200, r#"{"audioContent":""}"#), Protocol),
        (Answer::Reset, Transient),
        (Answer::Silence, Timeout),
    ];
    for (answer, class) in cases {
        let scripted = answer.clone();
        let server = Wire::start(move |seen| match text_of(seen).as_str() {
            "first" => sound_of("first"),
            _ => scripted.clone(),
        })
        .await;
        let mut service = service(&server);
        if matches!(answer, Answer::Silence) {
            service.patience.first = Duration::from_millis(300);
        }
        let mut voice = Voice::start(&service);
        voice.say(1, 0, "first").await;
        voice.say(1, 1, "second").await;
        assert_eq!(voice.next().await, sound(1, 0, "first"));
        assert_eq!(
            voice.next().await,
            Spoken::Done {
                generation: 1,
                piece: 0
            }
        );
        let ended = tokio::time::timeout(LONG, voice.running)
            .await
            .expect("in time")
            .expect("no panic");
        assert_eq!(ended.expect_err("a failure").class(), class, "{answer:?}");
    }
}
