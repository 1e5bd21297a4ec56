//! `<Connect>`: a stream starts, is refused, never starts, breaks; a conversation ends on it.

use super::world::{World, elapsed, latest, tasks};
use crate::call::{TaskOutput, Timer};
use crate::phone::{Doing, Move, Phone, Timing};

const TALK: &str = "flow: t
locale: en-US
start: {call: talk}
otherwise: other
steps:
  talk:
    converse: {agent: a, watchdog: {start: 6s, media: 4s}}
    on: {completed: fine, transfer: one, no_reply: two, no_stream_start: start, no_media: media}
  fine: {say: fine, next: bye}
  one: {say: one, next: bye}
  two: {say: two, next: bye}
  start: {say: start, next: bye}
  media: {say: media, next: bye}
  other: {say: other, next: bye}
  bye: {hangup: {}}
agents:
  a:
    think: {answers: [{keys: '0', exit: transfer}], otherwise: {exit: completed}}
    speak: {}
    idle: {after: 3s, play: tts/there.mp3, times: 2, then: no_reply}
";

const STARTS: Move = Move::StreamStarts(Timing::Early);

fn ends(exit: &str, spoke: bool, quiet: u64) -> Move {
    Move::TalkEnds {
        exit: exit.to_owned(),
        spoke,
        quiet,
    }
}

/// The carrier has taken the call to the document that was sent to it.
fn redirected(phone: &mut Phone<'_>) {
    assert_eq!(tasks(phone), ["redirect_call"]);
    let taken = Move::TaskEnds {
        task: 0,
        result: Ok(TaskOutput::Accepted),
        timing: Timing::Early,
    };
    assert!(phone.make(&taken, None));
    assert_eq!(phone.violations, []);
}

#[test]
fn a_stream_starts_at_once_or_just_in_time() {
    let world = World::new(TALK);
    let phone = world.plays(&[STARTS]);
    assert!(matches!(phone.leg.doing(), Doing::Streaming { .. }));
    assert_eq!(elapsed(&phone), 0);
    assert!(phone.call.timers.contains_key(&Timer::StreamMedia));
    let phone = world.plays(&[Move::StreamStarts(Timing::Late)]);
    assert!(matches!(phone.leg.doing(), Doing::Streaming { .. }));
    assert_eq!(elapsed(&phone), 5_999);
}

#[test]
fn a_stream_that_is_refused_takes_the_call_on_at_once() {
    let world = World::new(TALK);
    let phone = world.plays(&[Move::StreamRefused]);
    assert_eq!((latest(&phone).as_str(), elapsed(&phone)), ("start", 0));
}

#[test]
fn a_stream_that_never_starts_is_cut_over() {
    let world = World::new(TALK);
    let mut phone = world.plays(&[Move::Pass]);
    assert_eq!(elapsed(&phone), 6_000);
    redirected(&mut phone);
    assert_eq!(latest(&phone), "start");
    assert_eq!(phone.ear.longest().millis(), 6_000);
}

#[test]
fn a_carrier_that_asks_before_the_redirect_gets_the_same() {
    let world = World::new(TALK);
    let mut phone = world.plays(&[Move::Pass, Move::CarrierAsksFirst]);
    assert_eq!(latest(&phone), "start");
    // Nothing is cut over twice.
    assert!(!phone.make(&Move::CarrierAsksFirst, None));
}

#[test]
fn a_stream_that_breaks_takes_the_call_on() {
    let world = World::new(TALK);
    for (heard, then) in [(true, "other"), (false, "media")] {
        let mut phone = world.plays(&[STARTS, Move::StreamBreaks { heard }]);
        assert_eq!(phone.leg.doing(), &Doing::Returning);
        assert_eq!(phone.due(), Some(phone.now));
        assert!(phone.make(&Move::Pass, None));
        assert_eq!((latest(&phone).as_str(), elapsed(&phone)), (then, 0), "heard: {heard}");
    }
}

#[test]
fn a_conversation_ends_where_its_exit_leads() {
    let world = World::new(TALK);
    for (exit, then) in [
        ("completed", "fine"),
        ("transfer", "one"),
        ("no_reply", "two"),
        ("failed", "other"),
    ] {
        let phone = world.plays(&[STARTS, Move::AgentSpeaks, ends(exit, true, 1_500), Move::Pass]);
        assert_eq!((latest(&phone).as_str(), elapsed(&phone)), (then, 1_500), "{exit}");
        assert_eq!(phone.ear.longest().millis(), 1_500);
    }
}

#[test]
fn silence_before_a_conversations_end_counts_from_the_latest_sound() {
    let world = World::new(TALK);
    let mut phone = world.plays(&[STARTS]);
    phone.now = phone.now.plus(1_000);
    assert!(phone.make(&ends("no_reply", false, 3_000), None));
    // A second had passed already.
    assert_eq!(elapsed(&phone), 3_000);
    let silence = phone.ear.longest();
    assert_eq!(silence.millis(), 3_000);
}

#[test]
fn a_caller_who_is_not_heard_is_cut_over_by_the_watchdog() {
    let world = World::new(TALK);
    for (idle, silence) in [(0, 4_000), (3_000, 3_000)] {
        let mut phone = world.plays(&[STARTS, Move::NothingHeard { idle }]);
        assert_eq!(elapsed(&phone), 4_000);
        redirected(&mut phone);
        assert_eq!(latest(&phone), "media");
        assert_eq!(phone.ear.longest().millis(), silence, "idle: {idle}");
    }
}

#[test]
fn what_a_model_wishes_for_is_ordered_once() {
    let world = World::new(
        "flow: t
locale: en-US
start: {call: talk}
otherwise: bye
steps:
  talk: {converse: {agent: a}, next: bye}
  bye: {hangup: {}}
agents:
  a:
    instructions: Talk.
    listen: deepgram
    think: openai
    speak: openai
    actions:
      text: {description: They want it in writing., do: {sms: {to: '{{ call.from }}', body: Here it is.}}}
",
    );
    let wish = Move::Wishes {
        action: "text".to_owned(),
        arguments: "{}".to_owned(),
    };
    let mut phone = world.plays(&[STARTS, wish]);
    assert_eq!(tasks(&phone), ["send_message"]);
    let sent = Move::TaskEnds {
        task: 0,
        result: Ok(TaskOutput::Sent { sid: "SM1".to_owned() }),
        timing: Timing::Early,
    };
    assert!(phone.make(&sent, None));
    assert!(phone.tasks.is_empty() && phone.call.wishes.is_empty());
    assert!(!phone.make(&sent, None), "no task is left");
    assert_eq!(phone.violations, []);
}

#[test]
fn a_stream_to_somebody_else_ends_by_itself_or_breaks() {
    let world = World::step("{stream: 'wss://bot.example/x', on: {ended: fine, failed: one}}");
    for (heard, then) in [(true, "fine"), (false, "one")] {
        let mut phone = world.plays(&[STARTS]);
        assert_eq!(phone.leg.doing(), &Doing::StreamingAway);
        assert!(phone.make(&Move::StreamBreaks { heard }, None));
        assert!(phone.make(&Move::Pass, None));
        assert_eq!(latest(&phone), then, "heard: {heard}");
        assert_eq!(phone.violations, []);
    }
}

#[test]
fn who_hangs_up_in_a_conversation_has_left() {
    let world = World::new(TALK);
    for moves in [vec![Move::HangsUp], vec![STARTS, Move::HangsUp]] {
        let phone = world.plays(&moves);
        assert_eq!(super::world::end(&phone), Some(crate::call::EndReason::CallerLeft));
    }
}
