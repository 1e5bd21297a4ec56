//! The engine's parts, put together once, and its background loops.

use super::calls::Calls;
use super::config::Config;
use super::flows::Flows;
use super::outbox::AT_ONCE;
use super::providers::Directory;
use super::sockets::Sockets;
use super::{leases, outbox, timers};
use crate::call::{CallId, Event};
use crate::channels::twilio::TwilioClient;
use crate::providers::speak::cache::{Cache, DEFAULT_BYTES};
use crate::providers::transcribe::Transcriber;
use crate::store::{Store, StoreError};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{Notify, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// What an engine is made of.
pub struct Parts {
    /// Its settings.
    pub config: Config,
    /// Where calls are kept.
    pub store: Arc<dyn Store>,
    /// The flows it runs.
    pub flows: Flows,
    /// The carrier's REST API.
    pub carrier: TwilioClient,
    /// Who turns recordings into text, where somebody does.
    pub transcriber: Option<Arc<dyn Transcriber>>,
    /// Who listens, thinks and speaks for agents.
    pub providers: Directory,
}

/// How long tasks under way may take to end when the engine stops.
const TASKS_END_WITHIN: Duration = Duration::from_secs(5);

/// The engine: one per process.
pub struct Engine {
    pub(super) config: Config,
    pub(super) store: Arc<dyn Store>,
    pub(super) flows: Flows,
    pub(super) carrier: TwilioClient,
    pub(super) transcriber: Option<Arc<dyn Transcriber>>,
    pub(super) providers: Directory,
    /// Recordings that are being written.
    pub(super) tapes: TaskTracker,
    /// What voices have said before: the same words are asked for once.
    pub(super) spoken: Arc<Cache>,
    pub(super) calls: Calls,
    pub(super) sockets: Sockets,
    /// Names this process among those that claim tasks.
    pub(super) worker: String,
    /// What a caller gets where not even the flow's templates work.
    pub(super) safe_document: String,
    pub(super) outbox_has_work: Notify,
    pub(super) timers_changed: Notify,
    /// A permit for each task under way.
    pub(super) under_way: Arc<Semaphore>,
    pub(super) unsaved: Notify,
    pub(super) draining: CancellationToken,
    pub(super) handing_over: CancellationToken,
    stop: CancellationToken,
}

impl Engine {
    /// An engine that does nothing yet.
    pub fn new(parts: Parts) -> Arc<Self> {
        let Parts {
            config,
            store,
            flows,
            carrier,
            transcriber,
            providers,
        } = parts;
        Arc::new(Self {
            config,
            store,
            flows,
            carrier,
            transcriber,
            providers,
            tapes: TaskTracker::new(),
            spoken: Arc::new(Cache::new(DEFAULT_BYTES)),
            calls: Calls::default(),
            sockets: Sockets::default(),
            worker: leases::worker(),
            safe_document: crate::server::ServerConfig::default().safe_document,
            outbox_has_work: Notify::new(),
            timers_changed: Notify::new(),
            under_way: Arc::new(Semaphore::new(AT_ONCE as usize)),
            unsaved: Notify::new(),
            draining: CancellationToken::new(),
            handing_over: CancellationToken::new(),
            stop: CancellationToken::new(),
        })
    }

    /// Starts the timers and the outbox, and asks the carrier what became of the calls that were live before.
    pub async fn start(self: &Arc<Self>) -> Result<(), StoreError> {
        let live = self.store.live_calls().await?;
        leases::take_back(self).await?;
        tokio::spawn(timers::run(Arc::clone(self)));
        tokio::spawn(outbox::run(Arc::clone(self)));
        tokio::spawn(save_the_unsaved(Arc::clone(self)));
        if !live.is_empty() {
            tracing::info!(calls = live.len(), "calls of before are taken up");
        }
        let engine = Arc::clone(self);
        tokio::spawn(async move {
            for id in live {
                if let Err(error) = engine.apply(&CallId(id.clone()), Event::EngineRestarted).await {
                    tracing::error!(call_sid = %id, ?error, "a live call could not be taken up");
                }
            }
        });
        Ok(())
    }

    /// The flows, for reloading.
    pub fn flows(&self) -> &Flows {
        &self.flows
    }

    /// The store, for those who look on.
    pub fn store(&self) -> &Arc<dyn Store> {
        &self.store
    }

    /// Lets tasks under way come to their end, for a short while, and saves what the store has missed.
    pub async fn finish(&self) {
        if tokio::time::timeout(TASKS_END_WITHIN, self.under_way.acquire_many(AT_ONCE))
            .await
            .is_err()
        {
            tracing::warn!("tasks are still under way; the next process takes them up");
        }
        self.tapes.close();
        if tokio::time::timeout(TASKS_END_WITHIN, self.tapes.wait()).await.is_err() {
            tracing::warn!("recordings are not written to their end");
        }
        if !self.save_all().await {
            tracing::error!("the store has not taken everything: what it missed is lost with this process");
        }
    }

    /// Ends the background loops.
    pub fn stop(&self) {
        self.stop.cancel();
    }

    /// Completes when the loops are to end.
    pub(super) async fn stopped(&self) {
        self.stop.cancelled().await;
    }
}

/// While the store is out, changes wait in memory; this writes them as soon as it is back.
async fn save_the_unsaved(engine: Arc<Engine>) {
    loop {
        tokio::select! {
            () = engine.unsaved.notified() => {}
            () = engine.stopped() => return,
        }
        loop {
            tokio::time::sleep(Duration::from_millis(500)).await;
            if engine.save_all().await {
                break;
            }
        }
    }
}

impl Engine {
    /// Whether nothing is left that the store has not taken.
    async fn save_all(&self) -> bool {
        let mut clean = true;
        for id in self.calls.ids() {
            let slot = self.calls.slot(&id);
            let mut slot = slot.lock().await;
            let Some(loaded) = slot.as_mut() else { continue };
            if loaded.backlog.is_empty() {
                continue;
            }
            match self.flush(loaded).await {
                Ok(()) => {
                    tracing::info!(call_sid = %id, "what the store had missed is saved");
                    self.outbox_has_work.notify_one();
                    self.timers_changed.notify_one();
                    if loaded.call.is_finished() {
                        *slot = None;
                        self.calls.forget(&id);
                    }
                }
                Err(_) => clean = false,
            }
        }
        clean
    }
}

/// Random bytes as hex.
pub(super) fn random_hex<const N: usize>() -> String {
    let mut bytes = [0_u8; N];
    getrandom::fill(&mut bytes).expect("the operating system has random numbers");
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
