//! The engine as the carrier meets it, against floors that are measured in the same run: `cargo bench --bench webhook`.
//!
//! Answering a call at a steady rate, the time from start to the first answer, and what a live call costs in memory.
//! Ratios travel between machines, milliseconds do not. `-- --test`, or no `--bench`, tries everything once and small.

mod client;
mod floor;
mod process;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::line::host::Host;
use engine::line::{Disk, config};
use secrecy::SecretString;
use tokio::runtime::Runtime;

use client::Load;

/// What the requests are signed with.
pub const TOKEN: &str = "the token of a bench";

fn main() {
    let full = std::env::args().any(|arg| arg == "--bench") && !std::env::args().any(|arg| arg == "--test");
    // The engine makes TLS clients when it starts.
    let _already = rustls::crypto::ring::default_provider().install_default();
    println!("{:<44}{:>12}{:>12}{:>9}", "", "engine", "floor", "ratio");
    answering(full);
    starting(full);
    process::starting(full);
    process::memory(full);
}

/// One line of the table.
pub fn row(what: &str, engine: Duration, floor: Duration) {
    let ms = |time: Duration| format!("{:.2} ms", time.as_secs_f64() * 1000.0);
    let ratio = engine.as_secs_f64() / floor.as_secs_f64();
    println!("{what:<44}{:>12}{:>12}{:>8.1}x", ms(engine), ms(floor), ratio);
}

/// The value below which this part of the sorted times lies.
pub fn at(times: &[Duration], part: f64) -> Duration {
    let last = times.len().saturating_sub(1);
    times[((last as f64) * part).round() as usize]
}

/// The middle one.
pub fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    at(&times, 0.5)
}

pub fn runtime(threads: usize) -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(threads)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// An engine of this process, with its store in `folder` and signatures on. The carrier's REST API is a closed port.
async fn host(folder: &Path, flow: &str) -> Host {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut settings = config::load(root, &|_| None).expect("the project's settings");
    settings.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    settings.database = format!("sqlite:{}", folder.join("engine.db").display());
    settings.config.public_url = None;
    settings.server.public_base = None;
    settings.server.auth_token = Some(SecretString::from(TOKEN));
    settings.server.verify_signatures = true;
    settings.carrier.api_url = "http://127.0.0.1:9".to_owned();
    match Host::start(settings, Arc::new(Disk::new(root)), flow).await {
        Ok(host) => host,
        Err(_) => panic!("the engine starts for {flow}"),
    }
}

/// A thousand calls a second arrive, whether those before were answered or not. It ends before the flow's watchdog
/// would begin to end the calls, so that answering is all that is measured.
fn answering(full: bool) {
    let load = if full {
        Load {
            rate: 1000,
            count: 5000,
            warm: 1000,
            connections: 64,
        }
    } else {
        Load {
            rate: 200,
            count: 60,
            warm: 20,
            connections: 4,
        }
    };
    let (servers, clients) = (runtime(2), runtime(1));
    let constant = servers.block_on(floor::serve());
    let floor = clients.block_on(client::run(constant, &load));

    let folder = tempfile::tempdir().expect("a temporary folder");
    let host = servers.block_on(host(folder.path(), "flows/receptionist.yaml"));
    let engine = clients.block_on(client::run(host.address, &load));
    let disk = floor::syncs(folder.path(), if full { 300 } else { 3 });

    for (name, part) in [("p50", 0.5), ("p99", 0.99)] {
        let what = format!("answer a call, {}/s, {name}", load.rate);
        row(&what, at(&engine, part), at(&floor, part));
        row(
            &format!("  against one synced write to the disk, {name}"),
            at(&engine, part),
            at(&disk, part),
        );
    }
    // Not stopped but dropped: its calls have nobody to be brought to their end with.
    drop(host);
    servers.shutdown_background();
}

/// From nothing to the first call's answer, in this process.
fn starting(full: bool) {
    let rounds = if full { 20 } else { 1 };
    let mut engine = Vec::new();
    let mut floor = Vec::new();
    for _ in 0..rounds {
        let servers = runtime(2);
        let folder = tempfile::tempdir().expect("a temporary folder");
        let began = Instant::now();
        let host = servers.block_on(host(folder.path(), "flows/receptionist.yaml"));
        servers.block_on(client::first_answer(host.address));
        engine.push(began.elapsed());
        drop(host);

        let began = Instant::now();
        let constant = servers.block_on(floor::serve());
        servers.block_on(client::first_answer(constant));
        floor.push(began.elapsed());
        servers.shutdown_background();
    }
    row("start to first answer, in process", median(engine), median(floor));
}
