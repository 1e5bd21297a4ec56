//! The progress of a call as its status callbacks tell it: initiated, ringing, answered, completed, numbered in order.

use super::account::rfc2822;
use super::exchange::{Method, Params, Request};
use super::leg::Leg;
use super::spec::StatusEvent;
use super::timeline::Happening;

/// Where the status callbacks of a call go, which are wanted, and how many there were.
#[derive(Debug)]
pub(crate) struct Progress {
    url: Option<String>,
    events: Vec<StatusEvent>,
    sequence: u32,
}

impl Progress {
    pub(crate) fn new(url: Option<String>, events: Vec<StatusEvent>) -> Self {
        Self {
            url,
            events,
            sequence: 0,
        }
    }
}

impl Leg {
    /// The call is over with this status after `seconds` of being up.
    pub(crate) fn tell_end(&mut self, status: &str, seconds: u64) {
        let sip = match status {
            "busy" => "486",
            "no-answer" => "480",
            "failed" => "500",
            _ => "200",
        };
        status.clone_into(&mut self.status);
        self.tell_status(
            status,
            vec![
                ("CallDuration".to_owned(), seconds.to_string()),
                ("Duration".to_owned(), seconds.div_ceil(60).to_string()),
                ("SipResponseCode".to_owned(), sip.to_owned()),
            ],
        );
    }

    /// The call's status is now `status`; the engine is told where it wants to be.
    pub(crate) fn tell_status(&mut self, status: &str, extra: Params) {
        let event = match status {
            "initiated" => StatusEvent::Initiated,
            "ringing" => StatusEvent::Ringing,
            "in-progress" => StatusEvent::Answered,
            _ => StatusEvent::Completed,
        };
        let number = self.progress.sequence;
        self.progress.sequence += 1;
        if event != StatusEvent::Initiated {
            self.account.set_status(&self.sid, status);
        }
        self.timeline.note(Happening::Status(status.to_owned()));
        let Some(url) = self
            .progress
            .url
            .clone()
            .filter(|_| self.progress.events.contains(&event))
        else {
            return;
        };
        let mut params = self.params();
        for (name, value) in &mut params {
            if name == "CallStatus" {
                status.clone_into(value);
            }
        }
        params.push(("CallbackSource".to_owned(), "call-progress-events".to_owned()));
        params.push(("SequenceNumber".to_owned(), number.to_string()));
        params.push(("Timestamp".to_owned(), rfc2822(jiff::Timestamp::now())));
        params.extend(extra);
        self.courier.send(Request {
            purpose: format!("status {status}"),
            url,
            method: Method::Post,
            params,
        });
    }
}
