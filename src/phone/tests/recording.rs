//! `<Record>`: a message, too long a one, none, and a caller who hangs up in it.

use super::world::{World, elapsed, end, latest};
use crate::call::EndReason;
use crate::phone::{Doing, Move};

const MESSAGE: &str = "{record: {prompt: tts/p.mp3, silence: 4s, max: 30s, beep: false}, next: fine}";

#[test]
fn a_message_is_over_after_its_silence() {
    let world = World::step(MESSAGE);
    let phone = world.plays(&[Move::Pass, Move::LeavesMessage(10)]);
    assert_eq!(
        (latest(&phone).as_str(), elapsed(&phone)),
        ("fine", 2_000 + 10_000 + 4_000)
    );
    assert_eq!(phone.call.recordings.len(), 1);
    assert_eq!(phone.call.result["seconds"], 10);
}

#[test]
fn a_message_is_no_longer_than_it_may_be() {
    let world = World::step(MESSAGE);
    let phone = world.plays(&[Move::Pass, Move::LeavesMessage(100)]);
    assert_eq!((latest(&phone).as_str(), elapsed(&phone)), ("fine", 32_000));
    assert_eq!(phone.ear.longest().millis(), 0);
}

#[test]
fn who_says_nothing_leaves_no_message() {
    let world = World::step(MESSAGE);
    let phone = world.plays(&[Move::Pass, Move::Pass]);
    assert_eq!((latest(&phone).as_str(), elapsed(&phone)), ("fine", 6_000));
    assert!(phone.call.recordings.is_empty());
    assert_eq!(phone.ear.longest().millis(), 4_000);
}

#[test]
fn a_message_counts_though_the_caller_hangs_up_in_it() {
    let world = World::step(MESSAGE);
    let phone = world.plays(&[Move::Pass, Move::LeavesMessageAndHangsUp(10)]);
    assert_eq!(end(&phone), Some(EndReason::CallerLeft));
    assert_eq!(phone.call.recordings.len(), 1);
    assert_eq!(phone.leg.doing(), &Doing::Over);
    assert_eq!(phone.ear.longest().millis(), 0);
}

#[test]
fn each_recording_is_one_of_its_own() {
    let world = World::new(
        "flow: t\nlocale: en-US\nstart: {call: a}\notherwise: bye\nsteps:\n  a: {record: {beep: false}, next: b}\n  \
         b: {record: {beep: false}, next: bye}\n  bye: {hangup: {}}\n",
    );
    let phone = world.plays(&[Move::LeavesMessage(2), Move::LeavesMessage(2)]);
    assert_eq!(phone.call.recordings.len(), 2);
}

#[test]
fn before_the_recording_begins_nothing_can_be_left() {
    let world = World::step(MESSAGE);
    let mut phone = world.rings();
    assert!(!phone.make(&Move::LeavesMessage(3), None));
    assert!(phone.call.recordings.is_empty());
}
