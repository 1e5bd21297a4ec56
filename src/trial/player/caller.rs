//! What the caller does: speaks, presses keys, hangs up.

use super::Player;
use crate::call::Time;
use crate::phone::script::Step;
use crate::phone::{MessageEnd, Move, What};
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
                if self.message_is_over(MessageEnd::HungUp) {
                    return;
                }
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
        let over = Time(now.saturating_add(millis));
        self.phone.ear.sound(self.phone.now, over);
        let alone = if self.listens() { "" } else { ", and nobody listens" };
        let said = match words {
            "" => "speaks".to_owned(),
            words => format!("says “{words}”"),
        };
        self.tell(What::Caller(format!("{said}{alone}")));
        self.mouth.says(now, over.0, words);
        self.actor.since = over.0;
    }

    pub(super) fn caller_presses(&mut self, keys: &str) {
        let pressed: String = keys.chars().filter(|key| !matches!(key, 'w' | 'W')).collect();
        self.mouth.alone = !self.listens_to_keys();
        let alone = if self.mouth.alone { ", and nobody listens" } else { "" };
        self.tell(What::Caller(format!("presses {pressed}{alone}")));
        self.actor.since = self.mouth.presses(self.phone.now.0, keys);
    }
}
