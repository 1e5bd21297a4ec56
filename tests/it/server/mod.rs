//! The web server over real sockets, with a line that records what it is asked.

mod bearing;
mod drain;
mod files;
mod health;
mod logs;
mod signatures;
mod sockets;
mod webhooks;

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use engine::server::{
    Counts, Health, Hook, Line, MediaSocket, MessageHook, Server, ServerConfig, Shutdown, SocketSignature, StaticRoots,
    VoiceReply, VoiceRequest, bind,
};
use futures_util::future::BoxFuture;
use futures_util::{FutureExt, SinkExt, StreamExt};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

/// What is known of a media socket when it opens.
pub type Opened = (Option<&'static str>, SocketSignature);

/// A line that records its requests and answers by the call's name.
#[derive(Default)]
pub struct Desk {
    /// Calls that never get an answer, so far.
    pub stuck: AtomicUsize,
    pub asked: Mutex<Vec<(String, VoiceRequest)>>,
    pub sockets: Mutex<Vec<Opened>>,
    pub parts: Mutex<Vec<(String, Health)>>,
    pub roots: Mutex<StaticRoots>,
}

impl Desk {
    fn reply(&self, hook: String, request: VoiceRequest) -> VoiceReply {
        let call = request.param("CallSid").unwrap_or_default().to_owned();
        let said = format!(
            "<Response><Say>{hook} {} {}</Say></Response>",
            request.n, request.origin
        );
        self.asked.lock().expect("lock").push((hook, request));
        match call.as_str() {
            "CApanic" => panic!("a line that panics, on purpose"),
            "CAempty" => VoiceReply::Empty,
            "CAbig" => VoiceReply::Twiml("x".repeat(65 * 1024)),
            _ => VoiceReply::Twiml(said),
        }
    }
}

impl Line for Desk {
    fn voice(&self, hook: Hook, request: VoiceRequest) -> BoxFuture<'_, VoiceReply> {
        async move {
            if request.param("CallSid") == Some("CAslow") {
                self.stuck.fetch_add(1, Ordering::Relaxed);
                std::future::pending::<()>().await;
            }
            self.reply(format!("{hook:?}"), request)
        }
        .boxed()
    }

    fn message(&self, hook: MessageHook, request: VoiceRequest) -> BoxFuture<'_, VoiceReply> {
        async move { self.reply(format!("{hook:?}"), request) }.boxed()
    }

    /// Echoes until the other side closes; says goodbye when the server stops.
    fn media(&self, mut socket: MediaSocket) -> BoxFuture<'static, ()> {
        self.sockets
            .lock()
            .expect("lock")
            .push((socket.subprotocol, socket.signature));
        async move {
            loop {
                tokio::select! {
                    message = socket.stream.next() => match message {
                        Some(Ok(message)) if message.is_text() => {
                            if message.to_text().is_ok_and(|text| text == "panic") {
                                panic!("a media handler that panics, on purpose");
                            }
                            if socket.stream.send(message).await.is_err() {
                                return;
                            }
                        }
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => return,
                    },
                    () = socket.stopping.cancelled() => {
                        let _closed_already = socket.stream.close(None).await;
                        while let Some(Ok(_)) = socket.stream.next().await {}
                        return;
                    }
                }
            }
        }
        .boxed()
    }

    fn ready(&self) -> BoxFuture<'_, Vec<(String, Health)>> {
        let parts = self.parts.lock().expect("lock").clone();
        async move { parts }.boxed()
    }

    fn static_files(&self) -> StaticRoots {
        self.roots.lock().expect("lock").clone()
    }
}

/// A server that runs in the background.
pub struct Running {
    pub address: SocketAddr,
    pub desk: Arc<Desk>,
    pub counts: Arc<Counts>,
    pub shutdown: Shutdown,
    pub ended: JoinHandle<()>,
}

impl Running {
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn asked(&self) -> Vec<(String, VoiceRequest)> {
        self.desk.asked.lock().expect("lock").clone()
    }

    /// Sends bytes as they are and reads until the server closes.
    pub async fn raw(&self, request: impl AsRef<[u8]>) -> String {
        let mut stream = TcpStream::connect(self.address).await.expect("connect");
        stream.write_all(request.as_ref()).await.expect("write");
        read_all(&mut stream).await
    }
}

pub async fn read_all(stream: &mut TcpStream) -> String {
    let mut text = Vec::new();
    let read = stream.read_to_end(&mut text);
    // A reset after the answer is an end like any other.
    let _ended = tokio::time::timeout(Duration::from_secs(20), read)
        .await
        .expect("the server closes");
    String::from_utf8_lossy(&text).into_owned()
}

/// Settings that let everybody in.
pub fn open_door() -> ServerConfig {
    ServerConfig {
        verify_signatures: false,
        stop_within: Duration::from_secs(2),
        ..ServerConfig::default()
    }
}

pub async fn start(config: ServerConfig) -> Running {
    start_with(config, |server| server).await
}

pub async fn start_with(config: ServerConfig, change: impl FnOnce(Server) -> Server) -> Running {
    let listener = bind("127.0.0.1:0".parse().expect("address")).await.expect("listen");
    let address = listener.local_addr().expect("address");
    let desk = Arc::new(Desk::default());
    let shutdown = Shutdown::new();
    let server = change(Server::new(config, Arc::<Desk>::clone(&desk)));
    let counts = server.counts();
    let ended = tokio::spawn(server.run(listener, shutdown.clone()));
    Running {
        address,
        desk,
        counts,
        shutdown,
        ended,
    }
}

/// A client that follows no redirect, so that one would be seen.
pub fn client() -> reqwest::Client {
    builder().build().expect("client")
}

pub fn builder() -> reqwest::ClientBuilder {
    // Another test may have installed it already.
    let _already = rustls::crypto::ring::default_provider().install_default();
    // No certificates: nothing here is TLS, and reading the system's takes longer than a test.
    reqwest::Client::builder()
        .tls_certs_only(std::iter::empty())
        .redirect(reqwest::redirect::Policy::none())
        .no_proxy()
}

/// Waits until a condition holds.
pub async fn until(mut holds: impl FnMut() -> bool) {
    let poll = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), poll)
        .await
        .expect("the condition holds in time");
}
