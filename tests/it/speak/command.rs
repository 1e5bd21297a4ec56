//! Programs on this machine as voices.

use super::{Voice, assert_speaks, sound_of};
use engine::audio::level::rms_dbfs;
use engine::audio::mulaw;
use engine::providers::speak::{Say, Spoken};
use engine::providers::{ErrorClass, Patience, Service};
use serde_json::json;
use std::time::Duration;

fn service(run: &[&str]) -> Service {
    Service {
        kind: "command".to_owned(),
        run: run.iter().map(|argument| (*argument).to_owned()).collect(),
        language: Some("en".to_owned()),
        patience: Patience {
            first: super::LONG,
            gap: super::LONG,
            ..Patience::default()
        },
        ..Service::default()
    }
}

/// A shell that writes this file of mu-law, then does something more.
fn shell(folder: &tempfile::TempDir, then: &str) -> Service {
    let path = folder.path().join("sound");
    std::fs::write(&path, sound_of("Good morning.")).unwrap();
    let mut service = service(&["sh", "-c", &format!("cat {}; {then}", path.display())]);
    service.options.insert("encoding".to_owned(), json!("mulaw"));
    service
}

#[tokio::test]
async fn espeak_speaks_from_an_argument_and_from_its_input() {
    if std::process::Command::new("espeak-ng")
        .arg("--version")
        .output()
        .is_err()
    {
        println!("skipped: espeak-ng (it is not installed)");
        return;
    }
    let text = "Good morning. How can I help you today?";
    for run in [
        &["espeak-ng", "--stdout", "-v", "{language}", "{text}"][..],
        &["espeak-ng", "--stdout", "-v", "{language}", "--stdin"],
    ] {
        let (piece, end) = Voice::one(&service(run), text).await;
        assert_eq!((piece.outcome, end), (Some(Ok(())), Ok(())));
        let seconds = piece.ulaw.len() as f64 / 8000.0;
        assert!((1.5..4.5).contains(&seconds), "{seconds} s");
        let level = rms_dbfs(&mulaw::decode_all(&piece.ulaw));
        assert!((-30.0..-8.0).contains(&level), "{level} dBFS");
    }
    let (piece, _) = Voice::one(&service(&["espeak-ng", "--stdout", "{text}"]), "--version 5").await;
    assert_eq!(piece.outcome, Some(Ok(())), "words are no options");
}

#[tokio::test]
async fn raw_sound_is_taken_and_bad_ends_are_errors() {
    let folder = tempfile::tempdir().unwrap();
    let (piece, _) = Voice::one(&shell(&folder, "cat >/dev/null"), "Good morning.").await;
    assert_eq!(piece.outcome, Some(Ok(())));
    assert_speaks(&piece.ulaw, "Good morning.");
    let cases = [
        (
            shell(&folder, "echo broken voice >&2; exit 3"),
            ErrorClass::Transient,
            "exit code 3: broken voice",
        ),
        (service(&["sh", "-c", "true"]), ErrorClass::Protocol, "no sound"),
        (
            service(&["sh", "-c", "head -c 100000 /dev/zero"]),
            ErrorClass::Protocol,
            "silence",
        ),
        (
            service(&["sh", "-c", "yes abcdefgh"]),
            ErrorClass::Protocol,
            "more than",
        ),
        (
            service(&["no-such-voice-program"]),
            ErrorClass::BadRequest,
            "cannot be started",
        ),
    ];
    for (service, class, words) in cases {
        let (piece, _) = Voice::one(&service, "Good morning.").await;
        let error = piece.outcome.expect("an outcome").expect_err("a failure");
        assert_eq!(error.class(), class, "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
    let mut slow = service(&["sh", "-c", "sleep 60"]);
    slow.patience.first = Duration::from_millis(200);
    let (piece, _) = Voice::one(&slow, "Good morning.").await;
    assert_eq!(piece.outcome.unwrap().unwrap_err().class(), ErrorClass::Timeout);
}

#[tokio::test]
async fn cancel_kills_the_program_and_what_it_started() {
    let folder = tempfile::tempdir().unwrap();
    let pid = folder.path().join("pid");
    // A child of the shell holds the output open; the shell waits for it.
    let service = shell(
        &folder,
        &format!(
            "sleep 300 & echo $! > {}.part; mv {}.part {}; wait",
            pid.display(),
            pid.display(),
            pid.display()
        ),
    );
    let mut voice = Voice::of(&service);
    voice.say(1, 0, "Good morning.").await;
    assert!(matches!(voice.next().await, Some(Spoken::Sound { .. })));
    let number = loop {
        match std::fs::read_to_string(&pid) {
            Ok(number) => break number.trim().to_owned(),
            Err(_) => tokio::task::yield_now().await,
        }
    };
    voice.order(Say::Cancel { generation: 1 }).await;
    // Gone, or a zombie that nobody has waited for.
    let gone = || match std::fs::read_to_string(format!("/proc/{number}/stat")) {
        Ok(stat) => stat
            .rsplit(')')
            .next()
            .is_some_and(|rest| rest.trim_start().starts_with(['Z', 'X'])),
        Err(_) => true,
    };
    let killed = async {
        while !gone() {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(super::LONG, killed)
        .await
        .expect("the whole group was killed");
    assert_eq!(voice.end().await, Ok(()));
}
