//! Speech-to-speech models: OpenAI's Realtime protocol against a service that the test plays.

pub mod server;

use engine::providers::listen::Frame;
use engine::providers::realtime::{Setup, ToModel, duplex};
use engine::providers::think::Tool;
use engine::providers::{ErrorClass, Patience, ProviderError, Service};
use engine::talk::{ActionCall, LiveOrder, LiveSignal, Usage};
use serde_json::{Value, json};
use server::{Peer, Server};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// What no test takes unless it hangs.
const LONG: Duration = Duration::from_secs(30);

/// Writes everything at once.
const FAST: usize = usize::MAX;

/// A running model, from the conversation's side.
struct Model {
    orders: mpsc::Sender<ToModel>,
    told: mpsc::Receiver<LiveSignal>,
    running: JoinHandle<Result<(), ProviderError>>,
}

impl Model {
    fn start(service: &Service) -> Model {
        let (orders, receiver) = mpsc::channel(64);
        let (sender, told) = mpsc::channel(4);
        let setup = Setup {
            instructions: "Be brief.".to_owned(),
            tools: [Tool {
                name: "book".to_owned(),
                description: "Books.".to_owned(),
                parameters: json!({"type": "object"}),
            }]
            .into(),
        };
        let running = tokio::spawn(duplex(service).expect("a model").run(setup, receiver, sender));
        Model { orders, told, running }
    }

    async fn order(&self, order: LiveOrder) {
        self.give(ToModel::Order(order)).await;
    }

    async fn sound(&self, sound: &[u8]) {
        self.give(ToModel::Sound(Frame::new(sound))).await;
    }

    async fn give(&self, order: ToModel) {
        let given = timeout(LONG, self.orders.send(order)).await;
        given.expect("orders are taken").expect("a model");
    }

    async fn told(&mut self) -> LiveSignal {
        timeout(LONG, self.told.recv())
            .await
            .expect("a signal")
            .expect("a model")
    }

    /// How it ended; what it still told is left.
    async fn ended(&mut self) -> Result<(), ProviderError> {
        timeout(LONG, &mut self.running)
            .await
            .expect("an end")
            .expect("no panic")
    }

    async fn fails(&mut self) -> ErrorClass {
        self.ended().await.expect_err("a failure").class()
    }
}

fn service(server: &Server) -> Service {
    Service {
        kind: "openai".to_owned(),
        base_url: Some(server.url()),
        key: Some("sk-secret".into()),
        voice: Some("marin".to_owned()),
        language: Some("he-IL".to_owned()),
        options: json!({"interrupt_response": false, "max_output_tokens": 500})
            .as_object()
            .expect("a map")
            .clone(),
        ..Service::default()
    }
}

/// With waits of these milliseconds, and one hour for the others.
fn patient(server: &Server, set: impl FnOnce(&mut Patience)) -> Service {
    let hour = Duration::from_secs(3600);
    let mut patience = Patience {
        connect: hour,
        first: hour,
        gap: hour,
        whole: hour,
    };
    set(&mut patience);
    Service {
        patience,
        ..service(server)
    }
}

async fn talking(server: &Server, service: &Service) -> (Model, Peer) {
    let mut model = Model::start(service);
    let mut peer = server.accept(FAST).await;
    peer.open().await;
    assert_eq!(model.told().await, LiveSignal::Ready);
    (model, peer)
}

fn delta(bytes: usize) -> Value {
    let delta = base64_simd::STANDARD.encode_to_string(vec![7; bytes]);
    json!({"type": "response.output_audio.delta", "response_id": "r", "item_id": "i", "content_index": 0, "delta": delta})
}

fn created() -> Value {
    json!({"type": "response.created", "response": {"id": "r", "status": "in_progress"}})
}

fn done(status: &str) -> Value {
    let usage = json!({"input_tokens": 30, "output_tokens": 9, "input_token_details": {"cached_tokens": 20}});
    json!({"type": "response.done", "response": {"id": "r", "status": status, "usage": usage, "output": []}})
}

#[tokio::test]
async fn a_conversation_from_greeting_to_goodbye() {
    for step in [FAST, 1] {
        let server = Server::start().await;
        let mut model = Model::start(&service(&server));
        let mut peer = server.accept(step).await;
        assert_eq!(peer.target, "/v1/realtime?model=gpt-realtime");
        assert_eq!(peer.authorization, "Bearer sk-secret");
        let update = peer.open().await;
        let expected = json!({
            "type": "realtime",
            "output_modalities": ["audio"],
            "instructions": "Be brief.",
            "max_output_tokens": 500,
            "tools": [{"type": "function", "name": "book", "description": "Books.", "parameters": {"type": "object"}}],
            "tool_choice": "auto",
            "audio": {
                "input": {
                    "format": {"type": "audio/pcmu"},
                    "transcription": {"model": "gpt-4o-mini-transcribe", "language": "he"},
                    "turn_detection": {"type": "server_vad", "interrupt_response": false},
                },
                "output": {"format": {"type": "audio/pcmu"}, "voice": "marin"},
            },
        });
        assert_eq!(update["session"], expected);
        assert_eq!(model.told().await, LiveSignal::Ready);

        model
            .order(LiveOrder::Respond {
                instructions: Some("Greet.".into()),
            })
            .await;
        assert_eq!(
            peer.expect("response.create").await["response"]["instructions"],
            "Greet."
        );
        for event in [
            created(),
            delta(320),
            json!({"type": "response.output_audio_transcript.delta", "response_id": "r", "item_id": "i", "delta": "שלום"}),
            json!({"type": "rate_limits.updated"}),
            json!({"type": "input_audio_buffer.speech_started"}),
        ] {
            peer.send(event).await;
        }
        assert_eq!(model.told().await, LiveSignal::Responding { response: "r".into() });
        let sound = LiveSignal::Sound {
            response: "r".into(),
            item: "i".into(),
            ulaw: vec![7; 320].into(),
        };
        assert_eq!(model.told().await, sound);
        assert_eq!(
            model.told().await,
            LiveSignal::Words {
                item: "i".into(),
                text: "שלום".to_owned()
            }
        );
        assert_eq!(model.told().await, LiveSignal::SpeechStarted);

        model.order(LiveOrder::Cancel).await;
        model
            .order(LiveOrder::Truncate {
                item: "i".into(),
                heard: 500,
            })
            .await;
        peer.expect("response.cancel").await;
        let truncated =
            json!({"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 40});
        assert_eq!(peer.next().await, Some(truncated));
        for event in [
            delta(160),
            done("cancelled"),
            done("cancelled"),
            delta(160),
            json!({"type": "input_audio_buffer.speech_stopped"}),
            json!({"type": "conversation.item.input_audio_transcription.completed", "item_id": "u", "transcript": "Book it"}),
        ] {
            peer.send(event).await;
        }
        let usage = Usage {
            prompt: 30,
            cached: 20,
            completion: 9,
            estimated: false,
        };
        assert_eq!(
            model.told().await,
            LiveSignal::Done {
                response: "r".into(),
                usage,
                complete: false
            }
        );
        assert_eq!(model.told().await, LiveSignal::SpeechStopped);
        assert_eq!(
            model.told().await,
            LiveSignal::Caller {
                text: "Book it".to_owned(),
                last: true
            }
        );

        for event in [
            json!({"type": "response.created", "response": {"id": "s"}}),
            json!({"type": "response.function_call_arguments.done", "response_id": "s", "item_id": "f", "call_id": "c", "name": "book", "arguments": "{}"}),
            json!({"type": "response.done", "response": {"id": "s", "status": "completed"}}),
        ] {
            peer.send(event).await;
        }
        assert_eq!(model.told().await, LiveSignal::Responding { response: "s".into() });
        let call = ActionCall {
            id: "c".into(),
            name: "book".into(),
            arguments: "{}".into(),
        };
        assert_eq!(
            model.told().await,
            LiveSignal::Wish {
                response: "s".into(),
                call
            }
        );
        let usage = Usage {
            estimated: true,
            ..Usage::default()
        };
        assert_eq!(
            model.told().await,
            LiveSignal::Done {
                response: "s".into(),
                usage,
                complete: true
            }
        );
        model
            .order(LiveOrder::Result {
                id: "c".into(),
                text: "done".into(),
                respond: true,
            })
            .await;
        let item = peer.expect("conversation.item.create").await;
        assert_eq!(
            item["item"],
            json!({"type": "function_call_output", "call_id": "c", "output": "done"})
        );
        peer.expect("response.create").await;
        model.order(LiveOrder::Typed { text: "1234".into() }).await;
        let item = peer.expect("conversation.item.create").await;
        assert_eq!(item["item"]["content"], json!([{"type": "input_text", "text": "1234"}]));

        drop(model.orders);
        peer.left().await;
        let ended = timeout(LONG, model.running).await.expect("an end");
        assert_eq!(ended.expect("no panic"), Ok(()));
    }
}

#[tokio::test]
async fn sound_waits_for_the_session_and_comes_in_lumps_in_its_order() {
    let server = Server::start().await;
    let mut model = Model::start(&service(&server));
    // Said while it connects, while it greets, and while it sets up.
    model.sound(&[1; 160]).await;
    let mut peer = server.accept(FAST).await;
    model.sound(&[2; 160]).await;
    peer.send(json!({"type": "session.created"})).await;
    peer.expect("session.update").await;
    model.sound(&[3; 160]).await;
    model.order(LiveOrder::Typed { text: "5".into() }).await;
    // An order that is taken behind the sound: so the sound was taken, too.
    timeout(LONG, async {
        while model.orders.capacity() < model.orders.max_capacity() {
            tokio::task::yield_now().await;
        }
    })
    .await
    .expect("orders are taken");
    peer.send(json!({"type": "session.updated"})).await;
    assert_eq!(model.told().await, LiveSignal::Ready);
    let (sound, _) = peer.hears(480).await;
    assert_eq!(sound, [[1; 160], [2; 160], [3; 160]].concat());
    peer.expect("conversation.item.create").await;

    for number in 0..7 {
        model.sound(&[number; 160]).await;
    }
    let (sound, lumps) = peer.hears(7 * 160).await;
    let expected: Vec<u8> = (0..7).flat_map(|number| [number; 160]).collect();
    assert_eq!(sound, expected);
    assert!(
        lumps.iter().all(|lump| (160..=480).contains(lump)) && lumps.len() < 7,
        "{lumps:?}"
    );

    // Half a lump does not overtake nor hold up what is ordered behind it.
    model.sound(&[9; 80]).await;
    model.order(LiveOrder::Respond { instructions: None }).await;
    assert_eq!(peer.hears(80).await.0, [9; 80]);
    peer.expect("response.create").await;
}

#[tokio::test]
async fn refusals_have_their_class() {
    use ErrorClass::*;
    let cases = [
        ("401 X\r\ncontent-length: 0", Auth, None),
        ("429 X\r\nretry-after: 9\r\ncontent-length: 0", Quota, Some(9)),
        ("404 X\r\ncontent-length: 0", BadRequest, None),
        ("503 X\r\ncontent-length: 0", Transient, None),
        ("200 OK\r\ncontent-length: 0", Protocol, None),
    ];
    for (answer, class, wait) in cases {
        let server = Server::start().await;
        let mut model = Model::start(&service(&server));
        server.refuse(&format!("HTTP/1.1 {answer}\r\n\r\n")).await;
        let failed = model.ended().await.expect_err("refused");
        assert_eq!(
            (failed.class(), failed.retry_after()),
            (class, wait.map(Duration::from_secs)),
            "{failed}"
        );
        assert!(!format!("{failed:?}").contains("sk-secret"));
    }
}

#[tokio::test]
async fn a_session_that_does_not_come_to_be_is_given_up() {
    let limit = Duration::from_millis(150);
    let server = Server::start().await;
    let mut model = Model::start(&patient(&server, |patience| patience.connect = limit));
    let _socket = server.silent().await;
    assert_eq!(model.ended().await, Err(ProviderError::Timeout { limit }));

    for greeted in [false, true] {
        let server = Server::start().await;
        let mut model = Model::start(&patient(&server, |patience| patience.first = limit));
        let mut peer = server.accept(FAST).await;
        if greeted {
            peer.send(json!({"type": "session.created"})).await;
        }
        assert_eq!(model.ended().await, Err(ProviderError::Timeout { limit }));
        peer.left().await;
    }

    let server = Server::start().await;
    let mut model = Model::start(&service(&server));
    let mut peer = server.accept(FAST).await;
    peer.send(json!({"type": "session.created"})).await;
    peer.expect("session.update").await;
    peer.send(json!({"type": "error", "error": {"type": "invalid_request_error", "code": "invalid_value", "message": "voice"}}))
        .await;
    assert_eq!(model.fails().await, ErrorClass::BadRequest);
}

#[tokio::test]
async fn a_session_that_breaks_ends_with_its_class() {
    use ErrorClass::*;
    let close = |code: u16| {
        let frame = tokio_tungstenite::tungstenite::protocol::CloseFrame {
            code: code.into(),
            reason: "x".into(),
        };
        Message::Close(Some(frame))
    };
    let cases = [
        (close(1000), Transient),
        (close(1011), Transient),
        (close(1008), Auth),
        (Message::binary(vec![1, 2, 3]), Protocol),
        (Message::text("{oops"), Protocol),
        (
            Message::text("{\"type\":\"error\",\"error\":{\"code\":\"session_expired\"}}"),
            Transient,
        ),
    ];
    for (message, class) in cases {
        let server = Server::start().await;
        let (mut model, mut peer) = talking(&server, &service(&server)).await;
        peer.send(created()).await;
        peer.message(message).await;
        assert_eq!(model.told().await, LiveSignal::Responding { response: "r".into() });
        assert_eq!(model.fails().await, class);
    }

    // Without a goodbye.
    let server = Server::start().await;
    let (mut model, peer) = talking(&server, &service(&server)).await;
    drop(peer);
    assert!(model.ended().await.expect_err("broken").is_retryable());
}

#[tokio::test]
async fn an_answer_that_fails_is_told_and_ends_the_session() {
    let server = Server::start().await;
    let (mut model, mut peer) = talking(&server, &service(&server)).await;
    let mut failed = done("failed");
    failed["response"]["status_details"] =
        json!({"type": "failed", "error": {"type": "rate_limit_exceeded", "code": "rate_limit_exceeded"}});
    peer.send(created()).await;
    peer.send(failed).await;
    assert_eq!(model.told().await, LiveSignal::Responding { response: "r".into() });
    assert!(matches!(model.told().await, LiveSignal::Done { complete: false, .. }));
    assert_eq!(model.fails().await, ErrorClass::Quota);
}

#[tokio::test]
async fn an_answer_that_does_not_come_or_stalls_or_never_ends_is_given_up() {
    let limit = Duration::from_millis(250);
    let expected = Err(ProviderError::Timeout { limit });

    let server = Server::start().await;
    let (mut model, mut peer) = talking(&server, &patient(&server, |patience| patience.first = limit)).await;
    model.order(LiveOrder::Respond { instructions: None }).await;
    peer.expect("response.create").await;
    assert_eq!(model.ended().await, expected);

    let server = Server::start().await;
    let (mut model, mut peer) = talking(&server, &patient(&server, |patience| patience.gap = limit)).await;
    for event in [created(), delta(160)] {
        peer.send(event).await;
    }
    assert_eq!(model.ended().await, expected);

    let server = Server::start().await;
    let (mut model, mut peer) = talking(&server, &patient(&server, |patience| patience.whole = limit)).await;
    let endless = tokio::spawn(async move {
        peer.send(created()).await;
        while !peer.is_left(delta(160)).await {}
    });
    let taking = async { while model.told.recv().await.is_some() {} };
    timeout(LONG, taking).await.expect("an end");
    assert_eq!(model.ended().await, expected);
    timeout(LONG, endless)
        .await
        .expect("the connection is closed")
        .expect("no panic");
}

#[tokio::test]
async fn nobody_waits_for_an_answer_that_nobody_asked_for() {
    let limit = Duration::from_millis(50);
    let server = Server::start().await;
    let service = patient(&server, |patience| {
        (patience.first, patience.gap, patience.whole) = (LONG, limit, LONG)
    });
    let (mut model, mut peer) = talking(&server, &service).await;
    for event in [created(), delta(160), done("completed")] {
        peer.send(event).await;
    }
    for _ in 0..3 {
        model.told().await;
    }
    tokio::time::sleep(limit * 4).await;
    peer.send(json!({"type": "input_audio_buffer.speech_started"})).await;
    assert_eq!(model.told().await, LiveSignal::SpeechStarted);
}

#[tokio::test]
async fn orders_are_taken_while_nobody_takes_the_signals() {
    const MANY: usize = 3000;
    let server = Server::start().await;
    let (mut model, mut peer) = talking(&server, &service(&server)).await;
    peer.send(created()).await;
    let (asks, mut cancelled) = mpsc::channel(1);
    let playing = tokio::spawn(async move {
        for _ in 0..MANY {
            peer.send(delta(160)).await;
        }
        // All of that stands between the service and the order, but the order was given.
        peer.expect("response.cancel").await;
        asks.send(()).await.expect("the test waits");
        peer.send(done("cancelled")).await;
        peer
    });
    for _ in 0..200 {
        model.sound(&[1; 0]).await;
    }
    model.order(LiveOrder::Cancel).await;
    for _ in 0..200 {
        model.sound(&[1; 0]).await;
    }
    let mut sounds = 0;
    while let signal = model.told().await
        && !matches!(signal, LiveSignal::Done { .. })
    {
        sounds += usize::from(matches!(signal, LiveSignal::Sound { .. }));
    }
    assert!(sounds < MANY, "what came behind the order was dropped");
    timeout(LONG, cancelled.recv())
        .await
        .expect("it was sent")
        .expect("it was sent");
    playing.await.expect("no panic");
}

#[tokio::test]
async fn whoever_leaves_ends_it() {
    let server = Server::start().await;
    let (model, mut peer) = talking(&server, &service(&server)).await;
    drop(model.told);
    let ended = timeout(LONG, model.running).await.expect("an end");
    assert_eq!(ended.expect("no panic"), Ok(()));
    peer.left().await;

    let server = Server::start().await;
    let (model, mut peer) = talking(&server, &service(&server)).await;
    model.running.abort();
    peer.left().await;

    // Even while it connects.
    let server = Server::start().await;
    let mut model = Model::start(&service(&server));
    let _socket = server.silent().await;
    drop(std::mem::replace(&mut model.orders, mpsc::channel(1).0));
    assert_eq!(model.ended().await, Ok(()));
}
