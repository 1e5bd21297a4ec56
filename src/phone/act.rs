//! What the carrier does with a document, act by act: the verbs of TwiML as far as a caller or the engine notices them.
//! All times are milliseconds.

use crate::call::Ticket;
use std::sync::Arc;

/// One act of a document.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Act {
    /// Something to hear: `<Play>`, `<Say>`.
    Sound(Sound),
    /// `<Pause>`.
    Silence(u64),
    /// `<Gather>`.
    Gather(Gather),
    /// `<Record>`.
    Record(Record),
    /// `<Dial>`.
    Dial(Dial),
    /// `<Connect>` with a media stream or a relay.
    Stream(Stream),
    /// `<Enqueue>`; the caller hears music, or the document behind `wait`.
    Enqueue { wait: Option<Way>, back: Way },
    /// `<Pay>`: the carrier's own dialogue.
    Pay { back: Way },
    /// `<Refer>`.
    Refer { back: Way },
    /// `<Redirect>`.
    Go(Way),
    /// `<Hangup>`.
    HangUp,
    /// `<Reject>`.
    Reject,
    /// `<Leave>`.
    Leave,
}

/// Something to hear.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Sound {
    /// The file's path below `static/`, its address, or the words.
    pub what: Arc<str>,
    /// Whether the carrier speaks it.
    pub spoken: bool,
    /// How long it takes; as long as it is estimated where nobody knows.
    pub millis: u64,
    /// Stretches of it in which nothing is heard, in their order: when each begins, and for how long.
    pub quiet: Arc<[(u64, u64)]>,
}

impl Sound {
    /// The stretches in which it is heard: when each begins and ends.
    pub fn heard(&self) -> Vec<(u64, u64)> {
        let (mut heard, mut from) = (Vec::new(), 0);
        for (at, many) in self.quiet.iter() {
            heard.push((from, *at));
            from = at.saturating_add(*many);
        }
        heard.push((from, self.millis));
        heard.retain(|(from, to)| from < to);
        heard
    }
}

/// Where the carrier goes on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Way {
    /// The engine, with this ticket.
    Ticket(Ticket),
    /// The engine, for somebody beside the call; the round.
    Aside(u32),
    /// Nowhere: the next verb follows.
    Next,
    /// A server that is not the engine's.
    Elsewhere(Arc<str>),
}

/// `<Gather>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Gather {
    /// What is heard first, in all.
    pub prompts: Vec<Sound>,
    /// Pauses between them, in all.
    pub pauses: u64,
    /// Whether keys count.
    pub keys: bool,
    /// Whether speech counts.
    pub speech: bool,
    /// So many keys end the input.
    pub digits: Option<u32>,
    /// The key that ends the input.
    pub finish: Option<char>,
    /// How long input is waited for.
    pub timeout: u64,
    /// The silence that ends speech.
    pub speech_end: u64,
    /// Whether the engine is asked though nothing came.
    pub always: bool,
    /// Where the input goes.
    pub back: Way,
}

/// `<Record>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Record {
    /// Whether a tone comes first.
    pub beep: bool,
    /// The silence that ends it.
    pub quiet: u64,
    /// The longest message.
    pub longest: u64,
    /// The keys that end it.
    pub finish: Arc<str>,
    /// Where its facts go.
    pub back: Way,
}

/// `<Dial>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Dial {
    /// Who is called.
    pub party: Arc<str>,
    /// How long it rings.
    pub timeout: u64,
    /// The longest conversation.
    pub limit: u64,
    /// What the called party hears first.
    pub aside: Option<Way>,
    /// Where the call goes on.
    pub back: Way,
}

/// `<Connect>`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Stream {
    /// Whether the carrier listens and speaks.
    pub relay: bool,
    /// Proof that it is this call's; none where the stream leads to somebody else.
    pub token: Option<Arc<str>>,
    /// What a relay says first.
    pub welcome: Option<Sound>,
    /// Where the call goes on.
    pub back: Way,
}
