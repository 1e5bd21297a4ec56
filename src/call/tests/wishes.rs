//! What a model wishes for: kept, committed, done once, and told to the conversation.

use super::phone::Phone;
use crate::call::{CarrierStatus, Event, MediaOrder, Pii, TaskKind, TaskOutput};
use serde_json::json;

const TALK: &str = "flow: t
locale: en-US
start: {call: talk}
otherwise: bye
steps:
  talk: {converse: {agent: a, record: true}, next: bye}
  bye: {hangup: {}}
after_call:
  - sms: {to: '{{ call.from }}', body: \"{{ vars.lead.city | default('nothing') }}\"}
agents:
  a:
    instructions: 'You talk with {{ call.from }}.'
    listen: deepgram
    think: openai
    speak: openai
    actions:
      save: {description: They said where., parameters: {city: string}, set: lead}
      look:
        description: They ask what there is.
        parameters: {city: string}
        do: {http: {url: 'https://flats.example/{{ vars.look.city }}', timeout: 3s}}
      note: {description: They want to be called back., do: {contact: {set: {wants: a call}}}}
      text: {description: They want it in writing., do: {sms: {to: '{{ call.from }}', body: Here it is.}}}
";

fn talking() -> Phone {
    let mut phone = Phone::rings(TALK);
    phone.hears("stream").status(CarrierStatus::InProgress).stream_starts();
    let orders = phone.told_the_socket();
    let [
        MediaOrder::Admit {
            instructions, record, ..
        },
    ] = orders.as_slice()
    else {
        panic!("{orders:?}")
    };
    assert_eq!((instructions.as_str(), *record), ("You talk with +972501234567.", true));
    phone
}

fn wish(phone: &mut Phone, id: &str, action: &str, arguments: &serde_json::Value) {
    let event = Event::Wished {
        stream_sid: phone.stream_sid(),
        id: id.to_owned(),
        action: action.to_owned(),
        arguments: Pii::new(arguments.to_string()),
    };
    phone.happens(event);
}

/// What the conversation is told; the text of a good result as JSON.
fn told(phone: &mut Phone) -> Vec<(String, Result<serde_json::Value, String>)> {
    let orders = phone.told_the_socket().into_iter();
    orders
        .filter_map(|order| match order {
            MediaOrder::Acted { id, result } => {
                let result = result.map(|text| serde_json::from_str(&text).unwrap_or(json!(text)));
                Some((id, result))
            }
            _ => None,
        })
        .collect()
}

#[test]
fn a_service_is_asked_with_what_the_model_gave_and_its_answer_goes_back() {
    let mut phone = talking();
    wish(&mut phone, "w1", "look", &json!({"city": "Haifa"}));
    assert_eq!(told(&mut phone), [], "nothing is known before it is done");
    let TaskKind::Http { url, timeout_ms, .. } = phone.task("http").kind else {
        panic!("no request")
    };
    assert_eq!((url.as_str(), timeout_ms), ("https://flats.example/Haifa", 3000));
    let body = json!({"flats": 3});
    phone.performed(
        "http",
        Ok(TaskOutput::Http {
            status: 200,
            body: body.clone(),
        }),
    );
    let result = json!({"outcome": "ok", "result": {"status": 200, "body": body, "error": ""}});
    assert_eq!(told(&mut phone), [("w1".to_owned(), Ok(result))]);
    assert_eq!(phone.step(), "talk");
}

#[test]
fn wishes_that_overlap_are_told_apart_and_a_failure_is_an_answer_too() {
    let mut phone = talking();
    wish(&mut phone, "w1", "look", &json!({"city": "Haifa"}));
    let first = phone.task("http").key;
    wish(&mut phone, "w2", "text", &json!({}));
    let sms = phone.task("send_message").key;
    phone.ends(sms, Ok(TaskOutput::Sent { sid: "SM1".to_owned() }));
    phone.ends(first, Err("no route".to_owned()));
    let told = told(&mut phone);
    assert_eq!(told[0].0, "w2");
    assert_eq!(told[0].1.as_ref().map(|result| &result["outcome"]), Ok(&json!("sent")));
    assert_eq!(
        told[1].1.as_ref().map(|result| &result["outcome"]),
        Ok(&json!("failed"))
    );
}

#[test]
fn what_needs_nobody_is_done_at_once_and_what_is_unknown_is_said() {
    let mut phone = talking();
    wish(&mut phone, "w1", "note", &json!({}));
    wish(&mut phone, "w2", "save", &json!({"city": "Haifa"}));
    wish(&mut phone, "w3", "launch", &json!({}));
    let told = told(&mut phone);
    assert_eq!(told[0].1.as_ref().map(|result| &result["outcome"]), Ok(&json!("done")));
    assert_eq!(told[1].1, Ok(json!("done")));
    assert_eq!(told[2].1, Err("there is no action `launch`".to_owned()));
    assert_eq!(phone.pending("http"), 0);
}

#[test]
fn a_conversation_that_is_over_wishes_in_vain() {
    let mut phone = talking();
    phone.talk_ends("completed").comes_back(&[]);
    phone.told_the_socket();
    wish(&mut phone, "w1", "text", &json!({}));
    assert_eq!(
        told(&mut phone),
        [("w1".to_owned(), Err("the conversation is over".to_owned()))]
    );
    assert_eq!(phone.pending("send_message"), 0);
}

#[test]
fn what_was_found_out_is_kept_though_the_caller_hangs_up_at_once() {
    let mut phone = talking();
    let vars = json!({"lead": {"city": "Haifa"}})
        .as_object()
        .cloned()
        .unwrap_or_default();
    let stream_sid = phone.stream_sid();
    phone.happens(Event::TalkSet { stream_sid, vars }).hangs_up(9);
    let TaskKind::SendMessage { body, .. } = phone.task("send_message").kind else {
        panic!("no message")
    };
    assert_eq!(body, "Haifa");
}
