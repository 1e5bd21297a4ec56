//! Who says what when, and what is told of it.

use super::world::*;
use crate::talk::agent::{Greeting, Line};
use crate::talk::{LiveOrder, LiveSignal, Output, Role, Signal, Stage, State};

const MIND: &[&[Thought]] = &[&[Thought::Say("fine words here")]];

fn serving() -> Signal {
    Signal::Serving {
        stage: Stage::Live,
        provider: "openai".into(),
        instead_of: None,
    }
}

#[test]
fn a_question_is_answered_and_both_turns_are_told_in_order() {
    let mut world = World::new(plan(), MIND);
    world.post(100, serving());
    world.quiet(600);
    world.say("what is it like");
    world.quiet(3000);
    assert_eq!(world.heard(), "fine words here");
    let expected = [
        (Role::Caller, "what is it like", false),
        (Role::Agent, "fine words here", false),
    ];
    assert_eq!(world.turns(), expected);
    assert_eq!(
        world.states(),
        [State::Listening, State::Thinking, State::Speaking, State::Listening]
    );
    let turns: Vec<_> = world.all_turns().collect();
    let (asked, answered) = (turns[0].facts.as_ref().unwrap(), turns[1].facts.as_ref().unwrap());
    assert!((580..=620).contains(&(turns[0].started - 5000)) && (1380..=1420).contains(&(turns[0].ended - 5000)));
    let near = |found: Option<u32>, wanted: u32| found.is_some_and(|found| found.abs_diff(wanted) <= 40);
    assert!(near(asked.end_of_turn, 500) && near(asked.transcript, 900), "{asked:?}");
    assert!(near(answered.first_token, 800) && near(answered.first_audio, 800) && near(answered.sent, 800));
    assert_eq!(answered.usage.map(|usage| usage.prompt), Some(10));
    assert_eq!((&*asked.provider, &*answered.provider), ("openai", "openai"));
    assert_eq!(world.responds(), 0, "the model answers by itself");
}

#[test]
fn marks_follow_every_half_second_and_the_end() {
    let mut world = World::new(plan(), &[&[Thought::Say("one two three four five six")]]);
    world.quiet(600);
    world.say("go");
    world.quiet(1500);
    // 1.2 s of sound: two half seconds and the rest.
    assert_eq!(world.times(|output| matches!(output, Output::Mark { .. })).len(), 3);
}

#[test]
fn words_of_the_caller_that_come_late_are_told_before_the_answer() {
    let mut world = World::new(plan(), MIND);
    world.transcript = Some(2500);
    world.quiet(600);
    world.say("hello");
    world.quiet(5000);
    assert_eq!(
        world.turns(),
        [(Role::Caller, "hello", false), (Role::Agent, "fine words here", false)]
    );
}

#[test]
fn words_of_the_caller_that_never_come_or_too_late_leave_one_turn_without_them() {
    for (transcript, text) in [(None, ""), (Some(4500), "hello")] {
        let mut world = World::new(plan(), MIND);
        world.transcript = transcript;
        world.quiet(600);
        // Half of it comes in time.
        world.say("hello there");
        world.quiet(7000);
        assert_eq!(
            world.turns(),
            [(Role::Caller, text, false), (Role::Agent, "fine words here", false)]
        );
    }
}

#[test]
fn a_greeting_is_played_at_once_or_spoken_when_the_model_is_there() {
    let mut plan = plan();
    plan.greeting = Some(Greeting {
        line: Line::clip(GREETING),
        interruptible: true,
    });
    let mut world = World::new(plan.clone(), MIND);
    world.quiet(1500);
    assert_eq!(world.heard(), "good day to you all");
    assert!(world.orders().is_empty());

    plan.greeting = Some(Greeting {
        line: Line::words("welcome to all"),
        interruptible: true,
    });
    let mut world = World::new(plan, MIND);
    world.quiet(280);
    assert!(world.orders().is_empty(), "nobody is there to ask");
    world.quiet(3000);
    let instructions = Some("Say exactly: welcome to all".into());
    assert_eq!(world.orders(), [&LiveOrder::Respond { instructions }]);
    assert_eq!(world.turns(), [(Role::Agent, "welcome to all", false)]);
}

#[test]
fn speech_over_an_uninterruptible_greeting_is_not_heard() {
    let mut plan = plan();
    plan.greeting = Some(Greeting {
        line: Line::clip(GREETING),
        interruptible: false,
    });
    let mut world = World::new(plan, MIND);
    world.quiet(100);
    world.say("hi");
    world.quiet(2000);
    assert_eq!(world.heard(), "good day to you all");
    // It is told, and not answered.
    let expected = [(Role::Agent, "good day to you all", false), (Role::Caller, "hi", false)];
    assert_eq!((world.turns(), world.responds()), (expected.to_vec(), 0));
    world.say("hello again");
    world.quiet(3000);
    assert_eq!(world.heard(), "good day to you all fine words here");
}

#[test]
fn another_model_that_takes_over_is_asked_again() {
    let mut plan = plan();
    plan.greeting = Some(Greeting {
        line: Line::words("welcome"),
        interruptible: true,
    });
    let mut world = World::new(plan, MIND);
    world.thinks = 100_000;
    world.quiet(1000);
    world.input(crate::talk::Input::Signal(&Signal::Serving {
        stage: Stage::Live,
        provider: "other".into(),
        instead_of: Some("openai".into()),
    }));
    world.thinks = 200;
    world.quiet(500);
    world.live(LiveSignal::Ready);
    world.quiet(2000);
    assert_eq!((world.responds(), &*world.heard()), (2, "welcome"));
    assert_eq!(world.finished(), None);
}

#[test]
fn a_model_without_ears_is_asked_to_answer_what_is_heard_here() {
    let mut world = World::new(plan(), MIND);
    world.has_ears = false;
    world.quiet(600);
    world.say("can you hear me");
    world.quiet(7000);
    assert_eq!((world.responds(), &*world.heard()), (1, "fine words here"));
    assert_eq!(world.turns()[0].0, Role::Caller);
}

#[test]
fn a_model_that_answers_without_telling_what_it_heard_is_heard() {
    let mut world = World::new(plan(), MIND);
    world.has_ears = false;
    world.quiet(600);
    world.say("can you hear me");
    world.quiet(500);
    world.think();
    world.quiet(3000);
    assert_eq!((world.responds(), &*world.heard()), (0, "fine words here"));
    assert_eq!(
        world
            .times(|output| matches!(output, Output::EndOfUtterance { .. }))
            .len(),
        1
    );
}

#[test]
fn noise_that_the_model_does_not_take_for_speech_is_no_turn() {
    let mut world = World::new(plan(), MIND);
    world.quiet(600);
    world.say("hello");
    world.quiet(4000);
    world.speech(700);
    world.quiet(4500);
    assert_eq!((world.turns().len(), world.responds()), (2, 0));
}

#[test]
fn a_model_that_does_not_begin_by_itself_is_asked_to() {
    let mut world = World::new(plan(), MIND);
    world.is_eager = false;
    world.quiet(600);
    world.say("hello");
    world.quiet(6000);
    assert_eq!((world.responds(), &*world.heard()), (1, "fine words here"));
}

#[test]
fn a_caller_who_waits_hears_the_filler_once() {
    let mut plan = plan();
    plan.filler.line = Some(Line::clip(FILLER));
    let mut world = World::new(plan, MIND);
    world.thinks = 2000;
    world.quiet(600);
    world.say("hello");
    world.quiet(5000);
    assert_eq!(world.heard(), "one moment fine words here");
}

#[test]
fn an_answer_without_sound_is_asked_for_once_more() {
    let mut world = World::new(plan(), &[&[], &[Thought::Say("here it is")]]);
    world.quiet(600);
    world.say("hello");
    world.quiet(4000);
    assert_eq!(
        (world.responds(), &*world.heard(), world.finished()),
        (1, "here it is", None)
    );
}

#[test]
fn keys_are_typed_and_answered() {
    for (keys, after) in [("12#", 0), ("12", 3000)] {
        let mut world = World::new(plan(), MIND);
        world.quiet(600);
        world.keys(keys);
        world.quiet(2000 + after);
        let typed = world.times(|output| {
            matches!(output, Output::Order(crate::talk::Order::Live(LiveOrder::Typed { text })) if &**text == "12")
        });
        assert_eq!(typed, [600 + after]);
        assert_eq!(world.heard(), "fine words here");
        assert_eq!(
            world.turns(),
            [(Role::Caller, "12", false), (Role::Agent, "fine words here", false)]
        );
    }
}
