//! The media sockets of this process, by call: who is connected, orders to them, wishes that wait for their result.

use super::clock::now;
use super::wishes;
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
    /// Wishes whose result was not told, or not fetched.
    wishes: Mutex<HashMap<(CallId, String), Wish>>,
}

/// A wish on its way. It is made by whoever comes first: the call, which is to hear of it, or the one who waits for it.
struct Wish {
    /// For the call.
    told: Option<oneshot::Sender<Acted>>,
    /// For the one who waits.
    result: Option<oneshot::Receiver<Acted>>,
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

    /// There will be a result for this wish, from now on.
    pub fn expect_wish(&self, id: &CallId, wish: &str) {
        lock(&self.wishes)
            .entry((id.clone(), wish.to_owned()))
            .or_insert_with(Wish::new);
    }

    /// Completes with what came of the wish; with an error where nobody will ever say.
    pub fn await_wish(&self, id: &CallId, wish: &str) -> oneshot::Receiver<Acted> {
        let mut wishes = lock(&self.wishes);
        let key = (id.clone(), wish.to_owned());
        let waiting = wishes.entry(key.clone()).or_insert_with(Wish::new);
        let result = waiting.result.take();
        if waiting.told.is_none() {
            wishes.remove(&key);
        }
        result.unwrap_or_else(|| oneshot::channel().1)
    }

    /// Tells whoever waits for it, or will, what came of a wish.
    pub fn acted(&self, id: &CallId, wish: &str, result: Acted) {
        let mut wishes = lock(&self.wishes);
        let key = (id.clone(), wish.to_owned());
        let Some(waiting) = wishes.get_mut(&key) else { return };
        if let Some(told) = waiting.told.take() {
            // A conversation that is over has no use for it.
            let _told = told.send(result);
        }
        if waiting.result.is_none() {
            wishes.remove(&key);
        }
    }

    /// Nobody waits any more for wishes of this stream.
    pub fn forget_wishes(&self, id: &CallId, stream_sid: &str) {
        lock(&self.wishes).retain(|(of, wish), _| of != id || !wishes::is_of(wish, stream_sid));
    }

    pub fn begin_serving(&self) {
        self.served.fetch_add(1, Ordering::SeqCst);
    }

    pub fn end_serving(&self) {
        self.served.fetch_sub(1, Ordering::SeqCst);
        self.closed.notify_waiters();
    }
}

impl Wish {
    fn new() -> Self {
        let (told, result) = oneshot::channel();
        Self {
            told: Some(told),
            result: Some(result),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_result_finds_who_waits_whoever_comes_first() {
        let (sockets, call) = (Sockets::default(), CallId("CA1".to_owned()));
        // The one who waits.
        let result = sockets.await_wish(&call, "MZ1/a/0");
        sockets.expect_wish(&call, "MZ1/a/0");
        sockets.acted(&call, "MZ1/a/0", Ok("first".to_owned()));
        assert_eq!(result.await, Ok(Ok("first".to_owned())));
        // The call, and even its result.
        sockets.expect_wish(&call, "MZ1/a/1");
        sockets.acted(&call, "MZ1/a/1", Ok("second".to_owned()));
        let result = sockets.await_wish(&call, "MZ1/a/1");
        assert_eq!(result.await, Ok(Ok("second".to_owned())));
        assert!(lock(&sockets.wishes).is_empty());
    }

    #[tokio::test]
    async fn a_stream_that_is_over_takes_its_own_wishes_along_and_no_others() {
        let (sockets, call) = (Sockets::default(), CallId("CA1".to_owned()));
        let (old, new) = (
            sockets.await_wish(&call, "MZ1/a/0"),
            sockets.await_wish(&call, "MZ2/a/0"),
        );
        sockets.forget_wishes(&call, "MZ1");
        assert!(old.await.is_err());
        sockets.acted(&call, "MZ2/a/0", Err("no".to_owned()));
        assert_eq!(new.await, Ok(Err("no".to_owned())));
    }
}
