//! An engine with its web server, put together from settings: what `run` and `simulate` start.

use super::config::{Settings, TranscribeSettings};
use super::disk::Disk;
use super::engine::{Engine, Parts};
use super::flows::Flows;
use super::ready::Front;
use crate::channels::twilio::TwilioClient;
use crate::compile::Compiled;
use crate::providers::transcribe::{
    CommandConfig, GoogleConfig, OpenAiConfig, Transcriber, TranscriberConfig, transcriber,
};
use crate::server::{ServeError, Server, Shutdown, bind};
use crate::store::{Address, StoreError};
use std::fs::{File, TryLockError};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// A running engine.
pub struct Host {
    /// The engine.
    pub engine: Arc<Engine>,
    /// Where it listens.
    pub address: SocketAddr,
    /// Findings that do not keep the flows from running.
    pub warnings: Vec<Compiled>,
    drain: Duration,
    shutdown: Shutdown,
    server: JoinHandle<()>,
    /// Held as long as the engine runs.
    _lock: File,
}

/// Why an engine does not start.
#[derive(Debug)]
pub enum Refusal {
    /// A flow has errors.
    Flows(Vec<Compiled>),
    /// The store cannot be used.
    Store(StoreError),
    /// The port cannot be had.
    Port(ServeError),
}

impl Host {
    /// Starts an engine for the flow at `main`, a path relative to the project on `disk`.
    pub async fn start(settings: Settings, disk: Arc<Disk>, main: &str) -> Result<Self, Refusal> {
        disk.know(settings.providers.names());
        let (flows, warnings) = Flows::load(disk, main, settings.numbers).map_err(Refusal::Flows)?;
        let address = Address::parse(&settings.database).map_err(Refusal::Store)?;
        let store = address.store();
        store.ping().await.map_err(Refusal::Store)?;
        let lock = alone(&address).map_err(Refusal::Store)?;
        let listener = bind(settings.listen).await.map_err(Refusal::Port)?;
        let address = listener.local_addr().unwrap_or(settings.listen);
        flows.save(&*store).await.map_err(Refusal::Store)?;
        let engine = Engine::new(Parts {
            config: settings.config,
            store,
            flows,
            carrier: TwilioClient::new(settings.carrier),
            transcriber: settings.transcribe.map(recogniser),
            providers: settings.providers,
        });
        engine.start().await.map_err(Refusal::Store)?;
        let shutdown = Shutdown::new();
        let server = Server::new(settings.server, Arc::new(Front(Arc::clone(&engine))));
        let server = tokio::spawn(server.run(listener, shutdown.clone()));
        Ok(Self {
            engine,
            address,
            warnings,
            drain: settings.drain,
            shutdown,
            server,
            _lock: lock,
        })
    }

    /// Ends it without ending calls: conversations get the drain's time, then their fallback; everything is answered
    /// until then.
    pub async fn stop(self) {
        self.shutdown.drain();
        self.engine.drain(self.drain).await;
        self.shutdown.stop();
        self.engine.stop();
        self.engine.finish().await;
        let _joined = self.server.await;
    }
}

/// Makes sure that no other engine runs on this database: its timers would take calls off conversations that are here.
/// The lock goes with the process, however that ends.
fn alone(Address::Sqlite(path): &Address) -> Result<File, StoreError> {
    let mut name = path.clone().into_os_string();
    name.push(".lock");
    let opened = File::options().create(true).truncate(false).write(true).open(&name);
    let lock = opened.map_err(|error| StoreError::CannotOpen {
        path: name.into(),
        detail: error.to_string(),
    })?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::Busy { path: path.clone() }),
        Err(TryLockError::Error(error)) => {
            // A file system without locks: nothing can be said, and the engine runs.
            tracing::warn!(%error, "it cannot be made sure that no other engine uses this database");
            Ok(lock)
        }
    }
}

fn recogniser(settings: TranscribeSettings) -> Arc<dyn Transcriber> {
    transcriber(match settings {
        TranscribeSettings::Openai {
            base_url,
            api_key,
            model,
        } => TranscriberConfig::OpenAi(OpenAiConfig {
            base_url,
            api_key,
            model,
            ..OpenAiConfig::default()
        }),
        TranscribeSettings::Google { base_url, key, model } => {
            let usual = GoogleConfig::default();
            TranscriberConfig::Google(GoogleConfig {
                base_url: base_url.unwrap_or(usual.base_url),
                key,
                model,
                ..GoogleConfig::default()
            })
        }
        TranscribeSettings::Command { run, timeout } => TranscriberConfig::Command(CommandConfig {
            argv: run,
            timeout,
            ..CommandConfig::default()
        }),
    })
}
