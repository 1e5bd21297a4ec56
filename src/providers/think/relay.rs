//! From the events of an answer to thoughts, whatever the protocol says in them.

use super::Thought;
use super::http::Reach;
use super::sse::Event;
use crate::providers::ProviderError;
use crate::talk::{ActionCall, Usage};
use tokio::sync::mpsc;

/// The longest answer, in bytes of its words, and as much again for its wishes: an hour of speech.
const LONGEST: usize = 64 * 1024;

/// The most wishes of one answer.
const MOST_WISHES: usize = 32;

/// How a protocol's events are read.
pub(super) trait Reader {
    /// Takes one event and appends what it says. Errors: the service reports one, or the event cannot be read.
    fn read(&mut self, event: &Event, thoughts: &mut Vec<Thought>) -> Result<(), ProviderError>;

    /// How far the answer has come.
    fn progress(&self) -> Progress;

    /// What the answer used up, as far as is known; estimated where the service has not said.
    fn usage(&self) -> Usage;
}

/// How far an answer has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// Neither words nor wishes yet.
    Nothing,
    /// Some of it.
    Some,
    /// All of it; numbers may follow.
    Complete,
    /// All of it, and nothing follows.
    Over,
}

/// Asks, and passes the answer on until it is over or nobody wants it any more.
pub(super) async fn relay(
    reach: &Reach,
    body: String,
    mut reader: impl Reader,
    thoughts: mpsc::Sender<Thought>,
) -> Result<Usage, ProviderError> {
    let mut answer = tokio::select! {
        answer = reach.post(body) => answer?,
        () = thoughts.closed() => return Ok(reader.usage()),
    };
    let mut fresh = Vec::new();
    loop {
        let event = tokio::select! {
            event = answer.next() => event?,
            () = thoughts.closed() => return Ok(reader.usage()),
        };
        let Some(event) = event else { break };
        let complete = reader.progress() == Progress::Complete;
        let read = reader.read(&event, &mut fresh);
        for thought in fresh.drain(..) {
            if thoughts.send(thought).await.is_err() {
                return Ok(reader.usage());
            }
        }
        match read {
            // Whatever goes wrong behind a complete answer does not make it less complete.
            Err(_) if complete => break,
            read => read?,
        }
        match reader.progress() {
            Progress::Nothing => {}
            Progress::Some => answer.came(),
            Progress::Complete => answer.complete(),
            Progress::Over => break,
        }
    }
    match reader.progress() {
        Progress::Complete | Progress::Over => {
            answer.release();
            Ok(reader.usage())
        }
        Progress::Nothing | Progress::Some => Err(ProviderError::Transient {
            detail: "the answer ended before it was complete".to_owned(),
        }),
    }
}

/// Counts what an answer holds, so that none is endless.
#[derive(Debug, Default)]
pub(super) struct Measure {
    words: usize,
    wishes: usize,
}

impl Measure {
    /// So many more bytes of words. Errors: it is too long.
    pub fn words(&mut self, bytes: usize) -> Result<(), ProviderError> {
        self.words += bytes;
        bounded(self.words, "words")
    }

    /// So many more bytes of wishes. Errors: it is too long.
    pub fn wishes(&mut self, bytes: usize) -> Result<(), ProviderError> {
        self.wishes += bytes;
        bounded(self.wishes, "actions")
    }

    /// Whether one more wish fits beside so many. Errors: it does not.
    pub fn another(&self, wishes: usize) -> Result<(), ProviderError> {
        match wishes < MOST_WISHES {
            true => Ok(()),
            false => Err(ProviderError::Protocol {
                detail: format!("an answer of more than {MOST_WISHES} actions"),
            }),
        }
    }

    /// What was written, reckoned in tokens.
    pub fn tokens(&self) -> u32 {
        tokens(self.words + self.wishes)
    }
}

/// Tokens reckoned from bytes: four to one, which is near for English and, at two bytes a letter, for Hebrew and Arabic.
pub(super) fn tokens(bytes: usize) -> u32 {
    u32::try_from(bytes.div_ceil(4)).unwrap_or(u32::MAX)
}

/// A wish that is complete. A missing id becomes one that no other wish of the conversation has; no arguments are none at all.
pub(super) fn wish(id: &str, name: &str, arguments: &str, turn: usize, number: usize) -> ActionCall {
    ActionCall {
        id: match id.is_empty() {
            true => format!("call_{turn}_{number}").into(),
            false => id.into(),
        },
        name: name.into(),
        arguments: match arguments.trim().is_empty() {
            true => "{}".into(),
            false => arguments.into(),
        },
    }
}

fn bounded(bytes: usize, of: &str) -> Result<(), ProviderError> {
    match bytes <= LONGEST {
        true => Ok(()),
        false => Err(ProviderError::Protocol {
            detail: format!("an answer with more than {LONGEST} bytes of {of}"),
        }),
    }
}
