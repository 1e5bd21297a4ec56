//! The tables that people query: calls, turns, contacts, interactions, recordings, and when a sender last wrote.
//!
//! An upsert leaves what it does not mention: `None` never erases. Times are Unix milliseconds.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

/// One row to write, in a [`Change`](super::Change).
#[derive(Debug, Clone, PartialEq)]
pub enum Row {
    /// Inserts or amends the call's line in `call_log`.
    Call(CallLog),
    /// Appends to `call_turn`; the same turn again replaces what was stored of it.
    Turn(CallTurn),
    /// Appends to `interactions`; the same key again is ignored.
    Interaction(Interaction),
    /// Inserts or amends a contact.
    Contact(ContactUpdate),
    /// Inserts or amends a recording.
    Recording(Recording),
    /// Notes that somebody wrote to us; an older time than the one stored is ignored.
    Inbound(Inbound),
}

/// A call, for people.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CallLog {
    /// The carrier's id of the call.
    pub call_sid: String,
    /// The flow that took it.
    pub flow: Option<String>,
    /// The caller's number.
    pub from: Option<String>,
    /// The number that was called.
    pub to: Option<String>,
    /// `inbound` or as the carrier words it.
    pub direction: Option<String>,
    /// The carrier's last status.
    pub status: Option<String>,
    /// When it began.
    pub started_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// How long it lasted, in seconds.
    pub seconds: Option<i64>,
    /// Why it ended.
    pub end_reason: Option<String>,
    /// `no_stream_start` or `no_media`, where the watchdog fired.
    pub watchdog_reason: Option<String>,
    /// The step that it was last in.
    pub last_step: Option<String>,
}

/// One side of one exchange in a conversation.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct CallTurn {
    /// The carrier's id of the call.
    pub call_sid: String,
    /// Its place in the conversation.
    pub n: i64,
    /// Who spoke: `caller` or `agent`.
    pub role: String,
    /// What was really heard.
    pub text: String,
    /// When it began.
    pub started_at: Option<i64>,
    /// When it ended.
    pub ended_at: Option<i64>,
    /// The caller spoke into it.
    pub interrupted: bool,
    /// What took how long, in milliseconds by name.
    pub timings: Value,
    /// Who served it: `deepgram` for the caller's turn, `openai, elevenlabs` for an answer.
    pub provider: Option<String>,
    /// Tokens that were read for it.
    pub tokens_in: Option<i64>,
    /// Tokens that were written for it.
    pub tokens_out: Option<i64>,
    /// An estimate of what it cost, in the currency of the declared prices.
    pub cost: Option<f64>,
}

/// Something that happened between us and a contact.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Interaction {
    /// Names the interaction for ever: the same key is stored once.
    pub key: String,
    /// When it happened.
    pub at: i64,
    /// The contact's number.
    pub phone: String,
    /// What it was: `call`, `message`, `lead` and the like.
    pub kind: String,
    /// The call it belongs to.
    pub call_sid: Option<String>,
    /// `voice`, `whatsapp`, `sms`.
    pub channel: String,
    /// One line for people.
    pub summary: String,
    /// Whatever else is known.
    pub data: Value,
}

/// What has been learnt about a contact.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct ContactUpdate {
    /// The contact's number, which names it.
    pub phone: String,
    /// The contact's name.
    pub name: Option<String>,
    /// Merged into what is stored: a key replaces the one of that name, `null` removes it.
    pub fields: Map<String, Value>,
    /// When this was learnt.
    pub at: i64,
}

/// A contact, as stored.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Contact {
    /// The contact's number.
    pub phone: String,
    /// The contact's name.
    pub name: Option<String>,
    /// All that was learnt.
    pub fields: Map<String, Value>,
    /// When the contact was first stored.
    pub first_seen_at: i64,
    /// When the contact was last amended.
    pub updated_at: i64,
    /// By channel, when the contact last wrote to any of our numbers.
    pub last_inbound_at: BTreeMap<String, i64>,
}

/// Somebody wrote to us: this opens the channel's window for answers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Inbound {
    /// `whatsapp`, `sms`.
    pub channel: String,
    /// Who wrote: the bare number, as in [`Contact::phone`].
    pub sender: String,
    /// Which of our numbers was written to.
    pub recipient: String,
    /// When.
    pub at: i64,
}

/// A recording and what became of its transcription.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recording {
    /// The carrier's id of the recording.
    pub sid: String,
    /// The call it belongs to; empty keeps what is stored.
    pub call_sid: String,
    /// Where the carrier keeps it.
    pub url: Option<String>,
    /// Its length in seconds.
    pub seconds: Option<i64>,
    /// Where it stands: `queued`, `transcribed`, `failed` and the like.
    pub status: Option<String>,
    /// What was said. Storing it clears the error, unless a new one comes along.
    pub transcript: Option<String>,
    /// Why the last attempt failed.
    pub error: Option<String>,
    /// How many times transcription was attempted.
    pub attempts: Option<i64>,
}
