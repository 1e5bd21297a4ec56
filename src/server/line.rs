//! The seam between the server and what runs calls: which webhooks there are, and what they are asked and answer.

use std::path::PathBuf;

use futures_util::future::BoxFuture;

use super::socket::MediaSocket;

/// Whatever runs the calls. The server has verified, bounded and decoded everything that arrives here.
///
/// A future that takes longer than `ServerConfig::answer_within`, or panics, is answered for by the server. It is not
/// cancelled, nor when the carrier hangs up on the request: what it began, it may finish.
pub trait Line: Send + Sync + 'static {
    /// Answers a voice webhook. A repeated request (same idempotency token) arrives here again.
    fn voice(&self, hook: Hook, request: VoiceRequest) -> BoxFuture<'_, VoiceReply>;

    /// Answers a messaging webhook.
    fn message(&self, hook: MessageHook, request: VoiceRequest) -> BoxFuture<'_, VoiceReply>;

    /// Runs one of the carrier's sockets to its end, whatever it carries.
    fn media(&self, socket: MediaSocket) -> BoxFuture<'static, ()>;

    /// What is there and what is missing, by name.
    fn ready(&self) -> BoxFuture<'_, Vec<(String, Health)>>;

    /// The flows that new calls take, as `engine doctor` sees them below this origin; the first is the main one.
    fn running(&self, _origin: &str) -> Vec<RunningFlow> {
        Vec::new()
    }

    /// Folders behind `/static/`, searched in order and before the configured ones.
    fn static_files(&self) -> StaticRoots {
        StaticRoots::default()
    }
}

/// The voice webhooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Hook {
    /// A call comes in.
    IncomingCall,
    /// A media stream started, stopped or failed.
    StreamStatus,
    /// The step that held a media stream is over.
    StreamEnded,
    /// A recording was made.
    HandleRecording,
    /// The call's status changed.
    CallStatus,
    /// Any other step is over.
    Next,
    /// Somebody beside the call is to hear something: the called party of a dial, a caller in a queue.
    Aside,
}

/// The messaging webhooks that are signed like voice ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MessageHook {
    /// A WhatsApp message through the carrier.
    WhatsApp,
    /// Delivery status of a message sent through the carrier.
    Status,
}

/// What a webhook may be answered with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A document: the caller is waiting for it.
    Document,
    /// A document, or 204 where nothing follows.
    DocumentOrNothing,
    /// Always 204.
    Nothing,
}

/// A webhook's request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VoiceRequest {
    /// Decoded parameters in their order: those of the body, then those of the query but `n`.
    pub params: Vec<(String, String)>,
    /// The query parameter `n`: which of the call's documents asks. 1 where it is missing or no number.
    pub n: u32,
    /// `I-Twilio-Idempotency-Token`: the same over all deliveries of one request.
    pub idempotency_token: Option<String>,
    /// The public origin for absolute URLs, such as `https://voice.example.com`; never ends in a slash.
    pub origin: String,
}

/// A webhook's answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum VoiceReply {
    /// 200 with this document; at most 64 kB (11750).
    Twiml(String),
    /// 204 without a body.
    Empty,
}

/// How one part of the engine is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// It works.
    Ok,
    /// It is not configured, on purpose.
    Disabled,
    /// It does not work; says why in a few words. Makes `/readyz` answer 503.
    Problem(String),
}

/// A flow that calls are given to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunningFlow {
    /// `flow:` at its head.
    pub name: String,
    /// Its file, relative to the project.
    pub file: String,
    /// Of everything it was compiled from.
    pub hash: String,
    /// The numbers that are its own; none for the main flow.
    pub numbers: Vec<String>,
    /// Absolute addresses of the sounds it names.
    pub sounds: Vec<String>,
    /// What a caller would get first, of a call that is kept nowhere; or why it cannot be made.
    pub document: Result<String, String>,
}

/// Folders of files, searched in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct StaticRoots(pub Vec<PathBuf>);

impl Hook {
    /// Every voice webhook.
    pub const ALL: [Hook; 7] = [
        Hook::IncomingCall,
        Hook::StreamStatus,
        Hook::StreamEnded,
        Hook::HandleRecording,
        Hook::CallStatus,
        Hook::Next,
        Hook::Aside,
    ];

    /// The path, without a slash at the end.
    pub fn path(self) -> &'static str {
        match self {
            Hook::IncomingCall => "/webhook/incoming_call",
            Hook::StreamStatus => "/webhook/stream_status",
            Hook::StreamEnded => "/webhook/stream_ended",
            Hook::HandleRecording => "/webhook/handle_recording",
            Hook::CallStatus => "/webhook/call_status",
            Hook::Next => "/webhook/next",
            Hook::Aside => "/webhook/aside",
        }
    }

    /// What the carrier accepts as the answer.
    pub fn answer(self) -> Answer {
        match self {
            Hook::IncomingCall | Hook::HandleRecording | Hook::Next | Hook::Aside => Answer::Document,
            Hook::StreamEnded => Answer::DocumentOrNothing,
            Hook::StreamStatus | Hook::CallStatus => Answer::Nothing,
        }
    }

    /// True if an unsigned request is refused.
    pub fn signed(self) -> bool {
        self != Hook::StreamStatus
    }
}

impl MessageHook {
    /// Every messaging webhook.
    pub const ALL: [MessageHook; 2] = [MessageHook::WhatsApp, MessageHook::Status];

    /// The path, without a slash at the end.
    pub fn path(self) -> &'static str {
        match self {
            MessageHook::WhatsApp => "/webhook/whatsapp/twilio",
            MessageHook::Status => "/webhook/message_status",
        }
    }

    /// What the carrier accepts as the answer.
    pub fn answer(self) -> Answer {
        match self {
            MessageHook::WhatsApp => Answer::DocumentOrNothing,
            MessageHook::Status => Answer::Nothing,
        }
    }
}

impl VoiceRequest {
    /// The first value of a parameter.
    pub fn param(&self, name: &str) -> Option<&str> {
        self.params
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }
}
