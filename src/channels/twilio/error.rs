//! Why a request to the carrier failed, and what may be done about it.

use std::fmt;
use std::time::Duration;

use super::messages::MessageProblem;

/// A failed request. Messages of the carrier are kept without phone numbers, so an error may be logged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CarrierError {
    /// No account or no secret is configured. Nothing was sent.
    MissingCredentials { what: &'static str },
    /// The configured `api_url` is not an http(s) URL, or no HTTP client could be made. Nothing was sent.
    Misconfigured { detail: String },
    /// The message breaks a rule that can be judged here. Nothing was sent.
    BadMessage(MessageProblem),
    /// TwiML over the API's limit (the carrier's 32018). Nothing was sent.
    TwimlTooLong { characters: usize },
    /// 401, or 403 with code 20003: the credentials are wrong, or not allowed this.
    Auth { code: Option<u32>, message: String },
    /// 404 / 20404: the carrier knows no such call, message or account.
    NotFound { message: String },
    /// 21220: the call is over, or has not begun.
    CallNotInProgress,
    /// Any other answer that says no; repeating the same request gets the same answer.
    Refused {
        status: u16,
        code: Option<u32>,
        message: String,
    },
    /// 429 / 20429: not processed, may be repeated after the wait.
    RateLimited { retry_after: Option<Duration> },
    /// No connection, a connection that broke, or an answer of 5xx.
    Unavailable { sent: bool, status: Option<u16> },
    /// No complete answer within the limit.
    Timeout { sent: bool },
    /// An answer that says yes but cannot be read.
    Protocol { detail: String },
}

impl CarrierError {
    /// Whether the same request may succeed later without anyone changing anything.
    pub fn is_retryable(&self) -> bool {
        match self {
            CarrierError::RateLimited { .. }
            | CarrierError::Unavailable { .. }
            | CarrierError::Timeout { .. }
            | CarrierError::Protocol { .. } => true,
            CarrierError::MissingCredentials { .. }
            | CarrierError::Misconfigured { .. }
            | CarrierError::BadMessage(_)
            | CarrierError::TwimlTooLong { .. }
            | CarrierError::Auth { .. }
            | CarrierError::NotFound { .. }
            | CarrierError::CallNotInProgress
            | CarrierError::Refused { .. } => false,
        }
    }

    /// Whether the carrier may have done what was asked although no success was reported.
    ///
    /// The API has no idempotency key. A create for which this is true must be looked up
    /// ([`super::TwilioClient::find_message`]) before it is repeated; reads and updates may simply be repeated.
    pub fn may_have_happened(&self) -> bool {
        match self {
            CarrierError::Unavailable { sent, .. } | CarrierError::Timeout { sent } => *sent,
            CarrierError::Protocol { .. } => true,
            CarrierError::MissingCredentials { .. }
            | CarrierError::Misconfigured { .. }
            | CarrierError::BadMessage(_)
            | CarrierError::TwimlTooLong { .. }
            | CarrierError::Auth { .. }
            | CarrierError::NotFound { .. }
            | CarrierError::CallNotInProgress
            | CarrierError::Refused { .. }
            | CarrierError::RateLimited { .. } => false,
        }
    }

    /// The wait that the carrier asked for.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            CarrierError::RateLimited { retry_after } => *retry_after,
            _ => None,
        }
    }

    /// The carrier's error code, whether it was reported or is the one that a local rule stands for.
    pub fn code(&self) -> Option<u32> {
        match self {
            CarrierError::BadMessage(problem) => Some(problem.code()),
            CarrierError::TwimlTooLong { .. } => Some(32018),
            CarrierError::Auth { code, .. } | CarrierError::Refused { code, .. } => *code,
            CarrierError::NotFound { .. } => Some(20404),
            CarrierError::CallNotInProgress => Some(21220),
            CarrierError::RateLimited { .. } => Some(20429),
            CarrierError::MissingCredentials { .. }
            | CarrierError::Misconfigured { .. }
            | CarrierError::Unavailable { .. }
            | CarrierError::Timeout { .. }
            | CarrierError::Protocol { .. } => None,
        }
    }
}

impl fmt::Display for CarrierError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let coded = |f: &mut fmt::Formatter<'_>, what: &str, code: &Option<u32>, message: &str| {
            f.write_str(what)?;
            if let Some(code) = code {
                write!(f, " ({code})")?;
            }
            if message.is_empty() {
                Ok(())
            } else {
                write!(f, ": {message}")
            }
        };
        match self {
            CarrierError::MissingCredentials { what } => {
                write!(f, "no {what} of the carrier is configured")
            }
            CarrierError::Misconfigured { detail } => {
                write!(f, "the carrier cannot be asked: {detail}")
            }
            CarrierError::BadMessage(problem) => write!(f, "the message cannot be sent: {problem}"),
            CarrierError::TwimlTooLong { characters } => {
                write!(
                    f,
                    "TwiML of {characters} characters is over the limit of {}",
                    super::TWIML_LIMIT
                )
            }
            CarrierError::Auth { code, message } => {
                coded(f, "the carrier does not accept the credentials", code, message)
            }
            CarrierError::NotFound { message } => coded(f, "the carrier knows no such thing", &Some(20404), message),
            CarrierError::CallNotInProgress => f.write_str("the call is not in progress (21220)"),
            CarrierError::Refused { status, code, message } => {
                coded(f, &format!("the carrier refused with status {status}"), code, message)
            }
            CarrierError::RateLimited {
                retry_after: Some(wait),
            } => {
                write!(
                    f,
                    "too many requests (20429); the carrier asks to wait {} s",
                    wait.as_secs()
                )
            }
            CarrierError::RateLimited { retry_after: None } => f.write_str("too many requests (20429)"),
            CarrierError::Unavailable {
                status: Some(status), ..
            } => write!(f, "the carrier failed with status {status}"),
            CarrierError::Unavailable { sent: true, .. } => {
                f.write_str("the connection to the carrier broke before an answer came")
            }
            CarrierError::Unavailable { sent: false, .. } => f.write_str("the carrier cannot be reached"),
            CarrierError::Timeout { sent: true } => f.write_str("the carrier did not answer in time"),
            CarrierError::Timeout { sent: false } => f.write_str("no connection to the carrier came about in time"),
            CarrierError::Protocol { detail } => {
                write!(f, "the carrier's answer cannot be read: {detail}")
            }
        }
    }
}

impl std::error::Error for CarrierError {}
