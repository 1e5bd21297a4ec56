//! What a call's judgement holds, as it is printed and written as JSON. All times are milliseconds.

use super::curve::{mean, percentile, response_score, yield_score};
use super::segment::Segment;
use serde::Serialize;

/// How a call was at the caller's ear.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Score {
    /// The recording's length.
    pub length_ms: u64,
    /// Whether the caller's utterances were labelled; else they were guessed from the sound.
    pub labelled: bool,
    /// The whole call in numbers.
    pub summary: Summary,
    /// The caller's turns in order.
    pub turns: Vec<Turn>,
    /// What the caller said over the engine's speech without wanting the word.
    pub backchannels: Vec<Backchannel>,
    /// Where both were silent for more than 3 s after a turn.
    pub dead_air: Vec<Segment>,
}

/// One turn of the caller's.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Turn {
    /// From the caller's first sound to the last, pauses included.
    pub span: Segment,
    /// How the engine fell silent, where the turn began over its speech.
    pub yielded: Option<Yield>,
    /// When the engine began to speak though the caller had not finished.
    pub cut_in_ms: Option<u64>,
    /// What came after it.
    pub response: Response,
}

/// How the engine gave way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Yield {
    /// From the caller's first sound until the engine was silent.
    pub after_ms: u64,
}

/// What followed a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Response {
    /// The engine's first sound came so long after the caller's last.
    Answered {
        /// The response latency.
        after_ms: u64,
    },
    /// Nothing came for more than 3 s.
    Unanswered,
    /// None was due: the caller was cut into, or went on or hung up before the engine had to answer.
    NotDue,
}

/// A sign of listening, and what the engine made of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Backchannel {
    /// The caller's sound.
    pub span: Segment,
    /// What the engine did.
    pub reaction: Reaction,
}

/// What the engine did on a backchannel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Reaction {
    /// It spoke on.
    SpokeOn,
    /// It stopped, and went on within 2 s.
    Resumed {
        /// For how long it was silent.
        pause_ms: u64,
    },
    /// It stopped for good.
    Stopped,
}

/// The call in numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Summary {
    /// Between 0 and 1: the mean over every occasion on which the engine had to behave; none where there was none.
    pub total: Option<f64>,
    /// The mean of the turns' scores.
    pub response: Option<f64>,
    /// The mean of the interruptions' scores.
    pub yielding: Option<f64>,
    /// The mean of the backchannels' scores.
    pub backchannel: Option<f64>,
    /// How fast the answers came, over those that came.
    pub latency: Option<Latency>,
    /// Turns of the caller's.
    pub turns: usize,
    /// Turns that got no answer.
    pub unanswered: usize,
    /// Turns into which the engine cut.
    pub cut_ins: usize,
    /// Turns begun over the engine's speech.
    pub interruptions: usize,
    /// Backchannels that silenced the engine for good.
    pub wrong_yields: usize,
    /// Backchannels that made it pause.
    pub false_stops_resumed: usize,
    /// Stretches of dead air.
    pub dead_air: usize,
    /// The longest of them.
    pub longest_dead_air_ms: u64,
}

/// Response latencies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Latency {
    /// Half of the answers came no later.
    pub median_ms: u64,
    /// 95 % of the answers came no later.
    pub p95_ms: u64,
    /// The slowest.
    pub max_ms: u64,
}

impl Turn {
    /// Between 0 and 1 for the answer: cut into and unanswered are 0, none where no answer was due.
    #[must_use]
    pub fn response_score(&self) -> Option<f64> {
        if self.cut_in_ms.is_some() {
            return Some(0.0);
        }
        match self.response {
            Response::Answered { after_ms } => Some(response_score(after_ms)),
            Response::Unanswered => Some(0.0),
            Response::NotDue => None,
        }
    }

    /// Between 0 and 1 for giving way; none where the engine did not have to.
    #[must_use]
    pub fn yield_score(&self) -> Option<f64> {
        self.yielded.map(|yielded| yield_score(yielded.after_ms))
    }

    /// The response latency, where there was an answer to a finished turn.
    #[must_use]
    pub fn latency_ms(&self) -> Option<u64> {
        match self.response {
            Response::Answered { after_ms } => Some(after_ms),
            Response::Unanswered | Response::NotDue => None,
        }
    }
}

impl Backchannel {
    /// 1 where the engine spoke on, 0.5 where it paused, 0 where it stopped.
    #[must_use]
    pub fn score(&self) -> f64 {
        match self.reaction {
            Reaction::SpokeOn => 1.0,
            Reaction::Resumed { .. } => 0.5,
            Reaction::Stopped => 0.0,
        }
    }
}

impl Summary {
    pub(super) fn of(turns: &[Turn], backchannels: &[Backchannel], dead_air: &[Segment]) -> Self {
        let responses: Vec<f64> = turns.iter().filter_map(Turn::response_score).collect();
        let yields: Vec<f64> = turns.iter().filter_map(Turn::yield_score).collect();
        let signs: Vec<f64> = backchannels.iter().map(Backchannel::score).collect();
        let latencies: Vec<u64> = turns.iter().filter_map(Turn::latency_ms).collect();
        let count =
            |reaction: fn(&Reaction) -> bool| backchannels.iter().filter(|sign| reaction(&sign.reaction)).count();
        Self {
            total: mean(&[responses.as_slice(), &yields, &signs].concat()),
            response: mean(&responses),
            yielding: mean(&yields),
            backchannel: mean(&signs),
            latency: Latency::of(&latencies),
            turns: turns.len(),
            unanswered: turns
                .iter()
                .filter(|turn| turn.response == Response::Unanswered)
                .count(),
            cut_ins: turns.iter().filter(|turn| turn.cut_in_ms.is_some()).count(),
            interruptions: yields.len(),
            wrong_yields: count(|reaction| *reaction == Reaction::Stopped),
            false_stops_resumed: count(|reaction| matches!(reaction, Reaction::Resumed { .. })),
            dead_air: dead_air.len(),
            longest_dead_air_ms: dead_air.iter().map(Segment::millis).max().unwrap_or(0),
        }
    }
}

impl Latency {
    fn of(latencies: &[u64]) -> Option<Self> {
        Some(Self {
            median_ms: percentile(latencies, 0.5)?,
            p95_ms: percentile(latencies, 0.95)?,
            max_ms: percentile(latencies, 1.0)?,
        })
    }
}
