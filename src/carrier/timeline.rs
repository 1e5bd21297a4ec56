//! What happened on a call, event by event: sent as it happens, kept for the report, shown as text or JSON lines.

use std::fmt::Write;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::mpsc::UnboundedSender;

use super::clock::Clock;
use super::errors::{self, Code};

/// One event of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Carrier time since the call was placed.
    pub at: Duration,
    /// The call's sid.
    pub call: String,
    /// What happened.
    pub what: Happening,
}

/// What can happen on a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// The call's status changed (`ringing`, `in-progress`, `completed`, …).
    Status(String),
    /// A request to the engine was answered, or not.
    Webhook {
        /// What the request was for (`voice`, `action Record`, `status callback`, …).
        purpose: String,
        /// `GET` or `POST`.
        method: String,
        /// The URL as configured.
        url: String,
        /// The HTTP status, where there was an answer.
        status: Option<u16>,
        /// Real time from the request to the last byte of the answer, in milliseconds.
        millis: u64,
    },
    /// The carrier began a verb.
    VerbStarted(String),
    /// A verb ended, and how.
    VerbEnded(String, String),
    /// A media stream connected: its sid and URL.
    StreamStarted(String, String),
    /// A media stream ended.
    StreamEnded {
        /// Its sid.
        sid: String,
        /// Who or what ended it.
        why: String,
        /// Media messages sent to the engine.
        sent: u64,
        /// Media messages received from the engine.
        received: u64,
        /// Marks echoed.
        marks: u64,
        /// Clears obeyed.
        clears: u64,
    },
    /// The engine used the REST API: the request line and the status it got.
    Rest(String, u16),
    /// A recording was made: its sid and seconds.
    Recording(String, u64),
    /// The engine sent a message: its sid, to whom, and its text or template.
    Message(String, String, String),
    /// The carrier raised one of its error codes.
    Error(Code, String),
    /// The caller begins to hear a sound's address, or words that the carrier speaks.
    Hears {
        /// The address or the words.
        what: String,
        /// Whether they are words.
        spoken: bool,
    },
    /// The caller did something.
    Caller(String),
    /// The network misbehaved on purpose.
    Fault(String),
}

impl Event {
    /// One line for people: `00:01.240  webhook    POST http://… 200 in 3 ms (voice)`.
    #[must_use]
    pub fn line(&self) -> String {
        let (word, text) = self.what.words();
        format!("{}  {word:<9} {text}", stamp(self.at))
    }

    /// One JSON object, for one line of a JSON-lines file.
    #[must_use]
    pub fn json(&self) -> Value {
        let mut object = self.what.json();
        object["at_ms"] = json!(u64::try_from(self.at.as_millis()).unwrap_or(u64::MAX));
        object["call"] = json!(self.call);
        object
    }
}

/// All of a call's events as lines for people.
#[must_use]
pub fn lines(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        text.push_str(&event.line());
        text.push('\n');
    }
    text
}

/// All of a call's events as JSON lines.
#[must_use]
pub fn json_lines(events: &[Event]) -> String {
    let mut text = String::new();
    for event in events {
        writeln!(text, "{}", event.json()).expect("writing into a String cannot fail");
    }
    text
}

/// Where a call's events go. Copies write to the same timeline.
#[derive(Debug, Clone)]
pub(crate) struct Timeline {
    clock: Clock,
    call: Arc<str>,
    events: Arc<Mutex<Vec<Event>>>,
    live: Arc<Mutex<Option<UnboundedSender<Event>>>>,
}

impl Timeline {
    pub(crate) fn new(call: &str, clock: Clock, live: Option<UnboundedSender<Event>>) -> Self {
        Self {
            clock,
            call: call.into(),
            events: Arc::default(),
            live: Arc::new(Mutex::new(live)),
        }
    }

    pub(crate) fn note(&self, what: Happening) {
        let event = Event {
            at: self.clock.now(),
            call: self.call.to_string(),
            what,
        };
        if let Some(live) = &*self.live.lock().unwrap_or_else(PoisonError::into_inner) {
            // Nobody listening any more is no reason to end a call.
            let _gone = live.send(event.clone());
        }
        self.events.lock().unwrap_or_else(PoisonError::into_inner).push(event);
    }

    pub(crate) fn error(&self, code: Code, detail: impl Into<String>) {
        self.note(Happening::Error(code, detail.into()));
    }

    /// The call is over: whoever listens hears that nothing follows. Later events are only kept.
    pub(crate) fn close(&self) {
        self.live.lock().unwrap_or_else(PoisonError::into_inner).take();
    }

    pub(crate) fn events(&self) -> Vec<Event> {
        self.events.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Happening {
    fn words(&self) -> (&'static str, String) {
        match self {
            Self::Status(status) => ("status", status.clone()),
            Self::Webhook {
                purpose,
                method,
                url,
                status,
                millis,
            } => {
                let answer = status.map_or("no answer".to_owned(), |status| status.to_string());
                ("webhook", format!("{method} {url} {answer} in {millis} ms ({purpose})"))
            }
            Self::VerbStarted(name) => ("verb", format!("<{name}>")),
            Self::VerbEnded(name, how) => ("verb", format!("<{name}> ended: {how}")),
            Self::StreamStarted(sid, url) => ("stream", format!("{sid} connected to {url}")),
            Self::StreamEnded {
                sid,
                why,
                sent,
                received,
                marks,
                clears,
            } => (
                "stream",
                format!(
                    "{sid} ended: {why} ({sent} frames out, {received} messages in, {marks} marks, {clears} clears)"
                ),
            ),
            Self::Rest(request, status) => ("rest", format!("{request} -> {status}")),
            Self::Recording(sid, seconds) => ("recording", format!("{sid}, {seconds} s")),
            Self::Message(sid, to, text) => ("message", format!("{sid} to {to}: {text}")),
            Self::Error(code, detail) => ("error", format!("{code} {}: {detail}", errors::meaning(*code))),
            Self::Hears { what, spoken: true } => ("hears", format!("\"{what}\"")),
            Self::Hears { what, spoken: false } => ("hears", what.clone()),
            Self::Caller(action) => ("caller", action.clone()),
            Self::Fault(text) => ("fault", text.clone()),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Status(status) => json!({"event": "status", "status": status}),
            Self::Webhook {
                purpose,
                method,
                url,
                status,
                millis,
            } => json!({
                "event": "webhook", "purpose": purpose, "method": method, "url": url,
                "status": status, "ms": millis,
            }),
            Self::VerbStarted(name) => json!({"event": "verb_started", "verb": name}),
            Self::VerbEnded(name, how) => json!({"event": "verb_ended", "verb": name, "how": how}),
            Self::StreamStarted(sid, url) => {
                json!({"event": "stream_started", "stream": sid, "url": url})
            }
            Self::StreamEnded {
                sid,
                why,
                sent,
                received,
                marks,
                clears,
            } => json!({
                "event": "stream_ended", "stream": sid, "why": why, "sent": sent,
                "received": received, "marks": marks, "clears": clears,
            }),
            Self::Rest(request, status) => {
                json!({"event": "rest", "request": request, "status": status})
            }
            Self::Recording(sid, seconds) => {
                json!({"event": "recording", "recording": sid, "seconds": seconds})
            }
            Self::Message(sid, to, text) => {
                json!({"event": "message", "message": sid, "to": to, "text": text})
            }
            Self::Error(code, detail) => json!({
                "event": "error", "code": code, "meaning": errors::meaning(*code), "detail": detail,
            }),
            Self::Hears { what, spoken } => json!({"event": "hears", "what": what, "spoken": spoken}),
            Self::Caller(action) => json!({"event": "caller", "action": action}),
            Self::Fault(text) => json!({"event": "fault", "what": text}),
        }
    }
}

fn stamp(at: Duration) -> String {
    let millis = at.as_millis();
    format!("{:02}:{:02}.{:03}", millis / 60_000, millis / 1000 % 60, millis % 1000)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_a_line_and_an_object() {
        let event = Event {
            at: Duration::from_millis(61_240),
            call: "CA1".to_owned(),
            what: Happening::Error(11200, "http://h/ answered 500".to_owned()),
        };
        assert_eq!(
            event.line(),
            "01:01.240  error     11200 the web server answered with an error or without a usable content type: \
             http://h/ answered 500"
        );
        assert_eq!(event.json()["code"], 11200);
        assert_eq!(event.json()["at_ms"], 61_240);
        assert_eq!(json_lines(&[event.clone(), event]).lines().count(), 2);
    }

    #[test]
    fn events_arrive_as_they_happen_and_are_kept() {
        let (sender, mut receiver) = tokio::sync::mpsc::unbounded_channel();
        let timeline = Timeline::new("CA1", Clock::start(1.0), Some(sender));
        timeline.note(Happening::Status("ringing".to_owned()));
        let seen = receiver.try_recv().expect("the event was sent at once");
        assert_eq!(timeline.events(), [seen]);
    }
}
