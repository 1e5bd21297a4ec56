//! The caller cuts an answer off.

use super::world::*;
use crate::talk::agent::{Greeting, Line, Plan};
use crate::talk::{LiveOrder, Output, Role};

const LONG: &str = "first second third fourth fifth sixth seventh eighth ninth tenth";
const MIND: &[&[Thought]] = &[&[Thought::Say(LONG)], &[Thought::Say("of course")]];

/// The caller has asked, and hears the answer for this long.
fn answered(plan: Plan, heard: u64) -> World {
    let mut world = World::new(plan, MIND);
    world.quiet(600);
    world.say("hello");
    world.quiet(800 + heard);
    world
}

fn truncated(world: &World) -> Vec<u64> {
    let orders = world.orders().into_iter();
    let heard = |order: &LiveOrder| match order {
        LiveOrder::Truncate { item, heard } if &**item == "i0" => Some(*heard),
        _ => None,
    };
    orders.filter_map(heard).collect()
}

#[test]
fn speech_clears_what_is_unheard_and_the_model_learns_what_was_heard() {
    let mut world = answered(plan(), 900);
    world.say("wait please");
    world.quiet(4000);
    let heard = truncated(&world);
    assert!(heard.len() == 1 && (950..=1050).contains(&heard[0]), "{heard:?}");
    assert_eq!(world.times(|output| *output == Output::Clear).len(), 1);
    assert_eq!(world.times(|output| matches!(output, Output::BargeIn { .. })).len(), 1);
    let turns = world.turns();
    assert_eq!(turns[0], (Role::Caller, "hello", false));
    assert!(matches!(
        turns[1],
        (
            Role::Agent,
            "first second third fourth" | "first second third fourth fifth",
            true
        )
    ));
    assert_eq!(
        turns[2..],
        [(Role::Caller, "wait please", false), (Role::Agent, "of course", false)]
    );
    assert!(world.heard().ends_with("of course"), "{}", world.heard());
}

#[test]
fn a_caller_who_goes_on_before_the_answer_cuts_nothing_off() {
    let mut world = World::new(plan(), MIND);
    world.thinks = 2000;
    world.quiet(600);
    world.say("hello");
    world.quiet(900);
    world.say("and more");
    world.quiet(5000);
    assert_eq!(
        world
            .times(|output| matches!(output, Output::BargeIn { .. } | Output::Clear))
            .len(),
        0
    );
    assert_eq!(world.heard(), "of course");
    let expected = [
        (Role::Caller, "hello", false),
        (Role::Caller, "and more", false),
        (Role::Agent, "of course", false),
    ];
    assert_eq!(world.turns(), expected);
}

#[test]
fn long_speech_cuts_off_though_the_model_says_nothing_of_it() {
    let mut world = answered(plan(), 700);
    world.has_ears = false;
    world.say("wait wait wait wait");
    assert_eq!(
        world
            .times(|output| matches!(output, Output::BargeIn { ms } if *ms >= 500))
            .len(),
        1
    );
    world.quiet(6000);
    assert!(world.heard().ends_with("of course"), "{}", world.heard());
    assert_eq!(world.turns().iter().filter(|turn| turn.2).count(), 1);
}

#[test]
fn short_speech_that_the_model_does_not_hear_cuts_nothing_off() {
    let mut world = answered(plan(), 700);
    world.has_ears = false;
    world.say("mm");
    world.quiet(4000);
    assert_eq!(world.heard(), LONG);
}

#[test]
fn an_answer_that_may_not_be_cut_off_is_not() {
    let mut plan = plan();
    plan.barge_in.allowed = false;
    let mut world = answered(plan, 600);
    world.say("wait wait");
    world.quiet(4000);
    assert_eq!(world.heard(), LONG);
    assert_eq!(world.turns().len(), 2);
}

#[test]
fn a_key_cuts_off_and_begins_a_turn() {
    let mut world = answered(plan(), 700);
    world.keys("7#");
    world.quiet(3000);
    assert!(world.heard().ends_with("of course"));
    let turns = world.turns();
    assert!(turns[1].2);
    assert_eq!(turns[2], (Role::Caller, "7", false));
}

#[test]
fn a_greeting_clip_that_is_cut_off_is_told_as_far_as_it_was_heard() {
    let mut plan = plan();
    plan.greeting = Some(Greeting {
        line: Line::clip(GREETING),
        interruptible: true,
    });
    let mut world = World::new(plan, &[&[Thought::Say("yes")]]);
    world.quiet(500);
    world.say("hi");
    world.quiet(3000);
    let turns = world.turns();
    assert!(
        turns[0].2 && turns[0].1.starts_with("good day") && !turns[0].1.contains("all"),
        "{turns:?}"
    );
    assert!(truncated(&world).is_empty());
}

#[test]
fn sound_that_nobody_heard_is_truncated_at_nothing() {
    let mut world = World::new(plan(), MIND);
    world.quiet(600);
    world.say("hello");
    // The first sound leaves 800 ms after the caller's last; the next comes in the same moment.
    while world.times(|output| matches!(output, Output::Sound { .. })).is_empty() {
        world.quiet(20);
    }
    world.live(crate::talk::LiveSignal::SpeechStarted);
    assert_eq!(truncated(&world), [0]);
    world.quiet(1000);
    assert_eq!(world.heard(), "");
}
