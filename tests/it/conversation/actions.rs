//! What the model wishes for: exits, values that are kept, services, messages; each wish has one result.

use super::ears::{Day, Ears, Words};
use super::{Desk, answers, call, end_of, everything, heard, mind, says, speaks, turns, voice};
use crate::speak::server::HttpServer;
use crate::stage::{Stage, began};
use crate::wire::{Answer, Wire};
use engine::carrier::{Message, Step};
use serde_json::{Value, json};
use std::time::Duration;

struct World {
    stage: Stage,
    model: HttpServer,
    _ears: Ears,
    _speech: HttpServer,
}

async fn world(lines: &[&str], model: HttpServer, service: Option<&str>) -> World {
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    let ears = Ears::start(Day::Good, Words::ByPitch(lines)).await;
    let speech = voice::good().await;
    let mut desk = Desk::default().ears(&ears.url).mind(&model.url).voice(&speech.url);
    if let Some(service) = service {
        desk = desk.change("SERVICE", service);
    }
    World {
        stage: desk.open().await,
        model,
        _ears: ears,
        _speech: speech,
    }
}

/// The results in the last request, by wish.
fn told(model: &HttpServer) -> Vec<(String, String)> {
    let asked = model.asked();
    let last = asked.iter().rev().find(|asked| asked.head.starts_with("POST"));
    let messages = mind::messages(last.expect("a request"));
    let tools = messages.iter().filter(|message| message["role"] == "tool");
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    tools
        .map(|message| (text(&message["tool_call_id"]), text(&message["content"])))
        .collect()
}

fn texts_to(stage: &Stage, from: &str) -> Vec<Message> {
    let mut messages = stage.carrier.messages();
    messages.retain(|message| message.to == from);
    messages
}

pub async fn an_exit_leads_to_the_step_of_the_flow() {
    let line = "I want to talk to somebody 1.";
    let model = mind::mind(|_| mind::wishes("I connect you to 1.", &[("w1", "transfer", "{}")])).await;
    let world = world(&[line], model, None).await;
    let mut steps = says(line).to_vec();
    steps.extend([Step::AwaitVerb("Dial".to_owned()), Step::HangUp]);
    let report = call(&world.stage, steps).await;
    let all = || everything(&world.stage, &report);
    assert!(began(&report, "Dial"), "{}", all());
    assert_eq!(end_of(&world.stage, &report.call_sid), "exit", "{}", all());
    // Its last words were heard whole before.
    let turns = turns(&world.stage, &report.call_sid);
    assert_eq!(answers(&turns).last(), Some(&"I connect you to 1."), "{}", all());
    assert!(heard(&report).iter().any(|(number, _)| *number == 1), "{}", all());
}

pub async fn what_was_found_out_is_kept_though_the_caller_hangs_up_at_once() {
    let line = "Three rooms in Haifa 1.";
    let model = mind::mind(|messages| match mind::is_first(messages) {
        true => mind::wishes("", &[("w1", "save_lead", "{\"city\":\"Haifa\",\"rooms\":3}")]),
        false => mind::says("I have noted 1, three rooms in Haifa, and somebody will call you back about it."),
    })
    .await;
    let world = world(&[line], model, None).await;
    let mut steps = says(line).to_vec();
    steps.extend([Step::AwaitSound, Step::HangUp]);
    let spec = super::spec(&world.stage, steps);
    let from = spec.from.clone();
    let report = world.stage.dial(spec).await.expect("the call's task");
    world.stage.finished(&report.call_sid).await;
    let all = || everything(&world.stage, &report);
    assert_eq!(told(&world.model), [("w1".to_owned(), "ok".to_owned())], "{}", all());
    let sent = || texts_to(&world.stage, &from);
    world.stage.until("the follow-up is sent", || !sent().is_empty()).await;
    let bodies: Vec<String> = sent().into_iter().map(|message| message.body).collect();
    assert_eq!(bodies, ["noted Haifa"], "{}", all());
}

pub async fn a_service_is_asked_and_its_answer_reaches_the_model() {
    let service = Wire::start(|_| Answer::json(200, "{\"flats\": 12}")).await;
    let line = "How many flats are there in Tel Aviv 1?";
    let model = mind::mind(|messages| match mind::results(messages).first() {
        None => mind::wishes("", &[("w1", "flats", "{\"city\":\"Tel Aviv\"}")]),
        Some(result) if result.contains("12") => mind::says("There are 12 flats."),
        Some(_) => mind::says("I do not know 45."),
    })
    .await;
    let world = world(&[line], model, Some(&service.url(""))).await;
    let mut steps = says(line).to_vec();
    steps.extend([Step::AwaitTurn, Step::HangUp]);
    let report = call(&world.stage, steps).await;
    let all = || everything(&world.stage, &report);
    let asked: Vec<String> = service.requests().into_iter().map(|seen| seen.target).collect();
    assert_eq!(asked, ["/flats?city=Tel%20Aviv"], "{}", all());
    let turns = turns(&world.stage, &report.call_sid);
    assert_eq!(answers(&turns).last(), Some(&"There are 12 flats."), "{}", all());
    assert_eq!(heard(&report).last().map(|(number, _)| *number), Some(12), "{}", all());
    // Both rounds count.
    assert_eq!(
        turns.last().map(|turn| turn.tokens.clone()),
        Some((json!(200), json!(20))),
        "{}",
        all()
    );
}

pub async fn a_message_is_sent_once() {
    let line = "Send me that 1.";
    let model = mind::mind(|messages| match mind::results(messages).first() {
        None => mind::wishes("", &[("w1", "text_me", "{\"about\":\"flat 1\"}")]),
        Some(_) => mind::says("Sent 1."),
    })
    .await;
    let world = world(&[line], model, None).await;
    let mut steps = says(line).to_vec();
    steps.extend([Step::AwaitTurn, Step::HangUp]);
    let spec = super::spec(&world.stage, steps);
    let from = spec.from.clone();
    let report = world.stage.dial(spec).await.expect("the call's task");
    world.stage.finished(&report.call_sid).await;
    let all = || everything(&world.stage, &report);
    let bodies: Vec<String> = texts_to(&world.stage, &from)
        .into_iter()
        .map(|message| message.body)
        .collect();
    assert_eq!(bodies, ["About flat 1"], "{}", all());
    let results = told(&world.model);
    assert!(
        matches!(&results[..], [(id, result)] if id == "w1" && result.contains("sent")),
        "{results:?}\n{}",
        all()
    );
}

pub async fn a_model_that_wishes_nonsense_is_told_so() {
    let line = "Do something 1.";
    let model = mind::mind(|messages| match mind::results(messages).len() {
        0 => mind::wishes(
            "",
            &[
                ("w1", "open_the_door", "{}"),
                ("w2", "save_lead", "{\"rooms\":\"many\"}"),
                ("w3", "save_lead", "not JSON"),
            ],
        ),
        _ => mind::says("I cannot do 1."),
    })
    .await;
    let world = world(&[line], model, None).await;
    let mut steps = says(line).to_vec();
    steps.extend([Step::AwaitTurn, Step::HangUp]);
    let report = call(&world.stage, steps).await;
    let all = || everything(&world.stage, &report);
    let results = told(&world.model);
    let ids: Vec<&str> = results.iter().map(|(id, _)| id.as_str()).collect();
    assert_eq!(ids, ["w1", "w2", "w3"], "{results:?}\n{}", all());
    assert!(results[0].1.contains("open_the_door"), "{results:?}");
    assert!(
        results[1].1.contains("city") || results[1].1.contains("rooms"),
        "{results:?}"
    );
    assert!(results[2].1.contains("JSON"), "{results:?}");
    assert_eq!(
        answers(&turns(&world.stage, &report.call_sid)).last(),
        Some(&"I cannot do 1."),
        "{}",
        all()
    );
    assert!(
        texts_to(&world.stage, "").is_empty(),
        "nothing was kept and nothing sent"
    );
}

pub async fn a_wish_that_was_interrupted_still_has_one_result() {
    let service = Wire::start(|_| Answer::Silence).await;
    let lines = [
        "How many flats are there in Haifa 1?",
        "Forget it, what about number 2?",
    ];
    let model = mind::mind(|messages| match mind::last_said(messages).contains("Forget") {
        false => mind::wishes(
            "Let me look up 1, that may take me a little while, so please stay on the line with me.",
            &[("w1", "flats", "{\"city\":\"Haifa\"}")],
        ),
        true => mind::says("Number 2 is fine."),
    })
    .await;
    let world = world(&lines, model, Some(&service.url(""))).await;
    let mut steps = says(lines[0]).to_vec();
    steps.extend([Step::AwaitSpeaking(Duration::from_millis(1500)), speaks(lines[1])]);
    steps.extend([Step::AwaitTurn, Step::HangUp]);
    let report = call(&world.stage, steps).await;
    let all = || everything(&world.stage, &report);
    assert_eq!(service.requests().len(), 1, "{}", all());
    let results = told(&world.model);
    assert!(
        matches!(&results[..], [(id, result)] if id == "w1" && !result.is_empty()),
        "{results:?}\n{}",
        all()
    );
    assert_eq!(
        answers(&turns(&world.stage, &report.call_sid)).last(),
        Some(&"Number 2 is fine."),
        "{}",
        all()
    );
}
