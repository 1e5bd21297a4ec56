//! What a call wants done, in the imperative. Effects are committed with the state before anything is performed.

use super::ids::{TaskKey, Ticket, Time, Timer};
use super::pii::Pii;
use crate::twiml::Verb;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// One thing to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Effect {
    /// Answer the webhook that is being handled.
    Answer(Answer),
    /// Have the timer fire at that moment; replaces the one of the same name.
    SetTimer(Timer, Time),
    /// Forget the timer.
    ClearTimer(Timer),
    /// Perform this once, with retries, and report back.
    Perform(Task),
    /// Drop a task that has not been started.
    CancelTask(TaskKey),
    /// Speak to the call's media socket.
    Media(MediaOrder),
    /// Write to the tables that people read.
    Write(Row),
    /// Log one of the contract's words.
    Log(Log),
}

/// The answer to a webhook.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// A TwiML document of these verbs.
    Document(Vec<Verb>),
    /// 204.
    Nothing,
}

/// An outside effect with its key.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Unique for all time.
    pub key: TaskKey,
    /// When it may start.
    pub due: Time,
    /// What to do.
    pub kind: TaskKind,
}

/// The outside effects there are.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "task")]
pub enum TaskKind {
    /// Give the live call a new document through the carrier's REST API.
    RedirectCall {
        /// What the caller gets.
        document: Vec<Verb>,
        /// The wait whose request gets the same document, for when it is too long to be sent.
        ticket: Ticket,
        /// The contract's word.
        reason: String,
    },
    /// End the call through the REST API.
    HangUpCall,
    /// Ask the carrier how the call stands.
    AskStatus,
    /// Send a message.
    SendMessage {
        /// `whatsapp` or `sms`.
        channel: String,
        /// E.164.
        to: Pii<String>,
        /// The sender, where the flow names one.
        from: Option<String>,
        /// The template's name in the flow, with its variables.
        template: Option<String>,
        /// Values for the template, by name.
        variables: Map<String, Value>,
        /// The text: the template's own where it has no id at the carrier.
        body: String,
        /// When it was ordered: nothing older can be this message.
        ordered: Time,
    },
    /// Fetch a recording and turn it into text.
    Transcribe {
        sid: String,
        url: String,
        language: Option<String>,
    },
    /// Call a service.
    Http {
        method: String,
        url: String,
        headers: Vec<(String, String)>,
        body: Option<Value>,
        timeout_ms: u64,
        tries: u32,
    },
}

impl TaskKind {
    /// The name under which the outbox keeps it.
    pub fn name(&self) -> &'static str {
        match self {
            Self::RedirectCall { .. } => "redirect_call",
            Self::HangUpCall => "hang_up_call",
            Self::AskStatus => "ask_status",
            Self::SendMessage { .. } => "send_message",
            Self::Transcribe { .. } => "transcribe",
            Self::Http { .. } => "http",
        }
    }
}

/// An order to the call's media socket, if one is open in this process.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MediaOrder {
    /// The stream is the one that was expected: let its agent talk.
    Admit {
        agent: String,
        /// The agent's instructions, filled in with this call's data.
        instructions: String,
        /// The longest time in which the caller hears nothing while an answer is due, in milliseconds.
        reply: u64,
        /// How long nothing has been heard, as far as the call knows: a caller who waited for the stream waits no longer
        /// than others to be spoken to. In milliseconds.
        quiet: u64,
        /// About how long the carrier speaks from now on, before the agent is heard, in milliseconds.
        welcome: u64,
        /// The sound of both sides is to be kept.
        record: bool,
    },
    /// Not this stream: close it.
    Refuse { reason: &'static str },
    /// Close the socket, so that the carrier asks for what follows.
    Close,
    /// Tell the conversation what came of a wish.
    Acted { id: String, result: Result<String, String> },
}

/// A row of a table that people read.
#[derive(Clone, Debug, PartialEq)]
pub enum Row {
    /// What is known of the call; absent fields keep their value.
    CallLog {
        status: Option<String>,
        ended: Option<Time>,
        seconds: Option<u32>,
        end_reason: Option<String>,
        watchdog: Option<String>,
        step: Option<String>,
    },
    /// One side's turn.
    Turn {
        n: u32,
        role: String,
        text: Pii<String>,
        started: Time,
        ended: Time,
        interrupted: bool,
        /// What it took, by name.
        facts: Map<String, Value>,
    },
    /// A recording and what became of it.
    Recording(Recording),
    /// Something worth remembering of a contact.
    Interaction {
        key: String,
        phone: Pii<String>,
        kind: String,
        channel: String,
        summary: String,
        data: Value,
    },
    /// What is known of a person; fields are merged.
    Contact {
        phone: Pii<String>,
        name: Option<String>,
        fields: Map<String, Value>,
    },
}

/// A recording's facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Recording {
    /// The carrier's id.
    pub sid: String,
    /// Where it can be fetched.
    pub url: Option<String>,
    /// Its length.
    pub seconds: Option<u32>,
    /// `recorded`, `transcribing`, `transcribed` or `failed`.
    pub status: &'static str,
    /// What was said.
    pub transcript: Option<String>,
    /// Why there is no transcript.
    pub error: Option<String>,
}

/// A line that operators grep for; the word is the contract's where it names one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// The word.
    pub word: &'static str,
    /// What it is about: a reason, a status, an error.
    pub detail: String,
    /// Whether somebody should look at it.
    pub bad: bool,
}
