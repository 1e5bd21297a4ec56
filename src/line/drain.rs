//! The end of the process without the end of a call: conversations get time, then their flow's fallback.

use super::engine::Engine;
use crate::call::{CallId, Event, StreamPhase, WaitOn};
use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

/// How long sockets may take to close once their calls were handed over.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

/// How long the carrier may take to ask for what follows.
const ASKS_WITHIN: Duration = Duration::from_secs(3);

/// How often conversations that began in the last moment are looked for.
const LOOK_AGAIN: Duration = Duration::from_millis(50);

impl Engine {
    /// New calls go straight to their fallback from now on. Completes when no conversation is left on this process:
    /// they end by themselves, or after `patience` are handed to what their flow does when a conversation fails.
    pub async fn drain(self: &Arc<Self>, patience: Duration) {
        self.draining.cancel();
        let sockets = self.sockets.served();
        tracing::info!(sockets, patience_s = patience.as_secs(), "draining");
        let _ended_by_themselves = tokio::time::timeout(patience, self.sockets.all_closed()).await;
        self.handing_over.cancel();
        if tokio::time::timeout(CLOSE_WITHIN, self.hand_over_all()).await.is_err() {
            let left = self.sockets.served();
            tracing::warn!(sockets = left, "sockets did not close in time");
        }
        // The carrier asks for what follows a moment after its socket has closed; whoever asks is still answered.
        if tokio::time::timeout(ASKS_WITHIN, self.all_have_asked()).await.is_err() {
            tracing::warn!("the carrier has not asked for what follows a stream; the next process answers it");
        }
    }

    /// Completes when no call of this process waits for what follows its stream.
    async fn all_have_asked(&self) {
        while self.on_a_stream().await {
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }

    async fn on_a_stream(&self) -> bool {
        for id in self.calls.ids() {
            let slot = self.calls.slot(&id);
            let slot = slot.lock().await;
            let wait = slot
                .as_ref()
                .and_then(|loaded| loaded.call.live())
                .map(|live| &live.wait.on);
            if let Some(WaitOn::Stream(stream)) = wait
                && matches!(stream.phase, StreamPhase::Decided { .. })
            {
                return true;
            }
        }
        false
    }

    /// Whether conversations are no longer begun, only handed over.
    pub(super) fn hands_over(&self) -> bool {
        self.handing_over.is_cancelled()
    }

    /// A conversation may be about to begin when the time is over, so it is looked for until no socket is served.
    async fn hand_over_all(&self) {
        let mut handed: HashSet<CallId> = HashSet::new();
        loop {
            for id in self.sockets.open() {
                if !handed.insert(id.clone()) {
                    continue;
                }
                tracing::warn!(call_sid = %id, "the conversation is handed to its fallback");
                if let Err(error) = self.apply(&id, Event::EngineDraining).await {
                    tracing::error!(call_sid = %id, ?error, "a conversation could not be handed over");
                    self.sockets.close(&id);
                }
            }
            if tokio::time::timeout(LOOK_AGAIN, self.sockets.all_closed())
                .await
                .is_ok()
            {
                return;
            }
        }
    }
}
