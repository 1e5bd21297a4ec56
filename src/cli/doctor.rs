//! `engine doctor`: looks at a project and its environment, or at a deployment as the carrier sees it. Writes nothing.

use super::output::Colour;
use super::{Exit, logs};
use crate::carrier::parse_duration;
use crate::doctor::{Format, Plan, Verdict, examine, render};
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Duration;

/// Looks for what callers would notice: here, or at a deployment from outside. Never writes, and begins no call.
#[derive(Debug, clap::Args)]
pub struct Doctor {
    /// The deployment, such as `https://voice.example.com`. Without it: the project and its environment alone.
    url: Option<String>,
    /// The flow. Default: the only one under `flows/`.
    #[arg(long, env = "ENGINE_FLOW")]
    flow: Option<PathBuf>,
    /// The number at the carrier, such as `+97231234567`. Default: those of `engine.yaml`, else all that lead here.
    #[arg(long, allow_hyphen_values = true)]
    number: Option<String>,
    /// How results are printed. Default: `human` on a terminal, else `plain`.
    #[arg(long, value_enum, env = "ENGINE_DOCTOR_FORMAT")]
    format: Option<Format>,
    /// Writes a report to a file as well: `junit=doctor.xml`. May be repeated.
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = report)]
    reports: Vec<(Format, PathBuf)>,
    /// When output is coloured.
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    /// How long each probe may take.
    #[arg(long, default_value = "5s", value_parser = limit)]
    timeout: Duration,
}

fn report(text: &str) -> Result<(Format, PathBuf), String> {
    let (format, file) = text
        .split_once('=')
        .ok_or("write FORMAT=FILE, such as `junit=doctor.xml`")?;
    let format = <Format as clap::ValueEnum>::from_str(format, true)?;
    Ok((format, PathBuf::from(file)))
}

fn limit(text: &str) -> Result<Duration, String> {
    let wrong = || "write a time from `100ms` to `60s`".to_owned();
    let limit = parse_duration(text).ok_or_else(wrong)?;
    let is_sane = (Duration::from_millis(100)..=Duration::from_secs(60)).contains(&limit);
    is_sane.then_some(limit).ok_or_else(wrong)
}

pub(super) fn run(args: &Doctor) -> Exit {
    logs::start("off", false);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the doctor cannot start its threads: {error}");
            return Exit::Unavailable;
        }
    };
    let plan = Plan {
        url: args.url.clone(),
        flow: args.flow.clone(),
        number: args.number.clone(),
        timeout: args.timeout,
        roots: None,
    };
    let checkup = match runtime.block_on(examine(plan, &|name| std::env::var(name).ok())) {
        Ok(checkup) => checkup,
        Err(error) => {
            eprintln!("error: {error}\nhelp: {}", error.help);
            return Exit::Usage;
        }
    };
    let terminal = std::io::stdout().is_terminal();
    let usual = if terminal { Format::Human } else { Format::Plain };
    let format = args.format.unwrap_or(usual);
    super::output::print(&render(&checkup, format, args.color.on(terminal)));
    for (format, file) in &args.reports {
        if let Err(error) = std::fs::write(file, render(&checkup, *format, false)) {
            eprintln!("error: the report `{}` cannot be written: {error}", file.display());
            return Exit::Usage;
        }
    }
    match checkup.count(Verdict::Fail) {
        0 => Exit::Done,
        _ => Exit::Problems,
    }
}
