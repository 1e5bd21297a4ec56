//! Those who serve a conversation: they listen, think, speak and act as the scenario says.

use super::{Did, FIRST_WORDS, Pending, RECOGNISES, SPEAKS, Session, failed, hush, is_of};
use crate::call::{Event, Pii};
use crate::talk::{self, ActionCall, LiveOrder, LiveSignal, Order, Signal, Stage, Usage};
use crate::trial::brain::Brain;
use crate::trial::hearing::by_words;
use std::sync::Arc;

impl Session<'_> {
    pub(super) fn order(&mut self, now: u64, order: Order, brain: &mut Brain) {
        let listens = self.providers().is_some_and(|providers| providers.listen.is_some());
        match order {
            Order::Begin { utterance, before } => {
                self.utterance = Some((utterance, now.saturating_sub(before.into())));
                if listens && !brain.fails(Stage::Listen) {
                    self.later(now + FIRST_WORDS, Pending::Partial(utterance));
                }
            }
            Order::Flush { utterance, flush } if listens => {
                let began = self.utterance.map_or(now, |(_, began)| began);
                let signal = if brain.fails(Stage::Listen) {
                    failed(Stage::Listen, utterance)
                } else {
                    Signal::Words {
                        utterance: Some(utterance),
                        text: self.words(began, now),
                        flush: Some(flush),
                    }
                };
                self.later(now + RECOGNISES, Pending::Signal(signal));
            }
            Order::Flush { .. } | Order::End { .. } | Order::SayNoMore { .. } => {}
            Order::Think { generation, messages } => self.think(now, generation, &messages, brain),
            Order::Say {
                generation,
                piece,
                text,
            } => {
                if brain.fails(Stage::Speak) {
                    return self.later(now + SPEAKS, Pending::Signal(failed(Stage::Speak, generation)));
                }
                let ulaw = hush(by_words(&text));
                self.pieces.push_back((generation, text, ulaw.len()));
                let sound = Signal::Sound {
                    generation,
                    piece,
                    ulaw,
                };
                self.later(now + SPEAKS, Pending::Signal(sound));
                self.later(now + SPEAKS, Pending::Signal(Signal::Spoken { generation, piece }));
            }
            Order::Cancel { generation } => {
                self.pieces.retain(|(of, _, _)| *of > generation);
                self.pending.retain(|(_, _, pending)| !is_of(pending, generation));
            }
            Order::Act { generation, call } => self.act(generation, &call),
            Order::Live(order) => self.ordered_live(now, order, brain),
        }
    }

    pub(super) fn think(&mut self, now: u64, generation: u32, messages: &[talk::Message], brain: &mut Brain) {
        let spec = self.providers().and_then(|providers| providers.think.as_ref());
        if !brain.has_answers()
            && let Some(spec) = spec.filter(|spec| spec.provider == "scripted")
            && let Some((text, call)) = crate::providers::think::by_rules(&spec.options, messages)
        {
            // Rules need no model: they answer as they do in production.
            self.later(now, Pending::Signal(Signal::Token { generation, text }));
            if let Some(call) = call {
                self.later(now, Pending::Signal(Signal::Wish { generation, call }));
            }
            let usage = Usage::default();
            return self.later(now, Pending::Signal(Signal::Thought { generation, usage }));
        }
        let answer = brain.answer();
        let at = now.saturating_add(answer.after);
        let Some(text) = answer.says else {
            return self.later(at, Pending::Signal(failed(Stage::Think, generation)));
        };
        if !text.is_empty() {
            self.later(at, Pending::Signal(Signal::Token { generation, text }));
        }
        if let Some((name, arguments)) = answer.wishes {
            let call = self.call(&name, &arguments);
            self.later(at, Pending::Signal(Signal::Wish { generation, call }));
        }
        let usage = Usage::default();
        self.later(at, Pending::Signal(Signal::Thought { generation, usage }));
    }

    pub(super) fn call(&mut self, name: &str, arguments: &str) -> ActionCall {
        self.count += 1;
        ActionCall {
            id: format!("call_{}", self.count).into(),
            name: name.into(),
            arguments: arguments.into(),
        }
    }

    pub(super) fn act(&mut self, generation: u32, call: &ActionCall) {
        let count = self.names.entry(call.id.to_string()).or_default();
        let id = format!("{}/{}/{count}", self.sid, call.id);
        *count += 1;
        self.wishes.push((id.clone(), generation, Arc::clone(&call.id)));
        self.note(format!("wishes {} {}", call.name, call.arguments));
        self.did.push(Did::Event(Event::Wished {
            stream_sid: self.sid.clone(),
            id,
            action: call.name.to_string(),
            arguments: Pii::new(call.arguments.to_string()),
        }));
    }

    pub(super) fn ordered_live(&mut self, now: u64, order: LiveOrder, brain: &mut Brain) {
        match order {
            LiveOrder::Respond { .. } | LiveOrder::Result { respond: true, .. } => {
                self.later(now, Pending::Respond);
            }
            LiveOrder::Cancel => {
                let response: Arc<str> = format!("response_{}", self.responses).into();
                self.pieces.clear();
                self.pending.retain(|(_, _, pending)| {
                    !matches!(
                        pending,
                        Pending::Respond
                            | Pending::Signal(Signal::Live(
                                LiveSignal::Sound { .. } | LiveSignal::Words { .. } | LiveSignal::Done { .. }
                            ))
                    )
                });
                let usage = Usage::default();
                let complete = false;
                self.live(
                    now,
                    LiveSignal::Done {
                        response,
                        usage,
                        complete,
                    },
                );
            }
            LiveOrder::Result { .. } | LiveOrder::Truncate { .. } => {}
            LiveOrder::Typed { .. } => {}
        }
        let _ = brain;
    }

    /// A speech-to-speech model answers.
    pub(super) fn responds(&mut self, now: u64, brain: &mut Brain) {
        let answer = brain.answer();
        let Some(text) = answer.says else {
            return self.later(now + answer.after, Pending::Signal(failed(Stage::Live, 0)));
        };
        self.responses += 1;
        let response: Arc<str> = format!("response_{}", self.responses).into();
        let item: Arc<str> = format!("item_{}", self.responses).into();
        let at = now + answer.after;
        let begun = Arc::clone(&response);
        self.live(at, LiveSignal::Responding { response: begun });
        if !text.is_empty() {
            let ulaw = hush(by_words(&text));
            self.pieces.push_back((0, text.as_str().into(), ulaw.len()));
            let words = LiveSignal::Words {
                item: Arc::clone(&item),
                text,
            };
            self.live(at, words);
            let response = Arc::clone(&response);
            self.live(at, LiveSignal::Sound { response, item, ulaw });
        }
        if let Some((name, arguments)) = answer.wishes {
            let call = self.call(&name, &arguments);
            let response = Arc::clone(&response);
            self.live(at, LiveSignal::Wish { response, call });
        }
        let usage = Usage::default();
        let complete = true;
        self.live(
            at,
            LiveSignal::Done {
                response,
                usage,
                complete,
            },
        );
    }
}
