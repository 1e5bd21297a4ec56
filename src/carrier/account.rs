//! What the carrier remembers: its account, the calls on it, messages and recordings. Shared by REST and the calls.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use tokio::sync::mpsc;

use super::exchange::Method;
use super::faults::Faults;
use super::timeline::Timeline;

/// The account's state. Everything is short work under one lock that no await ever holds.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) sid: String,
    pub(crate) token: String,
    pub(crate) faults: Faults,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
pub(crate) struct State {
    pub(crate) calls: HashMap<String, CallRecord>,
    pub(crate) messages: Vec<Message>,
    pub(crate) recordings: HashMap<String, Recording>,
    /// Who has written within the last 24 hours: pairs of (the account's address, the other's).
    pub(crate) windows: HashSet<(String, String)>,
}

/// A call as REST sees it.
#[derive(Debug)]
pub(crate) struct CallRecord {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) status: String,
    pub(crate) started: jiff::Timestamp,
    pub(crate) ended: Option<jiff::Timestamp>,
    pub(crate) orders: mpsc::Sender<Order>,
    pub(crate) timeline: Timeline,
    pub(crate) faults: Faults,
}

/// What REST tells a call to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Order {
    /// Run this document.
    Document(String),
    /// Fetch a document and run it.
    Fetch {
        url: String,
        method: Method,
        fallback: Option<String>,
    },
    /// Hang up.
    Complete,
}

/// A message the engine sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// `SM…`.
    pub sid: String,
    /// The sender as given.
    pub from: String,
    /// The recipient as given.
    pub to: String,
    /// The text; empty for a template.
    pub body: String,
    /// The template, `HX…`.
    pub content_sid: Option<String>,
    /// The template's variables, JSON text as given.
    pub content_variables: Option<String>,
    /// Media addresses.
    pub media: Vec<String>,
    /// `queued`, `sent`, `delivered` or `failed`.
    pub status: String,
    /// Why it failed.
    pub error_code: Option<u32>,
    /// When it was accepted.
    pub sent: jiff::Timestamp,
}

/// A recording of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recording {
    /// `RE…`.
    pub sid: String,
    /// The call it belongs to.
    pub call: String,
    /// Whole seconds.
    pub seconds: u64,
    /// `RecordVerb` or `DialVerb`.
    pub source: &'static str,
    /// 16-bit WAV at 8000 Hz.
    pub wav: Vec<u8>,
    /// Whether it can be fetched.
    pub completed: bool,
    /// When it was made.
    pub made: jiff::Timestamp,
}

impl Account {
    pub(crate) fn new(sid: String, token: String, faults: Faults) -> Self {
        Self {
            sid,
            token,
            faults,
            state: Mutex::default(),
        }
    }

    /// The state, for a moment.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        // A panic elsewhere leaves whole records behind, so the state stays usable.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes a call's status, as REST will show it.
    pub(crate) fn set_status(&self, call: &str, status: &str) {
        if let Some(record) = self.state().calls.get_mut(call) {
            record.status = status.to_owned();
            if !matches!(status, "queued" | "ringing" | "in-progress") {
                record.ended = Some(jiff::Timestamp::now());
            }
        }
    }
}

/// A time as the REST API writes it (RFC 2822).
pub(crate) fn rfc2822(time: jiff::Timestamp) -> String {
    time.strftime("%a, %d %b %Y %H:%M:%S +0000").to_string()
}
