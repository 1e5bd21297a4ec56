//! Tests of the text agent on virtual time.

use super::*;
use crate::talk::script::{Answer, Greeting, Match, Rule};
use proptest::prelude::*;

const GREETING: usize = 0;
const ANSWER: usize = 1;
const IDLE: usize = 2;
const GOODBYE: usize = 3;

/// The goodbye has words only: the carrier speaks it.
fn clips() -> Vec<Clip> {
    let clip = |millis: usize, text: &str| Clip::new(vec![0x10; millis * 8], text);
    vec![
        clip(1000, "Good day to you."),
        clip(2000, "one two three four"),
        clip(600, "still there"),
        Clip::new(vec![], "good bye"),
    ]
}

fn script() -> Script {
    let say = |clip, exit: Option<&str>| Answer {
        say: vec![clip],
        exit: exit.map(Into::into),
    };
    let mut script = Script::new(say(ANSWER, None));
    script.greeting = Some(Greeting {
        clip: GREETING,
        interruptible: true,
    });
    let third = Match {
        turn: Some(3),
        ..Match::default()
    };
    let nine = Match {
        digits: Some("9".into()),
        ..Match::default()
    };
    let long = Match {
        utterance_at_least: Some(4000),
        ..Match::default()
    };
    script.rules = [third, nine, long]
        .map(|when| Rule {
            when,
            answer: say(GOODBYE, Some("completed")),
        })
        .to_vec();
    script.idle.clip = Some(IDLE);
    script.idle.times = 2;
    script
}

/// A session in virtual time, and everything that came out.
struct Session {
    talk: Relayed,
    now: u64,
    seen: Vec<(u64, Output)>,
}

impl Session {
    fn new(script: Script) -> Self {
        let talk = Relayed::new(Arc::new(script), &clips()).unwrap();
        let mut session = Self {
            talk,
            now: 7000,
            seen: Vec::new(),
        };
        session.input(Input::Started);
        session
    }

    fn input(&mut self, input: Input<'_>) {
        let mut out = Vec::new();
        self.talk.handle(self.now, input, &mut out);
        self.seen.extend(out.into_iter().map(|output| (self.now, output)));
    }

    /// Lets time pass, with a tick whenever one is wanted.
    fn pass(&mut self, millis: u64) {
        let end = self.now + millis;
        while let Some(due) = self.talk.deadline().filter(|due| *due <= end) {
            self.now = self.now.max(due);
            self.input(Input::Tick);
        }
        self.now = end;
    }

    fn prompt(&mut self, words: &str, last: bool) {
        self.input(Input::Prompt { words, last });
    }

    fn interrupt(&mut self, heard: &str, ms: Option<u64>) {
        self.input(Input::Interrupted { heard, ms });
    }

    /// When each thing was said, since the beginning.
    fn said(&self) -> Vec<(u64, String)> {
        let said = |(at, output): &(u64, Output)| match output {
            Output::Play { clip, .. } => Some((at - 7000, format!("clip {clip}"))),
            Output::Say { text, .. } => Some((at - 7000, text.to_string())),
            _ => None,
        };
        self.seen.iter().filter_map(said).collect()
    }

    fn turns(&self) -> Vec<(&'static str, &str, bool)> {
        let turn = |(_, output): &'_ (u64, Output)| -> Option<usize> { matches!(output, Output::Turn(_)).then_some(0) };
        self.seen
            .iter()
            .filter(|seen| turn(seen).is_some())
            .map(|(_, output)| match output {
                Output::Turn(turn) => (turn.role.name(), &*turn.text, turn.interrupted),
                _ => unreachable!(),
            })
            .collect()
    }

    fn exit(&self) -> Option<(u64, &str)> {
        self.seen.iter().find_map(|(at, output)| match output {
            Output::Finish { exit, .. } => Some((*at - 7000, &**exit)),
            _ => None,
        })
    }
}

#[test]
fn the_caller_waits_from_the_end_of_the_carriers_welcome() {
    let welcomed = |greeting: bool| {
        let mut script = script();
        (script.welcome, script.quiet_before) = (12_000, 2_000);
        script.greeting = script.greeting.filter(|_| greeting);
        Session::new(script)
    };
    let after = script().idle.after;
    let mut call = welcomed(false);
    call.pass(12_000 + after + 100);
    assert_eq!(call.said(), [(12_000 + after, "clip 2".to_owned())]);
    let mut call = welcomed(true);
    call.pass(13_000 + SLACK + after + 100);
    assert_eq!(call.said()[0], (0, "clip 0".to_owned()));
    assert!(call.said()[1].0 >= 13_000 + after, "{:?}", call.said());
    // Cut off without a word that is understood, it is over.
    let mut call = welcomed(false);
    call.pass(3_000);
    call.interrupt("", None);
    call.pass(after + 100);
    assert_eq!(call.said(), [(3_000 + after, "clip 2".to_owned())]);
}

#[test]
fn a_whole_conversation() {
    let mut call = Session::new(script());
    call.pass(2500);
    call.prompt("I am", false);
    call.pass(400);
    call.prompt("I am looking for a flat", true);
    call.pass(4000);
    call.prompt("no", true);
    call.pass(4000);
    call.prompt("thank you", true);
    call.pass(10_000);
    assert_eq!(
        call.said(),
        [
            (0, "clip 0".to_owned()),
            (2900, "clip 1".to_owned()),
            (6900, "clip 1".to_owned()),
            (10_900, "good bye".to_owned())
        ]
    );
    assert_eq!(
        call.turns(),
        [
            ("agent", "Good day to you.", false),
            ("caller", "I am looking for a flat", false),
            ("agent", "one two three four", false),
            ("caller", "no", false),
            ("agent", "one two three four", false),
            ("caller", "thank you", false),
            ("agent", "good bye", false)
        ]
    );
    // 640 ms for eight letters, and the slack in which the carrier may still be speaking.
    assert_eq!(call.exit(), Some((10_900 + 640 + SLACK, "completed")));
}

#[test]
fn what_was_not_heard_is_not_said() {
    let cases: [(&str, Option<u64>, &str, u64); 5] = [
        ("good DAY", None, "Good day", 500),
        ("", Some(300), "Good", 300),
        ("", Some(60_000), "Good day", 60_000),
        ("something else", None, "Good day", 500),
        ("", None, "Good day", 500),
    ];
    for (heard, ms, said, barge) in cases {
        let mut call = Session::new(script());
        call.pass(500);
        call.interrupt(heard, ms);
        assert_eq!(call.turns(), [("agent", said, true)], "{heard:?} {ms:?}");
        assert!(call.seen.contains(&(7500, Output::BargeIn { ms: barge })));
        call.pass(1000);
        call.prompt("hello", true);
        assert_eq!(
            call.said().last(),
            Some(&(1500, "clip 1".to_owned())),
            "and is answered"
        );
    }
}

#[test]
fn an_interruption_of_nothing_and_of_a_goodbye_changes_nothing() {
    let mut call = Session::new(script());
    call.pass(2500);
    let before = call.seen.len();
    call.interrupt("Good", Some(1));
    assert_eq!(call.seen.len(), before);
    call.input(Input::Digit('9'));
    let before = call.seen.len();
    call.interrupt("good", Some(1));
    call.prompt("wait", true);
    assert_eq!(call.seen.len(), before);
    call.pass(5000);
    assert_eq!(call.exit().map(|(_, exit)| exit), Some("completed"));
}

#[test]
fn words_that_come_before_the_reckoned_end_are_answered_after_it() {
    let mut call = Session::new(script());
    call.pass(600);
    call.prompt("hello", true);
    assert_eq!(call.turns()[0], ("agent", "Good day to you.", false));
    call.pass(2399 + SLACK);
    assert_eq!(call.turns().len(), 2, "the greeting's last 400 ms come first");
    call.pass(1);
    assert_eq!(call.turns()[2], ("agent", "one two three four", false));
}

#[test]
fn an_utterance_whose_end_is_lost_is_answered_once() {
    let mut call = Session::new(script());
    call.pass(2500);
    call.prompt("are you", false);
    call.pass(1000);
    call.prompt("are you open", false);
    call.pass(STALL);
    assert_eq!(call.said().last(), Some(&(3500 + STALL, "clip 1".to_owned())));
    call.prompt("are you open today", true);
    call.pass(3500);
    assert_eq!(call.turns()[1], ("caller", "are you open", false));
    assert_eq!(call.said().len(), 2);
    call.prompt("are you open tomorrow", true);
    assert_eq!(call.said().len(), 3, "after the answer it is another one");
}

#[test]
fn an_end_without_words_ends_what_was_recognised_and_nothing_else() {
    let mut call = Session::new(script());
    call.pass(2500);
    call.prompt("", true);
    assert_eq!(call.turns().len(), 1);
    call.prompt("hello", false);
    call.prompt("  ", true);
    assert_eq!(call.turns()[1], ("caller", "hello", false));
}

#[test]
fn a_caller_who_talks_is_not_asked_whether_they_are_there_and_does_not_talk_for_ever() {
    let mut with = script();
    with.longest_turn = 20_000;
    let mut call = Session::new(with);
    call.pass(2000);
    let mut words = String::from("well");
    while call.said().len() == 1 {
        call.prompt(&words, false);
        call.pass(1000);
        words.push_str(" and");
        assert!(call.now < 40_000);
    }
    // The first words were spoken 400 ms before they came.
    assert_eq!(call.said()[1], (21_600, "good bye".to_owned()), "a long utterance");
}

#[test]
fn keys_are_gathered_and_stop_an_answer() {
    let mut call = Session::new(script());
    call.pass(600);
    call.input(Input::Digit('4'));
    assert_eq!(call.turns(), [("agent", "Good day", true)]);
    call.pass(2999);
    assert_eq!(call.said().len(), 1);
    call.pass(1);
    assert_eq!(call.turns()[1], ("caller", "4", false));
    call.input(Input::Digit('9'));
    assert_eq!(call.turns().last(), Some(&("caller", "9", false)));
    assert_eq!(
        call.said().last(),
        Some(&(3600, "good bye".to_owned())),
        "9 needs no waiting"
    );
}

#[test]
fn a_silent_caller_is_asked_twice_and_then_let_go() {
    let mut call = Session::new(script());
    call.pass(60_000);
    let asked: Vec<u64> = call
        .said()
        .iter()
        .filter(|(_, said)| said == "clip 2")
        .map(|(at, _)| *at)
        .collect();
    assert_eq!(asked, [9000, 17_600]);
    assert_eq!(call.exit(), Some((26_200, "no_reply")));
}

#[test]
fn the_end_of_the_session_tells_what_was_begun_and_nothing_more() {
    let mut call = Session::new(script());
    call.pass(500);
    call.input(Input::Stopped);
    assert_eq!(call.turns(), [("agent", "Good day", true)]);
    let before = call.seen.len();
    assert_eq!(call.talk.deadline(), None);
    call.prompt("hello", true);
    call.input(Input::Digit('9'));
    call.input(Input::Started);
    assert_eq!(call.seen.len(), before);

    let mut speaking = Session::new(script());
    speaking.pass(3000);
    speaking.prompt("I want", false);
    speaking.input(Input::Stopped);
    assert_eq!(speaking.turns().last(), Some(&("caller", "I want", true)));
}

#[test]
fn a_clip_without_sound_and_words_cannot_be_said() {
    let clips = [Clip::new(vec![], " ")];
    let script = Script::new(Answer {
        say: vec![0],
        exit: None,
    });
    let error = Relayed::new(Arc::new(script), &clips).unwrap_err();
    assert_eq!(error, ScriptError::EmptyClip { clip: 0 });
}

#[derive(Debug, Clone)]
enum Act {
    Pass(u64),
    Prompt(&'static str, bool),
    Interrupt(&'static str, Option<u64>),
    Key(char),
}

fn act() -> impl Strategy<Value = Act> {
    let words = proptest::sample::select(vec!["", "yes", "yes please", "one two", "a b c d e f g h i j k"]);
    prop_oneof![
        (1u64..5000).prop_map(Act::Pass),
        (words, any::<bool>()).prop_map(|(words, last)| Act::Prompt(words, last)),
        (
            proptest::sample::select(vec!["", "nothing of ours"]),
            proptest::option::of(0u64..5000)
        )
            .prop_map(|(heard, ms)| Act::Interrupt(heard, ms)),
        proptest::sample::select(vec!['1', '9', '#']).prop_map(Act::Key),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_a_caller_does(acts in proptest::collection::vec(act(), 0..40), interruptible: bool, stop: bool) {
        let mut with = script();
        with.greeting = Some(Greeting { clip: GREETING, interruptible });
        with.longest_turn = 2500;
        let mut call = Session::new(with);
        for act in acts {
            match act {
                Act::Pass(millis) => call.pass(millis),
                Act::Prompt(words, last) => call.prompt(words, last),
                Act::Interrupt(heard, ms) => call.interrupt(heard, ms),
                Act::Key(key) => call.input(Input::Digit(key)),
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
                call.input(Input::Tick);
                prop_assert!(call.talk.deadline().is_none_or(|next| next > call.now));
            }
            prop_assert!(call.exit().is_some(), "it never ended");
        }

        let finishes = call.seen.iter().filter(|(_, output)| matches!(output, Output::Finish { .. })).count();
        prop_assert!(finishes <= 1);
        let said = call.said();
        prop_assert_eq!(said.iter().filter(|(_, said)| said == "clip 0").count(), 1);
        let answers = said.iter().filter(|(_, said)| said == "clip 1" || said == "good bye").count();
        let caller = call.turns().iter().filter(|turn| turn.0 == "caller").count();
        prop_assert!(answers <= caller, "{} answers to {} turns", answers, caller);

        let mut begun: Option<(u64, Clip)> = None;
        for (at, output) in &call.seen {
            match output {
                Output::Play { clip, .. } => begun = Some((*at, clips()[*clip].clone())),
                Output::Say { text, .. } => begun = Some((*at, Clip::new(vec![], text.clone()))),
                Output::Turn(turn) if turn.role == Role::Agent => {
                    let Some((began, clip)) = begun.take() else {
                        return Err(TestCaseError::fail("an answer was told that was never begun"));
                    };
                    let words = turn.text.split_whitespace().count() as u64;
                    let all = clip.text.split_whitespace().count() as u64;
                    let millis = if clip.ulaw.is_empty() { speaking_time(&clip.text) } else { clip.millis() };
                    prop_assert!(clip.text.starts_with(&*turn.text));
                    if turn.interrupted {
                        prop_assert!(words <= all * (at - began) / millis, "{} words in {} ms", words, at - began);
                    } else {
                        prop_assert_eq!(words, all);
                    }
                    prop_assert!(turn.started <= turn.ended);
                }
                Output::State(State::Listening) => prop_assert!(begun.is_none()),
                _ => {}
            }
        }
    }
}
