//! How a verb of the carrier's ends: a dialled party, a queue, a payment, a transfer, a template of the author's own.

use super::fields;
use crate::call::{Params, Time, WaitOn};
use crate::phone::act::{Act, Way};
use crate::phone::leg::Doing;
use crate::phone::moves::DialEnd;
use crate::phone::phone::Phone;
use crate::phone::told::What;

/// The pause in the sound of ringing, in milliseconds (ITU-T E.180: a second of tone, four of nothing).
const RING_PAUSE: u64 = 4_000;

impl Phone<'_> {
    pub(super) fn dialled(&mut self, end: DialEnd) -> bool {
        let (Some(Act::Dial(dial)), Doing::Dialling { until }) = (self.leg.act().cloned(), self.leg.doing.clone())
        else {
            return false;
        };
        let mut seconds = String::new();
        match end {
            DialEnd::Talked(millis) => {
                let over = self.now.plus(millis.min(dial.limit));
                self.ear.sound(self.now, over);
                seconds = (over.since(self.now) / 1000).to_string();
                self.now = over;
            }
            DialEnd::NoAnswer => {
                self.now = self.now.max(until);
                let tone = Time(self.now.0.saturating_sub(RING_PAUSE.min(dial.timeout)));
                self.ear.sound(Time(until.0.saturating_sub(dial.timeout)), tone);
            }
            DialEnd::Busy | DialEnd::Failed | DialEnd::Canceled => {}
        }
        self.tell(What::Carrier(format!("the dialled party: {}", end.word())));
        let bridged = matches!(end, DialEnd::Talked(_)).to_string();
        let mut params = vec![("DialCallStatus", end.word()), ("DialBridged", &bridged)];
        if !seconds.is_empty() {
            params.push(("DialCallDuration", &seconds));
        }
        self.asks(&dial.back, fields(&params));
        true
    }

    pub(super) fn queued(&mut self, word: &str) -> bool {
        let (Some(Act::Enqueue { back, .. }), Doing::Queueing) = (self.leg.act().cloned(), &self.leg.doing) else {
            return false;
        };
        self.tell(What::Carrier(format!("the queue: {word}")));
        if word == "bridged" || word == "leave" {
            self.ear.sound(self.now, self.now);
        }
        self.asks(&back, fields(&[("QueueResult", word), ("QueueTime", "20")]));
        true
    }

    pub(super) fn paid(&mut self, word: &str) -> bool {
        let (Some(Act::Pay { back }), Doing::Paying) = (self.leg.act().cloned(), &self.leg.doing) else {
            return false;
        };
        self.tell(What::Carrier(format!("the payment: {word}")));
        self.ear.sound(self.now, self.now);
        let params = [
            ("Result", word),
            ("PaymentConfirmationCode", "PC1"),
            ("PaymentToken", "T1"),
        ];
        self.asks(&back, fields(&params));
        true
    }

    pub(super) fn referred(&mut self, taken: bool) -> bool {
        let (Some(Act::Refer { back }), Doing::Referring) = (self.leg.act().cloned(), &self.leg.doing) else {
            return false;
        };
        let code = if taken { "200" } else { "503" };
        self.tell(What::Carrier(format!("the other side answers {code}")));
        self.asks(
            &back,
            fields(&[("ReferCallStatus", "completed"), ("NotifySipResponseCode", code)]),
        );
        true
    }

    pub(super) fn not_referable(&mut self) -> bool {
        if self.leg.doing != Doing::Referring {
            return false;
        }
        self.tell(What::Carrier(
            "skips <Refer>: the call did not come by SIP (13801)".to_owned(),
        ));
        self.go_on();
        true
    }

    /// The document's last request is one that an author's own template makes.
    pub(super) fn asks_of_its_own(&mut self, params: &Params) -> bool {
        let Some(ticket) = self.call.live().map(|live| live.wait.ticket) else {
            return false;
        };
        if self.leg.is_over() || !matches!(self.call.live().map(|live| &live.wait.on), Some(WaitOn::Action)) {
            return false;
        }
        self.asks(&Way::Ticket(ticket), params.clone());
        true
    }
}
