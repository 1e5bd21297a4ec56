//! Actions that a conversation has granted: each runs by itself, and its result comes back whenever it is there.

use crate::talk::{ActionCall, Order, Signal};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use std::panic::{AssertUnwindSafe, catch_unwind};
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
                    let action = act(&*doer, &call);
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

/// One action; where it breaks down, the others go on.
fn act(doer: &dyn Doer, call: &ActionCall) -> BoxFuture<'static, Result<String, String>> {
    // Neither a doer that panicked nor its future is used again for this action.
    match catch_unwind(AssertUnwindSafe(|| doer.act(call))) {
        Ok(action) => {
            let action = AssertUnwindSafe(action).catch_unwind();
            action.map(|result| result.unwrap_or_else(|_| broke_down())).boxed()
        }
        Err(_) => std::future::ready(broke_down()).boxed(),
    }
}

fn broke_down() -> Result<String, String> {
    Err("it broke down; it is not known whether it was done".to_owned())
}
