//! The carrier at work: one act after another, and what it asks the engine when an act is over.

use super::act::{Act, Sound, Way};
use super::leg::Doing;
use super::phone::Phone;
use super::told::{Told, What};
use crate::call::{CarrierStatus, Event, Params};

/// The tone before a recording, in milliseconds.
const BEEP: u64 = 300;

impl Phone<'_> {
    /// Begins the act that is next in the document, and all that take no time.
    pub(super) fn begin(&mut self) {
        let Some(act) = self.leg.act().cloned() else {
            return self.hung_up("the document is over");
        };
        match act {
            Act::Reject => {
                self.tell(What::Verb("Reject"));
                return self.ends(CarrierStatus::Busy, "the call is refused");
            }
            Act::Go(way) => return self.asks(&way, Params::default()),
            _ => self.answer_call(),
        }
        self.leg.doing = match act {
            Act::Sound(sound) => {
                let until = self.hears(&sound);
                Doing::Playing { until }
            }
            Act::Silence(millis) => {
                self.tell(What::Verb("Pause"));
                Doing::Pausing {
                    until: self.now.plus(millis),
                }
            }
            Act::Gather(gather) => {
                self.tell(What::Verb("Gather"));
                let began = self.now;
                for sound in &gather.prompts {
                    self.now = self.hears(sound);
                }
                let until = self.now.plus(gather.pauses);
                self.now = began;
                Doing::Prompting { until }
            }
            Act::Record(record) => {
                self.tell(What::Verb("Record"));
                let mut from = self.now;
                if record.beep {
                    self.ear.sound(from, from.plus(BEEP));
                    from = from.plus(BEEP);
                }
                Doing::Recording {
                    until: from.plus(record.quiet.min(record.longest)),
                }
            }
            Act::Dial(dial) => {
                self.tell(What::Verb("Dial"));
                if let Some(way) = &dial.aside {
                    self.asks_aside(way);
                }
                Doing::Dialling {
                    until: self.now.plus(dial.timeout),
                }
            }
            Act::Stream(_) => {
                self.tell(What::Verb("Connect"));
                Doing::Connecting
            }
            Act::Enqueue { wait, .. } => {
                self.tell(What::Verb("Enqueue"));
                if let Some(way) = &wait
                    && !self.asks_aside(way)
                {
                    self.violations.push(super::Violation::SilentQueue);
                }
                Doing::Queueing
            }
            Act::Pay { .. } => {
                self.tell(What::Verb("Pay"));
                Doing::Paying
            }
            Act::Refer { .. } => {
                self.tell(What::Verb("Refer"));
                Doing::Referring
            }
            Act::HangUp => return self.hung_up("the flow hangs up"),
            Act::Leave | Act::Go(_) | Act::Reject => return self.go_on(),
        };
    }

    /// The act is over; the next one begins.
    pub(super) fn go_on(&mut self) {
        self.leg.at += 1;
        self.begin();
    }

    /// The call is answered, unless it was before.
    fn answer_call(&mut self) {
        if !self.leg.answered {
            self.leg.answered = true;
            self.ear.answered(self.now);
            self.tell(What::Carrier("answers the call".to_owned()));
            self.happens(&Event::StatusChanged {
                status: CarrierStatus::InProgress,
                sequence: None,
                seconds: None,
            });
        }
    }

    /// The caller hears a sound from now on; until when.
    pub fn hears(&mut self, sound: &Sound) -> crate::call::Time {
        let until = self.now.plus(sound.millis);
        for (from, to) in sound.heard() {
            self.ear.sound(self.now.plus(from), self.now.plus(to));
        }
        self.tell(What::Hears {
            what: sound.what.to_string(),
            spoken: sound.spoken,
            millis: sound.millis,
        });
        until
    }

    /// Somebody beside the call gets a document; whether there is anything to hear in it.
    fn asks_aside(&mut self, way: &Way) -> bool {
        let Way::Aside(round) = way else { return true };
        self.answer = None;
        self.happens(&Event::AsideAsked {
            params: Params::default(),
            round: *round,
        });
        let Some(crate::call::Answer::Document(verbs)) = self.answer.take() else {
            return false;
        };
        match self.stage.acts(self.flow, &verbs) {
            Ok(acts) => acts
                .iter()
                .any(|act| matches!(act, Act::Sound(sound) if !sound.heard().is_empty())),
            Err(error) => {
                self.violations.push(super::Violation::BadDocument(error));
                false
            }
        }
    }

    /// The engine, or the end of a document, ends the call.
    pub(super) fn hung_up(&mut self, why: &'static str) {
        self.answer_call();
        self.ends(CarrierStatus::Completed, why);
    }

    /// Nobody is on the line any more, and the carrier says so.
    pub(super) fn ends(&mut self, status: CarrierStatus, why: &'static str) {
        if self.leg.is_over() {
            return;
        }
        self.ear.over(self.now);
        self.leg.doing = Doing::Over;
        self.tell(What::Over(why));
        if self.loses_status {
            return self.look();
        }
        let seconds = u32::try_from(self.now.since(self.call.facts.started).div_ceil(1000)).ok();
        let event = Event::StatusChanged {
            status,
            sequence: None,
            seconds,
        };
        self.happens(&event);
        self.look();
    }

    pub(super) fn tell(&mut self, what: What) {
        if let Some(told) = &mut self.told {
            let step = self.call.live().map(|live| live.step);
            told.push(Told {
                at: self.now,
                what,
                step,
            });
        }
    }

    pub(super) fn fault(&mut self, what: impl Into<String>) {
        self.tell(What::Fault(what.into()));
    }
}
