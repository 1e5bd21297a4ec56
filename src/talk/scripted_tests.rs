//! Tests of the scripted agent on virtual time, with a carrier that plays what it is given.

use super::super::script::{Answer, Greeting, Match, Rule};
use super::*;
use proptest::prelude::*;
use std::collections::VecDeque;

const GREETING: usize = 0;
const ANSWER: usize = 1;
const IDLE: usize = 2;
const GOODBYE: usize = 3;

fn clips() -> Vec<Clip> {
    let clip = |millis: usize, text: &str| Clip::new(vec![0x10; millis * 8], text);
    vec![
        clip(1000, "good day to you"),
        clip(2000, "one two three four"),
        clip(600, "still there"),
        clip(500, "good bye"),
    ]
}

fn script() -> Script {
    let goodbye = Answer {
        say: vec![GOODBYE],
        exit: Some("completed".into()),
    };
    let mut script = Script::new(Answer {
        say: vec![ANSWER],
        exit: None,
    });
    script.greeting = Some(Greeting {
        clip: GREETING,
        interruptible: false,
    });
    let nine = Match {
        digits: Some("9".into()),
        ..Match::default()
    };
    let many = Match {
        digits: Some("12".into()),
        ..Match::default()
    };
    let third = Match {
        turn: Some(3),
        ..Match::default()
    };
    script.rules = [third, nine, many]
        .map(|when| Rule {
            when,
            answer: goodbye.clone(),
        })
        .to_vec();
    script.idle.clip = Some(IDLE);
    script.idle.times = 2;
    script
}

/// A call in virtual time: a carrier that plays its queue and returns marks, and everything that came out.
struct Call {
    talk: Scripted,
    now: u64,
    marks: bool,
    queue: VecDeque<(u64, Play)>,
    seen: Vec<(u64, Output)>,
}

impl Call {
    fn new(script: Script) -> Self {
        let talk = Scripted::new(Arc::new(script), &clips()).unwrap();
        let mut call = Self {
            talk,
            now: 5000,
            marks: true,
            queue: VecDeque::new(),
            seen: Vec::new(),
        };
        call.input(Input::Started);
        call
    }

    fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.talk.handle(self.now, input, &mut out);
        for output in out {
            match &output {
                Output::Play { clip, play } => {
                    let from = self.queue.back().map_or(self.now, |(end, _)| *end).max(self.now);
                    self.queue.push_back((from + clips()[*clip].millis(), *play));
                }
                Output::Clear => {
                    let swept: Vec<_> = self.queue.drain(..).collect();
                    self.seen.push((self.now, Output::Clear));
                    for (_, play) in swept {
                        self.input(Input::Played(play));
                    }
                    continue;
                }
                _ => {}
            }
            self.seen.push((self.now, output));
        }
    }

    /// Lets time pass with a frame of this level every 20 ms, marks and ticks when they are due.
    fn pass(&mut self, millis: u64, code: Option<u8>) {
        let end = self.now + millis;
        let frame: Vec<u8> = (0..160)
            .map(|n| if n % 2 == 0 { code.unwrap_or(0xFF) } else { 0xFF })
            .collect();
        while self.now < end {
            self.now += 20;
            while let Some(&(at, play)) = self.queue.front()
                && at <= self.now
            {
                self.queue.pop_front();
                if self.marks {
                    self.input(Input::Played(play));
                }
            }
            if code.is_some() {
                self.input(Input::Frame(&frame));
            }
            if self.talk.deadline().is_some_and(|deadline| deadline <= self.now) {
                self.input(Input::Tick);
            }
        }
    }

    fn quiet(&mut self, millis: u64) {
        self.pass(millis, Some(0xFF));
    }

    fn speech(&mut self, millis: u64) {
        self.pass(millis, Some(0x90));
    }

    fn plays(&self, wanted: usize) -> Vec<u64> {
        let played = |(at, output): &(u64, Output)| {
            matches!(output, Output::Play { clip, .. } if *clip == wanted).then_some(*at - 5000)
        };
        self.seen.iter().filter_map(played).collect()
    }

    fn turns(&self) -> Vec<(Role, &str, bool)> {
        let turn = |(_, output): &'_ (u64, Output)| matches!(output, Output::Turn(_));
        self.seen
            .iter()
            .filter(|seen| turn(seen))
            .map(|(_, output)| match output {
                Output::Turn(turn) => (turn.role, &*turn.text, turn.interrupted),
                _ => unreachable!(),
            })
            .collect()
    }

    fn exit(&self) -> Option<(u64, &str)> {
        self.seen.iter().find_map(|(at, output)| match output {
            Output::Finish { exit, .. } => Some((*at - 5000, &**exit)),
            _ => None,
        })
    }
}

#[test]
fn a_whole_conversation() {
    let mut call = Call::new(script());
    call.quiet(1500);
    call.speech(400);
    call.quiet(600);
    assert_eq!(call.plays(ANSWER), [2400], "500 ms after the last sound");
    call.quiet(3000);
    call.speech(300);
    call.quiet(3000);
    call.speech(300);
    call.quiet(2000);
    assert_eq!(call.plays(GREETING), [0]);
    assert_eq!((call.plays(ANSWER).len(), call.plays(GOODBYE).len()), (2, 1));
    assert_eq!(call.exit().map(|(_, exit)| exit), Some("completed"));
    let (caller, agent) = (Role::Caller, Role::Agent);
    assert_eq!(
        call.turns(),
        [
            (agent, "good day to you", false),
            (caller, "", false),
            (agent, "one two three four", false),
            (caller, "", false),
            (agent, "one two three four", false),
            (caller, "", false),
            (agent, "good bye", false)
        ]
    );
    let ends: Vec<_> = call
        .seen
        .iter()
        .filter_map(|(_, output)| match output {
            Output::EndOfUtterance { ms } => Some(*ms),
            _ => None,
        })
        .collect();
    assert_eq!(ends, [500, 500, 500]);
}

#[test]
fn speaking_over_an_answer_stops_it_at_once() {
    let mut call = Call::new(script());
    call.quiet(1100);
    call.speech(300);
    call.quiet(1500); // the answer begins 500 ms into this
    call.speech(180);
    assert!(!call.seen.iter().any(|(_, output)| *output == Output::Clear));
    call.speech(20);
    let at = call
        .seen
        .iter()
        .position(|(_, output)| *output == Output::Clear)
        .unwrap();
    assert_eq!(call.seen[at].0, call.now);
    assert_eq!(call.seen[at + 1].1, Output::BargeIn { ms: 200 });
    assert_eq!(
        call.turns().last(),
        Some(&(Role::Agent, "one two", true)),
        "1200 of 2000 ms were heard"
    );
    call.quiet(600);
    assert_eq!(call.plays(ANSWER).len(), 2, "the interruption is answered once");
}

#[test]
fn the_greeting_is_not_interrupted_and_what_was_said_over_it_is_not_answered() {
    let mut call = Call::new(script());
    call.quiet(200);
    call.speech(300);
    call.quiet(1500);
    assert!(!call.seen.iter().any(|(_, output)| *output == Output::Clear));
    assert_eq!(call.plays(ANSWER), [] as [u64; 0]);
    assert_eq!(call.turns(), [(Role::Agent, "good day to you", false)]);
}

#[test]
fn a_greeting_that_may_be_interrupted_is_and_is_not_said_again() {
    let mut with = script();
    with.greeting = Some(Greeting {
        clip: GREETING,
        interruptible: true,
    });
    let mut call = Call::new(with);
    call.quiet(400);
    call.speech(300);
    call.quiet(4000);
    assert_eq!((call.plays(GREETING), call.plays(ANSWER).len()), (vec![0], 1));
    assert_eq!(call.turns()[0], (Role::Agent, "good day", true));
}

#[test]
fn keys_are_gathered_into_one_turn() {
    let mut call = Call::new(script());
    call.quiet(1100);
    call.input(Input::Digit('1'));
    call.speech(140); // the tone itself
    call.quiet(1000);
    assert_eq!(
        call.plays(ANSWER),
        [] as [u64; 0],
        "a tone is not an utterance, and 12 may still follow"
    );
    call.input(Input::Digit('2'));
    assert_eq!(call.plays(GOODBYE).len(), 1, "nothing longer can follow 12");
    assert!(call.turns().contains(&(Role::Caller, "12", false)));
}

#[test]
fn keys_pressed_over_the_greeting_count_after_it_and_those_that_fit_nothing_are_answered() {
    let mut call = Call::new(script());
    for key in ['7', '7', '#', '4'] {
        call.input(Input::Digit(key));
    }
    call.quiet(1100);
    assert_eq!(call.plays(ANSWER), [1000]);
    assert_eq!(call.turns()[1], (Role::Caller, "77", false));

    let mut slow = Call::new(script());
    slow.quiet(1100);
    slow.input(Input::Digit('1'));
    slow.quiet(2980);
    assert_eq!(slow.plays(ANSWER).len(), 0);
    slow.quiet(40);
    assert_eq!(slow.plays(ANSWER).len(), 1);
}

#[test]
fn a_key_over_an_answer_stops_it() {
    let mut call = Call::new(script());
    call.quiet(1100);
    call.input(Input::Digit('#'));
    call.quiet(500);
    call.input(Input::Digit('9'));
    assert_eq!(call.turns().last(), Some(&(Role::Caller, "9", false)));
    assert_eq!(call.turns()[2], (Role::Agent, "one", true));
    assert_eq!(call.plays(GOODBYE).len(), 1);
}

#[test]
fn a_silent_caller_is_asked_twice_and_then_let_go() {
    let mut call = Call::new(script());
    call.quiet(40_000);
    assert_eq!(call.plays(IDLE), [9000, 17_600]);
    assert_eq!(call.exit(), Some((26_200, "no_reply")));
}

#[test]
fn a_caller_who_never_stops_is_answered_and_the_conversation_ends() {
    let mut with = script();
    with.rules.clear();
    (with.longest_turn, with.longest) = (5000, 20_000);
    let mut call = Call::new(with);
    call.speech(40_000);
    assert!(call.plays(ANSWER).len() >= 2);
    let (at, exit) = call.exit().unwrap();
    assert_eq!(exit, "completed");
    assert!(at <= 20_000 + 5000 + 1000, "{at}");
}

#[test]
fn lost_marks_and_lost_frames_are_not_waited_for_for_ever() {
    let mut call = Call::new(script());
    call.marks = false;
    call.quiet(2980);
    assert_eq!(call.turns().len(), 0);
    call.quiet(40);
    assert_eq!(call.turns(), [(Role::Agent, "good day to you", false)]);
    call.speech(300);
    call.pass(1480, None);
    assert_eq!(call.plays(ANSWER).len(), 0);
    call.pass(40, None);
    assert_eq!(
        call.plays(ANSWER).len(),
        1,
        "the line fell silent in the middle of a word"
    );
    call.pass(6000, None);
    assert_eq!(call.plays(ANSWER).len(), 1, "one answer for one utterance");
}

#[test]
fn the_end_of_the_line_tells_what_was_begun_and_nothing_more() {
    let mut call = Call::new(script());
    call.quiet(500);
    call.input(Input::Stopped);
    assert_eq!(call.turns(), [(Role::Agent, "good day", true)]);
    let before = call.seen.len();
    assert_eq!(call.talk.deadline(), None);
    call.speech(2000);
    call.input(Input::Digit('9'));
    call.input(Input::Started);
    assert_eq!(call.seen.len(), before);

    let mut speaking = Call::new(script());
    speaking.quiet(1100);
    speaking.speech(300);
    speaking.input(Input::Stopped);
    assert_eq!(speaking.turns().last(), Some(&(Role::Caller, "", true)));
    assert_eq!(speaking.exit(), None);
}

#[derive(Debug, Clone)]
enum Act {
    Speech(u64),
    Quiet(u64),
    Gone(u64),
    Key(char),
    Stray(Play),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (1u64..3000).prop_map(Act::Speech),
        (1u64..3000).prop_map(Act::Quiet),
        (1u64..4000).prop_map(Act::Gone),
        proptest::sample::select(vec!['1', '2', '9', '#', '*']).prop_map(Act::Key),
        (0u32..12, 0u32..12).prop_map(|(generation, number)| Act::Stray(Play { generation, number })),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn whatever_a_caller_does(
        acts in proptest::collection::vec(act(), 0..25),
        marks: bool,
        interruptible: bool,
        stop: bool,
    ) {
        let mut with = script();
        with.greeting = Some(Greeting { clip: GREETING, interruptible });
        with.longest_turn = 2500;
        let mut call = Call::new(with);
        call.marks = marks;
        for act in acts {
            match act {
                Act::Speech(millis) => call.speech(millis),
                Act::Quiet(millis) => call.quiet(millis),
                Act::Gone(millis) => call.pass(millis, None),
                Act::Key(key) => call.input(Input::Digit(key)),
                // A mark nobody is waiting for: of an older generation, or of none.
                Act::Stray(play) if play.generation < call.talk.generation => {
                    let (before, due) = (call.seen.len(), call.talk.deadline());
                    call.input(Input::Played(play));
                    prop_assert_eq!((call.seen.len(), call.talk.deadline()), (before, due));
                }
                Act::Stray(_) => {}
            }
        }
        if stop {
            call.input(Input::Stopped);
            prop_assert_eq!(call.talk.deadline(), None);
        } else {
            // Nobody does anything any more: ticks alone must end it, each one moving on.
            for _ in 0..40 {
                let Some(deadline) = call.talk.deadline() else { break };
                call.now = call.now.max(deadline);
                call.queue.clear();
                call.input(Input::Tick);
                prop_assert!(call.talk.deadline().is_none_or(|next| next > call.now));
            }
            prop_assert!(call.exit().is_some(), "it never ended");
        }

        let finishes = call.seen.iter().filter(|(_, output)| matches!(output, Output::Finish { .. })).count();
        prop_assert!(finishes <= 1);
        prop_assert_eq!(call.plays(GREETING).len(), 1);
        let caller = call.turns().iter().filter(|turn| turn.0 == Role::Caller).count();
        let answers = call.plays(ANSWER).len() + call.plays(GOODBYE).len();
        prop_assert!(answers <= caller, "{} answers to {} turns", answers, caller);

        let mut generation = 0;
        let mut speaking = None;
        for (at, output) in &call.seen {
            match output {
                Output::Play { clip, play } => {
                    prop_assert!(play.generation > generation || speaking.is_some());
                    prop_assert!(play.generation >= generation);
                    generation = play.generation;
                    speaking = Some((*at, *clip));
                }
                Output::Turn(turn) if turn.role == Role::Agent => {
                    let Some((began, clip)) = speaking.take() else {
                        return Err(TestCaseError::fail("an answer was told that was never begun"));
                    };
                    let clips = clips();
                    let all: Vec<&str> = clips[clip].text.split(' ').collect();
                    let words = turn.text.split_whitespace().count();
                    prop_assert!(clips[clip].text.starts_with(&*turn.text));
                    let most = all.len() as u64 * (at - began) / clips[clip].millis();
                    prop_assert!(words as u64 <= most, "{} words in {} ms", words, at - began);
                    prop_assert!(turn.interrupted || words == all.len());
                    prop_assert!(turn.started <= turn.ended);
                }
                Output::State(State::Listening) => prop_assert!(speaking.is_none()),
                _ => {}
            }
        }
    }
}
