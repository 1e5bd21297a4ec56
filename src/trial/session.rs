//! A conversation on virtual time: the production machine of the flow's agent, a caller who is loud or quiet, a carrier that
//! plays, and providers that answer as the scenario says.

mod outputs;
mod serve;

use super::brain::Brain;
use super::playout::{Heard, Piece, Playout};
use crate::audio::mulaw::{FRAME, FRAME_MS, RATE, SILENCE};
use crate::audio::vad::{Kind, VadConfig};
use crate::call::{Agent, Conversing, Event, Opening, Providers};
use crate::talk::relay;
use crate::talk::{self, Clip, LiveSignal, Signal, Stage, Turn};
use bytes::Bytes;
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

/// How long after the caller's last sound frames are given one by one: longer than any wait for the end of a turn.
const TAIL: u64 = 4_500;
/// How long a recogniser takes, in milliseconds.
const RECOGNISES: u64 = 120;
/// After how much of an utterance a recogniser tells its first words.
const FIRST_WORDS: u64 = 400;
/// How long a voice takes to its first sound.
const SPEAKS: u64 = 150;
/// How long the carrier takes to know that the caller's turn is over, where it listens.
const CARRIER_HEARS: u64 = 500;
/// Bytes of sound in a millisecond.
const MS: u64 = RATE as u64 / 1000;
/// Loud: about -7 dBFS, from one side to the other.
const LOUD: [u8; FRAME] = {
    let mut frame = [0x90; FRAME];
    let mut at = 0;
    while at < FRAME {
        frame[at] = 0x10;
        at += 2;
    }
    frame
};
const QUIET: [u8; FRAME] = [SILENCE; FRAME];

/// What a conversation does that others must know.
#[derive(Debug)]
pub(super) enum Did {
    /// An event of the call.
    Event(Event),
    /// The caller begins to hear this.
    Hears(Piece),
    /// What was being heard is cut off.
    Cut,
    /// Something for the timeline.
    Note(String),
    /// A turn is over.
    Turn(Turn),
}

enum Pending {
    Signal(Signal),
    /// The recogniser's words so far.
    Partial(u32),
    /// The carrier's own words, where it listens.
    Prompt(String),
    /// A speech-to-speech model begins to answer of its own.
    Respond,
}

/// A conversation.
pub(super) struct Session<'a> {
    pub sid: String,
    agent: &'a Agent,
    clips: Rc<[Clip]>,
    talk: Conversing,
    playout: Playout,
    echoes: bool,
    /// The caller can be heard.
    pub heard: bool,
    pending: Vec<(u64, u64, Pending)>,
    count: u64,
    began: u64,
    /// The next frame to be given, and when they stop.
    frames: Option<(u64, u64)>,
    said: Vec<(u64, u64, String)>,
    utterance: Option<(u32, u64)>,
    pieces: VecDeque<(u32, Arc<str>, usize)>,
    wishes: Vec<(String, u32, Arc<str>)>,
    names: HashMap<String, u32>,
    interruptible: bool,
    responses: u32,
    ticked: Option<u64>,
    pub did: Vec<Did>,
}

/// How a stream's conversation is set up.
pub(super) struct Setting<'a> {
    pub agent: &'a Agent,
    pub clips: Rc<[Clip]>,
    pub sid: String,
    pub echoes: bool,
    pub heard: bool,
    pub now: u64,
}

impl<'a> Session<'a> {
    /// Begins. Errors: the agent does not fit its sounds.
    pub fn begin(setting: Setting<'a>, mut opening: Opening, brain: &mut Brain) -> Result<Self, String> {
        let Setting {
            agent,
            clips,
            sid,
            echoes,
            heard,
            now,
        } = setting;
        // What tells speech from noise is tested elsewhere: here the caller is loud or quiet.
        opening.activity = agent.providers().map(|providers| VadConfig {
            kind: Kind::Energy,
            ..providers.plan.listen.activity
        });
        let talk = agent.talker(&clips, opening)?;
        let mut session = Self {
            sid,
            agent,
            clips,
            talk,
            playout: Playout::default(),
            echoes,
            heard,
            pending: Vec::new(),
            count: 0,
            began: now,
            frames: None,
            said: Vec::new(),
            utterance: None,
            pieces: VecDeque::new(),
            wishes: Vec::new(),
            names: HashMap::new(),
            interruptible: true,
            responses: 0,
            ticked: None,
            did: Vec::new(),
        };
        if let Some(providers) = agent.providers() {
            for stage in [Stage::Listen, Stage::Think, Stage::Speak, Stage::Live] {
                if let Some(spec) = providers.spec(stage) {
                    let signal = Signal::Serving {
                        stage,
                        provider: spec.provider.as_str().into(),
                        instead_of: None,
                    };
                    session.later(now, Pending::Signal(signal));
                }
            }
            if providers.realtime.is_some() {
                session.live(now.saturating_add(100), LiveSignal::Ready);
            }
        }
        // The usual line: a frame of silence every 20 ms, of which the first is enough.
        session.started(now, brain);
        Ok(session)
    }

    fn started(&mut self, now: u64, brain: &mut Brain) {
        match &self.talk {
            Conversing::Sound(_) => self.sound(now, talk::Input::Started, brain),
            Conversing::Text(_) => self.text(now, relay::Input::Started, brain),
        }
    }

    /// When something happens by itself.
    pub fn due(&self, now: u64) -> Option<u64> {
        let deadline = match &self.talk {
            Conversing::Sound(talk) => talk.deadline(),
            Conversing::Text(talk) => talk.deadline(),
        };
        // One that asks for a moment in the past must not stop time.
        let deadline = deadline.map(|at| {
            if self.ticked == Some(now) {
                at.max(now + 1)
            } else {
                at.max(now)
            }
        });
        let pending = self.pending.iter().map(|(at, _, _)| *at).min();
        let frame = self.frames.map(|(next, _)| next);
        [deadline, pending, frame, self.playout.due(now)]
            .into_iter()
            .flatten()
            .min()
    }

    /// Does everything that is due by now.
    pub fn pass(&mut self, now: u64, brain: &mut Brain) {
        while let Some(heard) = self.playout.next(now) {
            match heard {
                Heard::Begins(piece) => self.did.push(Did::Hears(piece)),
                Heard::Mark(play) => {
                    if self.echoes && matches!(self.talk, Conversing::Sound(_)) {
                        self.sound(now, talk::Input::Played(play), brain);
                    }
                }
            }
        }
        while let Some(index) = self.first_due(now) {
            let (_, _, pending) = self.pending.remove(index);
            self.comes(now, pending, brain);
        }
        if let Some((next, last)) = self.frames
            && next <= now
        {
            let loud = self.said.iter().any(|(from, to, _)| *from <= now && now < *to);
            let frame = if loud { &LOUD } else { &QUIET };
            self.frames = (now + FRAME_MS <= last).then_some((now + FRAME_MS, last));
            if matches!(self.talk, Conversing::Sound(_)) {
                self.sound(now, talk::Input::Frame(frame), brain);
            }
        }
        let deadline = match &self.talk {
            Conversing::Sound(talk) => talk.deadline(),
            Conversing::Text(talk) => talk.deadline(),
        };
        if deadline.is_some_and(|at| at <= now) {
            self.ticked = Some(now);
            match &self.talk {
                Conversing::Sound(_) => self.sound(now, talk::Input::Tick, brain),
                Conversing::Text(_) => self.text(now, relay::Input::Tick, brain),
            }
        }
    }

    fn first_due(&self, now: u64) -> Option<usize> {
        let due = self.pending.iter().enumerate().filter(|(_, (at, _, _))| *at <= now);
        due.min_by_key(|(_, (at, count, _))| (*at, *count))
            .map(|(index, _)| index)
    }

    /// The caller says something, from now on for so long.
    pub fn speaks(&mut self, now: u64, millis: u64, words: &str, brain: &mut Brain) {
        let over = now.saturating_add(millis);
        self.said.push((now, over, words.to_owned()));
        if !self.heard {
            return;
        }
        match &self.talk {
            Conversing::Sound(_) => {
                let next = self.frames.map_or(now, |(next, _)| next);
                self.frames = Some((next, over.saturating_add(TAIL)));
                if self.providers().is_some_and(|providers| providers.realtime.is_some()) {
                    self.live(now + 200, LiveSignal::SpeechStarted);
                    self.live(over + 500, LiveSignal::SpeechStopped);
                    let text = words.to_owned();
                    self.live(over + 600, LiveSignal::Caller { text, last: true });
                    self.later(over + 600, Pending::Respond);
                }
            }
            Conversing::Text(_) => {
                if self.playout.is_playing() && self.interruptible {
                    self.playout.clear();
                    self.did.push(Did::Cut);
                    self.text(now, relay::Input::Interrupted { heard: "", ms: None }, brain);
                }
                self.later(over.saturating_add(CARRIER_HEARS), Pending::Prompt(words.to_owned()));
            }
        }
    }

    /// The caller presses a key.
    pub fn key(&mut self, now: u64, key: char, brain: &mut Brain) {
        match &self.talk {
            Conversing::Sound(_) => self.sound(now, talk::Input::Digit(key), brain),
            Conversing::Text(_) => self.text(now, relay::Input::Digit(key), brain),
        }
    }

    /// What came of a wish.
    pub fn acted(&mut self, now: u64, id: &str, result: Result<String, String>) {
        let Some(index) = self.wishes.iter().position(|(name, _, _)| name == id) else {
            return;
        };
        let (_, generation, id) = self.wishes.remove(index);
        self.later(now, Pending::Signal(Signal::Acted { generation, id, result }));
    }

    /// The line is gone.
    pub fn stop(&mut self, now: u64, brain: &mut Brain) {
        match &self.talk {
            Conversing::Sound(_) => self.sound(now, talk::Input::Stopped, brain),
            Conversing::Text(_) => self.text(now, relay::Input::Stopped, brain),
        }
        if self.playout.clear() {
            self.did.push(Did::Cut);
        }
    }

    fn providers(&self) -> Option<&'a Providers> {
        self.agent.providers()
    }

    fn later(&mut self, at: u64, pending: Pending) {
        self.count += 1;
        self.pending.push((at, self.count, pending));
    }

    fn live(&mut self, at: u64, signal: LiveSignal) {
        self.later(at, Pending::Signal(Signal::Live(signal)));
    }

    fn comes(&mut self, now: u64, pending: Pending, brain: &mut Brain) {
        match pending {
            Pending::Signal(signal) => self.signal(now, &signal, brain),
            Pending::Partial(utterance) => {
                if let Some((current, began)) = self.utterance
                    && current == utterance
                {
                    let text = self.words(began, now);
                    if !text.is_empty() {
                        let signal = Signal::Words {
                            utterance: Some(utterance),
                            text,
                            flush: None,
                        };
                        self.signal(now, &signal, brain);
                    }
                }
            }
            Pending::Prompt(words) => self.text(
                now,
                relay::Input::Prompt {
                    words: &words,
                    last: true,
                },
                brain,
            ),
            Pending::Respond => self.responds(now, brain),
        }
    }

    fn signal(&mut self, now: u64, signal: &Signal, brain: &mut Brain) {
        match &self.talk {
            Conversing::Sound(_) => self.sound(now, talk::Input::Signal(signal), brain),
            Conversing::Text(_) => self.text(now, relay::Input::Signal(signal), brain),
        }
    }

    /// The caller's words from a moment on, as far as they are said.
    fn words(&self, began: u64, now: u64) -> String {
        let mut words: Vec<&str> = Vec::new();
        for (from, to, text) in &self.said {
            if *to < began || *from > now {
                continue;
            }
            let all: Vec<&str> = text.split_whitespace().collect();
            let part = if now >= *to {
                all.len()
            } else {
                let share = (now - from) as usize * all.len() / (to - from).max(1) as usize;
                share.min(all.len())
            };
            words.extend(all.get(..part).unwrap_or_default());
        }
        words.join(" ")
    }
}

fn failed(stage: Stage, generation: u32) -> Signal {
    Signal::Failed {
        stage,
        generation,
        error: "fails in this scenario".into(),
    }
}

/// Whether it belongs to this answer or one before it.
fn is_of(pending: &Pending, cancelled: u32) -> bool {
    let Pending::Signal(signal) = pending else { return false };
    match signal {
        Signal::Token { generation, .. }
        | Signal::Wish { generation, .. }
        | Signal::Thought { generation, .. }
        | Signal::Sound { generation, .. }
        | Signal::Spoken { generation, .. }
        | Signal::CutShort { generation, .. } => *generation <= cancelled,
        _ => false,
    }
}

/// Sound of that length. Nobody listens to it, so that it is silence.
fn hush(millis: u64) -> Bytes {
    static HUSH: [u8; 240_000] = [SILENCE; 240_000];
    let bytes = usize::try_from(millis.saturating_mul(MS)).unwrap_or(usize::MAX);
    match HUSH.get(..bytes) {
        Some(part) => Bytes::from_static(part),
        None => Bytes::from(vec![SILENCE; bytes.min(8 * 600_000)]),
    }
}
