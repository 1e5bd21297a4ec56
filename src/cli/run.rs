//! `engine run`: serves a flow until told to stop.

use super::{Exit, logs, output};
use crate::line::config;
use crate::line::host::{Host, Refusal};
use crate::line::{Disk, Reload, project_root};
use crate::prove::proven;
use notify::Watcher;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc;

/// Runs a flow.
#[derive(Debug, clap::Args)]
pub struct Run {
    /// The flow file that takes calls.
    #[arg(long, env = "ENGINE_FLOW")]
    flow: PathBuf,
    /// Takes edits of flows, templates and prompts for new calls while it runs.
    #[arg(long, env = "ENGINE_WATCH")]
    watch: bool,
    /// Checks and proves everything, and stops before it listens.
    #[arg(long)]
    dry_run: bool,
    /// Logs as JSON.
    #[arg(long, env = "ENGINE_LOG_JSON")]
    log_json: bool,
}

pub(super) fn run(args: &Run) -> Exit {
    logs::start("info", args.log_json);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            eprintln!("error: the engine cannot start its threads: {error}");
            return Exit::Unavailable;
        }
    };
    runtime.block_on(serve(args))
}

/// A flow's project and the flow's path in it.
pub(super) fn located(flow: &Path) -> Result<(PathBuf, String), Exit> {
    if !flow.is_file() {
        eprintln!("error: there is no flow file `{}`", flow.display());
        eprintln!("help: give the path of a flow, such as `--flow flows/receptionist.yaml`");
        return Err(Exit::Usage);
    }
    let root = project_root(flow);
    let relative = match (flow.canonicalize(), root.canonicalize()) {
        (Ok(flow), Ok(root)) => flow
            .strip_prefix(root)
            .map(Path::to_path_buf)
            .unwrap_or_else(|_| flow.clone()),
        _ => flow.to_path_buf(),
    };
    Ok((root, relative.to_string_lossy().replace('\\', "/")))
}

async fn serve(args: &Run) -> Exit {
    let (root, flow) = match located(&args.flow) {
        Ok(located) => located,
        Err(exit) => return exit,
    };
    let settings = match config::load(&root, &|name| std::env::var(name).ok()) {
        Ok(settings) => settings,
        Err(error) => return output::config_refused(&error),
    };
    let disk = Arc::new(Disk::new(&root));
    if args.dry_run {
        return would_run(disk, &flow, settings.numbers);
    }
    let secrets = [
        ("TWILIO_ACCOUNT_SID", settings.carrier.account_sid.is_some()),
        ("TWILIO_AUTH_TOKEN", settings.server.auth_token.is_some()),
    ];
    let host = match Host::start(settings, disk, &flow).await {
        Ok(host) => host,
        Err(Refusal::Flows(wrong)) => return output::flows_refused(&wrong),
        Err(Refusal::Store(error)) => return output::store_refused(&error),
        Err(Refusal::Port(error)) => {
            eprintln!("error: {error}");
            return Exit::Unavailable;
        }
    };
    output::findings_of(&host.warnings);
    banner(&host, &secrets);
    let (changed, changes) = mpsc::channel(1);
    let _watcher = args.watch.then(|| watch(&root, changed)).flatten();
    let reloader = tokio::spawn(reload(Arc::clone(&host.engine), changes, args.watch));
    told_to_stop().await;
    tracing::info!("stopping: live calls are brought to their end first; told once more, it stops at once");
    reloader.abort();
    tokio::select! {
        () = host.stop() => tracing::info!("stopped"),
        () = told_to_stop() => tracing::warn!("stopped at once"),
    }
    Exit::Done
}

/// Everything that can be known before a call comes in, the proof included.
fn would_run(disk: Arc<Disk>, flow: &str, numbers: HashMap<String, String>) -> Exit {
    let flows = match crate::line::Flows::load(Arc::clone(&disk), flow, numbers) {
        Ok((flows, _)) => flows,
        Err(wrong) => return output::flows_refused(&wrong),
    };
    let (mut wrong, mut warned) = (Vec::new(), Vec::new());
    for path in flows.paths() {
        let (compiled, proof) = proven(&path, &*disk);
        if let Some(proof) = proof {
            eprintln!("{path}: {proof}");
        }
        if compiled.flow.is_none() {
            wrong.push(compiled);
        } else if !compiled.findings.is_empty() {
            warned.push(compiled);
        }
    }
    if !wrong.is_empty() {
        return output::flows_refused(&wrong);
    }
    output::findings_of(&warned);
    eprintln!("`{flow}` would run");
    Exit::Done
}

fn banner(host: &Host, secrets: &[(&str, bool)]) {
    for version in host.engine.flows().current() {
        let hash: String = version.flow.hash.as_str().chars().take(12).collect();
        tracing::info!(flow = version.flow.name, file = version.path, hash, "flow");
    }
    for (name, there) in secrets {
        if !there {
            tracing::warn!("{name} is not set; what needs it will say so when it is needed");
        }
    }
    tracing::info!(address = %host.address, version = env!("CARGO_PKG_VERSION"), "listening");
}

async fn told_to_stop() {
    let (Ok(mut terminate), Ok(mut interrupt)) = (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be heard; the engine runs until it is killed");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// Editors write in several steps: a change is taken when nothing more came for this long.
const SETTLED: Duration = Duration::from_millis(150);
/// Mounted configurations change behind symbolic links, which no event tells: the content is compared this often.
const LOOK_AGAIN: Duration = Duration::from_secs(3);

fn watch(root: &Path, changed: mpsc::Sender<()>) -> Option<notify::RecommendedWatcher> {
    let notice = move |event: notify::Result<notify::Event>| {
        // Reading raises events too; only changes count, or the reloader would wake itself.
        if event.is_ok_and(|event| !matches!(event.kind, notify::EventKind::Access(_))) {
            let _already_told = changed.try_send(());
        }
    };
    let mut watcher = match notify::recommended_watcher(notice) {
        Ok(watcher) => watcher,
        Err(error) => {
            tracing::warn!(%error, "files are not watched, only compared every few seconds");
            return None;
        }
    };
    for folder in ["flows", "templates", "static", "examples"] {
        let folder = root.join(folder);
        if folder.is_dir()
            && let Err(error) = watcher.watch(&folder, notify::RecursiveMode::Recursive)
        {
            tracing::warn!(folder = %folder.display(), %error, "the folder is not watched");
        }
    }
    Some(watcher)
}

/// Takes edits: at once where files are watched, and on SIGHUP.
async fn reload(engine: Arc<crate::line::Engine>, mut changes: mpsc::Receiver<()>, watching: bool) {
    let Ok(mut hangup) = signal(SignalKind::hangup()) else {
        return;
    };
    loop {
        tokio::select! {
            Some(()) = changes.recv() => {
                tokio::time::sleep(SETTLED).await;
                while changes.try_recv().is_ok() {}
            }
            _ = hangup.recv() => tracing::info!("told to reload"),
            () = tokio::time::sleep(LOOK_AGAIN), if watching => {}
        }
        let again = Arc::clone(&engine);
        let reloaded = tokio::task::spawn_blocking(move || {
            let flows = again.flows();
            flows
                .paths()
                .into_iter()
                .map(|path| (flows.reload(&path), path))
                .collect::<Vec<_>>()
        });
        let reloaded = reloaded.await.unwrap_or_default();
        if let Err(error) = engine.flows().save(&**engine.store()).await {
            tracing::error!(%error, help = error.help(), "STORE_FAILED");
        }
        for (outcome, path) in reloaded {
            match outcome {
                Reload::Unchanged => {}
                Reload::Swapped(version) => {
                    let hash: String = version.flow.hash.as_str().chars().take(12).collect();
                    tracing::info!(file = path, hash, "RELOADED");
                }
                Reload::Rejected(compiled) => {
                    tracing::error!(file = path, "RELOAD_REJECTED: the version before stays");
                    output::findings_of(std::slice::from_ref(&*compiled));
                }
            }
        }
    }
}
