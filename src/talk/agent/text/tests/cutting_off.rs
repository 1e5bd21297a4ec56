//! An answer that the carrier stops, and what was heard of it.

use super::world::*;
use crate::talk::agent::{Filler, Greeting, Line};
use crate::talk::relay::{Input, Output};
use crate::talk::{End, Role};

const ANSWER: &[Thought] = &[
    Thought::Say("We have two flats. "),
    Thought::Say("A big one, and a well-lit one."),
];

/// Both sentences were given to the carrier at 320 ms: 18 and 30 characters, 80 ms each.
fn speaking() -> World {
    let mut world = World::new(plan(), &[ANSWER]);
    world.prompt("what do you have");
    world.pass(2000);
    world
}

#[test]
fn the_carrier_knows_to_the_word_what_was_heard() {
    let all = "We have two flats. A big one, and a well-lit one.";
    let cases = [
        ("we have TWO", None, "We have two"),
        ("We have two flats", Some(99_999), "We have two flats."),
        ("We have two flats. A big", None, "We have two flats. A big"),
        ("We have two flats.A big", Some(10), "We have two flats. A big"),
        // A carrier that counts by message, half a word, and half of one with a hyphen.
        ("A big one, and", None, "We have two flats. A big one, and"),
        ("We have tw", None, "We have"),
        (
            "We have two flats. A big one and a well",
            None,
            "We have two flats. A big one, and a",
        ),
        (all, None, all),
        // What is not of the answer says nothing; then the clock does, and may be wrong.
        ("Something else", None, "We have two flats."),
        ("", Some(800), "We have"),
        ("", Some(60_000), "We have two flats."),
        ("", Some(0), ""),
    ];
    for (heard, ms, said) in cases {
        let mut world = speaking();
        world.interrupt(heard, ms);
        assert_eq!(world.turns()[1], (Role::Agent, said, true), "{heard:?} {ms:?}");
        let barge_in =
            |output: &Output| matches!(output, Output::BargeIn { ms: told } if ms.is_none_or(|ms| ms == *told));
        assert_eq!(world.times(barge_in), [2000]);
        world.pass(500);
        world.prompt("the big one");
        let mut expected = vec![caller("what do you have")];
        expected.extend((!said.is_empty()).then(|| agent(said)));
        expected.push(caller("the big one"));
        assert_eq!(world.asked()[1], expected, "the model is told the same");
    }
}

#[test]
fn words_after_a_sound_are_found_in_the_words_alone() {
    let mut patient = plan();
    patient.filler = Filler {
        line: Some(Line::clip(IDLE)),
        ..Filler::default()
    };
    let mut world = World::new(patient, &[&[Thought::Wait(1000), Thought::Say("Here is one.")]]);
    world.prompt("find me a flat");
    world.pass(3000);
    world.interrupt("Here is", None);
    assert_eq!(world.turns()[1], (Role::Agent, "still there Here is", true));
}

#[test]
fn an_interruption_without_words_leaves_nobody_waiting() {
    // Nothing but a noise: the question that was cut off with its answer is answered again.
    let mut world = World::new(plan(), &[ANSWER]);
    world.prompt("what do you have");
    world.pass(500);
    world.interrupt("", Some(0));
    world.pass(10_000);
    assert_eq!(world.asked().len(), 2);
    assert_eq!(world.asked()[1], [caller("what do you have")]);
    // Where the answer was heard in part, the caller has the floor.
    let mut world = speaking();
    world.interrupt("We have two flats", None);
    world.pass(14_000);
    assert_eq!(world.asked().len(), 1);
    assert_eq!(
        world.said().last().map(|(_, said)| said.as_str()),
        Some("clip 1"),
        "and is asked for it"
    );
}

#[test]
fn what_was_not_begun_or_is_over_cannot_be_cut_off() {
    let mut world = World::new(plan(), &[ANSWER]);
    world.interrupt("We", Some(1));
    world.prompt("what do you have");
    let seen = world.seen.len();
    world.interrupt("We", Some(1));
    assert_eq!(world.seen.len(), seen, "it is being thought of");
    world.pass(10_000);
    let seen = world.seen.len();
    world.interrupt("We", Some(1));
    assert_eq!(world.seen.len(), seen);
}

#[test]
fn a_key_may_be_told_before_or_after_what_it_cut_off() {
    for is_key_first in [true, false] {
        let mut world = speaking();
        if is_key_first {
            world.input(Input::Digit('5'));
        }
        world.interrupt("We have two flats. A", None);
        if !is_key_first {
            world.input(Input::Digit('5'));
        }
        world.pass(3000);
        let expected = if is_key_first {
            "We have two flats."
        } else {
            "We have two flats. A"
        };
        assert_eq!(
            world.turns()[1..],
            [(Role::Agent, expected, true), (Role::Caller, "5", false)]
        );
        assert_eq!(world.asked().len(), 2);
    }
}

#[test]
fn the_rest_of_a_stream_is_not_sent() {
    let mut world = World::new(
        plan(),
        &[&[Thought::Say("One. "), Thought::Wait(3000), Thought::Say("Two.")]],
    );
    world.prompt("count for me");
    world.pass(600);
    world.interrupt("One.", None);
    world.pass(3500);
    assert_eq!(world.said(), [(300, "One.+".to_owned())]);
}

#[test]
fn last_words_that_nobody_lets_end_are_the_end() {
    let mut world = World::new(plan(), &[&[Thought::Fail]]);
    world.prompt("hello there");
    world.pass(800);
    world.prompt("what");
    assert_eq!(world.turns().len(), 1, "they are not answered");
    world.interrupt("sorry", None);
    assert_eq!(world.turns()[1], (Role::Agent, "sorry", true));
    assert_eq!(world.finished(), Some((800, "failed", End::ThinkFailed)));
    assert_eq!(world.talk_deadline(), None);
}

#[test]
fn a_plan_may_forbid_it_and_a_key_still_does() {
    let mut strict = plan();
    strict.barge_in.allowed = false;
    strict.greeting = Some(Greeting {
        line: Line::words("Welcome to Levi."),
        interruptible: false,
    });
    let mut world = World::new(strict, &[ANSWER]);
    assert_eq!(world.said(), [(0, "Welcome to Levi. (all of it)".to_owned())]);
    world.input(Input::Digit('4'));
    world.pass(5500);
    assert_eq!(
        world.turns()[1],
        (Role::Caller, "4", false),
        "it has waited for the greeting's end"
    );
    world.prompt("and another thing");
    assert_eq!(world.asked().len(), 1, "the answer is being thought of");
    world.pass(1000);
    let is_protected = |output: &Output| {
        matches!(
            output,
            Output::Part {
                interruptible: false,
                ..
            }
        )
    };
    assert_eq!(world.times(is_protected).len(), 2, "the carrier is told");
    world.input(Input::Digit('5'));
    assert!(world.turns().last().is_some_and(|turn| turn.0 == Role::Agent && turn.2));
}
