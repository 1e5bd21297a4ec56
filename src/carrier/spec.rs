//! What a call is to be: who calls whom, what the caller does, and what the rest of the world answers.

use std::time::Duration;

use tokio::sync::mpsc;

use super::exchange::Method;
use super::faults::Fault;
use super::front::Front;
use super::noise::Noise;
use super::timeline::Event;
use crate::phone::script::Script;

/// An incoming call to place.
#[derive(Debug, Clone)]
pub struct CallSpec {
    /// The number's voice webhook.
    pub voice_url: String,
    /// How it is requested.
    pub voice_method: Method,
    /// The number's fallback, asked when a document cannot be had.
    pub fallback_url: Option<String>,
    /// Where status callbacks go.
    pub status_callback: Option<String>,
    /// Which of them; a number's own setting on the real carrier is the last one only.
    pub status_events: Vec<StatusEvent>,
    /// The caller's number.
    pub from: String,
    /// The number called.
    pub to: String,
    /// What the caller does.
    pub caller: Script,
    /// What lies under the caller's voice on the line.
    pub noise: Option<Noise>,
    /// What goes wrong on purpose, besides the carrier's own faults.
    pub faults: Vec<Fault>,
    /// Public addresses that lead elsewhere.
    pub fronts: Vec<Front>,
    /// The longest the call may take; it is ended then.
    pub max_length: Duration,
    /// How fast carrier time runs: 1 is real time. Only documents without a live engine behind them bear more.
    pub pace: f64,
    /// How `<Dial>`s end, in order; beyond the list, somebody answers.
    pub dials: Vec<DialOutcome>,
    /// How `<Pay>` ends.
    pub pay: PayOutcome,
    /// When somebody takes the call out of a queue.
    pub dequeued_after: Duration,
    /// Whether the call came over SIP, which `<Refer>` needs.
    pub sip: bool,
    /// Real time to wait for follow-ups, such as messages, once the call is over.
    pub linger: Duration,
    /// Where events go as they happen.
    pub events: Option<mpsc::UnboundedSender<Event>>,
}

impl CallSpec {
    /// A silent caller's call to `voice_url`, 10 minutes at most.
    #[must_use]
    pub fn new(voice_url: impl Into<String>) -> Self {
        Self {
            voice_url: voice_url.into(),
            voice_method: Method::Post,
            fallback_url: None,
            status_callback: None,
            status_events: vec![StatusEvent::Completed],
            from: "+972501234567".to_owned(),
            to: "+97231234567".to_owned(),
            caller: Script::silent(),
            noise: None,
            faults: Vec::new(),
            fronts: Vec::new(),
            max_length: Duration::from_secs(600),
            pace: 1.0,
            dials: Vec::new(),
            pay: PayOutcome::Success,
            dequeued_after: Duration::from_secs(10),
            sip: false,
            linger: Duration::ZERO,
            events: None,
        }
    }
}

/// A status callback that can be asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StatusEvent {
    /// The call exists.
    Initiated,
    /// It rings.
    Ringing,
    /// It was answered.
    Answered,
    /// It is over, in whatever way.
    Completed,
}

impl StatusEvent {
    /// Every status callback, in order.
    pub const ALL: [Self; 4] = [Self::Initiated, Self::Ringing, Self::Answered, Self::Completed];
}

/// How a `<Dial>` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DialOutcome {
    /// Somebody answers after this time and talks for that.
    Answered {
        /// Ringing time.
        after: Duration,
        /// Talking time.
        talk: Duration,
    },
    /// The line is busy.
    Busy,
    /// Nobody answers within the verb's `timeout`.
    NoAnswer,
    /// The number cannot be reached.
    Failed,
}

impl Default for DialOutcome {
    fn default() -> Self {
        Self::Answered {
            after: Duration::from_secs(2),
            talk: Duration::from_secs(5),
        }
    }
}

/// How a `<Pay>` ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PayOutcome {
    /// The payment went through.
    #[default]
    Success,
    /// The caller failed too often.
    TooManyFailedAttempts,
    /// The payment provider refused.
    ConnectorError,
}

impl PayOutcome {
    pub(crate) fn result(self) -> &'static str {
        match self {
            Self::Success => "success",
            Self::TooManyFailedAttempts => "too-many-failed-attempts",
            Self::ConnectorError => "payment-connector-error",
        }
    }
}
