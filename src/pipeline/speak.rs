//! The speaking stage: pieces go to the voice that serves; what it leaves unsaid, the next one says.

mod ahead;
mod todo;

use super::guard::guarded;
use super::{Named, failed, serving};
use crate::audio::trim::Trim;
use crate::providers::ProviderError;
use crate::providers::speak::{Say, Speaker, Spoken};
use crate::talk::{Order, Signal, Stage};
use ahead::{Ahead, LUMP};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;
use todo::Todo;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};

/// Orders that may wait for a voice.
const SAYS: usize = 64;
/// Sound that may wait, in lumps: a voice is not read any faster than it is taken.
const LUMPS: usize = 4;

/// Why a voice does not go on.
enum Stopped {
    /// There are no more orders, or nobody takes what is said.
    Over,
    /// It failed; another is to go on.
    Failed(ProviderError),
}

/// Runs until `orders` ends.
pub(super) async fn run(
    staff: Vec<Named<dyn Speaker>>,
    mut orders: mpsc::Receiver<Order>,
    signals: mpsc::Sender<Signal>,
) {
    let (mut todo, mut ahead) = (Todo::default(), Ahead::default());
    let mut before: Option<(Arc<str>, ProviderError)> = None;
    // Who serves, and how many failed since a voice did something: one that did gets another chance, after the others.
    let (mut index, mut failures) = (0, 0);
    loop {
        if failures == staff.len() {
            let error = before.take().map_or_else(String::new, |(_, error)| error.to_string());
            // A voice that breaks while nothing is wanted of it keeps nobody waiting.
            if let Some(generation) = todo.generation() {
                failed(&signals, Stage::Speak, generation, &error).await;
            }
            todo.give_up();
            (index, failures) = (0, 0);
            // Nothing is tried until something is wanted.
            while todo.generation().is_none() {
                let Some(order) = orders.recv().await else { return };
                if let Some(say) = say(order) {
                    todo.note(&say);
                }
            }
        }
        let Some(Named { name, provider, .. }) = staff.get(index) else {
            return;
        };
        let instead_of = before.as_ref().map(|(name, _)| name);
        // A second try is nobody else's.
        if instead_of != Some(name) {
            serving(&signals, Stage::Speak, name, instead_of).await;
        }
        let (says, inbox) = mpsc::channel(SAYS);
        let (lumps, spoken) = mpsc::channel(LUMPS);
        let mut voice = Voice {
            todo: &mut todo,
            ahead: &mut ahead,
            orders: &mut orders,
            signals: &signals,
            says,
            trim: Default::default(),
            ready: VecDeque::new(),
            worked: false,
        };
        let provider = Arc::clone(provider);
        let speaking = guarded(async move { provider.speak(inbox, lumps).await });
        let stopped = voice.serve(speaking, spoken).await;
        let mut worked = voice.worked;
        let error = match stopped {
            Stopped::Over => return,
            Stopped::Failed(error) => error,
        };
        tracing::warn!(provider = &**name, class = error.class().name(), %error, "SPEAK_FAILED");
        for (generation, piece) in todo.broken() {
            worked = true;
            let _told = signals.send(Signal::CutShort { generation, piece }).await;
        }
        failures = if worked { 0 } else { failures + 1 };
        index = (index + 1) % staff.len();
        before = Some((Arc::clone(name), error));
    }
}

fn say(order: Order) -> Option<Say> {
    match order {
        Order::Say {
            generation,
            piece,
            text,
        } => Some(Say::Piece {
            generation,
            piece,
            text,
        }),
        Order::SayNoMore { generation } => Some(Say::Finish { generation }),
        Order::Cancel { generation } => Some(Say::Cancel { generation }),
        _ => None,
    }
}

/// One voice serving.
struct Voice<'a> {
    todo: &'a mut Todo,
    ahead: &'a mut Ahead,
    orders: &'a mut mpsc::Receiver<Order>,
    signals: &'a mpsc::Sender<Signal>,
    says: mpsc::Sender<Say>,
    /// The piece whose sound comes, and its trimming.
    trim: ((u32, u32), Trim),
    /// What was said and not told yet: a lump's worth.
    ready: VecDeque<Signal>,
    /// Whether it has spoken a piece to its end.
    worked: bool,
}

impl Voice<'_> {
    async fn serve(
        &mut self,
        speaking: impl Future<Output = Result<(), ProviderError>>,
        mut spoken: mpsc::Receiver<Spoken>,
    ) -> Stopped {
        let mut waiting = self.todo.again();
        let says = self.says.clone();
        tokio::pin!(speaking);
        let mut ended = None;
        loop {
            if self.ready.is_empty() && ended.is_some() {
                // What it said before its end counts.
                let last = match spoken.try_recv() {
                    Ok(said) => self.take(said),
                    Err(_) => ended.take(),
                };
                match last {
                    Some(error) => return Stopped::Failed(error),
                    None => continue,
                }
            }
            let room = async {
                match waiting.is_empty() || ended.is_some() {
                    true => std::future::pending().await,
                    false => says.reserve().await,
                }
            };
            let more_at = match self.ready.front() {
                Some(Signal::Sound { .. }) => self.ahead.more_at(),
                _ => None,
            };
            let more = async {
                if let Some(at) = more_at {
                    sleep_until(at).await;
                }
            };
            tokio::select! {
                result = &mut speaking, if ended.is_none() => {
                    ended = Some(result.err().unwrap_or_else(|| ProviderError::Transient {
                        detail: "the voice stopped by itself".to_owned(),
                    }));
                }
                // A voice that takes nothing more says why, at once.
                permit = room => if let (Ok(permit), Some(order)) = (permit, waiting.pop_front()) {
                    permit.send(order);
                },
                order = self.orders.recv() => match order {
                    None => return Stopped::Over,
                    Some(order) => if let Some(say) = say(order) {
                        self.todo.note(&say);
                        if let Say::Cancel { generation } = say {
                            waiting.retain(|order| !matches!(order, Say::Piece { generation: of, .. } if *of <= generation));
                            self.ready.retain(|signal| is_newer(signal, generation));
                            self.ahead.emptied();
                        }
                        waiting.push_back(say);
                    },
                },
                () = more, if !self.ready.is_empty() => if !self.tell().await {
                    return Stopped::Over;
                },
                Some(said) = spoken.recv(), if self.ready.is_empty() => {
                    if let Some(error) = self.take(said) {
                        return Stopped::Failed(error);
                    }
                }
            }
        }
    }

    /// Tells the first of what is ready; false where nobody wants to know any more.
    async fn tell(&mut self) -> bool {
        let Some(signal) = self.ready.pop_front() else {
            return true;
        };
        if let Signal::Sound { ulaw, .. } = &signal {
            self.ahead.gave(Instant::now(), ulaw.len());
        }
        self.signals.send(signal).await.is_ok()
    }

    /// Takes what was spoken; an error where somebody else has to speak it.
    fn take(&mut self, said: Spoken) -> Option<ProviderError> {
        match said {
            Spoken::Sound {
                generation,
                piece,
                ulaw,
            } if self.todo.is_wanted(generation) => {
                if self.trim.0 != (generation, piece) {
                    self.trim = ((generation, piece), Trim::default());
                }
                let ulaw = self.trim.1.take(&ulaw)?;
                self.sound(generation, piece, ulaw);
            }
            Spoken::Done { generation, piece } if self.todo.is_wanted(generation) => {
                self.worked = true;
                if self.trim.0 == (generation, piece)
                    && let Some(ulaw) = self.trim.1.finish()
                {
                    self.sound(generation, piece, ulaw);
                }
                self.todo.done(generation, piece);
                self.ready.push_back(Signal::Spoken { generation, piece });
            }
            Spoken::Failed { generation, error, .. } if self.todo.is_wanted(generation) => return Some(error),
            // Late: nobody wants it any more.
            _ => {}
        }
        None
    }

    fn sound(&mut self, generation: u32, piece: u32, mut ulaw: Bytes) {
        self.todo.gave(generation, piece, ulaw.len());
        while !ulaw.is_empty() {
            let ulaw = ulaw.split_to(ulaw.len().min(LUMP));
            self.ready.push_back(Signal::Sound {
                generation,
                piece,
                ulaw,
            });
        }
    }
}

/// Whether this belongs to a later answer than `cancelled`.
fn is_newer(signal: &Signal, cancelled: u32) -> bool {
    match signal {
        Signal::Sound { generation, .. } | Signal::Spoken { generation, .. } => *generation > cancelled,
        _ => true,
    }
}
