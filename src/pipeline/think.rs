//! The thinking stage: one request at a time, the newest; another model where one does not answer.

mod held;

use super::guard::guarded;
use super::{Named, failed, serving};
use crate::providers::think::{Request, Thinker, Thought, Tool};
use crate::providers::{ErrorClass, ProviderError};
use crate::talk::{ActionCall, Message, Order, Signal, Stage, Usage};
use held::Held;
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
        // A sentence of a model that broke, in case that nobody does better.
        let mut spare = Vec::new();
        for index in self.first..self.staff.len() {
            let Named { name, provider, .. } = self.staff[index].clone();
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
            let answer = guarded(async move { provider.think(request, thoughts).await });
            let mut teller = Teller::new(generation, messages, &self.signals);
            let mut held = Held::default();
            let forward = async {
                while let Some(thought) = inbox.recv().await {
                    let ready = held.take(thought);
                    if !held.begun {
                        teller.alive().await;
                    }
                    if !teller.tell(ready).await {
                        return;
                    }
                }
            };
            let (result, ()) = tokio::join!(answer, forward);
            let result = match result {
                // Behind an action a model may have nothing to add; to the caller's words it must say something.
                Ok(_) if held.is_empty() && !follows_action(messages) && index + 1 < self.staff.len() => {
                    Err(ProviderError::Transient {
                        detail: "the answer was empty".to_owned(),
                    })
                }
                result => result,
            };
            match result {
                Ok(usage) => {
                    teller.tell(held.rest()).await;
                    return teller.done(usage).await;
                }
                Err(error) => {
                    tracing::warn!(provider = &*name, class = error.class().name(), %error, "THINK_FAILED");
                    if !matters_again(&error) && self.first == index && index + 1 < self.staff.len() {
                        self.first = index + 1;
                    }
                    if held.begun {
                        // Words that were said cannot be taken back, and nobody else would go on from them: they stand.
                        return teller.done(teller.estimate()).await;
                    }
                    if spare.is_empty() && held.is_whole() {
                        spare = held.rest();
                    }
                    last = Some(error);
                }
            }
        }
        if !spare.is_empty() {
            let mut teller = Teller::new(generation, messages, &self.signals);
            teller.tell(spare).await;
            return teller.done(teller.estimate()).await;
        }
        let error = last.map_or_else(|| "nobody thinks".to_owned(), |error| error.to_string());
        failed(&self.signals, Stage::Think, generation, &error).await;
    }
}

/// Tells the conversation one model's answer.
struct Teller<'a> {
    generation: u32,
    messages: &'a [Message],
    signals: &'a mpsc::Sender<Signal>,
    /// Of words and wishes told.
    bytes: usize,
}

impl<'a> Teller<'a> {
    fn new(generation: u32, messages: &'a [Message], signals: &'a mpsc::Sender<Signal>) -> Self {
        Self {
            generation,
            messages,
            signals,
            bytes: 0,
        }
    }

    /// Tells these thoughts; false where nobody wants to know any more.
    async fn tell(&mut self, thoughts: Vec<Thought>) -> bool {
        let generation = self.generation;
        for thought in thoughts {
            let signal = match thought {
                Thought::Text(text) => {
                    self.bytes += text.len();
                    Signal::Token { generation, text }
                }
                Thought::Wish(call) => {
                    self.bytes += call.name.len() + call.arguments.len();
                    let call = self.unlike_others(call);
                    Signal::Wish { generation, call }
                }
            };
            if self.signals.send(signal).await.is_err() {
                return false;
            }
        }
        true
    }

    /// The model thinks, though nothing of it is told yet.
    async fn alive(&self) {
        let sign = Signal::Token {
            generation: self.generation,
            text: String::new(),
        };
        let _told = self.signals.send(sign).await;
    }

    async fn done(&self, usage: Usage) {
        let generation = self.generation;
        let _told = self.signals.send(Signal::Thought { generation, usage }).await;
    }

    /// The wish under a name that no earlier one has: some servers count from the start in every answer. Others want names
    /// of a certain form back, so only those are changed.
    fn unlike_others(&self, call: ActionCall) -> ActionCall {
        let is_known = |message: &Message| match message {
            Message::Agent { calls, .. } => calls.iter().any(|known| known.id == call.id),
            Message::Result { id, .. } => *id == call.id,
            Message::System(_) | Message::Caller(_) => false,
        };
        match self.messages.iter().any(is_known) {
            true => ActionCall {
                id: format!("{}_{}", call.id, self.generation).into(),
                ..call
            },
            false => call,
        }
    }

    /// What the answer used up, where the model cannot say: four bytes make a token.
    fn estimate(&self) -> Usage {
        let bytes = |message: &Message| match message {
            Message::System(text) | Message::Caller(text) | Message::Result { text, .. } => text.len(),
            Message::Agent { text, calls } => {
                let calls = calls.iter().map(|call| call.name.len() + call.arguments.len());
                text.len() + calls.sum::<usize>()
            }
        };
        let tokens = |bytes: usize| u32::try_from(bytes.div_ceil(4)).unwrap_or(u32::MAX);
        Usage {
            prompt: tokens(self.messages.iter().map(bytes).sum()),
            cached: 0,
            completion: tokens(self.bytes),
            estimated: true,
        }
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
