//! The WebSocket protocols: Deepgram's, Cartesia's and ElevenLabs', each against a server that keeps to it.

use super::server::{Peer, SocketServer};
use super::{KEY, LONG, Voice, assert_speaks, service, sound_of};
use engine::providers::speak::{Say, Spoken};
use engine::providers::{ErrorClass, Service};
use futures_util::{FutureExt, SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio_tungstenite::tungstenite::Message;

const KINDS: [&str; 3] = ["deepgram", "cartesia", "elevenlabs"];

/// What the server does with the words it is to speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mode {
    /// Speaks, in messages of this many bytes of sound.
    Speak(usize),
    /// The same, after a while and with a while between.
    Drip,
    /// ElevenLabs alone: does not say which characters a sound belongs to.
    Unaligned,
    Silence,
    Hour,
    /// Nothing comes.
    Stall,
    /// Nothing more comes after the first sound.
    StallWithin,
    /// Closes before any sound.
    Close,
    /// Closes after the first sound.
    CloseWithin,
    /// An error object, with this number.
    Error(u16),
    /// Holds the sound back until it is cancelled, and then sends it.
    Late,
}

/// What a client's message asks for.
enum Ask {
    Text(String),
    Flush(String),
    Finish(String),
    Cancel,
    Other,
}

fn understand(kind: &str, value: &Value) -> Vec<Ask> {
    let context = value["context_id"].as_str().unwrap_or_default().to_owned();
    let text = |name: &str| value[name].as_str().unwrap_or_default().to_owned();
    match kind {
        "deepgram" => vec![match value["type"].as_str() {
            Some("Speak") => Ask::Text(text("text")),
            Some("Flush") => Ask::Flush(context),
            Some("Clear") => Ask::Cancel,
            _ => Ask::Other,
        }],
        "cartesia" if value["cancel"] == true => vec![Ask::Cancel],
        "cartesia" if value["flush"] == true => vec![Ask::Flush(context)],
        "cartesia" if value["continue"] == false => vec![Ask::Finish(context)],
        "cartesia" => {
            assert_eq!(value["output_format"]["encoding"], "pcm_mulaw");
            vec![Ask::Text(text("transcript"))]
        }
        _ if value["close_context"] == true => vec![Ask::Finish(context)],
        _ if value["flush"] == true => vec![Ask::Text(text("text")), Ask::Flush(context)],
        _ => vec![Ask::Other],
    }
}

/// The server's side of one connection.
struct Fake {
    kind: &'static str,
    peer: Peer,
    flushes: u32,
    log: Arc<Mutex<Vec<Value>>>,
}

impl Fake {
    async fn send(&mut self, value: Value) {
        // A client that has left is part of the tests.
        let _left = self.peer.send(Message::text(value.to_string())).await;
    }

    async fn sound(&mut self, context: &str, ulaw: &[u8], characters: Option<&str>) {
        let data = base64_simd::STANDARD.encode_to_string(ulaw);
        match self.kind {
            "deepgram" => {
                let _left = self.peer.send(Message::binary(ulaw.to_vec())).await;
            }
            "cartesia" => {
                let flush = self.flushes + 1;
                self.send(json!({"type": "chunk", "context_id": context, "data": data, "flush_id": flush, "done": false, "status_code": 206})).await;
            }
            _ => {
                let alignment = characters.map(|characters| {
                    let chars: Vec<String> = characters.chars().map(String::from).collect();
                    let starts: Vec<usize> = (0..chars.len()).map(|n| n * 60).collect();
                    json!({"chars": chars, "charStartTimesMs": starts, "charDurationsMs": vec![60; chars.len()]})
                });
                // Some servers leave the padding away.
                let data = data.trim_end_matches('=');
                self.send(json!({"audio": data, "contextId": context, "isFinal": null, "alignment": alignment}))
                    .await;
            }
        }
    }

    async fn part_end(&mut self, context: &str) {
        self.flushes += 1;
        match self.kind {
            "deepgram" => self.send(json!({"type": "Flushed", "sequence_id": self.flushes})).await,
            "cartesia" => {
                self.send(json!({"type": "flush_done", "context_id": context, "flush_id": self.flushes, "flush_done": true, "done": false})).await;
            }
            _ => {}
        }
    }

    /// Speaks in pieces; with each piece the characters that end in it are told.
    async fn speak(&mut self, context: &str, text: &str, step: usize, pause: Duration, aligned: bool) {
        let text = text.trim();
        let ulaw = sound_of(text);
        let mut characters = text.chars();
        let mut told = 0;
        for (number, chunk) in ulaw.chunks(step).enumerate() {
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
            let until = (number * step + chunk.len()) / 480;
            let now: String = characters.by_ref().take(until - told).collect();
            told = until;
            self.sound(context, chunk, aligned.then_some(&now)).await;
        }
        self.part_end(context).await;
    }

    /// Whether the connection goes on.
    async fn act(&mut self, mode: Mode, context: &str, text: &str) -> bool {
        match mode {
            Mode::Speak(step) => self.speak(context, text, step, Duration::ZERO, true).await,
            Mode::Unaligned => self.speak(context, text, 2000, Duration::ZERO, false).await,
            Mode::Drip => self.speak(context, text, 960, Duration::from_millis(60), true).await,
            Mode::Silence => {
                self.sound(context, &[0xFF; 8000], Some(text.trim())).await;
                self.part_end(context).await;
            }
            Mode::Hour => {
                for _ in 0..70 {
                    self.sound(context, &sound_of("0123456789abcdefg"), None).await;
                }
            }
            Mode::Stall | Mode::Late => {}
            Mode::StallWithin => self.sound(context, &sound_of("x"), Some("x")).await,
            Mode::Close => return false,
            Mode::CloseWithin => {
                self.sound(context, &sound_of("x"), Some("x")).await;
                return false;
            }
            Mode::Error(status) => {
                let message = format!("no more for {KEY}");
                let error = match self.kind {
                    "deepgram" => json!({"type": "Error", "code": status.to_string(), "description": message}),
                    "cartesia" => {
                        json!({"type": "error", "context_id": context, "status_code": status, "message": message, "done": true})
                    }
                    _ if status == 429 => json!({"message": message, "error": "quota_exceeded", "code": 1008}),
                    _ => json!({"message": message, "error": "invalid_api_key", "code": 1008}),
                };
                self.send(error).await;
            }
        }
        true
    }

    async fn run(mut self, mode: impl Fn(usize) -> Mode) {
        let mut text = String::new();
        let mut said = 0;
        let mut cancelled = None;
        while let Some(Ok(message)) = self.peer.next().await {
            let Message::Text(message) = message else {
                continue;
            };
            let value: Value = serde_json::from_str(&message).expect("clients send JSON");
            self.log.lock().expect("no test panicked in it").push(value.clone());
            for ask in understand(self.kind, &value) {
                match ask {
                    Ask::Text(more) => text.push_str(&more),
                    Ask::Flush(context) => {
                        let words = std::mem::take(&mut text);
                        let mode = mode(said);
                        said += 1;
                        if mode == Mode::Late {
                            cancelled = Some((context.clone(), words.clone()));
                        }
                        if !self.act(mode, &context, &words).await {
                            let _closed = self.peer.close(None).await;
                            return;
                        }
                    }
                    Ask::Cancel | Ask::Finish(_) if cancelled.is_some() => {
                        let (context, words) = cancelled.take().expect("it was just looked at");
                        self.speak(&context, &words, 1000, Duration::ZERO, true).await;
                        if self.kind == "deepgram" {
                            self.send(json!({"type": "Cleared", "sequence_id": 0})).await;
                        }
                    }
                    Ask::Finish(context) if self.kind == "cartesia" => {
                        self.send(json!({"type": "done", "context_id": context, "done": true, "status_code": 200}))
                            .await;
                    }
                    Ask::Finish(context) if self.kind == "elevenlabs" => {
                        self.send(json!({"isFinal": true, "contextId": context})).await;
                    }
                    Ask::Cancel if self.kind == "deepgram" => {
                        self.send(json!({"type": "Cleared", "sequence_id": 0})).await
                    }
                    Ask::Cancel | Ask::Finish(_) | Ask::Other => {}
                }
            }
        }
    }
}

struct Server {
    socket: SocketServer,
    log: Arc<Mutex<Vec<Value>>>,
}

impl Server {
    /// `mode` by the number of the connection and that of the text on it.
    async fn start(kind: &'static str, mode: impl Fn(usize, usize) -> Mode + Send + Sync + 'static) -> Self {
        let log = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&log);
        let mode = Arc::new(mode);
        let socket = SocketServer::start(101, move |number, peer| {
            let (mode, log) = (Arc::clone(&mode), Arc::clone(&keep));
            let fake = Fake {
                kind,
                peer,
                flushes: 0,
                log,
            };
            async move { fake.run(|said| mode(number, said)).await }.boxed()
        })
        .await;
        Self { socket, log }
    }

    fn service(&self, kind: &str) -> Service {
        service(kind, self.socket.url.clone())
    }

    fn log(&self) -> Vec<Value> {
        self.log.lock().expect("no test panicked in it").clone()
    }
}

/// Two answers, the first in two pieces.
async fn converse(service: &Service) {
    let mut voice = Voice::of(service);
    for (piece, text) in [(0, "Good morning."), (1, "How can I help you?")] {
        voice.say(1, piece, text).await;
    }
    voice.order(Say::Finish { generation: 1 }).await;
    voice.say(2, 0, "Of course.").await;
    voice.say(2, 1, "…").await;
    voice.order(Say::Finish { generation: 2 }).await;
    let pieces = voice.pieces(4).await;
    let expected = [
        (1, 0, "Good morning."),
        (1, 1, "How can I help you?"),
        (2, 0, "Of course."),
        (2, 1, ""),
    ];
    for (piece, (generation, number, text)) in pieces.iter().zip(expected) {
        assert_eq!(
            (piece.generation, piece.piece, &piece.outcome),
            (generation, number, &Some(Ok(())))
        );
        if !text.is_empty() {
            assert_speaks(&piece.ulaw, text);
        }
    }
    assert_eq!(voice.end().await, Ok(()));
}

#[tokio::test]
async fn answers_are_spoken_however_the_sound_is_cut() {
    for kind in KINDS {
        for mode in [Mode::Speak(4000), Mode::Speak(161), Mode::Drip] {
            let server = Server::start(kind, move |_, _| mode).await;
            converse(&server.service(kind)).await;
            assert_eq!(server.socket.shakes().len(), 1, "{kind} {mode:?}");
        }
        let server = Server::start(kind, |_, _| Mode::Speak(1)).await;
        let (piece, end) = Voice::one(&server.service(kind), "Yes.").await;
        assert_eq!((piece.outcome, end), (Some(Ok(())), Ok(())), "{kind}");
        assert_speaks(&piece.ulaw, "Yes.");
    }
}

#[tokio::test]
async fn what_is_sent_is_what_the_services_expect() {
    let expected = [
        (
            "deepgram",
            "/v1/speak?model=voice-1&encoding=mulaw&sample_rate=8000",
            "authorization",
            format!("Token {KEY}"),
        ),
        ("cartesia", "/v1/tts/websocket", "x-api-key", KEY.to_owned()),
        (
            "elevenlabs",
            "/v1/text-to-speech/voice-1/multi-stream-input?model_id=eleven_flash_v2_5&output_format=ulaw_8000&inactivity_timeout=180&sync_alignment=true&language_code=en",
            "xi-api-key",
            KEY.to_owned(),
        ),
    ];
    for (kind, target, header, value) in expected {
        let server = Server::start(kind, |_, _| Mode::Speak(4000)).await;
        let mut service = server.service(kind);
        service.language = Some("en-US".to_owned());
        Voice::one(&service, "Hello.").await.1.unwrap();
        let shake = server.socket.shakes().remove(0);
        assert_eq!(shake.target, target);
        assert_eq!(
            shake.headers.get(header).map(|found| found.to_str().unwrap()),
            Some(value.as_str())
        );
        let log = server.log();
        assert!(!Value::from(log.clone()).to_string().contains(KEY), "{log:?}");
        match kind {
            "deepgram" => assert_eq!(
                log,
                [json!({"type": "Speak", "text": "Hello."}), json!({"type": "Flush"})]
            ),
            "cartesia" => {
                assert_eq!(shake.headers["cartesia-version"], "2026-03-01");
                let frame = json!({
                    "model_id": "sonic-3", "voice": {"mode": "id", "id": "voice-1"}, "language": "en", "context_id": "answer-1",
                    "output_format": {"container": "raw", "encoding": "pcm_mulaw", "sample_rate": 8000},
                    "transcript": "Hello. ", "continue": true,
                });
                assert_eq!(log[0], frame);
                assert_eq!((&log[1]["flush"], &log[1]["transcript"]), (&json!(true), &json!("")));
            }
            _ => {
                let id = "answer-1";
                assert_eq!(log[0], json!({"text": " ", "context_id": id}));
                assert_eq!(log[1], json!({"text": "Hello. ", "context_id": id, "flush": true}));
            }
        }
    }
}

#[tokio::test]
async fn every_failure_has_its_class_and_no_key() {
    use ErrorClass::*;
    // The class; whether the speaker ends with it; the connections that were made.
    let cases = [
        (Mode::Error(429), Quota, true, 1),
        (Mode::Error(401), Auth, true, 1),
        (Mode::Silence, Protocol, false, 1),
        (Mode::Hour, Protocol, false, 2),
        (Mode::Stall, Timeout, true, 1),
        (Mode::StallWithin, Timeout, true, 1),
        (Mode::Close, Transient, true, 2),
        (Mode::CloseWithin, Transient, true, 1),
    ];
    for kind in KINDS {
        for (mode, class, ends, connections) in cases {
            let server = Server::start(kind, move |_, _| mode).await;
            let mut service = server.service(kind);
            if class == Timeout {
                service.patience.first = Duration::from_millis(300);
                service.patience.gap = Duration::from_millis(300);
            }
            let mut voice = Voice::of(&service);
            voice.say(1, 0, "Good morning.").await;
            if kind == "elevenlabs" && mode == Mode::Silence {
                voice.order(Say::Finish { generation: 1 }).await;
            }
            let piece = voice.pieces(1).await.pop();
            let outcome = piece.and_then(|piece| piece.outcome);
            let error = match ends {
                true => {
                    assert_eq!(outcome, None, "{kind} {mode:?}");
                    voice.work.await.unwrap().expect_err("an end with an error")
                }
                false => outcome.expect("an outcome").expect_err("a failure"),
            };
            assert_eq!(error.class(), class, "{kind} {mode:?}: {error}");
            assert!(!format!("{error:?}").contains(KEY), "{error:?}");
            if connections == 2 {
                let both = async {
                    while server.socket.shakes().len() < 2 {
                        tokio::task::yield_now().await;
                    }
                };
                tokio::time::timeout(LONG, both).await.expect("another connection");
            }
            assert_eq!(server.socket.shakes().len(), connections, "{kind} {mode:?}");
        }
    }
}

#[tokio::test]
async fn a_refused_handshake_has_its_class() {
    for (status, class) in [
        (401, ErrorClass::Auth),
        (429, ErrorClass::Quota),
        (404, ErrorClass::BadRequest),
        (503, ErrorClass::Transient),
    ] {
        for kind in KINDS {
            let server = SocketServer::start(status, |_, _| async {}.boxed()).await;
            let voice = Voice::of(&service(kind, server.url.clone()));
            let error = tokio::time::timeout(LONG, voice.work)
                .await
                .unwrap()
                .unwrap()
                .expect_err("no connection");
            assert_eq!(error.class(), class, "{kind}: {error}");
            assert!(!format!("{error:?}").contains(KEY), "{error:?}");
        }
    }
}

#[tokio::test]
async fn what_was_cancelled_is_not_heard_even_when_it_comes_late() {
    for kind in KINDS {
        let server = Server::start(kind, |_, said| match said {
            0 => Mode::Late,
            _ => Mode::Speak(3000),
        })
        .await;
        let mut voice = Voice::of(&server.service(kind));
        voice.say(1, 0, "A long and boring old answer.").await;
        let sent = async {
            while server.log().len() < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, sent).await.expect("it was sent");
        voice.order(Say::Cancel { generation: 1 }).await;
        voice.say(1, 1, "Too late.").await;
        voice.say(2, 0, "New.").await;
        voice.order(Say::Finish { generation: 2 }).await;
        let pieces = voice.pieces(1).await;
        assert_eq!((pieces[0].generation, &pieces[0].outcome), (2, &Some(Ok(()))), "{kind}");
        assert_speaks(&pieces[0].ulaw, "New.");
        let log = Value::from(server.log()).to_string();
        let cancels = [r#"{"type":"Clear"}"#, r#""cancel":true"#, r#""close_context":true"#];
        assert!(
            cancels.iter().any(|cancel| log.contains(cancel)) && !log.contains("Too late"),
            "{kind}: {log}"
        );
    }
}

#[tokio::test]
async fn a_connection_that_dies_is_replaced_and_what_was_asked_is_asked_again() {
    for kind in KINDS {
        // Under a piece of which nothing came.
        let server = Server::start(kind, |connection, _| match connection {
            0 => Mode::Close,
            _ => Mode::Speak(3000),
        })
        .await;
        converse(&server.service(kind)).await;
        assert_eq!(server.socket.shakes().len(), 2, "{kind}");

        // While nothing was asked for.
        let socket = SocketServer::start(101, move |number, peer| {
            let fake = Fake {
                kind,
                peer,
                flushes: 0,
                log: Arc::default(),
            };
            async move {
                if number > 0 {
                    fake.run(|_| Mode::Speak(3000)).await;
                }
            }
            .boxed()
        })
        .await;
        let mut voice = Voice::of(&service(kind, socket.url.clone()));
        let replaced = async {
            while socket.shakes().len() < 2 {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(LONG, replaced).await.expect("another connection");
        voice.say(1, 0, "Still here.").await;
        voice.order(Say::Finish { generation: 1 }).await;
        assert_speaks(&voice.pieces(1).await[0].ulaw, "Still here.");
    }
}

#[tokio::test]
async fn elevenlabs_without_characters_and_with_pauses_between_pieces() {
    let server = Server::start("elevenlabs", |_, _| Mode::Unaligned).await;
    let mut voice = Voice::of(&server.service("elevenlabs"));
    voice.say(1, 0, "One.").await;
    voice.say(1, 1, "Two.").await;
    voice.order(Say::Finish { generation: 1 }).await;
    let pieces = voice.pieces(2).await;
    assert!(pieces.iter().all(|piece| piece.outcome == Some(Ok(()))), "{pieces:?}");
    assert_eq!(pieces[0].ulaw.len() + pieces[1].ulaw.len(), 8 * 480);

    // The model thinks for longer than the service may pause: a piece that was spoken is done all the same.
    let mut service = server.service("elevenlabs");
    service.patience.gap = Duration::from_millis(200);
    let mut voice = Voice::of(&service);
    voice.say(1, 0, "One.").await;
    assert_eq!(voice.pieces(1).await[0].outcome, Some(Ok(())));
    voice.say(1, 1, "Two.").await;
    assert_eq!(voice.pieces(1).await[0].outcome, Some(Ok(())));
}

#[tokio::test]
async fn elevenlabs_is_kept_open() {
    let server = Server::start("elevenlabs", |_, _| Mode::Speak(4000)).await;
    let mut service = server.service("elevenlabs");
    service.options.insert("inactivity_timeout".to_owned(), json!(1));
    let voice = Voice::of(&service);
    let kept = async {
        while !server.log().contains(&json!({"text": "", "context_id": "idle"})) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(LONG, kept).await.expect("a sign of life");
    assert_eq!(voice.end().await, Ok(()));
}

#[tokio::test]
async fn nobody_who_takes_the_sound_holds_nothing_up() {
    for kind in KINDS {
        let server = Server::start(kind, |_, _| Mode::Speak(4000)).await;
        let mut voice = Voice::of(&server.service(kind));
        let long = "A sentence that is rather long, all in all. ".repeat(12);
        voice.say(1, 0, &long).await;
        voice.say(1, 1, &long).await;
        assert!(matches!(voice.next().await, Some(Spoken::Sound { .. })));
        // Nothing more is taken, and a cancellation gets through all the same.
        voice.order(Say::Cancel { generation: 1 }).await;
        voice.say(2, 0, "New.").await;
        voice.order(Say::Finish { generation: 2 }).await;
        let mut heard = Vec::new();
        loop {
            match voice.next().await.expect("it goes on") {
                Spoken::Sound {
                    generation: 2, ulaw, ..
                } => heard.extend_from_slice(&ulaw),
                Spoken::Done { generation: 2, .. } => break,
                // The channel held a few when the cancellation came.
                other => assert!(heard.is_empty(), "{other:?}"),
            }
        }
        assert_speaks(&heard, "New.");
    }
}
