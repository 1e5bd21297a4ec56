//! What the performers need to know of a call, read from memory or the store.

use super::engine::Engine;
use super::flows::Version;
use crate::call::{Call, CallId};
use crate::store::{StoreError, TaskFilter, TaskState};
use std::collections::HashSet;
use std::sync::Arc;

impl Engine {
    /// The call's flow version and the origin under which the carrier reaches the engine.
    pub(super) async fn flow_of(&self, id: &CallId) -> Option<(Arc<Version>, String)> {
        let slot = self.calls.slot(id);
        {
            let slot = slot.lock().await;
            if let Some(loaded) = slot.as_ref() {
                return Some((Arc::clone(&loaded.flow), loaded.call.facts.origin.clone()));
            }
        }
        let stored = self.store.call(id.as_str()).await.ok()??;
        let flow = self.flows.version(&stored.flow_hash, &*self.store).await.ok()??;
        let call: Call = serde_json::from_str(&stored.state).ok()?;
        Some((flow, call.facts.origin))
    }

    /// Whether the call still waits for this redirect: the carrier may have come for the document meanwhile.
    pub(super) async fn awaits_redirect(&self, id: &CallId, key: &str) -> bool {
        let waits = |call: &Call| {
            call.redirect
                .as_ref()
                .is_some_and(|redirect| redirect.key.as_str() == key)
        };
        let slot = self.calls.slot(id);
        if let Some(loaded) = slot.lock().await.as_ref() {
            return waits(&loaded.call);
        }
        match self.store.call(id.as_str()).await {
            Ok(Some(stored)) => serde_json::from_str::<Call>(&stored.state).is_ok_and(|call| waits(&call)),
            Ok(None) => false,
            // Not knowing is no reason to leave a caller in silence.
            Err(_) => true,
        }
    }

    /// The number that was called.
    pub(super) async fn called_number(&self, id: &CallId) -> Option<String> {
        let stored = self.store.call(id.as_str()).await.ok()??;
        let call: Call = serde_json::from_str(&stored.state).ok()?;
        Some(call.facts.to).filter(|to| !to.is_empty())
    }

    /// The origin under which the carrier reaches the engine.
    pub(super) async fn origin_of(&self, id: &CallId) -> Option<String> {
        match &self.config.public_url {
            Some(public) => Some(public.clone()),
            None => self.flow_of(id).await.map(|(_, origin)| origin),
        }
    }

    /// The ids of messages that are known to have been sent lately.
    pub(super) async fn sent_already(&self) -> Result<HashSet<String>, StoreError> {
        let filter = TaskFilter {
            kind: Some("send_message".to_owned()),
            state: Some(TaskState::Done),
            ..TaskFilter::default()
        };
        let done = self.store.tasks(filter).await?;
        let sid = |result: String| {
            serde_json::from_str::<serde_json::Value>(&result).ok()?["sid"]
                .as_str()
                .map(str::to_owned)
        };
        Ok(done.into_iter().filter_map(|task| sid(task.result?)).collect())
    }
}
