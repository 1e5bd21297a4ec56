//! A small world around a conversation by text: a carrier whose caller does what a test says, and a model with a delay.

use super::super::super::*;
use super::super::Answering;
use crate::talk::relay::{Input, Output, TextTalk};
use crate::talk::{ActionCall, End, Message, Order, Role, Signal, State, Turn, Usage};
use std::collections::VecDeque;
use std::sync::Arc;

pub const GREETING: usize = 0;
pub const IDLE: usize = 1;
pub const SORRY: usize = 2;
pub const FILLER: usize = 3;

/// Everything begins here.
pub const ZERO: u64 = 5000;

/// One second each; the filler has words only.
pub fn clips() -> Vec<Clip> {
    let clip = |text: &str| Clip::new(vec![0x10; 8000], text);
    let mut clips = ["good day to you", "still there", "sorry about that"]
        .map(clip)
        .to_vec();
    clips.push(Clip::new(vec![], "one moment"));
    clips
}

pub fn plan() -> Plan {
    Plan {
        idle: Idle {
            line: Some(Line::clip(IDLE)),
            ..Idle::default()
        },
        sorry: Some(Line::clip(SORRY)),
        longest_line: Some(Line::words("time is over")),
        ..Plan::default()
    }
}

/// What a model does when asked, one thing every 20 ms.
#[derive(Clone, Debug)]
pub enum Thought {
    Say(&'static str),
    Wish(&'static str, &'static str),
    /// It takes its time.
    Wait(u64),
    Fail,
    /// It says nothing more, not even that.
    Hang,
}

pub struct World {
    pub talk: Answering,
    pub now: u64,
    /// What the model does, one request after the other; the last is repeated.
    pub mind: VecDeque<Vec<Thought>>,
    /// What actions give after 400 ms; None: nothing.
    pub act: Option<Result<String, String>>,
    pub seen: Vec<(u64, Output)>,
    mail: Vec<(u64, Signal)>,
}

impl World {
    pub fn new(plan: Plan, mind: &[&[Thought]]) -> Self {
        let mut world = Self {
            talk: Answering::new(Arc::new(plan), &clips(), "be kind".into()).unwrap(),
            now: ZERO,
            mind: mind.iter().map(|thoughts| thoughts.to_vec()).collect(),
            act: Some(Ok("done".into())),
            seen: Vec::new(),
            mail: Vec::new(),
        };
        world.input(Input::Started);
        world
    }

    pub fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.talk.handle(self.now, input, &mut out);
        for output in out {
            self.seen.push((self.now, output.clone()));
            if let Output::Order(order) = output {
                self.order(order);
            }
        }
    }

    fn order(&mut self, order: Order) {
        match order {
            Order::Think { generation, .. } => {
                let thoughts = match self.mind.len() {
                    0 | 1 => self.mind.front().cloned().unwrap_or_default(),
                    _ => self.mind.pop_front().unwrap(),
                };
                let mut at = self.now + 300;
                for (number, thought) in thoughts.into_iter().enumerate() {
                    let signal = match thought {
                        Thought::Say(text) => Signal::Token {
                            generation,
                            text: text.into(),
                        },
                        Thought::Wish(name, arguments) => Signal::Wish {
                            generation,
                            call: ActionCall {
                                id: format!("{generation}-{number}").into(),
                                name: name.into(),
                                arguments: arguments.into(),
                            },
                        },
                        Thought::Wait(millis) => {
                            at += millis;
                            continue;
                        }
                        Thought::Fail => Signal::Failed {
                            stage: Stage::Think,
                            generation,
                            error: "gone".into(),
                        },
                        Thought::Hang => return,
                    };
                    self.mail.push((at, signal));
                    at += 20;
                }
                let usage = Usage::default();
                self.mail.push((at, Signal::Thought { generation, usage }));
            }
            Order::Act { generation, call } => {
                if let Some(result) = self.act.clone() {
                    let id = call.id;
                    self.mail
                        .push((self.now + 400, Signal::Acted { generation, id, result }));
                }
            }
            Order::Cancel { .. } => {}
            order => panic!("nobody can do this here: {order:?}"),
        }
    }

    /// Lets time pass: everything that is due comes when it is due.
    pub fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        loop {
            let mail = self.mail.iter().map(|(at, _)| *at).min();
            let next = [mail, self.talk.deadline()].into_iter().flatten().min();
            let Some(next) = next.filter(|next| *next <= end) else {
                break;
            };
            self.now = self.now.max(next);
            match self.mail.iter().position(|(at, _)| *at <= self.now) {
                Some(index) => {
                    let (_, signal) = self.mail.remove(index);
                    self.input(Input::Signal(&signal));
                }
                None => self.input(Input::Tick),
            }
        }
        self.now = end;
    }

    pub fn prompt(&mut self, words: &str) {
        self.input(Input::Prompt { words, last: true });
    }

    pub fn partial(&mut self, words: &str) {
        self.input(Input::Prompt { words, last: false });
    }

    pub fn interrupt(&mut self, heard: &str, ms: Option<u64>) {
        self.input(Input::Interrupted { heard, ms });
    }

    /// What the carrier was given, and when, since the beginning.
    pub fn said(&self) -> Vec<(u64, String)> {
        let said = |(at, output): &(u64, Output)| match output {
            Output::Play { clip, .. } => Some((at - ZERO, format!("clip {clip}"))),
            Output::Say { text, interruptible } => Some((
                at - ZERO,
                format!("{text}{}", if *interruptible { "" } else { " (all of it)" }),
            )),
            Output::Part { text, last, .. } => Some((at - ZERO, format!("{text}{}", if *last { "|" } else { "+" }))),
            _ => None,
        };
        self.seen.iter().filter_map(said).collect()
    }

    pub fn all_turns(&self) -> impl Iterator<Item = &Turn> {
        self.seen.iter().filter_map(|(_, output)| match output {
            Output::Turn(turn) => Some(turn),
            _ => None,
        })
    }

    pub fn turns(&self) -> Vec<(Role, &str, bool)> {
        self.all_turns()
            .map(|turn| (turn.role, &*turn.text, turn.interrupted))
            .collect()
    }

    /// What each request to think held, without the instructions.
    pub fn asked(&self) -> Vec<Vec<Message>> {
        let messages = |(_, output): &(u64, Output)| match output {
            Output::Order(Order::Think { messages, .. }) => Some(messages[1..].to_vec()),
            _ => None,
        };
        self.seen.iter().filter_map(messages).collect()
    }

    /// When outputs like this were seen, since the beginning.
    pub fn times(&self, wanted: impl Fn(&Output) -> bool) -> Vec<u64> {
        let fits = self.seen.iter().filter(|(_, output)| wanted(output));
        fits.map(|(at, _)| at - ZERO).collect()
    }

    pub fn states(&self) -> Vec<State> {
        let state = |(_, output): &(u64, Output)| match output {
            Output::State(state) => Some(*state),
            _ => None,
        };
        self.seen.iter().filter_map(state).collect()
    }

    pub fn talk_deadline(&self) -> Option<u64> {
        self.talk.deadline()
    }

    pub fn finished(&self) -> Option<(u64, &str, End)> {
        let mut ends = self.seen.iter().filter_map(|(at, output)| match output {
            Output::Finish { exit, why } => Some((at - ZERO, &**exit, *why)),
            _ => None,
        });
        let first = ends.next();
        assert_eq!(ends.next(), None, "a conversation ends once");
        first
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
