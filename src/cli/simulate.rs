//! `engine simulate`: calls by the built-in carrier, over real sockets, with sound at real pace.

use super::hosted::{Folder, begin, database};
use super::judged::{Verdict, judged, say_verdicts};
use super::output::say;
use super::scenario;
use super::{Exit, logs, output, told};
use crate::carrier::{
    CallReport, CallSpec, Carrier, CarrierConfig, DialOutcome, Event, Fault, Noise, Outcome, Script, StatusEvent,
    parse_duration, place, voiced,
};
use crate::line::host::Host;
use crate::store::Address;
use crate::trial::Scenario;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;

/// Places calls with the built-in carrier.
#[derive(Clone, Debug, clap::Args)]
pub struct Simulate {
    /// The flow to call; an engine is started for it.
    #[arg(long, env = "ENGINE_FLOW", conflicts_with = "url", required_unless_present_any = ["url", "scenario"])]
    flow: Option<PathBuf>,
    /// A scenario file: flow, caller, faults and what must come of it.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["flow", "url", "faults", "dials"])]
    scenario: Option<PathBuf>,
    /// Which case of the scenario file is played, where it has several.
    #[arg(long, value_name = "NAME", requires = "scenario")]
    case: Option<String>,
    /// The voice webhook of an engine that runs somewhere, such as `https://voice.example.com/webhook/incoming_call`.
    #[arg(long)]
    url: Option<String>,
    /// What the caller does: `wait 2s; speak hello.wav; keys 1#; hang up`.
    #[arg(
        long,
        default_value = "wait prompt; speak Hello, I am looking for a flat; wait prompt; speak No, thank you"
    )]
    caller: Script,
    /// Speaks the caller's words with a real voice: the base of a service that speaks OpenAI's protocol, such as
    /// `http://127.0.0.1:8090/v1`. Without it, words are noise of a fitting length.
    #[arg(long, value_name = "URL")]
    voice: Option<String>,
    /// Noise under the caller's voice, so far below it: `15db`, `pink:10db`.
    #[arg(long, value_name = "DB", allow_hyphen_values = true)]
    noise: Option<Noise>,
    /// What goes wrong, such as `refuse-stream` or `drop-stream=3s`; may be repeated. See `engine list faults`.
    #[arg(long = "fault", value_name = "FAULT")]
    faults: Vec<Fault>,
    /// The caller's number.
    #[arg(long, default_value = "+972501234567")]
    from: String,
    /// The number that is called.
    #[arg(long, default_value = "+97231234567")]
    to: String,
    /// How dialled parties answer: `answer`, `busy`, `no-answer` or `failed`, in order.
    #[arg(long = "dial", value_name = "HOW", value_parser = dial)]
    dials: Vec<DialOutcome>,
    /// So many calls at once.
    #[arg(long, default_value_t = 1)]
    calls: usize,
    /// The longest a call may take.
    #[arg(long, default_value = "3m", value_parser = duration)]
    limit: Duration,
    /// How long to wait for follow-ups after the call.
    #[arg(long, default_value = "2s", value_parser = duration)]
    linger: Duration,
    /// Writes what was said and heard as a stereo WAV: the caller left, the engine right.
    #[arg(long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Writes what the caller said and when as JSON, for `engine score --labels`.
    #[arg(long, value_name = "FILE")]
    labels: Option<PathBuf>,
    /// Fails where the caller heard nothing for longer. Default: the flow's `limits.silence`.
    #[arg(long, value_parser = duration)]
    max_silence: Option<Duration>,
    /// How events are printed.
    #[arg(long, value_enum, default_value_t = Format::Human)]
    format: Format,
    /// The account of an engine that runs elsewhere: its `TWILIO_ACCOUNT_SID`.
    #[arg(long, env = "TWILIO_ACCOUNT_SID")]
    account_sid: Option<String>,
    /// The token with which requests to it are signed: its `TWILIO_AUTH_TOKEN`.
    #[arg(long, env = "TWILIO_AUTH_TOKEN", hide_env_values = true)]
    auth_token: Option<String>,
    /// The port of the carrier's REST API, for an engine whose `TWILIO_API_URL` points here.
    #[arg(long, default_value_t = 0)]
    rest_port: u16,
    /// Shows the engine's log too.
    #[arg(short, long)]
    verbose: bool,
    /// Whether the scenario's call comes by SIP.
    #[arg(skip)]
    sip: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    /// A timeline for people.
    Human,
    /// One JSON object a line.
    Json,
}

fn duration(text: &str) -> Result<Duration, String> {
    parse_duration(text).ok_or_else(|| format!("`{text}` is no time; write for example `3s` or `2m`"))
}

pub(super) fn dial(text: &str) -> Result<DialOutcome, String> {
    match text {
        "answer" => Ok(DialOutcome::default()),
        "busy" => Ok(DialOutcome::Busy),
        "no-answer" => Ok(DialOutcome::NoAnswer),
        "failed" => Ok(DialOutcome::Failed),
        other => Err(format!("`{other}` is none of `answer`, `busy`, `no-answer`, `failed`")),
    }
}

pub(super) fn run(args: &Simulate) -> Exit {
    logs::start(if args.verbose { "info" } else { "off" }, false);
    match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime.block_on(simulate(args)),
        Err(error) => {
            eprintln!("error: the engine cannot start its threads: {error}");
            Exit::Unavailable
        }
    }
}

async fn simulate(args: &Simulate) -> Exit {
    let mut args = args.clone();
    let scenario = match args.take_scenario() {
        Ok(scenario) => scenario,
        Err(exit) => return exit,
    };
    if let Some(base) = &args.voice {
        match voiced(&args.caller, base).await {
            Ok(script) => args.caller = script,
            Err(error) => {
                eprintln!("error: {error}");
                return Exit::Unavailable;
            }
        }
    }
    let args = &args;
    let config = CarrierConfig {
        account_sid: args.account_sid.clone(),
        auth_token: args.auth_token.clone(),
        port: args.rest_port,
        faults: args.faults.clone(),
    };
    let carrier = match Carrier::start(config).await {
        Ok(carrier) => Arc::new(carrier),
        Err(error) => {
            eprintln!("error: {error}");
            return Exit::Unavailable;
        }
    };
    // Kept until the end: the store's folder goes with it.
    let mut started = None;
    let (voice_url, status_callback) = match (&args.url, &args.flow) {
        (Some(url), _) => (url.clone(), beside(url)),
        (None, Some(flow)) => match begin(flow, &carrier).await {
            Ok((host, folder)) => {
                let origin = format!("http://{}", host.address);
                started = Some((host, folder));
                (
                    format!("{origin}/webhook/incoming_call"),
                    Some(format!("{origin}/webhook/call_status")),
                )
            }
            Err(exit) => return exit,
        },
        (None, None) => return Exit::Usage,
    };
    let mut args = args.clone();
    // A scenario says itself what is too long.
    if let (None, Some((host, _)), None) = (args.max_silence, &started, &scenario) {
        // What the flow promises its callers is what a call of it must keep.
        args.max_silence = host
            .engine
            .flows()
            .current()
            .first()
            .map(|version| Duration::from_millis(version.flow.limits.silence));
    }
    let args = &args;
    let reports = place_all(args, &carrier, &voice_url, status_callback).await;
    let mut verdicts = Vec::new();
    if let (Some(scenario), Some((host, folder))) = (&scenario, &started) {
        verdicts.extend(reports.iter().map(|report| verdict(scenario, host, folder, report)));
    }
    let mut exit = tell(args, &reports, &verdicts);
    if let Some(scenario) = &scenario {
        let good = say_verdicts(scenario, &verdicts);
        if exit == Exit::Done && !good {
            exit = Exit::Problems;
        }
    }
    if let Some((host, folder)) = started {
        host.stop().await;
        drop(folder);
    }
    exit
}

/// What came of a scenario's call.
fn verdict(scenario: &Scenario, host: &Host, folder: &Folder, report: &CallReport) -> Result<Verdict, String> {
    let version = host.engine.flows().current().first().cloned();
    let version = version.ok_or("there is no flow")?;
    let store = Address::parse(&database(&folder.0)).map_err(|error| error.to_string())?;
    judged(scenario, &version.flow, version.templates.clone(), &store, report)
}

/// The status callback beside the voice webhook, where the URL is an engine's.
fn beside(voice_url: &str) -> Option<String> {
    voice_url
        .trim_end_matches('/')
        .strip_suffix("incoming_call")
        .map(|base| format!("{base}call_status"))
}

impl Simulate {
    /// Takes flow, caller and faults from the scenario, where there is one.
    fn take_scenario(&mut self) -> Result<Option<Scenario>, Exit> {
        let Some(path) = &self.scenario else { return Ok(None) };
        let text = std::fs::read_to_string(path).map_err(|error| {
            eprintln!("error: the scenario `{}` cannot be read: {error}", path.display());
            Exit::Usage
        })?;
        let scenario = scenario::read(path, &text, self.case.as_deref()).map_err(|findings| {
            output::print_findings(&findings);
            Exit::Problems
        })?;
        if self.format == Format::Human {
            say!("{}", scenario.name);
        }
        if !scenario.passed_over.is_empty() {
            let keys = scenario.passed_over.join("`, `");
            eprintln!("note: passed over, as only `engine test` plays it: `{keys}`");
        }
        if let Some(from) = scenario.from {
            self.from = from;
        }
        if let Some(to) = scenario.to {
            self.to = to;
        }
        self.flow = Some(scenario.flow);
        self.caller = scenario.caller;
        self.faults = scenario.faults;
        self.dials = scenario.dials;
        self.sip = scenario.sip;
        Ok(Some(scenario.of))
    }
}

async fn place_all(
    args: &Simulate,
    carrier: &Arc<Carrier>,
    voice_url: &str,
    status_callback: Option<String>,
) -> Vec<CallReport> {
    let (events, printed) = mpsc::unbounded_channel();
    let printer = tokio::spawn(print(printed, args.format, args.calls > 1));
    let mut calls = tokio::task::JoinSet::new();
    for number in 0..args.calls.max(1) {
        let mut spec = CallSpec::new(voice_url);
        spec.status_callback = status_callback.clone();
        spec.status_events = StatusEvent::ALL.to_vec();
        spec.from = if number == 0 {
            args.from.clone()
        } else {
            format!("{}{number:03}", args.from)
        };
        spec.to.clone_from(&args.to);
        spec.caller = args.caller.clone();
        spec.noise = args.noise;
        spec.sip = args.sip;
        spec.faults = args.faults.clone();
        spec.dials.clone_from(&args.dials);
        spec.max_length = args.limit;
        spec.linger = args.linger;
        spec.events = Some(events.clone());
        let carrier = Arc::clone(carrier);
        calls.spawn(async move { place(spec, &carrier).await });
    }
    drop(events);
    let mut reports = Vec::new();
    while let Some(done) = calls.join_next().await {
        match done {
            Ok(Ok(report)) => reports.push(report),
            Ok(Err(error)) => eprintln!("error: {error}"),
            Err(error) => eprintln!("error: a call broke off: {error}"),
        }
    }
    let _printed = printer.await;
    reports
}

async fn print(mut events: mpsc::UnboundedReceiver<Event>, format: Format, many: bool) {
    while let Some(event) = events.recv().await {
        match format {
            Format::Json => say!("{}", event.json()),
            Format::Human if many => {
                let call: String = event.call.chars().skip(2).take(6).collect();
                say!("{call}  {}", event.line());
            }
            Format::Human => say!("{}", event.line()),
        }
    }
}

/// The end of it: what the caller got, in a few lines, and whether that was good enough.
fn tell(args: &Simulate, reports: &[CallReport], verdicts: &[Result<Verdict, String>]) -> Exit {
    let mut good = reports.len() == args.calls.max(1);
    for (index, report) in reports.iter().enumerate() {
        let silence = report.longest_silence.length();
        let too_quiet = args.max_silence.is_some_and(|most| silence > most);
        let failed = report.outcome == Outcome::ApplicationError;
        good &= !too_quiet && !failed;
        if args.format == Format::Json {
            say!(
                "{}",
                told::summary(report, verdicts.get(index).and_then(|verdict| verdict.as_ref().ok()))
            );
        } else if reports.len() == 1 || too_quiet || failed {
            told::people(report);
        }
    }
    if args.format == Format::Human && reports.len() > 1 {
        let longest = reports
            .iter()
            .map(|report| report.longest_silence.length())
            .max()
            .unwrap_or_default();
        say!(
            "\n{} calls, longest silence {:.1} s",
            reports.len(),
            longest.as_secs_f64()
        );
    }
    if let (Some(path), Some(report)) = (&args.out, reports.first()) {
        if let Err(error) = std::fs::write(path, report.ear.wav()) {
            eprintln!("error: `{}` cannot be written: {error}", path.display());
            return Exit::Usage;
        }
        if args.format == Format::Human {
            say!("what was said and heard: {}", path.display());
        }
    }
    if let (Some(path), Some(report)) = (&args.labels, reports.first()) {
        let written = serde_json::to_vec_pretty(&report.labels)
            .map_err(std::io::Error::from)
            .and_then(|json| std::fs::write(path, json));
        if let Err(error) = written {
            eprintln!("error: `{}` cannot be written: {error}", path.display());
            return Exit::Usage;
        }
    }
    if good { Exit::Done } else { Exit::Problems }
}
