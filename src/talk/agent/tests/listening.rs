//! When the caller's turn is over, and what counts as one.

use super::world::*;
use crate::talk::agent::*;
use crate::talk::{Order, Role, State, Verdict};

const MIND: &[&[Thought]] = &[&[Thought::Say("fine words here")]];

fn ends(world: &World) -> Vec<u64> {
    let end = |(_, output): &(u64, Output)| match output {
        Output::EndOfUtterance { ms } => Some(*ms),
        _ => None,
    };
    world.seen.iter().filter_map(end).collect()
}

/// The silence after these words at which the turn was taken as over.
fn silence_after(text: &str, verdict: Option<Verdict>) -> u64 {
    let mut world = World::new(plan(), MIND);
    world.quiet(400);
    world.say(text);
    if let Some(verdict) = verdict {
        world.quiet(60);
        world.verdict(verdict);
    }
    world.quiet(3500);
    let ends = ends(&world);
    assert_eq!((ends.len(), world.asked().len()), (1, 1), "{text}");
    ends[0]
}

#[test]
fn the_silence_that_ends_a_turn_depends_on_its_words_and_on_the_listener() {
    let cases = [
        ("a flat please", None, 500),
        ("a flat please.", None, 500),
        ("my number is 052", None, 800),
        ("a flat and", None, 1500),
        ("a flat,", None, 1500),
        ("a flat please", Some(Verdict::Complete), 300),
        ("a flat please.", Some(Verdict::GoesOn), 3000),
        ("a flat please", Some(Verdict::Likely), 500),
    ];
    for (text, verdict, expected) in cases {
        let silence = silence_after(text, verdict);
        assert!(
            (expected..=expected + 40).contains(&silence),
            "{text} {verdict:?}: {silence}"
        );
    }
}

#[test]
fn an_utterance_is_ordered_flushed_and_ended_and_answered_once() {
    let mut world = World::new(plan(), MIND);
    world.quiet(400);
    world.say("I want a flat");
    world.quiet(6000);
    let listening: Vec<_> = world
        .orders()
        .filter(|order| matches!(order, Order::Begin { .. } | Order::Flush { .. } | Order::End { .. }))
        .cloned()
        .collect();
    let Order::Begin { utterance: 1, before } = listening[0] else {
        panic!("{listening:?}");
    };
    assert!((200..=320).contains(&before));
    assert_eq!(
        listening[1..],
        [Order::Flush { utterance: 1, flush: 1 }, Order::End { utterance: 1 }]
    );
    assert_eq!(world.asked(), [[caller("I want a flat")]]);
    assert_eq!(
        world.turns(),
        [
            (Role::Caller, "I want a flat", false),
            (Role::Agent, "fine words here", false)
        ]
    );
    use State::{Listening, Speaking, Thinking};
    assert_eq!(world.states(), [Listening, Thinking, Speaking, Listening]);
    let facts = world.all_turns().next().unwrap().facts.clone().unwrap();
    assert!(facts.end_of_turn.unwrap() >= 500 && facts.transcript.unwrap() < 400 && facts.listened > 1000);
}

#[test]
fn a_pause_within_a_turn_is_flushed_again() {
    let mut world = World::new(plan(), MIND);
    world.say("I want");
    world.quiet(400);
    world.say("I want a flat");
    world.quiet(3000);
    let flushes = world
        .orders()
        .filter(|order| matches!(order, Order::Flush { .. }))
        .count();
    assert_eq!((flushes, world.asked()), (2, vec![vec![caller("I want a flat")]]));
}

#[test]
fn a_caller_who_never_stops_gets_an_answer_for_each_longest_turn_and_no_more() {
    let mut plan = plan();
    plan.listen.longest_turn = 2000;
    let mut world = World::new(plan, &[MIND[0]; 12]);
    world.speech(7500);
    let turns = world.all_turns().filter(|turn| turn.role == Role::Caller);
    let spans: Vec<(u64, u64)> = turns.map(|turn| (turn.started, turn.ended)).collect();
    assert!((2..=4).contains(&spans.len()), "{spans:?}");
    assert!(spans.windows(2).all(|two| two[0].1 <= two[1].0), "{spans:?}");
    assert_eq!(world.asked().len(), spans.len());
}

#[test]
fn words_are_waited_for_and_not_for_ever() {
    let mut world = World::new(plan(), MIND);
    world.delays.words = 1500;
    world.say("late words");
    world.quiet(1500);
    assert_eq!(world.asked().len(), 0);
    world.quiet(400);
    assert_eq!(world.asked(), [[caller("late words")]]);

    let mut world = World::new(plan(), MIND);
    world.speech(800);
    world.saying = None;
    world.words(Some(1), "some words");
    world.quiet(2400);
    assert_eq!(world.asked().len(), 0);
    world.quiet(300);
    assert_eq!(world.asked(), [[caller("some words")]]);
}

#[test]
fn a_listener_that_never_answers_is_found_out_at_the_second_turn() {
    let mut world = World::new(plan(), MIND);
    world.saying = None;
    world.speech(800);
    world.quiet(8000);
    assert_eq!((world.asked().len(), world.finished()), (1, None), "one may be lost");
    world.speech(800);
    world.quiet(6000);
    assert_eq!(world.finished(), Some(("failed", crate::talk::End::ListenFailed)));
    assert!(world.heard().ends_with("sorry about that"), "{}", world.heard());
}

#[test]
fn speech_and_new_words_reopen_a_turn_whose_words_are_waited_for() {
    let mut world = World::new(plan(), MIND);
    world.delays.words = 1000;
    world.say("one two");
    world.quiet(900);
    world.say("one two three four");
    world.quiet(800);
    assert_eq!(world.asked().len(), 0);
    world.quiet(1000);
    assert_eq!(world.asked(), [[caller("one two three four")]]);

    let mut world = World::new(plan(), MIND);
    world.say("one two");
    world.saying = None;
    world.quiet(800);
    world.words(Some(1), "one two three");
    world.quiet(180);
    assert_eq!(world.times(is_think), Vec::<u64>::new());
}

#[test]
fn a_cough_is_no_turn_and_a_mumble_is() {
    let mut world = World::new(plan(), MIND);
    world.speech(200);
    world.quiet(3000);
    assert!(world.turns().is_empty() && world.asked().is_empty());
    assert!(world.orders().any(|order| *order == Order::End { utterance: 1 }));
    world.speech(600);
    world.quiet(1000);
    assert_eq!(world.asked(), [[caller("(inaudible)")]]);
    assert_eq!(world.turns()[0], (Role::Caller, "", false));
}

#[test]
fn without_a_listener_speech_is_answered_all_the_same() {
    let mut plan = plan();
    plan.transcribes = false;
    let mut world = World::new(plan, MIND);
    world.speech(600);
    world.quiet(3000);
    assert_eq!(
        world.turns()[..],
        [(Role::Caller, "", false), (Role::Agent, "fine words here", false)]
    );
    assert!(
        world
            .orders()
            .all(|order| matches!(order, Order::Think { .. } | Order::Say { .. } | Order::SayNoMore { .. }))
    );
}

#[test]
fn soft_words_are_a_turn_too() {
    let mut world = World::new(plan(), MIND);
    world.quiet(1000);
    world.words(None, "I speak");
    world.quiet(300);
    world.words(None, "I speak softly");
    world.saying = Some("I speak softly".into());
    world.quiet(4000);
    assert_eq!(world.asked(), [[caller("I speak softly")]]);
    assert_eq!(world.turns()[1], (Role::Agent, "fine words here", false));
}

#[test]
fn words_of_another_utterance_are_nobodys() {
    let mut world = World::new(plan(), MIND);
    world.say("mine");
    world.words(Some(0), "not mine");
    world.words(Some(2), "not mine");
    world.words(None, "not mine");
    world.quiet(3000);
    world.words(Some(1), "too late");
    assert_eq!(world.asked(), [[caller("mine")]]);
}

#[test]
fn keys_become_a_turn() {
    let mut world = World::new(plan(), MIND);
    world.quiet(100);
    for key in ['1', '2'] {
        world.input(Input::Digit(key));
    }
    world.quiet(2900);
    assert_eq!(world.asked().len(), 0);
    world.quiet(200);
    assert_eq!(world.asked(), [[caller("12")]]);
    world.quiet(5000);
    for key in ['3', '#'] {
        world.input(Input::Digit(key));
    }
    assert_eq!(world.asked()[1].last(), Some(&caller("3")));
}

#[test]
fn a_silent_caller_is_asked_three_times_and_then_left() {
    let mut world = World::new(plan(), MIND);
    world.quiet(60_000);
    let prompts = world.times(|output| matches!(output, Output::Play { clip: IDLE, .. }));
    assert_eq!(prompts, [8000, 16_400, 24_800]);
    assert_eq!(world.finished(), Some(("no_reply", crate::talk::End::Idle)));
    assert_eq!(world.talk.deadline(), None);
}

#[test]
fn one_who_never_stops_is_answered_all_the_same() {
    let mut world = World::new(plan(), MIND);
    world.saying = None;
    world.speech(60_200);
    assert_eq!(world.asked().len(), 1);
}

#[test]
fn a_line_without_frames_does_not_keep_a_turn_open() {
    let mut world = World::new(plan(), MIND);
    world.say("hello there");
    world.pass(6000, None);
    assert_eq!(world.asked(), [[caller("hello there")]]);
}

#[test]
fn what_the_agent_hears_of_itself_is_not_answered() {
    let mut world = World::new(plan(), &[&[Thought::Say("do you live in Haifa or in Eilat")]]);
    world.say("hello");
    world.quiet(3200);
    world.say("live in Haifa or in Eilat");
    world.quiet(2000);
    assert_eq!(world.asked().len(), 1);
    world.say("in Haifa");
    world.quiet(2000);
    assert_eq!(world.asked().len(), 2);
}

#[test]
fn thinking_ahead_gains_time_and_is_forgotten_where_the_caller_goes_on() {
    let mut eager = plan();
    eager.eager = true;
    let mut world = World::new(eager.clone(), MIND);
    world.say("I want a flat");
    world.quiet(5000);
    assert_eq!(world.asked(), [[caller("I want a flat")]]);
    let (think, end) = (
        world.times(is_think),
        world.times(|output| matches!(output, Output::EndOfUtterance { .. })),
    );
    let sound = world.times(|output| matches!(output, Output::Sound { .. }));
    assert!(think[0] < end[0] && sound[0] >= end[0], "{think:?} {end:?} {sound:?}");
    assert_eq!(world.turns()[1], (Role::Agent, "fine words here", false));

    let mut world = World::new(
        eager,
        &[&[Thought::Say("never heard"), Thought::Wish("w", "bye", "")], MIND[0]],
    );
    world.delays = Delays {
        words: 20,
        think: 20,
        voice: 20,
    };
    world.say("I want");
    world.quiet(440);
    world.say("I want a flat");
    world.quiet(5000);
    assert_eq!(world.asked(), [[caller("I want")], [caller("I want a flat")]]);
    assert!(world.orders().any(|order| *order == Order::Cancel { generation: 1 }));
    assert_eq!(world.heard(), "fine words here");
    assert_eq!(world.turns().len(), 2);
}
