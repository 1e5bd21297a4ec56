//! Callers who say nothing, never stop, press keys, hum or leave.

use super::ears::{Day, Ears, Words};
use super::{Desk, answers, call, end_of, everything, heard, mind, says, spec, tones, turns, voice};
use crate::speak::server::{HttpServer, Reply, Step as Part};
use crate::stage::Stage;
use engine::audio::mulaw;
use engine::carrier::{Outcome, Speech, Step};
use std::time::Duration;

struct World {
    stage: Stage,
    _ears: Ears,
    model: HttpServer,
    speech: HttpServer,
}

async fn world(lines: &[&str], model: HttpServer, speech: HttpServer) -> World {
    world_of(Desk::default(), lines, model, speech).await
}

async fn world_of(desk: Desk, lines: &[&str], model: HttpServer, speech: HttpServer) -> World {
    let lines = lines.iter().map(|line| (*line).to_owned()).collect();
    let ears = Ears::start(Day::Good, Words::ByPitch(lines)).await;
    let desk = desk.ears(&ears.url).mind(&model.url).voice(&speech.url);
    World {
        stage: desk.open().await,
        _ears: ears,
        model,
        speech,
    }
}

fn numbers(report: &engine::carrier::CallReport) -> Vec<usize> {
    heard(report).iter().map(|(number, _)| *number).collect()
}

pub async fn a_caller_who_says_nothing_is_asked_twice_and_then_let_go() {
    let quiet = world(&[], mind::echo().await, voice::good().await).await;
    // Only the network tells hiss from speech.
    let neural = Desk::default().change("activity: energy", "activity: silero");
    let hissing = world_of(neural, &[], mind::echo().await, voice::good().await).await;
    let silent = call(&quiet.stage, []);
    let noisy = async {
        let mut spec = spec(&hissing.stage, []);
        spec.noise = Some("pink:20db".parse().expect("a noise"));
        let report = hissing.stage.dial(spec).await.expect("the call's task");
        hissing.stage.finished(&report.call_sid).await;
        report
    };
    let (silent, noisy) = tokio::join!(silent, noisy);
    for (world, report) in [(&quiet, silent), (&hissing, noisy)] {
        let told = || everything(&world.stage, &report);
        assert_eq!(report.outcome, Outcome::EngineHungUp, "{}", told());
        assert_eq!(end_of(&world.stage, &report.call_sid), "idle", "{}", told());
        assert_eq!(numbers(&report)[..2], [0, 40], "{}", told());
        let turns = turns(&world.stage, &report.call_sid);
        assert_eq!(
            answers(&turns),
            ["Hello 0, how can I help?", "Still there 40?", "Still there 40?"],
            "{}",
            told()
        );
        assert!(turns.iter().all(|turn| turn.role == "agent"), "{}", told());
        assert!(
            world.model.asked().iter().all(|asked| asked.head.starts_with("HEAD")),
            "{}",
            told()
        );
        // The step that follows is the one for nobody.
        let asked_for = |file: &str| report.timeline.iter().any(|event| event.line().contains(file));
        assert!(asked_for("still_there_en"), "{}", told());
    }
}

pub async fn a_caller_who_never_stops_is_answered_all_the_same() {
    let line = "And then 5.";
    let world = world(&[line], mind::echo().await, voice::good().await).await;
    let mulaw = mulaw::encode_all(&tones::tone(400.0, 8000, 14_000));
    let long = Step::Speak(Speech::Sound {
        mulaw,
        words: line.to_owned(),
    });
    let report = call(&world.stage, [Step::AwaitTurn, long, Step::AwaitTurn, Step::HangUp]).await;
    let told = || everything(&world.stage, &report);
    let turns = turns(&world.stage, &report.call_sid);
    let first = turns.iter().find(|turn| turn.role == "caller").expect("a turn");
    // `longest_turn` is 6 s, though the caller goes on for 14.
    assert!((5000..=8000).contains(&first.millis), "{}", told());
    // What was recognised of it by then.
    assert_eq!(first.text, "And then", "{}", told());
    let last = turns.last().expect("turns");
    assert!(
        last.role == "agent" && !last.interrupted && !last.text.is_empty(),
        "{}",
        told()
    );
    // Each of the answers costs, and none is heard over the caller.
    let asked = world.model.asked();
    let count = asked.iter().filter(|asked| asked.head.starts_with("POST")).count();
    assert!((2..=4).contains(&count), "{count} requests\n{}", told());
    assert!(report.longest_silence.length() < Duration::from_secs(4), "{}", told());
}

pub async fn a_caller_who_hangs_up_in_an_answer_leaves_nobody_at_work() {
    let line = "Tell me everything about 9.";
    let long = "Flat 9 has three rooms and a kitchen and a bath and a balcony to the south and a cellar";
    // A voice as slow as it speaks, so that it is still at work when the caller leaves.
    let speech = voice::after_greeting(|text| {
        let mut parts = Vec::new();
        for lump in voice::lumps(&tones::spoken(text, 24_000)) {
            parts.extend([lump, Part::Wait(Duration::from_millis(95))]);
        }
        parts.push(Part::Stall);
        Reply::sound(parts)
    })
    .await;
    let world = world(&[line], mind::mind(|_| mind::says(long)).await, speech).await;
    let mut steps = says(line).to_vec();
    steps.extend([Step::AwaitSpeaking(Duration::from_secs(2)), Step::HangUp]);
    let report = call(&world.stage, steps).await;
    let told = || everything(&world.stage, &report);
    assert_eq!(report.outcome, Outcome::CallerHungUp, "{}", told());
    let turns = turns(&world.stage, &report.call_sid);
    let cut = turns.last().expect("turns");
    assert!(cut.interrupted && long.starts_with(&cut.text), "{}", told());
    assert!(
        !cut.text.is_empty() && cut.text.len() < long.len() * 3 / 4,
        "{}",
        told()
    );
    assert_eq!(
        world.stage.logged("end_reason", &report.call_sid),
        "caller_left",
        "{}",
        told()
    );
    let left = tokio::time::timeout(Duration::from_secs(20), world.speech.left(0)).await;
    assert!(left.is_ok(), "{}", told());
}

pub async fn keys_interrupt_and_are_a_turn() {
    let long =
        "Please press the number of the flat 3, and then the key with the cross, and I will tell you all about it";
    let model = mind::mind(|messages| match mind::last_said(messages) {
        "42" => mind::says("You pressed 42."),
        _ => mind::says(long),
    })
    .await;
    let line = "I want a flat 3.";
    let world = world(&[line], model, voice::good().await).await;
    let mut steps = says(line).to_vec();
    steps.extend([
        Step::AwaitSpeaking(Duration::from_secs(1)),
        Step::Keys("42#".to_owned()),
    ]);
    steps.extend([Step::AwaitTurn, Step::HangUp]);
    let report = call(&world.stage, steps).await;
    let told = || everything(&world.stage, &report);
    let turns = turns(&world.stage, &report.call_sid);
    assert!(
        turns[2].interrupted && turns[2].text.len() < long.len() / 2,
        "{}",
        told()
    );
    assert_eq!((&*turns[3].role, &*turns[3].text), ("caller", "42"), "{}", told());
    assert_eq!(answers(&turns).last(), Some(&"You pressed 42."), "{}", told());
    assert_eq!(numbers(&report).last(), Some(&42), "{}", told());
}

pub async fn words_that_come_late_do_not_belong_to_the_next_turn() {
    let lines = ["The first is 1.", "The second is 2."];
    let words = Words::ByPitch(lines.map(str::to_owned).to_vec());
    // Everything is told three seconds late: after the answer to it was given up.
    let ears = Ears::start(Day::Late(3000), words).await;
    let model = mind::mind(|messages| match mind::last_said(messages) {
        "(inaudible)" => mind::says("Say 30 again, please."),
        other => mind::says(&format!("You said 31, {other}")),
    })
    .await;
    let speech = voice::good().await;
    let desk = Desk::default().ears(&ears.url).mind(&model.url).voice(&speech.url);
    let stage = desk.open().await;
    let steps = says(lines[0])
        .into_iter()
        .chain(says(lines[1]))
        .chain([Step::AwaitTurn, Step::HangUp]);
    let report = call(&stage, steps).await;
    let told = || everything(&stage, &report);
    let turns = turns(&stage, &report.call_sid);
    let said = turns
        .iter()
        .filter(|turn| turn.role == "caller")
        .map(|turn| turn.text.as_str());
    for (index, text) in said.enumerate() {
        let others = lines
            .iter()
            .enumerate()
            .filter(|(at, _)| *at != index)
            .map(|(_, line)| *line);
        assert!(others.into_iter().all(|other| !text.contains(other)), "{}", told());
    }
    assert!(report.longest_silence.length() <= super::SILENCE, "{}", told());
}
