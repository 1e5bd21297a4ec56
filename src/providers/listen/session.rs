//! The books of one conversation with a streaming service: what was heard, what was asked, and which words belong where.
//! It does no IO, and time is an argument.

use super::assembly::{Assembly, Key, Segment, Word};
use super::dialect::{Passage, Said};
use super::tape::Tape;
use super::timeline::{Timeline, samples};
use super::{Hear, Heard};
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::Instant;

/// So much of a longer utterance cannot be sent again: a connection that breaks in it breaks the conversation.
const REPLAY: u64 = samples(30_000);
/// What is kept between utterances: an outage may eat the first words of the next one otherwise.
const IDLE: u64 = samples(5000);
/// More than any batch holds.
const UNSENT: u64 = samples(1000);
/// A flush whose words all seem to be there waits no longer: services do not always answer when there is nothing to add.
const SETTLED: Duration = Duration::from_millis(800);
/// A service that listened up to so near before a flush has nothing left but the pause.
const CLOSE: u64 = samples(500);
/// Two places this near each other are the same: services round.
const NEAR: u64 = samples(20);

/// One conversation.
#[derive(Debug)]
pub(super) struct Session {
    tape: Tape,
    line: Timeline,
    assembly: Assembly,
    flushes: VecDeque<Flush>,
    /// The longest wait for the answer to a flush.
    answer: Duration,
    /// The service listened up to here.
    reached: u64,
    /// Connections so far: turns are counted anew in each.
    connections: u64,
    told: Option<(Option<u32>, String)>,
}

/// What an order asks of whoever has the connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ask {
    Nothing,
    /// There is more sound.
    Send,
    /// All sound is to be sent now, and all its words to be asked for.
    Finalize,
}

#[derive(Debug)]
struct Flush {
    number: u32,
    utterance: u32,
    asked: Instant,
    /// How much was heard before it.
    place: u64,
}

impl Session {
    pub(super) fn new(answer: Duration) -> Self {
        Self {
            tape: Tape::default(),
            line: Timeline::default(),
            assembly: Assembly::default(),
            flushes: VecDeque::new(),
            answer,
            reached: 0,
            connections: 0,
            told: None,
        }
    }

    /// Takes an order in.
    pub(super) fn order(&mut self, now: Instant, order: Hear, out: &mut Vec<Heard>) -> Ask {
        match order {
            Hear::Sound(frame) => {
                self.sound(frame.sound());
                Ask::Send
            }
            Hear::Begin { utterance, before } => {
                let begin = self.tape.end().saturating_sub(samples(u64::from(before)));
                self.flushes.clear();
                self.line.begin(utterance, begin);
                self.assembly.forget(begin);
                self.tell(out);
                Ask::Nothing
            }
            Hear::Flush { utterance, flush } if self.line.is_open(utterance) => {
                self.flushes.push_back(Flush {
                    number: flush,
                    utterance,
                    asked: now,
                    place: self.tape.end(),
                });
                Ask::Finalize
            }
            Hear::Flush { utterance, flush } => {
                out.push(Heard::Words {
                    utterance: Some(utterance),
                    text: String::new(),
                    flush: Some(flush),
                });
                Ask::Nothing
            }
            Hear::End { utterance } => {
                if self.line.end(utterance, self.tape.end()) {
                    self.flushes.clear();
                    self.assembly.forget(self.tape.end());
                }
                Ask::Nothing
            }
        }
    }

    /// More sound of the caller, or silence in its place.
    pub(super) fn sound(&mut self, sound: &[u8]) {
        self.tape.push(sound);
        let end = self.tape.end();
        self.tape.forget(match self.line.begun() {
            // What is not yet sent is never forgotten: it lies within the last batch.
            Some(begin) => begin.saturating_sub(UNSENT).max(end.saturating_sub(REPLAY)),
            None => end.saturating_sub(IDLE),
        });
    }

    /// A connection stands. Gives the place from which on it is to be sent sound; its own clock counts from there.
    pub(super) fn connected(&mut self) -> u64 {
        self.connections += 1;
        let from = match self.line.begun() {
            Some(begin) => begin.max(self.tape.start()),
            // What came while there was no connection, and what the next utterance may reach back to.
            None => self.tape.start(),
        };
        self.line.connected(from);
        self.assembly.cut(from);
        self.reached = from;
        from
    }

    /// Whether a new connection can be told everything that the lost one was.
    pub(super) fn can_replay(&self) -> bool {
        self.line.begun().is_none_or(|begin| begin >= self.tape.start())
    }

    /// Whether words are waited for.
    pub(super) fn is_asked(&self) -> bool {
        !self.flushes.is_empty()
    }

    /// Takes in what one message of the service said.
    pub(super) fn heard(&mut self, said: Vec<Said>, out: &mut Vec<Heard>) {
        // What is said about earlier utterances has nothing to say about this one.
        let mut late = false;
        for said in said {
            match said {
                Said::Ready => {}
                Said::Heard(passage) => late = !self.passage(passage),
                Said::Settled { until } => {
                    let until = self.place(until);
                    self.reached = self.reached.max(until);
                    while self.flushes.front().is_some_and(|flush| flush.place <= until + NEAR) {
                        self.answer_oldest(out);
                    }
                }
                Said::Flushed if !late => self.answer_oldest(out),
                Said::Verdict { turn, verdict } if !late => {
                    let span = self.line.span();
                    if !self.assembly.turn(self.unique(turn), &span).is_empty() {
                        self.tell(out);
                        out.push(Heard::Verdict {
                            utterance: span.utterance,
                            verdict,
                        });
                    }
                }
                Said::Flushed | Said::Verdict { .. } => {}
            }
        }
        self.tell(out);
    }

    /// When [`Session::tick`] is to be called at the latest.
    pub(super) fn deadline(&self) -> Option<Instant> {
        self.flushes.iter().map(|flush| self.limit(flush)).min()
    }

    /// Answers the flushes that have waited long enough with the words there are. Gives the time since which one of them
    /// waited in vain: its words did not all come.
    pub(super) fn tick(&mut self, now: Instant, out: &mut Vec<Heard>) -> Option<Instant> {
        let mut vain = None;
        while let Some(flush) = self.flushes.front().filter(|flush| self.limit(flush) <= now) {
            if !self.is_settled(flush) {
                vain = Some(flush.asked);
            }
            self.answer_oldest(out);
        }
        vain
    }

    /// How much was heard in all.
    pub(super) fn end(&self) -> u64 {
        self.tape.end()
    }

    /// Sound from one place to another, as far as it is kept.
    pub(super) fn part(&self, from: u64, to: u64) -> Vec<u8> {
        self.tape.part(from, to)
    }

    /// Takes words in; false where they all lie before the stretch that is wanted now.
    fn passage(&mut self, passage: Passage) -> bool {
        let start = self.place(passage.start);
        let words = passage.words.into_iter().map(|(start, end, text)| Word {
            start: self.place(start),
            end: self.place(end),
            text,
        });
        let segment = Segment {
            start,
            end: self.place(passage.end).max(start),
            words: words.collect(),
            key: match passage.key {
                Key::Turn(turn) => Key::Turn(self.unique(turn)),
                key => key,
            },
            text: passage.text,
            last: passage.last,
        };
        self.reached = self.reached.max(match segment.key {
            Key::Turn(_) if segment.last => self.tape.end(),
            _ => segment.end,
        });
        let span = self.line.span();
        let wanted = segment.end > span.begin;
        self.assembly.take(segment);
        wanted
    }

    /// Tells the words there are, where they changed.
    fn tell(&mut self, out: &mut Vec<Heard>) {
        let span = self.line.span();
        let text = self.assembly.text(&span);
        let told = match &self.told {
            Some((utterance, told)) if *utterance == span.utterance => told,
            _ => "",
        };
        if told != text {
            self.told = Some((span.utterance, text.clone()));
            out.push(Heard::Words {
                utterance: span.utterance,
                text,
                flush: None,
            });
        }
    }

    fn answer_oldest(&mut self, out: &mut Vec<Heard>) {
        if let Some(flush) = self.flushes.pop_front() {
            let span = self.line.span();
            let text = self.assembly.text(&span);
            self.told = Some((span.utterance, text.clone()));
            out.push(Heard::Words {
                utterance: Some(flush.utterance),
                text,
                flush: Some(flush.number),
            });
        }
    }

    fn limit(&self, flush: &Flush) -> Instant {
        flush.asked
            + match self.is_settled(flush) {
                true => self.answer.min(SETTLED),
                false => self.answer,
            }
    }

    /// Whether all words before the flush seem to be there. Where there are none at all, the service may just be slow.
    fn is_settled(&self, flush: &Flush) -> bool {
        let span = self.line.span();
        let is_near = self.reached + CLOSE >= flush.place;
        is_near && !self.assembly.is_unsettled(&span) && !self.assembly.text(&span).is_empty()
    }

    /// A moment of the service's clock. Nothing lies in the future.
    fn place(&self, seconds: f64) -> u64 {
        self.line.place(seconds).min(self.tape.end())
    }

    fn unique(&self, turn: u64) -> u64 {
        self.connections << 32 | turn
    }
}

#[cfg(test)]
mod tests {
    use super::super::Frame;
    use super::*;
    use crate::talk::Verdict;
    use proptest::prelude::*;

    #[derive(Debug, Clone)]
    enum Event {
        Order(Hear),
        Said(Vec<Said>),
        Wait(u64),
        Connect,
    }

    fn moment() -> impl Strategy<Value = f64> {
        prop_oneof![8 => 0.0..3.0f64, 1 => Just(f64::NAN), 1 => Just(-5.0), 1 => Just(1e300)]
    }

    fn passage() -> impl Strategy<Value = Said> {
        (moment(), moment(), "[a-c ]{0,5}", any::<bool>(), 0u64..4).prop_map(|(start, end, text, last, turn)| {
            let key = match turn {
                0 => Key::Time,
                turn => Key::Turn(turn),
            };
            let words = match turn {
                0 => text
                    .split_whitespace()
                    .map(|word| (start, end, word.to_owned()))
                    .collect(),
                _ => Vec::new(),
            };
            Said::Heard(Passage {
                key,
                start,
                end,
                text,
                words,
                last,
            })
        })
    }

    fn event() -> impl Strategy<Value = Event> {
        let said = prop_oneof![
            4 => passage(),
            1 => Just(Said::Flushed),
            1 => moment().prop_map(|until| Said::Settled { until }),
            1 => (0u64..4).prop_map(|turn| Said::Verdict { turn, verdict: Verdict::Complete }),
        ];
        let utterance = 0u32..3;
        prop_oneof![
            6 => Just(Event::Order(Hear::Sound(Frame::new(&[7; 160])))),
            1 => (utterance.clone(), 0u32..600).prop_map(|(utterance, before)| Event::Order(Hear::Begin { utterance, before })),
            2 => (utterance.clone(), any::<u32>()).prop_map(|(utterance, flush)| Event::Order(Hear::Flush { utterance, flush })),
            1 => utterance.prop_map(|utterance| Event::Order(Hear::End { utterance })),
            4 => proptest::collection::vec(said, 1..4).prop_map(Event::Said),
            2 => (0u64..3000).prop_map(Event::Wait),
            1 => Just(Event::Connect),
        ]
    }

    proptest! {
        /// Whatever a service says and whenever: a flush is answered once at most, in time where its utterance lasts, and
        /// words are only told of the utterance that is open.
        #[test]
        fn every_flush_is_answered_once_and_in_time(events in proptest::collection::vec(event(), 0..120)) {
            let limit = Duration::from_secs(2);
            let mut session = Session::new(limit);
            let mut now = Instant::now();
            let mut open: Option<u32> = None;
            let mut waiting: Vec<(u32, u32, Instant)> = Vec::new();
            for event in events {
                let mut out = Vec::new();
                match event {
                    Event::Order(order) => {
                        match order {
                            Hear::Begin { utterance, .. } => {
                                open = Some(utterance);
                                waiting.clear();
                            }
                            Hear::End { utterance } if open == Some(utterance) => {
                                open = None;
                                waiting.clear();
                            }
                            Hear::Flush { utterance, flush } => waiting.push((utterance, flush, now)),
                            _ => {}
                        }
                        session.order(now, order, &mut out);
                    }
                    Event::Said(said) => session.heard(said, &mut out),
                    Event::Wait(millis) => {
                        now += Duration::from_millis(millis);
                        session.tick(now, &mut out);
                    }
                    Event::Connect => {
                        let from = session.connected();
                        prop_assert!(from <= session.end());
                    }
                }
                for heard in out {
                    match heard {
                        Heard::Words { utterance, flush: Some(flush), .. } => {
                            let asked = waiting.iter().position(|(of, number, _)| Some(*of) == utterance && *number == flush);
                            prop_assert!(asked.is_some(), "nobody asked for {flush}");
                            waiting.remove(asked.unwrap_or_default());
                        }
                        Heard::Words { utterance, flush: None, .. } | Heard::Verdict { utterance, .. } => {
                            prop_assert_eq!(utterance, open);
                        }
                        Heard::Ready => prop_assert!(false, "it is not the books that are ready"),
                    }
                }
                // An order or a message does not let time pass; what is due is answered with the next tick.
                let due = waiting.iter().map(|(_, _, asked)| *asked + limit).min();
                prop_assert!(session.deadline() <= due || due.is_none());
                prop_assert_eq!(session.deadline().is_some(), due.is_some());
            }
            let mut out = Vec::new();
            session.tick(now + limit, &mut out);
            prop_assert_eq!(out.len(), waiting.len());
        }
    }
}
