//! The thinking stage: one request at a time, the newest; another model where one does not answer.

use super::{Named, failed, serving};
use crate::providers::think::{Request, Thinker, Thought, Tool};
use crate::providers::{ErrorClass, ProviderError};
use crate::talk::{Message, Order, Signal, Stage, Usage};
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;

/// Thoughts that may wait: the model is not read any faster than they are taken.
const THOUGHTS: usize = 64;

/// Runs until `orders` ends.
pub(super) async fn run(
    staff: Vec<Named<dyn Thinker>>,
    tools: Arc<[Tool]>,
    mut orders: mpsc::Receiver<Order>,
    signals: mpsc::Sender<Signal>,
) {
    let Some(first) = staff.first() else { return };
    serving(&signals, Stage::Think, &first.name, None).await;
    let warm = tokio::spawn(Arc::clone(&first.provider).warm());
    let _warm = AbortOnDropHandle::new(warm);
    let mut desk = Desk {
        staff,
        tools,
        signals,
        first: 0,
        serves: 0,
    };
    let mut next = None;
    loop {
        let order = match next.take() {
            Some(order) => order,
            None => match orders.recv().await {
                Some(order) => order,
                None => return,
            },
        };
        let Order::Think { generation, messages } = order else {
            continue;
        };
        tokio::select! {
            // What is newer than the answer under way goes before it.
            biased;
            newer = supersedes(&mut orders, generation) => match newer {
                // Dropping the answer under way has cancelled it at the provider.
                Some(order) => next = Some(order),
                None => return,
            },
            () = desk.answer(generation, &messages) => {}
        }
    }
}

/// The next order that ends the answer under way; none where there are no more orders at all.
async fn supersedes(orders: &mut mpsc::Receiver<Order>, generation: u32) -> Option<Order> {
    loop {
        match orders.recv().await? {
            Order::Cancel { generation: newest } if newest < generation => {}
            order => return Some(order),
        }
    }
}

struct Desk {
    staff: Vec<Named<dyn Thinker>>,
    tools: Arc<[Tool]>,
    signals: mpsc::Sender<Signal>,
    /// Who is asked first: those before have failed in a way that time does not mend.
    first: usize,
    /// Whom the conversation takes for the one who thinks.
    serves: usize,
}

impl Desk {
    async fn answer(&mut self, generation: u32, messages: &Arc<[Message]>) {
        let mut last: Option<ProviderError> = None;
        for index in self.first..self.staff.len() {
            let Named { name, provider } = self.staff[index].clone();
            if self.serves != index {
                self.serves = index;
                // Nobody is replaced by the one who gets another chance with a new answer.
                let before = last.as_ref().map(|_| self.staff[index - 1].name.clone());
                serving(&self.signals, Stage::Think, &name, before.as_ref()).await;
            }
            let request = Request {
                messages: Arc::clone(messages),
                tools: Arc::clone(&self.tools),
            };
            let (thoughts, mut inbox) = mpsc::channel(THOUGHTS);
            let answer = provider.think(request, thoughts);
            let mut begun = false;
            let forward = async {
                while let Some(thought) = inbox.recv().await {
                    begun = true;
                    let signal = match thought {
                        Thought::Text(text) => Signal::Token { generation, text },
                        Thought::Wish(call) => Signal::Wish { generation, call },
                    };
                    if self.signals.send(signal).await.is_err() {
                        return;
                    }
                }
            };
            let (result, ()) = tokio::join!(answer, forward);
            let result = match result {
                // Behind an action a model may have nothing to add; to the caller's words it must say something.
                Ok(_) if !begun && !follows_action(messages) && index + 1 < self.staff.len() => {
                    Err(ProviderError::Transient {
                        detail: "the answer was empty".to_owned(),
                    })
                }
                result => result,
            };
            match result {
                Ok(usage) => return self.done(generation, usage).await,
                Err(error) => {
                    tracing::warn!(provider = &*name, class = error.class().name(), %error, "THINK_FAILED");
                    if !matters_again(&error) && self.first == index && index + 1 < self.staff.len() {
                        self.first = index + 1;
                    }
                    if begun {
                        // Words that were said cannot be taken back, and nobody else would go on from them.
                        return failed(&self.signals, Stage::Think, generation, &error.to_string()).await;
                    }
                    last = Some(error);
                }
            }
        }
        let error = last.map_or_else(|| "nobody thinks".to_owned(), |error| error.to_string());
        failed(&self.signals, Stage::Think, generation, &error).await;
    }

    async fn done(&self, generation: u32, usage: Usage) {
        let _told = self.signals.send(Signal::Thought { generation, usage }).await;
    }
}

fn follows_action(messages: &[Message]) -> bool {
    matches!(messages.last(), Some(Message::Result { .. }))
}

/// Whether the next request may fare better.
fn matters_again(error: &ProviderError) -> bool {
    !matches!(
        error.class(),
        ErrorClass::Auth | ErrorClass::BadRequest | ErrorClass::Quota
    )
}
