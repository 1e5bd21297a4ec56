//! The carrier's voice: what the conversation has spoken leaves as words, and its sound is reckoned.

use super::super::Phase;
use super::super::track::Track;
use super::Answering;
use crate::audio::mulaw;
use crate::talk::relay::{Output, speaking_time};
use crate::talk::{self, Order, Play, Role, State};
use bytes::Bytes;
use std::collections::VecDeque;
use std::sync::Arc;

/// How long past its reckoned end an answer is taken to be on its way: the carrier fetches it first.
pub(super) const SLACK: u64 = 1000;
/// One second of it stands for the sound that only the carrier has.
static SOUND: [u8; 8000] = [0xFF; 8000];

/// What the carrier was given to say.
#[derive(Debug, Default)]
pub(super) struct Voice {
    /// The last answer that the model was asked for; other words are lines of the plan.
    thought: u32,
    /// The carrier waits for more words of an answer.
    is_open: bool,
    /// When everything said so far is reckoned to be heard.
    ends: u64,
    /// The mark after everything said so far, and when it is taken as passed.
    mark: Option<(u64, Play)>,
}

impl Voice {
    /// What the carrier says of its own is reckoned to be heard by then.
    pub(super) fn begins(&mut self, by: u64) {
        self.ends = by;
    }

    /// The mark that is passed by now, once.
    pub(super) fn passed(&mut self, now: u64) -> Option<Play> {
        self.mark.take_if(|(at, _)| *at <= now).map(|(_, play)| play)
    }

    /// When the next mark is passed.
    pub(super) fn passes(&self) -> Option<u64> {
        self.mark.map(|(at, _)| at)
    }

    /// When everything said so far is reckoned to be heard.
    pub(super) fn ends(&self) -> u64 {
        self.ends
    }

    /// Everything said so far was heard, whatever was reckoned.
    pub(super) fn all_heard(&mut self, now: u64, track: &mut Track) {
        if let Some((_, play)) = self.mark.take() {
            track.played(now, play);
        }
    }

    fn sounds(&mut self, now: u64, millis: u64) {
        self.ends = self.ends.max(now) + millis;
    }
}

impl Answering {
    /// Gives out what the conversation made, in the carrier's terms.
    pub(super) fn give(&mut self, now: u64, made: Vec<talk::Output>, out: &mut Vec<Output>) {
        let mut made = VecDeque::from(made);
        while let Some(output) = made.pop_front() {
            match output {
                talk::Output::Order(Order::Say {
                    generation,
                    piece,
                    text,
                }) => {
                    let ends_it = |next: &talk::Output| matches!(next, talk::Output::Order(Order::SayNoMore { generation: ended }) if *ended == generation);
                    let last = made.front().is_some_and(ends_it);
                    self.say(now, generation, piece, text, last, out);
                }
                talk::Output::Order(Order::SayNoMore { .. }) => self.close(out),
                talk::Output::Order(Order::Think { generation, messages }) => {
                    self.voice.thought = generation;
                    out.push(Output::Order(Order::Think { generation, messages }));
                }
                talk::Output::Order(order @ Order::Cancel { .. }) => {
                    self.close(out);
                    out.push(Output::Order(order));
                }
                talk::Output::Order(order @ Order::Act { .. }) => out.push(Output::Order(order)),
                talk::Output::Order(Order::Begin { .. } | Order::Flush { .. } | Order::End { .. } | Order::Live(_)) => {
                }
                talk::Output::Play { clip, play } => {
                    let millis = self.talk.clips.get(clip).map_or(0, |(_, millis)| *millis);
                    self.voice.sounds(now, millis);
                    self.voice.mark = Some((self.voice.ends + SLACK, play));
                    self.close(out);
                    let interruptible = self.is_interruptible();
                    out.push(Output::Play { clip, interruptible });
                }
                talk::Output::Sound { ulaw } => self.voice.sounds(now, mulaw::millis(ulaw.len())),
                talk::Output::Mark { play } => self.voice.mark = Some((self.voice.ends + SLACK, play)),
                // The carrier has stopped by itself.
                talk::Output::Clear => {
                    self.voice.ends = now;
                    self.voice.mark = None;
                    self.voice.is_open = false;
                }
                talk::Output::Set(values) => out.push(Output::Set(values)),
                talk::Output::Finish { exit, why } => {
                    self.close(out);
                    out.push(Output::Finish { exit, why });
                }
                talk::Output::Turn(turn) => self.tell(turn, out),
                talk::Output::State(state) => {
                    if state == State::Listening {
                        // What is heard after an answer, or cuts it off, is something new.
                        self.answered = None;
                    }
                    out.push(Output::State(state));
                }
                talk::Output::BargeIn { ms } => out.push(Output::BargeIn { ms }),
                talk::Output::Pause
                | talk::Output::Resume
                | talk::Output::Words { .. }
                | talk::Output::EndOfUtterance { .. } => {}
            }
        }
    }

    /// Has the carrier speak these words, where they are still wanted.
    fn say(&mut self, now: u64, generation: u32, piece: u32, text: Arc<str>, last: bool, out: &mut Vec<Output>) {
        let mut left = usize::try_from(speaking_time(&text))
            .unwrap_or(usize::MAX)
            .saturating_mul(8);
        let mut made = Vec::new();
        while left > 0 {
            let lump = Bytes::from_static(&SOUND[..left.min(SOUND.len())]);
            left -= lump.len();
            self.talk.sound(now, generation, piece, &lump, &mut made);
        }
        self.talk.spoken(now, generation, piece, true, &mut made);
        let is_wanted = made.iter().any(|output| matches!(output, talk::Output::Sound { .. }));
        self.give(now, made, out);
        if !is_wanted {
            return;
        }
        let interruptible = self.is_interruptible();
        if generation == self.voice.thought {
            self.voice.is_open = !last;
            out.push(Output::Part {
                text,
                last,
                interruptible,
            });
        } else {
            self.close(out);
            out.push(Output::Say { text, interruptible });
        }
    }

    /// A turn is told without what nobody here can know.
    fn tell(&mut self, mut turn: talk::Turn, out: &mut Vec<Output>) {
        match turn.role {
            Role::Caller => {
                turn.facts = None;
                self.answered = self.saying.take();
            }
            Role::Agent => {
                self.voice.mark = None;
                if let Some(facts) = &mut turn.facts {
                    facts.first_audio = None;
                }
            }
        }
        out.push(Output::Turn(turn));
    }

    /// Nothing more belongs to the words before.
    fn close(&mut self, out: &mut Vec<Output>) {
        if std::mem::take(&mut self.voice.is_open) {
            out.push(Output::Part {
                text: "".into(),
                last: true,
                interruptible: self.is_interruptible(),
            });
        }
    }

    fn is_interruptible(&self) -> bool {
        match &self.talk.phase {
            Phase::Answering { answer, .. } => answer.interruptible && self.talk.plan.barge_in.allowed,
            _ => true,
        }
    }
}
