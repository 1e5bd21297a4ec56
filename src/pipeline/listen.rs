//! The listening stage: sound goes to whoever listens; where that one fails, the next hears the utterance from its start.

use super::guard::guarded;
use super::{Named, failed, serving};
use crate::audio::mulaw::{FRAME, millis};
use crate::providers::ProviderError;
use crate::providers::listen::{Frame, Hear, Heard, Listener};
use crate::talk::{Signal, Stage};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// What may wait on the way to a listener, and back.
const QUEUE: usize = 256;
/// How much of an utterance is kept for another listener: ten seconds, 80 kB. Its beginning goes first.
const KEPT: usize = 80_000;
/// How much sound is kept while nobody speaks: an utterance is noticed after its beginning.
const BEFORE: usize = 4_000;

/// What another listener would have to be told.
#[derive(Default)]
struct Memory {
    /// Sound since the utterance began, with what came just before it.
    sound: Vec<u8>,
    utterance: Option<u32>,
    /// The flush that was not answered, and since when.
    flush: Option<(u32, Instant)>,
}

impl Memory {
    /// `keep` where another listener may have to hear it.
    fn note(&mut self, order: &Hear, keep: bool) {
        match order {
            Hear::Sound(_) if !keep => {}
            Hear::Sound(frame) => {
                let most = if self.utterance.is_some() { KEPT } else { BEFORE };
                self.sound.extend_from_slice(frame.sound());
                // Cut seldom and by much, not by a frame at every frame.
                if self.sound.len() > most + BEFORE {
                    self.sound.drain(..self.sound.len() - most);
                }
            }
            Hear::Begin { utterance, before } => {
                let before = (*before as usize).saturating_mul(8).min(self.sound.len());
                self.sound.drain(..self.sound.len() - before);
                (self.utterance, self.flush) = (Some(*utterance), None);
            }
            Hear::Flush { flush, .. } => self.flush = Some((*flush, Instant::now())),
            Hear::End { .. } => {
                (self.utterance, self.flush) = (None, None);
                self.sound.clear();
            }
        }
    }

    fn answered(&mut self, flush: u32) {
        if self.flush.is_some_and(|(asked, _)| asked <= flush) {
            self.flush = None;
        }
    }

    /// Everything another listener has to hear first.
    fn again(&self) -> Vec<Hear> {
        let Some(utterance) = self.utterance else {
            return Vec::new();
        };
        let mut orders: Vec<Hear> = self
            .sound
            .chunks(FRAME)
            .map(|sound| Hear::Sound(Frame::new(sound)))
            .collect();
        let before = u32::try_from(millis(self.sound.len())).unwrap_or(u32::MAX);
        orders.push(Hear::Begin { utterance, before });
        orders.extend(self.flush.map(|(flush, _)| Hear::Flush { utterance, flush }));
        orders
    }
}

/// Runs until `orders` ends.
pub(super) async fn run(
    staff: Vec<Named<dyn Listener>>,
    mut orders: mpsc::Receiver<Hear>,
    signals: mpsc::Sender<Signal>,
) {
    let mut memory = Memory::default();
    let mut last: Option<(Arc<str>, ProviderError)> = None;
    let count = staff.len();
    for (index, member) in staff.into_iter().enumerate() {
        let Named {
            name,
            provider,
            patience,
        } = member;
        serving(&signals, Stage::Listen, &name, last.as_ref().map(|(name, _)| name)).await;
        let again = memory.again();
        if let Some((_, since)) = &mut memory.flush {
            *since = Instant::now();
        }
        let error = {
            let (to_listener, inbox) = mpsc::channel(QUEUE + again.len());
            for order in again {
                let _room = to_listener.try_send(order);
            }
            let (told, heard) = mpsc::channel(QUEUE);
            let listening = guarded(async move { provider.listen(inbox, told).await });
            // How long an answer to a flush may take where somebody else could give it.
            // Sooner than the listener answers a flush by itself, with whatever words there are: an empty answer that
            // comes first would leave the other one unasked.
            let limit = (index + 1 < count).then_some(patience.first * 4 / 5);
            serve(listening, to_listener, heard, &mut orders, &signals, &mut memory, limit).await
        };
        let Some(error) = error else { return };
        tracing::warn!(provider = &*name, class = error.class().name(), %error, "LISTEN_FAILED");
        last = Some((name, error));
    }
    let error = last.map_or_else(String::new, |(_, error)| error.to_string());
    failed(&signals, Stage::Listen, memory.utterance.unwrap_or(0), &error).await;
    // Sound that nobody hears is taken all the same, so that it does not look like a failure of its own.
    while orders.recv().await.is_some() {}
}

/// One listener at work; its error, or none where all is over.
async fn serve(
    listening: impl Future<Output = Result<(), ProviderError>>,
    to_listener: mpsc::Sender<Hear>,
    mut heard: mpsc::Receiver<Heard>,
    orders: &mut mpsc::Receiver<Hear>,
    signals: &mpsc::Sender<Signal>,
    memory: &mut Memory,
    limit: Option<Duration>,
) -> Option<ProviderError> {
    tokio::pin!(listening);
    let never = Instant::now() + Duration::from_secs(86_400 * 365);
    let alarm = sleep_until(never);
    tokio::pin!(alarm);
    loop {
        let due = match (memory.flush, limit) {
            (Some((_, since)), Some(limit)) => since + limit,
            _ => never,
        };
        if alarm.deadline() != due {
            alarm.as_mut().reset(due);
        }
        tokio::select! {
            result = &mut listening => {
                // What it heard before its end counts.
                while let Ok(heard) = heard.try_recv() {
                    tell(heard, signals, memory).await;
                }
                return Some(result.err().unwrap_or_else(|| ProviderError::Transient {
                    detail: "the listener stopped by itself".to_owned(),
                }));
            }
            order = orders.recv() => {
                let order = order?;
                memory.note(&order, limit.is_some());
                if to_listener.try_send(order).is_err() && !matches!(order, Hear::Sound(_)) {
                    return Some(ProviderError::Timeout { limit: Duration::from_secs(5) });
                }
            }
            Some(heard) = heard.recv() => {
                if !tell(heard, signals, memory).await {
                    return None;
                }
            }
            () = &mut alarm => return Some(ProviderError::Timeout { limit: limit.unwrap_or_default() }),
        }
    }
}

/// Passes on what was heard; false where nobody wants to know any more.
async fn tell(heard: Heard, signals: &mpsc::Sender<Signal>, memory: &mut Memory) -> bool {
    let signal = match heard {
        Heard::Ready => return true,
        Heard::Words { utterance, text, flush } => {
            if let Some(flush) = flush {
                memory.answered(flush);
            }
            Signal::Words { utterance, text, flush }
        }
        Heard::Verdict { utterance, verdict } => Signal::Verdict { utterance, verdict },
    };
    signals.send(signal).await.is_ok()
}
