//! A server of `google.cloud.speech.v1.Speech/StreamingRecognize`, on bare HTTP/2: it hears words in plain bytes, and fails by script.
//! Its messages are written down once more, so that both sides cannot be wrong in the same way by a shared definition.

use std::sync::{Arc, Mutex};

use bytes::{Buf, Bytes, BytesMut};
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use prost::Message;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

#[derive(Clone, PartialEq, Message)]
pub struct StreamingRequest {
    #[prost(message, optional, tag = "1")]
    pub config: Option<StreamingConfig>,
    #[prost(bytes = "vec", optional, tag = "2")]
    pub sound: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub struct StreamingConfig {
    #[prost(message, optional, tag = "1")]
    pub config: Option<Config>,
    #[prost(bool, tag = "2")]
    pub single_utterance: bool,
    #[prost(bool, tag = "3")]
    pub interim_results: bool,
    #[prost(bool, tag = "5")]
    pub voice_activity_events: bool,
}

#[derive(Clone, PartialEq, Message)]
pub struct Config {
    #[prost(int32, tag = "1")]
    pub encoding: i32,
    #[prost(int32, tag = "2")]
    pub rate: i32,
    #[prost(string, tag = "3")]
    pub language: String,
    #[prost(message, repeated, tag = "6")]
    pub contexts: Vec<Context>,
    #[prost(bool, tag = "11")]
    pub punctuation: bool,
    #[prost(string, tag = "13")]
    pub model: String,
}

#[derive(Clone, PartialEq, Message)]
pub struct Context {
    #[prost(string, repeated, tag = "1")]
    pub phrases: Vec<String>,
}

#[derive(Clone, PartialEq, Message)]
struct Answer {
    #[prost(message, optional, tag = "1")]
    error: Option<Status>,
    #[prost(message, repeated, tag = "2")]
    results: Vec<Outcome>,
    #[prost(int32, tag = "4")]
    event: i32,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

#[derive(Clone, PartialEq, Message)]
struct Outcome {
    #[prost(message, repeated, tag = "1")]
    alternatives: Vec<Alternative>,
    #[prost(bool, tag = "2")]
    is_final: bool,
    #[prost(message, optional, tag = "4")]
    end: Option<Span>,
}

#[derive(Clone, PartialEq, Message)]
struct Alternative {
    #[prost(string, tag = "1")]
    transcript: String,
}

#[derive(Clone, PartialEq, Message)]
struct Span {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// What the service does with a stream.
#[derive(Debug, Clone)]
pub enum Script {
    /// Hears words, says them while they come, and settles them when no more sound comes.
    Hear,
    /// Refuses at once, with a status and a message.
    Refuse(u32, &'static str),
    /// Answers with an error inside of a message.
    ErrorInside(i32, &'static str),
    /// Says what it hears, but breaks the stream off after so many bytes of sound.
    ResetAfter(usize),
    /// Says what it hears, but closes the whole connection after so many bytes of sound.
    CutAfter(usize),
    /// Hears where no model is asked for by name, and otherwise refuses with this message.
    WithoutModel(&'static str),
    /// Takes everything and says nothing.
    Stall,
    /// A message that is no protocol buffer.
    Garbage,
    /// Not gRPC at all: a web page with this status.
    Page(u16),
}

/// A stream as the service saw it.
#[derive(Debug, Clone, Default)]
pub struct Seen {
    pub headers: HeaderMap,
    pub path: String,
    pub config: StreamingConfig,
    pub sound: Vec<u8>,
    /// The other side said that no more sound comes.
    pub finished: bool,
    /// The other side does not want it any more.
    pub cancelled: bool,
}

/// The running service; it ends when this is dropped.
pub struct Speech {
    port: u16,
    seen: watch::Receiver<Vec<Seen>>,
    connections: Arc<Mutex<usize>>,
    accepting: tokio::task::JoinHandle<()>,
}

impl Speech {
    /// Streams are numbered in the order in which they come.
    pub async fn start(script: impl Fn(usize, &HeaderMap) -> Script + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (changed, seen) = watch::channel(Vec::new());
        let (changed, script): (Changed, Scripts) = (Arc::new(changed), Arc::new(script));
        let connections = Arc::new(Mutex::new(0));
        let counter = Arc::clone(&connections);
        let accepting = tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                *counter.lock().expect("no test thread panicked in it") += 1;
                let (changed, script) = (Arc::clone(&changed), Arc::clone(&script));
                tokio::spawn(connection(socket, changed, script));
            }
        });
        Self {
            port,
            seen,
            connections,
            accepting,
        }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().expect("no test thread panicked in it")
    }

    pub fn streams(&self) -> Vec<Seen> {
        self.seen.borrow().clone()
    }

    /// The streams as soon as they are so.
    pub async fn until(&self, so: impl Fn(&[Seen]) -> bool) -> Vec<Seen> {
        let mut seen = self.seen.clone();
        let wait = seen.wait_for(|streams| so(streams));
        let streams = tokio::time::timeout(super::listen::LONG, wait).await;
        streams.expect("in time").expect("the service runs").clone()
    }
}

impl Drop for Speech {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

type Changed = Arc<watch::Sender<Vec<Seen>>>;
type Scripts = Arc<dyn Fn(usize, &HeaderMap) -> Script + Send + Sync>;

async fn connection(socket: TcpStream, changed: Changed, script: Scripts) {
    let (cut, mut cutting) = tokio::sync::mpsc::channel(1);
    let serving = async move {
        let Ok(mut connection) = h2::server::handshake(socket).await else {
            return;
        };
        while let Some(Ok((request, respond))) = connection.accept().await {
            let mut number = 0;
            changed.send_modify(|streams| {
                number = streams.len();
                streams.push(Seen {
                    headers: request.headers().clone(),
                    path: request.uri().path().to_owned(),
                    ..Seen::default()
                });
            });
            let script = script(number, request.headers());
            let stream = Stream {
                number,
                changed: Arc::clone(&changed),
                cut: cut.clone(),
            };
            tokio::spawn(async move {
                if stream.serve(request, respond, script).await.is_none() {
                    stream.note(|seen| seen.cancelled = true);
                }
            });
        }
    };
    tokio::select! {
        () = serving => {}
        _ = cutting.recv() => {}
    }
}

struct Stream {
    number: usize,
    changed: Changed,
    cut: tokio::sync::mpsc::Sender<()>,
}

impl Stream {
    fn note(&self, change: impl FnOnce(&mut Seen)) {
        self.changed.send_modify(|streams| change(&mut streams[self.number]));
    }

    /// `None` where the other side broke it off.
    async fn serve(
        &self,
        request: Request<RecvStream>,
        mut respond: SendResponse<Bytes>,
        script: Script,
    ) -> Option<()> {
        let response = |status: u16, kind: &str| {
            let response = Response::builder().status(status).header("content-type", kind);
            response.body(()).expect("a response")
        };
        match &script {
            Script::Refuse(code, message) => {
                let mut refusal = response(200, "application/grpc");
                refusal.headers_mut().extend(trailers(*code, message));
                respond.send_response(refusal, true).ok()?;
                return Some(());
            }
            Script::Page(status) => {
                let mut page = respond.send_response(response(*status, "text/html"), false).ok()?;
                page.send_data(Bytes::from_static(b"<html>not here</html>"), true)
                    .ok()?;
                return Some(());
            }
            _ => {}
        }
        let mut body = request.into_body();
        let mut buffer = BytesMut::new();
        let mut sound = Vec::new();
        let mut said = Vec::new();
        // As at the real service, the headers come with the first answer.
        let mut answers: Option<SendStream<Bytes>> = None;
        loop {
            let data = body.data().await.transpose().ok()?;
            let finished = data.is_none();
            if let Some(data) = data {
                let _ = body.flow_control().release_capacity(data.len());
                buffer.extend(data);
            }
            while let Some(message) = message(&mut buffer) {
                let request = StreamingRequest::decode(message).expect("a request");
                match (request.config, request.sound) {
                    (Some(config), None) => {
                        let named = config.config.as_ref().is_some_and(|config| !config.model.is_empty());
                        self.note(|seen| seen.config = config);
                        if let (Script::WithoutModel(message), true) = (&script, named) {
                            let mut refusal = response(200, "application/grpc");
                            refusal.headers_mut().extend(trailers(3, message));
                            respond.send_response(refusal, true).ok()?;
                            return Some(());
                        }
                    }
                    (None, Some(more)) => {
                        assert!(more.len() <= 25_000, "the service takes no more at once");
                        sound.extend(&more);
                        self.note(|seen| seen.sound.extend(more));
                    }
                    other => panic!("neither configuration nor sound: {other:?}"),
                }
            }
            if finished {
                self.note(|seen| seen.finished = true);
            }
            let words = words(&sound);
            let answer = match &script {
                Script::Stall => {
                    if finished {
                        std::future::pending::<()>().await;
                    }
                    continue;
                }
                Script::Garbage => Some(Bytes::from_static(b"\0\0\0\0\x03\xff\xff\xff")),
                Script::ErrorInside(code, message) => Some(frame(&Answer {
                    error: Some(Status {
                        code: *code,
                        message: (*message).to_owned(),
                    }),
                    ..Answer::default()
                })),
                _ if words != said || (finished && !words.is_empty()) => {
                    said.clone_from(&words);
                    let results = words.iter().map(|&(word, end)| outcome(word, end, finished)).collect();
                    Some(frame(&Answer {
                        results,
                        ..Answer::default()
                    }))
                }
                _ => None,
            };
            if answer.is_some() && answers.is_none() {
                answers = Some(respond.send_response(response(200, "application/grpc"), false).ok()?);
            }
            if let (Some(answer), Some(answers)) = (answer, answers.as_mut()) {
                answers.send_data(answer, false).ok()?;
            }
            match script {
                Script::ResetAfter(most) if sound.len() >= most => {
                    match answers.as_mut() {
                        Some(answers) => answers.send_reset(Reason::INTERNAL_ERROR),
                        None => respond.send_reset(Reason::INTERNAL_ERROR),
                    }
                    return Some(());
                }
                Script::CutAfter(most) if sound.len() >= most => {
                    // Only a full channel fails, and then it is being cut already.
                    let _cut = self.cut.try_send(());
                    return Some(());
                }
                _ => {}
            }
            if finished {
                match answers {
                    Some(mut answers) => answers.send_trailers(trailers(0, "")).ok()?,
                    None => {
                        let mut end = response(200, "application/grpc");
                        end.headers_mut().extend(trailers(0, ""));
                        respond.send_response(end, true).ok()?;
                    }
                }
                return Some(());
            }
        }
    }
}

fn trailers(code: u32, message: &str) -> HeaderMap {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", code.into());
    if !message.is_empty() {
        trailers.insert("grpc-message", message.parse().expect("a header value"));
    }
    trailers
}

/// The next whole message of a gRPC body.
fn message(buffer: &mut BytesMut) -> Option<Bytes> {
    let length = u32::from_be_bytes(buffer.get(1..5)?.try_into().ok()?) as usize;
    if buffer.len() < 5 + length {
        return None;
    }
    assert_eq!(buffer[0], 0, "nothing is compressed");
    buffer.advance(5);
    Some(buffer.split_to(length).freeze())
}

fn frame(answer: &Answer) -> Bytes {
    let message = answer.encode_to_vec();
    let mut frame = vec![0];
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    frame.into()
}

fn outcome(word: u8, end: usize, is_final: bool) -> Outcome {
    let millis = (end / 8) as i64;
    Outcome {
        alternatives: vec![Alternative {
            transcript: format!(" w{word}"),
        }],
        is_final,
        end: Some(Span {
            seconds: millis / 1000,
            nanos: (millis % 1000) as i32 * 1_000_000,
        }),
    }
}

/// Each word, at least 60 ms of one byte that is not silence, with the place of its end.
fn words(sound: &[u8]) -> Vec<(u8, usize)> {
    let mut at = 0;
    let mut words = Vec::new();
    for run in sound.chunk_by(|a, b| a == b) {
        at += run.len();
        if run[0] != 0xFF && run.len() >= 480 {
            words.push((run[0], at));
        }
    }
    words
}
