//! Whatever callers and providers do: one answer per turn, nothing of an abandoned answer, nothing claimed that was not
//! played, one result per wish, and an end.

use super::actions::{acting, results};
use super::world::*;
use crate::talk::agent::*;
use crate::talk::{Order, Role};
use proptest::prelude::*;
use std::collections::HashSet;

/// What the caller does next.
#[derive(Clone, Debug)]
enum Deed {
    Says(&'static str, u64),
    /// Speech that nobody puts into words.
    Mumbles(u64),
    Waits(u64),
    Presses(char),
    /// Words that nobody heard as sound.
    Whispers(&'static str),
    /// No frames come.
    Stalls(u64),
}

fn deed() -> impl Strategy<Value = Deed> {
    let texts = [
        "I want a flat",
        "yes",
        "mm-hm",
        "stop",
        "my number is 052",
        "and then,",
        "please look again.",
    ];
    let text = prop::sample::select(texts.to_vec());
    prop_oneof![
        4 => (text.clone(), 40_u64..1500).prop_map(|(text, millis)| Deed::Says(text, millis)),
        1 => (20_u64..900).prop_map(Deed::Mumbles),
        5 => (20_u64..4000).prop_map(Deed::Waits),
        1 => prop::sample::select(vec!['1', '9', '#']).prop_map(Deed::Presses),
        1 => text.prop_map(Deed::Whispers),
        1 => (20_u64..3000).prop_map(Deed::Stalls),
    ]
}

fn thought() -> impl Strategy<Value = Thought> {
    let texts = [
        "Certainly, there are several rooms. ",
        "Would that please everybody? ",
        "Nothing",
        " further today. ",
        "**",
        "",
    ];
    prop_oneof![
        8 => prop::sample::select(texts.to_vec()).prop_map(Thought::Say),
        1 => Just(Thought::Wish("a", "save", r#"{"city":"Haifa"}"#)),
        1 => Just(Thought::Wish("b", "save", "{}")),
        1 => Just(Thought::Wish("c", "look", "{}")),
        1 => Just(Thought::Wish("d", "unknown", "oops")),
    ]
}

fn mind() -> impl Strategy<Value = Vec<Vec<Thought>>> {
    let last = prop_oneof![
        20 => Just(None),
        2 => Just(Some(Thought::Wish("x", "transfer", ""))),
        1 => Just(Some(Thought::Fail)),
        1 => Just(Some(Thought::Hang)),
    ];
    let round = (prop::collection::vec(thought(), 0..5), last).prop_map(|(mut thoughts, last)| {
        thoughts.extend(last);
        thoughts
    });
    prop::collection::vec(round, 1..8)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_call_goes_well_whatever_happens(
        deeds in prop::collection::vec(deed(), 0..25),
        mind in mind(),
        (words, think, voice) in (20_u64..2500, 20_u64..3000, 20_u64..2500),
        (eager, transcribes, has_voice, has_marks, acts) in (any::<bool>(), prop::bool::weighted(0.9),
            prop::bool::weighted(0.95), any::<bool>(), any::<bool>()),
        (drips, muddle, filler, greets) in (any::<bool>(), any::<u32>(), any::<bool>(), any::<bool>()),
        longest in 5_000_u64..120_000,
    ) {
        let mut plan = acting();
        (plan.eager, plan.transcribes, plan.longest) = (eager, transcribes, longest);
        plan.filler.line = filler.then(|| Line::clip(FILLER));
        plan.greeting = greets.then(|| Greeting { line: Line::clip(GREETING), interruptible: filler });
        let mind: Vec<&[Thought]> = mind.iter().map(Vec::as_slice).collect();
        let mut world = World::new(plan, &mind);
        world.delays = Delays { words, think, voice };
        (world.has_voice, world.has_marks, world.drips, world.muddle) = (has_voice, has_marks, drips, muddle);
        if !acts {
            world.act = None;
        }
        for deed in deeds {
            match deed {
                Deed::Says(text, millis) => {
                    world.saying = Some(text.into());
                    world.speech(millis);
                }
                Deed::Mumbles(millis) => {
                    world.saying = None;
                    world.speech(millis);
                }
                Deed::Waits(millis) => world.quiet(millis),
                Deed::Presses(key) => world.input(Input::Digit(key)),
                Deed::Whispers(text) => world.words(None, text),
                Deed::Stalls(millis) => world.pass(millis, None),
            }
            prop_assert_eq!(world.talk.deadline().is_none(), world.finished().is_some());
        }
        let rest = (5000 + longest + 31_000).saturating_sub(world.now);
        world.quiet(rest);
        prop_assert!(world.finished().is_some(), "it goes on for ever");
        let end = world.seen.iter().position(|(_, output)| matches!(output, Output::Finish { .. })).unwrap();
        prop_assert_eq!(end + 1, world.seen.len(), "something comes after the end: {:?}", &world.seen[end..]);

        let (mut asked, mut answered) = (0, 0);
        for turn in world.all_turns() {
            match turn.role {
                Role::Caller => asked += 1,
                // One that was cut off by nothing goes on.
                Role::Agent => answered += usize::from(turn.facts.is_some() && !turn.text.is_empty() && !turn.interrupted),
            }
            prop_assert!(answered <= asked, "a turn has two answers");
            prop_assert!(turn.started <= turn.ended);
        }
        let mut begun = HashSet::new();
        for order in world.orders() {
            match order {
                Order::Begin { utterance, .. } => prop_assert!(begun.insert(*utterance)),
                Order::End { utterance } => prop_assert!(begun.remove(utterance), "ended twice"),
                _ => {}
            }
        }
        prop_assert!(begun.is_empty(), "an utterance has no end");
        for messages in world.asked() {
            results(&messages);
        }
        results(world.talk.history.messages());
    }
}
