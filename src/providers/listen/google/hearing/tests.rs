//! Conversations of callers whose words are plain bytes, with a service that hears them late, breaks off and repeats itself.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::super::Frame;
use super::*;
use crate::providers::google::speech::{Alternative, Span, StreamingRecognitionResult};

/// A word is 400 ms of one byte; what is shorter than 60 ms is no word.
const WORD_MS: u64 = 400;
const LEAST: usize = 60 * PER_MS as usize;
/// A pause after which the service settles what it heard.
const SETTLES: usize = 300 * PER_MS as usize;

/// A stream as the service has it.
#[derive(Debug, Default)]
struct Stream {
    sound: Vec<u8>,
    finished: bool,
    /// Up to here its words are settled.
    settled: usize,
}

struct World {
    now: Instant,
    hearing: Hearing,
    acts: Vec<Act>,
    streams: BTreeMap<u32, Stream>,
    told: Vec<Heard>,
    opened: usize,
    /// A tick found that the service says nothing any more.
    dead: bool,
}

impl World {
    fn new(limits: Limits) -> Self {
        let now = Instant::now();
        let mut acts = Vec::new();
        let hearing = Hearing::new(limits, now, &mut acts);
        let mut world = Self {
            now,
            hearing,
            acts,
            streams: BTreeMap::new(),
            told: Vec::new(),
            opened: 0,
            dead: false,
        };
        world.carry_out();
        world
    }

    fn carry_out(&mut self) {
        for act in self.acts.drain(..) {
            match act {
                Act::Open(stream) => {
                    self.opened += 1;
                    assert!(self.streams.insert(stream, Stream::default()).is_none(), "opened twice");
                }
                Act::Sound(stream, sound) => {
                    let stream = self.streams.get_mut(&stream).expect("sound for an open stream");
                    assert!(!stream.finished && !sound.is_empty());
                    stream.sound.extend(&sound);
                }
                Act::Finish(stream) => self.streams.get_mut(&stream).expect("an open stream").finished = true,
                Act::Drop(stream) => assert!(self.streams.remove(&stream).is_some(), "dropped twice"),
                Act::Tell(heard) => self.told.push(heard),
            }
        }
    }

    fn order(&mut self, order: Hear) {
        self.hearing.order(self.now, order, &mut self.acts);
        self.carry_out();
    }

    /// So much of one byte, in real time.
    fn sound(&mut self, byte: u8, millis: u64) {
        for _ in 0..millis / 20 {
            self.now += Duration::from_millis(20);
            self.order(Hear::Sound(Frame::new(&[byte; mulaw::FRAME])));
            if self.hearing.deadline() <= self.now {
                self.dead |= self.tick().is_err();
            }
        }
    }

    fn tick(&mut self) -> Result<(), ProviderError> {
        let result = self.hearing.tick(self.now, &mut self.acts);
        self.carry_out();
        assert!(
            result.is_err() || self.hearing.deadline() > self.now,
            "a tick changes what it was for"
        );
        result
    }

    /// The service says what it has heard on this stream; at its end, everything is settled and the stream is over.
    fn answer(&mut self, id: u32) {
        let Some(stream) = self.streams.get_mut(&id) else {
            return;
        };
        let mut results = Vec::new();
        let words = words(&stream.sound);
        let settles = words
            .iter()
            .rposition(|&(_, _, silence)| stream.finished || silence >= SETTLES);
        for (index, (word, end, _)) in words.into_iter().enumerate() {
            if end <= stream.settled {
                continue;
            }
            let is_final = settles.is_some_and(|last| index <= last);
            if is_final {
                stream.settled = end;
            }
            results.push(result(&format!(" w{word}"), is_final, end as u64 / PER_MS));
        }
        let finished = stream.finished;
        let answer = StreamingRecognizeResponse {
            error: None,
            results,
            speech_event_type: 0,
        };
        self.hearing.answer(self.now, id, answer, &mut self.acts);
        self.carry_out();
        // The answer may have been the reason to drop it.
        if finished && self.streams.remove(&id).is_some() {
            let ended = self.hearing.ended(self.now, id, None, &mut self.acts);
            ended.expect("an end that was asked for");
            self.carry_out();
        }
    }

    fn fail(&mut self, id: u32) -> Result<(), ProviderError> {
        if self.streams.remove(&id).is_none() {
            return Ok(());
        }
        let error = ProviderError::Transient {
            detail: "reset".to_owned(),
        };
        let result = self.hearing.ended(self.now, id, Some(error), &mut self.acts);
        self.carry_out();
        result
    }

    fn ids(&self) -> Vec<u32> {
        self.streams.keys().copied().collect()
    }

    fn flushed(&self, number: u32) -> Option<&str> {
        self.told.iter().find_map(|heard| match heard {
            Heard::Words { text, flush, .. } if *flush == Some(number) => Some(text.as_str()),
            _ => None,
        })
    }
}

fn result(transcript: &str, is_final: bool, millis: u64) -> StreamingRecognitionResult {
    StreamingRecognitionResult {
        alternatives: vec![Alternative {
            transcript: transcript.to_owned(),
            confidence: 0.9,
        }],
        is_final,
        stability: 0.0,
        result_end_time: Some(Span {
            seconds: (millis / 1000) as i64,
            nanos: (millis % 1000) as i32 * 1_000_000,
        }),
    }
}

/// Each word in a sound with where it ends and how long the silence after it is.
fn words(sound: &[u8]) -> Vec<(u8, usize, usize)> {
    let mut words: Vec<(u8, usize, usize)> = Vec::new();
    let mut at = 0;
    for run in sound.chunk_by(|a, b| a == b) {
        at += run.len();
        match (run[0], words.last_mut()) {
            (mulaw::SILENCE, Some(word)) => word.2 = run.len(),
            (mulaw::SILENCE, None) => {}
            (word, _) if run.len() >= LEAST => words.push((word, at, 0)),
            _ => {}
        }
    }
    words
}

fn text(words: &[u8]) -> String {
    words
        .iter()
        .map(|word| format!("w{word}"))
        .collect::<Vec<_>>()
        .join(" ")
}

/// One utterance: Begin 200 ms into it, Flush after 200 ms of silence.
fn speak(world: &mut World, number: u32, words: &[u8]) {
    for (index, &word) in words.iter().enumerate() {
        if index == 0 {
            world.sound(word, 200);
            world.order(Hear::Begin {
                utterance: number,
                before: 400,
            });
            world.sound(word, WORD_MS - 200);
        } else {
            world.sound(word, WORD_MS);
        }
        world.sound(mulaw::SILENCE, 100);
    }
    world.sound(mulaw::SILENCE, 100);
    world.order(Hear::Flush {
        utterance: number,
        flush: number,
    });
}

#[test]
fn a_pause_is_answered_with_the_last_words_of_its_stream() {
    let mut world = World::new(Limits::default());
    world.sound(mulaw::SILENCE, 600);
    speak(&mut world, 7, &[1, 2]);
    assert_eq!(world.flushed(7), None);
    assert_eq!(world.ids(), [0, 1], "the next stream is open already");
    world.answer(0);
    assert_eq!(world.flushed(7), Some("w1 w2"));
    world.order(Hear::End { utterance: 7 });
    assert_eq!(world.ids(), [1], "a fresh stream is good for the next utterance");
}

#[test]
fn without_sound_a_flush_is_answered_at_once() {
    let mut world = World::new(Limits::default());
    world.order(Hear::Begin {
        utterance: 1,
        before: 0,
    });
    for flush in [1, 2] {
        world.order(Hear::Flush { utterance: 1, flush });
        assert_eq!(world.flushed(flush), Some(""));
    }
    world.order(Hear::Flush { utterance: 9, flush: 3 });
    assert_eq!(
        world.flushed(3),
        Some(""),
        "an utterance that nobody began has no words"
    );
    assert_eq!(world.opened, 1);
}

#[test]
fn a_pause_that_the_service_hears_is_told_within_an_utterance() {
    let mut world = World::new(Limits::default());
    let pause = || StreamingRecognizeResponse {
        error: None,
        results: Vec::new(),
        speech_event_type: 3,
    };
    world.hearing.answer(world.now, 0, pause(), &mut world.acts);
    world.carry_out();
    assert_eq!(world.told, [], "nobody speaks");
    world.order(Hear::Begin {
        utterance: 4,
        before: 0,
    });
    world.hearing.answer(world.now, 0, pause(), &mut world.acts);
    world.carry_out();
    let likely = Heard::Verdict {
        utterance: Some(4),
        verdict: Verdict::Likely,
    };
    assert_eq!(world.told, [likely]);
}

#[test]
fn words_that_may_change_answer_where_the_service_is_slow() {
    let mut world = World::new(Limits::default());
    speak(&mut world, 1, &[1, 2]);
    let stream = world.streams.get_mut(&0).expect("the first stream");
    stream.finished = false;
    world.answer(0);
    assert_eq!(world.flushed(1), None);
    world.now = world.hearing.deadline();
    world.tick().expect("words are there");
    assert_eq!(world.flushed(1), Some("w1 w2"));
    // Later words still come, until the utterance is over.
    world.hearing.answer(
        world.now,
        0,
        StreamingRecognizeResponse {
            error: None,
            results: vec![result("w1 w3", true, 1100)],
            speech_event_type: 0,
        },
        &mut world.acts,
    );
    world.carry_out();
    let late = Heard::Words {
        utterance: Some(1),
        text: "w1 w3".to_owned(),
        flush: None,
    };
    assert_eq!(world.told.last(), Some(&late));
}

#[test]
fn a_dead_stream_is_no_empty_answer() {
    let mut world = World::new(Limits::default());
    speak(&mut world, 1, &[1]);
    let mut result = Ok(());
    let asked = world.now;
    while result.is_ok() {
        world.now = world.hearing.deadline().max(world.now);
        result = world.tick();
        assert!(world.now <= asked + world.hearing.limits.stall);
    }
    let limit = world.hearing.limits.stall;
    assert_eq!(result, Err(ProviderError::Timeout { limit }));
    assert_eq!(world.flushed(1), None);
}

#[test]
fn words_of_an_utterance_that_is_over_never_reach_the_next() {
    let mut world = World::new(Limits::default());
    speak(&mut world, 1, &[1]);
    world.sound(2, WORD_MS);
    // No pause was noticed after the second word, and nothing of it was heard yet.
    world.order(Hear::End { utterance: 1 });
    speak(&mut world, 2, &[3]);
    for id in world.ids() {
        world.answer(id);
    }
    assert_eq!(world.flushed(2), Some("w3"));
    assert!(!world.told.iter().any(|heard| format!("{heard:?}").contains("w2")));
}

#[test]
fn words_after_the_last_pause_are_late_as_well() {
    let mut world = World::new(Limits::default());
    speak(&mut world, 1, &[1]);
    world.sound(2, 200);
    world.sound(mulaw::SILENCE, 400);
    world.order(Hear::End { utterance: 1 });
    world.sound(mulaw::SILENCE, 400);
    world.answer(1);
    assert_eq!(world.ids(), [2], "the stream that heard them is replaced");
    speak(&mut world, 2, &[3]);
    world.answer(2);
    assert_eq!(world.flushed(2), Some("w3"));
}

#[test]
fn soft_words_are_told_without_an_utterance_and_belong_to_the_one_that_begins() {
    let mut world = World::new(Limits::default());
    world.sound(1, WORD_MS);
    world.sound(mulaw::SILENCE, 100);
    world.answer(0);
    let soft = Heard::Words {
        utterance: None,
        text: "w1".to_owned(),
        flush: None,
    };
    assert_eq!(world.told, [soft]);
    world.order(Hear::Begin {
        utterance: 1,
        before: 0,
    });
    world.order(Hear::Flush { utterance: 1, flush: 1 });
    world.answer(0);
    assert_eq!(world.flushed(1), Some("w1"));
}

#[test]
fn words_of_long_ago_do_not_belong_to_the_utterance_that_begins() {
    let mut world = World::new(Limits::default());
    world.sound(1, WORD_MS);
    world.sound(mulaw::SILENCE, 5000);
    world.answer(0);
    speak(&mut world, 1, &[2]);
    for id in world.ids() {
        world.answer(id);
    }
    assert_eq!(world.flushed(1), Some("w2"));
}

#[test]
fn an_old_stream_is_replaced_in_a_quiet_moment_or_hears_the_rest_again() {
    let limits = Limits {
        age: Duration::from_secs(12),
        ..Limits::default()
    };
    let mut world = World::new(limits);
    world.sound(mulaw::SILENCE, 12_500);
    assert_eq!(world.ids(), [1], "nothing was said");
    world.sound(1, 200);
    world.order(Hear::Begin {
        utterance: 1,
        before: 200,
    });
    world.sound(1, 200);
    let spoken: Vec<u8> = (1..=30).collect();
    for &word in &spoken[1..] {
        world.sound(word, WORD_MS);
        world.sound(mulaw::SILENCE, if word % 5 == 0 { 400 } else { 100 });
        if word % 3 == 0 {
            for id in world.ids() {
                world.answer(id);
            }
        }
    }
    assert!(world.opened > 2, "an endless utterance outlives its stream");
    world.order(Hear::Flush { utterance: 1, flush: 1 });
    for id in world.ids() {
        world.answer(id);
    }
    assert_eq!(world.flushed(1), Some(text(&spoken).as_str()));
}

#[test]
fn silence_is_sent_where_no_sound_comes() {
    let mut world = World::new(Limits::default());
    world.sound(1, 100);
    for _ in 0..5 {
        world.now = world.hearing.deadline();
        world.tick().expect("all is well");
    }
    let sound = &world.streams[&0].sound;
    assert_eq!(sound.len(), 6 * PIECE as usize);
    assert!(sound[PIECE as usize..].iter().all(|&byte| byte == mulaw::SILENCE));
}

#[test]
fn streams_that_end_at_once_are_given_up() {
    let mut world = World::new(Limits::default());
    for _ in 0..2 {
        let stream = *world.ids().last().expect("an open stream");
        world.fail(stream).expect("another try");
        while world.ids().is_empty() {
            world.now = world.hearing.deadline();
            world.tick().expect("it waits");
        }
    }
    let stream = world.ids()[0];
    assert!(matches!(world.fail(stream), Err(ProviderError::Transient { .. })));
}

#[derive(Debug, Clone)]
struct Said {
    words: usize,
    /// Silence before it.
    gap: u64,
    /// Ends without a pause that anybody noticed.
    cut: bool,
    /// What the service does meanwhile: which stream, and whether it breaks.
    service: Vec<(usize, bool)>,
}

fn said() -> impl Strategy<Value = Said> {
    let service = proptest::collection::vec((0usize..4, proptest::bool::weighted(0.15)), 0..6);
    (1usize..5, 15u64..120, proptest::bool::weighted(0.2), service).prop_map(|(words, gap, cut, service)| Said {
        words,
        gap: gap * 20,
        cut,
        service,
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn each_utterance_gets_its_own_words(conversation in proptest::collection::vec(said(), 1..8), age in 6u64..60) {
        let mut world = World::new(Limits { age: Duration::from_secs(age), ..Limits::default() });
        let mut word = 0u8;
        for (number, said) in (1u32..).zip(conversation) {
            let spoken: Vec<u8> = (0..said.words).map(|_| { word += 1; word }).collect();
            world.sound(mulaw::SILENCE, said.gap);
            let mut service = said.service.iter();
            let mut act = |world: &mut World| {
                if let Some(&(which, breaks)) = service.next() {
                    let ids = world.ids();
                    if ids.is_empty() { return }
                    let id = ids[which % ids.len()];
                    match breaks && world.hearing.failures < 1 {
                        true => world.fail(id).expect("one failure is mended"),
                        false => world.answer(id),
                    }
                }
            };
            act(&mut world);
            for (index, &word) in spoken.iter().enumerate() {
                world.sound(word, 200);
                if index == 0 {
                    world.order(Hear::Begin { utterance: number, before: 400 });
                }
                act(&mut world);
                world.sound(word, WORD_MS - 200);
                world.sound(mulaw::SILENCE, 160);
            }
            if !said.cut {
                world.order(Hear::Flush { utterance: number, flush: number });
                act(&mut world);
                while world.flushed(number).is_none() {
                    for id in world.ids() {
                        world.answer(id);
                    }
                    if world.flushed(number).is_none() {
                        world.now = world.hearing.deadline();
                        world.tick().expect("the service answers");
                    }
                }
                let expected = text(&spoken);
                prop_assert_eq!(world.flushed(number), Some(expected.as_str()));
            }
            world.order(Hear::End { utterance: number });
            for heard in world.told.drain(..) {
                if let Heard::Words { utterance: Some(told), text, .. } = heard {
                    prop_assert_eq!(told, number);
                    for word in text.split(' ') {
                        prop_assert!(spoken.iter().any(|spoken| format!("w{spoken}") == word), "{} in {:?}", word, spoken);
                    }
                }
            }
            prop_assert!(world.streams.len() <= 1);
        }
    }

    #[test]
    fn nothing_that_comes_can_stop_it(script in proptest::collection::vec((0u8..10, any::<u16>()), 0..80)) {
        let mut world = World::new(Limits::default());
        for (what, number) in script {
            let id = u32::from(number % 7);
            let any = world.ids().get(usize::from(number) % 3).copied();
            world.now += Duration::from_millis(u64::from(number % 500));
            match what {
                0 => world.order(Hear::Begin { utterance: id, before: u32::from(number) }),
                1 => world.order(Hear::Flush { utterance: id, flush: u32::from(number) }),
                2 => world.order(Hear::End { utterance: id }),
                3 => {
                    world.sound(number as u8, u64::from(number % 2000));
                    if world.dead { return Ok(()) }
                }
                4 | 5 => any.into_iter().for_each(|id| world.answer(id)),
                6 => if any.is_some_and(|id| world.fail(id).is_err()) { return Ok(()) },
                7 => {
                    let end = any.map(|id| { world.streams.remove(&id); world.hearing.ended(world.now, id, None, &mut world.acts) });
                    world.carry_out();
                    if end.is_some_and(|end| end.is_err()) { return Ok(()) }
                }
                8 => {
                    let answer = StreamingRecognizeResponse {
                        error: None,
                        results: vec![result("junk", number % 2 == 0, u64::from(number) * 1000)],
                        speech_event_type: i32::from(number % 9),
                    };
                    world.hearing.answer(world.now, id, answer, &mut world.acts);
                    world.carry_out();
                }
                _ => if world.hearing.deadline() <= world.now && world.tick().is_err() { return Ok(()) },
            }
        }
    }
}
