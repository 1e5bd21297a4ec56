//! Whole utterances: OpenAI's protocol against a local server, and real programs.

use super::{Ear, LONG, options, pattern, service, words};
use crate::wire::{Answer, Seen, Wire};
use engine::audio::mulaw;
use engine::audio::wav;
use engine::providers::listen::{Heard, listener};
use engine::providers::{ErrorClass, Patience, Service};
use serde_json::json;
use std::time::Duration;

fn openai(server: &Wire) -> Service {
    service("openai", server.url("/v1"))
}

/// A part of a form: its content.
fn part(seen: &Seen, name: &str) -> Option<Vec<u8>> {
    let kind = seen.header("content-type").expect("a form");
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").expect("a boundary");
    let find = |text: &[u8], from: usize| {
        let mut windows = seen.body[from..].windows(text.len());
        windows.position(|window| window == text).map(|at| at + from)
    };
    let mark = find(format!("name=\"{name}\"").as_bytes(), 0)?;
    let from = find(b"\r\n\r\n", mark)? + 4;
    let to = find(format!("\r\n--{boundary}").as_bytes(), from)?;
    Some(seen.body[from..to].to_vec())
}

/// The sound of a request as mu-law.
fn ulaw(seen: &Seen) -> Vec<u8> {
    let file = part(seen, "file").expect("a file");
    let wav = wav::read(&file).expect("a WAV file");
    assert_eq!((wav.rate, wav.channels), (8000, 1));
    let samples: Vec<i16> = wav.samples.iter().map(|sample| (sample * 32768.0) as i16).collect();
    mulaw::encode_all(&samples)
}

/// What a byte becomes on its way through PCM: mu-law has two zeros.
fn through_pcm(sound: &[u8]) -> Vec<u8> {
    mulaw::encode_all(&mulaw::decode_all(sound))
}

#[tokio::test]
async fn each_flush_sends_the_utterance_so_far_from_its_begin() {
    let server = Wire::answering([
        Answer::json(200, r#"{"text":" two trees"}"#),
        Answer::json(200, r#"{"text":"two teas please\n"}"#),
    ])
    .await;
    let mut service = openai(&server);
    service.language = Some("en-GB".to_owned());
    service.options = options(json!({"prompt": "Ann", "temperature": 0, "include": ["logprobs"]}));
    let mut ear = Ear::new(&service);
    assert_eq!(ear.next().await, Heard::Ready);
    ear.sound(2000).await;
    ear.begin(1, 400).await;
    ear.sound(600).await;
    ear.flush(1, 1).await;
    assert_eq!(ear.next().await, words(1, "two trees", 1));
    ear.sound(1000).await;
    ear.flush(1, 2).await;
    assert_eq!(ear.next().await, words(1, "two teas please", 2));
    ear.end(1).await;
    ear.stop().await;

    let seen = server.requests();
    assert_eq!(seen.len(), 2);
    assert_eq!(ulaw(&seen[0]), through_pcm(&pattern(12_800, 20_800)));
    assert_eq!(ulaw(&seen[1]), through_pcm(&pattern(12_800, 28_800)));
    assert_eq!(seen[0].target, "/v1/audio/transcriptions");
    assert_eq!(seen[0].header("authorization"), Some("Bearer secret-key"));
    for (name, value) in [
        ("model", "gpt-4o-mini-transcribe"),
        ("response_format", "json"),
        ("language", "en"),
        ("prompt", "Ann"),
        ("temperature", "0"),
        ("include[]", "logprobs"),
    ] {
        assert_eq!(part(&seen[0], name).as_deref(), Some(value.as_bytes()), "{name}");
    }
}

#[tokio::test]
async fn words_come_one_by_one_where_the_service_streams() {
    let body = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"two\"}\n\n\
        data: {\"type\":\"transcript.text.delta\",\"delta\":\" teas\"}\n\n\
        data: {\"type\":\"transcript.text.done\",\"text\":\"two teas.\",\"usage\":{}}\n\n";
    let server = Wire::answering([Answer::with(200, "text/event-stream; charset=utf-8", body)]).await;
    let mut service = openai(&server);
    service.options = options(json!({"stream": true}));
    let mut ear = Ear::new(&service);
    ear.begin(1, 0).await;
    ear.sound(600).await;
    ear.flush(1, 1).await;
    assert_eq!(
        ear.answer(1).await,
        [
            Heard::Ready,
            words(1, "two", None),
            words(1, "two teas", None),
            words(1, "two teas.", 1)
        ]
    );
    ear.stop().await;
    assert_eq!(part(&server.request(), "stream").as_deref(), Some(&b"true"[..]));
}

#[tokio::test]
async fn what_is_too_short_is_not_sent_and_what_was_made_up_is_not_told() {
    let server = Wire::answering([
        Answer::json(200, r#"{"text":"Thank you."}"#),
        Answer::json(200, r#"{"text":"Thanks for watching!"}"#),
    ])
    .await;
    let mut ear = Ear::new(&openai(&server));
    assert_eq!(ear.next().await, Heard::Ready);
    ear.begin(1, 0).await;
    ear.sound(280).await;
    ear.flush(1, 1).await;
    assert_eq!(ear.next().await, words(1, "", 1));
    assert_eq!(server.requests().len(), 0);
    ear.sound(100).await;
    ear.flush(1, 2).await;
    assert_eq!(ear.next().await, words(1, "Thank you.", 2), "somebody made a noise");
    ear.flush(1, 3).await;
    assert_eq!(ear.next().await, words(1, "", 3));
    ear.stop().await;
}

#[tokio::test]
async fn a_newer_flush_gives_the_older_up_and_so_does_the_end() {
    let server = Wire::answering([
        Answer::Silence,
        Answer::json(200, r#"{"text":"new"}"#),
        Answer::Silence,
        Answer::json(200, r#"{"text":"next"}"#),
    ])
    .await;
    let arrived = |count: usize| {
        let server = &server;
        async move {
            while server.requests().len() < count {
                tokio::task::yield_now().await;
            }
        }
    };
    let mut ear = Ear::new(&openai(&server));
    assert_eq!(ear.next().await, Heard::Ready);
    ear.begin(1, 0).await;
    ear.sound(400).await;
    ear.flush(1, 1).await;
    arrived(1).await;
    ear.flush(1, 2).await;
    assert_eq!(ear.next().await, words(1, "new", 2));
    ear.flush(1, 3).await;
    arrived(3).await;
    ear.end(1).await;
    ear.begin(2, 0).await;
    ear.sound(400).await;
    ear.flush(2, 4).await;
    assert_eq!(
        ear.next().await,
        words(2, "next", 4),
        "the words of the first never come"
    );
    ear.stop().await;
}

#[tokio::test]
async fn a_passing_failure_is_tried_once_more_and_others_have_their_class() {
    use ErrorClass::*;
    let fine = Answer::json(200, r#"{"text":"fine"}"#);
    for failure in [Answer::json(503, ""), Answer::Reset] {
        let server = Wire::answering([failure, fine.clone()]).await;
        let mut ear = Ear::new(&openai(&server));
        ear.begin(1, 0).await;
        ear.sound(400).await;
        ear.flush(1, 1).await;
        assert_eq!(ear.answer(1).await.last(), Some(&words(1, "fine", 1)));
        assert_eq!(server.requests().len(), 2);
        ear.stop().await;
    }
    let broken = "data: {\"type\":\"transcript.text.delta\",\"delta\":\"two\"}\n\n";
    for (answer, class, times) in [
        (Answer::json(401, r#"{"error":{"message":"bad key"}}"#), Auth, 1),
        (Answer::json(429, ""), Quota, 1),
        (Answer::json(400, ""), BadRequest, 1),
        (Answer::json(200, "<html>"), Protocol, 1),
        (Answer::json(200, r#"{"txt":""}"#), Protocol, 1),
        (
            Answer::Stream {
                start: "{".into(),
                total: 4 << 20,
            },
            Protocol,
            1,
        ),
        (Answer::with(200, "text/event-stream", "data: {\n\n"), Protocol, 1),
        (Answer::with(200, "text/event-stream", broken), Transient, 2),
        (Answer::json(500, ""), Transient, 2),
        (Answer::Silence, Timeout, 1),
    ] {
        let server = Wire::answering([answer.clone()]).await;
        let mut service = openai(&server);
        if matches!(answer, Answer::Silence) {
            service.patience = Patience {
                first: Duration::from_millis(200),
                ..Patience::default()
            };
        }
        let mut ear = Ear::new(&service);
        ear.begin(1, 0).await;
        ear.sound(400).await;
        ear.flush(1, 1).await;
        let error = ear.failure().await;
        assert_eq!(error.class(), class, "{answer:?}: {error}");
        assert_eq!(server.requests().len(), times, "{answer:?}");
    }
}

fn program(text: &str) -> Service {
    let run = ["sh", "-c", text, "hear", "{file}", "{language}"];
    Service {
        kind: "command".to_owned(),
        run: run.map(str::to_owned).to_vec(),
        language: Some("he-IL".to_owned()),
        ..Service::default()
    }
}

#[tokio::test]
async fn a_program_writes_down_what_was_said() {
    let mut ear = Ear::new(&program(r#"echo "$2 $(wc -c < "$1") bytes""#));
    assert_eq!(ear.next().await, Heard::Ready);
    ear.begin(1, 0).await;
    ear.sound(500).await;
    ear.flush(1, 1).await;
    assert_eq!(ear.next().await, words(1, "he 8044 bytes", 1));
    ear.stop().await;

    let mut ear = Ear::new(&program("echo no model >&2; exit 3"));
    ear.begin(1, 0).await;
    ear.sound(500).await;
    ear.flush(1, 1).await;
    let error = ear.failure().await;
    assert!(
        error.class() == ErrorClass::Transient && error.to_string().contains("no model"),
        "{error}"
    );
}

#[tokio::test]
async fn a_program_that_is_given_up_is_ended() {
    let folder = tempfile::tempdir().expect("a folder");
    let fifo = folder.path().join("alive");
    let made = std::process::Command::new("mkfifo")
        .arg(&fifo)
        .status()
        .expect("mkfifo");
    assert!(made.success());
    // Reading the pipe ends only when the program that holds it is gone.
    let mut ear = Ear::new(&program(&format!(
        "exec 3>'{}'; echo up >&3; sleep 600; :",
        fifo.display()
    )));
    assert_eq!(ear.next().await, Heard::Ready);
    ear.begin(1, 0).await;
    ear.sound(500).await;
    ear.flush(1, 1).await;
    let (up, is_up) = tokio::sync::oneshot::channel();
    let (gone, is_gone) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        use std::io::BufRead;
        let file = std::fs::File::open(fifo).expect("the pipe");
        let mut lines = std::io::BufReader::new(file).lines();
        up.send(lines.next().expect("a line").expect("text"))
            .expect("the test waits");
        gone.send(lines.count()).expect("the test waits");
    });
    assert_eq!(
        tokio::time::timeout(LONG, is_up).await.expect("it starts"),
        Ok("up".to_owned())
    );
    ear.end(1).await;
    assert_eq!(tokio::time::timeout(LONG, is_gone).await.expect("it was ended"), Ok(0));
    ear.stop().await;
}

#[test]
fn a_program_that_is_not_told_the_file_is_no_listener() {
    for run in [&[][..], &["{file}"], &["hear", "file"]] {
        let service = Service {
            kind: "command".to_owned(),
            run: run.iter().map(|word| word.to_string()).collect(),
            ..Service::default()
        };
        let error = listener(&service).err().expect("a refusal");
        assert_eq!(error.class(), ErrorClass::BadRequest);
    }
}
