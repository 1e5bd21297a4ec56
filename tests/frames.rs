//! A frame costs no allocation, in or out: sessions that differ only in their number of frames allocate alike.
//! Alone in its program, since it counts every allocation of a thread.

use bytes::Bytes;
use engine::media::{Admission, Crew, Event, Host, Limits, Pulse, Services, Start, TalkSetup, config, run_within};
use engine::talk::{Input, Order, Output, Talk};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{accept_async_with_config, client_async};

/// Says one thing and takes no notice of anything.
struct Monologue(Bytes);

impl Talk for Monologue {
    fn handle(&mut self, _: u64, input: Input<'_>, out: &mut Vec<Output>) {
        if input == Input::Started {
            out.push(Output::Sound { ulaw: self.0.clone() });
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

struct Line(Mutex<Option<TalkSetup>>);

impl Host for Line {
    fn admit(&self, _: Start) -> BoxFuture<'_, Admission> {
        let setup = self.0.lock().unwrap().take().unwrap();
        Box::pin(async { Admission::Talk(setup) })
    }

    fn report<'a>(&'a self, _: &'a str, _: Event) -> BoxFuture<'a, ()> {
        Box::pin(async {})
    }
}

/// Sends so many frames, takes so many, and says stop.
async fn carrier(address: SocketAddr, frames_in: usize, frames_out: usize) {
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let (mut socket, _) = client_async("ws://127.0.0.1/", stream).await.unwrap();
    let start = r#"{"event":"start","streamSid":"MZ1","start":{"streamSid":"MZ1","callSid":"CA1"}}"#;
    socket.send(Message::text(start)).await.unwrap();
    let payload = base64_simd::STANDARD.encode_to_string([0x55; 160]);
    let frame = format!(
        r#"{{"event":"media","sequenceNumber":"3","media":{{"track":"inbound","chunk":"2","timestamp":"25","payload":"{payload}"}},"streamSid":"MZ1"}}"#
    );
    let mut heard = 0;
    for _ in 0..frames_in {
        socket.send(Message::text(frame.clone())).await.unwrap();
    }
    while heard < frames_out {
        heard += usize::from(socket.next().await.unwrap().unwrap().is_text());
    }
    socket.send(Message::text(r#"{"event":"stop"}"#)).await.unwrap();
    while let Some(Ok(_)) = socket.next().await {}
}

/// How many allocations a whole session makes.
fn allocations(frames_in: usize, frames_out: usize) -> u64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let address = listener.local_addr().unwrap();
    let runtime = || {
        tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap()
    };
    let other = std::thread::spawn(move || runtime().block_on(carrier(address, frames_in, frames_out)));
    let (_signals, signals) = mpsc::channel(1);
    let (_control, control) = mpsc::channel(1);
    let setup = TalkSetup {
        talk: Box::new(Monologue(vec![7; 160 * frames_out].into())),
        clips: Vec::new().into(),
        pulse: Arc::new(Pulse::new()),
        control,
        crew: Some(Crew {
            services: Box::new(Sink),
            signals,
        }),
        tape: None,
    };
    let line = Line(Mutex::new(Some(setup)));
    let mut summary = None;
    let runtime = runtime();
    let counted = allocation_counter::measure(|| {
        summary = Some(runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            let (stream, _) = listener.accept().await.unwrap();
            let socket = accept_async_with_config(stream, Some(config())).await.unwrap();
            run_within(Limits::default(), socket, None, &line).await
        }));
    });
    other.join().unwrap();
    let summary = summary.unwrap();
    assert_eq!(
        (summary.frames_in, summary.frames_out),
        (frames_in as u64, frames_out as u64)
    );
    counted.count_total
}

#[test]
fn a_frame_costs_no_allocation() {
    // Whatever is made once is made.
    allocations(100, 10);
    let few = allocations(500, 20);
    let more_in = allocations(20_500, 20);
    let more_out = allocations(500, 120);
    let both = [more_in, more_out].map(|count| count.saturating_sub(few));
    // How the kernel cuts the stream decides how often a buffer grows; that has an end, frames have none.
    assert!(
        both.iter().all(|&surplus| surplus <= 20),
        "{few}, {more_in}, {more_out}"
    );
}
