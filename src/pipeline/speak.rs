//! The speaking stage: pieces go to the voice that serves; what it leaves unsaid, the next one says.

use super::{Named, failed, serving};
use crate::audio::trim::Trim;
use crate::providers::ProviderError;
use crate::providers::speak::{Say, Speaker, Spoken};
use crate::talk::{Order, Signal, Stage};
use std::collections::VecDeque;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Sound that may wait, in lumps: a voice is not read any faster than it is taken.
const LUMPS: usize = 64;

/// A piece that was not spoken to its end.
struct Piece {
    generation: u32,
    piece: u32,
    text: Arc<str>,
}

/// What is still to be spoken.
#[derive(Default)]
struct Todo {
    pieces: VecDeque<Piece>,
    /// The answer that has no more pieces.
    finished: Option<u32>,
    /// Everything up to this answer is not wanted.
    cancelled: Option<u32>,
}

impl Todo {
    fn note(&mut self, order: &Say) {
        match order {
            Say::Piece {
                generation,
                piece,
                text,
            } => self.pieces.push_back(Piece {
                generation: *generation,
                piece: *piece,
                text: Arc::clone(text),
            }),
            Say::Finish { generation } => self.finished = Some(*generation),
            Say::Cancel { generation } => {
                self.pieces.retain(|piece| piece.generation > *generation);
                self.cancelled = self.cancelled.max(Some(*generation));
            }
        }
    }

    fn is_wanted(&self, generation: u32) -> bool {
        self.cancelled.is_none_or(|cancelled| generation > cancelled)
    }

    fn done(&mut self, generation: u32, piece: u32) {
        self.pieces
            .retain(|known| (known.generation, known.piece) != (generation, piece));
    }

    /// The orders that bring another voice to where this one stopped.
    fn again(&self) -> Vec<Say> {
        let mut orders: Vec<Say> = self
            .pieces
            .iter()
            .map(|piece| Say::Piece {
                generation: piece.generation,
                piece: piece.piece,
                text: Arc::clone(&piece.text),
            })
            .collect();
        orders.extend(self.finished.map(|generation| Say::Finish { generation }));
        orders
    }
}

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
    let mut todo = Todo::default();
    let mut before: Option<(Arc<str>, ProviderError)> = None;
    // After the last one the first gets another chance with the next answer: nobody else is left.
    let mut rounds = staff.iter().cycle();
    let mut tried = 0;
    while let Some(Named { name, provider }) = rounds.next() {
        if tried == staff.len() {
            let error = before.as_ref().map_or_else(String::new, |(_, error)| error.to_string());
            let generation = todo.pieces.front().map_or(0, |piece| piece.generation);
            failed(&signals, Stage::Speak, generation, &error).await;
            todo = Todo::default();
            tried = 0;
            before = None;
            // Nothing is tried until something is wanted.
            let Some(order) = orders.recv().await else { return };
            if let Some(say) = say(order) {
                todo.note(&say);
            }
        }
        serving(&signals, Stage::Speak, name, before.as_ref().map(|(name, _)| name)).await;
        let (says, inbox) = mpsc::channel(LUMPS);
        let (lumps, spoken) = mpsc::channel(LUMPS);
        let mut voice = Voice {
            todo: &mut todo,
            orders: &mut orders,
            signals: &signals,
            says,
            trim: Default::default(),
            worked: false,
        };
        let speaking = Arc::clone(provider).speak(inbox, lumps);
        let stopped = voice.serve(speaking, spoken).await;
        let worked = voice.worked;
        match stopped {
            Stopped::Over => return,
            Stopped::Failed(error) => {
                tracing::warn!(provider = &**name, class = error.class().name(), %error, "SPEAK_FAILED");
                tried = if worked { 1 } else { tried + 1 };
                before = Some((Arc::clone(name), error));
            }
        }
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
    orders: &'a mut mpsc::Receiver<Order>,
    signals: &'a mpsc::Sender<Signal>,
    says: mpsc::Sender<Say>,
    /// The piece whose sound comes, and its trimming.
    trim: ((u32, u32), Trim),
    /// Whether it has spoken a piece to its end.
    worked: bool,
}

impl Voice<'_> {
    async fn serve(
        &mut self,
        speaking: impl Future<Output = Result<(), ProviderError>>,
        mut spoken: mpsc::Receiver<Spoken>,
    ) -> Stopped {
        let mut waiting: VecDeque<Say> = self.todo.again().into();
        let says = self.says.clone();
        tokio::pin!(speaking);
        loop {
            let room = async {
                match waiting.is_empty() {
                    true => std::future::pending().await,
                    false => says.reserve().await,
                }
            };
            tokio::select! {
                result = &mut speaking => {
                    // What it said before its end counts.
                    while let Ok(said) = spoken.try_recv() {
                        if let Some(error) = self.tell(said).await {
                            return Stopped::Failed(error);
                        }
                    }
                    return match result {
                        Ok(()) => Stopped::Over,
                        Err(error) => Stopped::Failed(error),
                    };
                }
                permit = room => match (permit, waiting.pop_front()) {
                    (Ok(permit), Some(order)) => permit.send(order),
                    // A voice that takes nothing more says why, at once.
                    _ => {}
                },
                order = self.orders.recv() => match order {
                    None => return Stopped::Over,
                    Some(order) => if let Some(say) = say(order) {
                        self.todo.note(&say);
                        if let Say::Cancel { generation } = say {
                            waiting.retain(|order| !matches!(order, Say::Piece { generation: of, .. } if *of <= generation));
                        }
                        waiting.push_back(say);
                    },
                },
                Some(said) = spoken.recv() => {
                    if let Some(error) = self.tell(said).await {
                        return Stopped::Failed(error);
                    }
                }
            }
        }
    }

    /// Passes on what was spoken; an error where somebody else has to speak it.
    async fn tell(&mut self, said: Spoken) -> Option<ProviderError> {
        let signal = match said {
            Spoken::Sound {
                generation,
                piece,
                ulaw,
            } if self.todo.is_wanted(generation) => {
                if self.trim.0 != (generation, piece) {
                    self.trim = ((generation, piece), Trim::default());
                }
                let ulaw = self.trim.1.take(&ulaw)?;
                Signal::Sound {
                    generation,
                    piece,
                    ulaw,
                }
            }
            Spoken::Done { generation, piece } if self.todo.is_wanted(generation) => {
                self.worked = true;
                self.todo.done(generation, piece);
                if self.trim.0 == (generation, piece)
                    && let Some(ulaw) = self.trim.1.finish()
                {
                    let rest = Signal::Sound {
                        generation,
                        piece,
                        ulaw,
                    };
                    let _told = self.signals.send(rest).await;
                }
                Signal::Spoken { generation, piece }
            }
            Spoken::Failed { generation, error, .. } if self.todo.is_wanted(generation) => return Some(error),
            // Late: nobody wants it any more.
            _ => return None,
        };
        let _told = self.signals.send(signal).await;
        None
    }
}
