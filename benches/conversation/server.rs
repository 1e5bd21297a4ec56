//! The side that is measured, in a process of its own: a plain echo, or the engine's media session with an agent behind it.

use crate::carrier::FRAME;
use crate::services::Services;
use engine::media::{Admission, Event, Host, Pulse, Start, TalkSetup, config, run};
use engine::pipeline::{self, Named, Staff};
use engine::providers::Service;
use engine::providers::{listen, speak, think};
use engine::talk::agent::{Conversation, Greeting, Line, Plan};
use engine::talk::{Clip, Facts, Role};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use std::io::{BufRead, BufReader, Write};
use std::pin::Pin;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Instant;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_tungstenite::accept_async_with_config;

/// Frames that are sent ahead: 200 ms.
const LEAD: u32 = 10;

/// What a server does with a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Sends back what comes.
    Echo,
    /// Answers every turn.
    Conversation,
    /// Talks for as long as the caller does, and cannot be interrupted.
    Speaking,
}

impl Kind {
    pub const fn name(self) -> &'static str {
        match self {
            Self::Echo => "echo",
            Self::Conversation => "conversation",
            Self::Speaking => "speaking",
        }
    }
}

/// A server in a process of its own.
pub struct Server {
    process: Child,
    output: BufReader<ChildStdout>,
    pub port: u16,
}

/// What a server says of itself at the end.
#[derive(Debug, Default)]
pub struct Account {
    /// Frames that were given to the socket more than 20 ms behind the clock that the first one set, and the worst, in ms.
    pub late: u64,
    pub worst: f64,
    /// How often a thread of the same process that only waits woke more than 20 ms late, and the worst, in ms.
    pub stalls: u64,
    pub stall: f64,
    /// The middle of what the conversations' own facts say, in ms after the last sound: the end of the turn, the first sound sent.
    pub closed: u64,
    pub sent: u64,
}

impl Server {
    pub fn start(kind: Kind, services: &Services) -> Self {
        let program = std::env::current_exe().expect("this program");
        let ports = [services.listen, services.think, services.speak].map(|port| port.to_string());
        let mut process = Command::new(program)
            .args(["serve", kind.name()])
            .args(ports)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a second process");
        let mut output = BufReader::new(process.stdout.take().expect("its output is piped"));
        let mut port = String::new();
        output.read_line(&mut port).expect("its port");
        let port = port.trim().parse().expect("a number");
        Self { process, output, port }
    }

    /// Seconds of processor time it used.
    pub fn busy(&self) -> f64 {
        busy(self.process.id())
    }

    /// Kilobytes of memory it holds.
    pub fn memory(&self) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.expect("Linux, and the server runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let size = line.and_then(|line| line.split_whitespace().next());
        size.and_then(|size| size.parse().ok()).expect("a number")
    }

    pub fn account(&mut self) -> Account {
        let input = self.process.stdin.as_mut().expect("its input is piped");
        input.write_all(b"\n").expect("it reads");
        let mut line = String::new();
        self.output.read_line(&mut line).expect("its account");
        let numbers: Vec<u64> = line.split_whitespace().filter_map(|word| word.parse().ok()).collect();
        let [late, worst, stalls, stall, closed, sent] = numbers[..] else {
            panic!("no account: {line}");
        };
        Account {
            late,
            worst: worst as f64 / 1000.0,
            stalls,
            stall: stall as f64 / 1000.0,
            closed,
            sent,
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ended = self.process.kill();
        let _waited = self.process.wait();
    }
}

/// Seconds of processor time a process used, from the 14th and 15th field of its `stat`, in hundredths.
pub fn busy(process: u32) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).expect("Linux, and the process runs");
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
    let ticks = |field: usize| fields[field - 3].parse::<f64>().expect("a number");
    (ticks(14) + ticks(15)) / 100.0
}

/// The process of a server: the kind, and the ports of those who listen, think and speak.
pub async fn serve(arguments: &[String]) {
    let kind = [Kind::Echo, Kind::Conversation, Kind::Speaking]
        .into_iter()
        .find(|kind| kind.name() == arguments[0])
        .expect("a kind of server");
    let ports: Vec<u16> = arguments[1..].iter().filter_map(|port| port.parse().ok()).collect();
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    println!("{}", listener.local_addr().expect("it is bound").port());
    let line = Arc::new(Calls::new(kind, &ports));
    let accounts = Arc::clone(&line);
    let idle = Arc::clone(&line);
    std::thread::spawn(move || idle.watch());
    std::thread::spawn(move || {
        for _asked in std::io::stdin().lines() {
            println!("{}", accounts.account());
        }
    });
    loop {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a TCP socket");
        let line = Arc::clone(&line);
        tokio::spawn(async move {
            let stream = Stamped {
                stream,
                line: Arc::clone(&line),
                first: None,
                frames: 0,
            };
            let accepted = accept_async_with_config(stream, Some(config())).await;
            let mut socket = accepted.expect("a WebSocket");
            if kind != Kind::Echo {
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

/// All calls of the server.
struct Calls {
    plan: Arc<Plan>,
    clips: Arc<[Clip]>,
    kind: Kind,
    services: [Service; 3],
    /// The other ends of every call's channels.
    held: Mutex<Vec<Box<dyn Send>>>,
    facts: Mutex<Vec<Facts>>,
    late: AtomicU64,
    worst: AtomicU64,
    /// The same of a thread that does nothing else: what the machine alone does.
    stalls: AtomicU64,
    stall: AtomicU64,
}

impl Calls {
    fn new(kind: Kind, ports: &[u16]) -> Self {
        let mut plan = Plan::default();
        let mut clips = Vec::new();
        // The services say the same every time.
        plan.echo.repeats = 0;
        if kind == Kind::Speaking {
            clips.push(Clip::new(vec![0x55; 120 * 8000], ""));
            plan.greeting = Some(Greeting {
                line: Line::clip(0),
                interruptible: false,
            });
        }
        let service = |kind: &str, port: usize| Service {
            name: kind.to_owned(),
            kind: kind.to_owned(),
            base_url: Some(format!("http://127.0.0.1:{}", ports[port])),
            key: Some("a-key".to_owned().into()),
            model: Some("a-model".to_owned()),
            voice: Some("21m00Tcm4TlvDq8ikWAM".to_owned()),
            language: Some("en".to_owned()),
            ..Service::default()
        };
        Self {
            plan: Arc::new(plan),
            clips: clips.into(),
            kind,
            services: [service("deepgram", 0), service("openai", 1), service("elevenlabs", 2)],
            held: Mutex::default(),
            facts: Mutex::default(),
            late: AtomicU64::new(0),
            worst: AtomicU64::new(0),
            stalls: AtomicU64::new(0),
            stall: AtomicU64::new(0),
        }
    }

    /// Those who serve a call: the number in their address tells the call.
    fn staff(&self, call: &str) -> Staff {
        let [listen, think, speak] = self.services.clone().map(|mut service| {
            service.base_url = service.base_url.map(|base| format!("{base}/{call}"));
            service
        });
        fn named<P: ?Sized>(service: &Service, provider: Arc<P>) -> Vec<Named<P>> {
            vec![Named {
                name: service.name.as_str().into(),
                provider,
                patience: service.patience,
            }]
        }
        Staff {
            listen: named(&listen, listen::listener(&listen).expect("a listener")),
            think: named(&think, think::thinker(&think).expect("a model")),
            speak: named(&speak, speak::speaker(&speak).expect("a voice")),
            ..Staff::default()
        }
    }

    /// Wakes every few milliseconds, and notes how late it did.
    #[expect(clippy::disallowed_methods, reason = "a thread of its own, that serves nobody")]
    fn watch(&self) {
        loop {
            let due = Instant::now() + FRAME / 4;
            std::thread::sleep(FRAME / 4);
            let late = due.elapsed();
            self.stalls.fetch_add(u64::from(late > FRAME), Ordering::Relaxed);
            self.stall.fetch_max(late.as_micros() as u64, Ordering::Relaxed);
        }
    }

    fn account(&self) -> String {
        let facts = self.facts.lock().expect("nobody panics");
        let middle = |fact: fn(&Facts) -> Option<u32>| {
            let mut all: Vec<u32> = facts.iter().filter_map(fact).collect();
            all.sort_unstable();
            all.get(all.len() / 2).copied().unwrap_or(0)
        };
        let (closed, sent) = (middle(|facts| facts.end_of_turn), middle(|facts| facts.sent));
        let [late, worst, stalls, stall] =
            [&self.late, &self.worst, &self.stalls, &self.stall].map(|number| number.load(Ordering::Relaxed));
        format!("{late} {worst} {stalls} {stall} {closed} {sent}")
    }
}

impl Host for Calls {
    fn admit(&self, start: Start) -> BoxFuture<'_, Admission> {
        let (orders, control) = mpsc::channel(1);
        self.held.lock().expect("nobody panics").push(Box::new(orders));
        let staff = self.staff(start.call_sid.trim_start_matches("CA"));
        let instructions = "You answer the telephone of a parcel service. Be brief and friendly.".to_owned();
        let crew = pipeline::begin(&staff, &instructions);
        let talk = Conversation::new(Arc::clone(&self.plan), &self.clips, instructions).expect("a good plan");
        let setup = TalkSetup {
            talk: Box::new(talk),
            clips: Arc::clone(&self.clips),
            pulse: Arc::new(Pulse::new()),
            control,
            crew: Some(crew),
            tape: None,
        };
        Box::pin(async { Admission::Talk(setup) })
    }

    fn report<'a>(&'a self, call: &'a str, event: Event) -> BoxFuture<'a, ()> {
        match event {
            Event::Turn(turn) => {
                if let Some(facts) = turn.facts {
                    self.facts.lock().expect("nobody panics").push(*facts);
                } else if turn.role == Role::Caller {
                    eprintln!("{call}: a turn without facts");
                }
            }
            Event::Finished { exit, why } => eprintln!("{call}: ended early with `{exit}`, {why:?}"),
            _ => {}
        }
        Box::pin(async {})
    }
}

/// A socket that notes how far behind the clock each frame of a call that always speaks is when it is written.
struct Stamped {
    stream: TcpStream,
    line: Arc<Calls>,
    first: Option<Instant>,
    frames: u32,
}

impl Stamped {
    fn note(&mut self, bytes: &[u8]) {
        // One message a write: two or four bytes of framing, then its text.
        let is_frame = bytes.windows(15).take(5).any(|text| text == br#"{"event":"media"#);
        if self.line.kind != Kind::Speaking || !is_frame {
            return;
        }
        let now = Instant::now();
        let due = *self.first.get_or_insert(now) + FRAME * self.frames.saturating_sub(LEAD - 1);
        let late = now.saturating_duration_since(due);
        self.frames += 1;
        self.line.late.fetch_add(u64::from(late > FRAME), Ordering::Relaxed);
        self.line.worst.fetch_max(late.as_micros() as u64, Ordering::Relaxed);
    }
}

impl AsyncWrite for Stamped {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        if written.is_ready() {
            self.note(bytes);
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}

impl AsyncRead for Stamped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, buffer)
    }
}
