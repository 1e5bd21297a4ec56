//! Actions that a conversation has granted: each runs by itself, and its result comes back whenever it is there.

use crate::talk::{ActionCall, Order, Signal};
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::sync::Arc;
use tokio::sync::mpsc;

/// Does what a model has wished for and the conversation has granted.
pub trait Doer: Send + Sync {
    /// Does it, within the action's own time. The text is for the model: what came of it, or why nothing did.
    fn act(&self, call: &ActionCall) -> BoxFuture<'static, Result<String, String>>;
}

/// Runs until `orders` ends.
pub(super) async fn run(doer: Arc<dyn Doer>, mut orders: mpsc::Receiver<Order>, signals: mpsc::Sender<Signal>) {
    let mut under_way = FuturesUnordered::new();
    loop {
        tokio::select! {
            order = orders.recv() => match order {
                Some(Order::Act { generation, call }) => {
                    let action = doer.act(&call);
                    under_way.push(async move { (generation, call.id, action.await) });
                }
                Some(_) => {}
                None => return,
            },
            Some((generation, id, result)) = under_way.next() => {
                if signals.send(Signal::Acted { generation, id, result }).await.is_err() {
                    return;
                }
            }
        }
    }
}
