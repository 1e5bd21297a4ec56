//! What the model is asked, and what happens where it says nothing, too late, or the same again.

use super::world::*;
use crate::talk::agent::*;
use crate::talk::{End, Order, Role};

fn asked_once(plan: Plan, mind: &[&[Thought]], think: u64, wait: u64) -> World {
    let mut world = World::new(plan, mind);
    world.delays.think = think;
    world.say("tell me");
    world.quiet(wait);
    world
}

#[test]
fn an_empty_answer_is_asked_for_once_more_and_then_a_failure() {
    let world = asked_once(
        plan(),
        &[&[Thought::Say(" 😀 ")], &[Thought::Say("better now")]],
        300,
        5000,
    );
    assert_eq!(world.asked(), [[caller("tell me")], [caller("tell me")]]);
    assert_eq!((world.heard().as_str(), world.finished()), ("better now", None));

    let world = asked_once(plan(), &[&[]], 300, 5000);
    assert_eq!(world.asked().len(), 2);
    assert_eq!(world.heard(), "sorry about that");
    assert_eq!(world.finished(), Some(("failed", End::ThinkFailed)));
}

#[test]
fn a_model_that_fails_or_hangs_ends_the_conversation() {
    let cases: [(&[Thought], u64, &str); 3] = [
        (&[Thought::Fail], 3000, "sorry about that"),
        (&[Thought::Hang], 8500, "sorry about that"),
        (
            &[Thought::Say("First part. And"), Thought::Hang],
            9500,
            "First part. sorry about that",
        ),
    ];
    for (mind, wait, heard) in cases {
        let mut world = World::new(plan(), &[mind]);
        world.say("tell me");
        world.quiet(wait);
        assert_eq!(world.heard(), heard, "{mind:?}");
        assert_eq!(world.finished(), Some(("failed", End::ThinkFailed)), "{mind:?}");
    }
    let mut silent = plan();
    silent.sorry = None;
    let world = asked_once(silent, &[&[Thought::Fail]], 300, 1500);
    assert_eq!(world.finished(), Some(("failed", End::ThinkFailed)));
}

#[test]
fn an_apology_of_words_needs_a_voice() {
    let mut worded = plan();
    worded.sorry = Some(Line::words("we are sorry"));
    let world = asked_once(worded.clone(), &[&[Thought::Fail]], 300, 4000);
    assert_eq!(world.heard(), "we are sorry");
    let mut world = World::new(worded, &[&[Thought::Fail]]);
    world.has_voice = false;
    world.say("tell me");
    world.quiet(6000);
    assert_eq!(world.heard(), "");
    assert_eq!(world.finished(), Some(("failed", End::ThinkFailed)));
}

#[test]
fn nobody_listening_ends_the_conversation() {
    let mut world = World::new(plan(), &[]);
    world.quiet(1000);
    world.signal(Signal::Failed {
        stage: Stage::Listen,
        generation: 0,
        error: "gone".into(),
    });
    world.quiet(2000);
    assert_eq!(world.heard(), "sorry about that");
    assert_eq!(world.finished(), Some(("failed", End::ListenFailed)));
}

#[test]
fn a_wait_is_bridged_once_and_not_part_of_what_the_model_remembers() {
    for line in [Line::clip(FILLER), Line::words("one moment")] {
        let mut filled = plan();
        filled.filler.line = Some(line);
        let mut world = asked_once(filled, &[&[Thought::Say("here it is")]], 2500, 6000);
        assert_eq!(world.heard(), "one moment here it is");
        assert_eq!(world.turns()[1], (Role::Agent, "one moment here it is", false));
        world.say("and now");
        world.quiet(1000);
        assert_eq!(
            world.asked()[1],
            [caller("tell me"), agent("here it is"), caller("and now")]
        );
    }
    let mut filled = plan();
    filled.filler.line = Some(Line::clip(FILLER));
    let world = asked_once(filled, &[&[Thought::Say("here it is")]], 300, 4000);
    assert_eq!(world.heard(), "here it is");
}

#[test]
fn an_agent_that_repeats_itself_is_stopped() {
    let mut world = World::new(plan(), &[&[Thought::Say("please say that again")]]);
    for _ in 0..4 {
        world.say("what now");
        world.quiet(4000);
    }
    assert_eq!(world.finished(), Some(("failed", End::Repeating)));
    assert_eq!(
        world.turns().last(),
        Some(&(Role::Agent, "please say that again sorry about that", false))
    );
}

#[test]
fn an_answer_without_end_is_cut() {
    let thoughts = vec![Thought::Say("word word word word word. "); 200];
    let mut world = World::new(plan(), &[&thoughts]);
    world.say("tell me");
    world.quiet(10_000);
    let said: usize = world
        .orders()
        .map(|order| match order {
            Order::Say { text, .. } => text.len(),
            _ => 0,
        })
        .sum();
    assert!((2800..3100).contains(&said), "{said}");
}

#[test]
fn what_is_late_or_of_another_answer_is_dropped() {
    let mut world = World::new(plan(), &[&[Thought::Say("right answer here")]]);
    world.say("tell me");
    world.quiet(600);
    for generation in [0, 2, 9] {
        let text = "wrong words. ".to_owned();
        world.signal(Signal::Token { generation, text });
        world.signal(Signal::Sound {
            generation,
            piece: 0,
            ulaw: vec![0x20; 1600].into(),
        });
        world.signal(Signal::Spoken { generation, piece: 0 });
        world.signal(Signal::Failed {
            stage: Stage::Think,
            generation,
            error: "late".into(),
        });
    }
    world.quiet(4000);
    let (generation, text) = (1, "too late. ".to_owned());
    world.signal(Signal::Token { generation, text });
    world.quiet(2000);
    assert_eq!((world.heard().as_str(), world.finished()), ("right answer here", None));
}

#[test]
fn who_serves_is_told_with_the_turn() {
    let mut world = World::new(plan(), &[&[Thought::Say("fine words")]]);
    for (stage, name) in [
        (Stage::Listen, "a"),
        (Stage::Think, "b"),
        (Stage::Speak, "c"),
        (Stage::Think, "d"),
    ] {
        world.signal(Signal::Serving {
            stage,
            provider: name.into(),
            instead_of: None,
        });
    }
    world.say("tell me");
    world.quiet(4000);
    let names: Vec<_> = world
        .all_turns()
        .map(|turn| turn.facts.as_ref().unwrap().provider.clone())
        .collect();
    assert_eq!(names, ["a", "d, c"]);
}
