//! Why a conversation came to its end.

/// The reason, for the log and the store; the flow only sees the exit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum End {
    /// A rule or an action of the agent led out.
    Exit,
    /// The caller said nothing for too long, prompts included.
    Idle,
    /// The conversation lasted longer than it may.
    TooLong,
    /// The agent said nearly the same thing again and again.
    Repeating,
    /// The caller heard nothing for longer than an answer may take.
    NoAnswer,
    /// Nobody was left to listen.
    ListenFailed,
    /// Nobody was left to think.
    ThinkFailed,
    /// Nobody was left to speak.
    SpeakFailed,
    /// The speech-to-speech model is gone.
    LiveFailed,
}

impl End {
    /// The word for logs and storage.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Exit => "exit",
            Self::Idle => "idle",
            Self::TooLong => "too_long",
            Self::Repeating => "repeating",
            Self::NoAnswer => "no_answer",
            Self::ListenFailed => "listen_failed",
            Self::ThinkFailed => "think_failed",
            Self::SpeakFailed => "speak_failed",
            Self::LiveFailed => "live_failed",
        }
    }
}
