//! Tests of the loop over real sockets: a conversation that does what it is signalled, and a carrier that keeps what
//! it is sent.

use super::super::host::{Admission, Host};
use super::super::socket::config;
use super::super::tape::{Tape, TapeError, Taped};
use super::super::wire::Start;
use super::super::{Summary, run_within};
use super::*;
use crate::audio::mulaw::SILENCE;
use crate::audio::wav;
use crate::talk::{Clip, Order, Play};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::Mutex;
use tokio::io::DuplexStream;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{interval, sleep, timeout};
use tokio_tungstenite::tungstenite::protocol::Role;
use tokio_tungstenite::{WebSocketStream, accept_async_with_config, client_async};

type Log = Arc<Mutex<Vec<String>>>;

/// Does as it is told: sound and marks come as signals, the rest as words. What it is given is written down.
struct Puppet(Log);

impl Talk for Puppet {
    fn handle(&mut self, _: u64, input: Input<'_>, out: &mut Vec<Output>) {
        let line = match input {
            Input::Signal(Signal::Sound { ulaw, .. }) => return out.push(Output::Sound { ulaw: ulaw.clone() }),
            Input::Signal(Signal::Spoken { generation, piece }) => {
                let play = Play {
                    generation: *generation,
                    number: *piece,
                };
                return out.push(Output::Mark { play });
            }
            Input::Signal(Signal::Token { text, .. }) => {
                match &**text {
                    "pause" => out.push(Output::Pause),
                    "resume" => out.push(Output::Resume),
                    "clear" => out.push(Output::Clear),
                    "order" => out.push(Output::Order(Order::Cancel { generation: 4 })),
                    "nothing" => return,
                    other => panic!("{other}"),
                }
                text.clone()
            }
            Input::Frame(frame) => format!("frame {}", frame[0]),
            Input::Digit(key) => format!("key {key}"),
            Input::Played(play) => format!("played {}", play.number),
            Input::Started => "started".to_owned(),
            Input::Stopped => "stopped".to_owned(),
            Input::Signal(_) | Input::Tick => return,
        };
        self.0.lock().unwrap().push(line);
    }

    fn deadline(&self) -> Option<u64> {
        None
    }
}

/// Writes down what it is given, too.
struct Crewman(Log);

impl Services for Crewman {
    fn hear(&mut self, frame: &[u8]) {
        self.0.lock().unwrap().push(format!("heard {}", frame[0]));
    }

    fn order(&mut self, order: Order) {
        self.0.lock().unwrap().push(format!("{order:?}"));
    }
}

struct Line {
    setup: Mutex<Option<TalkSetup>>,
    events: Mutex<Vec<Event>>,
}

impl Host for Line {
    fn admit(&self, _: Start) -> BoxFuture<'_, Admission> {
        let setup = self.setup.lock().unwrap().take().unwrap();
        Box::pin(async { Admission::Talk(setup) })
    }

    fn report<'a>(&'a self, _: &'a str, event: Event) -> BoxFuture<'a, ()> {
        Box::pin(async { self.events.lock().unwrap().push(event) })
    }
}

/// A call whose conversation is a puppet.
struct Call<S> {
    line: Arc<Line>,
    log: Log,
    signals: Option<mpsc::Sender<Signal>>,
    control: mpsc::Sender<Control>,
    socket: WebSocketStream<S>,
    session: JoinHandle<Summary>,
}

fn line(log: &Log, tape: Option<Tape>) -> (Arc<Line>, mpsc::Sender<Signal>, mpsc::Sender<Control>) {
    let (signals, inbox) = mpsc::channel(64);
    let (control, orders) = mpsc::channel(1);
    let setup = TalkSetup {
        talk: Box::new(Puppet(log.clone())),
        clips: vec![Clip::new(vec![1; 8000], "")].into(),
        pulse: Arc::default(),
        control: orders,
        crew: Some(Crew {
            services: Box::new(Crewman(log.clone())),
            signals: inbox,
        }),
        tape,
    };
    let line = Line {
        setup: Mutex::new(Some(setup)),
        events: Mutex::default(),
    };
    (Arc::new(line), signals, control)
}

async fn dial(tape: Option<Tape>) -> Call<TcpStream> {
    let log = Log::default();
    let (line, signals, control) = line(&log, tape);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let host = line.clone();
    let session = tokio::spawn(async move {
        let (stream, _) = listener.accept().await.unwrap();
        let socket = accept_async_with_config(stream, Some(config())).await.unwrap();
        run_within(Limits::default(), socket, None, &*host).await
    });
    let stream = TcpStream::connect(address).await.unwrap();
    let (socket, _) = client_async("ws://127.0.0.1/", stream).await.unwrap();
    begun(line, log, signals, control, socket, session).await
}

/// Over a connection with room for a kilobyte: three frames.
async fn dial_narrow() -> Call<DuplexStream> {
    let log = Log::default();
    let (line, signals, control) = line(&log, None);
    let (near, far) = tokio::io::duplex(1024);
    let socket = WebSocketStream::from_raw_socket(far, Role::Client, None).await;
    let host = line.clone();
    let session = tokio::spawn(async move {
        let socket = WebSocketStream::from_raw_socket(near, Role::Server, Some(config())).await;
        run_within(Limits::default(), socket, None, &*host).await
    });
    begun(line, log, signals, control, socket, session).await
}

async fn begun<S: AsyncRead + AsyncWrite + Unpin>(
    line: Arc<Line>,
    log: Log,
    signals: mpsc::Sender<Signal>,
    control: mpsc::Sender<Control>,
    socket: WebSocketStream<S>,
    session: JoinHandle<Summary>,
) -> Call<S> {
    let mut call = Call {
        line,
        log,
        signals: Some(signals),
        control,
        socket,
        session,
    };
    let start = json!({"streamSid": "MZ1", "callSid": "CA1", "customParameters": {}});
    call.say(json!({"event": "start", "streamSid": "MZ1", "start": start}))
        .await;
    call.logged("started").await;
    call
}

/// What a carrier was sent.
#[derive(Debug, PartialEq)]
enum Sent {
    Media(Vec<u8>),
    Mark(Value),
    Clear,
}

impl<S: AsyncRead + AsyncWrite + Unpin> Call<S> {
    async fn say(&mut self, message: Value) {
        self.socket.send(Message::text(message.to_string())).await.unwrap();
    }

    async fn frame(&mut self, code: u8) {
        let payload = base64_simd::STANDARD.encode_to_string([code; FRAME]);
        self.say(json!({"event": "media", "media": {"track": "inbound", "payload": payload}}))
            .await;
    }

    async fn signal(&self, signal: Signal) {
        self.signals.as_ref().unwrap().send(signal).await.unwrap();
    }

    async fn sound(&self, ulaw: impl Into<Bytes>) {
        self.signal(Signal::Sound {
            generation: 1,
            piece: 0,
            ulaw: ulaw.into(),
        })
        .await;
    }

    async fn mark(&self, piece: u32) {
        self.signal(Signal::Spoken { generation: 1, piece }).await;
    }

    /// Has the puppet do this, and waits until it has.
    async fn command(&self, text: &str) {
        let before = self.count(text);
        self.signal(Signal::Token {
            generation: 1,
            text: text.to_owned(),
        })
        .await;
        self.until(|call| call.count(text) > before).await;
    }

    fn count(&self, line: &str) -> usize {
        self.log.lock().unwrap().iter().filter(|logged| *logged == line).count()
    }

    async fn logged(&self, line: &str) {
        self.until(|call| call.count(line) > 0).await;
    }

    async fn until(&self, condition: impl Fn(&Self) -> bool) {
        let wait = async {
            while !condition(self) {
                sleep(Duration::from_millis(2)).await;
            }
        };
        if timeout(Duration::from_secs(20), wait).await.is_err() {
            panic!("it never came: {:?}", self.log.lock().unwrap());
        }
    }

    async fn next(&mut self) -> Sent {
        loop {
            let message = timeout(Duration::from_secs(20), self.socket.next())
                .await
                .expect("nothing came");
            let Message::Text(text) = message.unwrap().unwrap() else {
                continue;
            };
            let mut event: Value = serde_json::from_str(&text).unwrap();
            return match event["event"].as_str().unwrap() {
                "media" => {
                    let payload = event["media"]["payload"].as_str().unwrap();
                    Sent::Media(base64_simd::STANDARD.decode_to_vec(payload).unwrap())
                }
                "mark" => Sent::Mark(event["mark"].take()),
                "clear" => Sent::Clear,
                other => panic!("{other}"),
            };
        }
    }

    /// The sound up to the next mark or clear, and that.
    async fn stretch(&mut self) -> (Vec<u8>, Sent) {
        let mut sound = Vec::new();
        loop {
            match self.next().await {
                Sent::Media(frame) => sound.extend(frame),
                other => return (sound, other),
            }
        }
    }

    async fn give_back(&mut self, mark: &Value) {
        self.say(json!({"event": "mark", "mark": mark})).await;
    }

    async fn hang_up(mut self) -> Summary {
        self.say(json!({"event": "stop"})).await;
        while let Some(Ok(_)) = self.socket.next().await {}
        self.session.await.unwrap()
    }
}

/// Sound of which every stretch is different.
fn speech(bytes: usize) -> Vec<u8> {
    (0..bytes).map(|at| (at / 160 % 120) as u8 ^ (at % 2) as u8).collect()
}

#[tokio::test]
async fn streamed_sound_arrives_in_one_piece_and_at_its_pace() {
    let mut call = dial(None).await;
    let said = speech(8000);
    let began = Instant::now();
    for lump in said.chunks(777) {
        call.sound(lump.to_vec()).await;
    }
    call.mark(3).await;
    let mut sound = Vec::new();
    let mark = loop {
        match call.next().await {
            Sent::Media(frame) => {
                assert_eq!(frame.len(), FRAME);
                let ahead = (sound.len() as u64 / 8).saturating_sub(began.elapsed().as_millis() as u64);
                assert!(ahead <= 200, "{ahead} ms ahead");
                sound.extend(frame);
            }
            Sent::Mark(mark) => break mark,
            Sent::Clear => panic!("nothing was cleared"),
        }
    };
    assert_eq!(sound, said);
    assert_eq!(mark["name"], "g1n3e0");
    assert_eq!(call.count("played 3"), 0);
    call.give_back(&mark).await;
    call.logged("played 3").await;
    assert_eq!(call.hang_up().await.frames_out, 50);
}

#[tokio::test]
async fn after_a_pause_exactly_what_was_not_heard_is_sent_again() {
    let mut call = dial(None).await;
    let said = speech(16_000);
    let began = Instant::now();
    call.sound(said[..2400].to_vec()).await;
    call.mark(0).await;
    call.sound(said[2400..].to_vec()).await;
    call.mark(1).await;
    let (first, Sent::Mark(mark)) = call.stretch().await else {
        panic!("no mark")
    };
    assert_eq!(first, said[..2400]);
    call.command("pause").await;
    let latest = began.elapsed().as_millis() as usize;
    let (rest, Sent::Clear) = call.stretch().await else {
        panic!("no clear")
    };
    let sent = 2400 + rest.len();
    // The carrier returns what it swept away, and nobody is told that it was heard.
    call.give_back(&mark).await;
    call.say(json!({"event": "dtmf", "dtmf": {"digit": "1"}})).await;
    call.logged("key 1").await;
    assert_eq!(call.count("played 0"), 0);
    call.command("resume").await;
    let (mut again, mut last) = call.stretch().await;
    if matches!(&last, Sent::Mark(mark) if mark["name"] == "g1n0e1") {
        let (more, after) = call.stretch().await;
        again.extend(more);
        last = after;
    }
    let Sent::Mark(mark) = last else { panic!("{last:?}") };
    assert_eq!(mark["name"], "g1n1e1");
    while again.last() == Some(&SILENCE) {
        again.pop();
    }
    let heard = said.len() - again.len();
    assert_eq!(again, said[heard..]);
    assert!(heard <= sent && sent - heard <= 1600, "{heard} of {sent}");
    assert!(heard / 8 <= latest, "{heard} bytes in {latest} ms");
    call.give_back(&mark).await;
    call.logged("played 1").await;
    assert_eq!(call.count("played 0"), 1, "the later mark covers it");
    call.hang_up().await;
}

#[tokio::test]
async fn a_clear_overtakes_what_is_queued() {
    let mut call = dial(None).await;
    let began = Instant::now();
    call.sound(speech(16_000)).await;
    call.mark(0).await;
    assert!(matches!(call.next().await, Sent::Media(_)));
    call.command("clear").await;
    let latest = began.elapsed().as_millis() as usize;
    let (sound, Sent::Clear) = call.stretch().await else {
        panic!("no clear")
    };
    assert!(sound.len() / 8 <= latest + 200, "{} bytes in {latest} ms", sound.len());
    // What follows is new, and no mark of the old is ever sent.
    call.sound([9; FRAME].to_vec()).await;
    call.mark(7).await;
    let (sound, Sent::Mark(mark)) = call.stretch().await else {
        panic!("no mark")
    };
    assert_eq!((sound, &mark["name"]), (vec![9; FRAME], &json!("g1n7e1")));
    call.hang_up().await;
}

#[tokio::test]
async fn a_carrier_that_does_not_read_finds_the_clear_after_what_had_left() {
    let mut call = dial_narrow().await;
    call.sound(speech(16_000)).await;
    // The pipe is full: time for ten frames passes while only what fits has left.
    for _ in 0..20 {
        call.frame(4).await;
        sleep(Duration::from_millis(10)).await;
    }
    call.command("clear").await;
    let (sound, Sent::Clear) = call.stretch().await else {
        panic!("no clear")
    };
    assert!(sound.len() <= 5 * FRAME, "{} frames before it", sound.len() / FRAME);
    call.hang_up().await;
}

#[tokio::test]
async fn an_answer_that_is_still_streaming_is_heard_out_before_the_end() {
    let mut call = dial(None).await;
    let said = speech(4000);
    call.sound(said[..1000].to_vec()).await;
    assert!(matches!(call.next().await, Sent::Media(_)));
    call.control.send(Control::Drain).await.unwrap();
    // Longer than what was there lasts: the rest of a sentence may be on its way.
    sleep(Duration::from_millis(300)).await;
    call.sound(said[1000..].to_vec()).await;
    call.mark(0).await;
    let (sound, Sent::Mark(mark)) = call.stretch().await else {
        panic!("no mark")
    };
    // The end of the first lump was played out with silence, as nothing followed it in time.
    let heard: Vec<u8> = sound.into_iter().filter(|&code| code != SILENCE).collect();
    assert_eq!(heard, said[FRAME..]);
    call.give_back(&mark).await;
    while let Some(Ok(_)) = call.socket.next().await {}
    assert_eq!(call.session.await.unwrap().reason, CloseReason::Drained);
}

#[tokio::test]
async fn the_services_hear_first_and_get_their_orders() {
    let mut call = dial(None).await;
    for code in [7, 8] {
        call.frame(code).await;
    }
    call.logged("frame 8").await;
    call.command("order").await;
    let expected = [
        "started",
        "heard 7",
        "frame 7",
        "heard 8",
        "frame 8",
        "order",
        "Cancel { generation: 4 }",
    ];
    assert_eq!(*call.log.lock().unwrap(), expected);
    // When they are gone, the conversation goes on.
    call.signals = None;
    call.frame(9).await;
    call.logged("frame 9").await;
    call.say(json!({"event": "dtmf", "dtmf": {"digit": "5"}})).await;
    call.logged("key 5").await;
    assert_eq!(call.hang_up().await.reason, CloseReason::Stopped);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_of_signals_starves_neither_the_caller_nor_the_playout() {
    let mut call = dial(None).await;
    call.sound(speech(4800)).await;
    call.mark(0).await;
    let signals = call.signals.take().unwrap();
    let flood = tokio::spawn(async move {
        let mut count = 0u64;
        let nothing = || Signal::Token {
            generation: 1,
            text: "nothing".to_owned(),
        };
        while signals.send(nothing()).await.is_ok() {
            count += 1;
        }
        count
    });
    for _ in 0..50 {
        call.frame(6).await;
    }
    let (sound, Sent::Mark(mark)) = call.stretch().await else {
        panic!("no mark")
    };
    assert_eq!(sound, speech(4800));
    call.give_back(&mark).await;
    call.logged("played 0").await;
    assert_eq!(call.count("frame 6"), 50);
    let summary = call.hang_up().await;
    assert_eq!((summary.frames_in, summary.reason), (50, CloseReason::Stopped));
    assert!(flood.await.unwrap() > 1000, "that was no flood");
}

#[tokio::test]
async fn a_conversation_that_breaks_down_ends_alone() {
    let mut other = dial(None).await;
    let mut call = dial(None).await;
    call.signal(Signal::Token {
        generation: 1,
        text: "something it does not know".to_owned(),
    })
    .await;
    let close = loop {
        if let Message::Close(frame) = call.socket.next().await.unwrap().unwrap() {
            break frame.unwrap();
        }
    };
    assert_eq!(u16::from(close.code), 1000, "the call goes on with what follows");
    while let Some(Ok(_)) = call.socket.next().await {}
    assert_eq!(call.session.await.unwrap().reason, CloseReason::Failed);
    let events = call.line.events.lock().unwrap().clone();
    assert!(
        matches!(
            events[..],
            [Event::Closed {
                reason: CloseReason::Failed,
                ..
            }]
        ),
        "{events:?}"
    );
    assert_eq!(*call.log.lock().unwrap(), ["started"], "it is not asked again");
    other.frame(3).await;
    other.logged("frame 3").await;
    assert_eq!(other.hang_up().await.reason, CloseReason::Stopped);
}

#[tokio::test]
async fn the_tape_holds_what_was_said_and_what_was_heard() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("call.wav");
    let (tape, work) = Tape::create(path.clone());
    let work: JoinHandle<Result<Taped, TapeError>> = tokio::spawn(work);
    let mut call = dial(Some(tape)).await;
    let said = speech(16_000);
    call.sound(said.clone()).await;
    let mut beat = interval(Duration::from_millis(20));
    for frame in 0..60u8 {
        beat.tick().await;
        call.frame(frame).await;
        match frame {
            20 => call.command("pause").await,
            35 => call.command("resume").await,
            50 => call.command("clear").await,
            _ => {}
        }
    }
    call.logged("frame 59").await;
    let log = call.log.clone();
    let summary = call.hang_up().await;
    let taped = work.await.unwrap().unwrap();
    assert_eq!((summary.frames_in, taped.lost), (60, 0));
    assert_eq!(log.lock().unwrap().last().unwrap(), "stopped");

    let wav = wav::read(&std::fs::read(&path).unwrap()).unwrap();
    assert_eq!((wav.channels, wav.samples.len() as u64 / 16), (2, taped.millis));
    let track = |side: usize| -> Vec<i16> {
        let samples = wav.samples.iter().skip(side).step_by(2);
        samples.map(|sample| (sample * 32768.0) as i16).collect()
    };
    let decode = |sound: &[u8]| crate::audio::mulaw::decode_all(sound);
    // The caller, whole, from the first sound to the last.
    let caller = track(0);
    let spoken: Vec<u8> = (0..60).flat_map(|code| [code; FRAME]).collect();
    let begin = caller.iter().position(|&sample| sample != 0).unwrap();
    let end = caller.iter().rposition(|&sample| sample != 0).unwrap();
    assert_eq!(caller[begin..=end], decode(&spoken));
    // The agent: as far as it was heard, with the pause in the middle, and nothing twice.
    let agent = track(1);
    let heard: Vec<i16> = agent.iter().copied().filter(|&sample| sample != 0).collect();
    assert!(heard.len() > 2400 && heard.len() < 16_000, "{}", heard.len());
    assert_eq!(heard, decode(&said)[..heard.len()]);
    let began = agent.iter().position(|&sample| sample != 0).unwrap();
    let quiet = agent[began..].iter().position(|&sample| sample == 0).unwrap();
    let again = agent[began + quiet..].iter().position(|&sample| sample != 0).unwrap();
    let pause = again / 8;
    assert!((250..2000).contains(&pause), "a pause of {pause} ms");
}
