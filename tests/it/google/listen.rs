//! Streaming recognition over real HTTP/2.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::providers::listen::{Frame, Hear, Heard, listener};
use engine::providers::{ErrorClass, Patience, ProviderError, Service};
use serde_json::json;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::account;
use super::service::{Script, Speech};
use crate::wire::{Answer, Wire};

pub(super) const LONG: Duration = Duration::from_secs(20);
const SILENCE: u8 = 0xFF;

fn service(speech: &Speech) -> Service {
    Service {
        name: "ears".to_owned(),
        kind: "google".to_owned(),
        base_url: Some(speech.url()),
        key: Some("AIza-test".into()),
        language: Some("he-IL".to_owned()),
        options: json!({"phrases": ["Herzl"], "flush_wait_ms": 15_000})
            .as_object()
            .cloned()
            .unwrap_or_default(),
        headers: vec![("X-Gateway".to_owned(), "west".to_owned())],
        patience: Patience {
            first: LONG,
            ..Patience::default()
        },
        ..Service::default()
    }
}

struct Ears {
    orders: mpsc::Sender<Hear>,
    heard: mpsc::Receiver<Heard>,
    running: JoinHandle<Result<(), ProviderError>>,
    sent: Vec<u8>,
}

impl Ears {
    fn start(service: &Service) -> Self {
        let listener = listener(service).expect("settings that can be used");
        let (orders, taken) = mpsc::channel(64);
        let (given, heard) = mpsc::channel(64);
        let running = tokio::spawn(listener.listen(taken, given));
        Self {
            orders,
            heard,
            running,
            sent: Vec::new(),
        }
    }

    async fn order(&self, order: Hear) {
        self.orders.send(order).await.expect("the listener listens");
    }

    async fn sound(&mut self, byte: u8, millis: usize) {
        for _ in 0..millis / 20 {
            let frame = [byte; 160];
            self.sent.extend(frame);
            self.order(Hear::Sound(Frame::new(&frame))).await;
        }
    }

    /// An utterance: silence, words of 300 ms, 200 ms of silence, and the question for its words.
    async fn utter(&mut self, number: u32, words: &[u8]) {
        self.sound(SILENCE, 400).await;
        self.order(Hear::Begin {
            utterance: number,
            before: 200,
        })
        .await;
        for &word in words {
            self.sound(word, 300).await;
            self.sound(SILENCE, 100).await;
        }
        self.sound(SILENCE, 100).await;
        self.order(Hear::Flush {
            utterance: number,
            flush: number,
        })
        .await;
    }

    async fn next(&mut self) -> Heard {
        let next = tokio::time::timeout(LONG, self.heard.recv()).await;
        next.expect("in time").expect("the listener tells")
    }

    /// The answer to a flush, and all words that were told before it.
    async fn flushed(&mut self, number: u32) -> (String, Vec<String>) {
        let mut before = Vec::new();
        loop {
            if let Heard::Words { utterance, text, flush } = self.next().await {
                assert_eq!(utterance, Some(number));
                match flush {
                    Some(flush) => {
                        assert_eq!(flush, number);
                        return (text, before);
                    }
                    None => before.push(text),
                }
            }
        }
    }

    async fn ended(self) -> Result<(), ProviderError> {
        let Ears {
            running,
            orders: _open,
            heard: _taken,
            ..
        } = self;
        tokio::time::timeout(LONG, running)
            .await
            .expect("in time")
            .expect("no panic")
    }
}

#[tokio::test]
async fn two_utterances_are_heard_on_streams_of_their_own() {
    let speech = Speech::start(|_, _| Script::Hear).await;
    let mut ears = Ears::start(&service(&speech));
    assert_eq!(ears.next().await, Heard::Ready);
    for (number, words, expected) in [(1, &[1, 2][..], "w1 w2"), (2, &[3], "w3")] {
        ears.utter(number, words).await;
        let (text, before) = ears.flushed(number).await;
        assert_eq!(text, expected);
        assert!(
            before.iter().all(|before| expected.starts_with(before.as_str())),
            "{before:?}"
        );
        ears.order(Hear::End { utterance: number }).await;
    }

    let sent = ears.sent.clone();
    drop(ears.orders);
    assert_eq!(ears.running.await.expect("no panic"), Ok(()));
    let streams = speech
        .until(|streams| streams.last().is_some_and(|last| last.cancelled || last.finished))
        .await;
    assert_eq!(speech.connections(), 1);
    assert_eq!(
        streams.len(),
        3,
        "one for each utterance, and the next one open already"
    );
    let heard: Vec<u8> = streams.iter().flat_map(|stream| stream.sound.clone()).collect();
    assert!(heard == sent, "each byte once: {} of {}", heard.len(), sent.len());

    let first = &streams[0];
    assert_eq!(first.path, "/google.cloud.speech.v1.Speech/StreamingRecognize");
    for (name, value) in [
        ("x-goog-api-key", "AIza-test"),
        ("x-gateway", "west"),
        ("content-type", "application/grpc"),
        ("te", "trailers"),
    ] {
        assert_eq!(
            first.headers.get(name).and_then(|value| value.to_str().ok()),
            Some(value)
        );
    }
    let config = first.config.config.clone().expect("a configuration");
    assert_eq!((config.encoding, config.rate), (3, 8000));
    assert_eq!(
        (config.language.as_str(), config.model.as_str()),
        ("iw-IL", "telephony")
    );
    assert_eq!(config.contexts[0].phrases, ["Herzl"]);
    assert!(first.config.interim_results && first.config.voice_activity_events && !first.config.single_utterance);
    assert!(config.punctuation);
}

#[tokio::test]
async fn nothing_said_is_an_empty_answer() {
    let speech = Speech::start(|_, _| Script::Hear).await;
    let mut ears = Ears::start(&service(&speech));
    assert_eq!(ears.next().await, Heard::Ready);
    ears.utter(1, &[]).await;
    assert_eq!(ears.flushed(1).await, (String::new(), Vec::new()));
}

#[tokio::test]
async fn a_broken_stream_or_connection_loses_no_word() {
    for script in [
        Script::ResetAfter(4800),
        Script::CutAfter(4800),
        Script::ErrorInside(11, "too old"),
    ] {
        let first = script.clone();
        let speech = Speech::start(move |number, _| if number == 0 { first.clone() } else { Script::Hear }).await;
        let mut ears = Ears::start(&service(&speech));
        assert_eq!(ears.next().await, Heard::Ready);
        ears.utter(1, &[1, 2, 3]).await;
        assert_eq!(ears.flushed(1).await.0, "w1 w2 w3", "{script:?}");
        assert!(speech.streams().len() >= 2);
    }
}

#[tokio::test]
async fn every_refusal_has_its_class() {
    use ErrorClass::*;
    let cases = [
        (Script::Refuse(16, "Request had invalid credentials"), Auth),
        (Script::Refuse(7, "Cloud Speech API has not been used"), Auth),
        (
            Script::Refuse(3, "API key not valid. Please pass a valid API key."),
            Auth,
        ),
        (Script::Refuse(3, "bad sample rate"), BadRequest),
        (Script::Refuse(8, "Quota exceeded"), Quota),
        (Script::ErrorInside(8, "Quota exceeded"), Quota),
        (Script::Refuse(14, "try again"), Transient),
        (Script::Garbage, Protocol),
        (Script::Page(404), BadRequest),
        (Script::Page(401), Auth),
        (Script::Page(503), Transient),
    ];
    for (script, class) in cases {
        let answer = script.clone();
        let speech = Speech::start(move |_, _| answer.clone()).await;
        let ears = Ears::start(&service(&speech));
        let failed = ears.ended().await.expect_err("a refusal");
        assert_eq!(failed.class(), class, "{script:?}: {failed}");
        let tries = if matches!(class, Transient | Protocol) { 3 } else { 1 };
        assert_eq!(speech.streams().len(), tries, "{script:?}");
    }
}

#[tokio::test]
async fn a_service_that_says_nothing_is_no_caller_who_says_nothing() {
    let speech = Speech::start(|_, _| Script::Stall).await;
    let mut service = service(&speech);
    let limit = Duration::from_millis(300);
    service.patience.first = limit;
    let mut ears = Ears::start(&service);
    assert_eq!(ears.next().await, Heard::Ready);
    ears.utter(1, &[1]).await;
    assert_eq!(ears.ended().await, Err(ProviderError::Timeout { limit }));
}

#[tokio::test]
async fn a_language_without_the_telephone_model_gets_the_services_choice() {
    let refusal = "Invalid recognition 'config': The requested model is currently not supported for language : iw-IL.";
    let first = refused_by_model(refusal).await;
    let mut ears = Ears::start(&service(&first));
    assert_eq!(ears.next().await, Heard::Ready);
    ears.utter(1, &[1]).await;
    assert_eq!(ears.flushed(1).await.0, "w1");

    // Where it was asked for by name, nothing else will do.
    let speech = Speech::start(move |_, _| Script::Refuse(3, refusal)).await;
    let mut named = service(&speech);
    named.model = Some("phone_call".to_owned());
    let failed = Ears::start(&named).ended().await.expect_err("a refusal");
    assert_eq!(failed.class(), ErrorClass::BadRequest);
}

/// Refuses every stream that names a model, whenever it was opened.
async fn refused_by_model(refusal: &'static str) -> Speech {
    Speech::start(move |_, _| Script::WithoutModel(refusal)).await
}

#[tokio::test]
async fn an_old_stream_is_replaced_while_nobody_speaks() {
    let speech = Speech::start(|_, _| Script::Hear).await;
    let mut service = service(&speech);
    service.options.insert("stream_seconds".to_owned(), json!(1));
    let mut ears = Ears::start(&service);
    assert_eq!(ears.next().await, Heard::Ready);
    ears.sound(SILENCE, 200).await;
    let streams = speech.until(|streams| streams.len() >= 2 && streams[0].cancelled).await;
    assert!(!streams[0].finished, "nothing in it is worth an answer");
    ears.utter(1, &[1]).await;
    assert_eq!(ears.flushed(1).await.0, "w1");
}

#[tokio::test]
async fn a_refused_token_is_replaced_and_the_sound_heard_again() {
    let count = Arc::new(AtomicUsize::new(0));
    let tokens = Wire::start(move |_| {
        let number = count.fetch_add(1, Ordering::SeqCst);
        Answer::json(
            200,
            &format!(r#"{{"access_token":"token-{number}","expires_in":3600}}"#),
        )
    })
    .await;
    let speech = Speech::start(
        |_, headers| match headers.get("authorization").map(|value| value.as_bytes()) {
            Some(b"Bearer token-1") => Script::Hear,
            _ => Script::Refuse(16, "expired"),
        },
    )
    .await;
    let mut service = service(&speech);
    service.key = Some(account(&tokens.url("/token")).into());
    let mut ears = Ears::start(&service);
    assert_eq!(ears.next().await, Heard::Ready);
    ears.utter(1, &[1]).await;
    assert_eq!(ears.flushed(1).await.0, "w1");
    assert_eq!(tokens.requests().len(), 2);
}

#[tokio::test]
async fn who_cannot_be_reached_or_signed_in_is_found_at_once() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = free.local_addr().expect("an address");
    drop(free);
    let nobody = Service {
        kind: "google".to_owned(),
        base_url: Some(format!("http://{address}")),
        ..Service::default()
    };
    let failed = Ears::start(&nobody).ended().await.expect_err("nobody is there");
    assert_eq!(failed.class(), ErrorClass::Transient);

    let tokens = Wire::answering([Answer::json(400, r#"{"error":"invalid_grant"}"#)]).await;
    let speech = Speech::start(|_, _| Script::Hear).await;
    let mut service = service(&speech);
    service.key = Some(account(&tokens.url("/token")).into());
    let failed = Ears::start(&service).ended().await.expect_err("no token");
    assert_eq!(failed.class(), ErrorClass::Auth);
    assert!(speech.streams().is_empty());

    service.base_url = Some("ftp://speech.example".to_owned());
    assert!(matches!(listener(&service), Err(ProviderError::BadRequest { .. })));
}

#[tokio::test]
async fn it_ends_where_nobody_takes_what_it_hears() {
    let speech = Speech::start(|_, _| Script::Hear).await;
    let mut ears = Ears::start(&service(&speech));
    assert_eq!(ears.next().await, Heard::Ready);
    ears.heard.close();
    ears.utter(1, &[1]).await;
    assert_eq!(ears.ended().await, Ok(()));
    speech
        .until(|streams| streams.iter().all(|stream| stream.finished || stream.cancelled))
        .await;
}
