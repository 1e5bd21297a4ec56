//! What a conversation asks of those who listen, think and speak for it, and what they tell it.
//! Each order and each signal carries the number of the utterance or answer it belongs to; what is late is dropped.

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// What a conversation wants done by a provider. None of it blocks; the result comes as a [`Signal`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// The caller began to speak, `before` milliseconds ago.
    Begin { utterance: u32, before: u32 },
    /// The caller paused: the words of the utterance so far are wanted now. Answered by [`Signal::Words`] with this `flush`.
    Flush { utterance: u32, flush: u32 },
    /// The utterance is over, and no more of its words are wanted.
    End { utterance: u32 },
    /// An answer to everything said so far is wanted.
    Think { generation: u32, messages: Arc<[Message]> },
    /// These words of the answer are to be spoken, after the pieces before it.
    Say {
        generation: u32,
        piece: u32,
        text: Arc<str>,
    },
    /// The answer has no more pieces.
    SayNoMore { generation: u32 },
    /// Nothing of this answer and of those before it is wanted any more; actions that have begun are not stopped.
    Cancel { generation: u32 },
    /// The model's wish is granted: this is to be done. Answered by [`Signal::Acted`].
    Act { generation: u32, call: ActionCall },
    /// For a speech-to-speech model only.
    Live(LiveOrder),
}

/// What a provider tells a conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Signal {
    /// The caller's words in this utterance, all of them so far; not final while `flush` is none.
    /// Words that came without a [`Order::Begin`] have no utterance.
    Words {
        utterance: Option<u32>,
        text: String,
        flush: Option<u32>,
    },
    /// What the listener itself thinks of the caller's pause.
    Verdict { utterance: Option<u32>, verdict: Verdict },
    /// More words of the answer.
    Token { generation: u32, text: String },
    /// The model wishes an action.
    Wish { generation: u32, call: ActionCall },
    /// The model has no more to say in this answer.
    Thought { generation: u32, usage: Usage },
    /// Sound of one piece of the answer: mu-law at 8 kHz, in order.
    Sound { generation: u32, piece: u32, ulaw: Bytes },
    /// All sound of this piece was given.
    Spoken { generation: u32, piece: u32 },
    /// No more sound of this piece will come, though it was not spoken to its end.
    CutShort { generation: u32, piece: u32 },
    /// What came of an action: a text for the model.
    Acted {
        generation: u32,
        id: Arc<str>,
        result: Result<String, String>,
    },
    /// A provider serves from now on that did not before; `instead_of` failed.
    Serving {
        stage: Stage,
        provider: Arc<str>,
        instead_of: Option<Arc<str>>,
    },
    /// Nobody is left to do this stage's work. `generation` is that of the answer, or the utterance for listening.
    Failed {
        stage: Stage,
        generation: u32,
        error: Arc<str>,
    },
    /// From a speech-to-speech model only.
    Live(LiveSignal),
}

/// The part of a conversation that a provider plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    Listen,
    Think,
    Speak,
    Live,
}

impl Stage {
    /// The word for logs and storage.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Listen => "listen",
            Self::Think => "think",
            Self::Speak => "speak",
            Self::Live => "live",
        }
    }
}

/// A listener's opinion of a pause.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The caller is done.
    Complete,
    /// The caller is probably done.
    Likely,
    /// The caller goes on.
    GoesOn,
}

/// A part of what was said so far, as models read it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Message {
    /// The agent's instructions.
    System(Arc<str>),
    /// The caller's turn.
    Caller(Arc<str>),
    /// The agent's turn, as far as it was heard, and what it wished for in it.
    Agent { text: Arc<str>, calls: Vec<ActionCall> },
    /// What came of an action; there is one for each wish.
    Result { id: Arc<str>, text: Arc<str> },
}

/// A model's wish for an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ActionCall {
    /// The model's own name for this wish.
    pub id: Arc<str>,
    /// The action's name.
    pub name: Arc<str>,
    /// Its arguments, as JSON text that nobody has checked yet.
    pub arguments: Arc<str>,
}

/// What an answer used up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Usage {
    /// Tokens read, those from a cache among them.
    pub prompt: u32,
    /// Tokens read from a cache.
    pub cached: u32,
    /// Tokens written.
    pub completion: u32,
    /// The provider did not say: the numbers are reckoned from lengths.
    pub estimated: bool,
}

/// An order to a speech-to-speech model. It hears the caller all the time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveOrder {
    /// Speak: `instructions` for this answer alone, or whatever fits.
    Respond { instructions: Option<Arc<str>> },
    /// Stop answering.
    Cancel,
    /// The caller heard so many milliseconds of this item and no more; 0 is legal.
    Truncate { item: Arc<str>, heard: u64 },
    /// What came of an action; `respond` where the model is to go on at once.
    Result {
        id: Arc<str>,
        text: Arc<str>,
        respond: bool,
    },
    /// Words of the caller that were not spoken: keys.
    Typed { text: Arc<str> },
}

/// What a speech-to-speech model tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LiveSignal {
    /// It listens.
    Ready,
    /// It hears the caller begin to speak.
    SpeechStarted,
    /// It takes the caller's turn as over.
    SpeechStopped,
    /// It begins to answer.
    Responding { response: Arc<str> },
    /// Sound of its answer: mu-law at 8 kHz.
    Sound {
        response: Arc<str>,
        item: Arc<str>,
        ulaw: Bytes,
    },
    /// More of its words, belonging to the sound of the same item.
    Words { item: Arc<str>, text: String },
    /// The caller's words; they may come after the answer to them.
    Caller { text: String, last: bool },
    /// It wishes an action.
    Wish { response: Arc<str>, call: ActionCall },
    /// Its answer is complete, or was cut off.
    Done {
        response: Arc<str>,
        usage: Usage,
        complete: bool,
    },
}
