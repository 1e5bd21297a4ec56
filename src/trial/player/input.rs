//! Keys and words, each at its own moment, and what the carrier collects of them: a gather's input, a message.

use super::Player;
use crate::call::Time;
use crate::phone::{Act, Doing, Gather, MessageEnd, Move, Record, What};
use std::collections::VecDeque;

/// From one key to the next, and the pauses between keys: as with `engine simulate`.
const KEY: u64 = 200;
const SHORT_PAUSE: u64 = 500;
const LONG_PAUSE: u64 = 1_000;
/// A message with less sound is none (the carrier's error 16101).
const SHORTEST: u64 = 500;

/// What the caller is about.
#[derive(Debug, Default)]
pub(super) struct Mouth {
    keys: VecDeque<(u64, char)>,
    /// From when to when, and the words.
    saying: Option<(u64, u64, String)>,
    /// It was told that nobody listens to these keys.
    pub alone: bool,
}

impl Mouth {
    /// When the next key is pressed, or what is being said is over.
    pub fn due(&self) -> Option<u64> {
        let key = self.keys.front().map(|(at, _)| *at);
        let said = self.saying.as_ref().map(|(_, to, _)| *to);
        [key, said].into_iter().flatten().min()
    }

    pub fn says(&mut self, from: u64, to: u64, words: &str) {
        self.saying = Some((from, to, words.to_owned()));
    }

    /// Keys one after another; when the last one is over.
    pub fn presses(&mut self, now: u64, keys: &str) -> u64 {
        let mut at = now;
        for key in keys.chars() {
            at += match key {
                'w' => SHORT_PAUSE,
                'W' => LONG_PAUSE,
                key => {
                    self.keys.push_back((at, key));
                    KEY
                }
            };
        }
        at
    }
}

/// What the carrier has so far.
#[derive(Debug)]
pub(super) enum Taken {
    /// A gather's input.
    Input {
        gather: Gather,
        digits: String,
        words: Option<String>,
    },
    /// A message: since when it is recorded, when something was said first and last, and the words.
    Message {
        record: Record,
        began: u64,
        first: u64,
        last: u64,
        words: Vec<String>,
    },
}

impl Player<'_> {
    /// Whether somebody makes something of what is said.
    pub(super) fn listens(&self) -> bool {
        match (self.phone.leg.doing(), self.phone.leg.act()) {
            (Doing::Recording { .. }, _) => true,
            (Doing::Prompting { .. } | Doing::Listening { .. }, Some(Act::Gather(gather))) => gather.speech,
            _ => self.session.is_some(),
        }
    }

    /// Whether somebody makes something of keys.
    pub(super) fn listens_to_keys(&self) -> bool {
        match (self.phone.leg.doing(), self.phone.leg.act()) {
            (Doing::Recording { .. }, Some(Act::Record(record))) => !record.finish.is_empty(),
            (Doing::Prompting { .. } | Doing::Listening { .. }, Some(Act::Gather(gather))) => gather.keys,
            _ => self.session.is_some(),
        }
    }

    /// A key is pressed, or what was being said is over.
    pub(super) fn mouth_moves(&mut self) {
        let now = self.phone.now.0;
        if self.mouth.saying.as_ref().is_some_and(|(_, to, _)| *to <= now) {
            if let Some((_, to, words)) = self.mouth.saying.take() {
                self.said(to, words);
            }
        } else if let Some((at, key)) = self.mouth.keys.pop_front() {
            // Where time went on meanwhile, the carrier was busy elsewhere when it was pressed.
            if (at < now || !self.pressed(key)) && !self.mouth.alone {
                self.tell(What::Carrier(format!("takes no key {key}")));
            }
        }
    }

    fn pressed(&mut self, key: char) -> bool {
        let now = self.phone.now;
        self.phone.tone();
        if let Some(session) = &mut self.session {
            session.key(now.0, key, &mut self.brain);
            self.did();
            return true;
        }
        match (self.phone.leg.doing().clone(), self.phone.leg.act().cloned()) {
            (Doing::Recording { until }, Some(Act::Record(record))) if record.finish.contains(key) => {
                let began = match &self.taken {
                    Some(Taken::Message { began, .. }) => *began,
                    _ => beginning(&record, until),
                };
                if now.0 < began {
                    return false;
                }
                if !self.message_is_over(MessageEnd::Key(key)) {
                    self.make(&Move::NothingRecorded);
                }
                true
            }
            (Doing::Prompting { .. } | Doing::Listening { .. }, Some(Act::Gather(gather))) if gather.keys => {
                let timeout = gather.timeout;
                self.takes(gather, now.plus(timeout));
                // The tone is heard after what it cut off.
                self.phone.tone();
                let Some(Taken::Input { gather, digits, words }) = &mut self.taken else {
                    return false;
                };
                // Keys end the recognition of speech.
                *words = None;
                if gather.finish == Some(key) {
                    self.input_ends(Some(key));
                    return true;
                }
                digits.push(key);
                let most = gather.digits.map_or(usize::MAX, |most| most as usize);
                if digits.chars().count() >= most {
                    self.input_ends(None);
                }
                true
            }
            _ => false,
        }
    }

    /// Somebody who speaks is heard by whatever begins to listen, be it in the middle of a word.
    pub(super) fn joins(&mut self) {
        let listening = matches!(
            (&self.taken, self.phone.leg.doing()),
            (Some(Taken::Input { .. }), Doing::Listening { .. })
                | (Some(Taken::Message { .. }), Doing::Recording { .. })
        );
        if !listening {
            self.taken = None;
        }
        let Some((from, to, _)) = self.mouth.saying else { return };
        if to <= self.phone.now.0 || self.session.is_some() {
            return;
        }
        match (self.phone.leg.doing().clone(), self.phone.leg.act().cloned()) {
            (Doing::Prompting { .. } | Doing::Listening { .. }, Some(Act::Gather(gather))) if gather.speech => {
                let until = Time(to).plus(gather.timeout.max(gather.speech_end));
                self.takes(gather, until);
                self.phone.ear.sound(self.phone.now, Time(to));
            }
            (Doing::Recording { until }, Some(Act::Record(record))) => {
                if !matches!(self.taken, Some(Taken::Message { .. })) {
                    let began = beginning(&record, until);
                    self.taken = Some(Taken::Message {
                        first: from.max(began),
                        last: began,
                        words: Vec::new(),
                        began,
                        record,
                    });
                }
                if let Some(Taken::Message {
                    record, began, last, ..
                }) = &mut self.taken
                {
                    let end = began.saturating_add(record.longest);
                    *last = to.min(end).max(*last);
                    let until = to.saturating_add(record.quiet).min(end);
                    self.phone.waits_until(Time(until));
                }
            }
            _ => {}
        }
    }

    /// Something was said to its end.
    fn said(&mut self, to: u64, said: String) {
        let now = self.phone.now;
        if to < now.0 {
            return;
        }
        match &mut self.taken {
            Some(Taken::Input { gather, digits, words }) if gather.speech => {
                if digits.is_empty() && !said.is_empty() {
                    *words = Some(match words.take() {
                        Some(before) => format!("{before} {said}"),
                        None => said,
                    });
                }
                let patience = match words {
                    Some(_) => gather.speech_end,
                    None => gather.timeout,
                };
                self.phone.waits_until(now.plus(patience));
            }
            Some(Taken::Message { words, .. }) => words.extend((!said.is_empty()).then_some(said)),
            _ => {}
        }
    }

    /// A gather has input from here on, and waits for more until then.
    fn takes(&mut self, gather: Gather, until: Time) {
        let fresh = !matches!(self.taken, Some(Taken::Input { .. }));
        self.phone.waits_until(until);
        if fresh {
            if let Some(told) = &self.phone.told {
                self.hearing.take_back(told, self.phone.now.0);
            }
            self.taken = Some(Taken::Input {
                gather,
                digits: String::new(),
                words: None,
            });
        }
    }

    /// Nothing more came in time: what was collected goes to the engine. False where that is not the next thing.
    pub(super) fn input_is_over(&mut self) -> bool {
        let now = self.phone.now;
        let timer = self.phone.call.timers.values().any(|due| *due <= now);
        if timer || self.phone.leg.due().is_none_or(|due| due > now) {
            return false;
        }
        match self.taken {
            Some(Taken::Input { .. }) => {
                self.input_ends(None);
                true
            }
            Some(Taken::Message { .. }) => {
                if !self.message_is_over(MessageEnd::Over) {
                    self.make(&Move::NothingRecorded);
                }
                true
            }
            None => false,
        }
    }

    fn input_ends(&mut self, key: Option<char>) {
        if let Some(Taken::Input { digits, words, .. }) = self.taken.take() {
            // Sound after the last key is over when the next document comes.
            self.make(&Move::Gathered { digits, key, words });
        }
    }

    /// A message is over. False where nothing is in it.
    pub(super) fn message_is_over(&mut self, end: MessageEnd) -> bool {
        let now = self.phone.now.0;
        let Some(Taken::Message { first, last, words, .. }) = &mut self.taken else {
            return false;
        };
        let millis = (*last).min(now).saturating_sub(*first);
        let mut words = std::mem::take(words);
        self.taken = None;
        if millis < SHORTEST {
            return false;
        }
        // Of what is cut off, a recogniser would write down the beginning; all of it stands for that.
        if let Some((_, to, saying)) = &self.mouth.saying
            && *to > now
        {
            words.push(saying.clone());
        }
        self.recorded = words.join(" ");
        self.make(&Move::Recorded { millis, end })
    }
}

/// When a recording began in which nothing has been said.
fn beginning(record: &Record, until: Time) -> u64 {
    until.0.saturating_sub(record.quiet.min(record.longest))
}
