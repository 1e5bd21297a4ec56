//! What the model wishes.

use super::super::voice::SLACK;
use super::world::*;
use crate::talk::agent::{Action, ActionKind, Line, Plan};
use crate::talk::relay::{Output, speaking_time};
use crate::talk::{End, Message, Role};
use serde_json::json;

fn acting() -> Plan {
    let mut book = Action::new("book", ActionKind::Do);
    book.say = Some(Line::words("let me look"));
    let mut bye = Action::new("bye", ActionKind::Exit("sold".into()));
    bye.say = Some(Line::words("good bye"));
    let set = Action::new("note", ActionKind::Set("lead".into()));
    Plan {
        actions: vec![book, bye, set, Action::new("hang_up", ActionKind::HangUp)],
        ..plan()
    }
}

#[test]
fn an_action_is_performed_and_its_result_told() {
    let mind: &[&[Thought]] = &[&[Thought::Wish("book", "{}")], &[Thought::Say("It is booked.")]];
    let mut world = World::new(acting(), mind);
    world.prompt("book it");
    world.pass(2000);
    assert_eq!(
        world.said(),
        [(320, "let me look".to_owned()), (1040, "It is booked.|".to_owned())]
    );
    let asked = world.asked();
    assert!(matches!(&asked[1][1], Message::Agent { text, calls } if text.is_empty() && calls.len() == 1));
    assert!(matches!(&asked[1][2], Message::Result { text, .. } if &**text == "done"));
    world.pass(3000);
    assert_eq!(world.turns()[1], (Role::Agent, "let me look It is booked.", false));
}

#[test]
fn values_are_told_and_faults_are_mended() {
    let mind: &[&[Thought]] = &[
        &[Thought::Wish("note", "{}"), Thought::Wish("nothing", "{}")],
        &[Thought::Say("Noted.")],
    ];
    let mut world = World::new(acting(), mind);
    world.prompt("I am Dan");
    world.pass(2000);
    let set = |output: &Output| matches!(output, Output::Set(values) if values["lead"] == json!({}));
    assert_eq!(world.times(set), [340]);
    let results: Vec<_> = world.asked()[1]
        .iter()
        .filter_map(|message| match message {
            Message::Result { text, .. } => Some(text.to_string()),
            _ => None,
        })
        .collect();
    assert_eq!(results, ["ok", "There is no action `nothing`."]);
}

#[test]
fn an_exit_is_taken_when_its_last_words_were_heard() {
    // The model's own words, or else those of the action.
    let cases: [(&[Thought], &str, &str); 2] = [
        (
            &[Thought::Say("Goodbye, Dan."), Thought::Wish("bye", "{}")],
            "Goodbye, Dan.|",
            "Goodbye, Dan.",
        ),
        (&[Thought::Wish("bye", "{}")], "good bye (all of it)", "good bye"),
    ];
    for (mind, said, words) in cases {
        let mut world = World::new(acting(), &[mind]);
        world.prompt("that is all");
        world.pass(500);
        let at = world.said()[0].0;
        assert_eq!(world.said(), [(at, said.to_owned())]);
        world.prompt("wait a moment");
        world.pass(10_000);
        assert_eq!(world.turns()[1..], [(Role::Agent, words, false)]);
        assert_eq!(
            world.finished(),
            Some((at + speaking_time(words) + SLACK, "sold", End::Exit))
        );
    }
}

#[test]
fn hanging_up_without_a_word_is_at_once() {
    let mut world = World::new(acting(), &[&[Thought::Wish("hang_up", "{}")]]);
    world.prompt("that is all");
    world.pass(1000);
    assert_eq!(
        world.finished().map(|(_, exit, why)| (exit, why)),
        Some(("completed", End::Exit))
    );
}

#[test]
fn a_wish_whose_answer_was_cut_off_has_a_result_all_the_same() {
    let mind: &[&[Thought]] = &[
        &[Thought::Say("Let me see. "), Thought::Wish("book", "{}")],
        &[Thought::Say("All right.")],
    ];
    let mut world = World::new(acting(), mind);
    world.act = None;
    world.prompt("book it");
    world.pass(1000);
    world.interrupt("Let me see.", None);
    world.prompt("no, do not");
    let asked = world.asked();
    assert!(matches!(&asked[1][1], Message::Agent { text, calls } if &**text == "Let me see." && calls.len() == 1));
    assert!(matches!(&asked[1][2], Message::Result { text, .. } if text.contains("still under way")));
    assert_eq!(asked[1][3], caller("no, do not"));
}
