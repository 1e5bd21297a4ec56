//! A stage for whole calls: a project of its own, the built-in carrier, and the real binary between them.

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use engine::carrier::{
    CallReport, CallSpec, Carrier, CarrierConfig, Event, Exchange, Fault, Happening, Script, StatusEvent, place,
};
use rusqlite::OpenFlags;
use serde_json::Value;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::{Child, Command};

/// The bundled receptionist, as it is in the project.
pub const RECEPTIONIST: &str = include_str!("../../flows/receptionist.yaml");

/// Asks for something, is answered, and says that this was all.
pub const TALKER: &str = "wait prompt; speak Hello, I am looking for a flat; wait prompt; speak No, thank you";

/// What is to stand on the stage.
pub struct Plan {
    flow: String,
    settings: String,
    env: Vec<(String, String)>,
    faults: Vec<Fault>,
    watch: bool,
    database: Option<PathBuf>,
}

impl Plan {
    /// The bundled receptionist with an account of its own and a short drain.
    pub fn new() -> Self {
        Self {
            flow: RECEPTIONIST.to_owned(),
            settings: "drain: 1s\n".to_owned(),
            env: Vec::new(),
            faults: Vec::new(),
            watch: false,
            database: None,
        }
    }

    /// Another flow in its place.
    pub fn flow(mut self, text: impl Into<String>) -> Self {
        self.flow = text.into();
        self
    }

    /// More lines of `engine.yaml`.
    pub fn settings(mut self, text: &str) -> Self {
        self.settings.push_str(text);
        self
    }

    /// One more environment variable.
    pub fn env(mut self, name: &str, value: impl Into<String>) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// What goes wrong on the whole carrier.
    pub fn faults(mut self, faults: &[Fault]) -> Self {
        self.faults = faults.to_vec();
        self
    }

    /// Edits are taken while it runs.
    pub fn watch(mut self) -> Self {
        self.watch = true;
        self
    }

    /// A database that is there already.
    pub fn database(mut self, path: &Path) -> Self {
        self.database = Some(path.to_owned());
        self
    }

    /// Everything but the engine.
    pub async fn set(self) -> Stage {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let own = Path::new(env!("CARGO_MANIFEST_DIR"));
        for name in ["templates", "static"] {
            copy(&own.join(name), &folder.path().join(name));
        }
        std::fs::create_dir(folder.path().join("flows")).expect("a folder");
        std::fs::write(folder.path().join("flows/main.yaml"), &self.flow).expect("a flow");
        std::fs::write(folder.path().join("engine.yaml"), &self.settings).expect("settings");
        let carrier = Carrier::start(CarrierConfig {
            faults: self.faults,
            ..CarrierConfig::default()
        })
        .await
        .expect("the carrier starts");
        let database = self.database.unwrap_or_else(|| folder.path().join("engine.db"));
        let mut env = vec![
            ("PORT".to_owned(), free_port().to_string()),
            ("DATABASE_URL".to_owned(), format!("sqlite:{}", database.display())),
            ("TWILIO_ACCOUNT_SID".to_owned(), carrier.account_sid.clone()),
            ("TWILIO_AUTH_TOKEN".to_owned(), carrier.auth_token.clone()),
            ("TWILIO_API_URL".to_owned(), carrier.rest_url.clone()),
        ];
        for (name, value) in self.env {
            env.retain(|(known, _)| *known != name);
            env.push((name, value));
        }
        let port = env
            .iter()
            .find(|(name, _)| name == "PORT")
            .map(|(_, port)| port.clone())
            .unwrap_or_default();
        Stage {
            port: port.parse().expect("a port"),
            folder,
            carrier: Arc::new(carrier),
            env,
            watch: self.watch,
            database,
            log: Log::default(),
            child: None,
            readers: Vec::new(),
        }
    }

    /// Everything, the engine running.
    pub async fn start(self) -> Stage {
        let mut stage = self.set().await;
        stage.start().await;
        stage
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder of the project") {
        let entry = entry.expect("an entry");
        let target = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).expect("a copy");
        }
    }
}

/// A port below those that the system gives out by itself: nobody is given it before the engine takes it.
fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let own = (std::process::id() % 97) as u16 * 113;
    loop {
        let next = NEXT.fetch_add(1, Ordering::Relaxed);
        let port = 20_000 + own.wrapping_add(next) % 12_000;
        if std::net::TcpListener::bind(("0.0.0.0", port)).is_ok() {
            return port;
        }
    }
}

/// The log of all runs of an engine, a JSON object a line; what is no JSON is kept as text.
#[derive(Clone, Default)]
pub struct Log(Arc<Mutex<Vec<Value>>>);

impl Log {
    /// Everything so far.
    pub fn all(&self) -> Vec<Value> {
        self.0.lock().expect("lock").clone()
    }

    /// Everything so far, as text.
    pub fn text(&self) -> String {
        let all = self.all();
        all.iter().map(|line| format!("{line}\n")).collect()
    }

    /// The lines of a word.
    pub fn lines(&self, word: &str) -> Vec<Value> {
        let all = self.all();
        let begins = |line: &Value| {
            line["message"]
                .as_str()
                .is_some_and(|message| message.split(':').next() == Some(word))
        };
        all.into_iter().filter(begins).collect()
    }

    /// The lines of a word about a call.
    pub fn of(&self, word: &str, call: &str) -> Vec<Value> {
        let mut lines = self.lines(word);
        lines.retain(|line| line["call_sid"] == call);
        lines
    }

    /// Everything about a call, as text.
    pub fn about(&self, call: &str) -> String {
        let lines = self.all().into_iter().map(|line| line.to_string());
        lines
            .filter(|line| line.contains(call))
            .map(|line| line + "\n")
            .collect()
    }

    fn read(&self, from: impl tokio::io::AsyncRead + Unpin + Send + 'static) -> tokio::task::JoinHandle<()> {
        let log = self.clone();
        tokio::spawn(async move {
            let mut lines = BufReader::new(from).lines();
            while let Ok(Some(line)) = lines.next_line().await {
                let line = serde_json::from_str(&line).unwrap_or(Value::String(line));
                log.0.lock().expect("lock").push(line);
            }
        })
    }
}

/// The stage. The engine's process ends with it.
pub struct Stage {
    pub folder: tempfile::TempDir,
    pub carrier: Arc<Carrier>,
    pub log: Log,
    pub port: u16,
    pub database: PathBuf,
    env: Vec<(String, String)>,
    watch: bool,
    child: Option<Child>,
    readers: Vec<tokio::task::JoinHandle<()>>,
}

impl Stage {
    /// Starts the engine and waits until it answers.
    pub async fn start(&mut self) {
        self.launch();
        let url = self.url("/healthz");
        let client = client();
        let began = Instant::now();
        loop {
            if client.get(&url).send().await.is_ok_and(|answer| answer.status() == 200) {
                return;
            }
            let ended = self
                .child
                .as_mut()
                .and_then(|child| child.try_wait().expect("a process"));
            assert!(ended.is_none(), "the engine ended: {ended:?}\n{}", self.log.text());
            assert!(began.elapsed() < Duration::from_secs(30), "{}", self.log.text());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// Starts the engine's process.
    pub fn launch(&mut self) {
        let mut command = Command::new(env!("CARGO_BIN_EXE_engine"));
        command
            .arg("run")
            .arg("--flow")
            .arg(self.folder.path().join("flows/main.yaml"))
            .arg("--log-json")
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .envs(self.env.iter().cloned())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        if self.watch {
            command.arg("--watch");
        }
        let mut child = command.spawn().expect("the engine's process");
        self.readers = vec![
            self.log.read(child.stderr.take().expect("its errors")),
            self.log.read(child.stdout.take().expect("its output")),
        ];
        self.child = Some(child);
    }

    /// Kills the engine as a crash would.
    pub async fn kill(&mut self) {
        let mut child = self.child.take().expect("a running engine");
        child.kill().await.expect("it can be killed");
    }

    /// Tells the engine to stop. Its exit code comes with [`ended`](Self::ended).
    pub fn signal(&self, signal: rustix::process::Signal) {
        let id = self.child.as_ref().and_then(Child::id).expect("a running engine");
        let id = i32::try_from(id).ok().and_then(rustix::process::Pid::from_raw);
        rustix::process::kill_process(id.expect("a process"), signal).expect("a signal");
    }

    /// Waits for the engine's end: its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        let mut child = self.child.take().expect("a running engine");
        let status = tokio::time::timeout(Duration::from_secs(60), child.wait()).await;
        for reader in self.readers.drain(..) {
            reader.await.expect("its last words");
        }
        status.expect("it ends in time").expect("a process").code()
    }

    /// The engine's URL of a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// A call whose caller does this.
    pub fn spec(&self, caller: &str, faults: &[Fault]) -> CallSpec {
        let mut spec = CallSpec::new(self.url("/webhook/incoming_call"));
        spec.status_callback = Some(self.url("/webhook/call_status"));
        spec.status_events = StatusEvent::ALL.to_vec();
        spec.from = number();
        spec.caller = caller.parse::<Script>().expect("a script");
        spec.faults = faults.to_vec();
        spec.max_length = Duration::from_secs(70);
        spec
    }

    /// Places a call in the background.
    pub fn dial(&self, spec: CallSpec) -> tokio::task::JoinHandle<CallReport> {
        let carrier = Arc::clone(&self.carrier);
        tokio::spawn(async move { place(spec, &carrier).await.expect("the call is placed") })
    }

    /// A whole call.
    pub async fn call(&self, caller: &str, faults: &[Fault]) -> CallReport {
        self.dial(self.spec(caller, faults)).await.expect("the call's task")
    }

    /// Sends a request as the carrier signs it.
    pub async fn post(&self, path: &str, params: &[(&str, &str)]) -> reqwest::Response {
        let params: Vec<(String, String)> = params
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let url = self.url(path);
        client()
            .post(&url)
            .header(
                "X-Twilio-Signature",
                engine::carrier::signature(&self.carrier.auth_token, &url, &params),
            )
            .form(&params)
            .send()
            .await
            .expect("an answer")
    }

    /// The rows of a query, each as a list of values.
    pub fn rows(&self, sql: &str, values: &[&str]) -> Vec<Vec<Value>> {
        let open = rusqlite::Connection::open_with_flags(&self.database, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let connection = open.expect("the database");
        connection.busy_timeout(Duration::from_secs(10)).expect("a timeout");
        let mut statement = connection.prepare(sql).expect("a statement");
        let columns = statement.column_count();
        let rows = statement.query_map(rusqlite::params_from_iter(values), |row| {
            (0..columns)
                .map(|column| row.get::<_, rusqlite::types::Value>(column).map(json))
                .collect()
        });
        rows.and_then(Iterator::collect).expect("rows")
    }

    /// The only value of a query; null where there is no row.
    pub fn value(&self, sql: &str, values: &[&str]) -> Value {
        self.rows(sql, values)
            .into_iter()
            .next()
            .and_then(|row| row.into_iter().next())
            .unwrap_or_default()
    }

    /// A column of the call's line in `call_log`.
    pub fn logged(&self, column: &str, call: &str) -> Value {
        self.value(&format!("SELECT {column} FROM call_log WHERE call_sid = ?1"), &[call])
    }

    /// The messages to a caller.
    pub fn messages_to(&self, number: &str) -> usize {
        let messages = self.carrier.messages();
        messages
            .iter()
            .filter(|message| message.to == format!("whatsapp:{number}"))
            .count()
    }

    /// Waits until the call and what follows it are over.
    pub async fn finished(&self, call: &str) {
        self.until("the call is finished", || {
            self.value("SELECT ended FROM call_state WHERE call = ?1", &[call]) == 1
        })
        .await;
    }

    /// Waits until a condition holds.
    pub async fn until(&self, what: &str, mut holds: impl FnMut() -> bool) {
        let began = Instant::now();
        while !holds() {
            assert!(
                began.elapsed() < Duration::from_secs(40),
                "not in time: {what}\n{}",
                self.log.text()
            );
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

fn json(value: rusqlite::types::Value) -> Value {
    match value {
        rusqlite::types::Value::Null | rusqlite::types::Value::Blob(_) => Value::Null,
        rusqlite::types::Value::Integer(number) => number.into(),
        rusqlite::types::Value::Real(number) => number.into(),
        rusqlite::types::Value::Text(text) => text.into(),
    }
}

/// A caller's number that no other call of this process has.
pub fn number() -> String {
    static NEXT: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(1_000_000);
    format!("+97250{}", NEXT.fetch_add(1, std::sync::atomic::Ordering::Relaxed))
}

/// A client that follows no redirect, so that one would be seen.
pub fn client() -> reqwest::Client {
    crate::server::client()
}

/// The TwiML that a request of this purpose got, first of all.
pub fn document<'a>(report: &'a CallReport, purpose: &str) -> &'a Exchange {
    let wanted = |exchange: &&Exchange| exchange.purpose == purpose;
    let found = report.requests.iter().find(wanted);
    found.unwrap_or_else(|| panic!("no `{purpose}` in\n{}", story(report)))
}

/// Whether the carrier began this verb.
pub fn began(report: &CallReport, verb: &str) -> bool {
    let started = |event: &Event| matches!(&event.what, Happening::VerbStarted(name) if name == verb);
    report.timeline.iter().any(started)
}

/// How often the engine asked REST for something, with the statuses it got.
pub fn rest(report: &CallReport, line: &str) -> Vec<u16> {
    let status = |event: &Event| match &event.what {
        Happening::Rest(request, status) if request.starts_with(line) => Some(*status),
        _ => None,
    };
    report.timeline.iter().filter_map(status).collect()
}

/// The call, for people.
pub fn story(report: &CallReport) -> String {
    format!(
        "{:?} {}\n{}",
        report.outcome,
        report.call_sid,
        engine::carrier::lines(&report.timeline)
    )
}

/// Fails where the caller sat in silence for longer than this.
pub fn heard_within(report: &CallReport, limit: Duration) {
    let silence = &report.longest_silence;
    assert!(
        silence.length() <= limit,
        "silence from {:?} to {:?}\n{}",
        silence.from,
        silence.to,
        story(report)
    );
}

impl Drop for Stage {
    /// A test that fails shows what the engine logged.
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("{}", self.log.text());
        }
    }
}
