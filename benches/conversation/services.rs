//! The services that listen, think and speak, as far as the engine's adapters can tell: Deepgram, OpenAI, ElevenLabs.
//! They answer at once, and write down when they were asked and when they answered. A call is told by its address.

use crate::track::voice;
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};

const HEARD: &str = "I would like to know where my parcel is.";
const ANSWER: [&str; 6] = [
    "Your parcel left",
    " the warehouse",
    " on Tuesday.",
    " It should reach you",
    " tomorrow",
    " before noon.",
];

/// When the services of one call were asked, and when they answered.
#[derive(Debug, Default)]
pub struct Stamps {
    /// For the words of a turn.
    pub flushed: Vec<Instant>,
    /// For an answer.
    pub asked: Vec<Instant>,
    pub said: Vec<Instant>,
    /// For the sound of a piece of it.
    pub wanted: Vec<Instant>,
    pub spoke: Vec<Instant>,
}

/// All services, at work on a thread of their own.
pub struct Services {
    pub listen: u16,
    pub think: u16,
    pub speak: u16,
    book: Arc<Book>,
    runtime: Option<Runtime>,
}

struct Book {
    calls: Vec<Mutex<Stamps>>,
    thinking: AtomicU32,
}

impl Book {
    fn stamp(&self, call: usize, of: impl FnOnce(&mut Stamps) -> &mut Vec<Instant>) {
        if let Some(stamps) = self.calls.get(call) {
            of(&mut stamps.lock().expect("nobody panics")).push(Instant::now());
        }
    }
}

impl Services {
    /// Serves calls with numbers below `calls`.
    pub fn start(calls: usize) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .expect("a runtime");
        let book = Arc::new(Book {
            calls: (0..calls).map(|_| Mutex::default()).collect(),
            thinking: AtomicU32::new(0),
        });
        let lumps: Arc<[String]> = voice().into();
        let listen = served(
            &runtime,
            &book,
            |stream, book| async move { listen(stream, &book).await },
        );
        let think = served(
            &runtime,
            &book,
            |stream, book| async move { think(stream, &book).await },
        );
        let speak = served(&runtime, &book, move |stream, book| {
            let lumps = Arc::clone(&lumps);
            async move { speak(stream, &book, &lumps).await }
        });
        Self {
            listen,
            think,
            speak,
            book,
            runtime: Some(runtime),
        }
    }

    /// What was written down of a call.
    pub fn stamps(&self, call: usize) -> Stamps {
        std::mem::take(&mut *self.book.calls[call].lock().expect("nobody panics"))
    }

    /// How many connections the requests for answers took.
    pub fn connections(&self) -> u32 {
        self.book.thinking.swap(0, Ordering::Relaxed)
    }
}

impl Drop for Services {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // It is dropped among tasks, which must not wait for it.
            runtime.shutdown_background();
        }
    }
}

fn served<F>(
    runtime: &Runtime,
    book: &Arc<Book>,
    serve: impl Fn(TcpStream, Arc<Book>) -> F + Send + Sync + 'static,
) -> u16
where
    F: Future<Output = Option<()>> + Send + 'static,
{
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("it is bound").port();
    listener.set_nonblocking(true).expect("a TCP socket");
    let book = Arc::clone(book);
    runtime.spawn(async move {
        let listener = TcpListener::from_std(listener).expect("a listening socket");
        loop {
            let (stream, _) = listener.accept().await.expect("a connection");
            stream.set_nodelay(true).expect("a TCP socket");
            tokio::spawn(serve(stream, Arc::clone(&book)));
        }
    });
    port
}

/// The number of the call, with which every path begins.
fn call_of(path: &str) -> usize {
    let number = path.split('/').nth(1).and_then(|number| number.parse().ok());
    number.expect("an address that begins with the number of a call")
}

async fn accepted(stream: TcpStream) -> Option<(WebSocketStream<TcpStream>, usize)> {
    let mut call = 0;
    #[expect(clippy::result_large_err, reason = "the library's own type for a refusal")]
    let note = |request: &Request, response: Response| {
        call = call_of(request.uri().path());
        Ok(response)
    };
    let socket = accept_hdr_async(stream, note).await.ok()?;
    Some((socket, call))
}

/// Hears nothing until it is asked, as a listener does that settles late; then the caller said the same as always.
async fn listen(stream: TcpStream, book: &Book) -> Option<()> {
    let (mut socket, call) = accepted(stream).await?;
    let (mut heard, mut settled, mut told) = (0, 0, 0);
    loop {
        match socket.next().await?.ok()? {
            Message::Binary(sound) => {
                heard += sound.len();
                if heard - told >= 8000 {
                    told = heard;
                    socket.send(results(settled, heard, "", false)).await.ok()?;
                }
            }
            Message::Text(text) if text.contains("Finalize") => {
                book.stamp(call, |stamps| &mut stamps.flushed);
                socket.send(results(settled, heard, HEARD, true)).await.ok()?;
                settled = heard;
            }
            Message::Close(_) => return None,
            _ => {}
        }
    }
}

/// The words end 400 ms before the sound does.
fn results(from: usize, to: usize, text: &str, last: bool) -> Message {
    let seconds = |bytes: usize| bytes as f64 / 8000.0;
    let end = seconds(to) - 0.4;
    let count = text.split_whitespace().count();
    let words: Vec<Value> = text
        .split_whitespace()
        .enumerate()
        .map(|(index, word)| {
            let start = end - 0.08 * (count - index) as f64;
            json!({ "word": word, "punctuated_word": word, "start": start, "end": start + 0.07, "confidence": 0.99 })
        })
        .collect();
    let results = json!({
        "type": "Results", "channel_index": [0, 1], "start": seconds(from), "duration": seconds(to - from),
        "is_final": last, "speech_final": last, "from_finalize": last,
        "channel": { "alternatives": [{ "transcript": text, "confidence": 0.99, "words": words }] },
    });
    Message::Text(results.to_string().into())
}

/// Answers requests on one connection, one after the other.
async fn think(mut stream: TcpStream, book: &Book) -> Option<()> {
    book.thinking.fetch_add(1, Ordering::Relaxed);
    let mut events = String::new();
    for text in ANSWER {
        event(
            &mut events,
            &json!({ "choices": [{ "index": 0, "delta": { "content": text } }] }).to_string(),
        );
    }
    event(
        &mut events,
        &json!({ "choices": [{ "index": 0, "delta": {}, "finish_reason": "stop" }] }).to_string(),
    );
    let usage = json!({ "choices": [], "usage": { "prompt_tokens": 90, "completion_tokens": 20 } });
    event(&mut events, &usage.to_string());
    event(&mut events, "[DONE]");
    let head = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";
    let answer = format!("{head}{events}");
    let mut bytes = Vec::new();
    loop {
        let end = loop {
            if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            read(&mut stream, &mut bytes).await?;
        };
        let head = String::from_utf8_lossy(&bytes[..end]).to_ascii_lowercase();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let whole = end + length.unwrap_or(0);
        while bytes.len() < whole {
            read(&mut stream, &mut bytes).await?;
        }
        bytes.drain(..whole);
        if head.starts_with("head") {
            stream
                .write_all(b"HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n")
                .await
                .ok()?;
            continue;
        }
        let call = call_of(head.split_whitespace().nth(1)?);
        book.stamp(call, |stamps| &mut stamps.asked);
        book.stamp(call, |stamps| &mut stamps.said);
        stream.write_all(answer.as_bytes()).await.ok()?;
        // The end of the body comes on its own, as servers send it that know only then that there is no more.
        tokio::time::sleep(Duration::from_millis(2)).await;
        stream.write_all(b"0\r\n\r\n").await.ok()?;
    }
}

async fn read(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Option<()> {
    match stream.read_buf(bytes).await {
        Ok(1..) => Some(()),
        _ => None,
    }
}

/// An event in a chunk of its own.
fn event(events: &mut String, data: &str) {
    let text = format!("data: {data}\n\n");
    events.push_str(&format!("{:x}\r\n{text}\r\n", text.len()));
}

/// Speaks three seconds, whatever the words.
async fn speak(stream: TcpStream, book: &Book, lumps: &[String]) -> Option<()> {
    let (mut socket, call) = accepted(stream).await?;
    loop {
        let Message::Text(text) = socket.next().await?.ok()? else {
            continue;
        };
        let order: Value = serde_json::from_str(&text).ok()?;
        let context = order["context_id"].as_str().unwrap_or_default();
        if order["close_context"] == true {
            let over = json!({ "contextId": context, "isFinal": true });
            socket.send(Message::Text(over.to_string().into())).await.ok()?;
        } else if order["flush"] == true {
            book.stamp(call, |stamps| &mut stamps.wanted);
            let said: Vec<String> = order["text"].as_str()?.chars().map(String::from).collect();
            let starts: Vec<usize> = (0..said.len()).map(|index| index * 5).collect();
            book.stamp(call, |stamps| &mut stamps.spoke);
            for (index, lump) in lumps.iter().enumerate() {
                let alignment = match index + 1 == lumps.len() {
                    true => json!({ "chars": said, "charStartTimesMs": starts }),
                    false => Value::Null,
                };
                let sound = json!({ "contextId": context, "audio": lump, "alignment": alignment });
                socket.feed(Message::Text(sound.to_string().into())).await.ok()?;
                if index == 0 {
                    socket.flush().await.ok()?;
                }
            }
            socket.flush().await.ok()?;
        }
    }
}
