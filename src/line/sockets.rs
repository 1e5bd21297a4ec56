//! The media sockets of this process, by call: who is connected, orders to them, wishes that wait for their result.

use super::clock::now;
use crate::call::CallId;
use crate::media::{Control, Pulse};
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::{Notify, mpsc, oneshot};

/// What came of a wish: a text for the model.
pub(super) type Acted = Result<String, String>;

/// The sockets of this process.
#[derive(Default)]
pub(super) struct Sockets {
    open: Mutex<HashMap<CallId, Connected>>,
    /// Sockets that are served, those whose conversation has not begun among them.
    served: AtomicUsize,
    closed: Notify,
    /// Who waits for what came of a wish.
    wishes: Mutex<HashMap<(CallId, String), oneshot::Sender<Acted>>>,
}

/// An open socket.
pub(super) struct Connected {
    pub stream_sid: String,
    pub control: mpsc::Sender<Control>,
    pub pulse: Arc<Pulse>,
}

impl Sockets {
    /// When the caller was last heard on a socket of this process, in Unix milliseconds.
    pub fn last_frame(&self, id: &CallId) -> Option<u64> {
        let open = lock(&self.open);
        let pulse = &open.get(id)?.pulse;
        let quiet = u64::try_from(pulse.quiet_for().as_millis()).unwrap_or(u64::MAX);
        Some(now().0.saturating_sub(quiet))
    }

    /// Has the call's socket closed.
    pub fn close(&self, id: &CallId) {
        if let Some(connected) = lock(&self.open).get(id) {
            // A full queue means that an order to close is waiting already.
            let _sent = connected.control.try_send(Control::Close);
        }
    }

    /// The calls with an open socket.
    pub fn open(&self) -> Vec<CallId> {
        lock(&self.open).keys().cloned().collect()
    }

    /// Completes when no socket is served.
    pub async fn all_closed(&self) {
        loop {
            let closed = self.closed.notified();
            if self.served.load(Ordering::SeqCst) == 0 {
                return;
            }
            closed.await;
        }
    }

    /// How many sockets are served.
    pub fn served(&self) -> usize {
        self.served.load(Ordering::SeqCst)
    }

    pub fn connect(&self, id: CallId, connected: Connected) {
        lock(&self.open).insert(id, connected);
    }

    pub fn disconnect(&self, id: &CallId, stream_sid: &str) {
        let mut open = lock(&self.open);
        if open.get(id).is_some_and(|connected| connected.stream_sid == stream_sid) {
            open.remove(id);
        }
    }

    /// Completes with what came of the wish; with an error where nobody will ever say.
    pub fn await_wish(&self, id: &CallId, wish: &str) -> oneshot::Receiver<Acted> {
        let (told, result) = oneshot::channel();
        lock(&self.wishes).insert((id.clone(), wish.to_owned()), told);
        result
    }

    /// Tells whoever waits for it what came of a wish.
    pub fn acted(&self, id: &CallId, wish: &str, result: Acted) {
        let waiting = lock(&self.wishes).remove(&(id.clone(), wish.to_owned()));
        if let Some(waiting) = waiting {
            // A conversation that is over has no use for it.
            let _told = waiting.send(result);
        }
    }

    /// Nobody waits any more for wishes of this conversation; their ids begin with the stream's.
    pub fn forget_wishes(&self, id: &CallId, stream_sid: &str) {
        lock(&self.wishes).retain(|(of, wish), _| of != id || !wish.starts_with(stream_sid));
    }

    pub fn begin_serving(&self) {
        self.served.fetch_add(1, Ordering::SeqCst);
    }

    pub fn end_serving(&self) {
        self.served.fetch_sub(1, Ordering::SeqCst);
        self.closed.notify_waiters();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
