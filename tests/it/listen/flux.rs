//! Flux: turns that grow, and the service's opinion of each pause.

use super::server::{Server, Step};
use super::{Ear, service, words};
use engine::providers::listen::Heard;
use engine::talk::Verdict;
use serde_json::json;

/// Something about a turn whose sound lies between these moments, in seconds.
fn turn(event: &str, index: u32, start: f64, end: f64, text: &str) -> Step {
    Step::Say(
        json!({
            "type": "TurnInfo", "request_id": "r", "sequence_id": 1, "event": event, "turn_index": index,
            "audio_window_start": start, "audio_window_end": end, "transcript": text,
            "words": [], "end_of_turn_confidence": 0.5,
        })
        .to_string(),
    )
}

fn verdict(utterance: u32, verdict: Verdict) -> Heard {
    Heard::Verdict {
        utterance: Some(utterance),
        verdict,
    }
}

#[tokio::test]
async fn a_pause_is_judged_and_judged_again() {
    let server = Server::playing([vec![
        Step::Say(r#"{"type":"Connected","request_id":"r","sequence_id":0}"#.to_owned()),
        Step::Sound(16_000),
        turn("StartOfTurn", 0, 0.0, 0.5, "I"),
        turn("Update", 0, 0.0, 0.8, "I want"),
        turn("EagerEndOfTurn", 0, 0.0, 1.0, "I want"),
        turn("TurnResumed", 0, 0.0, 1.4, "I want two"),
        turn("EndOfTurn", 0, 0.0, 1.9, "I want two teas."),
        Step::Cue,
        turn("StartOfTurn", 1, 1.9, 2.0, "and milk"),
    ]])
    .await;
    let mut ear = Ear::new(&service("deepgram_flux", server.url()));
    ear.begin(1, 0).await;
    ear.sound(2000).await;
    let mut heard = Vec::new();
    for _ in 0..8 {
        heard.push(ear.next().await);
    }
    assert_eq!(
        heard,
        [
            Heard::Ready,
            words(1, "I", None),
            words(1, "I want", None),
            verdict(1, Verdict::Likely),
            words(1, "I want two", None),
            verdict(1, Verdict::GoesOn),
            words(1, "I want two teas.", None),
            verdict(1, Verdict::Complete),
        ]
    );
    server.cue();
    assert_eq!(ear.next().await, words(1, "I want two teas. and milk", None));
    ear.stop().await;
    server.until(|seen| !seen[0].texts.is_empty()).await;
    let seen = server.seen().remove(0);
    assert!(
        seen.target
            .starts_with("/v2/listen?model=flux-general-en&encoding=mulaw&sample_rate=8000"),
        "{}",
        seen.target
    );
    assert_eq!(seen.texts, [r#"{"type":"CloseStream"}"#], "it knows no flush");
}

#[tokio::test]
async fn a_flush_is_answered_by_the_update_that_reaches_it() {
    let server = Server::playing([vec![
        Step::Sound(8000),
        turn("Update", 0, 0.0, 0.6, "two"),
        Step::Cue,
        turn("Update", 0, 0.0, 0.8, "two teas"),
        turn("Update", 0, 0.0, 1.0, "two teas"),
    ]])
    .await;
    let mut ear = Ear::new(&service("deepgram_flux", server.url()));
    ear.begin(1, 0).await;
    ear.sound(1000).await;
    ear.flush(1, 5).await;
    assert_eq!(ear.next().await, Heard::Ready);
    assert_eq!(ear.next().await, words(1, "two", None));
    server.cue();
    assert_eq!(
        ear.answer(5).await,
        [words(1, "two teas", None), words(1, "two teas", 5)]
    );
    ear.stop().await;
}

#[tokio::test]
async fn a_turn_that_outlasts_its_utterance_is_divided_and_judged_late_is_not_judged() {
    let server = Server::playing([vec![
        Step::Sound(8000),
        turn("Update", 0, 0.0, 0.9, "book a"),
        Step::Cue,
        turn("EndOfTurn", 0, 0.0, 1.0, "Book a table."),
        turn("Update", 1, 1.9, 2.9, "for two"),
    ]])
    .await;
    let mut ear = Ear::new(&service("deepgram_flux", server.url()));
    assert_eq!(ear.next().await, Heard::Ready);
    ear.begin(1, 0).await;
    ear.sound(1000).await;
    assert_eq!(ear.next().await, words(1, "book a", None));
    ear.end(1).await;
    ear.sound(1000).await;
    ear.begin(2, 100).await;
    ear.sound(1000).await;
    server.until(|seen| seen[0].sound.len() >= 23_520).await;
    server.cue();
    assert_eq!(ear.next().await, words(2, "for two", None));
    ear.stop().await;
}
