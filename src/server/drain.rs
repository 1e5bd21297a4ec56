//! Ending the server without ending a call: first draining, then stopping, each told once.

use std::future::Future;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

/// A handle that tells the server to drain and to stop; clones tell the same server.
///
/// Draining keeps every route and socket served and makes `/readyz` answer 503, so that a balancer sends new calls
/// elsewhere. Stopping takes no new connection, finishes what is in flight and then ends.
#[derive(Debug, Clone, Default)]
pub struct Shutdown {
    draining: CancellationToken,
    stopping: CancellationToken,
}

impl Shutdown {
    /// A handle that has told nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins the drain.
    pub fn drain(&self) {
        self.draining.cancel();
    }

    /// Stops the server.
    pub fn stop(&self) {
        self.draining.cancel();
        self.stopping.cancel();
    }

    /// Drains until `calls_over` completes, or for `limit` at most, then stops. True if the calls were over.
    pub async fn drain_then_stop(&self, calls_over: impl Future<Output = ()>, limit: Duration) -> bool {
        self.drain();
        let over = tokio::time::timeout(limit, calls_over).await.is_ok();
        if !over {
            tracing::warn!(limit_s = limit.as_secs(), "calls are still up at the end of the drain");
        }
        self.stop();
        over
    }

    /// True from the first `drain` or `stop` on.
    pub fn is_draining(&self) -> bool {
        self.draining.is_cancelled()
    }

    /// Completes once the drain begins.
    pub async fn draining(&self) {
        self.draining.cancelled().await;
    }

    /// Completes once the server is told to stop.
    pub async fn stopping(&self) {
        self.stopping.cancelled().await;
    }

    pub(super) fn stop_token(&self) -> CancellationToken {
        self.stopping.clone()
    }
}
