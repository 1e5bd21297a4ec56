//! Media streams: admission, the watchdog, redirects, and how a conversation ends.

use super::phone::Phone;
use crate::call::{CarrierStatus, EndReason, Event, MediaOrder, Row, TaskOutput, Ticket};

const TALK: &str = "flow: t
locale: he-IL
start: {call: greeting}
otherwise: voicemail
limits: {call: 10m}
steps:
  greeting: {play: tts/hello.mp3, next: talk}
  talk:
    converse: {agent: a, watchdog: {start: 6s, media: 4s}}
    on: {completed: bye, transfer: human, no_reply: human}
  human: {dial: {number: '+972312345678'}, on: {completed: bye}}
  voicemail: {record: {prompt: tts/fallback.mp3, silence: 4s, max: 30s, beep: false}, next: bye}
  bye: {hangup: {}}
agents:
  a:
    think: {answers: [{keys: '0', exit: transfer}], otherwise: {exit: completed}}
    speak: {}
";

fn talking() -> Phone {
    let mut phone = Phone::rings(TALK);
    phone
        .hears("play tts/hello.mp3")
        .hears("stream")
        .hears_no_more()
        .status(CarrierStatus::InProgress)
        .stream_starts();
    let admitted = MediaOrder::Admit {
        agent: "a".to_owned(),
        instructions: String::new(),
        reply: 7_000,
        quiet: 0,
        welcome: 0,
        record: false,
    };
    assert_eq!(phone.told_the_socket(), [admitted]);
    phone
}

fn reasons(phone: &Phone) -> Vec<String> {
    let reason = |row: &Row| match row {
        Row::CallLog { watchdog, .. } => watchdog.clone(),
        _ => None,
    };
    phone.rows.iter().filter_map(reason).collect()
}

#[test]
fn a_conversation_ends_where_its_exit_leads() {
    for (exit, then) in [
        ("completed", "hangup"),
        ("transfer", "dial [number +972312345678]"),
        ("no_reply", "dial [number +972312345678]"),
        ("something else", "play tts/fallback.mp3"),
        ("", "play tts/fallback.mp3"),
    ] {
        let mut phone = talking();
        phone.talk_ends(exit);
        assert_eq!(phone.told_the_socket(), [MediaOrder::Close]);
        phone.comes_back(&[]).hears(then);
        assert_eq!(phone.pending("redirect_call"), 0);
    }
}

#[test]
fn a_stream_that_never_starts_is_cut_over() {
    let mut phone = Phone::rings(TALK);
    // The carrier reaches the stream after two seconds of greeting, and has six from then.
    phone.waits(7_999);
    assert_eq!(phone.pending("redirect_call"), 0);
    phone.waits(1);
    assert_eq!(phone.logged("WATCHDOG_REDIRECT"), 1);
    phone.is_redirected("no_stream_start").hears("play tts/fallback.mp3");
    assert_eq!(phone.logged("WATCHDOG_REDIRECT_OK"), 1);
    assert_eq!(reasons(&phone), ["no_stream_start"]);
    phone.comes_back(&[]).hears("hangup");
}

#[test]
fn a_silent_stream_is_cut_over_and_a_speaking_one_is_not() {
    let mut phone = talking();
    for _ in 0..20 {
        phone.last_frame = Some(phone.now);
        phone.waits(1_000);
    }
    assert_eq!(phone.pending("redirect_call"), 0);
    phone.waits(3_000);
    phone.is_redirected("no_media").hears("play tts/fallback.mp3");
    assert_eq!(reasons(&phone), ["no_media"]);
}

#[test]
fn a_socket_gets_in_once_and_with_the_calls_own_token() {
    let refused = |phone: &mut Phone| {
        // A call that has ended meanwhile also had every socket closed.
        let orders = phone.told_the_socket();
        let answer: Vec<_> = orders.iter().filter(|order| **order != MediaOrder::Close).collect();
        assert!(matches!(answer.as_slice(), [MediaOrder::Refuse { .. }]), "{orders:?}");
    };
    let starts = |phone: &mut Phone, token: Option<&str>| {
        phone.happens(Event::StreamStarted {
            stream_sid: "MZx".to_owned(),
            token: token.map(str::to_owned),
        });
    };
    let mut phone = Phone::rings(TALK);
    for token in [None, Some(""), Some("0123456789abcdef0123456789abcdef")] {
        starts(&mut phone, token);
        refused(&mut phone);
    }
    let token = phone.token.clone();
    phone.stream_starts();
    phone.told_the_socket();
    starts(&mut phone, token.as_deref());
    refused(&mut phone);
    phone.talk_ends("transfer").comes_back(&[]);
    phone.told_the_socket();
    starts(&mut phone, token.as_deref());
    refused(&mut phone);
    phone.hangs_up(5);
    starts(&mut phone, token.as_deref());
    refused(&mut phone);
}

#[test]
fn a_failed_stream_goes_to_the_fallback_though_the_carrier_asks_first_or_never() {
    // The handshake failed: the carrier goes on by itself.
    let mut phone = Phone::rings(TALK);
    phone.comes_back(&[]).hears("play tts/fallback.mp3");
    assert_eq!(reasons(&phone), ["no_stream_start"]);
    // The socket broke, and the carrier asks.
    talking()
        .stream_closes(50)
        .comes_back(&[])
        .hears("play tts/fallback.mp3");
    // The socket broke, and the carrier does not ask.
    let mut phone = talking();
    phone.stream_closes(50).waits(4_000);
    phone.is_redirected("stream_over").hears("play tts/fallback.mp3");
    // The socket never carried a frame.
    let mut phone = talking();
    phone.stream_closes(0).comes_back(&[]).hears("play tts/fallback.mp3");
    assert_eq!(reasons(&phone), ["no_media"]);
}

#[test]
fn a_redirect_that_the_carrier_overtakes_is_taken_back() {
    let mut phone = Phone::rings(TALK);
    let stream = phone.ticket.unwrap_or(Ticket::FIRST);
    phone.waits(8_000);
    let key = phone.task("redirect_call").key;
    phone.asks(stream, &[]).hears("play tts/fallback.mp3");
    assert_eq!(phone.pending("redirect_call"), 0);
    // It had been sent already: what becomes of it changes nothing.
    let before = phone.call.clone();
    phone.ends(key, Err("timed out".to_owned()));
    assert_eq!(phone.call, before);
}

#[test]
fn a_failed_redirect_is_tried_again_until_it_gets_through() {
    let mut phone = Phone::rings(TALK);
    phone.waits(8_000);
    for _ in 0..5 {
        phone.performed("redirect_call", Err("503".to_owned()));
        assert_eq!(phone.told_the_socket(), [MediaOrder::Close]);
        phone.waits(5_000);
        assert_eq!(phone.pending("redirect_call"), 1);
    }
    assert_eq!(phone.logged("WATCHDOG_REDIRECT_FAIL"), 5);
    phone.is_redirected("no_stream_start").hears("play tts/fallback.mp3");
    phone.comes_back(&[]).hears("hangup");
}

#[test]
fn a_redirect_that_failed_but_arrived_is_not_repeated() {
    let mut phone = Phone::rings(TALK);
    phone.waits(8_000);
    let task = phone.task("redirect_call");
    let crate::call::TaskKind::RedirectCall { document, .. } = &task.kind else {
        panic!("not a redirect")
    };
    phone.receives(document, crate::twiml::Setting::LiveCall);
    phone.ends(task.key, Err("the answer was lost".to_owned()));
    // The caller leaves a message: the document arrived after all.
    phone
        .comes_back(&[("RecordingSid", "RE1"), ("RecordingUrl", "u")])
        .hears("hangup");
    phone.waits(120_000);
    assert_eq!(
        phone.pending("redirect_call"),
        0,
        "the caller would leave the message again"
    );
}

#[test]
fn a_second_redirect_replaces_the_first() {
    let yaml = TALK
        .replace("no_reply: human}", "no_reply: human, no_stream_start: again}")
        .replace(
            "  human:",
            "  again: {converse: a, on: {completed: bye, transfer: human, no_reply: human}}\n  human:",
        );
    let mut phone = Phone::rings(&yaml);
    phone.waits(8_000);
    let first = phone.task("redirect_call").key;
    phone.waits(6_000);
    assert_eq!(
        phone.pending("redirect_call"),
        1,
        "the caller would hear the older document last"
    );
    assert_ne!(phone.task("redirect_call").key, first);
}

#[test]
fn a_redirect_to_a_call_that_is_gone_ends_it() {
    let mut phone = Phone::rings(TALK);
    phone.waits(8_000);
    phone
        .performed("redirect_call", Ok(TaskOutput::CallGone))
        .performed("ask_status", Ok(TaskOutput::CallGone))
        .is_over(EndReason::CallerLeft);
}

#[test]
fn a_timer_that_was_replaced_does_not_fire_for_its_successor() {
    let yaml = TALK.replace("no_reply: human}", "no_reply: again}").replace(
        "  human:",
        "  again: {converse: a, on: {completed: bye, transfer: human, no_reply: human}}\n  human:",
    );
    let mut phone = Phone::rings(&yaml);
    phone
        .waits(7_990)
        .stream_starts()
        .talk_ends("no_reply")
        .comes_back(&[])
        .hears("stream");
    // The first stream's timer was being handed over while all that happened.
    let timer = crate::call::Timer::StreamStart;
    phone.waits(20);
    phone.happens(Event::TimerFired {
        timer,
        last_frame: None,
    });
    assert_eq!(phone.step(), "again");
    assert_eq!(phone.pending("redirect_call"), 0);
    assert!(phone.timers.contains_key(&timer), "the second stream is watched still");
}

#[test]
fn late_and_repeated_reports_of_a_stream_move_nothing() {
    let mut phone = talking();
    phone
        .talk_ends("transfer")
        .comes_back(&[])
        .hears("dial [number +972312345678]");
    phone.told_the_socket();
    let before = phone.call.clone();
    phone.talk_ends("completed").stream_closes(3);
    for report in ["stream-started", "stream-stopped", "stream-error", "x"] {
        let error = Some("31920".to_owned());
        phone.happens(Event::StreamReported {
            report: report.to_owned(),
            error,
        });
    }
    assert_eq!(phone.call, before);
    assert_eq!(phone.step(), "human");
}

#[test]
fn unsigned_reports_never_move_a_stream_of_our_own() {
    for report in ["stream-started", "stream-stopped", "stream-error"] {
        for mut phone in [Phone::rings(TALK), talking()] {
            let before = phone.call.clone();
            phone.happens(Event::StreamReported {
                report: report.to_owned(),
                error: None,
            });
            assert_eq!(phone.call, before, "{report}");
        }
    }
}

#[test]
fn a_stream_to_another_endpoint_goes_by_the_carriers_reports() {
    let yaml = TALK.replace("  human:", "  raw: {stream: 'wss://b.example/x', next: bye}\n  human:");
    let yaml = yaml.replace("{play: tts/hello.mp3, next: talk}", "{play: tts/hello.mp3, next: raw}");
    let report = |phone: &mut Phone, report: &str| {
        let report = report.to_owned();
        phone.happens(Event::StreamReported { report, error: None });
    };
    // It never starts.
    let mut phone = Phone::rings(&yaml);
    phone
        .waits(8_000)
        .is_redirected("no_stream_start")
        .hears("play tts/fallback.mp3");
    // It starts and ends, and the carrier asks.
    let mut phone = Phone::rings(&yaml);
    report(&mut phone, "stream-started");
    phone.waits(60_000).comes_back(&[]).hears("hangup");
    // It stops, and the carrier does not ask: the caller is not left in silence.
    let mut phone = Phone::rings(&yaml);
    report(&mut phone, "stream-started");
    phone.waits(60_000);
    report(&mut phone, "stream-stopped");
    phone.waits(4_000).is_redirected("stream_over").hears("hangup");
    // The caller hangs up and no report of it comes: the carrier is asked until it says so.
    let mut phone = Phone::rings(&yaml);
    report(&mut phone, "stream-started");
    let status = |status, seconds| Ok(TaskOutput::Status { status, seconds });
    for _ in 0..2 {
        phone.waits(30_000);
        assert_eq!(phone.pending("ask_status"), 1);
        phone.performed("ask_status", status(CarrierStatus::InProgress, None));
        assert_eq!(phone.step(), "raw");
    }
    phone
        .waits(30_000)
        .performed("ask_status", status(CarrierStatus::Completed, Some(80)))
        .is_over(EndReason::CallerLeft);
    // It breaks in the middle.
    let mut phone = Phone::rings(&yaml);
    report(&mut phone, "stream-started");
    report(&mut phone, "stream-error");
    phone.comes_back(&[]).hears("play tts/fallback.mp3");
}
