//! Conversations in events and orders, without a socket.

use super::*;
use proptest::prelude::*;

/// A conversation that is ready.
fn ready() -> Dialogue {
    let mut dialogue = Dialogue::new(json!({"type": "session.update"}));
    let told = tell(
        &mut dialogue,
        &[json!({"type": "session.created"}), json!({"type": "session.updated"})],
    );
    assert_eq!(told, [LiveSignal::Ready]);
    assert_eq!(sent(&mut dialogue), [json!({"type": "session.update"})]);
    dialogue
}

fn tell(dialogue: &mut Dialogue, events: &[Value]) -> Vec<LiveSignal> {
    let mut told = Vec::new();
    for event in events {
        dialogue.event(&event.to_string(), &mut told).expect("no error");
    }
    told
}

fn sent(dialogue: &mut Dialogue) -> Vec<Value> {
    let messages = dialogue.messages();
    messages
        .iter()
        .map(|message| serde_json::from_str(message).expect("JSON"))
        .collect()
}

fn created(id: &str) -> Value {
    json!({"type": "response.created", "response": {"id": id}})
}

fn sound(response: &str, item: &str, base64: &str) -> Value {
    json!({"type": "response.output_audio.delta", "response_id": response, "item_id": item, "content_index": 0, "delta": base64})
}

fn done(id: &str, status: &str) -> Value {
    json!({"type": "response.done", "response": {"id": id, "status": status, "usage": {
        "input_tokens": 30, "output_tokens": 9, "input_token_details": {"cached_tokens": 20}}}})
}

fn refused(code: &str, event: &str) -> Value {
    json!({"type": "error", "error": {"type": "invalid_request_error", "code": code, "message": "x", "event_id": event}})
}

fn is_done(signal: &LiveSignal, id: &str, whole: bool) -> bool {
    matches!(signal, LiveSignal::Done { response, complete, .. } if &**response == id && *complete == whole)
}

/// 160 bytes of sound: 20 ms.
fn frame() -> String {
    base64_simd::STANDARD.encode_to_string([7; 160])
}

#[test]
fn both_generations_of_event_names_are_understood() {
    for (audio, words) in [
        ("response.output_audio.delta", "response.output_audio_transcript.delta"),
        ("response.audio.delta", "response.audio_transcript.delta"),
    ] {
        let mut dialogue = ready();
        let told = tell(
            &mut dialogue,
            &[
                created("r"),
                json!({"type": audio, "response_id": "r", "item_id": "i", "delta": "/w=="}),
                json!({"type": audio, "response_id": "r", "item_id": "i", "delta": "/w"}),
                json!({"type": audio, "response_id": "r", "item_id": "i", "delta": ""}),
                json!({"type": words, "response_id": "r", "item_id": "i", "delta": "Hi"}),
                done("r", "completed"),
            ],
        );
        let ulaw = LiveSignal::Sound {
            response: "r".into(),
            item: "i".into(),
            ulaw: vec![0xff].into(),
        };
        let expected = [
            LiveSignal::Responding { response: "r".into() },
            ulaw.clone(),
            ulaw,
            LiveSignal::Words {
                item: "i".into(),
                text: "Hi".to_owned(),
            },
            LiveSignal::Done {
                response: "r".into(),
                usage: Usage {
                    prompt: 30,
                    cached: 20,
                    completion: 9,
                    estimated: false,
                },
                complete: true,
            },
        ];
        assert_eq!(told, expected);
    }
}

#[test]
fn what_was_heard_is_clamped_to_what_came_and_nothing_deletes() {
    let cases = [
        (
            15,
            json!({"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 15}),
        ),
        (
            900,
            json!({"type": "conversation.item.truncate", "item_id": "i", "content_index": 0, "audio_end_ms": 40}),
        ),
        (0, json!({"type": "conversation.item.delete", "item_id": "i"})),
    ];
    for (heard, expected) in cases {
        let mut dialogue = ready();
        tell(
            &mut dialogue,
            &[created("r"), sound("r", "i", &frame()), sound("r", "i", &frame())],
        );
        for item in ["unknown", "i", "i"] {
            dialogue.order(LiveOrder::Truncate {
                item: item.into(),
                heard,
            });
        }
        assert_eq!(sent(&mut dialogue), [expected]);
        let late = json!({"type": "response.output_audio_transcript.delta", "response_id": "r", "item_id": "i", "delta": "late"});
        assert_eq!(tell(&mut dialogue, &[sound("r", "i", &frame()), late]), []);
        // Another item of the same answer is wanted still.
        assert_eq!(tell(&mut dialogue, &[sound("r", "j", &frame())]).len(), 1);
    }
    // Words without sound: nothing of them can have been heard.
    let mut dialogue = ready();
    tell(
        &mut dialogue,
        &[json!({"type": "response.output_text.delta", "response_id": "r", "item_id": "i", "delta": "a"})],
    );
    dialogue.order(LiveOrder::Truncate {
        item: "i".into(),
        heard: 100,
    });
    assert_eq!(sent(&mut dialogue)[0]["type"], "conversation.item.delete");
}

#[test]
fn nothing_of_a_cancelled_answer_is_told_but_its_end() {
    let mut dialogue = ready();
    tell(&mut dialogue, &[created("r"), sound("r", "i", &frame())]);
    dialogue.order(LiveOrder::Cancel);
    dialogue.order(LiveOrder::Cancel);
    assert_eq!(sent(&mut dialogue), [json!({"type": "response.cancel"})]);
    let wish = json!({"type": "response.function_call_arguments.done", "response_id": "r", "call_id": "c", "name": "book", "arguments": ""});
    assert_eq!(tell(&mut dialogue, &[sound("r", "i", &frame()), wish]), []);
    let told = tell(
        &mut dialogue,
        &[
            done("r", "cancelled"),
            done("r", "cancelled"),
            sound("r", "i", &frame()),
            created("r"),
        ],
    );
    assert!(told.len() == 1 && is_done(&told[0], "r", false), "{told:?}");
    assert_eq!(dialogue.waiting(), Waiting::Nothing);
    dialogue.order(LiveOrder::Cancel);
    assert_eq!(sent(&mut dialogue), Vec::<Value>::new(), "nothing is under way");
}

#[test]
fn an_answer_that_was_cancelled_before_it_began_is_never_told_to_begin() {
    let mut dialogue = ready();
    dialogue.order(LiveOrder::Respond {
        instructions: Some("Greet.".into()),
    });
    dialogue.order(LiveOrder::Cancel);
    let expected = [
        json!({"type": "response.create", "event_id": "ask_1", "response": {"instructions": "Greet."}}),
        json!({"type": "response.cancel"}),
    ];
    assert_eq!(sent(&mut dialogue), expected);
    let told = tell(
        &mut dialogue,
        &[created("r"), sound("r", "i", &frame()), done("r", "cancelled")],
    );
    assert!(told.len() == 1 && is_done(&told[0], "r", false), "{told:?}");
}

#[test]
fn answers_are_asked_for_one_behind_the_other() {
    let mut dialogue = ready();
    tell(&mut dialogue, &[created("r")]);
    dialogue.order(LiveOrder::Cancel);
    dialogue.order(LiveOrder::Respond {
        instructions: Some("Say goodbye.".into()),
    });
    dialogue.order(LiveOrder::Respond { instructions: None });
    assert_eq!(
        sent(&mut dialogue),
        [json!({"type": "response.cancel"})],
        "two at once are refused"
    );
    tell(&mut dialogue, &[done("r", "cancelled")]);
    let asked = sent(&mut dialogue);
    assert_eq!(asked[0]["response"]["instructions"], "Say goodbye.");
    assert_eq!((asked.len(), dialogue.waiting()), (1, Waiting::Answer));
}

#[test]
fn a_result_is_answered_once_the_answer_that_wished_for_it_is_done() {
    let mut dialogue = ready();
    let args = |call: &str| json!({"type": "response.function_call_arguments.done", "response_id": "r", "item_id": "i", "call_id": call, "arguments": "{\"a\":1}"});
    let told = tell(
        &mut dialogue,
        &[
            created("r"),
            json!({"type": "response.output_item.added", "response_id": "r", "item": {"id": "i", "type": "function_call", "name": "book"}}),
            args("c"),
            args("c"),
        ],
    );
    let call = ActionCall {
        id: "c".into(),
        name: "book".into(),
        arguments: "{\"a\":1}".into(),
    };
    assert_eq!(
        told[1..],
        [LiveSignal::Wish {
            response: "r".into(),
            call
        }]
    );
    for id in ["c", "another session's"] {
        dialogue.order(LiveOrder::Result {
            id: id.into(),
            text: "done".into(),
            respond: true,
        });
    }
    let item = json!({"type": "function_call_output", "call_id": "c", "output": "done"});
    assert_eq!(
        sent(&mut dialogue),
        [json!({"type": "conversation.item.create", "item": item})]
    );
    tell(&mut dialogue, &[done("r", "completed")]);
    assert_eq!(
        sent(&mut dialogue),
        [json!({"type": "response.create", "event_id": "ask_1"})]
    );
}

#[test]
fn a_wish_that_stands_only_at_the_end_of_an_answer_is_told() {
    let mut dialogue = ready();
    let mut end = done("r", "completed");
    end["response"]["output"] =
        json!([{"type": "function_call", "call_id": "c", "name": "book", "arguments": ""}, {"type": "message"}]);
    let told = tell(&mut dialogue, &[created("r"), end]);
    let call = ActionCall {
        id: "c".into(),
        name: "book".into(),
        arguments: "{}".into(),
    };
    assert_eq!(
        told[1],
        LiveSignal::Wish {
            response: "r".into(),
            call
        }
    );
    assert!(is_done(&told[2], "r", true));
}

#[test]
fn races_that_the_service_has_won_change_nothing() {
    let mut dialogue = ready();
    dialogue.order(LiveOrder::Respond { instructions: None });
    sent(&mut dialogue);
    // The service began an answer of its own; ours comes after it.
    let told = tell(
        &mut dialogue,
        &[
            created("own"),
            refused("conversation_already_has_active_response", "ask_1"),
            refused("response_cancel_not_active", ""),
            refused("item_truncate_invalid_item_id", ""),
            json!({"type": "error", "error": {"type": "invalid_request_error", "message": "Audio content of 40ms is already shorter than 60ms"}}),
        ],
    );
    assert_eq!(told, [LiveSignal::Responding { response: "own".into() }]);
    assert_eq!(sent(&mut dialogue), Vec::<Value>::new());
    tell(&mut dialogue, &[done("own", "completed")]);
    assert_eq!(
        sent(&mut dialogue),
        [json!({"type": "response.create", "event_id": "ask_2"})]
    );
    // With nothing under way there is nothing to come after.
    tell(
        &mut dialogue,
        &[refused("conversation_already_has_active_response", "ask_2")],
    );
    assert_eq!((sent(&mut dialogue), dialogue.waiting()), (vec![], Waiting::Nothing));
}

#[test]
fn errors_that_end_a_session_have_their_class() {
    use crate::providers::ErrorClass::*;
    let error =
        |kind: &str, code: &str| json!({"type": "error", "error": {"type": kind, "code": code, "message": "x"}});
    let mut failed = done("r", "failed");
    failed["response"]["status_details"] =
        json!({"type": "failed", "error": {"type": "insufficient_quota", "code": "insufficient_quota"}});
    let cases = [
        (error("invalid_request_error", "invalid_api_key"), Auth),
        (error("insufficient_quota", "insufficient_quota"), Quota),
        (error("server_error", ""), Transient),
        (error("invalid_request_error", "session_expired"), Transient),
        (refused("unknown_parameter", "ask_1"), BadRequest),
        (failed, Quota),
        (json!("oops"), Protocol),
        (sound("r", "i", "?!"), Protocol),
    ];
    for (event, class) in cases {
        let mut dialogue = ready();
        dialogue.order(LiveOrder::Respond { instructions: None });
        let mut told = tell(&mut dialogue, &[created("r")]);
        let text = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
        let error = dialogue.event(&text, &mut told).expect_err("an error");
        assert_eq!(error.class(), class, "{event}");
        let ended = told.last().is_some_and(|signal| is_done(signal, "r", false));
        assert_eq!(ended, event["type"] == "response.done");
    }
    // Before the session stands, every objection is to the session.
    let mut dialogue = Dialogue::new(json!({}));
    let error = dialogue.event(&refused("invalid_value", "").to_string(), &mut Vec::new());
    assert_eq!(error.expect_err("an error").class(), BadRequest);
}

#[test]
fn the_callers_words_grow_and_end_and_turns_do_not_mix() {
    let mut dialogue = ready();
    let event = |kind: &str, item: &str, field: &str, text: &str| json!({"type": format!("conversation.item.input_audio_transcription.{kind}"), "item_id": item, field: text});
    let told = tell(
        &mut dialogue,
        &[
            event("delta", "a", "delta", "ni"),
            event("delta", "b", "delta", "yes"),
            event("delta", "a", "delta", "ne"),
            event("completed", "a", "transcript", "Nine. "),
            event("failed", "b", "x", ""),
            event("failed", "c", "x", ""),
        ],
    );
    let expected = [
        ("ni", false),
        ("yes", false),
        ("nine", false),
        ("Nine.", true),
        ("yes", true),
    ];
    assert_eq!(
        told,
        expected.map(|(text, last)| LiveSignal::Caller {
            text: text.to_owned(),
            last
        })
    );
}

proptest! {
    /// Whatever comes in whatever order: no panic, every answer ends at most once, and nothing is told of it after that.
    #[test]
    fn any_order_of_events_and_orders_is_borne(steps in proptest::collection::vec((0u8..12, 0u8..3), 0..60)) {
        let mut dialogue = ready();
        let mut told = Vec::new();
        for (kind, which) in steps {
            let (response, item) = (format!("r{which}"), format!("i{which}"));
            let event = match kind {
                0 => created(&response),
                1 | 2 => sound(&response, &item, &frame()),
                3 => done(&response, "completed"),
                4 => done(&response, "cancelled"),
                5 => json!({"type": "response.function_call_arguments.done", "response_id": response, "call_id": item, "name": "x"}),
                6 => refused("conversation_already_has_active_response", "ask_1"),
                7 => { dialogue.order(LiveOrder::Cancel); continue }
                8 => { dialogue.order(LiveOrder::Respond { instructions: None }); continue }
                9 => { dialogue.order(LiveOrder::Truncate { item: item.into(), heard: 30 }); continue }
                10 => { dialogue.order(LiveOrder::Result { id: item.into(), text: "x".into(), respond: true }); continue }
                _ => { dialogue.messages(); continue }
            };
            dialogue.event(&event.to_string(), &mut told).expect("no error");
        }
        for which in 0..3 {
            let id = format!("r{which}");
            let of = |signal: &LiveSignal| match signal {
                LiveSignal::Responding { response } | LiveSignal::Sound { response, .. } => **response == id,
                LiveSignal::Wish { response, .. } | LiveSignal::Done { response, .. } => **response == id,
                _ => false,
            };
            let own: Vec<&LiveSignal> = told.iter().filter(|signal| of(signal)).collect();
            let ends = own.iter().filter(|signal| matches!(signal, LiveSignal::Done { .. })).count();
            prop_assert!(ends <= 1);
            if ends == 1 {
                let last = own.last().is_some_and(|signal| is_done(signal, &id, true) || is_done(signal, &id, false));
                prop_assert!(last);
            }
        }
    }
}
