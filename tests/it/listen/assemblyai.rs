//! AssemblyAI: turns with times, forced ends, and messages of the size it takes.

use super::server::{Server, Step};
use super::{Ear, options, pattern, service, words};
use engine::providers::ErrorClass;
use engine::providers::listen::Heard;
use engine::talk::Verdict;
use serde_json::json;

/// A turn: each word with its start and end in milliseconds; those behind the transcript may still change.
fn turn(order: u32, transcript: &str, said: &[(&str, u32, u32)], ended: bool) -> Step {
    let words: Vec<_> = said
        .iter()
        .map(|(text, start, end)| json!({"text": text, "start": start, "end": end, "confidence": 0.9, "word_is_final": ended}))
        .collect();
    Step::Say(
        json!({
            "type": "Turn", "turn_order": order, "turn_is_formatted": false, "end_of_turn": ended,
            "end_of_turn_confidence": 0.4, "transcript": transcript, "words": words,
        })
        .to_string(),
    )
}

#[tokio::test]
async fn a_forced_end_is_an_answer_and_no_word_changes_its_utterance() {
    let said = [("two", 100, 300), ("teas", 400, 700)];
    let server = Server::playing([vec![
        Step::Say(r#"{"type":"Begin","id":"i","expires_at":1}"#.to_owned()),
        Step::Sound(7680),
        turn(0, "two", &said, false),
        Step::Text("ForceEndpoint", 1),
        turn(0, "two teas", &said, true),
        Step::Cue,
        turn(0, "Two teas", &said, true),
        turn(1, "", &[("please", 2200, 2500)], false),
        turn(1, "please", &[("please", 2200, 2500)], true),
    ]])
    .await;
    let mut service = service("assemblyai", server.url());
    service.options = options(json!({"keyterms_prompt": ["Ann", "tea"], "max_turn_silence": 1280}));
    let mut ear = Ear::new(&service);
    ear.begin(1, 0).await;
    ear.sound(1000).await;
    assert_eq!(ear.next().await, Heard::Ready);
    assert_eq!(ear.next().await, words(1, "two teas", None));
    ear.flush(1, 1).await;
    assert_eq!(ear.answer(1).await, [words(1, "two teas", 1)]);
    let complete = |utterance| Heard::Verdict {
        utterance: Some(utterance),
        verdict: Verdict::Complete,
    };
    assert_eq!(ear.next().await, complete(1));
    ear.end(1).await;
    ear.sound(1000).await;
    ear.begin(2, 0).await;
    ear.sound(1000).await;
    server.until(|seen| seen[0].sound.len() >= 23_520).await;
    server.cue();
    assert_eq!(ear.next().await, words(2, "please", None));
    assert_eq!(ear.next().await, complete(2));
    ear.stop().await;

    server
        .until(|seen| seen[0].texts.last().is_some_and(|text| text.contains("Terminate")))
        .await;
    let seen = server.seen().remove(0);
    assert!(
        seen.pieces.iter().all(|piece| (400..=8000).contains(piece)),
        "{:?}",
        seen.pieces
    );
    assert!(24_000 - seen.sound.len() < 400, "{}", seen.sound.len());
    assert_eq!(seen.sound, pattern(0, seen.sound.len()));
    assert_eq!(seen.authorization.as_deref(), Some("secret-key"));
    let (path, query) = seen.target.split_once('?').expect("a query");
    assert_eq!(path, "/v3/ws");
    let query: Vec<(String, String)> = form_urlencoded::parse(query.as_bytes()).into_owned().collect();
    let asked = |name: &str| {
        query
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    assert_eq!(asked("encoding"), Some("pcm_mulaw"));
    assert_eq!(asked("keyterms_prompt"), Some(r#"["Ann","tea"]"#));
    assert_eq!(asked("max_turn_silence"), Some("1280"));
}

#[tokio::test]
async fn its_refusals_come_as_messages_and_as_codes() {
    for (step, class) in [
        (Step::Say(r#"{"error":"Not authorized"}"#.to_owned()), ErrorClass::Auth),
        (Step::Close(4001, "Not Authorized"), ErrorClass::Auth),
        (Step::Close(4002, "Insufficient funds"), ErrorClass::Quota),
        (Step::Close(3007, "Input duration violation"), ErrorClass::BadRequest),
    ] {
        let server = Server::playing([vec![step.clone()]]).await;
        let error = Ear::new(&service("assemblyai", server.url())).failure().await;
        assert_eq!(error.class(), class, "{step:?}: {error}");
    }
}
