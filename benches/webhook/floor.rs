//! What the engine is held against: a warp handler that answers a constant, and one synced write to the same disk.

use std::fs::File;
use std::io::Write;
use std::net::SocketAddr;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::net::TcpListener;
use warp::Filter;

/// About as long as the engine's own answer.
const ANSWER: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response><Play>https://voice.example.com/static/tts/greeting_he.mp3</Play>",
    "<Connect action=\"https://voice.example.com/webhook/stream_ended\"><Stream url=\"wss://voice.example.com/ws/twilio-media\" ",
    "statusCallback=\"https://voice.example.com/webhook/stream_status\"><Parameter name=\"call_sid\" ",
    "value=\"CA00000000000000000000000000000001\"/></Stream></Connect></Response>"
);

/// Serves the constant on a free port until the runtime ends.
#[expect(
    clippy::disallowed_methods,
    reason = "as plain as can be; only this bench sends it requests"
)]
pub async fn serve() -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    let answer = warp::path!("webhook" / "incoming_call")
        .and(warp::post())
        .and(warp::body::bytes())
        .map(|_body: bytes::Bytes| warp::reply::with_header(ANSWER, "content-type", "text/xml"));
    tokio::spawn(warp::serve(answer).incoming(listener).run());
    address
}

/// How long it takes to append 4 KiB and have them on disk, so many times; sorted.
pub fn syncs(folder: &Path, times: usize) -> Vec<Duration> {
    let mut file = File::create(folder.join("syncs")).expect("a file");
    let mut took: Vec<Duration> = (0..times)
        .map(|_| {
            let began = Instant::now();
            file.write_all(&[0x55; 4096]).expect("room on the disk");
            file.sync_data().expect("a disk");
            began.elapsed()
        })
        .collect();
    took.sort();
    took
}
