//! A small world around a conversation: a caller with a level and words, providers with delays, a carrier that plays what
//! it is given word by word. Every word that is really played is written down.

use super::super::*;
use crate::audio::vad::{Kind, VadConfig};
use crate::talk::{ActionCall, Message, Order, Play, Role, Turn, Usage, Verdict};
use bytes::Bytes;
use std::collections::VecDeque;

/// Every word lasts so long, whoever says it.
pub const WORD: usize = 200;

pub fn clip(text: &str) -> Clip {
    let sound: Vec<u8> = text.split_whitespace().flat_map(|_| vec![0x10; WORD * 8]).collect();
    Clip::new(sound, text)
}

pub const GREETING: usize = 0;
pub const IDLE: usize = 1;
pub const SORRY: usize = 2;
pub const FILLER: usize = 3;
pub const ACTING: usize = 4;
pub const LONGEST: usize = 5;

pub fn clips() -> Vec<Clip> {
    [
        "good day to you all",
        "still there",
        "sorry about that",
        "one moment",
        "let me look",
        "time is over",
    ]
    .map(clip)
    .to_vec()
}

/// A plan without a greeting whose every line is a clip.
pub fn plan() -> Plan {
    let mut plan = Plan::default();
    // The callers here are tones, which are no speech to the network.
    plan.listen.activity = VadConfig {
        kind: Kind::Energy,
        shortest: 60,
        ..VadConfig::default()
    };
    plan.idle.line = Some(Line::clip(IDLE));
    plan.sorry = Some(Line::clip(SORRY));
    plan.longest_line = Some(Line::clip(LONGEST));
    plan
}

/// What a model does when asked.
#[derive(Clone, Debug)]
pub enum Thought {
    Say(&'static str),
    Wish(&'static str, &'static str, &'static str),
    Fail,
    /// It says nothing more, not even that.
    Hang,
}

/// Delays of the providers, in milliseconds.
#[derive(Clone, Copy, Debug)]
pub struct Delays {
    pub words: u64,
    pub think: u64,
    pub voice: u64,
}

pub struct World {
    pub talk: Conversation,
    pub now: u64,
    /// What the model does, one request after the other; the last is repeated.
    pub mind: VecDeque<Vec<Thought>>,
    pub delays: Delays,
    /// The words that the listener will have understood; None: it never answers.
    pub saying: Option<String>,
    pub has_voice: bool,
    pub has_marks: bool,
    /// What actions give; None: nothing.
    pub act: Option<Result<String, String>>,
    pub seen: Vec<(u64, Output)>,
    /// Every word that was really played.
    pub played: Vec<String>,
    mail: Vec<(u64, Signal)>,
    queue: VecDeque<Item>,
    is_paused: bool,
    /// Every word given to the voice, and the answer it is for.
    said: Vec<(String, u32)>,
    /// Everything up to this answer was cancelled.
    cancelled: u32,
    /// Words played before the agent's present turn.
    told: usize,
    /// Sound comes word by word.
    pub drips: bool,
    /// Signals come twice, also under other numbers, as this says; 0 for never.
    pub muddle: u32,
}

enum Item {
    Word(String, usize),
    Mark(Play),
}

impl World {
    pub fn new(plan: Plan, mind: &[&[Thought]]) -> Self {
        let talk = Conversation::new(Arc::new(plan), &clips(), "be kind".into()).unwrap();
        let mut world = Self {
            talk,
            now: 5000,
            mind: mind.iter().map(|thoughts| thoughts.to_vec()).collect(),
            delays: Delays {
                words: 100,
                think: 300,
                voice: 200,
            },
            saying: Some(String::new()),
            has_voice: true,
            has_marks: true,
            act: Some(Ok("done".into())),
            seen: Vec::new(),
            played: Vec::new(),
            mail: Vec::new(),
            queue: VecDeque::new(),
            is_paused: false,
            said: Vec::new(),
            cancelled: 0,
            told: 0,
            drips: false,
            muddle: 0,
        };
        world.input(Input::Started);
        world
    }

    /// Gives the conversation an input, and does what it wants done.
    pub fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.talk.handle(self.now, input, &mut out);
        for output in out {
            self.seen.push((self.now, output.clone()));
            match output {
                Output::Play { clip, play } => {
                    let text = clips()[clip].text.clone();
                    self.queue
                        .extend(text.split_whitespace().map(|word| Item::Word(word.into(), WORD)));
                    self.queue.push_back(Item::Mark(play));
                }
                Output::Sound { ulaw } => self.sound(&ulaw),
                Output::Mark { play } => self.queue.push_back(Item::Mark(play)),
                Output::Pause => {
                    self.is_paused = true;
                }
                Output::Resume => self.is_paused = false,
                Output::Clear => {
                    self.is_paused = false;
                    let swept: Vec<Item> = self.queue.drain(..).collect();
                    for item in swept {
                        if let Item::Mark(play) = item {
                            self.input(Input::Played(play));
                        }
                    }
                }
                Output::Order(order) => self.order(order),
                Output::Turn(turn) if turn.role == Role::Agent => self.check(&turn),
                _ => {}
            }
        }
    }

    /// What the agent claims to have been heard was played since its last turn. Of a piece that a failure cut short
    /// the length is not known: it may claim less in the middle, and never more.
    fn check(&mut self, turn: &Turn) {
        let played = &self.played[self.told..];
        let mut rest = played.iter();
        let is_short = turn.text.ends_with("sorry about that");
        for word in turn.text.split_whitespace() {
            let is_next = if is_short {
                rest.any(|other| other == word)
            } else {
                rest.next().is_some_and(|other| other == word)
            };
            assert!(is_next, "{:?} of {played:?}", turn.text);
        }
        self.told = self.played.len();
    }

    fn sound(&mut self, ulaw: &[u8]) {
        for part in ulaw.chunks(100 * 8) {
            // The number of a word stands at its beginning.
            if part[0] == 0 {
                let number = usize::from(part[1]) * 256 + usize::from(part[2]);
                let (word, generation) = self.said[number].clone();
                assert!(generation > self.cancelled, "`{word}` of an abandoned answer is played");
                self.queue.push_back(Item::Word(word, part.len() / 8));
            } else {
                self.queue.push_back(Item::Word(String::new(), part.len() / 8));
            }
        }
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Flush { utterance, flush } => {
                if let Some(text) = self.saying.clone() {
                    let words = Signal::Words {
                        utterance: Some(utterance),
                        text,
                        flush: Some(flush),
                    };
                    self.post(self.delays.words, words);
                }
            }
            Order::Think { generation, .. } => {
                let thoughts = match self.mind.len() {
                    0 => vec![Thought::Say("well")],
                    1 => self.mind[0].clone(),
                    _ => self.mind.pop_front().unwrap(),
                };
                let mut at = self.delays.think;
                for thought in thoughts {
                    let signal = match thought {
                        Thought::Say(text) => Signal::Token {
                            generation,
                            text: text.into(),
                        },
                        Thought::Wish(id, name, arguments) => Signal::Wish {
                            generation,
                            call: ActionCall {
                                id: id.into(),
                                name: name.into(),
                                arguments: arguments.into(),
                            },
                        },
                        Thought::Fail => {
                            let error = "gone".into();
                            let stage = Stage::Think;
                            return self.post(
                                at,
                                Signal::Failed {
                                    stage,
                                    generation,
                                    error,
                                },
                            );
                        }
                        Thought::Hang => return,
                    };
                    self.post(at, signal);
                    at += 20;
                }
                let usage = Usage {
                    prompt: 10,
                    ..Usage::default()
                };
                self.post(at, Signal::Thought { generation, usage });
            }
            Order::Say {
                generation,
                piece,
                text,
            } if self.has_voice => {
                let mut ulaw = Vec::new();
                for word in text.split_whitespace() {
                    let number = self.said.len();
                    self.said.push((word.to_owned(), generation));
                    let mut sound = vec![0xFF; WORD * 8];
                    sound[..3].copy_from_slice(&[0, (number / 256) as u8, (number % 256) as u8]);
                    ulaw.extend(sound);
                }
                let lump = if self.drips { WORD * 8 } else { ulaw.len().max(1) };
                let mut at = self.delays.voice;
                for ulaw in ulaw.chunks(lump) {
                    let ulaw = Bytes::copy_from_slice(ulaw);
                    self.post(
                        at,
                        Signal::Sound {
                            generation,
                            piece,
                            ulaw,
                        },
                    );
                    at += 60;
                }
                self.post(at, Signal::Spoken { generation, piece });
            }
            Order::Cancel { generation } => self.cancelled = generation,
            Order::Act { generation, call } => {
                assert!(generation > self.cancelled, "an abandoned answer acts");
                if let Some(result) = self.act.clone() {
                    let id = call.id;
                    self.post(400, Signal::Acted { generation, id, result });
                }
            }
            _ => {}
        }
    }

    pub fn post(&mut self, after: u64, signal: Signal) {
        self.mail.push((self.now + after, signal));
    }

    pub fn signal(&mut self, signal: Signal) {
        self.input(Input::Signal(&signal));
    }

    pub fn words(&mut self, utterance: Option<u32>, text: &str) {
        let text = text.to_owned();
        self.signal(Signal::Words {
            utterance,
            text,
            flush: None,
        });
    }

    pub fn verdict(&mut self, verdict: Verdict) {
        let utterance = Some(self.talk.utterances);
        self.signal(Signal::Verdict { utterance, verdict });
    }

    /// Lets time pass with a frame of this level every 20 ms; None: no frames at all.
    pub fn pass(&mut self, millis: u64, code: Option<u8>) {
        let end = self.now + millis;
        while self.now < end {
            self.now += 20;
            self.play();
            let now = self.now;
            let (due, rest): (Vec<_>, Vec<_>) = self.mail.drain(..).partition(|(at, _)| *at <= now);
            self.mail = rest;
            for (_, signal) in due {
                self.muddle(&signal);
                self.signal(signal);
            }
            if let Some(code) = code {
                let frame: Vec<u8> = (0..160).map(|n| if n % 2 == 0 { code } else { 0xFF }).collect();
                self.input(Input::Frame(&frame));
            }
            if self.talk.deadline().is_some_and(|deadline| deadline <= now) {
                self.input(Input::Tick);
            }
        }
    }

    /// Repeats this signal, late or under another number.
    fn muddle(&mut self, signal: &Signal) {
        if self.muddle == 0 {
            return;
        }
        self.muddle = self.muddle.wrapping_mul(1_664_525).wrapping_add(1_013_904_223) | 1;
        // Sound that comes twice cannot be told from sound.
        let is_sound = matches!(signal, Signal::Sound { .. });
        match self.muddle >> 28 {
            0 | 1 if is_sound => {}
            0 => self.signal(signal.clone()),
            1 => self.post(700, signal.clone()),
            2 => {
                let mut other = signal.clone();
                match &mut other {
                    Signal::Token { generation, .. }
                    | Signal::Wish { generation, .. }
                    | Signal::Thought { generation, .. }
                    | Signal::Spoken { generation, .. }
                    | Signal::Acted { generation, .. }
                    | Signal::Failed { generation, .. } => *generation = generation.saturating_sub(1),
                    Signal::Words { utterance, .. } => *utterance = utterance.map(|number| number.saturating_sub(1)),
                    _ => return,
                }
                self.signal(other);
            }
            _ => {}
        }
    }

    /// Twenty milliseconds at the caller's ear.
    fn play(&mut self) {
        let mut left = 20;
        while !self.is_paused {
            match self.queue.front_mut() {
                Some(Item::Mark(play)) => {
                    let play = *play;
                    self.queue.pop_front();
                    if self.has_marks {
                        self.input(Input::Played(play));
                    }
                }
                Some(Item::Word(word, millis)) if left > 0 => {
                    if !word.is_empty() {
                        self.played.push(std::mem::take(word));
                    }
                    let step = left.min(*millis);
                    *millis -= step;
                    left -= step;
                    if *millis == 0 {
                        self.queue.pop_front();
                    }
                }
                _ => return,
            }
        }
    }

    pub fn quiet(&mut self, millis: u64) {
        self.pass(millis, Some(0xFF));
    }

    pub fn speech(&mut self, millis: u64) {
        self.pass(millis, Some(0x90));
    }

    /// The caller says this, a word every 200 ms.
    pub fn say(&mut self, text: &str) {
        self.saying = Some(text.to_owned());
        self.speech((text.split_whitespace().count() * WORD) as u64);
    }

    pub fn turns(&self) -> Vec<(Role, &str, bool)> {
        self.all_turns()
            .map(|turn| (turn.role, &*turn.text, turn.interrupted))
            .collect()
    }

    pub fn all_turns(&self) -> impl Iterator<Item = &Turn> {
        self.seen.iter().filter_map(|(_, output)| match output {
            Output::Turn(turn) => Some(turn),
            _ => None,
        })
    }

    /// When outputs like this were seen, since the beginning.
    pub fn times(&self, wanted: impl Fn(&Output) -> bool) -> Vec<u64> {
        let fits = self.seen.iter().filter(|(_, output)| wanted(output));
        fits.map(|(at, _)| at - 5000).collect()
    }

    pub fn orders(&self) -> impl Iterator<Item = &Order> {
        self.seen.iter().filter_map(|(_, output)| match output {
            Output::Order(order) => Some(order),
            _ => None,
        })
    }

    /// What each request to think held, without the instructions.
    pub fn asked(&self) -> Vec<Vec<Message>> {
        let messages = |order: &Order| match order {
            Order::Think { messages, .. } => Some(messages[1..].to_vec()),
            _ => None,
        };
        self.orders().filter_map(messages).collect()
    }

    pub fn finished(&self) -> Option<(&str, crate::talk::End)> {
        let mut ends = self.seen.iter().filter_map(|(_, output)| match output {
            Output::Finish { exit, why } => Some((&**exit, *why)),
            _ => None,
        });
        let first = ends.next();
        assert_eq!(ends.next(), None, "a conversation ends once");
        first
    }

    pub fn states(&self) -> Vec<State> {
        let state = |(_, output): &(u64, Output)| match output {
            Output::State(state) => Some(*state),
            _ => None,
        };
        self.seen.iter().filter_map(state).collect()
    }

    pub fn heard(&self) -> String {
        self.played.join(" ")
    }
}

pub fn caller(text: &str) -> Message {
    Message::Caller(text.into())
}

pub fn agent(text: &str) -> Message {
    Message::Agent {
        text: text.into(),
        calls: Vec::new(),
    }
}

pub fn is_think(output: &Output) -> bool {
    matches!(output, Output::Order(Order::Think { .. }))
}
