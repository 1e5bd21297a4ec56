//! How conversations end, and that each does.

use super::world::*;
use crate::talk::agent::{Greeting, Line};
use crate::talk::{End, Input, Output, Role, Talk};

const MIND: &[&[Thought]] = &[&[Thought::Say("fine words here")]];

#[test]
fn a_model_that_is_not_there_in_time_has_failed() {
    for line in [None, Some(Line::clip(GREETING)), Some(Line::words("welcome"))] {
        let mut plan = plan();
        let is_clip = line.as_ref().is_some_and(|line| line.clip.is_some());
        plan.greeting = line.map(|line| Greeting {
            line,
            interruptible: true,
        });
        let mut world = World::without_model(plan, MIND);
        world.quiet(5900);
        assert_eq!(world.finished(), None);
        world.quiet(1000);
        assert_eq!(world.finished(), Some(("failed", End::LiveFailed)));
        let greeting = if is_clip { "good day to you all " } else { "" };
        assert_eq!(world.heard(), format!("{greeting}sorry about that"));
    }
}

#[test]
fn a_model_that_does_not_answer_has_failed() {
    for mind in [&[Thought::Hang][..], &[Thought::Say("well then"), Thought::Hang]] {
        let mut world = World::new(plan(), &[mind]);
        world.quiet(600);
        world.say("hello");
        world.quiet(12_000);
        assert_eq!(world.finished(), Some(("failed", End::LiveFailed)));
        assert!(world.heard().ends_with("sorry about that"));
    }
}

#[test]
fn a_failure_is_told_and_what_was_given_is_heard_before() {
    let mut world = World::new(plan(), MIND);
    world.quiet(600);
    world.say("hello");
    world.quiet(1000);
    world.fail();
    world.fail();
    world.quiet(3000);
    assert_eq!(world.finished(), Some(("failed", End::LiveFailed)));
    assert_eq!(world.heard(), "fine words here sorry about that");

    // Words of what was lost do not become words that were heard.
    let mut world = World::new(plan(), &[&[Thought::Say("first second third fourth")]]);
    world.quiet(600);
    world.say("hello");
    while world.times(|output| matches!(output, Output::Sound { .. })).is_empty() {
        world.quiet(20);
    }
    world.fail();
    world.quiet(3000);
    assert_eq!(world.turns()[1].1, "first sorry about that");

    let mut plan = plan();
    plan.sorry = Some(Line::words("excuse me"));
    let mut world = World::new(plan, MIND);
    world.quiet(600);
    world.fail();
    assert_eq!(
        world.finished(),
        Some(("failed", End::LiveFailed)),
        "nobody is left who could say it"
    );
}

#[test]
fn a_silent_caller_is_prompted_and_then_left() {
    let mut plan = plan();
    plan.idle.times = 2;
    let mut world = World::new(plan.clone(), MIND);
    world.quiet(30_000);
    assert_eq!(world.heard(), "still there still there");
    assert_eq!(world.finished(), Some(("no_reply", End::Idle)));

    plan.idle.line = Some(Line::words("hello again"));
    let mut world = World::new(plan, MIND);
    world.quiet(30_000);
    assert_eq!(world.heard(), "hello again hello again");
}

#[test]
fn a_conversation_that_is_too_long_ends_at_a_pause() {
    let mut plan = plan();
    plan.longest = 2000;
    let mut world = World::new(plan, MIND);
    world.quiet(600);
    world.say("hello");
    world.quiet(5000);
    assert_eq!(world.heard(), "fine words here time is over");
    assert_eq!(world.finished(), Some(("completed", End::TooLong)));
}

#[test]
fn a_conversation_without_a_pause_ends_as_well() {
    let mut plan = plan();
    plan.longest = 2000;
    let mut world = World::new(plan, MIND);
    world.quiet(600);
    world.live(crate::talk::LiveSignal::SpeechStarted);
    world.speech(32_000);
    assert_eq!(world.finished(), Some(("completed", End::TooLong)));
    assert_eq!(world.turns(), [(Role::Caller, "", true)]);
}

#[test]
fn a_model_that_repeats_itself_is_stopped() {
    let mut world = World::new(plan(), MIND);
    world.quiet(600);
    for _ in 0..4 {
        assert_eq!(world.finished(), None);
        world.say("hello");
        world.quiet(3000);
    }
    assert_eq!(world.finished(), Some(("failed", End::Repeating)));
}

#[test]
fn marks_that_are_lost_hold_nothing_up() {
    let mut world = World::new(plan(), MIND);
    world.has_marks = false;
    world.quiet(600);
    world.say("hello");
    world.quiet(4500);
    assert_eq!(world.turns()[1], (Role::Agent, "fine words here", false));
}

#[test]
fn a_line_that_is_gone_leaves_what_was_heard() {
    let mut world = World::new(plan(), &[&[Thought::Say("first second third fourth fifth")]]);
    world.quiet(600);
    world.say("hello");
    world.quiet(1300);
    world.input(Input::Stopped);
    let turns = world.turns();
    assert_eq!(turns[0], (Role::Caller, "hello", false));
    assert!(turns[1].2 && "first second third fourth fifth".starts_with(turns[1].1) && !turns[1].1.is_empty());
    assert_eq!((world.finished(), world.talk.deadline()), (None, None));
    let count = world.seen.len();
    world.quiet(20_000);
    assert!(world.seen.len() == count && !world.seen.iter().any(|(_, seen)| matches!(seen, Output::Finish { .. })));
}

#[test]
fn a_plan_that_does_not_fit_is_refused() {
    let mut plan = plan();
    plan.idle.line = Some(Line::clip(99));
    assert!(crate::talk::live::LiveConversation::new(std::sync::Arc::new(plan), &clips()).is_err());
}
