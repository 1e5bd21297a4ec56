//! Nova: segments, `Finalize`, outages and whatever else comes over its socket.

use super::server::{Server, Step};
use super::{Ear, LONG, options, pattern, service, words};
use engine::providers::listen::Heard;
use engine::providers::{ErrorClass, Patience, Service};
use serde_json::json;
use std::time::Duration;

/// A message with results: `text` was said from one moment to another, in seconds.
pub fn results(start: f64, end: f64, text: &str, is_final: bool, asked: bool) -> String {
    let count = text.split_whitespace().count().max(1) as f64;
    let step = (end - start) / count;
    let words: Vec<_> = text
        .split_whitespace()
        .enumerate()
        .map(|(index, word)| {
            let from = start + index as f64 * step;
            json!({"word": word, "punctuated_word": word, "start": from, "end": from + step, "confidence": 0.9})
        })
        .collect();
    json!({
        "type": "Results", "channel_index": [0, 1], "start": start, "duration": end - start,
        "is_final": is_final, "speech_final": false, "from_finalize": asked,
        "channel": {"alternatives": [{"transcript": text, "confidence": 0.9, "words": words}]},
        "metadata": {"request_id": "r"},
    })
    .to_string()
}

fn interim(start: f64, end: f64, text: &str) -> Step {
    Step::Say(results(start, end, text, false, false))
}

fn settled(start: f64, end: f64, text: &str) -> Step {
    Step::Say(results(start, end, text, true, false))
}

fn flushed(start: f64, end: f64, text: &str) -> Step {
    Step::Say(results(start, end, text, true, true))
}

fn asked(times: usize) -> Step {
    Step::Text("Finalize", times)
}

fn nova(server: &Server) -> Service {
    service("deepgram", server.url())
}

fn impatient(server: &Server) -> Service {
    Service {
        patience: Patience {
            connect: Duration::from_millis(300),
            gap: Duration::from_millis(200),
            ..Patience::default()
        },
        ..nova(server)
    }
}

#[tokio::test]
async fn a_turn_is_heard_as_it_grows_and_every_byte_arrives() {
    let server = Server::playing([vec![
        Step::Sound(8000),
        interim(0.0, 0.9, "to"),
        Step::Cue,
        settled(0.0, 1.0, "two teas"),
        asked(1),
        flushed(1.0, 1.5, "please"),
    ]])
    .await;
    let mut service = nova(&server);
    service.language = Some("en-GB".to_owned());
    service.options = options(json!({"endpointing": 500, "keyterm": ["Ann", "tea"], "smart_format": null}));
    let mut ear = Ear::new(&service);
    assert_eq!(ear.next().await, Heard::Ready);
    ear.sound(500).await;
    ear.begin(1, 500).await;
    ear.sound(500).await;
    assert_eq!(ear.next().await, words(1, "to", None));
    server.cue();
    assert_eq!(ear.next().await, words(1, "two teas", None));
    ear.sound(500).await;
    ear.flush(1, 7).await;
    assert_eq!(ear.answer(7).await, [words(1, "two teas please", 7)]);
    ear.sound(20).await;
    ear.stop().await;

    server
        .until(|seen| seen[0].texts.last().is_some_and(|text| text.contains("CloseStream")))
        .await;
    let seen = server.seen().remove(0);
    assert_eq!(seen.sound, pattern(0, 12_160));
    assert!(seen.pieces.iter().all(|piece| *piece <= 1600), "{:?}", seen.pieces);
    assert!(seen.pieces[..20].iter().all(|piece| *piece >= 320), "{:?}", seen.pieces);
    assert_eq!(seen.texts, [r#"{"type":"Finalize"}"#, r#"{"type":"CloseStream"}"#]);
    assert_eq!(seen.authorization.as_deref(), Some("Token secret-key"));
    let (path, query) = seen.target.split_once('?').expect("a query");
    assert_eq!(path, "/v1/listen");
    let mut query: Vec<&str> = query.split('&').collect();
    query.sort_unstable();
    assert_eq!(
        query,
        [
            "channels=1",
            "encoding=mulaw",
            "endpointing=500",
            "interim_results=true",
            "keyterm=Ann",
            "keyterm=tea",
            "language=en-GB",
            "model=nova-3",
            "sample_rate=8000"
        ]
    );
}

#[tokio::test]
async fn words_that_come_late_are_not_given_to_the_next_utterance() {
    let server = Server::playing([vec![
        asked(1),
        flushed(0.0, 1.0, "the first"),
        Step::Cue,
        settled(0.8, 1.1, "late"),
        settled(1.1, 3.0, "a b the second"),
        asked(2),
        flushed(3.0, 3.0, ""),
    ]])
    .await;
    let mut ear = Ear::new(&nova(&server));
    assert_eq!(ear.next().await, Heard::Ready);
    ear.begin(1, 0).await;
    ear.sound(1000).await;
    ear.flush(1, 1).await;
    assert_eq!(ear.answer(1).await, [words(1, "the first", 1)]);
    ear.sound(1000).await;
    ear.end(1).await;
    ear.sound(1000).await;
    ear.begin(2, 900).await;
    ear.flush(2, 2).await;
    server.cue();
    assert_eq!(
        ear.answer(2).await.last(),
        Some(&words(2, "the second", 2)),
        "what was said before 2.1 s is the first utterance's"
    );
    ear.stop().await;
}

#[tokio::test]
async fn an_empty_final_is_an_answer_and_repeated_finals_are_one() {
    let server = Server::playing([vec![
        asked(1),
        settled(0.0, 0.3, ""),
        flushed(0.3, 0.4, ""),
        asked(2),
        settled(0.4, 0.8, "yes"),
        settled(0.4, 0.8, "yes"),
        Step::Say(r#"{"type":"UtteranceEnd","channel":[0,1],"last_word_end":0.4}"#.to_owned()),
        Step::Say(r#"{"type":"SpeechStarted","timestamp":0.1}"#.to_owned()),
        flushed(0.4, 1.0, "yes"),
    ]])
    .await;
    let mut ear = Ear::new(&nova(&server));
    assert_eq!(ear.next().await, Heard::Ready);
    ear.begin(1, 0).await;
    ear.sound(400).await;
    ear.flush(1, 1).await;
    assert_eq!(ear.answer(1).await, [words(1, "", 1)]);
    ear.sound(600).await;
    ear.flush(1, 2).await;
    assert_eq!(ear.answer(2).await.last(), Some(&words(1, "yes", 2)));
    // An utterance that is over, or never was, has no words.
    ear.end(1).await;
    ear.flush(1, 3).await;
    assert_eq!(ear.answer(3).await, [words(1, "", 3)]);
    ear.stop().await;
}

#[tokio::test]
async fn frames_of_one_byte_and_bytes_and_unknown_messages_do_no_harm() {
    let server = Server::playing([vec![
        Step::Bytes(vec![1, 2, 3]),
        Step::Say(r#"{"type":"Brandnew","x":[]}"#.to_owned()),
        asked(1),
        Step::Drip(results(0.0, 0.5, "שלום לך", true, true)),
    ]])
    .await;
    let mut ear = Ear::new(&nova(&server));
    assert_eq!(ear.next().await, Heard::Ready);
    ear.begin(1, 0).await;
    ear.sound(500).await;
    ear.flush(1, 1).await;
    assert_eq!(ear.answer(1).await, [words(1, "שלום לך", 1)]);
    ear.stop().await;
}

#[tokio::test]
async fn a_refusal_has_its_class_and_tells_no_key() {
    let body = r#"{"err_code":"INVALID_AUTH","message":"bad credentials"}"#;
    for (status, class) in [
        (401, ErrorClass::Auth),
        (402, ErrorClass::Quota),
        (400, ErrorClass::BadRequest),
        (429, ErrorClass::Quota),
        (503, ErrorClass::Transient),
        (200, ErrorClass::Protocol),
    ] {
        let server = Server::playing([vec![Step::Refuse(status, body)]]).await;
        let error = Ear::new(&nova(&server)).failure().await;
        assert_eq!(error.class(), class, "{status}: {error}");
        assert!(!format!("{error:?}").contains("secret-key"), "{error:?}");
        assert_eq!(server.seen().len(), 1, "whoever asked chooses another provider at once");
    }
    let server = Server::playing([vec![Step::Ignore]]).await;
    let error = Ear::new(&impatient(&server)).failure().await;
    assert_eq!(error.class(), ErrorClass::Timeout);
}

#[tokio::test]
async fn complaints_and_junk_end_it_with_their_class() {
    let huge = format!("\"{}\"", "x".repeat(300 * 1024));
    for (text, class) in [
        (
            r#"{"type":"Error","err_code":"INVALID_AUTH","err_msg":"no"}"#,
            ErrorClass::Auth,
        ),
        ("<html>", ErrorClass::Protocol),
        (r#"{"type":"Results","start":"soon"}"#, ErrorClass::Protocol),
        (huge.as_str(), ErrorClass::Protocol),
    ] {
        let server = Server::playing([vec![Step::Say(text.to_owned())]]).await;
        let error = Ear::new(&nova(&server)).failure().await;
        assert_eq!(error.class(), class, "{error}");
        assert_eq!(server.seen().len(), 1);
    }
    let server = Server::playing([vec![Step::Close(1008, "DATA-0000")]]).await;
    assert_eq!(Ear::new(&nova(&server)).failure().await.class(), ErrorClass::Auth);
}

#[tokio::test]
async fn an_utterance_is_said_again_after_each_kind_of_outage() {
    for outage in [
        Step::Close(1011, "NET-0001"),
        Step::Reset,
        Step::Drop,
        Step::Close(1000, ""),
    ] {
        let server = Server::playing([
            vec![
                Step::Sound(16_000),
                interim(0.5, 1.9, "two trees"),
                asked(1),
                outage.clone(),
            ],
            vec![asked(1), flushed(0.0, 1.2, "two teas")],
        ])
        .await;
        let mut ear = Ear::new(&nova(&server));
        assert_eq!(ear.next().await, Heard::Ready);
        ear.sound(1000).await;
        ear.begin(1, 200).await;
        ear.sound(1000).await;
        assert_eq!(ear.next().await, words(1, "two trees", None), "{outage:?}");
        ear.flush(1, 1).await;
        assert_eq!(ear.answer(1).await.last(), Some(&words(1, "two teas", 1)), "{outage:?}");
        ear.sound(100).await;
        ear.stop().await;
        server.until(|seen| seen[1].sound.len() >= 10_400).await;
        let seen = server.seen();
        assert_eq!(seen[0].sound, pattern(0, 16_000));
        assert_eq!(
            seen[1].sound,
            pattern(6400, 16_800),
            "from the utterance's begin on, {outage:?}"
        );
    }
}

#[tokio::test]
async fn sound_that_came_before_the_connection_is_not_lost() {
    let server = Server::playing([vec![asked(1), flushed(0.0, 1.0, "hello")]]).await;
    let mut ear = Ear::new(&nova(&server));
    // All of it waits in the queue before the listener runs for the first time.
    ear.sound(600).await;
    ear.begin(3, 600).await;
    ear.sound(400).await;
    ear.flush(3, 1).await;
    assert_eq!(ear.next().await, Heard::Ready);
    assert_eq!(ear.answer(1).await, [words(3, "hello", 1)]);
    server.until(|seen| seen[0].sound == pattern(0, 8000)).await;
    ear.stop().await;
}

#[tokio::test]
async fn a_service_that_hangs_up_again_and_again_is_given_up() {
    let server = Server::playing((0..9).map(|_| vec![Step::Close(1011, "boom")])).await;
    let error = Ear::new(&nova(&server)).failure().await;
    assert_eq!(error.class(), ErrorClass::Transient);
    assert!(error.to_string().contains("1011"), "{error}");
    assert_eq!(server.seen().len(), 3);

    // One that cannot be reached any more is tried three times.
    let server = Server::playing([vec![Step::Drop]]).await;
    let error = Ear::new(&nova(&server)).failure().await;
    assert_eq!(error.class(), ErrorClass::Transient);
    assert_eq!(server.seen().len(), 4);
}

#[tokio::test]
async fn what_is_too_long_to_be_said_again_is_an_error() {
    let server = Server::playing([vec![Step::Sound(248_000), Step::Reset], vec![]]).await;
    let mut ear = Ear::new(&nova(&server));
    assert_eq!(ear.next().await, Heard::Ready);
    ear.begin(1, 0).await;
    ear.sound(31_000).await;
    assert_eq!(ear.failure().await.class(), ErrorClass::Transient);
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_service_that_says_nothing_is_waited_for_and_then_left() {
    let server = Server::playing([vec![], vec![asked(1), Step::Cue, flushed(0.0, 0.4, "hello")]]).await;
    let mut ear = Ear::new(&impatient(&server));
    ear.begin(1, 0).await;
    ear.sound(400).await;
    assert_eq!(ear.next().await, Heard::Ready);
    ear.flush(1, 1).await;
    assert_eq!(ear.answer(1).await, [words(1, "", 1)], "no words are made up");
    ear.flush(1, 2).await;
    server.until(|seen| seen.len() == 2 && !seen[1].texts.is_empty()).await;
    server.cue();
    assert_eq!(ear.answer(2).await.last(), Some(&words(1, "hello", 2)));
    assert_eq!(server.seen()[1].sound, pattern(0, 3200));
    ear.stop().await;
}

#[tokio::test]
async fn the_first_words_may_come_late_and_a_flush_waits_for_them() {
    let server = Server::playing([vec![
        asked(1),
        // Longer than it waits where all words seem to be there.
        Step::Cue,
        flushed(0.0, 0.4, "slow"),
    ]])
    .await;
    let mut ear = Ear::new(&nova(&server));
    ear.begin(1, 0).await;
    ear.sound(400).await;
    assert_eq!(ear.next().await, Heard::Ready);
    ear.flush(1, 1).await;
    server.until(|seen| !seen[0].texts.is_empty()).await;
    let early = tokio::time::timeout(Duration::from_millis(1200), ear.next()).await;
    assert!(early.is_err(), "{early:?}");
    server.cue();
    assert_eq!(ear.answer(1).await, [words(1, "slow", 1)]);
    ear.stop().await;
}

#[tokio::test]
async fn where_nothing_is_left_to_say_a_missing_answer_is_not_waited_for() {
    let server = Server::playing([vec![Step::Sound(8000), settled(0.0, 0.9, "that is all")]]).await;
    let mut service = nova(&server);
    service.patience.gap = LONG * 3;
    let mut ear = Ear::new(&service);
    ear.begin(1, 0).await;
    ear.sound(1000).await;
    assert_eq!(ear.next().await, Heard::Ready);
    assert_eq!(ear.next().await, words(1, "that is all", None));
    ear.flush(1, 1).await;
    assert_eq!(ear.answer(1).await, [words(1, "that is all", 1)]);
    ear.stop().await;
}

#[tokio::test]
async fn an_idle_connection_is_kept() {
    let nova_server = Server::playing([vec![]]).await;
    let flux_server = Server::playing([vec![]]).await;
    let idle = Ear::new(&nova(&nova_server));
    let silent = Ear::new(&service("deepgram_flux", flux_server.url()));
    tokio::join!(
        nova_server.until(|seen| seen
            .first()
            .is_some_and(|seen| seen.texts == [r#"{"type":"KeepAlive"}"#])),
        flux_server.until(|seen| seen.first().is_some_and(|seen| seen.sound == [0xFF; 800])),
    );
    idle.stop().await;
    silent.stop().await;
}

#[tokio::test]
async fn it_ends_when_nobody_listens_to_it() {
    let server = Server::playing([vec![]]).await;
    let mut ear = Ear::new(&nova(&server));
    assert_eq!(ear.next().await, Heard::Ready);
    ear.heard.close();
    let ended = tokio::time::timeout(LONG, ear.run).await.expect("it ends");
    assert_eq!(ended.expect("no panic"), Ok(()));
}

#[tokio::test]
async fn results_that_nobody_takes_do_not_stop_it_from_listening() {
    let mut script = vec![Step::Sound(160)];
    script.extend((0..500).map(|n| interim(0.0, 0.02, &format!("guess{n}"))));
    script.extend([asked(1), flushed(0.0, 30.0, "done")]);
    let server = Server::playing([script]).await;
    let mut ear = Ear::new(&nova(&server));
    ear.begin(1, 0).await;
    ear.sound(10_000).await;
    ear.flush(1, 1).await;
    server
        .until(|seen| seen.first().is_some_and(|seen| seen.sound.len() == 80_000))
        .await;
    assert_eq!(ear.answer(1).await.last(), Some(&words(1, "done", 1)));
    ear.stop().await;
}
