//! Tests of the session over real sockets: a WebSocket client plays the carrier, a host records what it is told.

use super::super::host::{Admission, Control, Pulse, TalkSetup};
use super::super::socket::config;
use super::*;
use crate::audio::mulaw;
use crate::talk::script::{Answer, Greeting, Match, Rule, Script};
use crate::talk::scripted::Scripted;
use crate::talk::{Clip, Role};
use bytes::Bytes;
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::{Arc, Mutex};
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role as Side};
use tokio_tungstenite::{accept_async_with_config, client_async};

const GREETING: u8 = 0x11;
const ANSWER: u8 = 0x22;
const GOODBYE: u8 = 0x33;

/// Admits streams with the token `good` and records every event, one per permit of `pace`.
struct Line {
    script: Arc<Script>,
    clips: Arc<[Clip]>,
    pulse: Arc<Pulse>,
    control: Mutex<Option<mpsc::Receiver<Control>>>,
    pace: Semaphore,
    events: Mutex<Vec<Event>>,
}

impl Host for Line {
    fn admit(&self, start: Start) -> BoxFuture<'_, Admission> {
        Box::pin(async move {
            if start.token.as_deref() != Some("good") {
                return Admission::Refuse {
                    reason: "wrong token".to_owned(),
                };
            }
            let talk = Scripted::new(self.script.clone(), &self.clips).unwrap();
            let control = self.control.lock().unwrap().take().unwrap();
            let (clips, pulse) = (self.clips.clone(), self.pulse.clone());
            Admission::Talk(TalkSetup {
                talk: Box::new(talk),
                clips,
                pulse,
                control,
                crew: None,
                tape: None,
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
    /// The answer lasts `answer` ms; greeting and goodbye 300.
    fn new(answer: usize) -> Self {
        let clip = |code: u8, millis: usize, text: &str| Clip::new(vec![code; millis * 8], text);
        let clips = vec![
            clip(GREETING, 300, "hello"),
            clip(ANSWER, answer, "a b c d e f"),
            clip(GOODBYE, 300, "bye"),
        ];
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
        let (orders, control) = mpsc::channel(4);
        let line = Line {
            script: Arc::new(script),
            clips: clips.into(),
            pulse: Arc::new(Pulse::new()),
            control: Mutex::new(Some(control)),
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
            run_within(limits, socket, None, &*line).await
        });
        let stream = TcpStream::connect(address).await.unwrap();
        let (socket, _) = client_async("ws://127.0.0.1/", stream).await.unwrap();
        Carrier { socket, session }
    }

    fn events(&self) -> Vec<Event> {
        self.line.events.lock().unwrap().clone()
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

    async fn start(&mut self, token: &str) {
        self.say(json!({"event": "connected", "protocol": "Call", "version": "1.0.0"}))
            .await;
        let parameters = json!({"token": token});
        let start = json!({"streamSid": "MZ1", "callSid": "CA1", "customParameters": parameters});
        self.say(json!({"event": "start", "streamSid": "MZ1", "start": start}))
            .await;
    }

    /// The caller makes sound of this kind; faster than in life, for turns are measured in frames.
    async fn sound(&mut self, code: u8, millis: usize) {
        for _ in 0..millis / 20 {
            let frame: Vec<u8> = (0..160).map(|n| if n % 2 == 0 { code } else { 0xFF }).collect();
            let payload = base64_simd::STANDARD.encode_to_string(frame);
            self.say(json!({"event": "media", "media": {"track": "inbound", "payload": payload}}))
                .await;
        }
    }

    async fn utterance(&mut self) {
        self.sound(0x90, 300).await;
        self.sound(0xFF, 520).await;
    }

    async fn next(&mut self) -> Message {
        timeout(Duration::from_secs(20), self.socket.next())
            .await
            .expect("nothing came")
            .unwrap()
            .unwrap()
    }

    /// The next event from the engine; each must be for our stream. Keepalives are passed over.
    async fn event(&mut self) -> Value {
        loop {
            match self.next().await {
                Message::Text(text) => {
                    let value: Value = serde_json::from_str(&text).unwrap();
                    assert_eq!(value["streamSid"], "MZ1");
                    return value;
                }
                Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        }
    }

    /// Hears one clip to its mark, and returns that; the clip and how many frames it had.
    async fn clip(&mut self) -> (u8, usize) {
        let (mut code, mut frames) = (0, 0);
        loop {
            let event = self.event().await;
            match event["event"].as_str().unwrap() {
                "media" => {
                    let payload = event["media"]["payload"].as_str().unwrap();
                    let frame = base64_simd::STANDARD.decode_to_vec(payload).unwrap();
                    assert_eq!(frame.len(), mulaw::FRAME);
                    code = frame[0];
                    frames += 1;
                }
                "mark" => {
                    self.say(json!({"event": "mark", "mark": event["mark"]})).await;
                    return (code, frames);
                }
                other => panic!("{other}"),
            }
        }
    }

    /// Waits for the Close and the end of the connection after it.
    async fn closed(mut self) -> (u16, Summary) {
        let code = loop {
            match self.next().await {
                Message::Close(frame) => {
                    break frame.map_or(0, |CloseFrame { code, .. }| code.into());
                }
                Message::Text(_) | Message::Ping(_) | Message::Pong(_) => {}
                other => panic!("{other:?}"),
            }
        };
        while let Some(Ok(_)) = self.socket.next().await {}
        (code, self.session.await.unwrap())
    }
}

fn told(events: &[Event]) -> Vec<String> {
    events
        .iter()
        .map(|event| match event {
            Event::FirstFrame => "first frame".to_owned(),
            Event::Turn(turn) => {
                format!("{} {:?} {}", turn.role.name(), turn.text, turn.interrupted)
            }
            Event::Finished { exit, .. } => format!("finished {exit}"),
            Event::Set(values) => format!("set {}", serde_json::Value::from(values.clone())),
            Event::Wished { name, .. } => format!("wished {name}"),
            Event::Closed { reason, .. } => format!("closed {reason}"),
        })
        .collect()
}

#[tokio::test]
async fn a_whole_conversation() {
    let bench = Bench::new(100);
    let mut carrier = bench.dial().await;
    // The answer to a ping is the first thing that comes: nothing is said before the stream has a name.
    carrier.sound(0x90, 40).await;
    carrier.socket.send(Message::Ping(Bytes::new())).await.unwrap();
    assert!(matches!(carrier.next().await, Message::Pong(_)));
    carrier.start("good").await;
    assert_eq!(carrier.clip().await, (GREETING, 15));
    for _ in 0..2 {
        carrier.utterance().await;
        assert_eq!(carrier.clip().await, (ANSWER, 5));
    }
    carrier.say(json!({"event": "dtmf", "dtmf": {"digit": "9"}})).await;
    assert_eq!(carrier.clip().await, (GOODBYE, 15));
    let (code, summary) = carrier.closed().await;
    assert_eq!(code, 1000);
    assert_eq!(
        summary,
        Summary {
            reason: CloseReason::Finished,
            frames_in: 82,
            frames_out: 40,
            ignored: 2
        }
    );
    assert!(bench.line.pulse.has_beaten());
    assert_eq!(
        told(&bench.events()),
        [
            r#"agent "hello" false"#,
            "first frame",
            r#"caller "" false"#,
            r#"agent "a b c d e f" false"#,
            r#"caller "" false"#,
            r#"agent "a b c d e f" false"#,
            r#"caller "9" false"#,
            r#"agent "bye" false"#,
            "finished completed",
            "closed finished"
        ]
    );
}

#[tokio::test]
async fn speaking_over_an_answer_clears_it() {
    let bench = Bench::new(6000);
    let mut carrier = bench.dial().await;
    carrier.start("good").await;
    carrier.clip().await;
    carrier.utterance().await;
    let mut heard = 0;
    loop {
        let event = carrier.event().await;
        match event["event"].as_str().unwrap() {
            // The caller speaks while the answer is being sent, at its pace.
            "media" => {
                heard += 1;
                carrier.sound(0x90, 20).await;
            }
            "clear" => break,
            other => panic!("{other}"),
        }
    }
    assert!(heard < 100, "{heard} frames of 300 were sent");
    carrier.sound(0xFF, 520).await;
    let again = carrier.event().await;
    assert_eq!(
        again["event"], "media",
        "it listened, and answers what was said over it"
    );
    // The mark of what was cleared comes late, and ends nothing.
    carrier.say(json!({"event": "mark", "mark": {"name": "g2n1e0"}})).await;
    assert_eq!(carrier.event().await["event"], "media");
    carrier.say(json!({"event": "stop"})).await;
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1000, CloseReason::Stopped));
    let events = bench.events();
    let cut = events.iter().find_map(|event| match event {
        Event::Turn(turn) if turn.role == Role::Agent && turn.interrupted => Some(turn.text.clone()),
        _ => None,
    });
    let cut = cut.expect("an interrupted answer is told");
    assert!("a b c".starts_with(&*cut), "{cut}");
}

#[tokio::test]
async fn junk_is_counted_and_changes_nothing() {
    let bench = Bench::new(100);
    let mut carrier = bench.dial().await;
    carrier.socket.send(Message::text("{")).await.unwrap();
    carrier.start("good").await;
    carrier.clip().await;
    carrier.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    carrier.socket.send(Message::text("\u{0}[[[")).await.unwrap();
    carrier
        .say(json!({"event": "media", "media": {"payload": "***"}}))
        .await;
    carrier.say(json!({"event": "mark", "mark": {"name": "theirs"}})).await;
    carrier.say(json!({"event": "weather", "sky": "blue"})).await;
    carrier.start("other").await;
    carrier.utterance().await;
    assert_eq!(carrier.clip().await.0, ANSWER);
    carrier.say(json!({"event": "stop"})).await;
    let (_, summary) = carrier.closed().await;
    assert_eq!((summary.frames_in, summary.ignored), (41, 8));
}

#[tokio::test]
async fn a_message_that_is_too_long_is_told_so() {
    for begun in [false, true] {
        let bench = Bench::new(100);
        let mut carrier = bench.dial().await;
        if begun {
            carrier.start("good").await;
            carrier.clip().await;
        }
        carrier.socket.send(Message::text("x".repeat(70_000))).await.unwrap();
        let (code, summary) = carrier.closed().await;
        assert_eq!((code, summary.reason), (1009, CloseReason::TooLarge));
    }
}

#[tokio::test]
async fn a_stream_that_never_begins_is_closed() {
    let mut bench = Bench::new(100);
    bench.limits.start = Duration::from_millis(80);
    let mut carrier = bench.dial().await;
    carrier.say(json!({"event": "connected"})).await;
    carrier
        .say(json!({"event": "start", "start": {"callSid": "CA1"}}))
        .await;
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason, summary.ignored), (1008, CloseReason::NoStart, 1));
    assert_eq!(bench.events(), []);
}

#[tokio::test]
async fn a_stranger_is_refused_and_hears_nothing() {
    let bench = Bench::new(100);
    let mut carrier = bench.dial().await;
    carrier.start("guess").await;
    assert!(matches!(carrier.next().await, Message::Close(Some(frame)) if u16::from(frame.code) == 1008));
    while let Some(Ok(_)) = carrier.socket.next().await {}
    assert_eq!(carrier.session.await.unwrap().reason, CloseReason::Refused);
    assert_eq!(bench.events(), []);
}

/// A connection with room for a kilobyte, so that a reader who stopped is noticed soon.
async fn narrow(bench: &Bench) -> Carrier<DuplexStream> {
    let (near, far) = tokio::io::duplex(1024);
    let socket = WebSocketStream::from_raw_socket(far, Side::Client, None).await;
    let (line, limits) = (bench.line.clone(), bench.limits);
    let session = tokio::spawn(async move {
        let socket = WebSocketStream::from_raw_socket(near, Side::Server, Some(config())).await;
        run_within(limits, socket, None, &*line).await
    });
    Carrier { socket, session }
}

#[tokio::test]
async fn a_carrier_that_takes_nothing_is_left_but_heard_until_then() {
    let mut bench = Bench::new(100);
    bench.limits.send = Duration::from_millis(300);
    let mut carrier = narrow(&bench).await;
    carrier.start("good").await;
    // The greeting is ten frames at once and fills the pipe; the caller is heard all the same.
    carrier.sound(0x90, 200).await;
    let summary = carrier.session.await.unwrap();
    assert_eq!((summary.reason, summary.frames_in), (CloseReason::Blocked, 10));
    assert_eq!(told(&bench.events()).last().unwrap(), "closed blocked");
}

#[tokio::test]
async fn every_way_to_end_is_told_apart() {
    // The carrier closes.
    let bench = Bench::new(100);
    let mut carrier = bench.dial().await;
    carrier.start("good").await;
    carrier.clip().await;
    carrier.socket.send(Message::Close(None)).await.unwrap();
    while let Some(Ok(_)) = carrier.socket.next().await {}
    assert_eq!(carrier.session.await.unwrap().reason, CloseReason::PeerClosed);

    // The connection breaks.
    let bench = Bench::new(100);
    let mut carrier = bench.dial().await;
    carrier.start("good").await;
    carrier.clip().await;
    drop(carrier.socket);
    assert_eq!(carrier.session.await.unwrap().reason, CloseReason::Lost);
    assert_eq!(told(&bench.events()).last().unwrap(), "closed lost");

    // The host orders it.
    let bench = Bench::new(100);
    let mut carrier = bench.dial().await;
    carrier.start("good").await;
    carrier.clip().await;
    bench.orders.send(Control::Close).await.unwrap();
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1000, CloseReason::Closed));

    // Nothing comes any more, with the host's end of the orders gone.
    let mut bench = Bench::new(100);
    bench.limits.silence = Duration::from_millis(600);
    bench.orders = mpsc::channel(1).0;
    let mut carrier = bench.dial().await;
    carrier.start("good").await;
    carrier.clip().await;
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1000, CloseReason::Silent));

    // Not a WebSocket any more.
    let bench = Bench::new(100);
    let mut carrier = bench.dial().await;
    carrier.start("good").await;
    carrier.clip().await;
    tokio::io::AsyncWriteExt::write_all(carrier.socket.get_mut(), &[0xFF; 64])
        .await
        .unwrap();
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1002, CloseReason::Protocol));
}

#[tokio::test]
async fn draining_lets_the_sentence_be_heard() {
    let bench = Bench::new(400);
    let mut carrier = bench.dial().await;
    carrier.start("good").await;
    carrier.clip().await;
    carrier.utterance().await;
    carrier.event().await;
    bench.orders.send(Control::Drain).await.unwrap();
    assert_eq!(carrier.clip().await, (ANSWER, 19));
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1000, CloseReason::Drained));
    assert!(told(&bench.events()).contains(&r#"agent "a b c d e f" false"#.to_owned()));
}

#[tokio::test]
async fn the_last_words_are_not_waited_for_for_ever() {
    let bench = Bench::new(100);
    let mut carrier = bench.dial().await;
    carrier.start("good").await;
    carrier.clip().await;
    carrier.say(json!({"event": "dtmf", "dtmf": {"digit": "9"}})).await;
    // No mark is ever returned for the goodbye.
    let (code, summary) = carrier.closed().await;
    assert_eq!((code, summary.reason), (1000, CloseReason::Finished));
}

#[tokio::test]
async fn the_socket_is_kept_alive() {
    let mut bench = Bench::new(100);
    bench.limits.ping = Duration::from_millis(30);
    let mut carrier = bench.dial().await;
    carrier.start("good").await;
    let mut pings = 0;
    while pings < 5 {
        pings += usize::from(matches!(carrier.next().await, Message::Ping(_)));
    }
    carrier.say(json!({"event": "stop"})).await;
    assert_eq!(carrier.closed().await.0, 1000);
}

#[tokio::test]
async fn a_slow_store_delays_no_sound_and_all_is_kept_before_the_close() {
    let mut bench = Bench::new(100);
    Arc::get_mut(&mut bench.line).unwrap().pace = Semaphore::new(0);
    let mut carrier = bench.dial().await;
    carrier.start("good").await;
    assert_eq!(carrier.clip().await.1, 15);
    carrier.utterance().await;
    assert_eq!(carrier.clip().await.1, 5);
    assert_eq!(bench.events(), []);
    carrier.say(json!({"event": "stop"})).await;
    bench.line.pace.add_permits(100);
    loop {
        if let Message::Close(_) = carrier.next().await {
            break;
        }
    }
    assert_eq!(told(&bench.events()).last().unwrap(), "closed stopped");
}

#[tokio::test]
async fn a_store_that_hangs_does_not_keep_the_socket() {
    let mut bench = Bench::new(100);
    bench.limits.host = Duration::from_millis(50);
    Arc::get_mut(&mut bench.line).unwrap().pace = Semaphore::new(0);
    let mut carrier = bench.dial().await;
    carrier.start("good").await;
    carrier.clip().await;
    carrier.say(json!({"event": "stop"})).await;
    assert_eq!(carrier.closed().await.0, 1000);
}

/// Loses the first report for ever, and counts the others as soon as they are begun.
struct Stuck {
    line: Arc<Line>,
    begun: Mutex<Vec<Event>>,
}

impl Host for Stuck {
    fn admit(&self, start: Start) -> BoxFuture<'_, Admission> {
        self.line.admit(start)
    }

    fn report<'a>(&'a self, _call_sid: &'a str, event: Event) -> BoxFuture<'a, ()> {
        Box::pin(async move {
            self.begun.lock().unwrap().push(event);
            std::future::pending().await
        })
    }
}

#[tokio::test]
async fn a_report_that_never_ends_costs_no_other_and_all_of_them_one_limit_at_the_close() {
    let host = Stuck {
        line: Bench::new(100).line,
        begun: Mutex::default(),
    };
    let (events, inbox) = mpsc::channel(EVENTS);
    events.send(Event::FirstFrame).await.unwrap();
    let limit = Duration::from_millis(200);
    let told = async {
        // The conversation goes on until the second was begun.
        let exit = "transfer".into();
        let why = crate::talk::End::Exit;
        events.send(Event::Finished { exit, why }).await.unwrap();
        while host.begun.lock().unwrap().len() < 2 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        for _ in 0..200 {
            events.send(Event::Set(serde_json::Map::new())).await.unwrap();
        }
        drop(events);
    };
    let all = async { tokio::join!(report_all(limit, &host, "CA1", inbox), told) };
    // One after the other, their limits would come to forty seconds.
    timeout(Duration::from_secs(20), all).await.expect("it takes too long");
    let begun = host.begun.lock().unwrap();
    assert_eq!(begun.len(), 202);
    assert!(matches!(begun[1], Event::Finished { .. }));
}
