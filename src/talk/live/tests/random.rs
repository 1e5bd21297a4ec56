//! Whatever happens in whatever order: nothing cancelled is played, every wish has one result, every wait ends.

use super::world::*;
use crate::talk::agent::{Action, ActionKind, Greeting, Line, Plan};
use crate::talk::{ActionCall, Input, LiveSignal, Output, Play, Role, Signal, Stage, Talk, Usage};
use proptest::prelude::*;
use std::collections::HashMap;

const THOUGHTS: &[&[Thought]] = &[
    &[Thought::Say("alpha bravo charlie delta")],
    &[Thought::Say("echo foxtrot"), Thought::Wish("w1", "look", "{}")],
    &[Thought::Wish("w2", "look", "{}"), Thought::Wish("w3", "nothing", "{}")],
    &[Thought::Say("golf hotel india juliet kilo lima mike november")],
    &[],
    &[Thought::Say("oscar"), Thought::Hang],
    &[Thought::Wish("w4", "bye", "{}")],
];

#[derive(Clone, Debug)]
enum Act {
    Say(&'static str),
    Mumble(u64),
    Quiet(u64),
    NoFrames(u64),
    Key(char),
    Stray(LiveSignal),
    Fail,
    Replace,
    Marks(bool),
    Stale(u32),
}

fn stray() -> impl Strategy<Value = LiveSignal> {
    let response = || (0..6_u32).prop_map(|number| format!("r{number}").into());
    let item = || (0..6_u32).prop_map(|number| format!("i{number}").into());
    prop_oneof![
        Just(LiveSignal::Ready),
        Just(LiveSignal::SpeechStarted),
        Just(LiveSignal::SpeechStopped),
        response().prop_map(|response| LiveSignal::Responding { response }),
        (item(), "[a-z]{3,6} ").prop_map(|(item, text)| LiveSignal::Words { item, text }),
        ("[a-z]{0,6}", any::<bool>()).prop_map(|(text, last)| LiveSignal::Caller { text, last }),
        (response(), any::<bool>()).prop_map(|(response, complete)| LiveSignal::Done {
            response,
            usage: Usage::default(),
            complete,
        }),
        (response(), 0..9_u32).prop_map(|(response, id)| LiveSignal::Wish {
            response,
            call: ActionCall {
                id: format!("w{id}").into(),
                name: "look".into(),
                arguments: "{}".into(),
            },
        }),
    ]
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => prop::sample::select(vec!["hi", "tell me more", "stop it now please"]).prop_map(Act::Say),
        2 => (20..1500_u64).prop_map(Act::Mumble),
        5 => (20..4000_u64).prop_map(Act::Quiet),
        1 => (20..4000_u64).prop_map(Act::NoFrames),
        1 => prop::sample::select(vec!['1', '#', '*']).prop_map(Act::Key),
        2 => stray().prop_map(Act::Stray),
        1 => Just(Act::Fail),
        1 => Just(Act::Replace),
        1 => any::<bool>().prop_map(Act::Marks),
        1 => (0..9_u32).prop_map(Act::Stale),
    ]
}

fn random_plan() -> impl Strategy<Value = Plan> {
    (any::<[bool; 5]>(), 0..3_u8).prop_map(|([allowed, filler, interruptible, sorry, is_short], greeting)| {
        let mut plan = plan();
        plan.barge_in.allowed = allowed;
        plan.filler.line = filler.then(|| Line::clip(FILLER));
        plan.sorry = sorry.then(|| Line::clip(SORRY));
        let line =
            [None, Some(Line::clip(GREETING)), Some(Line::words("welcome to you"))][usize::from(greeting)].clone();
        plan.greeting = line.map(|line| Greeting { line, interruptible });
        if is_short {
            plan.longest = 5000;
        }
        let action = Action::new;
        plan.actions = vec![action("look", ActionKind::Do), action("bye", ActionKind::HangUp)];
        plan
    })
}

fn run(plan: Plan, mind: &[usize], acts: &[Act]) -> World {
    let mind: Vec<&[Thought]> = mind.iter().map(|index| THOUGHTS[*index]).collect();
    let mut world = World::new(plan, &mind);
    for act in acts {
        match act {
            Act::Say(text) => world.say(text),
            Act::Mumble(millis) => world.speech(*millis),
            Act::Quiet(millis) => world.quiet(*millis),
            Act::NoFrames(millis) => world.pass(*millis, None),
            Act::Key(key) => world.input(Input::Digit(*key)),
            Act::Stray(signal) => world.stray(signal.clone()),
            Act::Fail => world.fail(),
            Act::Replace => {
                world.input(Input::Signal(&Signal::Serving {
                    stage: Stage::Live,
                    provider: "other".into(),
                    instead_of: Some("one".into()),
                }));
                world.post(400, Signal::Live(LiveSignal::Ready));
            }
            Act::Marks(has) => world.has_marks = *has,
            Act::Stale(number) => world.input(Input::Played(Play {
                generation: *number,
                number: *number,
            })),
        }
        let is_over = world.finished().is_some();
        assert_eq!(
            world.talk.deadline().is_some(),
            !is_over,
            "there is always something to wait for"
        );
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    /// That nothing cancelled is played, the carrier of this world watches.
    #[test]
    fn every_conversation_ends_once_and_leaves_no_wish_open(
        plan in random_plan(),
        mind in prop::collection::vec(0..THOUGHTS.len(), 1..5),
        acts in prop::collection::vec(act(), 0..14),
        stops in any::<bool>(),
    ) {
        let mut world = run(plan, &mind, &acts);
        if stops {
            let was_over = world.finished().is_some();
            world.input(Input::Stopped);
            prop_assert_eq!(world.finished().is_some(), was_over);
        } else {
            // The longest of all waits: fifteen minutes and the grace after them.
            for _ in 0..100 {
                if world.finished().is_some() {
                    break;
                }
                world.quiet(10_000);
            }
            prop_assert!(world.finished().is_some());
        }
        prop_assert_eq!(world.talk.deadline(), None);
        let mut results: HashMap<&str, usize> = HashMap::new();
        for (id, ..) in world.results() {
            *results.entry(id).or_default() += 1;
        }
        for id in &world.wished {
            prop_assert_eq!(results.remove(&**id), Some(1), "{}", id);
        }
        prop_assert!(results.is_empty(), "nobody wished {:?}", results);
    }

    #[test]
    fn what_is_told_as_heard_was_played(
        plan in random_plan(),
        mind in prop::collection::vec(0..THOUGHTS.len(), 1..5),
        acts in prop::collection::vec(act(), 0..14),
    ) {
        // Words that belong to no sound are no words of the model's, and a forged mark is believed.
        let acts: Vec<Act> = acts
            .into_iter()
            .filter(|act| !matches!(act, Act::Stray(LiveSignal::Words { .. }) | Act::Marks(false) | Act::Stale(_)))
            .collect();
        let mut world = run(plan, &mind, &acts);
        world.input(Input::Stopped);
        let mut played = world.played.iter();
        for turn in world.all_turns().filter(|turn| turn.role == Role::Agent) {
            for word in turn.text.split_whitespace() {
                prop_assert!(played.any(|other| other == word), "`{}` of `{}` was not played", word, turn.text);
            }
        }
    }
}

#[test]
fn after_its_end_a_conversation_says_nothing() {
    let mut world = run(plan(), &[0], &[Act::Say("hi"), Act::Fail, Act::Quiet(3000)]);
    assert!(world.finished().is_some());
    let count = world.seen.len();
    world.say("hello");
    world.keys("12#");
    world.live(LiveSignal::Ready);
    world.fail();
    world.input(Input::Started);
    world.quiet(20_000);
    world.input(Input::Stopped);
    assert_eq!(world.seen.len(), count);
    assert!(
        !world
            .seen
            .iter()
            .any(|(_, output)| matches!(output, Output::Resume | Output::Pause))
    );
}
