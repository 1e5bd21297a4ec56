//! Whatever a caller, a carrier and a model do.

use super::world::*;
use crate::talk::agent::{Action, ActionKind, Filler, Greeting, Line};
use crate::talk::relay::{Input, Output, TextTalk};
use crate::talk::{Message, Order, Role, Signal, State};
use proptest::prelude::*;
use std::collections::HashSet;

#[derive(Debug, Clone)]
enum Deed {
    Pass(u64),
    Prompt(&'static str, bool),
    Interrupt(&'static str, Option<u64>),
    Key(char),
    /// What nobody has asked for.
    Stray(Signal),
}

fn deed() -> impl Strategy<Value = Deed> {
    let words = proptest::sample::select(vec![
        "",
        "yes",
        "yes please",
        "stop",
        "one two three four",
        "...",
        "a b c d",
    ]);
    let heard = proptest::sample::select(vec!["", "One", "One two. Three", "nothing of ours", "still"]);
    let stray = (0_u32..12, 0_u32..4).prop_map(|(generation, kind)| match kind {
        0 => Signal::Token {
            generation,
            text: "Stray. ".into(),
        },
        1 => Signal::Words {
            utterance: None,
            text: "nobody said this".into(),
            flush: None,
        },
        2 => Signal::Spoken { generation, piece: 0 },
        _ => Signal::Acted {
            generation,
            id: "none".into(),
            result: Ok("stray".into()),
        },
    });
    prop_oneof![
        3 => (1_u64..4000).prop_map(Deed::Pass),
        3 => (words, any::<bool>()).prop_map(|(words, last)| Deed::Prompt(words, last)),
        2 => (heard, proptest::option::of(0_u64..5000)).prop_map(|(heard, ms)| Deed::Interrupt(heard, ms)),
        1 => proptest::sample::select(vec!['1', '#']).prop_map(Deed::Key),
        1 => stray.prop_map(Deed::Stray),
    ]
}

fn mind() -> impl Strategy<Value = Vec<Thought>> {
    let thought = prop_oneof![
        4 => proptest::sample::select(vec!["One two. ", "Three four five", "Six. ", "😀", ""]).prop_map(Thought::Say),
        1 => proptest::sample::select(vec!["book", "note", "bye", "unknown"]).prop_map(|name| Thought::Wish(name, "{}")),
        1 => (1_u64..2500).prop_map(Thought::Wait),
        1 => Just(Thought::Fail),
        1 => Just(Thought::Hang),
    ];
    proptest::collection::vec(thought, 0..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_happens(
        deeds in proptest::collection::vec(deed(), 0..40),
        minds in proptest::collection::vec(mind(), 1..6),
        allowed: bool, acts: bool, spoken: bool, stop: bool,
    ) {
        let mut with = plan();
        with.barge_in.allowed = allowed;
        with.greeting = Some(Greeting { line: Line::clip(GREETING), interruptible: allowed });
        with.filler = Filler { line: Some(Line::clip(if spoken { FILLER } else { IDLE })), ..Filler::default() };
        with.longest = 120_000;
        with.actions = vec![
            Action::new("book", ActionKind::Do),
            Action::new("note", ActionKind::Set("note".into())),
            Action::new("bye", ActionKind::Exit("sold".into())),
        ];
        let minds: Vec<&[Thought]> = minds.iter().map(Vec::as_slice).collect();
        let mut world = World::new(with, &minds);
        if !acts {
            world.act = None;
        }
        for deed in deeds {
            match deed {
                Deed::Pass(millis) => world.pass(millis),
                Deed::Prompt(words, true) => world.prompt(words),
                Deed::Prompt(words, false) => world.partial(words),
                Deed::Interrupt(heard, ms) => world.interrupt(heard, ms),
                Deed::Key(key) => world.input(Input::Digit(key)),
                Deed::Stray(signal) => world.input(Input::Signal(&signal)),
            }
            prop_assert!(world.talk.deadline().is_none_or(|deadline| deadline > world.now));
            prop_assert_eq!(world.talk.deadline().is_none(), world.finished().is_some(), "nobody is left waiting");
        }
        if stop {
            world.input(Input::Stopped);
            prop_assert_eq!(world.talk.deadline(), None);
        } else {
            world.pass(200_000);
            prop_assert!(world.finished().is_some(), "it goes on for ever");
            let last = &world.seen.last().unwrap().1;
            prop_assert!(matches!(last, Output::Finish { .. }), "something comes after the end: {:?}", last);
        }
        check(&world)?;
    }
}

/// What holds of every conversation.
fn check(world: &World) -> Result<(), TestCaseError> {
    let (mut asked, mut answered, mut is_open) = (0, 0, false);
    let (mut generations, mut given) = (HashSet::new(), Vec::new());
    for (_, output) in &world.seen {
        match output {
            Output::Part { text, last, .. } => {
                prop_assert!(is_open || !text.is_empty(), "an end of nothing");
                is_open = !last;
                given.extend(text.split_whitespace().map(str::to_owned));
            }
            Output::Say { text, .. } => {
                prop_assert!(!is_open, "a line within an answer");
                given.extend(text.split_whitespace().map(str::to_owned));
            }
            Output::Play { clip, .. } => {
                prop_assert!(!is_open, "a sound within an answer");
                given.extend(clips()[*clip].text.split_whitespace().map(str::to_owned));
            }
            Output::Turn(turn) if turn.role == Role::Caller => asked += 1,
            Output::Turn(turn) => {
                // Who heard nothing but a filler has no answer yet; one that was cut off by nothing goes on.
                let is_answer = turn.facts.is_some() && turn.text.contains(char::is_uppercase);
                answered += usize::from(is_answer && !turn.interrupted);
                let heard: Vec<&str> = turn.text.split_whitespace().collect();
                prop_assert!(
                    heard.len() <= given.len() && heard.iter().zip(&given).all(|(heard, given)| heard == given),
                    "{heard:?} heard of {given:?}"
                );
                prop_assert!(
                    turn.interrupted || heard.len() == given.len(),
                    "{heard:?} is not all of {given:?}"
                );
                prop_assert!(turn.started <= turn.ended);
                given.clear();
            }
            Output::State(State::Listening) => {
                prop_assert!(given.is_empty(), "{given:?} was never told");
                is_open = false;
            }
            Output::Order(Order::Think { generation, messages }) => {
                prop_assert!(generations.insert(*generation));
                results(messages)?;
            }
            _ => {}
        }
        prop_assert!(answered <= asked, "a turn has two answers");
    }
    results(world.talk.talk.history.messages())
}

/// Every wish has one result, right after it.
fn results(messages: &[Message]) -> Result<(), TestCaseError> {
    let mut owed: Vec<&str> = Vec::new();
    for message in messages {
        match message {
            Message::Result { id, .. } => {
                prop_assert!(!owed.is_empty() && owed.remove(0) == &**id, "a result of nothing");
            }
            _ => prop_assert!(owed.is_empty(), "a wish without a result"),
        }
        if let Message::Agent { calls, .. } = message {
            owed.extend(calls.iter().map(|call| &*call.id));
        }
    }
    prop_assert!(owed.is_empty());
    Ok(())
}
