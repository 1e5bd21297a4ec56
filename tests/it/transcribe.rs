//! Transcribers: the OpenAI protocol against a local server, and real commands.

use std::sync::Arc;
use std::time::Duration;

use engine::providers::transcribe::{
    Audio, CommandConfig, OpenAiConfig, Transcriber, TranscriberConfig, Transcript, transcriber,
};
use engine::providers::{ErrorClass, ProviderError};

use crate::wire::{Answer, Wire};

fn audio(mime: &str) -> Audio {
    Audio {
        bytes: (&b"RIFF....WAVEsound"[..]).into(),
        mime: mime.to_owned(),
    }
}

fn openai(base_url: String, timeout: Duration) -> Arc<dyn Transcriber> {
    transcriber(TranscriberConfig::OpenAi(OpenAiConfig {
        base_url,
        api_key: Some("sk-secret".into()),
        model: "whisper-1".to_owned(),
        prompt: Some("נדל\"ן".to_owned()),
        timeout,
    }))
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn the_form_holds_the_file_and_its_language() {
    let server = Wire::answering([Answer::json(
        200,
        r#"{"text":" שלום \n","usage":{"type":"duration","seconds":3.5}}"#,
    )])
    .await;
    let result = openai(server.url("/v1/"), LONG)
        .transcribe(audio("audio/x-wav"), Some("he-IL"))
        .await;
    assert_eq!(
        result,
        Ok(Transcript {
            text: "שלום".to_owned(),
            seconds: Some(3.5)
        })
    );

    let seen = server.request();
    assert_eq!(
        (seen.method.as_str(), seen.target.as_str()),
        ("POST", "/v1/audio/transcriptions")
    );
    assert_eq!(seen.header("authorization"), Some("Bearer sk-secret"));
    assert!(
        seen.header("content-length").is_some(),
        "some servers refuse chunked uploads"
    );
    let boundary = seen
        .header("content-type")
        .and_then(|t| t.strip_prefix("multipart/form-data; boundary="))
        .expect("a boundary")
        .to_owned();
    let body = String::from_utf8(seen.body.to_vec()).expect("text");
    let parts: Vec<&str> = body.split(&format!("--{boundary}")).collect();
    let part = |name: &str| {
        let mark = format!("name=\"{name}\"");
        let part = parts
            .iter()
            .find(|part| part.contains(&mark))
            .unwrap_or_else(|| panic!("no {name} in {body}"));
        let (head, content) = part.split_once("\r\n\r\n").expect("a head");
        (head.to_owned(), content.trim_end_matches("\r\n").to_owned())
    };
    let (head, content) = part("file");
    assert!(
        head.contains("filename=\"recording.wav\"") && head.to_lowercase().contains("content-type: audio/x-wav"),
        "{head}"
    );
    assert_eq!(content, "RIFF....WAVEsound");
    for (name, value) in [
        ("model", "whisper-1"),
        ("language", "he"),
        ("response_format", "json"),
        ("prompt", "נדל\"ן"),
    ] {
        assert_eq!(part(name).1, value);
    }
}

#[tokio::test]
async fn silence_is_an_empty_text() {
    let server = Wire::answering([Answer::json(200, r#"{"text":""}"#)]).await;
    let result = openai(server.url(""), LONG).transcribe(audio("audio/mpeg"), None).await;
    assert_eq!(result, Ok(Transcript::default()));
    let body = String::from_utf8(server.request().body.to_vec()).expect("text");
    assert!(
        body.contains("recording.mp3") && !body.contains("\"language\""),
        "{body}"
    );
}

#[tokio::test]
async fn every_failure_has_its_class() {
    use ErrorClass::*;
    let error = r#"{"error":{"message":"Incorrect API key provided: sk-secret","type":"x"}}"#;
    let cases = [
        (Answer::json(401, error), Auth),
        (Answer::json(403, ""), Auth),
        (Answer::json(400, error), BadRequest),
        (Answer::json(404, ""), BadRequest),
        (Answer::json(413, ""), BadRequest),
        (Answer::json(429, error), Quota),
        (Answer::json(500, "oops"), Transient),
        (Answer::json(503, ""), Transient),
        (Answer::redirect(302, "/elsewhere"), Protocol),
        (Answer::json(200, "<html>"), Protocol),
        (Answer::json(200, r#"{"txt":""}"#), Protocol),
        (Answer::Reset, Transient),
        (Answer::Silence, Timeout),
    ];
    for (answer, class) in cases {
        let server = Wire::answering([answer.clone()]).await;
        let timeout = if matches!(answer, Answer::Silence) {
            Duration::from_millis(200)
        } else {
            LONG
        };
        let failed = openai(server.url(""), timeout)
            .transcribe(audio("audio/wav"), None)
            .await
            .expect_err("a failure");
        assert_eq!(failed.class(), class, "{answer:?}: {failed}");
        assert!(!format!("{failed} {failed:?}").contains("sk-secret"), "{failed}");
        assert_eq!(server.requests().len(), 1);
    }
    let server = Wire::answering([Answer::json(429, "").header("retry-after", "9")]).await;
    let failed = openai(server.url(""), LONG)
        .transcribe(audio("audio/wav"), None)
        .await
        .expect_err("a failure");
    assert_eq!(failed.retry_after(), Some(Duration::from_secs(9)));
}

#[tokio::test]
async fn openai_itself_is_not_asked_without_a_key_but_a_local_server_is() {
    let failed = transcriber(TranscriberConfig::OpenAi(OpenAiConfig::default()))
        .transcribe(audio("audio/wav"), None)
        .await;
    assert_eq!(failed.expect_err("no key").class(), ErrorClass::Auth);

    let server = Wire::answering([Answer::json(200, r#"{"text":"a"}"#)]).await;
    let local = OpenAiConfig {
        base_url: server.url("/v1"),
        ..OpenAiConfig::default()
    };
    transcriber(TranscriberConfig::OpenAi(local))
        .transcribe(audio("audio/wav"), None)
        .await
        .expect("a text");
    assert_eq!(server.request().header("authorization"), None);
}

fn command(argv: &[&str], timeout: Duration) -> Arc<dyn Transcriber> {
    transcriber(TranscriberConfig::Command(CommandConfig {
        argv: argv.iter().map(|argument| argument.to_string()).collect(),
        timeout,
        max_output: 100_000,
    }))
}

fn script(text: &str, timeout: Duration) -> Arc<dyn Transcriber> {
    command(
        &["sh", "-c", text, "transcribe", "{file}", "--language={language}"],
        timeout,
    )
}

#[tokio::test]
async fn a_command_reads_the_file_and_its_output_is_the_text() {
    let result = script(r#"echo "$2 שלום"; echo "$1"; cat "$1"; ls -l "$1" | cut -c1-10"#, LONG)
        .transcribe(audio("audio/mpeg"), Some("he-IL"))
        .await;
    let text = result.expect("a text").text;
    let lines: Vec<&str> = text.lines().collect();
    assert_eq!(lines[0], "--language=he שלום");
    assert!(
        lines[1].ends_with("/recording.mp3") || lines[1].ends_with("-recording.mp3"),
        "{text}"
    );
    assert_eq!(lines[2], "RIFF....WAVEsound-rw-------");
    assert!(!std::path::Path::new(lines[1]).exists(), "the file is removed");

    let result = script("echo; exit 0", LONG).transcribe(audio("audio/wav"), None).await;
    assert_eq!(result, Ok(Transcript::default()));
    let result = script("echo \"$2\"", LONG).transcribe(audio("audio/wav"), None).await;
    assert_eq!(result.expect("a text").text, "--language=auto");
}

#[tokio::test]
async fn arguments_are_not_read_by_a_shell() {
    let result = command(&["printf", "%s", "{file};$(id)`id`"], LONG)
        .transcribe(audio("audio/wav"), None)
        .await;
    assert!(result.expect("a text").text.ends_with("recording.wav;$(id)`id`"));
    let failed = command(&["printf", "{file}"], LONG)
        .transcribe(audio("audio/wav"), Some("--help"))
        .await;
    assert_eq!(failed.expect_err("not a language").class(), ErrorClass::BadRequest);
}

#[tokio::test]
async fn a_failing_command_says_why() {
    let noisy = "i=0; while [ $i -lt 3000 ]; do echo 'loading the model, please wait' >&2; i=$((i+1)); done; echo 'out of memory' >&2; exit 1";
    let failed = script(noisy, LONG)
        .transcribe(audio("audio/wav"), None)
        .await
        .expect_err("exit 1");
    assert_eq!(failed.class(), ErrorClass::Transient);
    assert!(
        failed.to_string().contains("exit code 1") && failed.to_string().ends_with("out of memory"),
        "{failed}"
    );

    let failed = script("kill -9 $$", LONG)
        .transcribe(audio("audio/wav"), None)
        .await
        .expect_err("killed");
    assert_eq!(
        failed,
        ProviderError::Transient {
            detail: "ended by a signal".to_owned()
        }
    );

    let failed = script(r"printf '\377\376'", LONG)
        .transcribe(audio("audio/wav"), None)
        .await
        .expect_err("not UTF-8");
    assert_eq!(failed.class(), ErrorClass::Protocol);
}

#[tokio::test]
async fn output_without_end_is_cut_off() {
    let failed = script("yes", LONG)
        .transcribe(audio("audio/wav"), None)
        .await
        .expect_err("too much");
    assert_eq!(failed.class(), ErrorClass::Protocol);
}

#[tokio::test]
async fn what_is_set_up_wrongly_fails_for_good() {
    for argv in [&["/nowhere/transcribe", "{file}"][..], &["sh", "-c", "echo"], &[]] {
        let failed = command(argv, LONG)
            .transcribe(audio("audio/wav"), None)
            .await
            .expect_err("cannot run");
        assert_eq!(failed.class(), ErrorClass::BadRequest, "{failed}");
    }
}

#[tokio::test]
async fn a_slow_command_ends_at_the_time_limit() {
    let limit = Duration::from_millis(200);
    let failed = script("sleep 600; :", limit)
        .transcribe(audio("audio/wav"), None)
        .await
        .expect_err("too slow");
    assert_eq!(failed, ProviderError::Timeout { limit });
    assert!(failed.is_retryable());
}

#[tokio::test]
async fn a_command_that_is_given_up_is_killed_with_what_it_started() {
    let folder = tempfile::tempdir().expect("a folder");
    let fifo = folder.path().join("alive");
    let made = std::process::Command::new("mkfifo")
        .arg(&fifo)
        .status()
        .expect("mkfifo");
    assert!(made.success());
    // The inner shell holds the pipe open for writing; reading it ends only when that process is gone.
    let text = format!("sh -c 'exec 3>\"{}\"; echo up >&3; sleep 600; :'; :", fifo.display());
    let (up, is_up) = tokio::sync::oneshot::channel();
    let (gone, is_gone) = tokio::sync::oneshot::channel();
    std::thread::spawn(move || {
        use std::io::BufRead;
        let file = std::fs::File::open(fifo).expect("the pipe");
        let mut lines = std::io::BufReader::new(file).lines();
        let first = lines.next().expect("a line").expect("text");
        up.send(first).expect("the test waits");
        gone.send(lines.count()).expect("the test waits");
    });
    let running = tokio::spawn(async move { script(&text, LONG).transcribe(audio("audio/wav"), None).await });
    let first = tokio::time::timeout(LONG, is_up).await;
    assert_eq!(first.expect("it starts"), Ok("up".to_owned()));
    running.abort();
    let rest = tokio::time::timeout(LONG, is_gone).await;
    assert_eq!(rest.expect("the inner process was killed"), Ok(0));
}
