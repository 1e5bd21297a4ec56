//! Creating messages, and finding them again after a crash.

use std::collections::BTreeMap;

use engine::channels::twilio::{CarrierError, Channel, Content, Message, MessageQuery, MessageSid, Sender};

use super::{ACCOUNT, BASIC, client, hasty};
use crate::wire::{Answer, Wire};

const TO: &str = "+972501234567";
const FROM: &str = "+972312345678";
const TEMPLATE: &str = "HX0123456789abcdef0123456789abcdef";
const SERVICE: &str = "MG0123456789abcdef0123456789abcdef";

fn path() -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT}/Messages.json")
}

fn free(channel: Channel, body: &str, media: &[&str]) -> Message {
    Message {
        channel,
        to: TO.to_owned(),
        sender: Sender::Address(FROM.to_owned()),
        content: Content::Free {
            body: body.to_owned(),
            media: media.iter().map(|url| url.to_string()).collect(),
        },
        status_callback: None,
    }
}

fn created() -> Answer {
    Answer::json(201, r#"{"sid":"SM1","status":"queued","num_media":"0"}"#)
}

fn value<'a>(form: &'a [(String, String)], name: &str) -> Vec<&'a str> {
    form.iter()
        .filter(|(n, _)| n == name)
        .map(|(_, v)| v.as_str())
        .collect()
}

#[tokio::test]
async fn a_text_over_sms() {
    let server = Wire::answering([created()]).await;
    let media = ["https://example.com/1.jpg", "https://example.com/2.jpg"];
    let message = Message {
        status_callback: Some("https://example.com/webhook/message_status".to_owned()),
        ..free(Channel::Sms, "שלום + & =", &media)
    };
    let sid = client(&server).send_message(&message).await.expect("created");
    assert_eq!(sid, MessageSid("SM1".to_owned()));

    let seen = server.request();
    assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", path().as_str()));
    assert_eq!(seen.header("authorization"), Some(BASIC));
    let form = seen.form();
    assert_eq!(value(&form, "To"), [TO]);
    assert_eq!(value(&form, "From"), [FROM]);
    assert_eq!(value(&form, "Body"), ["שלום + & ="]);
    assert_eq!(value(&form, "MediaUrl"), media);
    assert_eq!(
        value(&form, "StatusCallback"),
        ["https://example.com/webhook/message_status"]
    );
    assert_eq!(form.len(), 6);
}

#[tokio::test]
async fn a_template_over_whatsapp_has_prefixes_and_json_variables() {
    let server = Wire::answering([created()]).await;
    let variables = BTreeMap::from([("1", "דנה \"D\""), ("2", "17:30")]);
    let variables = variables
        .into_iter()
        .map(|(n, v)| (n.to_owned(), v.to_owned()))
        .collect();
    let message = Message {
        content: Content::Template {
            content_sid: TEMPLATE.to_owned(),
            variables,
        },
        ..free(Channel::Whatsapp, "", &[])
    };
    client(&server).send_message(&message).await.expect("created");

    let form = server.request().form();
    assert_eq!(value(&form, "To"), ["whatsapp:+972501234567"]);
    assert_eq!(value(&form, "From"), ["whatsapp:+972312345678"]);
    assert_eq!(value(&form, "ContentSid"), [TEMPLATE]);
    let sent: serde_json::Value = serde_json::from_str(value(&form, "ContentVariables")[0]).expect("JSON");
    assert_eq!(sent, serde_json::json!({"1": "דנה \"D\"", "2": "17:30"}));
    assert_eq!(form.len(), 4, "a template has no body: {form:?}");
}

#[tokio::test]
async fn a_messaging_service_takes_the_senders_place() {
    let server = Wire::answering([created()]).await;
    let message = Message {
        sender: Sender::Service(SERVICE.to_owned()),
        ..free(Channel::Whatsapp, "hi", &[])
    };
    client(&server).send_message(&message).await.expect("created");
    let form = server.request().form();
    assert_eq!(value(&form, "MessagingServiceSid"), [SERVICE]);
    assert_eq!(value(&form, "From"), [""; 0]);
}

#[tokio::test]
async fn a_message_that_breaks_a_rule_never_leaves() {
    let server = Wire::answering([created()]).await;
    let message = Message {
        to: "0501234567".to_owned(),
        ..free(Channel::Sms, "hi", &[])
    };
    let failed = client(&server).send_message(&message).await.expect_err("not a number");
    assert_eq!(failed.code(), Some(21211));
    assert!(!failed.is_retryable() && !failed.may_have_happened());
    assert_eq!(server.connections(), 0);
}

#[tokio::test]
async fn a_create_is_made_once_and_its_doubt_is_said() {
    let message = free(Channel::Sms, "hi", &[]);
    for answer in [
        Answer::Reset,
        Answer::Silence,
        Answer::json(500, ""),
        Answer::json(201, "<html>"),
    ] {
        let server = Wire::answering([answer.clone()]).await;
        let client = match answer {
            Answer::Silence => hasty(&server),
            _ => client(&server),
        };
        let failed = client.send_message(&message).await.expect_err("no success");
        assert!(failed.may_have_happened(), "{answer:?}: {failed}");
        assert_eq!(server.requests().len(), 1, "{answer:?}");
    }
    for answer in [
        Answer::json(429, ""),
        Answer::json(400, r#"{"code":63007,"message":"x"}"#),
    ] {
        let server = Wire::answering([answer.clone()]).await;
        let failed = client(&server).send_message(&message).await.expect_err("no success");
        assert!(!failed.may_have_happened(), "{answer:?}: {failed}");
    }
}

fn query(body: Option<&str>) -> MessageQuery {
    MessageQuery {
        channel: Channel::Whatsapp,
        to: TO.to_owned(),
        from: Some(FROM.to_owned()),
        since: "2023-08-24T05:00:00Z".parse().expect("a time"),
        body: body.map(str::to_owned),
    }
}

fn listed(sid: &str, body: &str, direction: &str, time: &str) -> String {
    format!(
        r#"{{"sid":"{sid}","body":"{body}","direction":"{direction}","date_created":"Thu, 24 Aug 2023 {time} +0000","status":"queued"}}"#
    )
}

fn page(messages: &[String], next: Option<&str>) -> Answer {
    let next = next.map_or("null".to_owned(), |next| format!("\"{next}\""));
    Answer::json(
        200,
        &format!(
            r#"{{"messages":[{}],"next_page_uri":{next},"page":0}}"#,
            messages.join(",")
        ),
    )
}

#[tokio::test]
async fn a_search_follows_the_pages_and_keeps_what_matches() {
    let next = format!("{}?To=x&PageToken=PAx%2By", path());
    let server = Wire::answering([
        page(
            &[
                listed("SM1", "hello", "outbound-api", "05:01:00"),
                listed("SM2", "other", "outbound-api", "05:00:30"),
                listed("SM3", "hello", "inbound", "05:00:20"),
            ],
            Some(&next),
        ),
        page(
            &[
                r#"{"sid":"SM4","body":"hello","date_created":null}"#.to_owned(),
                listed("SM5", "hello", "outbound-reply", "04:59:45"),
                listed("SM6", "hello", "outbound-api", "04:59:29"),
            ],
            None,
        ),
    ])
    .await;
    let found = client(&server)
        .find_message(&query(Some("hello")))
        .await
        .expect("a list");
    let sids: Vec<&str> = found.iter().map(|sid| sid.0.as_str()).collect();
    assert_eq!(sids, ["SM1", "SM4", "SM5"]);

    let seen = server.requests();
    assert_eq!(value(&seen[0].query(), "To"), ["whatsapp:+972501234567"]);
    assert_eq!(value(&seen[0].query(), "From"), ["whatsapp:+972312345678"]);
    assert_eq!(seen[1].target, next, "used as it stands");
    assert!(
        seen.iter()
            .all(|request| request.header("authorization") == Some(BASIC))
    );
}

#[tokio::test]
async fn a_search_without_text_takes_every_text_and_ends_at_older_pages() {
    let next = format!("{}?PageToken=x", path());
    let server = Wire::answering([
        page(&[listed("SM1", "any", "outbound-api", "05:01:00")], Some(&next)),
        page(&[listed("SM2", "any", "outbound-api", "04:00:00")], Some(&next)),
    ])
    .await;
    let found = client(&server).find_message(&query(None)).await.expect("a list");
    assert_eq!(found, [MessageSid("SM1".to_owned())]);
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn an_incomplete_search_is_an_error() {
    let endless = format!("{}?PageToken=x", path());
    for next in ["https://elsewhere.example/2010-04-01/x", &endless] {
        let server = Wire::answering([page(&[listed("SM1", "a", "outbound-api", "05:01:00")], Some(next))]).await;
        let failed = client(&server)
            .find_message(&query(None))
            .await
            .expect_err("not complete");
        assert!(matches!(failed, CarrierError::Protocol { .. }), "{failed}");
    }
    let server = Wire::answering([page(&[], Some(&endless)), Answer::json(500, "")]).await;
    let failed = client(&server)
        .find_message(&query(None))
        .await
        .expect_err("not complete");
    assert_eq!(
        failed,
        CarrierError::Unavailable {
            sent: true,
            status: Some(500)
        }
    );
}
