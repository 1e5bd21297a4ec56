//! Live calls: sending them somewhere else, hanging up, and reading their state.

use std::time::Duration;

use serde::Deserialize;

use super::{CarrierError, TwilioClient};

/// The longest TwiML that may be given in a request, in characters (32018 beyond).
pub const TWIML_LIMIT: usize = 4000;

/// Where a live call goes next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Redirect {
    /// A whole document, at most [`TWIML_LIMIT`] characters; every URL in it must be absolute.
    Twiml(String),
    /// An absolute URL, from which the carrier fetches the document with POST.
    Url(String),
}

/// What the carrier says about a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CarrierCall {
    pub sid: String,
    pub status: CallStatus,
    /// Whole seconds; the carrier gives it once the call is over.
    pub duration: Option<Duration>,
    /// `inbound`, `outbound-api`, `outbound-dial` or a `trunking-…` form.
    pub direction: Option<String>,
}

/// The state of a call, in the carrier's own words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CallStatus {
    Queued,
    Ringing,
    InProgress,
    Completed,
    Busy,
    Failed,
    NoAnswer,
    Canceled,
    /// A word that this engine does not know.
    Other(String),
}

impl CallStatus {
    /// Whether nothing further can happen to the call. An unknown state does not count as an end.
    pub fn is_over(&self) -> bool {
        match self {
            CallStatus::Completed
            | CallStatus::Busy
            | CallStatus::Failed
            | CallStatus::NoAnswer
            | CallStatus::Canceled => true,
            CallStatus::Queued | CallStatus::Ringing | CallStatus::InProgress | CallStatus::Other(_) => false,
        }
    }
}

impl From<&str> for CallStatus {
    fn from(word: &str) -> Self {
        match word {
            "queued" => CallStatus::Queued,
            "ringing" => CallStatus::Ringing,
            "in-progress" => CallStatus::InProgress,
            "completed" => CallStatus::Completed,
            "busy" => CallStatus::Busy,
            "failed" => CallStatus::Failed,
            "no-answer" => CallStatus::NoAnswer,
            "canceled" => CallStatus::Canceled,
            other => CallStatus::Other(other.to_owned()),
        }
    }
}

/// The parts of the call resource that are read. Numbers come as text.
#[derive(Deserialize)]
struct CallResource {
    sid: String,
    status: String,
    duration: Option<String>,
    direction: Option<String>,
}

impl TwilioClient {
    /// Interrupts a live call and sends it to other instructions. The interrupted verb's `action` is not requested.
    ///
    /// Repeating it is safe: the call then starts the same instructions anew.
    pub async fn redirect_call(&self, call_sid: &str, to: &Redirect) -> Result<(), CarrierError> {
        let form = match to {
            Redirect::Twiml(twiml) => {
                let characters = twiml.chars().count();
                if characters > TWIML_LIMIT {
                    return Err(CarrierError::TwimlTooLong { characters });
                }
                [("Twiml", twiml.as_str())].to_vec()
            }
            Redirect::Url(url) => vec![("Url", url.as_str()), ("Method", "POST")],
        };
        self.update_call(call_sid, &form).await
    }

    /// Ends a call, also one that still rings. [`CarrierError::CallNotInProgress`] means that it was over already.
    pub async fn hang_up(&self, call_sid: &str) -> Result<(), CarrierError> {
        self.update_call(call_sid, &[("Status", "completed")]).await
    }

    /// Reads a call's state.
    pub async fn call_status(&self, call_sid: &str) -> Result<CarrierCall, CarrierError> {
        named(call_sid)?;
        let limit = self.config.timeouts.calls;
        let call: CallResource = self.get(&["Calls", call_sid], &[], limit).await?;
        Ok(CarrierCall {
            status: CallStatus::from(call.status.as_str()),
            duration: call
                .duration
                .and_then(|seconds| seconds.parse().ok())
                .map(Duration::from_secs),
            direction: call.direction,
            sid: call.sid,
        })
    }

    async fn update_call(&self, call_sid: &str, form: &[(&str, &str)]) -> Result<(), CarrierError> {
        named(call_sid)?;
        let limit = self.config.timeouts.calls;
        // The answer shows the state before the change, so there is nothing in it to learn.
        self.post(&["Calls", call_sid], form, limit).await.map(drop)
    }
}

/// An empty SID would address the list of calls instead of a call.
fn named(call_sid: &str) -> Result<(), CarrierError> {
    if call_sid.is_empty() {
        return Err(CarrierError::NotFound {
            message: "an empty call SID".to_owned(),
        });
    }
    Ok(())
}
