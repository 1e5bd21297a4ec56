//! Every step kind: the document it writes, each outcome, wrong answers, retries and limits.

use super::phone::Phone;
use super::project::Project;
use crate::call::{CarrierStatus, EndReason, Event, Params, Row, TaskKind, TaskOutput, Ticket};
use serde_json::json;

/// A flow of one step under test; every place it can lead to says its own name.
pub fn flow(step: &str) -> String {
    format!(
        "flow: t
locale: en-US
start: {{call: it}}
otherwise: other
steps:
  it: {step}
  other: {{say: other, next: bye}}
  fine: {{say: fine, next: bye}}
  one: {{say: one, next: bye}}
  two: {{say: two, next: bye}}
  bye: {{hangup: {{}}}}
"
    )
}

/// A carrier's fields and what is heard then.
type Case = (&'static [(&'static str, &'static str)], &'static str);

/// The step is entered, the carrier comes back with fields, and the step's next document begins with these words.
#[track_caller]
fn outcomes(step: &str, cases: &[Case]) {
    for (fields, then) in cases {
        let mut phone = Phone::rings(&flow(step));
        phone.comes_back(fields).hears(then);
        let twice = phone.answer.clone();
        phone.asks(
            Ticket {
                n: 1,
                ..phone.ticket.unwrap_or(Ticket::FIRST)
            },
            &[],
        );
        assert!(twice.is_some());
    }
}

#[test]
fn sounds_go_out_together_with_what_follows() {
    Phone::rings(&flow("{play: tts/a.mp3, next: fine}"))
        .hears("play tts/a.mp3")
        .hears("say fine")
        .hears("hangup")
        .hears_no_more()
        .status(CarrierStatus::InProgress)
        .hangs_up(3)
        .is_over(EndReason::HungUp);
    Phone::rings(&flow("{play: {digits: 1w2}, next: fine}"))
        .hears("play 1w2")
        .hears("say fine");
    Phone::rings(&flow("{say: {text: 'to {{ call.to }}', times: 2}, next: fine}"))
        .hears("say to +97231234567")
        .hears("say fine");
    Phone::rings(&flow("{pause: 1500ms, next: fine}"))
        .hears("pause 2")
        .hears("say fine");
}

#[test]
fn a_text_that_fails_goes_to_the_fallback_and_the_fallback_that_fails_to_the_apology() {
    Phone::rings(&flow("{say: \"{{ step.nothing.at_all }}\", next: fine}"))
        .hears("say other")
        .hears("hangup");
    let both = flow("{say: \"{{ step.a.b }}\", next: fine}").replace("{say: other,", "{say: \"{{ step.a.b }}\",");
    let mut phone = Phone::rings(&both);
    phone
        .hears("say We are sorry, something went wrong. Please call again in a few minutes.")
        .hears("hangup")
        .hears_no_more();
    assert_eq!(phone.logged("STEP_FAILED"), 2);
    phone.hangs_up(9).is_over(EndReason::Failed);
}

#[test]
fn keys_are_matched_asked_for_again_and_given_up() {
    let menu = "{gather: {prompt: tts/menu.mp3, retry: [tts/again.mp3, tts/last.mp3], keys: 1, tries: 3, \
                choices: {one: '1', two: ['2', Second]}, speech: {}}, on: {one: one, two: two, no_input: fine}}";
    outcomes(
        menu,
        &[
            (&[("Digits", "1")], "say one"),
            (&[("Digits", "2")], "say two"),
            (&[("SpeechResult", "second.")], "say two"),
            (&[("Digits", "9")], "gather [play tts/again.mp3]"),
            (&[("Digits", "")], "gather [play tts/again.mp3]"),
            (&[], "gather [play tts/again.mp3]"),
            (
                &[("Confidence", "none"), ("Digits", "1\u{0}")],
                "gather [play tts/again.mp3]",
            ),
        ],
    );
    Phone::rings(&flow(menu))
        .hears("gather [play tts/menu.mp3]")
        .comes_back(&[])
        .hears("gather [play tts/again.mp3]")
        .comes_back(&[("Digits", "7")])
        .hears("gather [play tts/last.mp3]")
        .comes_back(&[("Digits", "7")])
        .hears("say other");
    Phone::rings(&flow(menu))
        .comes_back(&[])
        .comes_back(&[])
        .comes_back(&[])
        .hears("say fine");
}

#[test]
fn an_answer_is_checked_and_kept() {
    let ask = "{gather: {prompt: tts/id.mp3, tries: 2, valid: 'step.digits | length == 3', into: id}, \
               on: {matched: tell, no_input: fine, no_match: two}}";
    let yaml = flow(ask).replace("  one:", "  tell: {say: \"id {{ vars.id }}\", next: bye}\n  one:");
    let yaml = yaml.replace("  one: {say: one, next: bye}\n", "");
    Phone::rings(&yaml).comes_back(&[("Digits", "123")]).hears("say id 123");
    Phone::rings(&yaml)
        .comes_back(&[("Digits", "1234")])
        .hears("gather [play tts/id.mp3]")
        .comes_back(&[("Digits", "1")])
        .hears("say two");
}

#[test]
fn a_message_is_recorded_or_empty() {
    let record =
        "{record: {prompt: tts/p.mp3, max: 1s, beep: false, transcribe: true}, on: {recorded: one, empty: two}}";
    let message: &[(&str, &str)] = &[
        ("RecordingSid", "RE1"),
        ("RecordingUrl", "https://api.twilio.com/RE1"),
        ("RecordingDuration", "7"),
    ];
    let mut phone = Phone::rings(&flow(record));
    phone
        .hears("play tts/p.mp3")
        .hears("record")
        .hears("redirect")
        .comes_back(message)
        .hears("say one");
    let TaskKind::Transcribe { sid, language, .. } = phone.task("transcribe").kind else {
        panic!("not a transcription")
    };
    assert_eq!((sid.as_str(), language.as_deref()), ("RE1", Some("en")));
    // The carrier reports the same recording again: it is transcribed once.
    phone.asks(
        Ticket {
            route: crate::call::Route::HandleRecording,
            n: 1,
        },
        message,
    );
    assert_eq!(phone.pending("transcribe"), 1);
    Phone::rings(&flow(record)).comes_back(&[]).hears("say two");
}

#[test]
fn a_recording_whose_address_comes_later_is_still_transcribed() {
    let record = "{record: {transcribe: true}, next: fine}";
    let mut phone = Phone::rings(&flow(record));
    phone.comes_back(&[("RecordingSid", "RE1")]).hears("say fine");
    assert_eq!(phone.pending("transcribe"), 0);
    let ticket = Ticket {
        route: crate::call::Route::HandleRecording,
        n: 1,
    };
    phone.asks(
        ticket,
        &[("RecordingSid", "RE1"), ("RecordingUrl", "https://api.twilio.com/RE1")],
    );
    assert_eq!(phone.pending("transcribe"), 1);
    phone
        .performed(
            "transcribe",
            Ok(TaskOutput::Transcript {
                text: "hello".to_owned(),
            }),
        )
        .hangs_up(9)
        .is_over(EndReason::HungUp);
    assert_eq!(phone.logged("RECORDING_TRANSCRIBED"), 1);
}

#[test]
fn a_message_left_by_a_caller_who_hung_up_is_kept() {
    let mut phone = Phone::rings(&flow("{record: {transcribe: true}, next: fine}"));
    phone
        .comes_back(&[
            ("CallStatus", "completed"),
            ("RecordingSid", "RE1"),
            ("RecordingUrl", "https://api.twilio.com/RE1"),
        ])
        .is_over(EndReason::CallerLeft);
    assert_eq!(phone.pending("transcribe"), 1);
    phone.performed("transcribe", Err("the service is out".to_owned()));
    assert_eq!(phone.logged("RECORDING_TRANSCRIBE_FAIL"), 1);
}

#[test]
fn a_dial_reports_how_it_went() {
    let dial = "{dial: {number: '+14155550100', timeout: 20s}, \
                on: {completed: fine, busy: one, no_answer: two, canceled: two}}";
    outcomes(
        dial,
        &[
            (&[("DialCallStatus", "completed")], "say fine"),
            (&[("DialCallStatus", "answered")], "say fine"),
            (&[("DialCallStatus", "busy")], "say one"),
            (&[("DialCallStatus", "no-answer")], "say two"),
            (&[("DialCallStatus", "canceled")], "say two"),
            (&[("DialCallStatus", "failed")], "say other"),
            (&[("DialCallStatus", "sideways")], "say other"),
            (&[], "say other"),
        ],
    );
    for (party, heard) in [
        ("number: '+14155550100'", "dial [number +14155550100]"),
        ("sip: 'sip:a@b.example'", "dial [sip sip:a@b.example]"),
        ("client: joe", "dial [client joe]"),
        ("queue: desk", "dial [queue desk]"),
        ("conference: room", "dial [conference room]"),
    ] {
        Phone::rings(&flow(&format!("{{dial: {{{party}}}, next: fine}}"))).hears(heard);
    }
}

#[test]
fn a_called_party_that_declines_is_no_answer() {
    let dial = "{dial: {number: '+14155550100', whisper: tts/w.mp3, screen: {prompt: tts/ask.mp3}}, \
                on: {completed: fine, no_answer: two}}";
    let mut phone = Phone::rings(&flow(dial));
    let mut aside = |fields: &[(&str, &str)]| {
        let before = phone.call.clone();
        let params: Params = fields.iter().copied().collect();
        phone.happens(Event::AsideAsked { params });
        assert_eq!(phone.call, before, "what the called party hears moves nothing");
        phone.clone()
    };
    aside(&[]).hears("gather [play tts/ask.mp3]");
    aside(&[("Digits", "1")]).hears("play tts/w.mp3").hears_no_more();
    aside(&[("Digits", "2")]).hears("hangup");
    aside(&[("Digits", "")]).hears("hangup");
    outcomes(
        dial,
        &[
            (&[("DialCallStatus", "completed"), ("DialBridged", "false")], "say two"),
            (&[("DialCallStatus", "completed"), ("DialBridged", "true")], "say fine"),
        ],
    );
}

#[test]
fn a_recorded_dial_is_not_the_message_of_an_earlier_step() {
    let yaml = flow("{record: {transcribe: true}, next: call}").replace(
        "  one:",
        "  call: {dial: {number: '+14155550100', record: true}, next: fine}\n  one:",
    );
    let mut phone = Phone::rings(&yaml);
    phone.comes_back(&[]).hears("dial [number +14155550100]").comes_back(&[
        ("DialCallStatus", "completed"),
        ("RecordingSid", "RE9"),
        ("RecordingUrl", "https://api.twilio.com/RE9"),
    ]);
    assert_eq!(phone.pending("transcribe"), 0);
}

#[test]
fn the_carriers_other_verbs_report_how_they_went() {
    outcomes(
        "{enqueue: {queue: desk, wait: [tts/w.mp3]}, on: {bridged: fine, left: one, full: two}}",
        &[
            (&[("QueueResult", "bridged")], "say fine"),
            (&[("QueueResult", "leave")], "say one"),
            (&[("QueueResult", "queue-full")], "say two"),
            (&[("QueueResult", "hangup-later")], "say other"),
            (&[], "say other"),
        ],
    );
    outcomes(
        "{refer: 'sip:a@b.example', on: {completed: fine}}",
        &[
            (
                &[("ReferSipResponseCode", "202"), ("NotifySipResponseCode", "200")],
                "say fine",
            ),
            (
                &[("ReferSipResponseCode", "202"), ("NotifySipResponseCode", "486")],
                "say other",
            ),
            (&[("ReferSipResponseCode", "x")], "say other"),
            (&[], "say other"),
        ],
    );
    outcomes(
        "{pay: {amount: '19.90'}, on: {paid: fine, canceled: one}}",
        &[
            (&[("Result", "success")], "say fine"),
            (&[("Result", "caller-interrupted-with-star")], "say one"),
            (&[("Result", "payment-connector-error")], "say other"),
            (&[], "say other"),
        ],
    );
}

#[test]
fn a_refused_call_ends_as_refused() {
    Phone::rings(&flow("{reject: busy}"))
        .hears("reject busy")
        .status(CarrierStatus::Busy)
        .is_over(EndReason::Rejected);
}

#[test]
fn branches_are_judged_in_order() {
    let choose = |first: &str| {
        flow(&format!(
            "{{choose: {{one: '{first}', two: 'call.to == \"+97231234567\"'}}, on: {{one: one, two: two, else: fine}}}}"
        ))
    };
    Phone::rings(&choose("call.direction == \"inbound\"")).hears("say one");
    Phone::rings(&choose("false")).hears("say two");
    Phone::rings(&choose("false").replace("+97231234567", "x")).hears("say fine");
    // A condition that fails is a failure of the step.
    Phone::rings(&choose("step.a.b == 1")).hears("say other");
}

#[test]
fn a_step_whose_condition_does_not_hold_is_passed_by() {
    Phone::rings(&flow("{play: tts/a.mp3, when: 'call.to == \"x\"', next: fine}")).hears("say fine");
    Phone::rings(&flow("{play: tts/a.mp3, when: 'call.to != \"x\"', next: fine}")).hears("play tts/a.mp3");
}

#[test]
fn variables_keep_their_type() {
    let yaml = flow("{set: {n: '{{ 2 + 3 }}', t: 'n={{ 2 }}'}, next: tell}").replace(
        "  one:",
        "  tell: {say: '{{ vars.n + 1 }} {{ vars.t }}', next: bye}\n  one:",
    );
    Phone::rings(&yaml).hears("say 6 n=2");
}

#[test]
fn a_service_answers_or_fails() {
    let http = "{http: {url: 'https://api.example/x', statuses: {missing: 404}, returns: {name: string}, into: who}, \
                on: {ok: fine, missing: one, failed: two}}";
    let answered = |status, body| Ok(TaskOutput::Http { status, body });
    for (result, then) in [
        (answered(200, json!({"name": "Dana"})), "say fine"),
        (answered(404, json!("")), "say one"),
        (answered(200, json!({"name": 1})), "say two"),
        (answered(200, json!([])), "say two"),
        (answered(500, json!(null)), "say two"),
        (Err("refused".to_owned()), "say two"),
        // A result of another kind is a failure of the step, not of the call.
        (Ok(TaskOutput::Accepted), "say other"),
    ] {
        Phone::rings(&flow(http))
            .hears("pause 1")
            .hears("redirect")
            .comes_back(&[])
            .hears("pause 1")
            .performed("http", result)
            .comes_back(&[])
            .hears(then);
    }
}

#[test]
fn a_task_that_takes_too_long_counts_as_failed_before_the_silence_does() {
    let http = "{http: {url: 'https://api.example/x', timeout: 60s, retries: 9}, on: {ok: one, failed: two}}";
    let mut phone = Phone::rings(&flow(http));
    for _ in 0..6 {
        phone.waits(1_000).comes_back(&[]).hears("pause 1");
    }
    phone.waits(1_000).comes_back(&[]).hears("say two");
    assert_eq!(phone.logged("TASK_LATE"), 1);
    // The late result moves nothing.
    let before = phone.call.clone();
    phone.performed(
        "http",
        Ok(TaskOutput::Http {
            status: 200,
            body: json!({}),
        }),
    );
    assert_eq!(phone.call, before);
    // What is heard before the wait is not silence.
    let after_sound = flow("{play: tts/a.mp3, next: ask}").replace("  one:", &format!("  ask: {http}\n  one:"));
    let mut phone = Phone::rings(&after_sound);
    phone
        .hears("play tts/a.mp3")
        .waits(8_000)
        .comes_back(&[])
        .hears("pause 1");
    phone.waits(1_000).comes_back(&[]).hears("say two");
}

#[test]
fn messages_are_sent_or_fail() {
    let sms = "{sms: {to: '{{ call.from }}', body: hello}, on: {sent: one, failed: two}}";
    let whatsapp =
        "{whatsapp: {to: '{{ call.from }}', template: hi, with: {name: Dana}}, on: {sent: one, failed: two}}";
    for (step, channel) in [(sms, "sms"), (whatsapp, "whatsapp")] {
        let project = Project::new(flow(step)).file("templates/whatsapp/hi.txt", "Hello {{ name }}\n");
        let mut phone = Phone::rings_in(&project);
        let TaskKind::SendMessage {
            channel: by, to, body, ..
        } = phone.task("send_message").kind
        else {
            panic!("not a message")
        };
        assert_eq!((by.as_str(), to.reveal().as_str()), (channel, "+972501234567"));
        assert_eq!(body.to_lowercase().split(' ').next(), Some("hello"));
        phone
            .performed("send_message", Ok(TaskOutput::Sent { sid: "SM1".to_owned() }))
            .comes_back(&[])
            .hears("say one");
        Phone::rings_in(&project)
            .performed("send_message", Err("21211".to_owned()))
            .comes_back(&[])
            .hears("say two");
    }
}

#[test]
fn what_is_known_of_the_caller_is_written() {
    let yaml = flow("{contact: {name: Dana, set: {city: '{{ 3 }}'}}, next: note}").replace(
        "  one:",
        "  note: {interaction: {kind: lead, summary: 'from {{ contact.name }}', data: {c: '{{ contact.city }}'}}, next: fine}\n  one:",
    );
    let mut phone = Phone::rings(&yaml);
    phone.hears("say fine");
    let written = |row: &Row| matches!(row, Row::Contact { name, .. } if name.as_deref() == Some("Dana"));
    assert!(phone.rows.iter().any(written));
    let noted = |row: &Row| matches!(row, Row::Interaction { summary, data, .. } if summary == "from Dana" && data["c"] == json!(3));
    assert!(phone.rows.iter().any(noted));
    let nobody = flow("{contact: {phone: ' '}, on: {done: fine, failed: two}}");
    Phone::rings(&nobody).hears("say two");
}

#[test]
fn another_flow_is_run_and_comes_back() {
    let inner = "flow: ask
start: {call: q}
takes: [who]
ends: [yes, no]
steps:
  q: {gather: {prompt: {say: 'for {{ vars.who }}'}, keys: 1, tries: 1, choices: {y: '1', n: '2'}, into: key}, \
      on: {y: y, n: n, no_input: n, no_match: n}}
  y: {end: yes}
  n: {end: no}
";
    let main = flow("{set: {mine: kept}, next: ask}").replace(
        "  one:",
        "  ask: {run: {flow: ask.yaml, with: {who: Dana}}, on: {yes: tell, no: two}}\n  \
           tell: {say: '{{ step.key }} {{ vars.mine }}', next: bye}\n  one:",
    );
    let project = Project::new(main).file("flows/ask.yaml", inner);
    Phone::rings_in(&project)
        .hears("gather [say for Dana]")
        .comes_back(&[("Digits", "1")])
        .hears("say 1 kept");
    Phone::rings_in(&project).comes_back(&[]).hears("say two");
}

#[test]
fn a_failure_in_a_flow_without_a_fallback_goes_to_the_flow_that_runs_it() {
    let inner = "flow: inner\nstart: {call: q}\nends: [done]\nsteps:\n  q: {say: '{{ step.a.b }}', next: e}\n  e: {end: done}\n";
    let project = Project::new(flow("{run: inner.yaml, next: fine}")).file("flows/inner.yaml", inner);
    let mut phone = Phone::rings_in(&project);
    phone.hears("say other").hears("hangup");
    assert_eq!(phone.call.frames, Vec::new());
}

#[test]
fn an_authors_own_template_has_the_authors_outcomes() {
    let step = "{twiml: {template: own, with: {words: hi}, outcomes: {one: 'step.Digits == \"1\"'}}, on: {one: one, done: fine}}";
    let template = "<Gather action=\"{{ webhook(route, n) }}\"><Say>{{ words }}</Say></Gather>";
    let project = Project::new(flow(step)).file("templates/own.xml", template);
    Phone::rings_in(&project)
        .comes_back(&[("Digits", "1")])
        .hears("say one");
    Phone::rings_in(&project)
        .comes_back(&[("Digits", "2")])
        .hears("say fine");
    // A condition on a field that the carrier did not send is a failure of the step.
    Phone::rings_in(&project).comes_back(&[]).hears("say other");
}

#[test]
fn lengths_beyond_all_bounds_do_no_harm() {
    for step in [
        "{pause: 18446744073709551615ms, next: fine}",
        "{dial: {number: '+14155550100', timeout: 18446744073709551615ms, limit: 18446744073709551615ms}, next: fine}",
        "{record: {max: 18446744073709551615ms, silence: 18446744073709551615ms}, next: fine}",
        "{gather: {prompt: tts/a.mp3, timeout: 18446744073709551615ms}, next: fine}",
        "{play: {file: tts/a.mp3, times: 4294967295}, next: fine}",
        "{http: {url: 'https://a.example', timeout: 18446744073709551615ms, retries: 4294967295}, next: fine}",
    ] {
        let (flow, _) = Project::new(flow(step)).flow();
        let (call, effects) = crate::call::Call::begin(&flow, super::phone::START, &super::phone::arrival());
        assert!(call.live().is_some() && !effects.is_empty(), "{step}");
    }
}
