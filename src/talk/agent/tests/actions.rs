//! Wishes: checked, granted once, and answered once each.

use super::world::*;
use crate::talk::agent::*;
use crate::talk::{End, Message, Order, Role};
use serde_json::json;

pub fn acting() -> Plan {
    let mut plan = plan();
    let mut save = Action::new("save", ActionKind::Set("lead".into()));
    save.parameters = Parameters(vec![Parameter {
        name: "city".into(),
        kind: ParameterKind::String,
        optional: false,
    }]);
    plan.actions = vec![
        Action::new("transfer", ActionKind::Exit("human".into())),
        save,
        Action::new("look", ActionKind::Do),
        Action::new("bye", ActionKind::HangUp),
    ];
    plan.filler.action = Some(Line::clip(ACTING));
    plan
}

fn world(mind: &[&[Thought]]) -> World {
    let mut world = World::new(acting(), mind);
    world.say("tell me");
    world
}

/// The results in this history, by id; every wish has exactly one.
pub fn results(messages: &[Message]) -> Vec<(String, String)> {
    let wished: Vec<_> = messages
        .iter()
        .flat_map(|message| match message {
            Message::Agent { calls, .. } => calls.iter().map(|call| call.id.to_string()).collect(),
            _ => Vec::new(),
        })
        .collect();
    let results: Vec<_> = messages
        .iter()
        .filter_map(|message| match message {
            Message::Result { id, text } => Some((id.to_string(), text.to_string())),
            _ => None,
        })
        .collect();
    let answered: Vec<_> = results.iter().map(|(id, _)| id.clone()).collect();
    assert_eq!(answered, wished);
    results
}

#[test]
fn an_exit_is_taken_once_its_last_words_were_heard() {
    let mut world = world(&[&[
        Thought::Say("I will put you through now."),
        Thought::Wish("1", "transfer", "{}"),
    ]]);
    world.quiet(1400);
    assert_eq!(world.finished(), None);
    world.speech(400);
    world.quiet(1500);
    assert_eq!(world.heard(), "I will put you through now.");
    assert_eq!(world.finished(), Some(("human", End::Exit)));
    assert_eq!(world.turns()[1], (Role::Agent, "I will put you through now.", false));
    assert_eq!(results(world.talk.history.messages()), [("1".into(), "ok".into())]);
}

#[test]
fn an_exit_without_words_is_taken_at_once() {
    let mut world = world(&[&[Thought::Wish("1", "bye", "")]]);
    world.quiet(1500);
    assert_eq!(world.finished(), Some(("completed", End::Exit)));
}

#[test]
fn a_value_is_set_and_the_model_goes_on() {
    let mut world = world(&[
        &[Thought::Wish("1", "save", r#"{"city":"Haifa"}"#)],
        &[Thought::Say("noted it down")],
    ]);
    world.quiet(5000);
    let set = |(_, output): &(u64, Output)| match output {
        Output::Set(values) => Some(serde_json::Value::Object(values.clone())),
        _ => None,
    };
    assert_eq!(
        world.seen.iter().find_map(set),
        Some(json!({"lead": {"city": "Haifa"}}))
    );
    assert_eq!(results(&world.asked()[1]), [("1".into(), "ok".into())]);
    assert_eq!(world.heard(), "noted it down");
    assert_eq!(world.turns().len(), 2);
}

#[test]
fn an_action_is_performed_bridged_and_its_result_told() {
    let mut world = world(&[&[Thought::Wish("1", "look", "")], &[Thought::Say("here it is")]]);
    world.quiet(5000);
    assert_eq!(world.heard(), "let me look here it is");
    assert_eq!(results(&world.asked()[1]), [("1".into(), "done".into())]);
    let acts = world
        .orders()
        .filter(|order| matches!(order, Order::Act { generation: 1, .. }));
    assert_eq!(acts.count(), 1);
}

#[test]
fn an_action_that_takes_too_long_is_given_up_and_bridged_again() {
    let mut world = world(&[&[Thought::Wish("1", "look", "")], &[Thought::Say("cannot say")]]);
    world.act = None;
    world.quiet(14_000);
    assert_eq!(world.heard(), "let me look let me look cannot say");
    let told = results(&world.asked()[1]);
    assert!(told[0].1.contains("too long"), "{told:?}");
    world.signal(Signal::Acted {
        generation: 1,
        id: "1".into(),
        result: Ok("late".into()),
    });
    assert_eq!(world.asked().len(), 2);
}

#[test]
fn a_failed_action_is_told_to_the_model() {
    let mut world = world(&[&[Thought::Wish("1", "look", "")], &[Thought::Say("cannot say")]]);
    world.act = Some(Err("no such thing".into()));
    world.quiet(4000);
    assert_eq!(results(&world.asked()[1])[0].1, "The action failed: no such thing");
}

#[test]
fn faulty_wishes_are_explained_twice_and_then_the_answer_fails() {
    let mut world = world(&[
        &[Thought::Wish("1", "save", "{}")],
        &[Thought::Wish("2", "nothing", "{}")],
        &[Thought::Wish("3", "save", r#"{"city":"Haifa"}"#)],
        &[Thought::Say("noted it down")],
    ]);
    world.quiet(6000);
    let told = results(&world.asked()[3]);
    assert!(
        told[0].1.contains("`city` is missing") && told[1].1.contains("no action `nothing`"),
        "{told:?}"
    );
    assert_eq!((told[2].1.as_str(), world.heard().as_str()), ("ok", "noted it down"));

    let faulty: &[Thought] = &[Thought::Wish("1", "save", "{}")];
    let other: &[Thought] = &[Thought::Wish("2", "save", "{}")];
    let third: &[Thought] = &[Thought::Wish("3", "save", "{}")];
    let mut world = self::world(&[faulty, other, third]);
    world.quiet(6000);
    assert_eq!(world.asked().len(), 3);
    assert_eq!(world.finished(), Some(("failed", End::ThinkFailed)));
    assert_eq!(results(world.talk.history.messages()).len(), 3);
}

#[test]
fn a_chain_of_wishes_has_an_end() {
    let rounds: Vec<Vec<Thought>> = ["1", "2", "3", "4", "5", "6"]
        .iter()
        .map(|id| vec![Thought::Wish(id, "save", r#"{"city":"Haifa"}"#)])
        .collect();
    let mind: Vec<&[Thought]> = rounds.iter().map(Vec::as_slice).collect();
    let mut world = world(&mind);
    world.quiet(8000);
    assert_eq!(
        (world.asked().len(), world.finished()),
        (5, Some(("failed", End::ThinkFailed)))
    );
    assert_eq!(results(world.talk.history.messages()).len(), 5);
}

/// A world whose model has an action done that gives nothing by itself; the caller hears its words and then nothing.
fn looking(rounds: &[&[Thought]]) -> World {
    let wish: &[Thought] = &[
        Thought::Say("I will look that up for you."),
        Thought::Wish("1", "look", ""),
        Thought::Wish("1", "look", ""),
    ];
    let mind: Vec<&[Thought]> = std::iter::once(wish).chain(rounds.iter().copied()).collect();
    let mut world = world(&mind);
    world.act = None;
    world.quiet(2300);
    world
}

fn acted(world: &mut World, result: &str) {
    world.signal(Signal::Acted {
        generation: 1,
        id: "1".into(),
        result: Ok(result.into()),
    });
}

fn acts(world: &World) -> usize {
    world
        .orders()
        .filter(|order| matches!(order, Order::Act { .. }))
        .count()
}

#[test]
fn an_action_outlives_the_answer_that_was_interrupted_and_its_result_is_told_once() {
    let mut world = looking(&[&[Thought::Say("of course")], &[Thought::Say("very well")]]);
    world.say("thank you very much indeed");
    world.quiet(4000);
    let told = results(&world.asked()[1]);
    assert_eq!(told.len(), 1);
    assert!(told[0].1.contains("still under way"), "{told:?}");
    assert_eq!(world.heard().split(' ').next_back(), Some("course"));
    acted(&mut world, "found");
    acted(&mut world, "found again");
    assert_eq!(world.asked().len(), 2, "nothing is said because of it");
    world.say("and now");
    world.quiet(4000);
    assert_eq!(results(&world.asked()[2]), [("1".into(), "found".into())]);
    assert_eq!(acts(&world), 1);
}

#[test]
fn what_comes_of_an_action_while_the_caller_interrupts_is_known_in_the_answer_to_them() {
    let mut world = looking(&[&[Thought::Say("of course")]]);
    world.say("thank you very much indeed");
    acted(&mut world, "found");
    world.quiet(4000);
    assert_eq!(results(&world.asked()[1]), [("1".into(), "found".into())]);
    assert_eq!((world.asked().len(), acts(&world)), (2, 1));
}

#[test]
fn noise_over_an_action_leaves_the_answer_to_go_on_with_its_result() {
    // The words of the answer are over or not, the noise is long or twice, the result comes after it or meanwhile.
    for (early, twice, done_meanwhile) in [
        (false, false, false),
        (true, false, false),
        (false, true, false),
        (false, false, true),
        (true, false, true),
    ] {
        let mut world = looking(&[&[Thought::Say("here it is")]]);
        world.quiet(if early { 0 } else { 600 });
        for _ in 0..=usize::from(twice) {
            world.saying = Some(String::new());
            world.speech(700);
            if done_meanwhile {
                acted(&mut world, "found");
            }
            world.quiet(1800);
        }
        if !done_meanwhile {
            assert_eq!(world.asked().len(), 1, "it waits for the result");
            acted(&mut world, "found");
        }
        world.quiet(3000);
        assert!(world.heard().ends_with("here it is"), "{}", world.heard());
        assert_eq!(results(&world.asked()[1]), [("1".into(), "found".into())]);
        assert_eq!((world.asked().len(), acts(&world)), (2, 1));
        assert!(world.turns().iter().filter(|turn| turn.0 == Role::Caller).count() == 1);
    }
}

#[test]
fn an_action_that_is_late_is_late_after_noise_as_well_and_its_result_is_told_at_last() {
    let mut world = looking(&[&[Thought::Say("cannot say")], &[Thought::Say("it is done")]]);
    world.saying = Some(String::new());
    world.speech(700);
    world.quiet(14_000);
    let told = results(&world.asked()[1]);
    assert!(told[0].1.contains("too long"), "{told:?}");
    acted(&mut world, "found");
    world.say("and now");
    world.quiet(3000);
    assert_eq!(
        results(world.asked().last().unwrap()),
        [("1".to_owned(), "found".to_owned())]
    );
    assert_eq!(acts(&world), 1);
}

#[test]
fn an_exit_and_an_action_of_one_answer_are_both_done() {
    let mut world = world(&[&[
        Thought::Wish("1", "look", ""),
        Thought::Wish("2", "transfer", ""),
        Thought::Wish("3", "bye", ""),
    ]]);
    world.quiet(4000);
    assert_eq!(world.finished(), Some(("human", End::Exit)));
    let told = results(world.talk.history.messages());
    let texts: Vec<&str> = told.iter().map(|(_, text)| text.as_str()).collect();
    assert_eq!(texts, ["done", "ok", "cancelled"]);
}
