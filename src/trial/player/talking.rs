//! The conversation of a stream, beside the call.

use super::Player;
use crate::call::{Event, MediaOrder, Opening};
use crate::phone::{Act, Doing, Move, Sound, What};
use crate::trial::faults::Fault;
use crate::trial::session::{Did, Session, Setting};

impl Player<'_> {
    /// What the call orders of its conversation.
    pub(super) fn notice_media(&mut self) {
        let orders = std::mem::take(&mut self.recorder.0.borrow_mut().media);
        for order in orders {
            match order {
                MediaOrder::Admit {
                    agent,
                    instructions,
                    reply,
                    quiet,
                    welcome,
                    ..
                } => {
                    let opening = Opening {
                        instructions,
                        reply,
                        quiet,
                        welcome,
                        ..Opening::default()
                    };
                    self.talk_begins(&agent, opening);
                }
                MediaOrder::Acted { id, result } => {
                    let text = match &result {
                        Ok(text) => format!("the action is done: {text}"),
                        Err(error) => format!("the action fails: {error}"),
                    };
                    self.tell(What::Engine(text));
                    let now = self.phone.now.0;
                    if let Some(session) = &mut self.session {
                        session.acted(now, &id, result);
                    }
                }
                MediaOrder::Close | MediaOrder::Refuse { .. } => {}
            }
        }
    }

    pub(super) fn talk_begins(&mut self, name: &str, mut opening: Opening) {
        let Doing::Streaming { sid } = self.phone.leg.doing() else {
            return;
        };
        let Some(agent) = self.ground.flow.agents.get(name) else {
            return;
        };
        opening.by_text = matches!(self.phone.leg.act(), Some(Act::Stream(stream)) if stream.relay);
        let setting = Setting {
            agent,
            clips: self.ground.clips(agent),
            sid: sid.clone(),
            echoes: !self.faults.contains(&Fault::NeverEchoMarks),
            heard: !self.faults.contains(&Fault::NoMedia),
            now: self.phone.now.0,
        };
        match Session::begin(setting, opening, &mut self.brain) {
            Ok(session) => {
                self.session = Some(session);
                self.did();
            }
            Err(error) => {
                self.tell(What::Fault(format!("the conversation cannot begin: {error}")));
                self.make(&Move::StreamBreaks { heard: false });
            }
        }
    }

    /// What the conversation did reaches the call.
    pub(super) fn did(&mut self) {
        let did = self.session.as_mut().map(|session| std::mem::take(&mut session.did));
        for did in did.unwrap_or_default() {
            self.does(did);
        }
    }

    pub(super) fn does(&mut self, did: Did) {
        match did {
            Did::Event(event) => {
                self.phone.happens(&event);
                self.phone.look();
            }
            Did::Hears(piece) => {
                self.phone.hears(&Sound {
                    what: piece.what,
                    spoken: piece.spoken,
                    millis: piece.millis,
                    quiet: std::sync::Arc::default(),
                });
            }
            Did::Cut => {
                if let Some(told) = &self.phone.told {
                    self.hearing.listen(told);
                }
                self.hearing.cut(self.phone.now.0);
                self.phone.ear.interrupt(self.phone.now);
            }
            Did::Note(text) => self.tell(What::Engine(text)),
            Did::Turn(turn) => {
                self.turns.push((self.phone.now, turn.role.name(), turn.text));
            }
        }
    }

    /// The conversation is over, whoever ended it.
    pub(super) fn stop_talking(&mut self) {
        let Some(mut session) = self.session.take() else { return };
        session.stop(self.phone.now.0, &mut self.brain);
        for did in session.did.drain(..) {
            // Its end has been told before, or is not wanted any more.
            if !matches!(did, Did::Event(Event::TalkEnded { .. })) {
                self.does(did);
            }
        }
        let heard = session.heard;
        if matches!(self.phone.leg.doing(), Doing::Returning) {
            self.phone.happens(&Event::StreamClosed {
                stream_sid: session.sid,
                reason: "closed".to_owned(),
                frames_in: u64::from(heard),
                frames_out: 0,
            });
            self.phone.look();
        }
    }
}
