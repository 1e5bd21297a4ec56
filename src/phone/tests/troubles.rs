//! What goes wrong in the engine and around it: the store, a template, a restart, a stop, a report that is lost.

use super::world::{World, elapsed, end, heard, latest, tasks};
use crate::call::{CarrierStatus, EndReason, TaskOutput, Timer};
use crate::phone::{Doing, Machine, Mishap, Move, Phone, Timing};

const MENU: &str = "{gather: {prompt: tts/menu.mp3, keys: 1, tries: 1, choices: {one: '1'}}, \
                    on: {one: one, no_input: two, no_match: two}}";
const SERVICE: &str = "{http: {url: 'https://api.example/x'}, on: {ok: fine, failed: one}}";
const TALK: &str = "flow: t
locale: en-US
start: {call: talk}
otherwise: other
steps:
  talk: {converse: {agent: a}, on: {completed: bye}}
  other: {say: other, next: bye}
  bye: {hangup: {}}
agents:
  a: {think: {otherwise: {exit: completed}}, speak: {}}
";

/// Moves on by itself until the caller hears this.
fn until(phone: &mut Phone<'_>, wanted: &str) {
    for _ in 0..20 {
        if latest(phone) == wanted {
            return;
        }
        assert!(phone.make(&Move::Pass, None), "nothing happens any more");
    }
    panic!("heard was {:?}", heard(phone));
}

fn ends(result: TaskOutput) -> Move {
    Move::TaskEnds {
        task: 0,
        result: Ok(result),
        timing: Timing::Early,
    }
}

#[test]
fn a_document_that_cannot_be_rendered_gives_way_to_the_fallback() {
    let world = World::step(MENU);
    let phone = world.rings_by(&Machine, Some(Mishap::RenderFails));
    assert_eq!(heard(&phone), ["other"]);
    assert_eq!(phone.violations, []);
    let mut phone = world.rings();
    assert!(phone.make(&Move::Keys("1".to_owned()), Some(Mishap::RenderFails)));
    assert!(phone.was_answered());
    assert_eq!(latest(&phone), "other");
    assert_eq!(phone.violations, []);
}

#[test]
fn what_needs_no_store_goes_on_without_it() {
    let world = World::step(MENU);
    let mut phone = world.rings_by(&Machine, Some(Mishap::StoreFails));
    assert_eq!(heard(&phone), ["tts/menu.mp3"]);
    assert!(phone.make(&Move::Keys("1".to_owned()), Some(Mishap::StoreFails)));
    assert_eq!(latest(&phone), "one");
    assert_eq!(phone.violations, []);
}

#[test]
fn a_conversation_that_cannot_be_stored_is_not_begun() {
    let world = World::new(TALK);
    let phone = world.rings_by(&Machine, Some(Mishap::StoreFails));
    assert_eq!(heard(&phone), ["other"]);
    assert_eq!(phone.violations, []);
}

#[test]
fn a_mishap_strikes_a_request_and_nothing_else() {
    let world = World::step(MENU);
    let mut phone = world.rings();
    // The prompt is over: nobody asks for anything.
    assert!(phone.make(&Move::Pass, Some(Mishap::StoreFails)));
    assert!(!phone.was_answered());
    assert!(phone.make(&Move::Keys("1".to_owned()), None));
    assert_eq!(latest(&phone), "one");
}

#[test]
fn what_was_not_committed_is_not_performed() {
    let world = World::step(SERVICE);
    let phone = world.rings_by(&Machine, Some(Mishap::StoreFails));
    assert!(phone.tasks.is_empty());
    assert_eq!(latest(&phone), "other");
}

#[test]
fn a_restart_between_two_requests_is_not_noticed() {
    let world = World::step(MENU);
    let mut phone = world.plays(&[Move::Restarts, Move::Keys("1".to_owned())]);
    assert_eq!(latest(&phone), "one");
    assert!(phone.make(&Move::Restarts, None));
    assert_eq!(phone.violations, []);
}

#[test]
fn a_restart_ends_a_conversation_and_not_the_call() {
    let world = World::new(TALK);
    let mut phone = world.plays(&[Move::StreamStarts(Timing::Early), Move::Restarts]);
    assert_eq!(phone.leg.doing(), &Doing::Returning);
    until(&mut phone, "other");
    assert_eq!(elapsed(&phone), 0);
    assert_eq!(phone.violations, []);
}

#[test]
fn a_restart_loses_no_task() {
    let world = World::step(SERVICE);
    let mut phone = world.plays(&[Move::Restarts]);
    // The carrier is asked what became of the call meanwhile.
    assert_eq!(tasks(&phone), ["http", "ask_status"]);
    let body = serde_json::json!({});
    assert!(phone.make(&ends(TaskOutput::Http { status: 200, body }), None));
    until(&mut phone, "fine");
    assert_eq!(phone.violations, []);
}

#[test]
fn a_stop_takes_a_conversation_to_the_fallback() {
    let world = World::new(TALK);
    let mut phone = world.plays(&[Move::StreamStarts(Timing::Early), Move::Drains]);
    assert_eq!(phone.leg.doing(), &Doing::Returning, "its socket is closed");
    assert!(phone.make(&Move::Pass, None));
    assert_eq!((latest(&phone).as_str(), elapsed(&phone)), ("other", 0));
    assert_eq!(phone.violations, []);
}

#[test]
fn a_stop_leaves_alone_who_hears_a_document() {
    let world = World::step(MENU);
    let phone = world.plays(&[Move::Drains, Move::Keys("1".to_owned())]);
    assert_eq!(latest(&phone), "one");
}

#[test]
fn a_report_that_is_lost_is_asked_for() {
    let world = World::step(MENU);
    let mut phone = world.plays(&[Move::HangsUpUnnoticed]);
    assert!(phone.leg.is_over() && end(&phone).is_none());
    while phone.tasks.is_empty() {
        assert!(phone.make(&Move::Pass, None));
    }
    assert_eq!(tasks(&phone), ["ask_status"]);
    let status = TaskOutput::Status {
        status: CarrierStatus::Completed,
        seconds: Some(3),
    };
    assert!(phone.make(&ends(status), None));
    assert_eq!(end(&phone), Some(EndReason::CallerLeft));
    assert_eq!(phone.violations, []);
}

#[test]
fn a_word_of_the_end_that_is_lost_leaves_the_call_live() {
    let world = World::step(MENU);
    let mut phone = world.rings();
    phone.loses_status = true;
    assert!(phone.make(&Move::HangsUp, None));
    assert!(phone.leg.is_over() && end(&phone).is_none());
    assert!(phone.due().is_some(), "a timer finds out");
}

#[test]
fn the_limit_ends_the_call_wherever_it_is() {
    let world = World::step(MENU);
    let mut phone = world.rings();
    let limit = phone.call.timers.get(&Timer::Limit).copied();
    assert!(phone.make(&Move::LimitReached, None));
    assert_eq!(Some(phone.now), limit);
    assert_eq!(
        phone.ear.longest().millis(),
        0,
        "whatever else was due before is not told"
    );
    assert_eq!(tasks(&phone), ["hang_up_call"]);
    assert!(phone.make(&ends(TaskOutput::Accepted), None));
    assert_eq!(end(&phone), Some(EndReason::TooLong));
    assert_eq!(phone.violations, []);
}

#[test]
fn requests_that_take_longer_are_answered_later() {
    let world = World::step(MENU);
    let mut phone = world.rings();
    phone.delay = 450;
    assert!(phone.make(&Move::Keys("1".to_owned()), None));
    assert_eq!(elapsed(&phone), 450);
    assert_eq!(phone.ear.longest().millis(), 450);
}

#[test]
fn a_task_is_late_as_long_as_nothing_else_is_due() {
    let world = World::step(SERVICE);
    let waiting = world.plays(&[]);
    let due = waiting.leg.due().expect("the pause ends");
    let answer = Move::TaskEnds {
        task: 0,
        result: Ok(TaskOutput::Http {
            status: 200,
            body: serde_json::json!({}),
        }),
        timing: Timing::Late,
    };
    let mut phone = world.plays(std::slice::from_ref(&answer));
    assert_eq!(phone.now, due);
    assert_eq!(phone.due(), Some(due));
    until(&mut phone, "fine");
    assert_eq!(phone.now, due);
}

#[test]
fn a_stop_while_a_stream_is_opened_leaves_the_guard() {
    let world = World::new(TALK);
    let mut phone = world.plays(&[Move::Drains]);
    assert_eq!(phone.leg.doing(), &Doing::Connecting);
    assert!(phone.call.timers.contains_key(&Timer::Guard));
    assert!(phone.make(&Move::StreamStarts(Timing::Early), None));
    assert_eq!(
        phone.leg.doing(),
        &Doing::Returning,
        "the engine takes no stream any more"
    );
    assert!(phone.make(&Move::Pass, None));
    assert_eq!((latest(&phone).as_str(), elapsed(&phone)), ("other", 0));
    assert_eq!(phone.violations, []);
}
