//! What every route of one server knows.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::config::ServerConfig;
use super::counts::Counts;
use super::drain::Shutdown;
use super::line::Line;

pub(super) struct Shared {
    pub config: ServerConfig,
    pub line: Arc<dyn Line>,
    pub counts: Arc<Counts>,
    pub shutdown: Shutdown,
    /// Connections and media sockets that are still open.
    pub open: TaskTracker,
    /// Cancelled at the deadline of the stop: ends what is still open.
    pub cut: CancellationToken,
}
