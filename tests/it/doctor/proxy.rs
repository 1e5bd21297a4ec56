//! A proxy with a fault of one's choice: it reads one request of each connection, may answer in the server's place, and
//! may change what goes in and what comes out.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// What to do with a request.
pub enum Act {
    /// It goes on.
    Pass,
    /// This is the answer, as bytes.
    Answer(String),
    /// Nothing ever comes.
    Stall,
    /// The handshake is answered by the server, and nothing goes through after it.
    Swallow,
}

type OnRequest = dyn Fn(&str, &mut String) -> Act + Send + Sync;
type OnResponse = dyn Fn(&str, &mut String) + Send + Sync;

/// A proxy that is not started yet.
pub struct Proxy {
    request: Arc<OnRequest>,
    response: Arc<OnResponse>,
    tls: Option<TlsAcceptor>,
}

/// One that runs until it is dropped.
pub struct Running {
    pub url: String,
    /// The first line of each request.
    pub requests: Arc<Mutex<Vec<String>>>,
    task: JoinHandle<()>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Everything passes.
    pub fn new() -> Self {
        Self {
            request: Arc::new(|_, _| Act::Pass),
            response: Arc::new(|_, _| {}),
            tls: None,
        }
    }

    /// Sees each request's path and head.
    pub fn request(mut self, act: impl Fn(&str, &mut String) -> Act + Send + Sync + 'static) -> Self {
        self.request = Arc::new(act);
        self
    }

    /// Sees each request's path and the head of its answer.
    pub fn response(mut self, change: impl Fn(&str, &mut String) + Send + Sync + 'static) -> Self {
        self.response = Arc::new(change);
        self
    }

    /// Ends TLS, and says so to the server.
    pub fn tls(mut self, acceptor: TlsAcceptor) -> Self {
        self.tls = Some(acceptor);
        self
    }

    /// Stands before the server on this port of this machine.
    pub async fn start(self, port: u16) -> Running {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
        let own = listener.local_addr().expect("address").port();
        let url = match self.tls {
            Some(_) => format!("https://localhost:{own}"),
            None => format!("http://127.0.0.1:{own}"),
        };
        let requests: Arc<Mutex<Vec<String>>> = Arc::default();
        let seen = Arc::clone(&requests);
        let proxy = Arc::new(self);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (proxy, seen) = (Arc::clone(&proxy), Arc::clone(&seen));
                tokio::spawn(async move {
                    match &proxy.tls {
                        Some(acceptor) => {
                            if let Ok(stream) = acceptor.accept(stream).await {
                                proxy.serve(stream, port, &seen).await;
                            }
                        }
                        None => proxy.serve(stream, port, &seen).await,
                    }
                });
            }
        });
        Running { url, requests, task }
    }

    async fn serve<S>(&self, mut client: S, port: u16, seen: &Mutex<Vec<String>>)
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let Some((mut head, rest)) = head(&mut client).await else {
            return;
        };
        let line = head.lines().next().unwrap_or_default().to_owned();
        let path = line.split(' ').nth(1).unwrap_or_default();
        let path = path.split('?').next().unwrap_or_default().to_owned();
        seen.lock().expect("lock").push(line);
        let is_upgrade = head.to_ascii_lowercase().contains("upgrade: websocket");
        if !is_upgrade {
            // Each request is seen: none hides behind another one on its connection.
            head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
        }
        if self.tls.is_some() {
            head = head.replacen("\r\n", "\r\nX-Forwarded-Proto: https\r\n", 1);
        }
        let act = (self.request)(&path, &mut head);
        let is_swallowed = matches!(act, Act::Swallow);
        match act {
            Act::Pass | Act::Swallow => {}
            Act::Answer(text) => {
                // Whoever asked may be gone; then nobody misses the answer.
                let _gone = client.write_all(text.as_bytes()).await;
                let _gone = client.shutdown().await;
                return;
            }
            Act::Stall => return std::future::pending().await,
        }
        let Ok(mut server) = TcpStream::connect(("127.0.0.1", port)).await else {
            return;
        };
        let sent = server.write_all(head.as_bytes()).await.is_ok() && server.write_all(&rest).await.is_ok();
        if !sent {
            return;
        }
        // The rest of a long form may still be on its way while the answer begins.
        let (mut from_client, mut to_client) = tokio::io::split(client);
        let (mut from_server, mut to_server) = server.split();
        let upwards = async {
            if is_swallowed {
                std::future::pending::<()>().await;
            }
            let _ended = tokio::io::copy(&mut from_client, &mut to_server).await;
            // A client that has said all waits for the answer.
            std::future::pending::<()>().await;
        };
        let downwards = async {
            if let Some((mut head, rest)) = self::head(&mut from_server).await {
                (self.response)(&path, &mut head);
                let _gone = to_client.write_all(head.as_bytes()).await;
                let _gone = to_client.write_all(&rest).await;
                let _ended = tokio::io::copy(&mut from_server, &mut to_client).await;
            }
            let _gone = to_client.shutdown().await;
        };
        tokio::select! {
            () = upwards => {}
            () = downwards => {}
        }
    }
}

/// Up to the empty line, and what came after it.
async fn head(stream: &mut (impl AsyncRead + Unpin)) -> Option<(String, Vec<u8>)> {
    let mut bytes = Vec::new();
    loop {
        if let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Some((String::from_utf8_lossy(&bytes).into_owned(), rest));
        }
        let mut more = [0; 4096];
        match stream.read(&mut more).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&more[..read]),
        }
    }
}

/// An answer with this status, type and body.
pub fn answer(status: &str, kind: &str, body: &str) -> Act {
    Act::Answer(format!(
        "HTTP/1.1 {status}\r\nContent-Type: {kind}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    ))
}

/// A redirect to this place.
pub fn redirect(to: &str) -> Act {
    Act::Answer(format!(
        "HTTP/1.1 301 Moved Permanently\r\nLocation: {to}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    ))
}

/// A head without the lines of this header.
pub fn without(head: &str, name: &str) -> String {
    let keep = |line: &&str| !line.to_ascii_lowercase().starts_with(&format!("{name}:"));
    let lines: Vec<&str> = head.split("\r\n").filter(keep).collect();
    lines.join("\r\n")
}
