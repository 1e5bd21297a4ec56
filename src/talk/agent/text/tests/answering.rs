//! From the caller's words to the answer's end.

use super::super::voice::SLACK;
use super::world::*;
use crate::talk::agent::{Filler, Greeting, Line, Plan};
use crate::talk::relay::{Input, Output, speaking_time};
use crate::talk::{End, Order, Role, Signal, State};

const ANSWER: &[Thought] = &[
    Thought::Say("We have two. "),
    Thought::Say("Which one"),
    Thought::Say("?"),
];

fn greeting() -> Plan {
    Plan {
        greeting: Some(Greeting {
            line: Line::clip(GREETING),
            interruptible: true,
        }),
        ..plan()
    }
}

#[test]
fn a_prompt_is_answered_at_once_and_sentence_by_sentence() {
    let mut world = World::new(greeting(), &[ANSWER]);
    world.pass(3000);
    world.partial("do you");
    world.pass(500);
    world.prompt("Do you have a flat?");
    assert_eq!(
        world.asked(),
        [vec![agent("good day to you"), caller("Do you have a flat?")]]
    );
    world.pass(20_000 - 3500);
    let expected = [
        (0, "clip 0".to_owned()),
        // The first sentence is whole as soon as it is followed by a space, the second when nothing follows.
        (3800, "We have two.+".to_owned()),
        (3860, "Which one?|".to_owned()),
    ];
    assert_eq!(world.said()[..3], expected);
    assert_eq!(
        world.turns()[..3],
        [
            (Role::Agent, "good day to you", false),
            (Role::Caller, "Do you have a flat?", false),
            (Role::Agent, "We have two. Which one?", false)
        ]
    );
    assert_eq!(
        world.states()[..5],
        [
            State::Speaking,
            State::Listening,
            State::Thinking,
            State::Speaking,
            State::Listening
        ]
    );
    let heard = 3800 + speaking_time("We have two.") + speaking_time("Which one?") + SLACK;
    let listening = world.times(|output| *output == Output::State(State::Listening));
    assert_eq!(listening[..2], [1000 + SLACK, heard]);
    let turns: Vec<_> = world.all_turns().collect();
    assert_eq!(turns[1].facts, None, "nobody here knows when the carrier heard what");
    assert_eq!((turns[1].started, turns[1].ended), (ZERO + 3000 - 800, ZERO + 3500));
    let facts = turns[2].facts.as_ref().unwrap();
    assert_eq!(
        (facts.first_token, facts.sent, facts.first_audio),
        (Some(300), Some(300), None)
    );
    assert_eq!(facts.characters, 22);
}

#[test]
fn an_answer_that_ends_without_words_left_is_ended_by_an_empty_part() {
    let mut world = World::new(plan(), &[&[Thought::Say("All done.\n")]]);
    world.prompt("hello there");
    world.pass(1000);
    assert_eq!(world.said(), [(300, "All done.+".to_owned()), (320, "|".to_owned())]);
}

#[test]
fn the_clock_does_not_outlast_the_caller() {
    // What comes after an answer without cutting it off shows that it was heard, nods among it.
    let mut world = World::new(plan(), &[ANSWER]);
    world.prompt("hello there");
    world.pass(1000);
    world.partial("yes");
    assert_eq!(world.turns().len(), 1, "an echo or a beginning: it waits for more");
    world.prompt("yes");
    assert_eq!(
        world.turns()[1..],
        [
            (Role::Agent, "We have two. Which one?", false),
            (Role::Caller, "yes", false)
        ]
    );
    world.pass(10_000);
    assert_eq!(world.asked().len(), 2);
    // After the reckoned end a beginning is enough.
    world.prompt("that one");
    world.pass(300 + 60 + speaking_time("We have two.") + speaking_time("Which one?"));
    let turns = world.turns().len();
    world.partial("and");
    assert_eq!(world.turns().len(), turns + 1);
}

#[test]
fn the_agents_whole_last_sentence_is_no_turn_and_anything_less_is() {
    let mind: &[&[Thought]] = &[&[Thought::Say("We have two. Would you like to see the flat in Haifa?")]];
    let heard = || {
        let mut world = World::new(plan(), mind);
        world.prompt("hello there");
        world.pass(1500);
        world
    };
    let mut world = heard();
    world.prompt("would you like to see the flat in Haifa");
    assert_eq!(world.turns().len(), 1);
    world.pass(4500);
    assert_eq!(world.states().last(), Some(&State::Listening));
    world.prompt("Would you like to see the flat in Haifa?");
    assert_eq!(world.turns().len(), 2, "and shortly after it");
    assert_eq!(world.asked().len(), 1);
    // The carrier takes echoes out: callers answer with words of the question.
    let mut world = heard();
    world.prompt("like to see the flat in Haifa");
    assert_eq!(world.asked().len(), 2);
    assert_eq!(world.turns()[2], (Role::Caller, "like to see the flat in Haifa", false));
}

#[test]
fn a_caller_who_goes_on_while_the_answer_is_thought_of_gets_one_for_everything() {
    let mut world = World::new(plan(), &[ANSWER]);
    world.prompt("I want a flat");
    world.pass(100);
    world.partial("in");
    world.pass(500);
    assert_eq!(world.said(), [], "the answer to half of it is not given");
    world.prompt("in Haifa");
    world.pass(1000);
    assert_eq!(world.asked()[1], [caller("I want a flat"), caller("in Haifa")]);
    assert_eq!(world.said().len(), 2);
    let late = Signal::Token {
        generation: 1,
        text: "Late. ".into(),
    };
    let seen = world.seen.len();
    world.input(Input::Signal(&late));
    assert_eq!(world.seen.len(), seen, "and what is late is dropped");
}

#[test]
fn a_nod_or_a_repetition_while_it_thinks_changes_nothing() {
    for words in ["okay", "I want a flat.", "...", ""] {
        let mut world = World::new(plan(), &[ANSWER]);
        world.prompt("I want a flat");
        world.pass(100);
        world.prompt(words);
        world.pass(900);
        assert_eq!(world.asked().len(), 1, "{words}");
        assert_eq!(world.said().len(), 2, "{words}");
    }
}

#[test]
fn an_utterance_whose_end_is_lost_is_answered_once() {
    let mut world = World::new(plan(), &[ANSWER]);
    world.pass(1000);
    world.partial("are you");
    world.pass(1000);
    world.partial("are you open");
    world.pass(3000);
    assert_eq!(world.turns(), [(Role::Caller, "are you open", false)]);
    world.prompt("are you open today");
    world.pass(8000);
    assert_eq!(world.asked().len(), 1);
    world.prompt("are you open tomorrow");
    assert_eq!(world.asked().len(), 2, "after the answer it is another one");
}

#[test]
fn the_end_of_an_utterance_need_not_repeat_it() {
    let mut world = World::new(plan(), &[ANSWER]);
    world.prompt(" ");
    assert_eq!(world.asked().len(), 0);
    world.partial("hello");
    world.prompt("");
    assert_eq!(world.turns(), [(Role::Caller, "hello", false)]);
}

#[test]
fn words_that_are_recognised_anew_replace_what_was_recognised() {
    let mut world = World::new(plan(), &[ANSWER]);
    world.partial("eye am");
    world.partial("I am here");
    world.prompt("I am here now");
    assert_eq!(world.turns(), [(Role::Caller, "I am here now", false)]);
}

#[test]
fn keys_are_a_turn_and_stop_an_answer() {
    let mut world = World::new(greeting(), &[ANSWER]);
    world.pass(500);
    world.input(Input::Digit('4'));
    assert_eq!(world.turns(), [(Role::Agent, "good day", true)]);
    world.input(Input::Digit('2'));
    world.pass(2999);
    assert_eq!(world.turns().len(), 1);
    world.pass(1);
    assert_eq!(world.turns()[1], (Role::Caller, "42", false));
    world.pass(1000);
    world.input(Input::Digit('7'));
    world.prompt("is my number");
    assert_eq!(world.turns().last(), Some(&(Role::Caller, "7 is my number", false)));
}

#[test]
fn a_silent_caller_is_asked_and_then_let_go() {
    let mut world = World::new(greeting(), &[ANSWER]);
    world.pass(60_000);
    let round = 8000 + 1000 + SLACK;
    let asked: Vec<u64> = world.said()[1..].iter().map(|(at, _)| *at).collect();
    assert_eq!(asked, [10_000, 10_000 + round, 10_000 + 2 * round]);
    assert_eq!(world.finished(), Some((10_000 + 3 * round, "no_reply", End::Idle)));
}

#[test]
fn a_caller_who_waits_is_told_so() {
    let mut patient = plan();
    patient.filler = Filler {
        line: Some(Line::clip(FILLER)),
        ..Filler::default()
    };
    let mut world = World::new(patient, &[&[Thought::Wait(1000), Thought::Say("Here it is.")]]);
    world.prompt("find me a flat");
    world.pass(2000);
    // The filler has no sound: the carrier speaks it, and the answer goes on from there.
    assert_eq!(
        world.said(),
        [(800, "one moment+".to_owned()), (1320, "Here it is.|".to_owned())]
    );
    world.pass(5000);
    assert_eq!(world.turns()[1], (Role::Agent, "one moment Here it is.", false));
    world.prompt("thank you");
    assert_eq!(
        world.asked()[1][1],
        agent("Here it is."),
        "a filler is not what the model said"
    );
}

#[test]
fn an_answer_that_comes_in_the_last_moment_needs_no_filler() {
    let mut patient = plan();
    patient.filler = Filler {
        line: Some(Line::clip(IDLE)),
        ..Filler::default()
    };
    let mut world = World::new(patient, &[&[Thought::Wait(500), Thought::Say("Here it is. ")]]);
    world.prompt("find me a flat");
    world.pass(2000);
    assert_eq!(world.said(), [(800, "Here it is.+".to_owned()), (820, "|".to_owned())]);
}

#[test]
fn a_model_that_fails_or_hangs_is_apologised_for() {
    let cases: [(&[Thought], u64); 3] = [
        (&[Thought::Fail], 300),
        (&[Thought::Hang], 6000),
        (&[Thought::Say("Well, the "), Thought::Hang], 6300),
    ];
    for (mind, at) in cases {
        let mut world = World::new(plan(), &[mind]);
        world.prompt("hello there");
        world.pass(20_000);
        assert_eq!(world.said(), [(at, "clip 2".to_owned())], "{mind:?}");
        assert_eq!(world.finished(), Some((at + 1000 + SLACK, "failed", End::ThinkFailed)));
    }
}

#[test]
fn words_that_wait_for_more_are_spoken_where_no_more_come() {
    let mut world = World::new(plan(), &[&[Thought::Say("One. "), Thought::Wait(500), Thought::Fail]]);
    world.prompt("hello there");
    world.pass(2000);
    let said: Vec<String> = world.said().into_iter().map(|(_, said)| said).collect();
    assert_eq!(said, ["One.+", "|", "clip 2"]);
    assert!(
        world
            .seen
            .iter()
            .any(|(_, output)| matches!(output, Output::Order(Order::Cancel { generation: 1 })))
    );
}

#[test]
fn the_same_answer_again_and_again_is_a_loop() {
    let mut world = World::new(plan(), &[&[Thought::Say("Please say that again.")]]);
    for words in ["one", "two", "three", "four", "five"] {
        world.prompt(words);
        world.pass(5000);
    }
    assert_eq!(
        world.finished().map(|(_, exit, why)| (exit, why)),
        Some(("failed", End::Repeating))
    );
}

#[test]
fn a_conversation_ends_at_its_longest() {
    let mut short = plan();
    short.longest = 5000;
    let mut world = World::new(short, &[ANSWER]);
    world.pass(4000);
    world.prompt("hello there");
    world.pass(20_000);
    assert_eq!(
        world.said().last().map(|(_, said)| said.as_str()),
        Some("time is over (all of it)")
    );
    assert_eq!(
        world.finished().map(|(_, exit, why)| (exit, why)),
        Some(("completed", End::TooLong))
    );
}

#[test]
fn the_end_of_the_session_tells_what_was_begun_and_nothing_more() {
    let mut world = World::new(greeting(), &[ANSWER]);
    world.pass(500);
    world.input(Input::Stopped);
    assert_eq!(world.turns(), [(Role::Agent, "good day", true)]);
    let seen = world.seen.len();
    world.prompt("hello");
    world.interrupt("good", None);
    world.input(Input::Digit('1'));
    world.input(Input::Started);
    world.pass(60_000);
    assert_eq!(world.seen.len(), seen);

    let mut world = World::new(plan(), &[ANSWER]);
    world.partial("I want");
    world.input(Input::Stopped);
    assert_eq!(world.turns(), [(Role::Caller, "I want", true)]);
}

#[test]
fn the_caller_waits_from_the_end_of_the_carriers_welcome() {
    let after = Plan::default().idle.after;
    let welcomed = || {
        let plan = Plan {
            welcome: 12_000,
            quiet_before: 2_000,
            ..plan()
        };
        World::new(plan, &[ANSWER])
    };
    let idle = |at: u64| (at, format!("clip {IDLE}"));
    let mut world = welcomed();
    world.pass(12_000 + after + 100);
    assert_eq!(world.said(), [idle(12_000 + after)]);
    // Cut off without a word that is understood, it is over.
    let mut world = welcomed();
    world.pass(3_000);
    world.interrupt("", None);
    world.pass(after + 100);
    assert_eq!(world.said(), [idle(3_000 + after)]);
}
