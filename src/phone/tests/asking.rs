//! `<Gather>`: keys, speech, and no answer at all.

use super::world::{World, elapsed, latest};
use crate::phone::{Doing, Move};
use proptest::prelude::*;
use serde_json::json;

const MENU: &str = "{gather: {prompt: tts/menu.mp3, keys: 1, timeout: 5s, tries: 1, choices: {one: '1'}}, \
                    on: {one: one, no_input: two, no_match: other}}";

fn keys(keys: &str) -> Move {
    Move::Keys(keys.to_owned())
}

fn says(words: &str) -> Move {
    Move::Says(words.to_owned())
}

#[test]
fn keys_that_are_complete_cut_the_prompt_short() {
    let world = World::step(MENU);
    let mut phone = world.rings();
    phone.now = phone.now.plus(700);
    assert!(phone.make(&keys("1"), None));
    assert_eq!((latest(&phone).as_str(), elapsed(&phone)), ("one", 700));
    assert_eq!(latest(&world.plays(&[keys("7")])), "other");
}

#[test]
fn who_gives_no_answer_has_the_prompt_and_the_timeout_for_it() {
    let world = World::step(MENU);
    let phone = world.plays(&[Move::Pass]);
    assert_eq!(elapsed(&phone), 2_000);
    assert!(matches!(phone.leg.doing(), Doing::Listening { .. }));
    let phone = world.plays(&[Move::Pass, Move::Pass]);
    assert_eq!((latest(&phone).as_str(), elapsed(&phone)), ("two", 7_000));
    assert_eq!(phone.ear.longest().millis(), 5_000);
}

#[test]
fn the_finish_key_ends_the_input_and_is_no_part_of_it() {
    let world =
        World::step("{gather: {prompt: tts/id.mp3, timeout: 3s, into: id}, on: {matched: fine, no_input: two}}");
    for (pressed, digits, waited) in [("12#", "12", 0), ("12", "12", 3_000), ("1#2", "1", 0)] {
        let phone = world.plays(&[Move::Pass, keys(pressed)]);
        assert_eq!(phone.call.vars.get("id"), Some(&json!(digits)), "{pressed}");
        assert_eq!(elapsed(&phone), 2_000 + waited, "{pressed}");
        assert_eq!(latest(&phone), "fine");
    }
}

#[test]
fn no_more_keys_are_taken_than_are_asked_for() {
    let world = World::step("{gather: {prompt: tts/id.mp3, keys: 2, into: id}, on: {matched: fine, no_input: two}}");
    let phone = world.plays(&[keys("123")]);
    assert_eq!(phone.call.vars.get("id"), Some(&json!("12")));
    assert_eq!(elapsed(&phone), 0);
}

#[test]
fn speech_is_over_after_its_silence() {
    let world = World::step(
        "{gather: {prompt: tts/a.mp3, timeout: 4s, tries: 1, speech: {end: 2s}, choices: {one: 'yes'}}, \
         on: {one: one, no_input: two, no_match: other}}",
    );
    let phone = world.plays(&[Move::Pass, says("Yes.")]);
    // Four characters take 788 ms; two seconds of silence end them.
    assert_eq!((latest(&phone).as_str(), elapsed(&phone)), ("one", 2_000 + 788 + 2_000));
    assert_eq!(phone.ear.longest().millis(), 2_000);
    assert_eq!(latest(&world.plays(&[says("no idea")])), "other");
}

#[test]
fn what_is_not_asked_for_is_not_taken() {
    let world = World::step(MENU);
    let mut phone = world.rings();
    let before = phone.clone();
    for next in [
        says("one"),
        Move::LeavesMessage(3),
        Move::Queued("bridged"),
        Move::Paid("success"),
        Move::Referred(true),
        Move::AgentSpeaks,
        Move::StreamRefused,
        Move::CarrierAsksFirst,
    ] {
        assert!(!phone.make(&next, None), "{next:?}");
        assert!(
            phone.call == before.call && phone.leg == before.leg && phone.now == before.now,
            "{next:?}"
        );
    }
}

#[test]
fn every_try_is_asked_and_then_it_is_enough() {
    let world = World::step(
        "{gather: {prompt: tts/a.mp3, retry: [tts/b.mp3], keys: 1, timeout: 1s, tries: 3, choices: {one: '1'}}, \
         on: {one: one, no_input: two, no_match: two}}",
    );
    let phone = world.plays(&[Move::Pass, Move::Pass, keys("9"), keys("8")]);
    assert_eq!(
        super::world::heard(&phone),
        ["tts/a.mp3", "tts/b.mp3", "tts/b.mp3", "two"]
    );
}

proptest! {
    /// Whenever keys come, and whichever: input costs no more than the timeout, and the call goes on.
    #[test]
    fn any_keys_lead_on(pressed in "[0-9*#]{1,6}", after in 0u64..2_000) {
        let world = World::step(MENU);
        let mut phone = world.rings();
        phone.now = phone.now.plus(after);
        prop_assert!(phone.make(&Move::Keys(pressed), None));
        prop_assert!(elapsed(&phone) <= after + 5_000);
        prop_assert!(["one", "other", "two"].contains(&latest(&phone).as_str()));
        prop_assert!(phone.violations.is_empty());
    }
}
