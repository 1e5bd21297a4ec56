//! What happens to the engine itself, and the carrier's word on the call: restart, drain, store, limit, guard, status.

use super::phone::{Phone, START, arrival};
use super::project::Project;
use super::steps::flow;
use crate::call::{Answer, CarrierStatus, EndReason, Event, MediaOrder, Row, TaskOutput, Ticket};

const TALK: &str = "{converse: a, on: {completed: fine}}";

fn with_agent(step: &str) -> String {
    format!(
        "{}agents:\n  a: {{think: {{otherwise: {{exit: completed}}}}}}\n",
        flow(step)
    )
}

fn seconds(phone: &Phone) -> Option<u32> {
    phone.rows.iter().rev().find_map(|row| match row {
        Row::CallLog { seconds, .. } => *seconds,
        _ => None,
    })
}

#[test]
fn a_draining_engine_hands_conversations_over_and_starts_none() {
    let mut phone = Phone::rings(&with_agent(TALK));
    phone.stream_starts();
    phone.told_the_socket();
    phone.happens(Event::EngineDraining);
    assert_eq!(phone.told_the_socket(), [MediaOrder::Close]);
    phone.clone().comes_back(&[]).hears("say other");
    phone.waits(4_000).is_redirected("stream_over").hears("say other");
    let (flow, templates) = Project::new(with_agent(TALK)).flow();
    let draining = crate::call::Arrival {
        draining: true,
        ..arrival()
    };
    Phone::rings_with(flow, templates, draining)
        .hears("say other")
        .hears("hangup");
    // What only needs the carrier stays as it is.
    let mut phone = Phone::rings(&flow_of_dial());
    let before = phone.call.clone();
    phone.happens(Event::EngineDraining);
    assert_eq!(phone.call, before);
}

fn flow_of_dial() -> String {
    flow("{dial: {number: '+14155550100'}, next: fine}")
}

#[test]
fn after_a_restart_the_carrier_is_asked_and_the_watchdog_still_bites() {
    let mut phone = Phone::rings(&with_agent(TALK));
    phone.stream_starts().waits(1_000).happens(Event::EngineRestarted);
    let in_progress = Ok(TaskOutput::Status {
        status: CarrierStatus::InProgress,
        seconds: None,
    });
    phone.performed("ask_status", in_progress).waits(5_000);
    phone.is_redirected("no_media").hears("say other");
    let mut phone = Phone::rings(&flow_of_dial());
    phone.happens(Event::EngineRestarted);
    let completed = Ok(TaskOutput::Status {
        status: CarrierStatus::Completed,
        seconds: Some(41),
    });
    phone.performed("ask_status", completed).is_over(EndReason::CallerLeft);
    assert_eq!(seconds(&phone), Some(41));
    phone.happens(Event::EngineRestarted);
    assert_eq!(phone.tasks, Vec::new());
}

#[test]
fn without_a_store_what_needs_it_gives_way_to_the_fallback() {
    let mut phone = Phone::rings(&with_agent(TALK));
    phone.store_fails().hears("say other");
    let mut phone = Phone::rings(&with_agent(TALK));
    phone.stream_starts();
    phone.told_the_socket();
    phone.store_fails();
    assert_eq!(
        phone.told_the_socket(),
        [MediaOrder::Close],
        "nobody would take the caller off the stream"
    );
    phone
        .asks(
            Ticket {
                route: crate::call::Route::StreamEnded,
                n: 1,
            },
            &[],
        )
        .hears("say other");
    let mut phone = Phone::rings(&flow("{http: 'https://a.example', next: fine}"));
    phone.store_fails().hears("say other");
    // A document that only needs the carrier goes on.
    let mut phone = Phone::rings(&flow_of_dial());
    phone
        .store_fails()
        .comes_back(&[("DialCallStatus", "completed")])
        .hears("say fine");
}

#[test]
fn a_conversation_that_the_call_has_left_is_closed_when_it_ends() {
    let mut phone = Phone::rings(&with_agent(TALK));
    phone.stream_starts().store_fails();
    phone.told_the_socket();
    phone.talk_ends("completed");
    assert_eq!(phone.told_the_socket(), [MediaOrder::Close]);
}

#[test]
fn a_document_that_cannot_be_rendered_gives_way_to_the_fallback_then_to_the_apology() {
    let failed = |phone: &mut Phone| {
        let error = "no such variable".to_owned();
        phone.happens(Event::DocumentFailed {
            ticket: Ticket::FIRST,
            error,
        });
    };
    let mut phone = Phone::rings(&flow_of_dial());
    failed(&mut phone);
    phone.hears("say other");
    failed(&mut phone);
    phone.hears("say We are sorry, something went wrong. Please call again in a few minutes.");
    failed(&mut phone);
    phone.hears("say We are sorry, something went wrong. Please call again in a few minutes.");
    // The first request comes again and gets what stands now.
    phone
        .happens(Event::CallArrived(arrival()))
        .hears("say We are sorry, something went wrong. Please call again in a few minutes.");
}

#[test]
fn the_longest_call_is_ended_whatever_the_carrier_says() {
    let yaml = with_agent(TALK).replace("otherwise: other", "limits: {call: 1m}\notherwise: other");
    let mut phone = Phone::rings(&yaml);
    phone.stream_starts();
    phone.told_the_socket();
    for _ in 0..60 {
        phone.last_frame = Some(phone.now);
        phone.waits(1_000);
    }
    assert_eq!(phone.logged("CALL_LIMIT"), 1);
    assert_eq!(phone.told_the_socket(), [MediaOrder::Close]);
    // The carrier asks because its socket closed: the caller is let go.
    phone
        .clone()
        .comes_back(&[])
        .hears("hangup")
        .hangs_up(61)
        .is_over(EndReason::TooLong);
    // The REST API fails: it is tried again soon, for the caller hears nothing.
    phone.performed("hang_up_call", Err("503".to_owned())).waits(5_000);
    assert_eq!(phone.pending("hang_up_call"), 1);
    // Nothing is ever heard of it: it is given up and what follows is done.
    phone.waits(400_000).is_over(EndReason::Lost);
}

#[test]
fn a_pending_redirect_does_not_outlive_the_limit() {
    let yaml = with_agent(TALK).replace("otherwise: other", "limits: {call: 10s}\notherwise: other");
    let mut phone = Phone::rings(&yaml);
    phone.waits(6_000).performed("redirect_call", Err("503".to_owned()));
    phone.waits(5_000);
    assert_eq!(phone.pending("redirect_call"), 0);
    assert_eq!(phone.pending("hang_up_call"), 1);
    // The carrier knows the call as over: how long it was, only the carrier can say.
    let over = TaskOutput::Status {
        status: CarrierStatus::Completed,
        seconds: Some(11),
    };
    phone
        .performed("hang_up_call", Ok(TaskOutput::CallGone))
        .performed("ask_status", Ok(over))
        .is_over(EndReason::TooLong);
    assert_eq!(phone.call.seconds, Some(11));
}

#[test]
fn a_call_of_which_nothing_is_heard_is_asked_about_and_ended() {
    let mut phone = Phone::rings(&flow("{record: {max: 10s}, next: fine}"));
    phone.waits(39_000);
    assert_eq!(phone.pending("ask_status"), 0);
    phone.waits(1_000);
    phone.performed("ask_status", Err("503".to_owned())).waits(30_000);
    let gone = Ok(TaskOutput::CallGone);
    phone.performed("ask_status", gone).is_over(EndReason::CallerLeft);
    // Never any answer at all.
    let mut phone = Phone::rings(&flow("{record: {max: 10s}, next: fine}"));
    phone.waits(1_300_000).is_over(EndReason::Lost);
}

#[test]
fn the_end_is_the_end_whatever_number_it_has() {
    let changed = |phone: &mut Phone, status, sequence| {
        phone.happens(Event::StatusChanged {
            status,
            sequence: Some(sequence),
            seconds: None,
        });
    };
    let mut phone = Phone::rings(&flow_of_dial());
    changed(&mut phone, CarrierStatus::InProgress, 5);
    changed(&mut phone, CarrierStatus::Ringing, 2);
    assert_eq!(phone.call.status, CarrierStatus::InProgress);
    changed(&mut phone, CarrierStatus::Completed, 5);
    phone.is_over(EndReason::CallerLeft);
    changed(&mut phone, CarrierStatus::InProgress, 6);
    assert_eq!(phone.call.status, CarrierStatus::Completed);
}

#[test]
fn a_length_that_comes_after_the_end_is_kept() {
    let mut phone = Phone::rings(&flow_of_dial());
    phone
        .comes_back(&[("CallStatus", "completed")])
        .is_over(EndReason::CallerLeft);
    assert_eq!(
        seconds(&phone),
        Some(0),
        "the engine's own count, until the carrier's comes"
    );
    phone.hangs_up(37);
    assert_eq!((seconds(&phone), phone.call.seconds), (Some(37), Some(37)));
    let rows = phone.rows.len();
    phone.hangs_up(38);
    assert_eq!(phone.rows.len(), rows, "once is enough");
}

#[test]
fn requests_that_come_again_get_the_answer_they_had() {
    let mut phone = Phone::rings(&flow(
        "{gather: {prompt: tts/a.mp3, tries: 9}, on: {matched: fine, no_input: one}}",
    ));
    let first = phone.ticket.unwrap_or(Ticket::FIRST);
    phone.comes_back(&[]);
    let answer = phone.answer.clone();
    for _ in 0..3 {
        let before = phone.call.clone();
        phone.asks(first, &[("Digits", "1")]);
        assert_eq!((&phone.answer, &phone.call), (&answer, &before));
    }
    // A ticket that nobody gave out gets what stands now, and moves nothing.
    phone.asks(Ticket { n: 99, ..first }, &[("Digits", "1")]);
    assert_eq!(phone.answer, answer);
    assert_eq!(phone.logged("LATE_REQUEST"), 1);
    phone.hangs_up(4);
    phone.comes_back(&[("Digits", "1")]);
    assert_eq!(phone.answer, Some(Answer::Nothing));
    assert!(phone.now >= START);
}
