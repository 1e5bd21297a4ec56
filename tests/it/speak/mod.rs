//! Text to speech over real sockets: servers that keep to each protocol, and go wrong by script.

mod cache;
mod command;
mod requests;
pub mod server;
mod sockets;

use engine::audio::level::rms_dbfs;
use engine::audio::mulaw;
use engine::providers::speak::{Say, Speaker, Spoken, speaker};
use engine::providers::{Patience, ProviderError, Service};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

/// No test waits longer for anything.
const LONG: Duration = Duration::from_secs(20);
const KEY: &str = "key-0123456789abcdef";

/// A service with a key and a voice, at this address.
fn service(kind: &str, base_url: String) -> Service {
    Service {
        name: kind.to_owned(),
        kind: kind.to_owned(),
        base_url: Some(base_url),
        key: Some(KEY.into()),
        voice: Some("voice-1".to_owned()),
        patience: Patience {
            connect: LONG,
            first: LONG,
            gap: LONG,
            whole: LONG,
        },
        ..Service::default()
    }
}

/// A tone of 60 ms for each character, as mu-law.
fn sound_of(text: &str) -> Vec<u8> {
    tone(8000, text.trim().chars().count() * 60)
        .into_iter()
        .map(mulaw::encode)
        .collect()
}

fn tone(rate: usize, millis: usize) -> Vec<i16> {
    (0..rate * millis / 1000)
        .map(|n| (9000.0 * (std::f64::consts::TAU * 440.0 * n as f64 / rate as f64).sin()) as i16)
        .collect()
}

/// Real sound of about the length of these words.
fn assert_speaks(ulaw: &[u8], text: &str) {
    let expected = sound_of(text).len();
    assert!(
        ulaw.len().abs_diff(expected) <= 8,
        "{} of {expected} bytes for {text:?}",
        ulaw.len()
    );
    let level = rms_dbfs(&mulaw::decode_all(ulaw));
    assert!((level + 14.2).abs() < 1.0, "{level} dBFS");
}

/// What became of a piece.
#[derive(Debug)]
struct Piece {
    generation: u32,
    piece: u32,
    ulaw: Vec<u8>,
    /// `None`: neither done nor failed when the speaker ended.
    outcome: Option<Result<(), ProviderError>>,
}

/// A speaker at work.
struct Voice {
    orders: mpsc::Sender<Say>,
    spoken: mpsc::Receiver<Spoken>,
    work: JoinHandle<Result<(), ProviderError>>,
}

impl Voice {
    fn of(service: &Service) -> Self {
        Self::start(speaker(service).expect("a speaker"))
    }

    fn start(speaker: Arc<dyn Speaker>) -> Self {
        let (orders, taken) = mpsc::channel(16);
        let (said, spoken) = mpsc::channel(4);
        Self {
            orders,
            spoken,
            work: tokio::spawn(speaker.speak(taken, said)),
        }
    }

    async fn order(&self, order: Say) {
        // A speaker that has ended says why by its result.
        let _ended = self.orders.send(order).await;
    }

    async fn say(&self, generation: u32, piece: u32, text: &str) {
        let text = text.into();
        self.order(Say::Piece {
            generation,
            piece,
            text,
        })
        .await;
    }

    /// The next that is said; `None` once the speaker has ended.
    async fn next(&mut self) -> Option<Spoken> {
        timeout(LONG, self.spoken.recv())
            .await
            .expect("something is said in time")
    }

    /// Everything said until this many pieces are done or failed, or the speaker ended. Pieces must not overlap.
    async fn pieces(&mut self, count: usize) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        while pieces.iter().filter(|piece| piece.outcome.is_some()).count() < count {
            let Some(spoken) = self.next().await else {
                break;
            };
            let (generation, number) = match &spoken {
                Spoken::Sound { generation, piece, .. }
                | Spoken::Done { generation, piece }
                | Spoken::Failed { generation, piece, .. } => (*generation, *piece),
            };
            let open = pieces.last().is_some_and(|last| last.outcome.is_none());
            if !open {
                pieces.push(Piece {
                    generation,
                    piece: number,
                    ulaw: Vec::new(),
                    outcome: None,
                });
            }
            let last = pieces.last_mut().expect("one was just put there");
            assert_eq!(
                (last.generation, last.piece),
                (generation, number),
                "one piece after the other"
            );
            match spoken {
                Spoken::Sound { ulaw, .. } => last.ulaw.extend_from_slice(&ulaw),
                Spoken::Done { .. } => last.outcome = Some(Ok(())),
                Spoken::Failed { error, .. } => last.outcome = Some(Err(error)),
            }
        }
        pieces
    }

    /// The only piece, and how the speaker ended if it did.
    async fn one(service: &Service, text: &str) -> (Piece, Result<(), ProviderError>) {
        let mut voice = Self::of(service);
        voice.say(1, 0, text).await;
        voice.order(Say::Finish { generation: 1 }).await;
        let piece = voice.pieces(1).await.pop().unwrap_or(Piece {
            generation: 1,
            piece: 0,
            ulaw: Vec::new(),
            outcome: None,
        });
        (piece, voice.end().await)
    }

    /// Ends the orders.
    async fn end(self) -> Result<(), ProviderError> {
        drop(self.orders);
        drop(self.spoken);
        timeout(LONG, self.work)
            .await
            .expect("it ends in time")
            .expect("no panic")
    }
}
