//! The end of the process without the end of a call: conversations get time, then their flow's fallback.

use super::engine::Engine;
use crate::call::{CallId, Event};
use std::sync::Arc;
use std::time::Duration;

/// How long sockets may take to close once their calls were handed over.
const CLOSE_WITHIN: Duration = Duration::from_secs(3);

impl Engine {
    /// New calls go straight to their fallback from now on. Completes when no conversation is left on this process:
    /// they end by themselves, or after `patience` are handed to what their flow does when a conversation fails.
    pub async fn drain(self: &Arc<Self>, patience: Duration) {
        self.draining.cancel();
        let open = self.sockets.open();
        tracing::info!(conversations = open.len(), patience_s = patience.as_secs(), "draining");
        let _ended_by_themselves = tokio::time::timeout(patience, self.sockets.all_closed()).await;
        for id in self.sockets.open() {
            tracing::warn!(call_sid = %id, "the conversation is handed to its fallback");
            if let Err(error) = self.apply(&id, Event::EngineDraining).await {
                tracing::error!(call_sid = %id, ?error, "a conversation could not be handed over");
                self.sockets.close(&id);
            }
        }
        if tokio::time::timeout(CLOSE_WITHIN, self.sockets.all_closed())
            .await
            .is_err()
        {
            let left: Vec<CallId> = self.sockets.open();
            tracing::warn!(sockets = left.len(), "sockets did not close in time");
        }
    }
}
