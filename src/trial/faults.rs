//! What can go wrong in a scenario on virtual time. Faults of sockets and signatures need real ones: `engine simulate`.

use crate::flow::suggest;
use crate::phone::script::parse_duration;
use std::fmt;

/// Something that goes wrong. Times are milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The stream is refused at once.
    RefuseStream,
    /// The stream never starts.
    NeverStream,
    /// The stream starts, and the caller is never heard.
    NoMedia,
    /// The stream breaks after so long.
    DropStream(u64),
    /// Marks are never returned.
    NeverEchoMarks,
    /// Every request comes twice.
    RepeatWebhooks,
    /// Status reports come in the wrong order.
    ReorderWebhooks,
    /// Requests come so much later.
    DelayWebhooks(u64),
    /// The end of the call is never reported.
    LostStatus,
    /// The REST API refuses everything.
    FailRest,
    /// The REST API answers so much later.
    SlowRest(u64),
    /// Recordings never become available.
    NoRecording,
    /// The caller hangs up a second into the first sound.
    HangupInGreeting,
    /// The engine is started again so long after the call's first moment.
    Restart(u64),
    /// The engine is about to stop so long after the call's first moment.
    Drain(u64),
    /// The store does not take the first change from then on.
    StoreFails(u64),
    /// The first document from then on cannot be rendered.
    RenderFails(u64),
}

/// Every fault by its name, as it is without a time: those of the carrier that need no real sockets, and [`VIRTUAL`].
pub const ALL: [(&str, Fault); 19] = [
    ("refuse-stream", Fault::RefuseStream),
    ("never-stream", Fault::NeverStream),
    ("no-start", Fault::NeverStream),
    ("no-media", Fault::NoMedia),
    ("drop-stream", Fault::DropStream(3_000)),
    ("never-echo-marks", Fault::NeverEchoMarks),
    ("repeat-webhooks", Fault::RepeatWebhooks),
    ("reorder-webhooks", Fault::ReorderWebhooks),
    ("delay-webhooks", Fault::DelayWebhooks(2_000)),
    ("lost-status", Fault::LostStatus),
    ("fail-rest", Fault::FailRest),
    ("rest-429", Fault::FailRest),
    ("slow-rest", Fault::SlowRest(5_000)),
    ("no-recording", Fault::NoRecording),
    ("hangup-in-greeting", Fault::HangupInGreeting),
    ("restart", Fault::Restart(3_000)),
    ("drain", Fault::Drain(3_000)),
    ("store-fails", Fault::StoreFails(0)),
    ("render-fails", Fault::RenderFails(0)),
];

/// Those that virtual time alone knows, and what they do: a real engine would have to be hurt for them.
pub const VIRTUAL: [(&str, &str); 4] = [
    ("restart", "the engine is started again during the call (default 3s)"),
    (
        "drain",
        "the engine is about to stop and hands its calls over (default 3s)",
    ),
    (
        "store-fails",
        "the database does not take a change (the call's first, or the first after a time)",
    ),
    (
        "render-fails",
        "a document cannot be rendered (the call's first, or the first after a time)",
    ),
];

/// Those that need real sockets.
pub const REAL: [&str; 9] = [
    "no-stop",
    "abrupt-close",
    "offer-subprotocol",
    "extra-event",
    "wrong-signature",
    "no-signature",
    "rest-401",
    "rest-404",
    "reset-rest",
];

/// Why a text is no fault here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FaultError {
    /// Nobody knows it; the nearest one, where there is one.
    Unknown(String, Option<&'static str>),
    /// It takes no time.
    TakesNoTime(&'static str),
    /// The text behind `=` is no time.
    BadTime(String),
}

impl fmt::Display for FaultError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown(name, Some(near)) => write!(f, "no fault is called `{name}`; did you mean `{near}`?"),
            Self::Unknown(name, None) => write!(f, "no fault is called `{name}`; `engine list faults` shows them"),
            Self::TakesNoTime(name) => write!(f, "the fault `{name}` takes no time"),
            Self::BadTime(text) => write!(f, "`{text}` is no time; write for example `3s` or `500ms`"),
        }
    }
}

impl std::error::Error for FaultError {}

/// A fault of this text; none for one that needs real sockets.
///
/// # Errors
/// Where it names no fault, or takes no time.
pub fn read(text: &str) -> Result<Option<Fault>, FaultError> {
    let (name, time) = match text.split_once('=') {
        Some((name, time)) => (name.trim(), Some(time.trim())),
        None => (text.trim(), None),
    };
    if REAL.contains(&name) {
        return Ok(None);
    }
    let Some((known, fault)) = ALL.iter().find(|(known, _)| *known == name) else {
        let names = ALL.iter().map(|(known, _)| *known).chain(REAL);
        return Err(FaultError::Unknown(name.to_owned(), suggest::nearest(name, names)));
    };
    let Some(time) = time else { return Ok(Some(*fault)) };
    let millis = parse_duration(time)
        .and_then(|time| u64::try_from(time.as_millis()).ok())
        .ok_or_else(|| FaultError::BadTime(time.to_owned()))?;
    let timed = match fault {
        Fault::DropStream(_) => Fault::DropStream(millis),
        Fault::DelayWebhooks(_) => Fault::DelayWebhooks(millis),
        Fault::SlowRest(_) => Fault::SlowRest(millis),
        Fault::Restart(_) => Fault::Restart(millis),
        Fault::Drain(_) => Fault::Drain(millis),
        Fault::StoreFails(_) => Fault::StoreFails(millis),
        Fault::RenderFails(_) => Fault::RenderFails(millis),
        _ => return Err(FaultError::TakesNoTime(known)),
    };
    Ok(Some(timed))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::carrier::FAULTS;

    #[test]
    fn every_fault_of_the_carrier_is_played_or_known_to_need_real_sockets() {
        for (_, name, _) in FAULTS {
            assert!(
                REAL.contains(name) || ALL.iter().any(|(known, _)| known == name),
                "{name}"
            );
        }
        for name in REAL {
            assert_eq!(read(name), Ok(None), "{name}");
        }
        for (name, _) in ALL {
            let carriers = FAULTS.iter().any(|(_, known, _)| *known == name);
            let own = VIRTUAL.iter().any(|(known, _)| *known == name);
            assert!(carriers != own, "{name}");
        }
    }

    #[test]
    fn a_fault_takes_its_time_and_no_other() {
        assert_eq!(read("drop-stream=1s"), Ok(Some(Fault::DropStream(1_000))));
        assert_eq!(read("restart"), Ok(Some(Fault::Restart(3_000))));
        assert_eq!(read("no-media=1s"), Err(FaultError::TakesNoTime("no-media")));
        assert_eq!(read("restart=soon"), Err(FaultError::BadTime("soon".to_owned())));
        let unknown = read("restrat").unwrap_err().to_string();
        assert!(unknown.contains("did you mean `restart`"), "{unknown}");
    }
}
