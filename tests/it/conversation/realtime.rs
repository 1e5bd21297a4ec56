//! Conversations with a model that hears and speaks by itself.

use super::live::{Act, Day, Live};
use super::{Desk, SILENCE, answers, call, end_of, everything, heard, says, speaks, tones, turns};
use crate::stage::{Stage, began};
use engine::carrier::{CallReport, Step};
use std::time::Duration;

const LINE: &str = "Is flat 7 still free?";
const ANSWER: &str = "Answer 7, it is still free.";

/// The same flow, with one model in place of three providers.
fn desk(live: &Live, more: &str) -> Desk {
    Desk::default()
        .with("live", "openai", &live.url, more)
        .change(
            "listen: {provider: ears, language: en, activity: energy, longest_turn: 6s}",
            "realtime: {provider: live}",
        )
        .change("    think: {provider: mind}\n", "")
        .change("speak: {provider: voice, ", "speak: {")
}

pub async fn what_the_caller_cut_off_is_truncated_at_the_model() {
    let long = "Flat 1 has three rooms and a kitchen and a bath and a balcony to the south and a cellar and two lifts \
        and a garden behind the house";
    let lines = ["Tell me about flat 1.", "Stop, what about flat 2?"];
    let live = Live::start(Day::Good, &lines, move |line| match tones::number(line) {
        1 => Act::Say(long.to_owned()),
        _ => Act::Say("Flat 2 is small.".to_owned()),
    })
    .await;
    let stage = desk(&live, "price: {input: 1000, output: 2000}").open().await;
    let mut steps = says(lines[0]).to_vec();
    steps.extend([Step::AwaitSpeaking(Duration::from_secs(2)), speaks(lines[1])]);
    steps.extend([Step::AwaitTurn, Step::HangUp]);
    let report = call(&stage, steps).await;
    let sid = report.call_sid.as_str();
    let told = || everything(&stage, &report);
    let turns = turns(&stage, sid);
    let said: Vec<&str> = turns
        .iter()
        .filter(|turn| turn.role == "caller")
        .map(|turn| &*turn.text)
        .collect();
    assert_eq!(said, lines, "{}", told());
    let cut = turns
        .iter()
        .find(|turn| turn.interrupted)
        .expect("an answer that was cut off");
    assert!(
        long.starts_with(cut.text.trim()) && cut.text.len() < long.len() / 2,
        "{}",
        told()
    );
    assert_eq!(
        answers(&turns).last().map(|text| text.trim()),
        Some("Flat 2 is small."),
        "{}",
        told()
    );
    let last = turns.last().expect("turns");
    assert_eq!(
        (&*last.provider, &last.tokens),
        ("live", &(100.into(), 10.into())),
        "{}",
        told()
    );
    assert!(
        last.cost.as_f64().is_some_and(|cost| (cost - 0.12).abs() < 1e-9),
        "{}",
        told()
    );

    // The model is told how much of which answer was heard, and that is what was heard.
    let truncated = live.told("conversation.item.truncate");
    assert_eq!(truncated.len(), 1, "{truncated:?}\n{}", told());
    assert_eq!(truncated[0]["item_id"], "a2", "{truncated:?}");
    let sounds = heard(&report);
    let numbers: Vec<usize> = sounds.iter().map(|(number, _)| *number).collect();
    assert_eq!(numbers, [0, 1, 2], "{}", told());
    let ms = truncated[0]["audio_end_ms"].as_u64().expect("milliseconds");
    let real = sounds[1].1.as_millis() as u64;
    assert!(ms.abs_diff(real) < 500, "{ms} of {real}\n{}", told());
    assert!(!stage.log.of("BARGE_IN", sid).is_empty(), "{}", told());
    assert!(!began(&report, "Record"), "{}", told());
}

pub async fn a_wish_is_done_and_told() {
    let live = Live::start(Day::Good, &[LINE], |line| match line {
        LINE => Act::Wish("save_lead", "{\"city\":\"Haifa\"}"),
        _ => Act::Say(ANSWER.to_owned()),
    })
    .await;
    let stage = desk(&live, "").open().await;
    let mut steps = says(LINE).to_vec();
    steps.extend([Step::AwaitTurn, Step::HangUp]);
    let report = call(&stage, steps).await;
    let told = || everything(&stage, &report);
    let results: Vec<_> = (live.told("conversation.item.create").into_iter())
        .filter(|message| message["item"]["type"] == "function_call_output")
        .map(|message| (message["item"]["call_id"].clone(), message["item"]["output"].clone()))
        .collect();
    assert_eq!(results, [("w2".into(), "ok".into())], "{}", told());
    assert_eq!(heard(&report).last().map(|(number, _)| *number), Some(7), "{}", told());
    let sent = || {
        stage
            .carrier
            .messages()
            .into_iter()
            .map(|message| message.body)
            .collect::<Vec<_>>()
    };
    stage.until("the follow-up is sent", || !sent().is_empty()).await;
    assert_eq!(sent(), ["noted Haifa"], "{}", told());
}

async fn bad(day: Day, with: bool) -> (Stage, CallReport, Vec<Live>) {
    let say = |_: &str| Act::Say(ANSWER.to_owned());
    let (live, other) = (
        Live::start(day, &[LINE], say).await,
        Live::start(Day::Good, &[LINE], say).await,
    );
    let fallback = if with { "fallback: others" } else { "" };
    let desk = desk(&live, fallback).with("others", "openai", &other.url, "");
    let stage = desk.open().await;
    let mut steps = says(LINE).to_vec();
    steps.push(match with {
        true => Step::AwaitTurn,
        false => Step::AwaitVerb("Record".to_owned()),
    });
    steps.push(Step::HangUp);
    let report = call(&stage, steps).await;
    (stage, report, vec![live, other])
}

pub async fn models_that_fail() {
    let alone = [Day::Refuses, Day::Mute, Day::Garbage, Day::Speechless, Day::Leaves];
    // Another one takes over only before anything was said.
    let helped = [Day::Refuses, Day::Mute, Day::Garbage];
    let days = alone
        .map(|day| (day, false))
        .into_iter()
        .chain(helped.map(|day| (day, true)));
    let judged = days.map(|(day, with)| async move {
        let (stage, report, _servers) = bad(day, with).await;
        let told = || format!("{day:?}, fallback: {with}\n{}", everything(&stage, &report));
        assert!(report.longest_silence.length() <= SILENCE, "{}", told());
        if with {
            let turns = turns(&stage, &report.call_sid);
            assert_eq!(
                answers(&turns).last().map(|text| text.trim()),
                Some(ANSWER),
                "{}",
                told()
            );
            assert_eq!(turns.last().map(|turn| &*turn.provider), Some("others"), "{}", told());
            assert!(!began(&report, "Record"), "{}", told());
        } else {
            assert!(began(&report, "Record"), "{}", told());
            assert_eq!(end_of(&stage, &report.call_sid), "live_failed", "{}", told());
        }
    });
    futures_util::future::join_all(judged).await;
}
