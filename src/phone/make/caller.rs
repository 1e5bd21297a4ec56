//! What the caller does: keys, words, a message, hanging up.

use super::fields;
use crate::call::{CarrierStatus, Event, Params, Time};
use crate::phone::act::{Act, Way};
use crate::phone::document::said;
use crate::phone::leg::Doing;
use crate::phone::phone::Phone;
use crate::phone::told::What;

impl Phone<'_> {
    pub(super) fn keys(&mut self, keys: &str) -> bool {
        let Some(Act::Gather(gather)) = self.leg.act().cloned() else {
            return false;
        };
        if !gather.keys || !matches!(self.leg.doing, Doing::Prompting { .. } | Doing::Listening { .. }) {
            return false;
        }
        self.tell(What::Caller(format!("presses {keys}")));
        self.ear.interrupt(self.now);
        let finished = gather.finish.is_some_and(|finish| keys.contains(finish));
        let mut digits: String = keys.chars().take_while(|key| Some(*key) != gather.finish).collect();
        if let Some(most) = gather.digits {
            digits = digits.chars().take(most as usize).collect();
        }
        let complete = gather
            .digits
            .is_some_and(|most| digits.chars().count() >= most as usize);
        if !finished && !complete {
            self.now = self.now.plus(gather.timeout);
        }
        let key = gather.finish.filter(|_| finished).map(String::from).unwrap_or_default();
        let params = fields(&[("msg", "Gather End"), ("Digits", &digits), ("FinishedOnKey", &key)]);
        self.asks(&gather.back, params);
        true
    }

    pub(super) fn says(&mut self, words: &str) -> bool {
        let Some(Act::Gather(gather)) = self.leg.act().cloned() else {
            return false;
        };
        if !gather.speech || !matches!(self.leg.doing, Doing::Prompting { .. } | Doing::Listening { .. }) {
            return false;
        }
        self.tell(What::Caller(format!("says “{words}”")));
        self.ear.interrupt(self.now);
        let over = self.now.plus(said(words).millis);
        self.ear.sound(self.now, over);
        self.now = over.plus(gather.speech_end);
        let params = fields(&[("msg", "Gather End"), ("SpeechResult", words), ("Confidence", "0.9")]);
        self.asks(&gather.back, params);
        true
    }

    pub(super) fn leaves_message(&mut self, seconds: u32, leaves: bool) -> bool {
        let Some(Act::Record(record)) = self.leg.act().cloned() else {
            return false;
        };
        let Doing::Recording { until } = self.leg.doing else {
            return false;
        };
        self.recordings += 1;
        // Also the silence before the caller speaks is part of the longest message.
        let began = Time(until.0.saturating_sub(record.quiet.min(record.longest)));
        let left = record.longest.saturating_sub(self.now.since(began));
        let length = u64::from(seconds).saturating_mul(1000).min(left);
        let then = if leaves { " and hangs up" } else { "" };
        self.tell(What::Caller(format!("leaves a message of {} s{then}", length / 1000)));
        self.ear.sound(self.now, self.now.plus(length));
        let rest = if leaves { 0 } else { record.quiet.min(left - length) };
        self.now = self.now.plus(length).plus(rest);
        let sid = format!("RE{:032}", self.recordings);
        let url = format!("{}/2010-04-01/Accounts/AC0/Recordings/{sid}", self.stage.origin());
        let seconds = (length / 1000).to_string();
        let mut params = vec![
            ("RecordingSid", sid.as_str()),
            ("RecordingUrl", &url),
            ("RecordingDuration", &seconds),
        ];
        if leaves {
            params.extend([("Digits", "hangup"), ("CallStatus", "completed")]);
            return self.leaves(&record.back, fields(&params));
        }
        self.asks(&record.back, fields(&params));
        true
    }

    pub(super) fn hangs_up(&mut self) -> bool {
        if self.leg.is_over() {
            return false;
        }
        self.tell(What::Caller("hangs up".to_owned()));
        self.ear.interrupt(self.now);
        let gone = |more: &[(&str, &str)]| fields(&[more, &[("CallStatus", "completed")]].concat());
        match (self.leg.act().cloned(), self.leg.doing.clone()) {
            (Some(Act::Dial(dial)), Doing::Dialling { .. }) => {
                self.leaves(&dial.back, gone(&[("DialCallStatus", "no-answer")]))
            }
            (Some(Act::Stream(stream)), doing) => {
                if let Doing::Streaming { sid } = doing {
                    self.closed(sid, 1);
                }
                self.leaves(&stream.back, gone(&[]))
            }
            (Some(Act::Enqueue { back, .. }), Doing::Queueing) => {
                self.leaves(&back, gone(&[("QueueResult", "hangup")]))
            }
            _ => self.leaves(&Way::Next, Params::default()),
        }
    }

    pub(super) fn hangs_up_unnoticed(&mut self) -> bool {
        if self.leg.is_over() {
            return false;
        }
        self.tell(What::Caller("hangs up".to_owned()));
        self.fault("the carrier's report of the call's end is lost");
        if let Doing::Streaming { sid } = self.leg.doing.clone() {
            self.closed(sid, 1);
        }
        self.ear.over(self.now);
        self.leg.doing = Doing::Over;
        self.look();
        true
    }

    /// The caller is gone: the verb's last request, if it makes one, then the status.
    pub(super) fn leaves(&mut self, back: &Way, params: Params) -> bool {
        if let Way::Ticket(ticket) = back {
            let ticket = *ticket;
            self.happens(&Event::CarrierAsked { ticket, params });
            self.answer = None;
        }
        let status = if self.leg.answered {
            CarrierStatus::Completed
        } else {
            CarrierStatus::NoAnswer
        };
        self.ends(status, "the caller hung up");
        true
    }
}
