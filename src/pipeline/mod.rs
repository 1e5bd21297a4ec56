//! The providers of one conversation at work: orders go to whoever listens, thinks and speaks, their results come back
//! as signals. Where one fails, the next declared takes over within the same turn.

mod act;
mod guard;
mod listen;
mod live;
mod speak;
mod think;

pub use act::Doer;

use crate::media::{Crew, Services};
use crate::providers::Patience;
use crate::providers::listen::{Frame, Hear, Listener};
use crate::providers::realtime::{Duplex, Setup, ToModel};
use crate::providers::speak::Speaker;
use crate::providers::think::{Thinker, Tool};
use crate::talk::{Order, Signal, Stage};
use futures_util::future::BoxFuture;
use guard::UnderWay;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_util::task::AbortOnDropHandle;
use tracing::Instrument;

/// Sound and orders that may wait for a listener: five seconds. What comes on top is dropped: a listener that takes nothing
/// for so long has failed, and is treated so by the limit on its next answer.
const SOUND: usize = 256;
/// Of a queue that sound and orders share, so much is never filled with sound.
const FOR_ORDERS: usize = 32;
/// Orders that may wait for another stage. A conversation has a few of them under way.
const ORDERS: usize = 256;
/// Signals that may wait for the conversation; whoever has more waits.
const SIGNALS: usize = 256;

/// A provider with the name that the configuration gives it.
#[derive(Debug)]
pub struct Named<P: ?Sized> {
    /// The name, for logs and the store.
    pub name: Arc<str>,
    /// The provider.
    pub provider: Arc<P>,
    /// How long it is waited for.
    pub patience: Patience,
}

impl<P: ?Sized> Clone for Named<P> {
    fn clone(&self) -> Self {
        Self {
            name: Arc::clone(&self.name),
            provider: Arc::clone(&self.provider),
            patience: self.patience,
        }
    }
}

/// Who serves a conversation: for each stage the first choice and then those that take over, in order.
#[derive(Clone, Default)]
pub struct Staff {
    pub listen: Vec<Named<dyn Listener>>,
    pub think: Vec<Named<dyn Thinker>>,
    pub speak: Vec<Named<dyn Speaker>>,
    pub live: Vec<Named<dyn Duplex>>,
    /// What models may wish for.
    pub tools: Arc<[Tool]>,
    /// Who does it.
    pub doer: Option<Arc<dyn Doer>>,
}

/// Sets the staff to work for one conversation. `instructions` are for a speech-to-speech model; the others get theirs with
/// every request. Needs a runtime; dropping the crew stops everybody.
pub fn begin(staff: &Staff, instructions: &str) -> Crew {
    let (signals, told) = mpsc::channel(SIGNALS);
    let mut tasks = Vec::new();
    let under_way = Arc::new(UnderWay::default());
    let mut run = |stage: Stage, work: BoxFuture<'static, ()>| {
        let task = guard::watched(stage, work, Arc::clone(&under_way), signals.clone());
        tasks.push(AbortOnDropHandle::new(tokio::spawn(task.in_current_span())));
    };
    let listen = (!staff.listen.is_empty()).then(|| {
        let (orders, inbox) = mpsc::channel(SOUND);
        run(
            Stage::Listen,
            Box::pin(listen::run(staff.listen.clone(), inbox, signals.clone())),
        );
        orders
    });
    let think = (!staff.think.is_empty()).then(|| {
        let (orders, inbox) = mpsc::channel(ORDERS);
        let tools = Arc::clone(&staff.tools);
        run(
            Stage::Think,
            Box::pin(think::run(staff.think.clone(), tools, inbox, signals.clone())),
        );
        orders
    });
    let speak = (!staff.speak.is_empty()).then(|| {
        let (orders, inbox) = mpsc::channel(ORDERS);
        run(
            Stage::Speak,
            Box::pin(speak::run(staff.speak.clone(), inbox, signals.clone())),
        );
        orders
    });
    let live = (!staff.live.is_empty()).then(|| {
        let (orders, inbox) = mpsc::channel(SOUND);
        let setup = Setup {
            instructions: instructions.to_owned(),
            tools: Arc::clone(&staff.tools),
        };
        run(
            Stage::Live,
            Box::pin(live::run(staff.live.clone(), setup, inbox, signals.clone())),
        );
        orders
    });
    let act = staff.doer.as_ref().map(|doer| {
        let (orders, inbox) = mpsc::channel(ORDERS);
        // Every action is guarded by itself; the stage is the model's, as wishes are.
        run(
            Stage::Think,
            Box::pin(act::run(Arc::clone(doer), inbox, signals.clone())),
        );
        orders
    });
    Crew {
        services: Box::new(Pipeline {
            listen,
            think,
            speak,
            live,
            act,
            signals,
            under_way,
            dropped: 0,
            _tasks: tasks,
        }),
        signals: told,
    }
}

/// The orders' way to the stages.
struct Pipeline {
    listen: Option<mpsc::Sender<Hear>>,
    think: Option<mpsc::Sender<Order>>,
    speak: Option<mpsc::Sender<Order>>,
    live: Option<mpsc::Sender<ToModel>>,
    act: Option<mpsc::Sender<Order>>,
    signals: mpsc::Sender<Signal>,
    under_way: Arc<UnderWay>,
    /// Frames that nobody took.
    dropped: u64,
    _tasks: Vec<AbortOnDropHandle<()>>,
}

impl Services for Pipeline {
    fn hear(&mut self, frame: &[u8]) {
        let frame = Frame::new(frame);
        let taken = match (&self.listen, &self.live) {
            (Some(listen), _) => has_room(listen) && listen.try_send(Hear::Sound(frame)).is_ok(),
            (None, Some(live)) => has_room(live) && live.try_send(ToModel::Sound(frame)).is_ok(),
            (None, None) => return,
        };
        if !taken {
            self.dropped += 1;
            // Once a call, not once a frame.
            if self.dropped == 1 {
                tracing::warn!("the listener takes no more sound; what the caller says now is not understood");
            }
        }
    }

    fn order(&mut self, order: Order) {
        let (loss, sent) = match order {
            Order::Begin { utterance, before } => self.to_listener(utterance, Hear::Begin { utterance, before }),
            Order::Flush { utterance, flush } => self.to_listener(utterance, Hear::Flush { utterance, flush }),
            Order::End { utterance } => self.to_listener(utterance, Hear::End { utterance }),
            Order::Think { generation, .. } => {
                self.under_way.note(Stage::Think, generation);
                (Loss::Of(Stage::Think, generation), send(self.think.as_ref(), order))
            }
            Order::Say { generation, .. } | Order::SayNoMore { generation } => {
                self.under_way.note(Stage::Speak, generation);
                (Loss::Of(Stage::Speak, generation), send(self.speak.as_ref(), order))
            }
            Order::Cancel { .. } => {
                // Where nobody works at it there is nothing to cancel; what comes all the same is dropped as late.
                for stage in [&self.think, &self.speak] {
                    let _sent = send(stage.as_ref(), order.clone());
                }
                return;
            }
            Order::Act { generation, ref call } => {
                let id = Arc::clone(&call.id);
                (Loss::Action { generation, id }, send(self.act.as_ref(), order))
            }
            Order::Live(order) => (
                Loss::Of(Stage::Live, 0),
                send(self.live.as_ref(), ToModel::Order(order)),
            ),
        };
        if let Err(reason) = sent {
            let signal = loss.signal(reason);
            tracing::error!(?signal, reason, "an order to a provider is lost");
            // Where this finds no room either, the conversation's own limits end the wait.
            let _told = self.signals.try_send(signal);
        }
    }
}

impl Pipeline {
    fn to_listener(&self, utterance: u32, order: Hear) -> (Loss, Result<(), &'static str>) {
        self.under_way.note(Stage::Listen, utterance);
        let sent = match &self.listen {
            // Without a listener the conversation does with what it hears itself.
            None => Ok(()),
            listen => send(listen.as_ref(), order),
        };
        (Loss::Of(Stage::Listen, utterance), sent)
    }
}

/// What will not be done where an order is lost.
enum Loss {
    Of(Stage, u32),
    Action { generation: u32, id: Arc<str> },
}

impl Loss {
    fn signal(self, reason: &'static str) -> Signal {
        match self {
            Self::Of(stage, generation) => Signal::Failed {
                stage,
                generation,
                error: reason.into(),
            },
            Self::Action { generation, id } => Signal::Acted {
                generation,
                id,
                result: Err(reason.to_owned()),
            },
        }
    }
}

/// Whether sound may go into a queue that it shares with orders.
fn has_room<T>(queue: &mpsc::Sender<T>) -> bool {
    queue.capacity() > FOR_ORDERS
}

fn send<T>(stage: Option<&mpsc::Sender<T>>, order: T) -> Result<(), &'static str> {
    let stage = stage.ok_or("nobody was declared for it")?;
    stage.try_send(order).map_err(|error| match error {
        mpsc::error::TrySendError::Full(_) => "too many orders wait already",
        mpsc::error::TrySendError::Closed(_) => "nobody is left for it",
    })
}

/// Tells that `now` serves in place of `before`.
async fn serving(signals: &mpsc::Sender<Signal>, stage: Stage, now: &Arc<str>, before: Option<&Arc<str>>) {
    if let Some(before) = before {
        tracing::warn!(
            stage = stage.name(),
            provider = &**now,
            instead_of = &**before,
            "PROVIDER_SWITCHED"
        );
    }
    let signal = Signal::Serving {
        stage,
        provider: Arc::clone(now),
        instead_of: before.cloned(),
    };
    // A conversation that is over needs to know nothing.
    let _told = signals.send(signal).await;
}

/// Tells that nobody is left.
async fn failed(signals: &mpsc::Sender<Signal>, stage: Stage, generation: u32, error: &str) {
    tracing::error!(stage = stage.name(), error, "PROVIDER_FAILED");
    let signal = Signal::Failed {
        stage,
        generation,
        error: error.into(),
    };
    let _told = signals.send(signal).await;
}

#[cfg(test)]
mod tests;
