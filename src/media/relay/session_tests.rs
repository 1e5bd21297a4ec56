//! Tests of the text session over real sockets: a WebSocket client plays the carrier, a host records what it is told.

mod crew_tests;

use super::super::host::{Control, Event, Pulse, RelaySetup, TalkSetup};
use super::super::socket::config;
use super::*;
use crate::talk::Clip;
use crate::talk::relay::Relayed;
use crate::talk::script::{Answer, Greeting, Match, Rule, Script};
use crate::talk::scripted::Scripted;
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use std::time::Duration;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_tungstenite::{accept_async_with_config, client_async};

const SOURCES: [&str; 3] = ["https://h/greeting.mp3", "https://h/answer.mp3", ""];

/// Admits sessions with the token `good` and records every event, one per permit of `pace`.
struct Line {
    pulse: Arc<Pulse>,
    control: Mutex<Option<mpsc::Receiver<Control>>>,
    by_sound: bool,
    pace: Semaphore,
    events: Mutex<Vec<Event>>,
}

fn clips() -> Vec<Clip> {
    let clip = |millis: usize, text: &str| Clip::new(vec![0x11; millis * 8], text);
    vec![clip(40, "hello"), clip(400, "a b c d"), Clip::new(vec![], "bye")]
}

/// Greets, answers everything, and says goodbye in words at 9.
fn script() -> Arc<Script> {
    let mut script = Script::new(Answer {
        say: vec![1],
        exit: None,
    });
    script.greeting = Some(Greeting {
        clip: 0,
        interruptible: false,
    });
    let when = Match {
        digits: Some("9".to_owned()),
        ..Match::default()
    };
    script.rules = vec![Rule {
        when,
        answer: Answer {
            say: vec![2],
            exit: Some("completed".into()),
        },
    }];
    Arc::new(script)
}

impl Host for Line {
    fn admit(&self, start: Start) -> BoxFuture<'_, Admission> {
        Box::pin(async move {
            assert_eq!((&*start.stream_sid, &*start.call_sid), ("VX1", "CA1"));
            if start.token.as_deref() != Some("good") {
                return Admission::Refuse {
                    reason: "wrong token".to_owned(),
                };
            }
            let control = self.control.lock().unwrap().take().unwrap();
            let pulse = self.pulse.clone();
            if self.by_sound {
                let mut clips = clips();
                clips[2] = clips[0].clone();
                return Admission::Talk(TalkSetup {
                    talk: Box::new(Scripted::new(script(), &clips).unwrap()),
                    clips: clips.into(),
                    pulse,
                    control,
                    crew: None,
                    tape: None,
                });
            }
            Admission::Relay(RelaySetup {
                talk: Box::new(Relayed::new(script(), &clips()).unwrap()),
                sources: SOURCES.map(str::to_owned).to_vec(),
                pulse,
                control,
                crew: None,
            })
        })
    }

    fn report<'a>(&'a self, call_sid: &'a str, event: Event) -> BoxFuture<'a, ()> {
        assert_eq!(call_sid, "CA1");
        Box::pin(async move {
            self.pace.acquire().await.unwrap().forget();
            self.events.lock().unwrap().push(event);
        })
    }
}

struct Bench {
    line: Arc<Line>,
    orders: mpsc::Sender<Control>,
    limits: Limits,
}

impl Bench {
    fn new() -> Self {
        let (orders, control) = mpsc::channel(4);
        let line = Line {
            pulse: Arc::new(Pulse::new()),
            control: Mutex::new(Some(control)),
            by_sound: false,
            pace: Semaphore::new(10_000),
            events: Mutex::default(),
        };
        Self {
            line: Arc::new(line),
            orders,
            limits: Limits::default(),
        }
    }

    async fn dial(&self) -> Carrier<TcpStream> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (line, limits) = (self.line.clone(), self.limits);
        let session = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let socket = accept_async_with_config(stream, Some(config())).await.unwrap();
            run_relay_within(limits, socket, None, &*line).await
        });
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = client_async("ws://127.0.0.1/", stream).await.unwrap();
        Carrier { socket, session }
    }

    /// What was told, in words.
    fn told(&self) -> Vec<String> {
        let events = self.line.events.lock().unwrap();
        events
            .iter()
            .map(|event| match event {
                Event::FirstFrame => "first frame".to_owned(),
                Event::Turn(turn) => format!("{} {:?} {}", turn.role.name(), turn.text, turn.interrupted),
                Event::Finished { exit, .. } => format!("finished {exit}"),
                Event::Set(values) => format!("set {}", serde_json::Value::from(values.clone())),
                Event::Wished { name, .. } => format!("wished {name}"),
                Event::Closed {
                    reason,
                    frames_in,
                    frames_out,
                } => format!("closed {reason} {frames_in} {frames_out}"),
            })
            .collect()
    }
}

struct Carrier<S> {
    socket: WebSocketStream<S>,
    session: JoinHandle<Summary>,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Carrier<S> {
    async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn setup(&mut self, token: &str) {
        let parameters = json!({"call_sid": "CA1", "token": token});
        self.say(json!({"type": "setup", "sessionId": "VX1", "callSid": "CA1", "customParameters": parameters}))
            .await;
    }

    async fn prompt(&mut self, words: &str, last: bool) {
        self.say(json!({"type": "prompt", "voicePrompt": words, "lang": "en-US", "last": last}))
            .await;
    }

    /// The next message from the engine; keepalives are passed over.
    async fn message(&mut self) -> Value {
        loop {
            match timeout(Duration::from_secs(60), self.socket.next())
                .await
                .expect("nothing came")
            {
                Some(Ok(Message::Text(text))) => return serde_json::from_str(&text).unwrap(),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Hears the clip of this index.
    async fn hears(&mut self, clip: usize) {
        let message = self.message().await;
        assert_eq!(
            (&message["type"], &message["source"]),
            (&json!("play"), &json!(SOURCES[clip]))
        );
    }

    /// Waits for the close and the end of the connection after it.
    async fn closed(mut self) -> (u16, Summary) {
        let code = loop {
            match timeout(Duration::from_secs(60), self.socket.next())
                .await
                .expect("nothing came")
            {
                Some(Ok(Message::Close(frame))) => break frame.map_or(0, |frame| frame.code.into()),
                Some(Ok(Message::Ping(_) | Message::Pong(_))) => {}
                other => panic!("{other:?}"),
            }
        };
        while let Some(Ok(_)) = self.socket.next().await {}
        (code, self.session.await.unwrap())
    }
}

#[tokio::test]
async fn a_whole_conversation() {
    let bench = Bench::new();
    let mut carrier = bench.dial().await;
    carrier.setup("good").await;
    carrier.hears(0).await;
    carrier.prompt("I am", false).await;
    carrier.prompt("I am here", true).await;
    let answer = carrier.message().await;
    assert_eq!(
        answer,
        json!({"type": "play", "source": SOURCES[1], "loop": 1, "preemptible": false, "interruptible": true})
    );
    carrier
        .say(json!({"type": "interrupt", "utteranceUntilInterrupt": "a b", "durationUntilInterruptMs": "200"}))
        .await;
    carrier.say(json!({"type": "dtmf", "digit": "9"})).await;
    let goodbye = carrier.message().await;
    assert_eq!(
        goodbye,
        json!({"type": "text", "token": "bye", "last": true, "interruptible": false})
    );
    let end = carrier.message().await;
    assert_eq!(end, json!({"type": "end", "handoffData": "{\"exit\":\"completed\"}"}));
    let told = bench.told();
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1000, CloseReason::Finished));
    // All of it was known before the carrier was sent on.
    assert_eq!(
        told,
        [
            "agent \"hello\" false",
            "caller \"I am here\" false",
            "agent \"a b\" true",
            "caller \"9\" false",
            "agent \"bye\" false",
            "finished completed",
            "closed finished 5 3"
        ]
    );
}

#[tokio::test]
async fn the_end_waits_until_everything_is_kept() {
    let mut bench = Bench::new();
    Arc::get_mut(&mut bench.line).unwrap().pace = Semaphore::new(0);
    let mut carrier = bench.dial().await;
    carrier.setup("good").await;
    carrier.hears(0).await;
    bench.orders.send(Control::Close).await.unwrap();
    // The host has kept nothing yet, so that the carrier must not be sent on.
    assert!(timeout(Duration::from_millis(100), carrier.message()).await.is_err());
    bench.line.pace.add_permits(10);
    assert_eq!(carrier.message().await, json!({"type": "end"}));
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1000, CloseReason::Closed));
    assert_eq!(bench.told().last().map(String::as_str), Some("closed closed 1 1"));
}

#[tokio::test]
async fn junk_is_counted_and_changes_nothing() {
    let bench = Bench::new();
    let mut carrier = bench.dial().await;
    let junk = ["", "{}", "[1]", r#"{"type":"novelty"}"#, r#"{"type":"prompt"}"#, "null"];
    for text in junk {
        carrier.socket.send(Message::text(text)).await.unwrap();
    }
    carrier.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    carrier.setup("good").await;
    carrier.hears(0).await;
    for text in junk {
        carrier.socket.send(Message::text(text)).await.unwrap();
    }
    carrier.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    carrier.setup("good").await;
    carrier.say(json!({"type": "error", "description": "not liked"})).await;
    carrier.prompt("hello", true).await;
    carrier.hears(1).await;
    carrier.socket.close(None).await.unwrap();
    let summary = carrier.session.await.unwrap();
    assert_eq!((summary.reason, summary.ignored), (CloseReason::PeerClosed, 15));
}

#[tokio::test]
async fn strangers_and_conversations_by_sound_are_refused() {
    let bench = Bench::new();
    let mut carrier = bench.dial().await;
    carrier.setup("another call's").await;
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1008, CloseReason::Refused));

    let mut bench = Bench::new();
    Arc::get_mut(&mut bench.line).unwrap().by_sound = true;
    let mut carrier = bench.dial().await;
    carrier.setup("good").await;
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1008, CloseReason::Refused));
    assert_eq!(bench.told(), [] as [String; 0]);
}

#[tokio::test]
async fn a_message_that_is_too_long_ends_the_session() {
    let bench = Bench::new();
    let mut carrier = bench.dial().await;
    carrier.setup("good").await;
    carrier.hears(0).await;
    carrier.prompt(&"x".repeat(MAX_MESSAGE), true).await;
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1009, CloseReason::TooLarge));
}

#[tokio::test]
async fn a_drain_lets_what_is_said_be_heard() {
    let bench = Bench::new();
    let mut carrier = bench.dial().await;
    carrier.setup("good").await;
    carrier.hears(0).await;
    carrier.prompt("hello", true).await;
    carrier.hears(1).await;
    bench.orders.send(Control::Drain).await.unwrap();
    assert_eq!(carrier.message().await, json!({"type": "end"}));
    assert_eq!(bench.told().get(2).map(String::as_str), Some("agent \"a b c d\" false"));
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1000, CloseReason::Drained));
}

#[tokio::test]
async fn a_carrier_that_answers_pings_is_alive() {
    let mut bench = Bench::new();
    bench.limits.ping = Duration::from_millis(50);
    bench.limits.silence = Duration::from_secs(2);
    let mut carrier = bench.dial().await;
    carrier.setup("good").await;
    // Reading on answers the pings: for longer than silence is borne.
    let mut pings = 0;
    while pings < 60 {
        match carrier.socket.next().await.unwrap().unwrap() {
            Message::Ping(_) => pings += 1,
            Message::Text(text) => assert!(text.contains(SOURCES[0]), "{text}"),
            other => panic!("{other:?}"),
        }
    }
    assert!(bench.line.pulse.has_beaten() && bench.line.pulse.quiet_for() < Duration::from_secs(2));
    carrier.socket.close(None).await.unwrap();
    assert_eq!(carrier.session.await.unwrap().reason, CloseReason::PeerClosed);
}

#[tokio::test]
async fn a_half_dead_carrier_is_given_up() {
    let mut bench = Bench::new();
    bench.limits.silence = Duration::from_millis(300);
    let mut carrier = bench.dial().await;
    carrier.setup("good").await;
    carrier.hears(0).await;
    // Nothing is read and nothing said from here on, until the session is closed.
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1000, CloseReason::Silent));

    let mut bench = Bench::new();
    bench.limits.start = Duration::from_millis(100);
    let (code, summary) = bench.dial().await.closed().await;
    assert_eq!((code, summary.reason), (1008, CloseReason::NoStart));
}
