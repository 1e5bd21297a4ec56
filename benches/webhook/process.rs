//! The engine as a process of its own: how soon it answers, and how much memory its live calls hold.

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use super::client::{self, Load};
use super::{TOKEN, median, row, runtime};

/// From `engine run` to the first call's answer. The floor is a process that has nothing to do.
pub fn starting(full: bool) {
    let rounds = if full { 11 } else { 1 };
    let client = runtime(1);
    let mut engine = Vec::new();
    let mut floor = Vec::new();
    for _ in 0..rounds {
        let project = Project::new();
        let began = Instant::now();
        let running = project.run("flows/receptionist.yaml");
        client.block_on(client::first_answer(project.address));
        engine.push(began.elapsed());
        drop(running);

        let began = Instant::now();
        let ended = Command::new(ENGINE).arg("--version").stdout(Stdio::null()).status();
        assert!(ended.is_ok_and(|status| status.success()), "the version is told");
        floor.push(began.elapsed());
    }
    row("start to first answer, the binary", median(engine), median(floor));
}

/// The growth of the process over calls that have arrived and are live, with no media.
pub fn memory(full: bool) {
    let (warm, live) = if full { (500, 2000) } else { (10, 20) };
    let client = runtime(1);
    let project = Project::new();
    // Its calls record for minutes: nothing ends them while they are counted.
    let running = project.run("flows/voicemail.yaml");
    client.block_on(client::first_answer(project.address));
    let calls = |from: usize, count: usize| Load {
        rate: 250,
        count: from + count,
        warm: from,
        connections: 8,
    };
    client.block_on(client::run(project.address, &calls(0, warm)));
    let Some(before) = running.resident() else {
        println!("memory of a live call: skipped, this system has no /proc");
        return;
    };
    // The first `warm` of these are calls that are there already: repeated webhooks, which add nothing.
    client.block_on(client::run(project.address, &calls(warm, live)));
    let after = running.resident().expect("it was there before");
    let each = after.saturating_sub(before) as f64 / live as f64;
    println!(
        "memory of the process without calls, MiB          {:>8.1}",
        before as f64 / 1024.0
    );
    println!("memory of a live call, KiB                        {each:>8.1}");
}

/// The binary that was built with this bench.
const ENGINE: &str = env!("CARGO_BIN_EXE_engine");

/// A project in a folder of its own, for a port of its own.
struct Project {
    folder: TempDir,
    address: SocketAddr,
}

impl Project {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        for part in ["flows", "static", "templates"] {
            copy(&root.join(part), &folder.path().join(part)).expect("the project's own files");
        }
        let address = TcpListener::bind(("127.0.0.1", 0))
            .and_then(|free| free.local_addr())
            .expect("a free port");
        let settings = format!(
            "listen: {address}\ndatabase: \"sqlite:{}\"\ncarrier: {{api_url: \"http://127.0.0.1:9\"}}\n",
            folder.path().join("engine.db").display()
        );
        std::fs::write(folder.path().join("engine.yaml"), settings).expect("room on the disk");
        Self { folder, address }
    }

    fn run(&self, flow: &str) -> Running {
        let mut command = Command::new(ENGINE);
        command.args(["run", "--flow"]).arg(self.folder.path().join(flow));
        command.env("TWILIO_AUTH_TOKEN", TOKEN).env("ENGINE_LOG", "error");
        for name in [
            "PORT",
            "PUBLIC_BASE_URL",
            "PUBLIC_HOST",
            "DATABASE_URL",
            "TWILIO_API_URL",
            "TWILIO_ACCOUNT_SID",
        ] {
            command.env_remove(name);
        }
        Running(command.stdin(Stdio::null()).spawn().expect("the engine starts"))
    }
}

/// The process; it is killed when this is dropped.
struct Running(Child);

impl Running {
    /// Its resident memory in KiB, once it no longer grows; none where the system does not tell.
    #[expect(clippy::disallowed_methods, reason = "this thread has nothing else to do")]
    fn resident(&self) -> Option<u64> {
        let mut last = self.resident_now()?;
        for _ in 0..50 {
            std::thread::sleep(Duration::from_millis(100));
            let now = self.resident_now()?;
            if now == last {
                break;
            }
            last = now;
        }
        Some(last)
    }

    fn resident_now(&self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0.id())).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().trim_end_matches("kB").trim().parse().ok()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _killed = self.0.kill();
        let _waited = self.0.wait();
    }
}

fn copy(from: &Path, to: &Path) -> io::Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let target = to.join(entry.file_name());
        if entry.file_type()?.is_dir() {
            copy(&entry.path(), &target)?;
        } else {
            std::fs::copy(entry.path(), target)?;
        }
    }
    Ok(())
}
