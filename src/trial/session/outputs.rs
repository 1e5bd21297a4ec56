//! What the machine of a conversation puts out: sound to the carrier, events to the call.

use super::{Did, MS, Session};
use crate::call::{Conversing, Event, Pii, Time};
use crate::talk::relay::{self, speaking_time};
use crate::talk::{self, Clip, Output, Turn};
use crate::trial::brain::Brain;
use crate::trial::playout::Piece;
use bytes::Bytes;
use serde_json::Map;
use std::sync::Arc;

impl Session<'_> {
    pub(super) fn sound(&mut self, now: u64, input: talk::Input<'_>, brain: &mut Brain) {
        let mut out = Vec::new();
        if let Conversing::Sound(talk) = &mut self.talk {
            talk.handle(now, input, &mut out);
        }
        for output in out {
            match output {
                Output::Play { clip, play } => {
                    self.clip(clip);
                    self.playout.mark(play);
                }
                Output::Sound { ulaw } => {
                    let piece = self.piece(&ulaw);
                    self.playout.sound(piece);
                }
                Output::Mark { play } => self.playout.mark(play),
                Output::Pause => {
                    if self.playout.pause(now) {
                        self.did.push(Did::Cut);
                    }
                }
                Output::Resume => self.playout.resume(),
                Output::Clear => {
                    if self.playout.clear() {
                        self.did.push(Did::Cut);
                    }
                }
                Output::Order(order) => self.order(now, order, brain),
                Output::Set(vars) => self.set(vars),
                Output::Words { text, last: true } => self.note(format!("hears the caller: “{text}”")),
                Output::Words { .. } | Output::State(_) | Output::EndOfUtterance { .. } => {}
                Output::Finish { exit, why } => self.finish(&exit, why.name()),
                Output::Turn(turn) => self.turn(turn),
                Output::BargeIn { .. } => self.note("lets the caller interrupt".to_owned()),
            }
        }
    }

    pub(super) fn text(&mut self, now: u64, input: relay::Input<'_>, brain: &mut Brain) {
        let mut out = Vec::new();
        if let Conversing::Text(talk) = &mut self.talk {
            talk.handle(now, input, &mut out);
        }
        for output in out {
            match output {
                relay::Output::Play { clip, interruptible } => {
                    self.interruptible = interruptible;
                    self.clip(clip);
                }
                relay::Output::Say { text, interruptible }
                | relay::Output::Part {
                    text, interruptible, ..
                } => {
                    self.interruptible = interruptible;
                    if !text.trim().is_empty() {
                        self.playout.sound(Piece {
                            millis: speaking_time(&text),
                            what: text,
                            spoken: true,
                        });
                    }
                }
                relay::Output::Order(order) => self.order(now, order, brain),
                relay::Output::Set(vars) => self.set(vars),
                relay::Output::Finish { exit, why } => self.finish(&exit, why.name()),
                relay::Output::Turn(turn) => self.turn(turn),
                relay::Output::State(_) => {}
                relay::Output::BargeIn { .. } => self.note("lets the caller interrupt".to_owned()),
            }
        }
    }

    pub(super) fn clip(&mut self, clip: usize) {
        let path = self.agent.clips.get(clip).filter(|path| !path.is_empty());
        let text = self.agent.texts.get(clip);
        let millis = self.clips.get(clip).map_or(0, Clip::millis);
        let (what, spoken, millis) = match (path, text) {
            (Some(path), _) => (path.as_str(), false, millis),
            (None, Some(text)) => (text.as_str(), true, speaking_time(text)),
            (None, None) => return,
        };
        self.playout.sound(Piece {
            what: what.into(),
            spoken,
            millis,
        });
    }

    /// Which words a sound holds: they were ordered in the same order.
    pub(super) fn piece(&mut self, ulaw: &Bytes) -> Piece {
        let mut what: Arc<str> = "".into();
        if let Some((_, words, left)) = self.pieces.front_mut() {
            what = std::mem::replace(words, "".into());
            *left = left.saturating_sub(ulaw.len());
            if *left == 0 {
                self.pieces.pop_front();
            }
        }
        Piece {
            what,
            spoken: true,
            millis: ulaw.len() as u64 / MS,
        }
    }

    pub(super) fn finish(&mut self, exit: &str, why: &str) {
        self.note(format!("ends the conversation: {exit}"));
        self.did.push(Did::Event(Event::TalkEnded {
            stream_sid: self.sid.clone(),
            exit: exit.to_owned(),
            why: why.to_owned(),
        }));
    }

    pub(super) fn set(&mut self, vars: Map<String, serde_json::Value>) {
        self.did.push(Did::Event(Event::TalkSet {
            stream_sid: self.sid.clone(),
            vars,
        }));
    }

    pub(super) fn turn(&mut self, turn: Turn) {
        self.did.push(Did::Event(Event::TurnTaken {
            role: turn.role.name().to_owned(),
            text: Pii::new(turn.text.clone()),
            started: Time(turn.started.max(self.began)),
            ended: Time(turn.ended.max(self.began)),
            interrupted: turn.interrupted,
            facts: Map::new(),
        }));
        self.did.push(Did::Turn(turn));
    }

    pub(super) fn note(&mut self, text: String) {
        self.did.push(Did::Note(text));
    }
}
