//! How an answer gets to the ear, and what speech over it means.

use super::world::*;
use crate::talk::agent::*;
use crate::talk::{End, Order, Play, Role};

const LONG: &[&[Thought]] = &[
    &[
        Thought::Say("This is quite a long answer. "),
        Thought::Say("It has another sentence too."),
    ],
    &[Thought::Say("Short answer.")],
];

/// A caller who has asked something, and hears the answer for so long.
fn answering(plan: Plan, heard: u64) -> World {
    let mut world = World::new(plan, LONG);
    world.say("tell me");
    while world.played.is_empty() {
        world.quiet(20);
    }
    world.quiet(heard);
    world.saying = Some(String::new());
    world
}

fn count(world: &World, wanted: impl Fn(&Output) -> bool) -> usize {
    world.times(wanted).len()
}

#[test]
fn an_answer_is_spoken_in_sentences_and_marked_at_least_every_half_second() {
    let mut world = answering(plan(), 0);
    world.quiet(5000);
    let says = world.orders().filter_map(|order| match order {
        Order::Say { piece, text, .. } => Some((*piece, text.to_string())),
        _ => None,
    });
    assert_eq!(
        says.collect::<Vec<_>>(),
        [
            (0, "This is quite a long answer.".to_owned()),
            (1, "It has another sentence too.".to_owned())
        ]
    );
    assert_eq!(
        world.turns()[1].1,
        "This is quite a long answer. It has another sentence too."
    );
    let marks = count(&world, |output| matches!(output, Output::Mark { .. }));
    assert_eq!(marks, 5, "1200 and 1000 ms");
    let facts = world.all_turns().nth(1).unwrap().facts.clone().unwrap();
    let (token, audio) = (facts.first_token.unwrap(), facts.first_audio.unwrap());
    assert!(
        token >= 800 && audio >= token + 200 && facts.sent == Some(audio),
        "{facts:?}"
    );
    assert_eq!(
        (facts.characters, facts.usage.map(|usage| usage.prompt)),
        (56, Some(10))
    );
}

#[test]
fn speech_pauses_an_answer_and_then_ends_it() {
    let mut world = answering(plan(), 900);
    world.say("no I meant something else");
    world.quiet(5000);
    let (pause, clear) = (
        world.times(|output| *output == Output::Pause),
        world.times(|output| *output == Output::Clear),
    );
    assert_eq!((pause.len(), clear.len()), (1, 1));
    assert_eq!(clear[0] - pause[0], 400);
    assert!(world.orders().any(|order| *order == Order::Cancel { generation: 1 }));
    let turns = world.turns();
    assert_eq!(turns[1], (Role::Agent, "This is quite a long answer.", true));
    assert_eq!(turns[2], (Role::Caller, "no I meant something else", false));
    assert_eq!(turns[3], (Role::Agent, "Short answer.", false));
    assert_eq!(
        world.asked()[1],
        [
            caller("tell me"),
            agent("This is quite a long answer."),
            caller("no I meant something else")
        ]
    );
    assert!(!world.seen.iter().any(|(_, output)| *output == Output::Resume));
}

#[test]
fn words_end_an_answer_sooner_and_a_nod_never_does() {
    let mut world = answering(plan(), 900);
    world.speech(260);
    world.words(Some(2), "actually");
    assert_eq!(count(&world, |output| *output == Output::Clear), 1);

    for nod in ["mm-hm", "כן", ""] {
        let mut world = answering(plan(), 900);
        world.saying = Some(nod.to_owned());
        world.speech(300);
        world.words(Some(2), nod);
        world.speech(100);
        world.quiet(6000);
        let (pauses, resumes) = (
            count(&world, |output| *output == Output::Pause),
            count(&world, |output| *output == Output::Resume),
        );
        assert_eq!(
            (pauses, resumes, count(&world, |output| *output == Output::Clear)),
            (1, 1, 0),
            "{nod}"
        );
        assert_eq!(
            world.heard(),
            "This is quite a long answer. It has another sentence too.",
            "{nod}"
        );
        assert_eq!(world.turns()[1].1, world.heard());
        assert_eq!(world.asked().len(), 1);
    }
}

#[test]
fn a_short_nod_is_not_even_paused_for_and_a_long_one_ends_nothing() {
    for (millis, pauses) in [(380, 0), (700, 1)] {
        let mut world = answering(plan(), 900);
        world.saying = Some("Okay.".to_owned());
        world.speech(millis);
        world.quiet(6000);
        let number = |wanted: Output| count(&world, |output| *output == wanted);
        let stops = (number(Output::Pause), number(Output::Resume), number(Output::Clear));
        assert_eq!(stops, (pauses, pauses, 0), "{millis} ms");
        assert_eq!(world.turns().len(), 2, "{millis} ms");
    }
}

#[test]
fn a_stop_phrase_counts_though_many_words_are_wanted() {
    let mut plan = plan();
    plan.barge_in.words = 5;
    let mut world = answering(plan.clone(), 900);
    world.speech(260);
    world.words(Some(2), "more of");
    assert_eq!(count(&world, |output| *output == Output::Clear), 0);
    world.words(Some(2), "רגע רגע");
    assert_eq!(count(&world, |output| *output == Output::Clear), 1);
}

#[test]
fn a_pause_that_nothing_comes_of_ends_after_two_seconds() {
    let mut world = answering(plan(), 900);
    world.saying = None;
    world.speech(500);
    world.quiet(6000);
    let at = |wanted: Output| world.times(|output| *output == wanted)[0];
    let length = at(Output::Resume) - at(Output::Pause);
    assert!((2000..=2040).contains(&length), "{length}");
    assert_eq!(
        world.turns()[1].1,
        "This is quite a long answer. It has another sentence too."
    );
}

#[test]
fn one_step_where_both_take_equally_long() {
    let mut plan = plan();
    plan.barge_in.confirm_after = plan.barge_in.pause_after;
    let mut world = answering(plan, 900);
    world.say("no wait");
    world.quiet(100);
    assert_eq!(count(&world, |output| *output == Output::Pause), 0);
    assert_eq!(count(&world, |output| *output == Output::Clear), 1);
}

#[test]
fn the_first_half_second_of_an_answer_is_not_interrupted() {
    let mut world = answering(plan(), 0);
    world.speech(440);
    world.quiet(400);
    assert_eq!(
        count(&world, |output| matches!(output, Output::Pause | Output::Clear)),
        0
    );
}

#[test]
fn the_agents_own_words_do_not_interrupt_it() {
    let mut world = answering(plan(), 900);
    world.saying = Some("quite a long answer".into());
    world.speech(300);
    world.words(Some(2), "quite a long answer");
    world.speech(500);
    world.quiet(5000);
    assert_eq!(count(&world, |output| *output == Output::Clear), 0);
    assert_eq!((world.asked().len(), world.turns().len()), (1, 2));
}

#[test]
fn a_key_interrupts_at_once_and_a_greeting_may_forbid_it() {
    let mut world = answering(plan(), 900);
    world.input(Input::Digit('7'));
    assert_eq!(count(&world, |output| *output == Output::Clear), 1);
    world.quiet(6000);
    assert_eq!(world.turns()[2].1, "7");

    let mut greeted = plan();
    greeted.greeting = Some(Greeting {
        line: Line::clip(GREETING),
        interruptible: false,
    });
    let mut world = World::new(greeted, LONG);
    world.quiet(300);
    world.input(Input::Digit('5'));
    world.say("hello hello");
    world.quiet(1500);
    assert_eq!(count(&world, |output| *output == Output::Clear), 0);
    world.quiet(3000);
    assert_eq!(
        world.turns()[..2],
        [(Role::Agent, "good day to you all", false), (Role::Caller, "5", false)]
    );
    assert_eq!(world.asked()[0], [agent("good day to you all"), caller("5")]);
}

#[test]
fn a_greeting_of_words_is_spoken() {
    let mut plan = plan();
    plan.greeting = Some(Greeting {
        line: Line::words("welcome to this line"),
        interruptible: true,
    });
    let mut world = World::new(plan, LONG);
    world.quiet(3000);
    assert_eq!(world.heard(), "welcome to this line");
    assert_eq!(world.turns(), [(Role::Agent, "welcome to this line", false)]);
}

#[test]
fn speech_during_thought_goes_on_with_the_turn_and_a_cough_does_not() {
    let mut world = World::new(plan(), LONG);
    world.delays.think = 1500;
    world.say("tell me");
    world.quiet(700);
    world.say("about the big garden please");
    world.quiet(4000);
    assert_eq!(
        world.asked()[1],
        [caller("tell me"), caller("about the big garden please")]
    );
    assert_eq!(world.heard(), "Short answer.");
    assert_eq!(world.turns().len(), 3);

    let mut world = World::new(plan(), LONG);
    world.delays.think = 1500;
    world.say("tell me");
    world.quiet(700);
    world.saying = Some(String::new());
    world.speech(300);
    world.quiet(6000);
    assert_eq!(world.asked().len(), 1);
    assert_eq!(
        world.turns()[1].1,
        "This is quite a long answer. It has another sentence too."
    );
}

#[test]
fn a_question_whose_answer_was_stopped_by_a_noise_is_answered_after_it() {
    let mut world = World::new(plan(), LONG);
    world.delays.think = 3000;
    world.say("tell me");
    world.quiet(700);
    world.talk.plan = Arc::new(Plan {
        listen: Listening {
            shortest: 2000,
            ..Listening::default()
        },
        ..plan()
    });
    world.saying = Some(String::new());
    world.speech(1000);
    world.quiet(6000);
    assert_eq!(world.asked(), [[caller("tell me")], [caller("tell me")]]);
    assert_eq!(world.heard(), "Short answer.");
}

#[test]
fn lost_marks_are_not_waited_for_for_ever() {
    let mut world = World::new(plan(), LONG);
    world.has_marks = false;
    world.say("tell me");
    world.quiet(7000);
    assert_eq!(
        world.turns()[1].1,
        "This is quite a long answer. It has another sentence too."
    );
    assert_eq!(world.states().last(), Some(&State::Listening));
    let listening = world.times(|output| *output == Output::State(State::Listening));
    let sound = world.times(|output| matches!(output, Output::Sound { .. }));
    let lasted = listening[1] - sound[0];
    assert!((4200..=4300).contains(&lasted), "{lasted}");
}

#[test]
fn marks_of_an_abandoned_answer_change_nothing() {
    let mut world = answering(plan(), 900);
    world.say("no I meant something else");
    world.quiet(1600);
    for number in 0..9 {
        world.input(Input::Played(Play { generation: 1, number }));
    }
    world.quiet(3000);
    assert_eq!(world.turns()[3], (Role::Agent, "Short answer.", false));
}

#[test]
fn a_voice_that_is_missing_ends_the_conversation_with_an_apology() {
    let mut world = World::new(plan(), LONG);
    world.has_voice = false;
    world.say("tell me");
    world.quiet(8000);
    assert_eq!(world.heard(), "sorry about that");
    assert_eq!(world.finished(), Some(("failed", End::SpeakFailed)));
    assert_eq!(world.turns()[1], (Role::Agent, "sorry about that", false));
}

#[test]
fn the_end_of_the_line_tells_what_was_heard_so_far() {
    let mut world = answering(plan(), 500);
    world.input(Input::Stopped);
    assert_eq!(world.turns()[1], (Role::Agent, "This is", true));
    let last = world.seen.len();
    world.input(Input::Tick);
    world.input(Input::Frame(&[0x90; 160]));
    assert_eq!((world.seen.len(), world.talk.deadline()), (last, None));

    let mut world = World::new(plan(), LONG);
    world.speech(300);
    world.words(Some(1), "I was just");
    world.input(Input::Stopped);
    assert_eq!(world.turns(), [(Role::Caller, "I was just", true)]);
}

#[test]
fn a_conversation_does_not_last_longer_than_it_may() {
    let mut long = plan();
    long.longest = 20_000;
    let mut world = World::new(long, LONG);
    world.quiet(30_000);
    assert_eq!(world.finished(), Some(("completed", End::TooLong)));
    assert!(world.heard().ends_with("time is over"));
}

/// A model whose action takes its time, bridged by words that a voice has to speak.
fn bridged(voice: u64) -> World {
    let mut plan = super::actions::acting();
    plan.filler.action = Some(Line::words("one moment please"));
    plan.actions[2].timeout = 20_000;
    assert_eq!(plan.reply, plan.filler.again);
    let mut world = World::new(
        plan,
        &[&[Thought::Wish("1", "look", "")], &[Thought::Say("here it is")]],
    );
    (world.act, world.delays.voice) = (None, voice);
    world.say("tell me");
    world
}

#[test]
fn words_that_bridge_a_wait_are_waited_for() {
    // Each time they are asked for at the moment at which the wait would be over.
    let mut world = bridged(2500);
    world.quiet(17_000);
    assert_eq!(world.finished(), None);
    assert_eq!(world.heard(), "one moment please one moment please");
    world.signal(Signal::Acted {
        generation: 1,
        id: "1".into(),
        result: Ok("found".into()),
    });
    world.quiet(6000);
    assert!(world.heard().ends_with("here it is"), "{}", world.heard());
}

#[test]
fn words_that_bridge_a_wait_and_never_come_lengthen_it_by_their_time_alone() {
    let mut world = bridged(200);
    world.quiet(3000);
    assert_eq!(world.heard(), "one moment please");
    let silent = world
        .times(|output| matches!(output, Output::Mark { .. }))
        .pop()
        .unwrap()
        + 600;
    world.has_voice = false;
    world.quiet(14_000);
    assert!(world.finished().is_some());
    let end = world.times(|output| matches!(output, Output::Play { clip: SORRY, .. }))[0];
    let plan = Plan::default();
    let most = silent + plan.reply + plan.waits.first_audio;
    assert!(end <= most, "{end} {most}");
    assert!(end > silent + plan.reply, "{end} {silent}");
}
