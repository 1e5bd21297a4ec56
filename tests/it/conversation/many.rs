//! Fifty conversations at once: each is answered, and nobody hears what is another's.

use super::ears::{Day, Ears, Words};
use super::{Desk, answers, heard, mind, says, spec, tones, turns, voice};
use crate::stage::story;
use engine::carrier::Step;
use std::fmt::Write;
use std::sync::Arc;
use std::time::Duration;

const CALLS: usize = 50;

#[tokio::test(flavor = "multi_thread")]
async fn fifty_callers_are_answered_each_with_their_own_number() {
    let lines: Vec<String> = (1..=CALLS).map(|number| format!("My number is {number}.")).collect();
    let ears = Ears::start(Day::Good, Words::ByPitch(lines.clone())).await;
    // Longer for some than for others, so that a mixed-up answer has the wrong length too.
    let own = |number: usize| format!("You said {number}{}.", ", and so it is".repeat(number % 3));
    let model = mind::mind(move |messages| mind::says(&own(tones::number(mind::last_said(messages))))).await;
    let speech = voice::good().await;
    let stage = Desk::default()
        .ears(&ears.url)
        .mind(&model.url)
        .voice(&speech.url)
        .open()
        .await;
    let calls = (1..=CALLS).map(|number| {
        let mut steps = says(&lines[number - 1]).to_vec();
        steps.extend([Step::AwaitTurn, Step::HangUp]);
        (number, stage.dial(spec(&stage, steps)))
    });
    let calls: Vec<_> = calls.collect();
    let mut wrong = String::new();
    let stage = Arc::new(stage);
    for (number, report) in calls {
        let report = report.await.expect("the call's task");
        stage.finished(&report.call_sid).await;
        let turns = turns(&stage, &report.call_sid);
        let said: Vec<&str> = turns
            .iter()
            .filter(|turn| turn.role == "caller")
            .map(|turn| &*turn.text)
            .collect();
        let sounds = heard(&report);
        let expected = tones::length(&own(number));
        let fits = |length: Duration| (expected * 9 / 10..expected * 13 / 10).contains(&(length.as_millis() as usize));
        let is_own = said == [lines[number - 1].as_str()]
            && answers(&turns) == ["Hello 0, how can I help?", own(number).as_str()]
            && matches!(sounds[..], [(0, _), (heard, length)] if heard == number && fits(length));
        if !is_own {
            // Writing into a text cannot fail.
            let _ = writeln!(
                wrong,
                "{number}: {turns:?} {sounds:?} {expected} ms\n{}",
                story(&report)
            );
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}
