//! The carrier's side of a bench: signed requests at a steady rate over kept connections, and how long each answer took.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use engine::carrier::signature;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until};

use super::TOKEN;

/// How many calls come, and how fast.
pub struct Load {
    /// Calls a second.
    pub rate: u32,
    /// Calls in all.
    pub count: usize,
    /// The first of them, which are not counted.
    pub warm: usize,
    /// Connections that are kept open.
    pub connections: usize,
}

/// Places the calls and gives the times of their answers, sorted.
///
/// A call is due at its time whether or not those before were answered. Where every connection was busy by then, the
/// wait for one counts as part of the answer; that a timer rings late does not.
pub async fn run(address: SocketAddr, load: &Load) -> Vec<Duration> {
    let requests: Arc<Vec<Vec<u8>>> = Arc::new((0..load.count).map(|n| request(address, n)).collect());
    let next = Arc::new(AtomicUsize::new(0));
    let began = Instant::now();
    let every = Duration::from_secs(1) / load.rate;
    let callers: Vec<_> = (0..load.connections)
        .map(|_| {
            let (requests, next) = (Arc::clone(&requests), Arc::clone(&next));
            let warm = load.warm;
            tokio::spawn(async move {
                let mut connection = Connection::open(address).await.expect("the server listens");
                let mut times = Vec::new();
                loop {
                    let n = next.fetch_add(1, Ordering::Relaxed);
                    let Some(request) = requests.get(n) else { return times };
                    let due = began + every * u32::try_from(n).unwrap_or(u32::MAX);
                    let from = if Instant::now() < due {
                        sleep_until(due).await;
                        Instant::now()
                    } else {
                        due
                    };
                    connection.exchange(request).await.expect("an answer");
                    if n >= warm {
                        times.push(from.elapsed());
                    }
                }
            })
        })
        .collect();
    let mut times = Vec::with_capacity(load.count);
    for caller in callers {
        times.extend(caller.await.expect("every call is answered with 200"));
    }
    times.sort();
    assert_eq!(times.len(), load.count - load.warm, "every call has its time");
    times
}

/// Asks until somebody listens and answers a call.
pub async fn first_answer(address: SocketAddr) {
    let request = request(address, 0);
    loop {
        if let Ok(mut connection) = Connection::open(address).await {
            connection.exchange(&request).await.expect("an answer");
            return;
        }
        // Nobody listens yet; a refusal on the loopback comes at once.
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
}

/// A signed request for an incoming call, as bytes.
fn request(address: SocketAddr, n: usize) -> Vec<u8> {
    let path = "/webhook/incoming_call";
    let params: Vec<(String, String)> = [
        ("AccountSid", "AC00000000000000000000000000000001".to_owned()),
        ("ApiVersion", "2010-04-01".to_owned()),
        ("CallSid", format!("CA{n:032x}")),
        ("CallStatus", "ringing".to_owned()),
        ("Direction", "inbound".to_owned()),
        ("From", format!("+9725{:08}", n % 100_000_000)),
        ("To", "+97231234567".to_owned()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec();
    let signed = signature(TOKEN, &format!("http://{address}{path}"), &params);
    let body = form_urlencoded::Serializer::new(String::new())
        .extend_pairs(&params)
        .finish();
    format!(
        "POST {path} HTTP/1.1\r\nHost: {address}\r\nContent-Type: application/x-www-form-urlencoded\r\n\
         X-Twilio-Signature: {signed}\r\nI-Twilio-Idempotency-Token: bench-{n}\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// One kept connection.
struct Connection {
    stream: TcpStream,
    answer: Vec<u8>,
}

impl Connection {
    async fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            answer: Vec::with_capacity(8 * 1024),
        })
    }

    /// Sends a request and reads its whole answer, which must be a 200 with a length.
    async fn exchange(&mut self, request: &[u8]) -> io::Result<()> {
        self.stream.write_all(request).await?;
        self.answer.clear();
        loop {
            if self.stream.read_buf(&mut self.answer).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let Some(head) = self.answer.windows(4).position(|four| four == b"\r\n\r\n") else {
                continue;
            };
            let text = String::from_utf8_lossy(&self.answer[..head]).to_ascii_lowercase();
            if !text.starts_with("http/1.1 200") {
                return Err(io::Error::other(text));
            }
            let length = text
                .lines()
                .find_map(|line| line.strip_prefix("content-length: "))
                .and_then(|length| length.trim().parse::<usize>().ok())
                .ok_or_else(|| io::Error::other("an answer without its length"))?;
            if self.answer.len() >= head + 4 + length {
                return Ok(());
            }
        }
    }
}
