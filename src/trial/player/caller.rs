//! What the caller does: speaks, presses keys, leaves a message, hangs up.

use super::Player;
use crate::call::Time;
use crate::phone::script::Step;
use crate::phone::{Act, Doing, Move, What};
use crate::trial::faults::Fault;
use crate::trial::hearing::spoken;

impl Player<'_> {
    pub(super) fn caller_acts(&mut self) {
        let Some(step) = self.actor.take() else { return };
        let now = self.phone.now.0;
        match step {
            Step::Speak(speech) | Step::Backchannel(speech) => {
                let (millis, words) = spoken(&speech);
                self.caller_speaks(now, millis, &words);
            }
            Step::Keys(keys) => self.caller_presses(&keys),
            Step::HangUp => {
                // The socket goes first.
                self.stop_talking();
                let gone = if self.faults.contains(&Fault::LostStatus) {
                    Move::HangsUpUnnoticed
                } else {
                    Move::HangsUp
                };
                self.make(&gone);
            }
            Step::Wait(_)
            | Step::AwaitSound
            | Step::AwaitPromptEnd
            | Step::AwaitTurn
            | Step::AwaitSpeaking(_)
            | Step::AwaitVerb(_) => {}
        }
        self.actor.since = self.actor.since.max(self.phone.now.0);
    }

    pub(super) fn caller_speaks(&mut self, now: u64, millis: u64, words: &str) {
        if let Some(session) = &mut self.session {
            let over = Time(now.saturating_add(millis));
            session.speaks(now, millis, words, &mut self.brain);
            self.phone.ear.sound(self.phone.now, over);
            self.tell(What::Caller(format!("says “{words}”")));
            self.actor.since = over.0;
            return self.did();
        }
        match (self.phone.leg.doing().clone(), self.phone.leg.act().cloned()) {
            (Doing::Recording { .. }, Some(Act::Record(record))) => {
                let mut seconds = millis;
                self.recorded = words.to_owned();
                // Whatever follows within the silence that ends it belongs to the same message.
                let mut hangs_up = false;
                loop {
                    let mut rest = self.actor.steps.iter();
                    match (rest.next(), rest.next()) {
                        (Some(Step::Speak(speech)), _) => {
                            let (more, words) = spoken(speech);
                            seconds += more;
                            self.recorded = format!("{} {words}", self.recorded);
                            self.actor.steps.pop_front();
                        }
                        (Some(Step::Wait(pause)), Some(Step::Speak(_) | Step::HangUp))
                            if pause.as_millis() < u128::from(record.quiet) =>
                        {
                            seconds += u64::try_from(pause.as_millis()).unwrap_or(0);
                            self.actor.steps.pop_front();
                        }
                        (Some(Step::HangUp), _) => {
                            self.actor.steps.pop_front();
                            hangs_up = true;
                            break;
                        }
                        _ => break,
                    }
                }
                let seconds = u32::try_from(seconds.div_ceil(1000)).unwrap_or(u32::MAX);
                self.make(&if hangs_up {
                    Move::LeavesMessageAndHangsUp(seconds)
                } else {
                    Move::LeavesMessage(seconds)
                });
            }
            (Doing::Prompting { .. } | Doing::Listening { .. }, Some(Act::Gather(gather))) if gather.speech => {
                self.make(&Move::Says(words.to_owned()));
            }
            _ => {
                let over = Time(now.saturating_add(millis));
                self.phone.ear.sound(self.phone.now, over);
                self.tell(What::Caller(format!("says “{words}”, and nobody listens")));
                self.actor.since = over.0;
            }
        }
    }

    pub(super) fn caller_presses(&mut self, keys: &str) {
        let keys: String = keys.chars().filter(|key| !matches!(key, 'w' | 'W')).collect();
        let now = self.phone.now.0;
        if let Some(session) = &mut self.session {
            for key in keys.chars() {
                session.key(now, key, &mut self.brain);
            }
            self.tell(What::Caller(format!("presses {keys}")));
            return self.did();
        }
        if !self.make(&Move::Keys(keys.clone())) {
            self.tell(What::Caller(format!("presses {keys}, and nobody listens")));
        }
    }
}
