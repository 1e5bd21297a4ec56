//! The carrier's side of one call: sends the caller's frames on the beat, and writes down what comes and when.

use crate::track::Track;
use futures_util::{SinkExt, StreamExt};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::net::TcpStream;
use tokio::time::{MissedTickBehavior, interval};
use tokio_tungstenite::client_async;
use tokio_tungstenite::tungstenite::Message;

pub const FRAME: Duration = Duration::from_millis(20);

/// What passed over one socket.
#[derive(Debug, Default)]
pub struct Passed {
    /// When each frame was given to the socket.
    pub sent: Vec<Instant>,
    /// When each frame came.
    pub heard: Vec<Instant>,
    /// When the queue was emptied.
    pub cleared: Vec<Instant>,
}

/// Sends the whole track.
pub async fn call(port: u16, number: usize, track: Arc<Track>) -> Passed {
    let stream = TcpStream::connect(("127.0.0.1", port))
        .await
        .expect("the server listens");
    stream.set_nodelay(true).expect("a TCP socket");
    let (mut socket, _) = client_async("ws://127.0.0.1/", stream).await.expect("a WebSocket");
    let start = format!(
        r#"{{"event":"start","streamSid":"MZ1","start":{{"streamSid":"MZ1","callSid":"CA{number}","customParameters":{{}}}}}}"#
    );
    let sent = socket.send(Message::Text(start.into())).await;
    sent.expect("the server takes it");
    let mut passed = Passed {
        sent: Vec::with_capacity(track.frames.len()),
        heard: Vec::with_capacity(track.frames.len()),
        cleared: Vec::new(),
    };
    let mut beat = interval(FRAME);
    beat.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let mut frames = track.frames.iter();
    loop {
        tokio::select! {
            _ = beat.tick() => {
                let Some(frame) = frames.next() else { return passed };
                passed.sent.push(Instant::now());
                let sent = socket.send(Message::Text(frame.clone())).await;
                sent.expect("the server takes it");
            }
            message = socket.next() => {
                let message = message.expect("still open").expect("still a WebSocket");
                let now = Instant::now();
                let Ok(text) = message.to_text() else { continue };
                if text.contains(r#""media""#) {
                    passed.heard.push(now);
                } else if text.contains(r#""clear""#) {
                    passed.cleared.push(now);
                }
            }
        }
    }
}
