//! Speakers that answer one text at a time, as HTTP services and programs do. The next piece is asked for while the one before is
//! still on its way; sound leaves in order.

use super::line::Line;
use super::outlet::Outlet;
use super::secret::hide;
use super::{Say, Speaker, Spoken};
use crate::providers::{Patience, ProviderError, Service};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout};
use tokio_util::task::AbortOnDropHandle;

/// Requests on their way at once.
const AT_ONCE: usize = 2;
/// Lumps of sound that wait for their turn; a service that is faster waits.
const LUMPS: usize = 64;

/// A service that turns one text into sound.
pub(super) trait Source: Send + Sync + 'static {
    /// The longest text it takes, in characters.
    fn limit(&self) -> usize;

    /// Its settings: how long it is waited for, and what no error may show.
    fn service(&self) -> &Service;

    /// Asks for these words. Dropping what comes back ends the request.
    fn ask<'a>(&'a self, text: &'a str) -> BoxFuture<'a, Result<Box<dyn Sound>, ProviderError>>;
}

/// Sound on its way.
pub(super) trait Sound: Send {
    /// More mu-law at 8 kHz, maybe none; `None` at its end.
    fn next(&mut self) -> BoxFuture<'_, Result<Option<Bytes>, ProviderError>>;
}

/// Any [`Source`] as a [`Speaker`].
pub(super) struct Requests<S>(pub(super) S);

impl<S: Source> Speaker for Requests<S> {
    fn speak(
        self: Arc<Self>,
        orders: mpsc::Receiver<Say>,
        spoken: mpsc::Sender<Spoken>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        run(self, orders, spoken).boxed()
    }
}

/// What comes of a request: sound, `None` at its proper end, or why there is none.
type Lump = Result<Option<Bytes>, ProviderError>;

/// A request on its way; dropping it ends it.
struct Fetch {
    lumps: mpsc::Receiver<Lump>,
    _running: AbortOnDropHandle<()>,
}

async fn run<S: Source>(
    service: Arc<Requests<S>>,
    mut orders: mpsc::Receiver<Say>,
    spoken: mpsc::Sender<Spoken>,
) -> Result<(), ProviderError> {
    let mut outlet = Outlet::new(spoken);
    let mut line: Line<Option<Fetch>> = Line::new();
    loop {
        line.settle(&mut outlet);
        for part in line.parts.iter_mut().take(AT_ONCE) {
            if let (None, Some(text)) = (&part.work, &part.text) {
                part.work = Some(fetch(Arc::clone(&service), text.clone()));
            }
        }
        let head = line.parts.front_mut().and_then(|head| head.work.as_mut());
        tokio::select! {
            biased;
            order = orders.recv() => match order {
                None => return Ok(()),
                Some(Say::Piece { generation, piece, text }) if outlet.wants(generation) => {
                    line.add(generation, piece, &text, service.0.limit());
                }
                Some(Say::Piece { .. } | Say::Finish { .. }) => {}
                Some(Say::Cancel { generation }) => {
                    line.cancel(generation);
                    outlet.cancel(generation);
                }
            },
            taken = outlet.give(), if !outlet.is_empty() => if !taken {
                return Ok(());
            },
            lump = next(head), if outlet.has_room() => match lump {
                Ok(Some(ulaw)) => if let Err(error) = line.sound(ulaw, &mut outlet) {
                    line.fail(error, &mut outlet);
                },
                Ok(None) => line.end(false, &mut outlet),
                Err(error) => line.fail(error, &mut outlet),
            },
        }
    }
}

/// The next lump of this request; never ends where there is none.
async fn next(head: Option<&mut Fetch>) -> Lump {
    match head {
        None => std::future::pending().await,
        Some(fetch) => fetch.lumps.recv().await.unwrap_or_else(|| {
            Err(ProviderError::Transient {
                detail: "the request ended without an answer".to_owned(),
            })
        }),
    }
}

fn fetch<S: Source>(service: Arc<Requests<S>>, text: Box<str>) -> Fetch {
    let (sender, lumps) = mpsc::channel(LUMPS);
    let running = tokio::spawn(async move {
        let mut clock = Clock::new(service.0.service().patience);
        let mut given = false;
        let mut result = attempt(&service.0, &text, &mut clock, &mut given, &sender).await;
        if matches!(result, Err(ProviderError::Transient { .. })) && !given {
            result = attempt(&service.0, &text, &mut clock, &mut given, &sender).await;
        }
        let result = result.map(|()| None).map_err(|error| hide(error, service.0.service()));
        // Where nobody takes it any more, nobody needs it.
        let _unwanted = sender.send(result).await;
    });
    Fetch {
        lumps,
        _running: AbortOnDropHandle::new(running),
    }
}

/// Asks once and passes on what comes. `given` is set as soon as something was.
async fn attempt(
    source: &impl Source,
    text: &str,
    clock: &mut Clock,
    given: &mut bool,
    to: &mpsc::Sender<Lump>,
) -> Result<(), ProviderError> {
    let first = clock.patience.first;
    let asked = Instant::now();
    let mut sound = clock.wait(first, source.ask(text)).await?;
    loop {
        let limit = match given {
            true => clock.patience.gap,
            false => first.saturating_sub(asked.elapsed()),
        };
        let wait = clock.wait(limit, sound.next()).await;
        let lump = match wait {
            // The whole of the wait is what a reader of the error wants to know.
            Err(ProviderError::Timeout { .. }) if !*given => return Err(ProviderError::Timeout { limit: first }),
            other => other?,
        };
        match lump {
            None => return Ok(()),
            Some(ulaw) if ulaw.is_empty() => {}
            Some(ulaw) => {
                *given = true;
                if to.send(Ok(Some(ulaw))).await.is_err() {
                    return Ok(());
                }
            }
        }
    }
}

/// Time spent waiting for the service; waiting for whoever takes the sound does not count.
struct Clock {
    patience: Patience,
    spent: Duration,
}

impl Clock {
    fn new(patience: Patience) -> Self {
        Self {
            patience,
            spent: Duration::ZERO,
        }
    }

    async fn wait<T>(
        &mut self,
        limit: Duration,
        answer: impl Future<Output = Result<T, ProviderError>>,
    ) -> Result<T, ProviderError> {
        let left = self.patience.whole.saturating_sub(self.spent);
        let began = Instant::now();
        let answer = timeout(limit.min(left), answer).await;
        self.spent += began.elapsed();
        answer.unwrap_or(Err(ProviderError::Timeout {
            limit: if left <= limit { self.patience.whole } else { limit },
        }))
    }
}
