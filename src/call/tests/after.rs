//! What follows a call: each item once, in order, whatever becomes of the others.

use super::phone::Phone;
use super::project::Project;
use super::steps::flow;
use crate::call::{EndReason, Event, Row, TaskKind, TaskOutput};

fn following(step: &str, items: &[&str]) -> String {
    let items: Vec<String> = items.iter().map(|item| format!("  - {item}\n")).collect();
    format!("{}after_call:\n{}", flow(step), items.concat())
}

fn sms(body: &str) -> String {
    format!("{{sms: {{to: '{{{{ call.from }}}}', body: '{body}'}}}}")
}

fn sent() -> Result<TaskOutput, String> {
    Ok(TaskOutput::Sent { sid: "SM1".to_owned() })
}

#[track_caller]
fn body(phone: &Phone) -> String {
    match phone.task("send_message").kind {
        TaskKind::SendMessage { body, .. } => body,
        kind => panic!("not a message: {kind:?}"),
    }
}

#[test]
fn items_are_done_one_after_another_and_once() {
    let yaml = following(
        "{say: hi, next: bye}",
        &[&sms("first"), &sms("second {{ call.seconds }}")],
    );
    let mut phone = Phone::rings(&yaml);
    phone.hangs_up(12).is_over(EndReason::HungUp);
    assert_eq!((body(&phone).as_str(), phone.pending("send_message")), ("first", 1));
    assert!(!phone.call.is_finished());
    let first = phone.task("send_message").key;
    phone.hangs_up(12).happens(Event::EngineRestarted);
    phone.ends(first.clone(), sent());
    assert_eq!((body(&phone).as_str(), phone.pending("send_message")), ("second 12", 1));
    // The first result comes again.
    phone.ends(first, sent());
    assert_eq!(phone.pending("send_message"), 1);
    phone.performed("send_message", sent());
    assert!(phone.call.is_finished());
    assert_eq!(phone.ordered.len(), 2);
}

#[test]
fn a_failure_does_not_keep_the_next_from_being_done() {
    let broken = sms("{{ step.a.b }}");
    let yaml = following("{say: hi, next: bye}", &[&broken, &sms("second"), &sms("third")]);
    let mut phone = Phone::rings(&yaml);
    phone.hangs_up(1);
    assert_eq!(body(&phone), "second");
    phone.performed("send_message", Err("21211".to_owned()));
    assert_eq!(body(&phone), "third");
    // A result that fits no message.
    phone.performed("send_message", Ok(TaskOutput::CallGone));
    assert!(phone.call.is_finished());
    assert_eq!(phone.logged("FOLLOW_UP_FAILED"), 3);
}

#[test]
fn a_condition_decides_and_a_condition_that_fails_skips_only_its_item() {
    let when = |body: &str, when: &str| sms(body).trim_end_matches('}').to_owned() + &format!("}}, when: '{when}'}}");
    let yaml = following(
        "{say: hi, next: bye}",
        &[
            &when("short", "call.seconds < 5"),
            &when("broken", "step.a.b"),
            &when("long", "call.seconds >= 5 and call.end_reason == \"hung_up\""),
        ],
    );
    let mut phone = Phone::rings(&yaml);
    phone.hangs_up(7);
    assert_eq!(body(&phone), "long");
    let mut phone = Phone::rings(&yaml);
    phone.hangs_up(2);
    assert_eq!(body(&phone), "short");
}

#[test]
fn items_that_wait_for_nobody_are_done_at_once() {
    let yaml = following(
        "{say: hi, next: bye}",
        &[
            "{contact: {name: Dana}}",
            "{interaction: {kind: call, summary: '{{ contact.name }}'}}",
            "{set: {x: y}}",
        ],
    );
    let mut phone = Phone::rings(&yaml);
    phone.hangs_up(1);
    assert!(phone.call.is_finished());
    let written = |row: &&Row| matches!(row, Row::Interaction { summary, .. } if summary == "Dana");
    assert_eq!(phone.rows.iter().filter(written).count(), 1);
    phone.hangs_up(1);
    assert_eq!(phone.rows.iter().filter(written).count(), 1);
}

#[test]
fn what_follows_is_of_the_flow_that_took_the_call() {
    let inner = "flow: inner\nstart: {call: q}\nends: [done]\nsteps:\n  q: {gather: {prompt: tts/a.mp3, tries: 1}, on: {matched: e, no_input: e, no_match: e}}\n  e: {end: done}\n";
    let main = following("{set: {who: Dana}, next: go}", &[&sms("for {{ vars.who }}")])
        .replace("  one:", "  go: {run: inner.yaml, next: fine}\n  one:");
    let project = Project::new(main).file("flows/inner.yaml", inner);
    let mut phone = Phone::rings_in(&project);
    // The caller leaves in the middle of the flow that is being run.
    phone.hears("gather [play tts/a.mp3]").hangs_up(3);
    assert_eq!(body(&phone), "for Dana");
}
