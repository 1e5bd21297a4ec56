//! A speaker that answers from the cache what is in it and has everything else spoken, in the order of the pieces.

use super::{Cache, Gathered, Key};
use crate::providers::speak::outlet::Outlet;
use crate::providers::speak::{Say, Speaker, Spoken};
use crate::providers::{ProviderError, Service};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Orders that wait for the speaker behind the cache.
const ORDERS: usize = 64;

/// A [`Speaker`] in front of another one. It keeps every piece of up to 30 s that was spoken to its end.
pub struct Cached {
    inner: Arc<dyn Speaker>,
    service: Service,
    cache: Arc<Cache>,
}

impl Cached {
    /// `service` is the one that `inner` speaks for.
    pub fn new(inner: Arc<dyn Speaker>, service: &Service, cache: Arc<Cache>) -> Self {
        Self {
            inner,
            service: service.clone(),
            cache,
        }
    }
}

impl Speaker for Cached {
    fn speak(
        self: Arc<Self>,
        orders: mpsc::Receiver<Say>,
        spoken: mpsc::Sender<Spoken>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        async move {
            let mut desk = Desk {
                inner: Inner::start(&self.inner),
                cached: self,
                outlet: Outlet::new(spoken),
                queue: VecDeque::new(),
            };
            desk.run(orders).await
        }
        .boxed()
    }
}

/// The speaker behind the cache, at work.
struct Inner {
    orders: mpsc::Sender<Say>,
    spoken: mpsc::Receiver<Spoken>,
    /// `None` once it has ended.
    work: Option<BoxFuture<'static, Result<(), ProviderError>>>,
    /// Why it ended.
    error: Option<ProviderError>,
    /// It has ended, and everything it said was taken.
    over: bool,
}

impl Inner {
    fn start(speaker: &Arc<dyn Speaker>) -> Self {
        let (orders, taken) = mpsc::channel(ORDERS);
        let (said, spoken) = mpsc::channel(8);
        Self {
            work: Some(Arc::clone(speaker).speak(taken, said)),
            orders,
            spoken,
            error: None,
            over: false,
        }
    }

    /// What it says next; `None` once it has ended and everything was taken.
    async fn next(&mut self) -> Option<Spoken> {
        loop {
            let Some(work) = &mut self.work else {
                let spoken = self.spoken.recv().await;
                self.over = spoken.is_none();
                return spoken;
            };
            tokio::select! {
                biased;
                spoken = self.spoken.recv() => if let Some(spoken) = spoken {
                    return Some(spoken);
                } else {
                    self.error = work.await.err();
                    self.work = None;
                },
                ended = &mut *work => {
                    self.error = ended.err();
                    self.work = None;
                }
            }
        }
    }
}

/// A piece that is not done.
struct Entry {
    generation: u32,
    piece: u32,
    key: Key,
    state: State,
}

enum State {
    /// In the cache; given out when its turn comes.
    Found(Bytes),
    /// Asked for.
    Asked(Gathered),
}

struct Desk {
    cached: Arc<Cached>,
    inner: Inner,
    outlet: Outlet,
    queue: VecDeque<Entry>,
}

impl Desk {
    async fn run(&mut self, mut orders: mpsc::Receiver<Say>) -> Result<(), ProviderError> {
        loop {
            self.settle();
            let over = self.inner.over;
            if over && self.outlet.is_empty() && !self.queue.is_empty() {
                // What is left was asked for and will not come.
                return Err(self.inner.error.take().unwrap_or_else(stopped));
            }
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    None => return Ok(()),
                    Some(order) => self.order(order).await,
                },
                taken = self.outlet.give(), if !self.outlet.is_empty() => if !taken {
                    return Ok(());
                },
                spoken = self.inner.next(), if !over && self.outlet.has_room() => if let Some(spoken) = spoken {
                    self.spoken(spoken).await;
                },
            }
        }
    }

    /// Gives out what was found, as far as nothing else is due before it.
    fn settle(&mut self) {
        while let Some(Entry {
            state: State::Found(_), ..
        }) = self.queue.front()
            && let Some(entry) = self.queue.pop_front()
        {
            let (generation, piece) = (entry.generation, entry.piece);
            if let State::Found(ulaw) = entry.state {
                self.outlet.push(Spoken::Sound {
                    generation,
                    piece,
                    ulaw,
                });
            }
            self.outlet.push(Spoken::Done { generation, piece });
        }
    }

    async fn order(&mut self, order: Say) {
        match &order {
            Say::Piece { generation, .. } if !self.outlet.wants(*generation) => return,
            Say::Piece {
                generation,
                piece,
                text,
            } => {
                let key = Key::new(&self.cached.service, text);
                let found = self.cached.cache.find(key).await;
                let known = found.is_some();
                self.queue.push_back(Entry {
                    generation: *generation,
                    piece: *piece,
                    key,
                    state: found.map_or_else(|| State::Asked(Gathered::new()), State::Found),
                });
                if known {
                    return;
                }
                let asked = self
                    .queue
                    .iter()
                    .filter(|entry| matches!(entry.state, State::Asked(_)))
                    .count();
                if self.inner.work.is_none() && asked == 1 {
                    // It ended while nothing was asked of it: it may do better now.
                    self.inner = Inner::start(&self.cached.inner);
                }
            }
            Say::Cancel { generation } => {
                self.queue.retain(|entry| entry.generation > *generation);
                self.outlet.cancel(*generation);
            }
            Say::Finish { .. } => {}
        }
        self.pass_on(order).await;
    }

    /// Hands an order on; while there is no place for it, what the speaker says is taken, so that neither waits for the other.
    async fn pass_on(&mut self, mut order: Say) {
        loop {
            if self.inner.work.is_none() {
                return;
            }
            match self.inner.orders.try_send(order) {
                Ok(()) | Err(mpsc::error::TrySendError::Closed(_)) => return,
                Err(mpsc::error::TrySendError::Full(back)) => {
                    order = back;
                    if let Some(spoken) = self.inner.next().await {
                        self.spoken(spoken).await;
                    }
                }
            }
        }
    }

    /// Passes on what the speaker says, keeps what is complete.
    async fn spoken(&mut self, spoken: Spoken) {
        let of = |entry: &Entry, generation, piece| (entry.generation, entry.piece) == (generation, piece);
        match &spoken {
            Spoken::Sound {
                generation,
                piece,
                ulaw,
            } => {
                let entry = self.queue.iter_mut().find(|entry| of(entry, *generation, *piece));
                if let Some(Entry {
                    state: State::Asked(gathered),
                    ..
                }) = entry
                {
                    gathered.add(ulaw);
                }
            }
            Spoken::Done { generation, piece } => {
                let at = self.queue.iter().position(|entry| of(entry, *generation, *piece));
                if let Some(Entry {
                    key,
                    state: State::Asked(gathered),
                    ..
                }) = at.and_then(|at| self.queue.remove(at))
                    && let Some(sound) = gathered.whole()
                {
                    self.cached.cache.keep(key, sound).await;
                }
            }
            Spoken::Failed { generation, piece, .. } => {
                self.queue.retain(|entry| !of(entry, *generation, *piece));
            }
        }
        self.outlet.push(spoken);
        self.settle();
    }
}

fn stopped() -> ProviderError {
    ProviderError::Transient {
        detail: "the speaker stopped".to_owned(),
    }
}
