//! What the model wishes, and what it is told of it.

use super::world::*;
use crate::talk::agent::{Action, ActionKind, Line, Parameter, ParameterKind, Parameters, Plan};
use crate::talk::{End, Input, LiveOrder, Order, Output, Role, Signal};

fn wishing() -> Plan {
    let mut plan = plan();
    let action = |name: &str, kind| Action::new(name, kind);
    let mut save = action("save", ActionKind::Set("lead".into()));
    save.parameters = Parameters(vec![Parameter {
        name: "city".into(),
        kind: ParameterKind::String,
        optional: false,
    }]);
    let mut bye = action("bye", ActionKind::HangUp);
    bye.say = Some(Line::words("goodbye to you"));
    plan.actions = vec![
        save,
        bye,
        action("look", ActionKind::Do),
        action("agent", ActionKind::Exit("handover".into())),
    ];
    plan
}

fn asked(mind: &[&[Thought]]) -> World {
    let mut world = World::new(wishing(), mind);
    world.quiet(600);
    world.say("hello");
    world
}

#[test]
fn an_action_is_performed_and_the_model_goes_on_with_its_result() {
    let mut world = asked(&[&[Thought::Wish("c1", "look", "{}")], &[Thought::Say("found it")]]);
    world.quiet(4000);
    assert_eq!(world.results(), [("c1", "done", true)]);
    assert_eq!(world.heard(), "found it");
}

#[test]
fn arguments_are_checked_and_values_set() {
    let mut world = asked(&[
        &[Thought::Wish("c1", "save", "{}"), Thought::Wish("c2", "nothing", "{}")],
        &[Thought::Wish("c3", "save", r#"{"city":"Haifa"}"#)],
        &[Thought::Say("saved")],
    ]);
    world.quiet(5000);
    let results = world.results();
    assert!(
        results[0].1.contains("`city` is missing") && !results[0].2,
        "{results:?}"
    );
    assert!(results[1].1.contains("no action") && results[1].2);
    assert_eq!(results[2..], [("c3", "ok", true)]);
    assert_eq!(
        world
            .times(|output| matches!(output, Output::Set(values) if values["lead"]["city"] == "Haifa"))
            .len(),
        1
    );
    assert_eq!(world.heard(), "saved");
}

#[test]
fn an_exit_is_taken_after_its_words_were_heard() {
    let mut world = asked(&[&[
        Thought::Say("somebody will help you"),
        Thought::Wish("c1", "agent", "{}"),
    ]]);
    world.quiet(1000);
    world.say("but wait");
    assert_eq!(world.finished(), None);
    world.quiet(2000);
    assert_eq!(world.heard(), "somebody will help you");
    assert_eq!(world.finished(), Some(("handover", End::Exit)));
    assert_eq!(world.results(), [("c1", "ok", false)]);
}

#[test]
fn last_words_of_an_action_are_spoken_where_the_model_said_nothing() {
    let mut world = asked(&[&[Thought::Wish("c1", "bye", "{}")]]);
    world.quiet(4000);
    assert_eq!(world.heard(), "goodbye to you");
    assert_eq!(world.finished(), Some(("completed", End::Exit)));
}

/// A model that has an action done which gives nothing by itself; its words are heard, and the action goes on.
fn looking(mind: &[&[Thought]]) -> World {
    let wish: &[Thought] = &[Thought::Say("let me look for that"), Thought::Wish("c1", "look", "{}")];
    let mind: Vec<&[Thought]> = std::iter::once(wish).chain(mind.iter().copied()).collect();
    let mut world = asked(&mind);
    world.act = None;
    world.quiet(1500);
    world
}

fn acted(world: &mut World, result: &str) {
    let acts = |output: &Output| match output {
        Output::Order(Order::Act { generation, .. }) => Some(*generation),
        _ => None,
    };
    let acts: Vec<u32> = world.seen.iter().filter_map(|(_, output)| acts(output)).collect();
    assert_eq!(acts.len(), 1, "it is done once");
    world.input(Input::Signal(&Signal::Acted {
        generation: acts[0],
        id: "c1".into(),
        result: Ok(result.into()),
    }));
}

#[test]
fn an_action_outlives_the_answer_that_was_interrupted_and_its_result_is_told_once() {
    let mut world = looking(&[&[Thought::Say("all right")]]);
    world.say("never mind that");
    world.quiet(4000);
    assert!(world.results().is_empty(), "nobody knows yet");
    assert!(world.heard().ends_with("all right"));
    acted(&mut world, "found");
    acted(&mut world, "found again");
    assert_eq!(world.results(), [("c1", "found", false)]);
}

#[test]
fn an_action_of_an_interrupted_answer_is_late_in_its_time_and_told_before_the_end() {
    let mut world = looking(&[&[Thought::Say("all right")]]);
    world.say("never mind that");
    world.quiet(12_000);
    assert!(world.results()[0].1.contains("took too long"), "{:?}", world.results());
    acted(&mut world, "found");
    assert_eq!(world.results().len(), 1);

    let mut world = looking(&[&[Thought::Say("all right")]]);
    world.say("never mind that");
    world.quiet(1000);
    world.input(Input::Stopped);
    assert!(
        world.results()[0].1.contains("still under way"),
        "{:?}",
        world.results()
    );
}

#[test]
fn noise_that_the_model_does_not_hear_leaves_the_answer_to_go_on_with_its_result() {
    let mut world = looking(&[&[Thought::Say("found it")]]);
    // The model does tell of speech, and tells of none.
    world.has_ears = false;
    world.speech(800);
    world.quiet(3500);
    assert_eq!(world.heard(), "let me look for that");
    acted(&mut world, "found");
    world.quiet(3000);
    assert_eq!(world.results(), [("c1", "found", true)]);
    assert!(world.heard().ends_with("found it"), "{}", world.heard());
    assert_eq!(world.turns().iter().filter(|turn| turn.0 == Role::Caller).count(), 1);
}

#[test]
fn an_action_that_gives_nothing_is_not_waited_for_for_ever() {
    let mut world = asked(&[&[Thought::Wish("c1", "look", "{}")], &[Thought::Say("no luck")]]);
    world.act = None;
    world.quiet(14_000);
    assert_eq!(world.results().len(), 1);
    assert!(world.results()[0].1.contains("took too long"));
    assert!(world.heard().starts_with("no luck"));
}

#[test]
fn a_model_that_only_wishes_is_stopped() {
    let rounds: Vec<Vec<Thought>> = ["a", "b", "c", "d", "e", "f", "g"]
        .map(|id| vec![Thought::Wish(id, "look", "{}")])
        .to_vec();
    let rounds: Vec<&[Thought]> = rounds.iter().map(Vec::as_slice).collect();
    let mut world = asked(&rounds);
    world.quiet(9000);
    assert_eq!(world.results().len(), 5);
    assert!(!world.results()[4].2, "it is not asked to go on");
    assert_eq!(world.finished(), Some(("failed", End::LiveFailed)));
    assert_eq!(world.heard(), "sorry about that");
}

#[test]
fn a_wish_of_a_response_that_was_cut_off_is_answered_too() {
    let mut world = asked(&[
        &[
            Thought::Say("one two three four five six seven eight"),
            Thought::Wish("c1", "look", "{}"),
        ],
        &[Thought::Say("all right")],
    ]);
    world.quiet(860);
    world.live(crate::talk::LiveSignal::SpeechStarted);
    assert!(world.results().is_empty(), "it has not come yet");
    world.quiet(500);
    assert_eq!(world.results(), [("c1", "cancelled", false)]);
    assert!(world.orders().contains(&&LiveOrder::Cancel));
    assert_eq!(world.turns().last().map(|turn| turn.0), Some(Role::Agent));
}
