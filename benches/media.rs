//! What a call costs on its socket: `cargo bench --bench media`, with `CALLS=300` or another number.
//!
//! The same load, fifty frames a second each way over real sockets, is put on a plain echo server and on the media
//! session, each in a process of its own, so that their processor time and memory can be told from the load's.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::media::{Admission, Crew, Event, Host, Pulse, Services, Start, TalkSetup, config, run};
use engine::talk::{Clip, Input, Order, Output, Play, Talk};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval_at, sleep, timeout};
use tokio_tungstenite::tungstenite::{Message, Utf8Bytes};
use tokio_tungstenite::{WebSocketStream, accept_async_with_config, client_async};

const FRAME: Duration = Duration::from_millis(20);
/// How long the load runs before it is measured, and while it is.
const WARM: Duration = Duration::from_secs(3);
const WINDOW: Duration = Duration::from_secs(10);
/// Frames that are sent ahead: 200 ms.
const LEAD: u32 = 10;
/// The code of a caller who interrupts.
const INTERRUPT: u8 = 1;

fn main() {
    let arguments: Vec<String> = std::env::args().collect();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    match arguments.iter().find_map(|argument| argument.strip_prefix("serve-")) {
        Some(kind) => runtime.block_on(serve(kind == "echo")),
        None => runtime.block_on(measure()),
    }
}

async fn measure() {
    let calls = std::env::var("CALLS")
        .ok()
        .and_then(|calls| calls.parse().ok())
        .unwrap_or(300);
    println!("{calls} calls, {} s", WINDOW.as_secs());
    println!("server    %core/call     kB/call           frames    late     worst   clear p50      p99");
    for kind in ["echo", "session"] {
        let server = Server::start(kind);
        let before = server.memory();
        let mut load = Vec::new();
        for number in 0..calls {
            // Calls do not beat in time with each other.
            load.push(tokio::spawn(call(server.port, number, kind == "session")));
            sleep(Duration::from_micros(3700)).await;
        }
        sleep(WARM).await;
        let (busy, began) = (server.busy(), Instant::now());
        sleep(WINDOW).await;
        let percent = 100.0 * (server.busy() - busy) / began.elapsed().as_secs_f64() / f64::from(calls);
        let memory = (server.memory() - before) / f64::from(calls);
        let mut total = Heard::default();
        let mut clears = Vec::new();
        for call in load {
            let heard = call.await.expect("no call fails");
            total.frames += heard.frames;
            total.late += heard.late;
            total.worst = total.worst.max(heard.worst);
            clears.extend(heard.clear);
        }
        clears.sort();
        let at = |share: usize| {
            clears
                .get(clears.len() * share / 100)
                .map_or("-".to_owned(), |t| format!("{t:.1?}"))
        };
        println!(
            "{kind:<9} {percent:>8.4} {memory:>11.1} {:>16} {:>7} {:>9.1?} {:>11} {:>8}",
            total.frames,
            total.late,
            total.worst,
            at(50),
            at(99)
        );
    }
}

/// What one call's carrier saw.
#[derive(Default)]
struct Heard {
    frames: u64,
    /// Frames that came more than 20 ms behind the clock that the first one set.
    late: u64,
    worst: Duration,
    /// From the frame with which the caller interrupts to the `clear`.
    clear: Option<Duration>,
}

/// Speaks and listens for as long as is measured; then interrupts, in the midst of the others.
async fn call(port: u16, number: u32, marked: bool) -> Heard {
    let stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("the server listens");
    stream.set_nodelay(true).expect("a TCP socket");
    let (mut socket, _) = client_async("ws://127.0.0.1/", stream).await.expect("a WebSocket");
    let start = format!(
        r#"{{"event":"start","streamSid":"MZ1","start":{{"streamSid":"MZ1","callSid":"CA{number}","customParameters":{{}}}}}}"#
    );
    if marked {
        send(&mut socket, &start.into()).await;
    }
    let (frame, interrupt) = (inbound(0x55), inbound(INTERRUPT));
    let mut heard = Heard::default();
    let mut first = None;
    let end = Instant::now() + WARM + WINDOW + Duration::from_secs(1) + Duration::from_millis(u64::from(number) * 10);
    let mut beat = interval_at(Instant::now() + FRAME, FRAME);
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    while Instant::now() < end {
        tokio::select! {
            _ = beat.tick() => send(&mut socket, &frame).await,
            message = socket.next() => {
                let message = message.expect("still open").expect("still a WebSocket");
                if message.to_text().is_ok_and(|text| text.contains("\"media\"")) {
                    let now = Instant::now();
                    let first = *first.get_or_insert(now);
                    let due = first + FRAME * (heard.frames as u32).saturating_sub(LEAD - 1);
                    let late = now.saturating_duration_since(due);
                    heard.frames += 1;
                    heard.late += u64::from(marked && late > FRAME);
                    if marked {
                        heard.worst = heard.worst.max(late);
                    }
                }
            }
        }
    }
    if marked {
        let said = Instant::now();
        send(&mut socket, &interrupt).await;
        let clear = async {
            while let Some(Ok(message)) = socket.next().await {
                if message.to_text().is_ok_and(|text| text.contains("\"clear\"")) {
                    return said.elapsed();
                }
            }
            panic!("it is never cleared");
        };
        heard.clear = Some(timeout(Duration::from_secs(5), clear).await.expect("a clear in time"));
    }
    heard
}

async fn send(socket: &mut WebSocketStream<TcpStream>, text: &Utf8Bytes) {
    socket
        .send(Message::Text(text.clone()))
        .await
        .expect("the server takes it");
}

/// A frame as the carrier words it.
fn inbound(code: u8) -> Utf8Bytes {
    let payload = base64_simd::STANDARD.encode_to_string([code; 160]);
    format!(
        r#"{{"event":"media","sequenceNumber":"926","media":{{"track":"inbound","chunk":"925","timestamp":"18553","payload":"{payload}"}},"streamSid":"MZ1"}}"#
    )
    .into()
}

/// A server in a process of its own.
struct Server {
    process: Child,
    port: u16,
}

impl Server {
    fn start(kind: &str) -> Self {
        let program = std::env::current_exe().expect("this program");
        let mut process = Command::new(program)
            .arg(format!("serve-{kind}"))
            .stdout(Stdio::piped())
            .spawn()
            .expect("a second process");
        let mut port = String::new();
        let output = process.stdout.take().expect("its output is piped");
        BufReader::new(output).read_line(&mut port).expect("its port");
        let port = port.trim().parse().expect("a number");
        Self { process, port }
    }

    /// Seconds of processor time it used, from the 14th and 15th field of its `stat`, in hundredths.
    fn busy(&self) -> f64 {
        let stat = self.proc("stat");
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks = |field: usize| fields[field - 3].parse::<f64>().expect("a number");
        (ticks(14) + ticks(15)) / 100.0
    }

    /// Kilobytes of memory it holds.
    fn memory(&self) -> f64 {
        let status = self.proc("status");
        let line = status
            .lines()
            .find(|line| line.starts_with("VmRSS"))
            .expect("every process has one");
        line.split_whitespace()
            .nth(1)
            .and_then(|size| size.parse().ok())
            .expect("a number")
    }

    fn proc(&self, name: &str) -> String {
        std::fs::read_to_string(format!("/proc/{}/{name}", self.process.id())).expect("Linux, and the server runs")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}

async fn serve(echo: bool) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("it is bound").port());
    let line = Arc::new(Line {
        clips: vec![Clip::new(vec![0x55; 120 * 8000], "")].into(),
        held: Mutex::default(),
    });
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a TCP socket");
        let line = Arc::clone(&line);
        tokio::spawn(async move {
            let mut socket = accept_async_with_config(stream, Some(config()))
                .await
                .expect("a WebSocket");
            if !echo {
                run(socket, None, &*line).await;
                return;
            }
            while let Some(Ok(message)) = socket.next().await {
                if message.is_text() && socket.send(message).await.is_err() {
                    return;
                }
            }
        });
    }
}

/// Talks for two minutes, and stops where the caller interrupts.
struct Lecture;

impl Talk for Lecture {
    fn handle(&mut self, _: u64, input: Input<'_>, out: &mut Vec<Output>) {
        match input {
            Input::Started => out.push(Output::Play {
                clip: 0,
                play: Play {
                    generation: 1,
                    number: 0,
                },
            }),
            Input::Frame([INTERRUPT, ..]) => out.push(Output::Clear),
            _ => {}
        }
    }

    fn deadline(&self) -> Option<u64> {
        None
    }
}

struct Sink;

impl Services for Sink {
    fn hear(&mut self, _: &[u8]) {}

    fn order(&mut self, _: Order) {}
}

struct Line {
    clips: Arc<[Clip]>,
    /// The other ends of every call's channels.
    held: Mutex<Vec<Box<dyn Send>>>,
}

impl Host for Line {
    fn admit(&self, _: Start) -> BoxFuture<'_, Admission> {
        let (orders, control) = mpsc::channel(1);
        let (tell, signals) = mpsc::channel(64);
        self.held.lock().expect("nobody panics").push(Box::new((orders, tell)));
        let setup = TalkSetup {
            talk: Box::new(Lecture),
            clips: Arc::clone(&self.clips),
            pulse: Arc::new(Pulse::new()),
            control,
            crew: Some(Crew {
                services: Box::new(Sink),
                signals,
            }),
            tape: None,
        };
        Box::pin(async { Admission::Talk(setup) })
    }

    fn report<'a>(&'a self, _: &'a str, _: Event) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}
