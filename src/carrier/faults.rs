//! Faults that the carrier can play on a call: the ways a real network has let callers sit in silence.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use crate::phone::script::parse_duration;

/// One fault, by its stable name on the command line (`drop-stream`, or `drop-stream=3s` where it takes a time).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The stream's handshake fails at once.
    RefuseStream,
    /// The stream is never connected and the verb never ends.
    NeverStream,
    /// The WebSocket connects but `start` is never sent.
    NoStart,
    /// The stream starts but carries no caller audio.
    NoMedia,
    /// The stream's connection breaks after this time.
    DropStream(Duration),
    /// The stream ends without `stop`.
    NoStop,
    /// The stream's connection ends without a close frame.
    AbruptClose,
    /// The handshake offers the subprotocol `audio.twilio.com`.
    OfferSubprotocol,
    /// Marks are never echoed.
    NeverEchoMarks,
    /// An event that nobody knows comes first on every stream.
    ExtraEvent,
    /// Every webhook is sent twice with the same idempotency token.
    RepeatWebhooks,
    /// Status callbacks arrive in the wrong order.
    ReorderWebhooks,
    /// Every webhook is sent this much later.
    DelayWebhooks(Duration),
    /// Status callbacks are never sent.
    LostStatus,
    /// Every signature is wrong.
    WrongSignature,
    /// No request is signed.
    NoSignature,
    /// REST requests are answered 500.
    FailRest,
    /// REST requests are answered 401.
    Rest401,
    /// REST requests are answered 404.
    Rest404,
    /// REST requests are answered 429.
    Rest429,
    /// REST requests are carried out and answered this much later.
    SlowRest(Duration),
    /// REST requests are carried out and the connection is dropped unanswered.
    ResetRest,
    /// Recordings never become available.
    NoRecording,
    /// The caller hangs up one second into the first prompt.
    HangupInGreeting,
}

/// Every fault with its default time, name and a line for the help page, in the order of that page.
pub const ALL: &[(Fault, &str, &str)] = &[
    (
        Fault::RefuseStream,
        "refuse-stream",
        "the media stream is refused at the handshake",
    ),
    (
        Fault::NeverStream,
        "never-stream",
        "the media stream never connects, the caller hears nothing",
    ),
    (
        Fault::NoStart,
        "no-start",
        "the media stream connects but never sends `start`",
    ),
    (
        Fault::NoMedia,
        "no-media",
        "the media stream starts but carries no caller audio",
    ),
    (
        Fault::DropStream(Duration::from_secs(3)),
        "drop-stream",
        "the media stream breaks after a time (default 3s)",
    ),
    (Fault::NoStop, "no-stop", "the media stream ends without `stop`"),
    (
        Fault::AbruptClose,
        "abrupt-close",
        "the media stream ends without a close frame",
    ),
    (
        Fault::OfferSubprotocol,
        "offer-subprotocol",
        "the handshake offers `audio.twilio.com`",
    ),
    (Fault::NeverEchoMarks, "never-echo-marks", "marks are never echoed"),
    (
        Fault::ExtraEvent,
        "extra-event",
        "the media stream sends an event nobody knows",
    ),
    (Fault::RepeatWebhooks, "repeat-webhooks", "every webhook is sent twice"),
    (
        Fault::ReorderWebhooks,
        "reorder-webhooks",
        "status callbacks arrive in the wrong order",
    ),
    (
        Fault::DelayWebhooks(Duration::from_secs(2)),
        "delay-webhooks",
        "webhooks are sent late (default 2s)",
    ),
    (Fault::LostStatus, "lost-status", "status callbacks are never sent"),
    (Fault::WrongSignature, "wrong-signature", "every signature is wrong"),
    (Fault::NoSignature, "no-signature", "no request is signed"),
    (Fault::FailRest, "fail-rest", "REST requests are answered 500"),
    (Fault::Rest401, "rest-401", "REST requests are answered 401"),
    (Fault::Rest404, "rest-404", "REST requests are answered 404"),
    (Fault::Rest429, "rest-429", "REST requests are answered 429"),
    (
        Fault::SlowRest(Duration::from_secs(5)),
        "slow-rest",
        "REST requests are answered late (default 5s)",
    ),
    (
        Fault::ResetRest,
        "reset-rest",
        "REST requests are carried out but never answered",
    ),
    (Fault::NoRecording, "no-recording", "recordings never become available"),
    (
        Fault::HangupInGreeting,
        "hangup-in-greeting",
        "the caller hangs up in the first prompt",
    ),
];

impl Fault {
    /// The stable name, without a time.
    #[must_use]
    pub fn name(self) -> &'static str {
        ALL.iter()
            .find(|(fault, ..)| std::mem::discriminant(fault) == std::mem::discriminant(&self))
            .map_or("", |(_, name, _)| name)
    }

    fn with_time(self, time: Duration) -> Option<Self> {
        match self {
            Self::DropStream(_) => Some(Self::DropStream(time)),
            Self::DelayWebhooks(_) => Some(Self::DelayWebhooks(time)),
            Self::SlowRest(_) => Some(Self::SlowRest(time)),
            _ => None,
        }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::DropStream(time) | Self::DelayWebhooks(time) | Self::SlowRest(time) => {
                write!(f, "{}={}ms", self.name(), time.as_millis())
            }
            _ => f.write_str(self.name()),
        }
    }
}

/// Why a text names no fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FaultError {
    /// No fault has this name; the nearest one, where there is one, comes second.
    Unknown(String, Option<&'static str>),
    /// This fault takes no time.
    TakesNoTime(&'static str),
    /// The text behind `=` is no time.
    BadTime(String),
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name, Some(near)) => {
                write!(f, "no fault is called `{name}`; did you mean `{near}`?")
            }
            Self::Unknown(name, None) => write!(f, "no fault is called `{name}`"),
            Self::TakesNoTime(name) => write!(f, "the fault `{name}` takes no time"),
            Self::BadTime(text) => {
                write!(f, "`{text}` is no time; write for example `3s` or `500ms`")
            }
        }
    }
}

impl std::error::Error for FaultError {}

impl FromStr for Fault {
    type Err = FaultError;

    fn from_str(text: &str) -> Result<Self, FaultError> {
        let (name, time) = match text.split_once('=') {
            Some((name, time)) => (name.trim(), Some(time.trim())),
            None => (text.trim(), None),
        };
        let Some((fault, known, _)) = ALL.iter().find(|(_, known, _)| *known == name) else {
            let near = ALL
                .iter()
                .map(|(_, known, _)| (strsim::osa_distance(known, name), *known))
                .min()
                .filter(|(distance, known)| *distance <= known.len() / 3)
                .map(|(_, known)| known);
            return Err(FaultError::Unknown(name.to_owned(), near));
        };
        let Some(time) = time else { return Ok(*fault) };
        let duration = parse_duration(time).ok_or_else(|| FaultError::BadTime(time.to_owned()))?;
        fault.with_time(duration).ok_or(FaultError::TakesNoTime(known))
    }
}

/// The faults in force for a call or for the whole carrier.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Faults(Vec<Fault>);

impl Faults {
    /// Whether `fault` is in force; a time in it does not count.
    #[must_use]
    pub fn has(&self, fault: Fault) -> bool {
        self.0.iter().any(|held| held.name() == fault.name())
    }

    /// The time after which the stream breaks.
    #[must_use]
    pub fn stream_drop(&self) -> Option<Duration> {
        self.0.iter().find_map(|fault| match fault {
            Fault::DropStream(time) => Some(*time),
            _ => None,
        })
    }

    /// How much later webhooks are sent.
    #[must_use]
    pub fn webhook_delay(&self) -> Option<Duration> {
        self.0.iter().find_map(|fault| match fault {
            Fault::DelayWebhooks(time) => Some(*time),
            _ => None,
        })
    }

    /// How much later REST requests are answered.
    #[must_use]
    pub fn rest_delay(&self) -> Option<Duration> {
        self.0.iter().find_map(|fault| match fault {
            Fault::SlowRest(time) => Some(*time),
            _ => None,
        })
    }

    /// These faults and those.
    #[must_use]
    pub fn and(&self, others: &Self) -> Self {
        Self(self.0.iter().chain(&others.0).copied().collect())
    }
}

impl FromIterator<Fault> for Faults {
    fn from_iter<I: IntoIterator<Item = Fault>>(faults: I) -> Self {
        Self(faults.into_iter().collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_reads_back_from_its_name() {
        for (fault, name, help) in ALL {
            assert_eq!(name.parse::<Fault>().as_ref(), Ok(fault));
            assert_eq!(fault.name(), *name);
            assert_eq!(fault.to_string().parse::<Fault>().as_ref(), Ok(fault));
            assert!(!help.is_empty());
        }
    }

    #[test]
    fn times_and_mistakes() {
        assert_eq!(
            "drop-stream=500ms".parse(),
            Ok(Fault::DropStream(Duration::from_millis(500)))
        );
        assert_eq!("no-stop=3s".parse::<Fault>(), Err(FaultError::TakesNoTime("no-stop")));
        assert_eq!(
            "drop-stream=soon".parse::<Fault>().map_err(|e| e.to_string()),
            Err("`soon` is no time; write for example `3s` or `500ms`".to_owned())
        );
        assert_eq!(
            "refuse-steam".parse::<Fault>().map_err(|e| e.to_string()),
            Err("no fault is called `refuse-steam`; did you mean `refuse-stream`?".to_owned())
        );
    }

    #[test]
    fn a_set_answers_for_its_faults() {
        let faults: Faults = [Fault::NoStop, Fault::DropStream(Duration::from_secs(1))]
            .into_iter()
            .collect();
        assert!(faults.has(Fault::DropStream(Duration::ZERO)));
        assert!(!faults.has(Fault::NoMedia));
        assert_eq!(faults.stream_drop(), Some(Duration::from_secs(1)));
        assert_eq!(faults.rest_delay(), None);
    }
}
