//! Listening by whole utterances, for services and programs that take recordings: what the caller said is kept, and written
//! down from its begin at each flush.

use super::captions::without_captions;
use super::tape::Tape;
use super::timeline::samples;
use super::{Hear, Heard, Listener};
use crate::audio::mulaw::{RATE, decode_all};
use crate::audio::wav::write_mono;
use crate::providers::{ErrorClass, ProviderError};
use bytes::Bytes;
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep};

/// What is shorter is not sent: recognisers make words up for it.
const SHORTEST: u64 = samples(300);
/// So much of the sound before an utterance may still belong to it.
const BEFORE: u64 = samples(3000);
/// A longer utterance loses its begin.
const LONGEST: u64 = samples(120_000);
/// Before the one other try of a request that failed for the moment.
const AGAIN: Duration = Duration::from_millis(150);

/// Writes down what is said in a recording.
pub(super) trait Scribe: Send + Sync + 'static {
    /// `wav` is 16-bit PCM at 8 kHz. Words that come before the last are given to `so_far`, all of them each time.
    fn write<'a>(&'a self, wav: Bytes, so_far: SoFar<'a>) -> BoxFuture<'a, Result<String, ProviderError>>;

    /// How long a failed request may have lasted to be tried again.
    fn patience(&self) -> Duration;
}

/// Takes the words there are before the last one.
pub(super) type SoFar<'a> = &'a (dyn Fn(&str) + Send + Sync);

/// Listens by a scribe.
pub(super) struct Utterances<S>(S);

impl<S: Scribe> Utterances<S> {
    pub(super) fn new(scribe: S) -> Self {
        Self(scribe)
    }
}

impl<S: Scribe> Listener for Utterances<S> {
    fn listen(
        self: Arc<Self>,
        orders: mpsc::Receiver<Hear>,
        heard: mpsc::Sender<Heard>,
    ) -> BoxFuture<'static, Result<(), ProviderError>> {
        async move { listen(&self.0, orders, heard).await }.boxed()
    }
}

/// The one request that is under way.
type Writing<'a> = BoxFuture<'a, Result<Heard, ProviderError>>;

async fn listen(
    scribe: &dyn Scribe,
    mut orders: mpsc::Receiver<Hear>,
    heard: mpsc::Sender<Heard>,
) -> Result<(), ProviderError> {
    let mut book = Book::default();
    let mut writing: Option<Writing<'_>> = None;
    if heard.send(Heard::Ready).await.is_err() {
        return Ok(());
    }
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(order) = order else {
                    return Ok(());
                };
                match book.order(order) {
                    Next::Go => {}
                    Next::Stop => writing = None,
                    Next::Answer(answer) => {
                        writing = None;
                        if heard.send(answer).await.is_err() {
                            return Ok(());
                        }
                    }
                    // Whatever was under way is given up: its words are among those of the new request.
                    Next::Write(wanted) => writing = Some(write(scribe, wanted, heard.clone()).boxed()),
                }
            }
            answer = finished(&mut writing) => {
                writing = None;
                if heard.send(answer?).await.is_err() {
                    return Ok(());
                }
            }
            () = heard.closed() => return Ok(()),
        }
    }
}

async fn finished(writing: &mut Option<Writing<'_>>) -> Result<Heard, ProviderError> {
    match writing {
        Some(writing) => writing.await,
        None => std::future::pending().await,
    }
}

/// One request, and another one where the first failed for the moment and soon enough.
async fn write(scribe: &dyn Scribe, wanted: Wanted, heard: mpsc::Sender<Heard>) -> Result<Heard, ProviderError> {
    let sound = decode_all(&wanted.ulaw);
    let wav = Bytes::from(write_mono(RATE, &sound));
    let words = |text: &str, flush| Heard::Words {
        utterance: Some(wanted.utterance),
        text: without_captions(text, &sound),
        flush,
    };
    // Words before the last are a courtesy: where nobody takes them now, later ones will do.
    let so_far = |text: &str| drop(heard.try_send(words(text, None)));
    let begun = Instant::now();
    let text = match scribe.write(wav.clone(), &so_far).await {
        Err(error) if error.class() == ErrorClass::Transient && begun.elapsed() < scribe.patience() => {
            tracing::debug!(%error, "an utterance is sent again");
            sleep(AGAIN).await;
            scribe.write(wav, &so_far).await?
        }
        text => text?,
    };
    Ok(words(&text, Some(wanted.flush)))
}

/// The sound that may be wanted, and the utterance that it belongs to.
#[derive(Debug, Default)]
struct Book {
    tape: Tape,
    open: Option<(u32, u64)>,
}

/// What an order leads to.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    Go,
    /// Nothing that is under way is wanted any more.
    Stop,
    Answer(Heard),
    Write(Wanted),
}

/// Sound whose words are wanted.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    utterance: u32,
    flush: u32,
    ulaw: Vec<u8>,
}

impl Book {
    fn order(&mut self, order: Hear) -> Next {
        match order {
            Hear::Sound(frame) => {
                self.tape.push(frame.sound());
                let end = self.tape.end();
                let kept = self.open.map_or(end.saturating_sub(BEFORE), |(_, begin)| begin);
                self.tape.forget(kept.max(end.saturating_sub(LONGEST)));
                Next::Go
            }
            Hear::Begin { utterance, before } => {
                let begin = self.tape.end().saturating_sub(samples(u64::from(before)));
                self.open = Some((utterance, begin));
                Next::Stop
            }
            Hear::Flush { utterance, flush } => {
                let begin = self.open.filter(|(open, _)| *open == utterance).map(|(_, begin)| begin);
                let ulaw = begin.map(|begin| self.tape.part(begin, self.tape.end()));
                match ulaw.filter(|ulaw| ulaw.len() as u64 >= SHORTEST) {
                    Some(ulaw) => Next::Write(Wanted { utterance, flush, ulaw }),
                    None => Next::Answer(Heard::Words {
                        utterance: Some(utterance),
                        text: String::new(),
                        flush: Some(flush),
                    }),
                }
            }
            Hear::End { utterance } if self.open.is_some_and(|(open, _)| open == utterance) => {
                self.open = None;
                Next::Stop
            }
            Hear::End { .. } => Next::Go,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Frame;
    use super::*;

    fn sound(book: &mut Book, frames: usize, code: u8) {
        for _ in 0..frames {
            assert_eq!(book.order(Hear::Sound(Frame::new(&[code; 160]))), Next::Go);
        }
    }

    #[test]
    fn an_utterance_reaches_back_before_it_was_noticed() {
        let mut book = Book::default();
        sound(&mut book, 200, 1);
        sound(&mut book, 10, 2);
        assert_eq!(
            book.order(Hear::Begin {
                utterance: 4,
                before: 200
            }),
            Next::Stop
        );
        sound(&mut book, 5, 3);
        let Next::Write(wanted) = book.order(Hear::Flush { utterance: 4, flush: 9 }) else {
            panic!("it is long enough");
        };
        assert_eq!((wanted.utterance, wanted.flush), (4, 9));
        assert_eq!(wanted.ulaw, [vec![2; 1600], vec![3; 800]].concat());
        assert_eq!(book.order(Hear::End { utterance: 3 }), Next::Go);
        assert_eq!(book.order(Hear::End { utterance: 4 }), Next::Stop);
    }

    #[test]
    fn what_is_too_short_or_over_is_answered_with_nothing() {
        let mut book = Book::default();
        let nothing = |utterance, flush| {
            Next::Answer(Heard::Words {
                utterance: Some(utterance),
                text: String::new(),
                flush: Some(flush),
            })
        };
        assert_eq!(book.order(Hear::Flush { utterance: 1, flush: 1 }), nothing(1, 1));
        sound(&mut book, 14, 1);
        book.order(Hear::Begin {
            utterance: 2,
            before: 280,
        });
        assert_eq!(book.order(Hear::Flush { utterance: 2, flush: 2 }), nothing(2, 2));
        sound(&mut book, 1, 1);
        assert!(matches!(
            book.order(Hear::Flush { utterance: 2, flush: 3 }),
            Next::Write(_)
        ));
        assert_eq!(book.order(Hear::Flush { utterance: 1, flush: 4 }), nothing(1, 4));
    }

    #[test]
    fn a_long_call_keeps_little_and_a_long_utterance_keeps_its_end() {
        let mut book = Book::default();
        sound(&mut book, 3000, 1);
        assert_eq!(book.tape.end() - book.tape.start(), BEFORE);
        book.order(Hear::Begin {
            utterance: 1,
            before: 0,
        });
        sound(&mut book, 7000, 1);
        assert_eq!(book.tape.end() - book.tape.start(), LONGEST);
    }
}
