//! What others decide: a dialled party, a queue, a payment, the other side of a transfer.

use super::world::{World, elapsed, end, latest};
use crate::call::EndReason;
use crate::phone::{DialEnd, Doing, Move};

const DIAL: &str = "{dial: {number: '+14155550101', timeout: 20s, limit: 10s}, \
                    on: {completed: fine, busy: one, no_answer: two, failed: other, canceled: one}}";

#[test]
fn a_dialled_party_answers_or_does_not() {
    let world = World::step(DIAL);
    for (how, heard, millis) in [
        (DialEnd::Talked(7_000), "fine", 7_000),
        // `limit` ends it.
        (DialEnd::Talked(60_000), "fine", 10_000),
        (DialEnd::Busy, "one", 0),
        (DialEnd::NoAnswer, "two", 20_000),
        (DialEnd::Failed, "other", 0),
        (DialEnd::Canceled, "one", 0),
    ] {
        let phone = world.plays(&[Move::Dialled(how)]);
        assert_eq!((latest(&phone).as_str(), elapsed(&phone)), (heard, millis), "{how:?}");
    }
    // Nobody decides anything: it rings until it has rung long enough.
    let phone = world.plays(&[Move::Pass]);
    assert_eq!((latest(&phone).as_str(), elapsed(&phone)), ("two", 20_000));
    assert_eq!(phone.ear.longest().millis(), 4_000, "the pause after the last tone");
}

#[test]
fn who_hangs_up_while_it_rings_has_left() {
    let world = World::step(DIAL);
    let phone = world.plays(&[Move::HangsUp]);
    assert_eq!(end(&phone), Some(EndReason::CallerLeft));
    assert_eq!(phone.leg.doing(), &Doing::Over);
}

#[test]
fn a_called_party_is_asked_whether_to_take_the_call() {
    let screen = "{dial: {number: '+14155550101', screen: {prompt: tts/who.mp3}}, on: {completed: fine, busy: one}}";
    let world = World::step(screen);
    let phone = world.plays(&[Move::Dialled(DialEnd::Talked(1_000))]);
    assert_eq!(latest(&phone), "fine");
    // What the other side hears is no sound of the caller's.
    assert_eq!(super::world::heard(&phone), ["fine"]);
}

#[test]
fn a_queue_ends_with_the_carriers_word() {
    let world = World::step("{enqueue: {queue: desk, wait: [tts/w.mp3]}, on: {bridged: fine, left: one, full: two}}");
    for (word, heard) in [
        ("bridged", "fine"),
        ("leave", "one"),
        ("queue-full", "two"),
        ("error", "other"),
    ] {
        let phone = world.plays(&[Move::Queued(word)]);
        assert_eq!(latest(&phone), heard, "{word}");
    }
    let phone = world.plays(&[Move::HangsUp]);
    assert_eq!(end(&phone), Some(EndReason::CallerLeft));
}

#[test]
fn a_payment_ends_with_the_carriers_word() {
    let world = World::step("{pay: {amount: '19.90'}, on: {paid: fine, canceled: one}}");
    for (word, heard) in [
        ("success", "fine"),
        ("caller-interrupted-with-star", "one"),
        ("payment-connector-error", "other"),
    ] {
        assert_eq!(latest(&world.plays(&[Move::Paid(word)])), heard, "{word}");
    }
}

#[test]
fn the_other_side_takes_the_call_or_does_not() {
    let world = World::step("{refer: 'sip:a@b.example', on: {completed: fine}}");
    assert_eq!(latest(&world.plays(&[Move::Referred(true)])), "fine");
    assert_eq!(latest(&world.plays(&[Move::Referred(false)])), "other");
}

#[test]
fn a_flow_that_refuses_the_call_never_answers_it() {
    let world = World::step("{reject: {}}");
    let phone = world.plays(&[]);
    assert_eq!(end(&phone), Some(EndReason::Rejected));
    assert!(!phone.leg.is_answered());
    assert_eq!(phone.ear.longest().millis(), 0);
}

#[test]
fn a_service_that_is_late_is_waited_for_and_no_longer() {
    use crate::call::TaskOutput;
    use crate::phone::{REFUSED, Timing};
    let world = World::step("{http: {url: 'https://api.example/x', timeout: 3s}, on: {ok: fine, failed: one}}");
    let ends = |result, timing| Move::TaskEnds {
        task: 0,
        result,
        timing,
    };
    let answer = || {
        Ok(TaskOutput::Http {
            status: 200,
            body: serde_json::json!({}),
        })
    };
    assert_eq!(super::world::tasks(&world.rings()), ["http"]);
    for (first, heard) in [
        (ends(answer(), Timing::Early), "fine"),
        (ends(answer(), Timing::Late), "fine"),
        (ends(Err(REFUSED.to_owned()), Timing::Early), "one"),
    ] {
        let mut phone = world.plays(std::slice::from_ref(&first));
        while heard != latest(&phone) {
            assert!(phone.make(&Move::Pass, None), "{first:?}");
        }
        assert!(phone.tasks.is_empty());
        assert!(elapsed(&phone) <= 8_000, "{first:?}: {}", elapsed(&phone));
    }
    // It never answers: the call goes on all the same.
    let mut phone = world.rings();
    while latest(&phone) != "one" {
        assert!(phone.make(&Move::Pass, None));
    }
    assert_eq!(phone.violations, []);
}
