//! A move is made: time goes on as far as it takes, events reach the call, the carrier goes on.

mod caller;
mod carrier;
mod engine;
mod input;
mod stream;
mod talk;

use super::act::Act;
use super::leg::Doing;
use super::moves::{DialEnd, Mishap, Move};
use super::phone::Phone;
use super::told::What;
use crate::call::{Event, Params, Time, Timer};

/// What a service says that refuses.
pub const REFUSED: &str = "refused on purpose";

impl Phone<'_> {
    /// Makes a move that is possible where the call stands; one that is not changes nothing and returns false.
    pub fn make(&mut self, next: &Move, mishap: Option<Mishap>) -> bool {
        self.mishap = mishap;
        self.answered = false;
        let made = self.made(next);
        self.mishap = None;
        made
    }

    fn made(&mut self, next: &Move) -> bool {
        match next {
            Move::Pass => return self.pass(),
            Move::Keys(keys) => return self.keys(keys),
            Move::Says(words) => return self.says(words),
            Move::Gathered { digits, key, words } => return self.gathered(digits, *key, words.as_deref()),
            Move::Recorded { millis, end } => return self.recorded(*millis, *end),
            Move::NothingRecorded => return self.nothing_recorded(),
            Move::LeavesMessage(seconds) => return self.leaves_message(*seconds, false),
            Move::LeavesMessageAndHangsUp(seconds) => return self.leaves_message(*seconds, true),
            Move::HangsUp => return self.hangs_up(),
            Move::HangsUpUnnoticed => return self.hangs_up_unnoticed(),
            Move::Dialled(end) => return self.dialled(*end),
            Move::Queued(word) => return self.queued(word),
            Move::Paid(word) => return self.paid(word),
            Move::Referred(taken) => return self.referred(*taken),
            Move::NotReferable => return self.not_referable(),
            Move::Asks(params) => return self.asks_of_its_own(params),
            Move::StreamStarts(timing) => return self.stream_starts(*timing),
            Move::StreamRefused => return self.stream_refused(),
            Move::StreamBreaks { heard } => return self.stream_breaks(*heard),
            Move::TalkEnds { exit, spoke, quiet } => return self.talk_ends(exit, *spoke, *quiet),
            Move::NothingHeard { idle } => return self.nothing_heard(*idle),
            Move::AgentSpeaks => return self.agent_speaks(),
            Move::Wishes { action, arguments } => return self.wishes(action, arguments),
            Move::TaskEnds { task, result, timing } => return self.task_ends(*task, result, *timing),
            Move::CarrierAsksFirst => return self.asks_first(),
            Move::LimitReached => return self.limit_reached(),
            Move::Restarts => self.restarts(),
            Move::Drains => self.drains(),
        }
        true
    }

    /// The next moment at which something happens by itself.
    pub fn due(&self) -> Option<Time> {
        let timer = self.timer().map(|(_, due)| due);
        let returning = (self.leg.doing == Doing::Returning).then_some(self.now);
        let first = [self.leg.due(), timer, returning].into_iter().flatten().min();
        // Other moves let time go on past what was due: it is due at once.
        first.map(|due| due.max(self.now))
    }

    fn timer(&self) -> Option<(Timer, Time)> {
        let timers = self.call.timers.iter().map(|(timer, due)| (*timer, *due));
        timers.min_by_key(|(_, due)| *due)
    }

    fn pass(&mut self) -> bool {
        let Some(due) = self.due() else { return false };
        self.now = due;
        let act = self.leg.due();
        if self.leg.doing == Doing::Returning {
            self.returns(Params::default());
        } else if let Some((timer, _)) = self.timer().filter(|(_, at)| act.is_none_or(|act| *at <= act)) {
            self.fires(timer, None);
        } else {
            self.act_over();
        }
        true
    }

    /// A timer fires; when the caller was last heard on a socket, where that matters.
    pub fn fires(&mut self, timer: Timer, last_frame: Option<Time>) {
        self.ear.listen(self.now);
        if timer == Timer::StreamStart && self.leg.doing == Doing::Connecting {
            self.fault("the stream never starts");
        }
        self.happens(&Event::TimerFired { timer, last_frame });
        self.look();
    }

    /// The act under way comes to the end that it has by itself.
    fn act_over(&mut self) {
        match (&self.leg.doing, self.leg.act().cloned()) {
            (Doing::Prompting { .. }, Some(Act::Gather(gather))) => {
                self.leg.doing = Doing::Listening {
                    until: self.now.plus(gather.timeout),
                };
            }
            (Doing::Listening { .. }, Some(Act::Gather(gather))) => {
                self.tell(What::Caller("gives no answer".to_owned()));
                if gather.always {
                    self.asks(&gather.back, fields(&[("msg", "Gather End"), ("Digits", "")]));
                } else {
                    self.go_on();
                }
            }
            (Doing::Recording { .. }, _) => {
                self.tell(What::Caller("says nothing".to_owned()));
                self.go_on();
            }
            (Doing::Dialling { .. }, Some(Act::Dial(_))) => {
                self.dialled(DialEnd::NoAnswer);
            }
            _ => self.go_on(),
        }
    }
}

/// Fields of a request.
fn fields(fields: &[(&str, &str)]) -> Params {
    let usual = ("CallStatus", "in-progress");
    let has = fields.iter().any(|(name, _)| *name == usual.0);
    fields.iter().copied().chain((!has).then_some(usual)).collect()
}
